// TimeChoices: where time gets into typed expressions, and into how many cases a comparison falls.
//
// A comparison of times around `now` is taken apart by cases, since no operand may move:
// `(a ?? now) + rest >= 0` is one comparison where `a` is known and another where it is not. Each
// such choice multiplies the cases of its comparison, so the checker bounds them and
// engine/compile, which makes them, need not. Remembers what it was asked; the trees must stay.
#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "engine/check/typed_ast.h"

namespace rescind::check {

class TimeChoices {
 public:
  // `lets`: those of the policy that the expressions belong to; may be null.
  explicit TimeChoices(const std::vector<typed::Let>* lets) : lets_(lets) {}

  // Whether its answer passes with time, by itself or through a condition inside it.
  bool Moves(const typed::Expr& expr);
  // Whether its value is made of `now` or `today` (or of members chosen by time), so that it must
  // be taken apart.
  bool NamesNow(const typed::Expr& expr);
  // How many cases the expression becomes as an operand of a comparison; at least 1, at most
  // kManyCases.
  uint64_t Cases(const typed::Expr& expr);
  static constexpr uint64_t kManyCases = uint64_t{1} << 32;

 private:
  const typed::Expr& Resolve(const typed::Expr& expr) const;
  uint64_t CasesInside(const typed::Expr& expr);

  const std::vector<typed::Let>* lets_;
  std::unordered_map<const typed::Expr*, bool> moves_;
  std::unordered_map<const typed::Expr*, bool> names_now_;
  std::unordered_map<const typed::Expr*, uint64_t> cases_;
  std::unordered_map<const typed::Expr*, uint64_t> cases_inside_;
};

}  // namespace rescind::check
