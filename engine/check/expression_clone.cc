#include "engine/check/expression_clone.h"

#include <map>

#include "engine/check/expression_kind.h"

namespace rescind {

namespace {

using BinderMap = std::map<typed::BinderId, typed::BinderId>;

typed::ExprPtr CopyNode(const typed::Expr& expr) {
  auto copy = std::make_unique<typed::Expr>();
  copy->kind = expr.kind;
  copy->compare = expr.compare;
  copy->guarded = expr.guarded;
  copy->type = expr.type;
  copy->span = expr.span;
  copy->entity = expr.entity;
  copy->field = expr.field;
  copy->column = expr.column;
  copy->let = expr.let;
  copy->binder = expr.binder;
  copy->param = expr.param;
  copy->list = expr.list;
  copy->table = expr.table;
  copy->name = expr.name;
  copy->text = expr.text;
  copy->definition = expr.definition;
  copy->constant = expr.constant;
  copy->constants = expr.constants;
  return copy;
}

// `program`: null keeps the binders.
typed::ExprPtr Copy(const typed::Expr& expr, typed::Program* program, BinderMap& binders) {
  typed::ExprPtr copy = CopyNode(expr);
  if (program != nullptr && check::IsCollectionKind(expr.kind)) {
    copy->binder = typed::BinderId(program->binder_count++);
    binders[expr.binder] = copy->binder;
  } else if (const auto renamed = binders.find(expr.binder); renamed != binders.end()) {
    copy->binder = renamed->second;
  }
  for (const auto& operand : expr.operands) {
    copy->operands.push_back(operand == nullptr ? nullptr : Copy(*operand, program, binders));
  }
  return copy;
}

}  // namespace

namespace typed {

const Expr& Strip(const Expr& expr) {
  const Expr* inner = &expr;
  while (inner->kind == ExprKind::kInlined) inner = inner->operands[0].get();
  return *inner;
}

ExprPtr Clone(const Expr& expr) {
  BinderMap binders;
  return Copy(expr, nullptr, binders);
}

}  // namespace typed

namespace check {

typed::ExprPtr CloneWithFreshBinders(const typed::Expr& expr, typed::Program& program) {
  BinderMap binders;
  return Copy(expr, &program, binders);
}

uint32_t CountNodes(const typed::Expr& expr) {
  uint32_t count = 1;
  for (const auto& operand : expr.operands) {
    if (operand != nullptr) count += CountNodes(*operand);
  }
  return count;
}

}  // namespace check
}  // namespace rescind
