// CanonicalText: a typed expression as one line of text that says what it means and nothing else.
//
// Without places, comments and layout; bound variables are numbered, defines and lets are replaced
// by their values. Equal texts mean equal expressions: narrowing and a policy's meaning rest on it.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "engine/check/typed_ast.h"

namespace rescind::check {

class CanonicalText {
 public:
  // `lets`: of the policy that the expressions belong to; may be null when there are none.
  // Both outlive it.
  CanonicalText(const typed::Program& program, const std::vector<typed::Let>* lets)
      : program_(program), lets_(lets) {}

  // How a free variable prints; others as "$" + name.
  void Name(typed::BinderId binder, std::string text) { names_[binder] = std::move(text); }
  // Free variables without a name as "$" + their number: distinct variables stay distinct.
  void NumberFreeVariables() { number_free_ = true; }

  std::string Of(const typed::Expr& expr);
  std::string Of(const typed::Constant& constant) const;
  // Whether anything since the beginning counts in business days.
  bool counts_business_days() const { return counts_business_days_; }

 private:
  void Put(const typed::Expr& expr);
  void PutLeaf(const typed::Expr& expr);
  void PutPath(const typed::Expr& expr);
  void PutCall(std::string_view name, const typed::Expr& expr);
  void PutCollection(const typed::Expr& expr);
  void PutVariable(const typed::Expr& expr);

  const typed::Program& program_;
  const std::vector<typed::Let>* lets_;
  std::map<typed::BinderId, std::string> names_;
  bool number_free_ = false;
  bool counts_business_days_ = false;
  uint32_t depth_ = 0;  // of binders
  std::string text_;
};

}  // namespace rescind::check
