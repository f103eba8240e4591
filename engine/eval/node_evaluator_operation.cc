// Operations on known operands. What is not known passes through: an error before undecided before
// unknown.
#include <re2/re2.h>

#include <algorithm>
#include <utility>

#include "engine/base/assert.h"
#include "engine/base/letter_case.h"
#include "engine/base/time_zone.h"
#include "engine/eval/node_evaluator.h"

namespace rescind::eval {

using ir::Op;

namespace {

__extension__ using Wide = __int128;
constexpr int64_t kMaxLong = std::numeric_limits<int64_t>::max();
constexpr int64_t kMinLong = std::numeric_limits<int64_t>::min();
constexpr Instant kFirstInstant{kFirstDay.days * kMicrosPerDay};
constexpr Instant kLastInstant{(kLastDay.days + int64_t{1}) * kMicrosPerDay - 1};

const std::string& TextOf(const Value& value) { return std::get<std::string>(value.content); }

// The number in an int, a time or a duration.
int64_t NumberOf(const Value& value) {
  if (const auto* instant = std::get_if<Instant>(&value.content)) return instant->micros;
  if (const auto* duration = std::get_if<Duration>(&value.content)) return duration->micros;
  return std::get<int64_t>(value.content);
}

Value NumberOfType(ir::Type::Kind kind, Wide number) {
  if (kind == ir::Type::Kind::kTime) {
    if (number < kFirstInstant.micros || number > kLastInstant.micros) {
      return FailedValue(EvaluationError::kTimeOutOfRange);
    }
    return KnownValue(Instant{static_cast<int64_t>(number)});
  }
  if (number < kMinLong || number > kMaxLong) return FailedValue(EvaluationError::kOverflow);
  if (kind == ir::Type::Kind::kDuration) return KnownValue(Duration{static_cast<int64_t>(number)});
  return KnownValue(static_cast<int64_t>(number));
}

Value DayInRange(int64_t days) {
  if (days < kFirstDay.days || days > kLastDay.days) {
    return FailedValue(EvaluationError::kDateOutOfRange);
  }
  return KnownValue(Day{static_cast<int32_t>(days)});
}

// A zone's name may be missing or wrong: then what needs it is undecided, never unknown.
bool TakesZone(Op op) { return op == Op::kDayReached || op == Op::kDateOf || op == Op::kStartOf; }

int Compared(const Value& left, const Value& right) {
  const auto order = [](auto a, auto b) { return a < b ? -1 : a > b ? 1 : 0; };
  if (const auto* day = std::get_if<Day>(&left.content)) {
    return order(day->days, std::get<Day>(right.content).days);
  }
  if (const auto* member = std::get_if<EnumMember>(&left.content)) {
    return order(member->member, std::get<EnumMember>(right.content).member);
  }
  if (const auto* answer = std::get_if<bool>(&left.content)) {
    return order(*answer, std::get<bool>(right.content));
  }
  return order(NumberOf(left), NumberOf(right));
}

}  // namespace

Timed NodeEvaluator::EvaluateOperation(const ir::Node& node) {
  std::vector<Value> operands;
  Value worst = KnownValue(false);
  Instant until = Instant::Never();
  for (size_t i = 0; i < node.operands.size(); ++i) {
    Timed operand = Evaluate(node.operands[i]);
    until = std::min(until, operand.until);
    if (TakesZone(node.op) && i == 1) {
      const bool named = operand.value.known() && FindTimeZone(TextOf(operand.value)) != nullptr;
      if (!named && operand.value.status != ValueStatus::kError) operand.value = UndecidedValue();
    }
    if (worst.status < operand.value.status) worst = operand.value;
    operands.push_back(std::move(operand.value));
  }
  if (!worst.known()) return {worst, until};
  Timed result;
  if (node.op == Op::kReached) {
    result = Reached(node, operands);
  } else if (node.op == Op::kDayReached) {
    result = DayReached(node, operands);
  } else {
    result.value = Operate(node, operands);
  }
  result.until = std::min(result.until, until);
  return result;
}

Timed NodeEvaluator::Reached(const ir::Node& node, const std::vector<Value>& operands) const {
  Wide sum = node.offset;
  for (size_t i = 0; i < operands.size(); ++i) {
    sum += Wide{node.signs[i]} * Wide{NumberOf(operands[i])};
  }
  if (Wide{node.factor} * input_.now.micros + sum >= 0) return {KnownValue(true)};
  if (node.factor == 0) return {KnownValue(false)};
  // The least t with factor * t >= -sum.
  Wide at = -sum / node.factor;
  if (at * node.factor < -sum) ++at;
  return {KnownValue(false), at < kMaxLong ? Instant{static_cast<int64_t>(at)} : Instant::Never()};
}

Timed NodeEvaluator::DayReached(const ir::Node& node, const std::vector<Value>& operands) const {
  const Wide wanted = Wide{std::get<Day>(operands[0].content).days} + node.offset;
  // No sum of day and length lies outside the calendar, so neither do targets that matter.
  const Wide target = std::clamp<Wide>(wanted, kFirstDay.days - 1, kLastDay.days + 1);
  const auto day = FirstDayReaching({static_cast<int32_t>(target)}, node.length, input_.holidays);
  if (!day) return {KnownValue(false)};
  const Instant start = FindTimeZone(TextOf(operands[1]))->StartOf(*day);
  if (input_.now >= start) return {KnownValue(true)};
  return {KnownValue(false), start};
}

Value NodeEvaluator::Operate(const ir::Node& node, const std::vector<Value>& operands) {
  const auto number = [&](size_t i) { return Wide{NumberOf(operands[i])}; };
  switch (node.op) {
    case Op::kAdd: return NumberOfType(node.type.kind, number(0) + number(1));
    case Op::kSubtract: return NumberOfType(node.type.kind, number(0) - number(1));
    case Op::kMultiply: return NumberOfType(node.type.kind, number(0) * number(1));
    case Op::kNegate: return NumberOfType(node.type.kind, -number(0));
    case Op::kAddCivil: {
      const Day day = std::get<Day>(operands[0].content);
      if (node.endless) return KnownValue(AddCivilEndless(day, node.length, input_.holidays));
      const auto sum = AddCivil(day, node.length, input_.holidays);
      return sum ? KnownValue(*sum) : FailedValue(EvaluationError::kDateOutOfRange);
    }
    case Op::kLower: return KnownValue(LowerCase(TextOf(operands[0])));
    case Op::kDateOf: {
      const Instant at = std::get<Instant>(operands[0].content);
      return DayInRange(FindTimeZone(TextOf(operands[1]))->DayOf(at).days);
    }
    case Op::kStartOf: {
      const Day day = std::get<Day>(operands[0].content);
      return NumberOfType(node.type.kind, FindTimeZone(TextOf(operands[1]))->StartOf(day).micros);
    }
    default: return Relate(node, operands);
  }
}

Value NodeEvaluator::Relate(const ir::Node& node, const std::vector<Value>& operands) {
  switch (node.op) {
    case Op::kCompare: {
      if (node.compare == ir::Compare::kEqual) {
        return KnownValue(operands[0].content == operands[1].content);
      }
      const int order = Compared(operands[0], operands[1]);
      return KnownValue(node.compare == ir::Compare::kLess ? order < 0 : order <= 0);
    }
    case Op::kInSet: return KnownValue(IsInSet(node, operands[0]));
    case Op::kHas: {
      const auto members = SetMembers(std::get<StoredSet>(operands[0].content));
      return KnownValue(std::find(members.begin(), members.end(), operands[1]) != members.end());
    }
    case Op::kStartsWith: return KnownValue(TextOf(operands[0]).starts_with(TextOf(operands[1])));
    case Op::kEndsWith: return KnownValue(TextOf(operands[0]).ends_with(TextOf(operands[1])));
    case Op::kContains:
      return KnownValue(TextOf(operands[0]).find(TextOf(operands[1])) != std::string::npos);
    case Op::kMatches: {
      auto& pattern = patterns_[node.pattern.index()];
      if (pattern == nullptr) {
        pattern = std::make_unique<re2::RE2>(input_.program.patterns[node.pattern.index()],
                                             re2::RE2::Quiet);
      }
      return KnownValue(re2::RE2::PartialMatch(TextOf(operands[0]), *pattern));
    }
    default: RESCIND_UNREACHABLE("an operation without a meaning");
  }
}

bool NodeEvaluator::IsInSet(const ir::Node& node, const Value& value) const {
  const ir::ConstantSet& set = input_.program.sets[node.set.index()];
  if (const auto* row = std::get_if<FactRow>(&value.content)) {
    for (const ir::Constant& item : set.items) {
      const auto found = input_.facts.texts().Find(row->entity, std::get<std::string>(item));
      if (found.ok() && *found == row->row) return true;
    }
    return false;
  }
  return std::any_of(set.items.begin(), set.items.end(), [&](const ir::Constant& item) {
    return FromConstant(set.element, item) == value;
  });
}

std::vector<Value> NodeEvaluator::SetMembers(const StoredSet& set) const {
  const FieldType& type = input_.program.schema.field(set.entity, set.field).type;
  const Column& column = input_.facts.table(set.entity).column(set.field);
  std::vector<Value> members;
  if (type.element == TypeKind::kInt) {
    for (int64_t number : column.pool().Integers(set.set)) members.push_back(KnownValue(number));
    return members;
  }
  for (uint32_t member : column.pool().Members(set.set)) {
    if (type.element == TypeKind::kText) {
      members.push_back(KnownValue(std::string(column.dictionary().Text(member))));
    } else if (type.element == TypeKind::kEnum) {
      members.push_back(KnownValue(EnumMember{type.enumeration, static_cast<uint8_t>(member)}));
    } else {
      members.push_back(KnownValue(FactRow{type.entity, RowId(member)}));
    }
  }
  return members;
}

}  // namespace rescind::eval
