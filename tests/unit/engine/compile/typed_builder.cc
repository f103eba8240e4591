#include "tests/unit/engine/compile/typed_builder.h"

#include <doctest/doctest.h>

namespace rescind::compile {
namespace {

using TypeOf = typed::Type::Kind;

FieldType Plain(TypeKind kind, bool optional = false) {
  FieldType type;
  type.kind = kind;
  type.optional = optional;
  return type;
}

FieldType Reference(EntityId entity, bool optional) {
  FieldType type = Plain(TypeKind::kReference, optional);
  type.entity = entity;
  return type;
}

FieldType Many(EntityId entity, FieldId via) {
  FieldType type = Plain(TypeKind::kMany);
  type.entity = entity;
  type.via = via;
  return type;
}

FieldType SetOf(TypeKind element, EntityId entity = {}) {
  FieldType type = Plain(TypeKind::kSet);
  type.element = element;
  type.entity = entity;
  return type;
}

TypeOf KindOf(TypeKind kind) {
  switch (kind) {
    case TypeKind::kText: return TypeOf::kText;
    case TypeKind::kBool: return TypeOf::kBool;
    case TypeKind::kInt: return TypeOf::kInt;
    case TypeKind::kTime: return TypeOf::kTime;
    case TypeKind::kDate: return TypeOf::kDate;
    case TypeKind::kDuration: return TypeOf::kDuration;
    case TypeKind::kEnum: return TypeOf::kEnum;
    case TypeKind::kReference: return TypeOf::kRow;
    case TypeKind::kSet: return TypeOf::kSet;
    case TypeKind::kMany: return TypeOf::kRows;
  }
  return TypeOf::kError;
}

typed::Type TypeOfKind(TypeOf kind) {
  typed::Type type;
  type.kind = kind;
  return type;
}

typed::ExprPtr Literal(TypeOf kind, typed::Constant constant) {
  auto expr = std::make_unique<typed::Expr>();
  expr->type = TypeOfKind(kind);
  expr->constant = std::move(constant);
  return expr;
}

void AddPeople(Schema& schema) {
  const EntityId identity = schema.AddEntity("identity");
  const EntityId account = schema.AddEntity("account");
  FieldType kind = Plain(TypeKind::kEnum);
  kind.enumeration = schema.AddEnum({{"employee", "contractor", "service"}, false});
  FieldType status = Plain(TypeKind::kEnum);
  status.enumeration = schema.AddEnum({{"active", "on_leave", "terminated"}, false});
  schema.AddField(identity, {"name", Plain(TypeKind::kText, true), false});
  schema.AddField(identity, {"kind", kind, false});
  schema.AddField(identity, {"status", status, true});
  schema.AddField(identity, {"department", Plain(TypeKind::kText, true), true});
  schema.AddField(identity, {"manager", Reference(identity, true), true});
  schema.AddField(identity, {"contract_end", Plain(TypeKind::kDate, true), false});
  schema.AddField(identity, {"timezone", Plain(TypeKind::kText, true), false});
  schema.AddField(identity, {"vip", Plain(TypeKind::kBool), false});
  schema.AddField(identity, {"score", Plain(TypeKind::kInt), false});

  const FieldId owner = schema.AddField(account, {"owner", Reference(identity, true), true});
  schema.AddField(account, {"username", Plain(TypeKind::kText), false});
  schema.AddField(account, {"privileged", Plain(TypeKind::kBool), false});
  schema.AddField(account, {"status", status, false});
  schema.AddField(account, {"created_at", Plain(TypeKind::kTime, true), false});
  schema.AddField(account, {"last_login", Plain(TypeKind::kTime, true), false});
  schema.AddField(account, {"ends_on", Plain(TypeKind::kDate, true), false});
  schema.AddField(account, {"tags", SetOf(TypeKind::kText), false});
  schema.AddField(account, {"delegates", SetOf(TypeKind::kReference, identity), false});
  schema.AddField(identity, {"accounts", Many(account, owner), false});
}

void AddGrants(Schema& schema) {
  const EntityId account = *schema.Find("account");
  const EntityId entitlement = schema.AddEntity("entitlement");
  const EntityId grant = schema.AddEntity("grant");
  schema.AddField(entitlement, {"name", Plain(TypeKind::kText), false});
  FieldType risk = Plain(TypeKind::kEnum, true);
  risk.enumeration = schema.AddEnum({{"low", "medium", "high"}, true});
  schema.AddField(entitlement, {"risk", risk, false});
  const FieldId of = schema.AddField(grant, {"account", Reference(account, false), false});
  schema.AddField(grant, {"entitlement", Reference(entitlement, false), false});
  schema.AddField(grant, {"granted_at", Plain(TypeKind::kTime), false});
  schema.AddField(grant, {"last_used", Plain(TypeKind::kTime, true), false});
  schema.AddField(account, {"grants", Many(grant, of), false});
}

}  // namespace

TypedBuilder::TypedBuilder() {
  AddPeople(program.schema);
  AddGrants(program.schema);
  program.default_timezone = "UTC";
  program.binder_count = 1;
}

FieldId TypedBuilder::Field(const std::string& entity, const std::string& field) const {
  const auto found = program.schema.entity(Entity(entity)).Find(field);
  REQUIRE_MESSAGE(found.has_value(), entity, ".", field);
  return *found;
}

typed::Policy& TypedBuilder::Policy(const std::string& name, const std::string& entity,
                                    ExprPtr when, ExprPtr unless) {
  typed::Policy& policy = program.policies.emplace_back();
  policy.name = policy.full_name = name;
  policy.title = "Title of " + name;
  policy.entity = Entity(entity);
  policy.binder = judged;
  policy.variable = "x";
  policy.when = std::move(when);
  policy.unless = std::move(unless);
  typed::Action& action = policy.stages.emplace_back().actions.emplace_back();
  action.recipient.choices.push_back(Text("iam"));
  return policy;
}

typed::ExprPtr TypedBuilder::Member(typed::BinderId binder, const std::string& name,
                                    const std::string& entity) const {
  auto expr = std::make_unique<Expr>();
  expr->kind = Kind::kVariable;
  expr->binder = binder;
  expr->name = name;
  expr->type = TypeOfKind(TypeOf::kRow);
  expr->type.entity = Entity(entity);
  return expr;
}

typed::ExprPtr TypedBuilder::Step(ExprPtr base, const std::string& field) const {
  auto expr = std::make_unique<Expr>();
  expr->entity = base->type.entity;
  const EntityDef& entity = program.schema.entity(expr->entity);
  const auto found = entity.Find(field);
  REQUIRE_MESSAGE(found.has_value(), entity.name, ".", field);
  const FieldType& type = entity.field(*found).type;
  expr->field = *found;
  expr->type = TypeOfKind(KindOf(type.kind));
  expr->type.optional = type.optional;
  expr->type.entity = type.entity;
  expr->type.enumeration = type.enumeration;
  if (type.kind == TypeKind::kSet) expr->type.element = KindOf(type.element);
  const bool many = base->type.kind == TypeOf::kRows || base->type.kind == TypeOf::kSet;
  expr->kind = many ? Kind::kFlatMap : type.kind == TypeKind::kMany ? Kind::kMany : Kind::kField;
  if (many) expr->type.kind = TypeOf::kRows;
  expr->operands.push_back(std::move(base));
  return expr;
}

typed::ExprPtr TypedBuilder::Path(ExprPtr base, std::initializer_list<std::string> fields) const {
  for (const std::string& field : fields) base = Step(std::move(base), field);
  return base;
}

typed::ExprPtr TypedBuilder::Text(const std::string& value) const {
  return Literal(TypeOf::kText, value);
}
typed::ExprPtr TypedBuilder::Int(int64_t value) const { return Literal(TypeOf::kInt, value); }
typed::ExprPtr TypedBuilder::Bool(bool value) const { return Literal(TypeOf::kBool, value); }
typed::ExprPtr TypedBuilder::Days(int64_t days) const {
  return Literal(TypeOf::kDuration, Duration{days * kMicrosPerDay});
}
typed::ExprPtr TypedBuilder::Civil(CivilUnit unit, int64_t count) const {
  return Literal(TypeOf::kCivil, CivilDuration{unit, count});
}
typed::ExprPtr TypedBuilder::Time(const std::string& text) const {
  return Literal(TypeOf::kTime, ParseInstant(text).value());
}
typed::ExprPtr TypedBuilder::Date(const std::string& text) const {
  return Literal(TypeOf::kDate, ParseDay(text).value());
}

typed::ExprPtr TypedBuilder::Enum(const Expr& like, const std::string& member) const {
  const EnumId id = like.type.enumeration;
  auto expr =
      Literal(TypeOf::kEnum, typed::EnumValue{id, *program.schema.enumeration(id).Find(member)});
  expr->type.enumeration = id;
  return expr;
}

typed::ExprPtr TypedBuilder::Now() const {
  auto expr = Literal(TypeOf::kTime, false);
  expr->kind = Kind::kNow;
  expr->type.moving = true;
  return expr;
}

typed::ExprPtr TypedBuilder::Today() const {
  auto expr = Literal(TypeOf::kDate, false);
  expr->kind = Kind::kToday;
  expr->type.moving = true;
  return expr;
}

typed::ExprPtr TypedBuilder::MakeOf(Kind kind, std::vector<ExprPtr> operands) const {
  auto expr = std::make_unique<Expr>();
  expr->kind = kind;
  switch (kind) {
    case Kind::kCoalesce:
    case Kind::kAdd:
    case Kind::kMultiply:
    case Kind::kNegate:
    case Kind::kLower:
    case Kind::kPrevious:
    case Kind::kInlined: expr->type = operands[0]->type; break;
    case Kind::kSubtract:
      expr->type = operands[0]->type;
      if (operands[1]->type.kind == TypeOf::kTime) expr->type.kind = TypeOf::kDuration;
      break;
    case Kind::kId: expr->type = TypeOfKind(TypeOf::kText); break;
    case Kind::kDateOf: expr->type = TypeOfKind(TypeOf::kDate); break;
    case Kind::kStartOf:
    case Kind::kChangedAt:
    case Kind::kRemovedAt: expr->type = TypeOfKind(TypeOf::kTime); break;
    case Kind::kRowsOfSet:
      expr->type = TypeOfKind(TypeOf::kRows);
      expr->type.entity = operands[0]->type.entity;
      break;
    default: expr->type = TypeOfKind(TypeOf::kBool); break;
  }
  expr->operands = std::move(operands);
  return expr;
}

typed::ExprPtr TypedBuilder::Compare(typed::CompareOp op, ExprPtr left, ExprPtr right) const {
  auto expr = Make(Kind::kCompare, std::move(left), std::move(right));
  expr->compare = op;
  return expr;
}

typed::ExprPtr TypedBuilder::Fold(Kind kind, typed::BinderId binder, ExprPtr collection,
                                  ExprPtr condition, ExprPtr value) const {
  auto expr = std::make_unique<Expr>();
  expr->kind = kind;
  expr->binder = binder;
  expr->type =
      TypeOfKind(kind == Kind::kCount || kind == Kind::kSum ? TypeOf::kInt : TypeOf::kBool);
  if (kind == Kind::kFilter) expr->type = collection->type;
  if (kind == Kind::kLatest || kind == Kind::kEarliest) expr->type = value->type;
  expr->operands.push_back(std::move(collection));
  expr->operands.push_back(std::move(condition));
  if (value) expr->operands.push_back(std::move(value));
  return expr;
}

typed::ExprPtr TypedBuilder::LetUse(const typed::Policy& policy, uint32_t let) const {
  auto expr = std::make_unique<Expr>();
  expr->kind = Kind::kLet;
  expr->let = let;
  expr->type = policy.lets[let].value->type;
  return expr;
}

typed::ExprPtr Copy(const typed::Expr& expr) {
  auto copy = std::make_unique<typed::Expr>();
  copy->kind = expr.kind;
  copy->compare = expr.compare;
  copy->guarded = expr.guarded;
  copy->type = expr.type;
  copy->span = expr.span;
  for (const auto& operand : expr.operands) {
    copy->operands.push_back(operand ? Copy(*operand) : nullptr);
  }
  copy->entity = expr.entity;
  copy->field = expr.field;
  copy->column = expr.column;
  copy->let = expr.let;
  copy->binder = expr.binder;
  copy->list = expr.list;
  copy->table = expr.table;
  copy->name = expr.name;
  copy->text = expr.text;
  copy->constant = expr.constant;
  copy->constants = expr.constants;
  return copy;
}

}  // namespace rescind::compile
