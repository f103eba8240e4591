#include "engine/eval/node_evaluator.h"

#include <re2/re2.h>

#include <algorithm>
#include <utility>

#include "engine/base/assert.h"
#include "engine/base/time_zone.h"

namespace rescind::eval {

using ir::Op;

Value KnownValue(decltype(Value::content) content) {
  return {ValueStatus::kKnown, EvaluationError::kNone, std::move(content)};
}
Value UnknownValue() { return {ValueStatus::kUnknown, EvaluationError::kNone, {}}; }
Value UndecidedValue() { return {ValueStatus::kUndecided, EvaluationError::kNone, {}}; }
Value FailedValue(EvaluationError error) { return {ValueStatus::kError, error, {}}; }
bool IsTrue(const Value& value) { return value.known() && std::get<bool>(value.content); }
bool IsFalse(const Value& value) { return value.known() && !std::get<bool>(value.content); }

namespace {

// In logic an answer that is unknown is one that nobody can give: undecided.
Value AsAnswer(const Value& value) {
  return value.status == ValueStatus::kUnknown ? UndecidedValue() : value;
}

// One operand after the other: the first that equals `deciding` decides, with its own instant.
// Otherwise the first error, or undecided, or the opposite; any operand may change it.
struct Junction {
  bool deciding;
  Timed result;
  bool decided = false;

  explicit Junction(bool deciding_answer)
      : deciding(deciding_answer), result{KnownValue(!deciding_answer), Instant::Never()} {}

