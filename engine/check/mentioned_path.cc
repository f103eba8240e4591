#include "engine/check/mentioned_path.h"

#include <variant>

namespace rescind::check {
namespace {

class Finder {
 public:
  void Visit(const ast::Expr& expr) {
    std::visit([&](const auto& node) { Into(expr, node); }, expr.node);
  }
  MentionedPaths Take() { return std::move(found_); }

 private:
  void Asked(const ast::Expr& expr) {
    const bool before = asked_;
    asked_ = true;
    Visit(expr);
    asked_ = before;
  }
  void Found(const ast::Expr& expr) { found_.paths.push_back({&expr, asked_}); }

  void Into(const ast::Expr& expr, const ast::NameExpr&) { Found(expr); }
  void Into(const ast::Expr& expr, const ast::FieldExpr& field) {
    const ast::Expr* base = field.base.get();
    while (const auto* inner = base->As<ast::FieldExpr>()) base = inner->base.get();
    if (base->As<ast::NameExpr>() != nullptr) {
      Found(expr);
    } else {
      Visit(*base);
    }
  }
  void Into(const ast::Expr&, const ast::KnownExpr& known) { Asked(*known.operand); }
  void Into(const ast::Expr&, const ast::CallExpr& call) {
    for (const auto& argument : call.arguments) Asked(*argument);
  }
  void Into(const ast::Expr&, const ast::SetLiteral& set) {
    for (const auto& item : set.items) Visit(*item);
  }
  void Into(const ast::Expr&, const ast::LogicalExpr& logical) {
    for (const auto& operand : logical.operands) Visit(*operand);
  }
  void Into(const ast::Expr&, const ast::NotExpr& node) { Visit(*node.operand); }
  void Into(const ast::Expr&, const ast::CompareExpr& node) { Both(node.left, node.right); }
  void Into(const ast::Expr&, const ast::InExpr& node) { Both(node.item, node.collection); }
  void Into(const ast::Expr&, const ast::HasExpr& node) { Both(node.set, node.item); }
  void Into(const ast::Expr&, const ast::TextRelationExpr& node) { Both(node.text, node.part); }
  void Into(const ast::Expr&, const ast::MatchesExpr& node) { Visit(*node.text); }
  void Into(const ast::Expr&, const ast::PassedExpr& node) { Visit(*node.moment); }
  void Into(const ast::Expr&, const ast::AgeExpr& node) { Both(node.moment, node.length); }
  void Into(const ast::Expr&, const ast::WithinNextExpr& node) { Both(node.moment, node.length); }
  void Into(const ast::Expr&, const ast::CoalesceExpr& node) { Both(node.left, node.right); }
  void Into(const ast::Expr&, const ast::ArithmeticExpr& node) { Both(node.left, node.right); }
  void Into(const ast::Expr&, const ast::NegateExpr& node) { Visit(*node.operand); }
  void Into(const ast::Expr&, const ast::QuantifierExpr& node) { Into(node.binding); }
  void Into(const ast::Expr&, const ast::FilterExpr& node) { Into(node.binding); }
  void Into(const ast::Expr&, const ast::AggregateExpr& node) {
    Visit(*node.value);
    Into(node.binding);
  }
  void Into(const ast::Expr&, const ast::ErrorExpr&) { found_.unreadable = true; }
  // Literals, `now` and `today` name nothing.
  template <typename Leaf>
  void Into(const ast::Expr&, const Leaf&) {}

  void Into(const ast::Binding& binding) {
    Visit(*binding.collection);
    if (binding.condition != nullptr) Visit(*binding.condition);
  }
  void Both(const ast::ExprPtr& first, const ast::ExprPtr& second) {
    Visit(*first);
    Visit(*second);
  }

  MentionedPaths found_;
  bool asked_ = false;
};

}  // namespace

MentionedPaths FindMentionedPaths(const ast::Expr& expr) {
  Finder finder;
  finder.Visit(expr);
  return finder.Take();
}

}  // namespace rescind::check
