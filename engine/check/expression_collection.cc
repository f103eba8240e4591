// Collections: quantifiers, aggregates, filters. Their bodies see what is known outside; nothing
// that is learnt inside leaves them.
#include <fmt/format.h>

#include "engine/check/check_codes.h"
#include "engine/check/expression_checker.h"

namespace rescind::check {

using typed::ExprKind;
using typed::ExprPtr;
using typed::Type;

ExprPtr ExpressionChecker::CheckCollection(const ast::Expr& expr) {
  bool reported = false;
  const Symbol* symbol = FindSymbol(expr, reported);
  if (reported) return Poison(expr.span);
  if (symbol != nullptr && symbol->kind == SymbolKind::kTable) {
    state_.used_table[symbol->index] = true;
    if (!state_.sound_table[symbol->index]) return Poison(expr.span);
    Type type;
    type.kind = Type::Kind::kTableRows;
    type.table = typed::TableId(symbol->index);
    ExprPtr table = Make(ExprKind::kTable, type, expr.span);
    table->table = type.table;
    return table;
  }
  ExprPtr value = CheckKnown(expr, expr);
  if (!Sound(value)) return value;
  if (value->type.kind == Type::Kind::kRows || value->type.kind == Type::Kind::kTableRows) {
    return value;
  }
  if (value->type.kind == Type::Kind::kSet && value->type.element == Type::Kind::kRow) {
    Type rows;
    rows.kind = Type::Kind::kRows;
    rows.entity = value->type.entity;
    return Unary(ExprKind::kRowsOfSet, rows, expr.span, std::move(value));
  }
  const std::string text = state_.Text(expr.span);
  auto mistake =
      Mistake(kNotACollection, expr.span, fmt::format("`{}` is no collection of rows", text));
  mistake.Label(fmt::format("this is `{}`", state_.Type(value->type)));
  if (value->type.kind == Type::Kind::kSet) {
    mistake.Help(fmt::format("ask about a member: `{} has x`", text));
  } else {
    mistake.Help(
        "collections are `many` fields, sets of references, tables and `(x in … where …)`");
  }
  return Poison(expr.span);
}

bool ExpressionChecker::Bind(const ast::Binding& binding, typed::Expr& into) {
  ExprPtr collection = CheckCollection(*binding.collection);
  const bool sound = Sound(collection);
  Type member;
  if (sound) {
    const bool table = collection->type.kind == Type::Kind::kTableRows;
    member.kind = table ? Type::Kind::kTableRow : Type::Kind::kRow;
    member.entity = collection->type.entity;
    member.table = collection->type.table;
  }
  into.binder = state_.NewBinder();
  into.name = binding.variable.text;
  const size_t before = locals_.size();
  bool named = AddVariable(binding.variable, member, into.binder);
  if (locals_.size() == before) {
    locals_.push_back({"",
                       binding.variable.span,
                       Local::Kind::kVariable,
                       member,
                       into.binder,
                       0,
                       nullptr,
                       {},
                       false});
    named = false;
  }
  ExprPtr condition;
  bool condition_is_sound = true;
  if (binding.condition != nullptr) {
    condition = CheckCondition(*binding.condition);
    condition_is_sound = Sound(condition);
  }
  into.operands.push_back(std::move(collection));
  into.operands.push_back(std::move(condition));
  return sound && named && condition_is_sound;
}

void ExpressionChecker::Unbind() { locals_.pop_back(); }

ExprPtr ExpressionChecker::CheckQuantifier(const ast::Expr& expr,
                                           const ast::QuantifierExpr& quantifier) {
  ExprKind kind = ExprKind::kAny;
  Type type;
  type.kind = Type::Kind::kBool;
  switch (quantifier.op) {
    case ast::QuantifierOp::kAny: break;
    case ast::QuantifierOp::kAll: kind = ExprKind::kAll; break;
    case ast::QuantifierOp::kNo: kind = ExprKind::kNo; break;
    case ast::QuantifierOp::kCount:
      kind = ExprKind::kCount;
      type.kind = Type::Kind::kInt;
      break;
  }
  ExprPtr result = Make(kind, type, expr.span);
  const bool sound = Bind(quantifier.binding, *result);
  Unbind();
  return sound ? std::move(result) : Poison(expr.span);
}

ExprPtr ExpressionChecker::CheckAggregate(const ast::Expr& expr,
                                          const ast::AggregateExpr& aggregate) {
  using K = Type::Kind;
  const bool sum = aggregate.op == ast::AggregateOp::kSum;
  ExprKind kind = ExprKind::kSum;
  if (aggregate.op == ast::AggregateOp::kLatest) kind = ExprKind::kLatest;
  if (aggregate.op == ast::AggregateOp::kEarliest) kind = ExprKind::kEarliest;
  ExprPtr result = Make(kind, {}, expr.span);
  bool sound = Bind(aggregate.binding, *result);
  const KnownSet before = known_;
  if (Sound(result->operands[1])) {
    KnownSet more = flow_.WhenTrue(*result->operands[1]);
    known_.merge(more);
  }
  ExprPtr value = Check(*aggregate.value);
  known_ = before;
  Unbind();
  if (!sound || !Sound(value)) return Poison(expr.span);
  const bool fits = sum ? value->type.kind == K::kInt
                        : value->type.kind == K::kTime || value->type.kind == K::kDate;
  if (!fits) {
    Mistake(kTypeMismatch, value->span,
            sum ? "`sum` adds numbers" : "`latest` and `earliest` take a `time` or a `date`")
        .Label(fmt::format("this is `{}`", state_.Type(value->type)));
    return Poison(expr.span);
  }
  if (value->type.kind == K::kDate && value->type.moving) {
    ReportMoving(*value, "in `latest` or `earliest`");
    return Poison(expr.span);
  }
  result->type.kind = value->type.kind;
  result->type.moving = value->type.moving;
  result->type.optional = !sum;
  result->operands.push_back(std::move(value));
  return Narrowed(std::move(result));
}

ExprPtr ExpressionChecker::CheckFilter(const ast::Expr& expr, const ast::FilterExpr& filter) {
  ExprPtr result = Make(ExprKind::kFilter, {}, expr.span);
  const bool sound = Bind(filter.binding, *result);
  Unbind();
  if (!sound || result->operands[1] == nullptr) return Poison(expr.span);
  result->type = result->operands[0]->type;
  return result;
}

}  // namespace rescind::check