  void Add(const Timed& operand) {
    if (decided) return;
    const Value answer = AsAnswer(operand.value);
    if (answer.known() && std::get<bool>(answer.content) == deciding) {
      result = {answer, operand.until};
      decided = true;
      return;
    }
    result.until = std::min(result.until, operand.until);
    if (answer.known() || result.value.status == ValueStatus::kError) return;
    if (answer.status == ValueStatus::kError || result.value.known()) result.value = answer;
  }
};

}  // namespace

Timed AndOf(const Timed& left, const Timed& right) {
  Junction junction(false);
  junction.Add(left);
  junction.Add(right);
  return junction.result;
}

NodeEvaluator::NodeEvaluator(const EvaluationInput& input)
    : input_(input), bound_(input.program.frames.size()) {}
NodeEvaluator::~NodeEvaluator() = default;

Timed NodeEvaluator::Evaluate(ir::NodeId id) {
  const ir::Node& node = input_.program.node(id);
  switch (node.op) {
    case Op::kConstant:
    case Op::kMember:
    case Op::kConstantRow:
    case Op::kNow: return EvaluateLeaf(node);
    case Op::kToday: return Today(node);
    case Op::kId:
    case Op::kField:
    case Op::kColumn:
    case Op::kChangedAt:
    case Op::kPrevious:
    case Op::kRemovedAt: return EvaluatePath(node);
    case Op::kAnd:
    case Op::kOr:
    case Op::kNot:
    case Op::kIsKnown: return EvaluateLogic(node);
    case Op::kCoalesce: return EvaluateCoalesce(node);
    case Op::kAny:
    case Op::kAll:
    case Op::kCount:
    case Op::kSum:
    case Op::kLatest:
    case Op::kEarliest: return EvaluateFold(node);
    default: return EvaluateOperation(node);
  }
}

Timed NodeEvaluator::EvaluateLeaf(const ir::Node& node) {
  if (node.op == Op::kConstant) return {FromConstant(node.type, node.constant)};
  if (node.op == Op::kConstantRow) {
    return {RowOfId(node.type.entity, std::get<std::string>(node.constant))};
  }
  if (node.op == Op::kNow) return {KnownValue(input_.now), Instant{input_.now.micros + 1}};
  const auto& member = bound_[node.frame.index()];
  RESCIND_ASSERT(member.has_value(), "a frame that stands on nothing");
  return {*member};
}

// ---- Paths ------------------------------------------------------------------------------------

// A row by its id: unknown while no such row is live.
Value NodeEvaluator::RowOfId(EntityId entity, std::string_view id) const {
  const auto found = input_.facts.texts().Find(entity, id);
  if (!found.ok()) return UndecidedValue();
  if (!found->has_value()) return UnknownValue();
  if (input_.facts.table(entity).presence(**found) != Presence::kLive) return UnknownValue();
  return KnownValue(FactRow{entity, **found});
}

Value NodeEvaluator::FromConstant(const ir::Type& type, const ir::Constant& constant) const {
  using Kind = ir::Type::Kind;
  switch (type.kind) {
    case Kind::kBool: return KnownValue(std::get<bool>(constant));
    case Kind::kText: return KnownValue(std::get<std::string>(constant));
    case Kind::kInt: return KnownValue(std::get<int64_t>(constant));
    case Kind::kTime: return KnownValue(std::get<Instant>(constant));
    case Kind::kDate: return KnownValue(std::get<Day>(constant));
    case Kind::kDuration: return KnownValue(std::get<Duration>(constant));
    case Kind::kEnum:
      return KnownValue(
          EnumMember{type.enumeration, static_cast<uint8_t>(std::get<int64_t>(constant))});
    case Kind::kRow: return RowOfId(type.entity, std::get<std::string>(constant));
    case Kind::kTableRow:
    case Kind::kSet: break;
  }
  RESCIND_UNREACHABLE("a constant of a type that has none");
}

// What a stored reference comes to. A required one that names no live row stands in an incomplete
// row, whose facts nobody has delivered.
Value NodeEvaluator::Follow(EntityId entity, uint32_t row, bool required) const {
  if (row == kNoRow) return required ? UndecidedValue() : UnknownValue();
  switch (input_.facts.table(entity).presence(RowId(row))) {
    case Presence::kLive: return KnownValue(FactRow{entity, RowId(row)});
    case Presence::kAbsent: return UndecidedValue();
    case Presence::kRemoved: return required ? UndecidedValue() : UnknownValue();
  }
  RESCIND_UNREACHABLE("a presence beyond the enumeration");
}

Value NodeEvaluator::ReadColumn(EntityId entity, FieldId field, const Column& column, RowId row,
                                bool required) const {
  const FieldType& type = input_.program.schema.field(entity, field).type;
  const uint32_t at = row.index();
  if (type.kind == TypeKind::kSet) return KnownValue(StoredSet{entity, field, column.sets()[at]});
  if (type.kind == TypeKind::kReference) return Follow(type.entity, column.rows()[at], required);
  if (column.IsUnknown(row)) return required ? UndecidedValue() : UnknownValue();
  switch (type.kind) {
    case TypeKind::kText:
      return KnownValue(std::string(column.dictionary().Text(column.codes()[at])));
    case TypeKind::kBool: return KnownValue(column.bytes()[at] != 0);
    case TypeKind::kEnum: return KnownValue(EnumMember{type.enumeration, column.bytes()[at]});
    case TypeKind::kInt: return KnownValue(column.longs()[at]);
    case TypeKind::kTime: return KnownValue(Instant{column.longs()[at]});
    case TypeKind::kDuration: return KnownValue(Duration{column.longs()[at]});
    case TypeKind::kDate: return KnownValue(Day{column.days()[at]});
    default: RESCIND_UNREACHABLE("a field without a column");
  }
}

Value NodeEvaluator::ReadField(EntityId entity, FieldId field, RowId row) const {
  if (!supposed_.empty()) {
    const auto supposed = supposed_.find({entity, row, field});
    if (supposed != supposed_.end()) return supposed->second;
  }
  const Table& table = input_.facts.table(entity);
  const FieldType& type = input_.program.schema.field(entity, field).type;
  if (type.kind != TypeKind::kText || table.has(field)) {
    return ReadColumn(entity, field, table.column(field), row, !type.optional);
  }
  const auto text = input_.facts.texts().Text(entity, field, row);
  if (!text.ok()) return UndecidedValue();
  if (!text->has_value()) return type.optional ? UnknownValue() : UndecidedValue();
  return KnownValue(**text);
}

Value NodeEvaluator::RemovedAt(const ir::Node& node, RowId row) const {
  const FieldType& type = input_.program.schema.field(node.entity, node.field).type;
  const uint32_t named = input_.facts.table(node.entity).column(node.field).rows()[row.index()];
  if (named == kNoRow) return UnknownValue();
  const Table& target = input_.facts.table(type.entity);
  if (target.presence(RowId(named)) == Presence::kAbsent) return UndecidedValue();
  const auto at = target.removed_at(RowId(named));
  return at ? KnownValue(*at) : UnknownValue();
}

Timed NodeEvaluator::EvaluatePath(const ir::Node& node) {
  Timed base = Evaluate(node.operands[0]);
  if (!base.value.known()) return base;
  if (node.op == Op::kColumn) {
    const auto& at = std::get<TableRow>(base.value.content);
    const ir::Table& table = input_.program.tables[at.table.index()];
    const auto& cell = table.rows[at.row][node.column];
    return {cell ? FromConstant(node.type, *cell) : UnknownValue(), base.until};
  }
  const auto [entity, row] = std::get<FactRow>(base.value.content);
  const Table& table = input_.facts.table(entity);
  switch (node.op) {
    case Op::kId: {
      if (table.has_ids()) {
        const Column& ids = table.ids();
        return {KnownValue(std::string(ids.dictionary().Text(ids.codes()[row.index()]))),
                base.until};
      }
      const auto id = input_.facts.texts().Id(entity, row);
      return {id.ok() ? KnownValue(*id) : UndecidedValue(), base.until};
    }
    case Op::kField: return {ReadField(entity, node.field, row), base.until};
    case Op::kChangedAt: {
      const int64_t at = table.tracked(node.field).changed_at[row.index()];
      return {at == kUnknownLong ? UnknownValue() : KnownValue(Instant{at}), base.until};
    }
    case Op::kPrevious: {
      const Column& previous = table.tracked(node.field).previous;
      return {ReadColumn(entity, node.field, previous, row, false), base.until};
    }
    case Op::kRemovedAt: return {RemovedAt(node, row), base.until};
    default: RESCIND_UNREACHABLE("a path of an unknown kind");
  }
}

// ---- Logic ------------------------------------------------------------------------------------

Timed NodeEvaluator::EvaluateLogic(const ir::Node& node) {
  if (node.op == Op::kAnd || node.op == Op::kOr) {
    Junction junction(node.op == Op::kOr);
    for (ir::NodeId operand : node.operands) junction.Add(Evaluate(operand));
    return junction.result;
  }
  Timed operand = Evaluate(node.operands[0]);
  const ValueStatus status = operand.value.status;
  if (node.op == Op::kNot) {
    operand.value = AsAnswer(operand.value);
    if (operand.value.known()) operand.value = KnownValue(IsFalse(operand.value));
    return operand;
  }
  if (status == ValueStatus::kKnown || status == ValueStatus::kUnknown) {
    return {KnownValue(status == ValueStatus::kKnown), operand.until};
  }
  return operand;
}

Timed NodeEvaluator::EvaluateCoalesce(const ir::Node& node) {
  Timed first = Evaluate(node.operands[0]);
  if (first.value.status != ValueStatus::kUnknown) return first;
  const Timed second = Evaluate(node.operands[1]);
  return {second.value, std::min(first.until, second.until)};
}

Timed NodeEvaluator::Today(const ir::Node& node) {
  Timed name = Evaluate(node.operands[0]);
  if (name.value.status == ValueStatus::kError) return name;
  const TimeZone* zone =
      name.value.known() ? FindTimeZone(std::get<std::string>(name.value.content)) : nullptr;
  if (zone == nullptr) return {UndecidedValue(), name.until};
  const Day today = zone->DayOf(input_.now);
  if (today < kFirstDay || today > kLastDay) {
    return {FailedValue(EvaluationError::kDateOutOfRange), name.until};
  }
  return {KnownValue(today), std::min(name.until, zone->StartOf({today.days + 1}))};
}

}  // namespace rescind::eval
