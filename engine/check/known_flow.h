// KnownFlow: what is certainly known where a condition is true, and where it is false.
//
// The narrowing rules of the language, over typed expressions. Facts are canonical texts, so that
// `a.owner`, a let and an inlined define that mean the same narrow together.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "engine/check/typed_ast.h"

namespace rescind::check {

using KnownSet = std::set<std::string>;

class KnownFlow {
 public:
  // `lets` may still grow while it is used; may be null.
  KnownFlow(const typed::Program& program, const std::vector<typed::Let>* lets)
      : program_(program), lets_(lets) {}

  std::string Key(const typed::Expr& expr) const;
  // The same for conditions that say the same of the members of two collections.
  std::string KeyOfMember(const typed::Expr& condition, typed::BinderId member) const;
  // What the names of lets and defines stand for.
  const typed::Expr& Resolve(const typed::Expr& expr) const;
  KnownSet WhenTrue(const typed::Expr& condition) const { return Facts(condition, true); }
  KnownSet WhenFalse(const typed::Expr& condition) const { return Facts(condition, false); }

 private:
  KnownSet Facts(const typed::Expr& condition, bool answer) const;
  void AddKnown(const typed::Expr& operand, KnownSet& facts) const;

  const typed::Program& program_;
  const std::vector<typed::Let>* lets_;
};

}  // namespace rescind::check
