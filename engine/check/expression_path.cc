// Chains of `.` and `?.`: `g.account.owner?.manager`.
//
// A step reads a field of a row, of a table's row, or of every row of a collection (flattening).
// `?.` short-circuits the rest of its chain: right of it, `.` may follow a base that is unknown
// because of that `?.`, but not one that is unknown for a reason of its own. Example:
// in `a.owner?.name`, `a.owner` may be unknown and so is the whole; in `a.owner?.manager.name`,
// `.name` is refused, because a known owner may still have no manager.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "engine/check/check_codes.h"
#include "engine/check/expression_checker.h"

namespace rescind::check {

using typed::ExprKind;
using typed::ExprPtr;
using typed::Type;

namespace {

bool IsRowsLike(const Type& type) {
  return type.kind == Type::Kind::kRows ||
         (type.kind == Type::Kind::kSet && type.element == Type::Kind::kRow);
}

}  // namespace

ExpressionChecker::Path ExpressionChecker::CheckPath(const ast::Expr& expr) {
  const auto* field = expr.As<ast::FieldExpr>();
  if (field == nullptr) {
    Path path{Check(expr), false, false};
    path.own_optional = Sound(path.expr) && path.expr->type.optional;
    return path;
  }
  if (!field->field.ok()) return BadPath(expr.span);
  bool reported = false;
  if (const Symbol* symbol = FindSymbol(expr, reported)) {
    return {ValueOfSymbol(*symbol, expr.span), false, false};
  }
  if (reported) return BadPath(expr.span);
  Path base = CheckPath(*field->base);
  if (!Sound(base.expr)) return BadPath(expr.span);
  return Step(std::move(base), expr, *field);
}

ExpressionChecker::Path ExpressionChecker::Step(Path base, const ast::Expr& expr,
                                                const ast::FieldExpr& field) {
  bool guarded = false;
  if (base.expr->type.optional) {
    if (field.optional) {
      base.short_circuits = true;
    } else if (!base.short_circuits || base.own_optional) {
      if (IsInDoubt(*base.expr)) return BadPath(expr.span);
      const std::string text = state_.Text(base.expr->span);
      auto mistake =
          Mistake(kMayBeUnknown, base.expr->span, fmt::format("`{}` may be unknown", text));
      mistake.Label(fmt::format("this is `{}`", state_.Type(base.expr->type)));
      const Span dot{expr.span.file, base.expr->span.end, field.field.span.begin};
      // Nothing stands for a collection that is unknown, so passing that on ends in an error again.
      const bool may_pass = !IsCollectionField(base.expr->type, field.field.text);
      if (may_pass) {
        mistake.Help(fmt::format("pass the unknown on: `{}?.{}`", text, field.field.text),
                     {{dot, "?."}});
      }
      mistake.Help(
          fmt::format("{}require it before: `{} is known and …`", may_pass ? "or " : "", text));
      return BadPath(expr.span);
    }
    guarded = true;
  }
  if (base.expr->type.kind == Type::Kind::kRow) {
    return RowStep(std::move(base), expr, field.field, guarded);
  }
  if (base.expr->type.kind == Type::Kind::kTableRow) {
    return ColumnStep(std::move(base), expr, field.field, guarded);
  }
  if (IsRowsLike(base.expr->type)) return ManyStep(std::move(base), expr, field.field, guarded);
  return NoField(base, expr, field.field);
}

bool ExpressionChecker::IsCollectionField(const Type& base, std::string_view field) const {
  if (base.kind != Type::Kind::kRow) return false;
  const std::optional<FieldId> found = state_.schema().entity(base.entity).Find(field);
  if (!found) return false;
  const TypeKind kind = state_.schema().field(base.entity, *found).type.kind;
  return kind == TypeKind::kMany || kind == TypeKind::kSet;
}

ExpressionChecker::Path ExpressionChecker::NoField(const Path& base, const ast::Expr& expr,
                                                   const ast::Name& field) {
  const Type& type = base.expr->type;
  auto mistake = Mistake(kUnknownField, field.span,
                         fmt::format("`{}` has no `{}`", state_.Text(base.expr->span), field.text));
  std::vector<std::string> names;
  if (type.entity.valid() && type.kind != Type::Kind::kSet) {
    const EntityDef& entity = state_.schema().entity(type.entity);
    for (const FieldDef& known : entity.fields) names.push_back(known.name);
    names.emplace_back("id");
    mistake.Label(fmt::format("`{}` has no such field", entity.name));
  } else if (type.kind == Type::Kind::kTableRow) {
    for (const auto& column : state_.program.tables[type.table.index()].columns) {
      names.push_back(column.name);
    }
    mistake.Label("the table has no such column");
  } else {
    mistake.Label(fmt::format("it is `{}`, which has no fields", state_.Type(type)));
  }
  mistake.Suggest(field.text, field.span, names);
  if (!names.empty() && !DidYouMean(field.text, names)) {
    mistake.Help(fmt::format("there are {}", fmt::join(names, ", ")));
  }
  return BadPath(expr.span);
}

ExpressionChecker::Path ExpressionChecker::RowStep(Path base, const ast::Expr& expr,
                                                   const ast::Name& field, bool guarded) {
  const EntityId entity = base.expr->type.entity;
  const std::optional<FieldId> found = state_.schema().entity(entity).Find(field.text);
  ExprPtr value;
  bool own_optional = false;
  if (found) {
    const FieldDef& definition = state_.schema().field(entity, *found);
    const bool many = definition.type.kind == TypeKind::kMany;
    own_optional = definition.type.optional;
    value = Unary(many ? ExprKind::kMany : ExprKind::kField, TypeOfField(definition.type),
                  expr.span, std::move(base.expr));
    value->entity = entity;
    value->field = *found;
  } else if (field.text == "id") {
    Type text;
    text.kind = Type::Kind::kText;
    value = Unary(ExprKind::kId, text, expr.span, std::move(base.expr));
  } else {
    if (state_.FieldMayBeHidden(entity, field.text)) return BadPath(expr.span);
    return NoField(base, expr, field);
  }
  value->guarded = guarded;
  value->type.optional = own_optional || guarded;
  value = Narrowed(std::move(value));
  const bool optional = value->type.optional;
  return {std::move(value), base.short_circuits && optional, own_optional && optional};
}

ExpressionChecker::Path ExpressionChecker::ColumnStep(Path base, const ast::Expr& expr,
                                                      const ast::Name& field, bool guarded) {
  const auto& columns = state_.program.tables[base.expr->type.table.index()].columns;
  for (uint32_t i = 0; i < columns.size(); ++i) {
    if (columns[i].name != field.text) continue;
    ExprPtr value = Unary(ExprKind::kColumn, columns[i].type, expr.span, std::move(base.expr));
    value->column = i;
    value->guarded = guarded;
    value->type.optional = columns[i].type.optional || guarded;
    value = Narrowed(std::move(value));
    const bool optional = value->type.optional;
    return {std::move(value), base.short_circuits && optional,
            columns[i].type.optional && optional};
  }
  return NoField(base, expr, field);
}

// Of every member: a path through a collection flattens, each row once.
ExpressionChecker::Path ExpressionChecker::ManyStep(Path base, const ast::Expr& expr,
                                                    const ast::Name& field, bool guarded) {
  const EntityId entity = base.expr->type.entity;
  const std::optional<FieldId> found = state_.schema().entity(entity).Find(field.text);
  if (!found && state_.FieldMayBeHidden(entity, field.text)) return BadPath(expr.span);
  if (!found && field.text != "id") return NoField(base, expr, field);
  const bool rows =
      found && (IsRowsLike(TypeOfField(state_.schema().field(entity, *found).type)) ||
                state_.schema().field(entity, *found).type.kind == TypeKind::kReference);
  if (!rows) {
    const std::string collection = state_.Text(base.expr->span);
    const std::string member = NameOfMember(collection);
    Mistake(kValueOfMany, expr.span,
            fmt::format("`{}` are many rows, so `{}` is not one value", collection, field.text))
        .Help(fmt::format("ask about the members: `any({} in {} where {}.{} …)`", member,
                          collection, member, field.text))
        .Help(fmt::format("or take one of a time or date: `latest({}.{} for {} in {})`", member,
                          field.text, member, collection));
    return BadPath(expr.span);
  }
  Type type;
  type.kind = Type::Kind::kRows;
  type.entity = state_.schema().field(entity, *found).type.entity;
  type.optional = guarded;
  ExprPtr value = Unary(ExprKind::kFlatMap, type, expr.span, std::move(base.expr));
  value->entity = entity;
  value->field = *found;
  value->guarded = guarded;
  value = Narrowed(std::move(value));
  return {std::move(value), base.short_circuits, false};
}

}  // namespace rescind::check
