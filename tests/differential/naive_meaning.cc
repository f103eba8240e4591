#include "tests/differential/naive_meaning.h"

#include <re2/re2.h>

#include <algorithm>
#include <utility>

#include "engine/base/assert.h"
#include "engine/base/letter_case.h"
#include "engine/base/time_zone.h"

namespace rescind {

using eval::FactRow;
using eval::StoredSet;
using eval::TableRow;
using eval::ValueStatus;
using typed::Expr;
using typed::ExprKind;
using Answer = NaiveAnswer;

namespace {

const Answer kUnknown = Trouble(ValueStatus::kUnknown);
const Answer kError = Trouble(ValueStatus::kError);

ValueStatus Worst(const std::vector<Answer>& answers) {
  ValueStatus worst = ValueStatus::kKnown;
  for (const Answer& answer : answers) worst = std::max(worst, answer.status);
  return worst;
}
const std::string& TextOf(const Answer& answer) { return std::get<std::string>(answer.content); }
FactRow RowOf(const Answer& answer) { return std::get<FactRow>(answer.content); }

}  // namespace

NaiveMeaning::NaiveMeaning(const typed::Program& program, const FactBase& facts,
                           const Holidays& holidays, Instant now)
    : program_(program), facts_(facts), holidays_(holidays), now_(now) {}

// ---- Kleene's logic, with errors --------------------------------------------------------------

Answer NaiveMeaning::And(const std::vector<Answer>& answers) {
  for (const Answer& answer : answers) {
    if (answer == Truth(false)) return answer;
  }
  const ValueStatus worst = Worst(answers);
  if (worst == ValueStatus::kKnown) return Truth(true);
  // An answer that is missing is one that nobody can give.
  return worst == ValueStatus::kUnknown ? kUndecided : Trouble(worst);
}
Answer NaiveMeaning::Not(Answer answer) {
  if (answer.known()) return Truth(!std::get<bool>(answer.content));
  return And({answer});
}
Answer NaiveMeaning::Or(std::vector<Answer> answers) {
  for (Answer& answer : answers) answer = Not(answer);
  return Not(And(answers));
}

const Expr& NaiveMeaning::Resolve(const Expr& expr) const {
  if (expr.kind == ExprKind::kInlined) return Resolve(*expr.operands[0]);
  if (expr.kind == ExprKind::kLet) return Resolve(*(*lets_)[expr.let].value);
  return expr;
}

Answer NaiveMeaning::Of(const Expr& unresolved) {
  const Expr& expr = Resolve(unresolved);
  std::vector<Answer> all;
  switch (expr.kind) {
    case ExprKind::kLiteral:
    case ExprKind::kParam: return Constant(expr);
    case ExprKind::kVariable: return members_.at(expr.binder);
    case ExprKind::kNow: return Number(now_.micros);
    case ExprKind::kToday: return Today();
    case ExprKind::kId:
    case ExprKind::kField:
    case ExprKind::kColumn:
    case ExprKind::kMany:
    case ExprKind::kFlatMap:
    case ExprKind::kRowsOfSet: return Path(expr);
    case ExprKind::kChangedAt:
    case ExprKind::kPrevious:
    case ExprKind::kRemovedAt: return History(expr);
    case ExprKind::kAnd:
    case ExprKind::kOr:
      for (const auto& operand : expr.operands) all.push_back(Of(*operand));
      return expr.kind == ExprKind::kAnd ? And(all) : Or(all);
    case ExprKind::kNot: return Not(Of(*expr.operands[0]));
    case ExprKind::kIsKnown:
    case ExprKind::kIsUnknown: {
      const Answer operand =
          NamesNow(*expr.operands[0]) ? Exact(*expr.operands[0]) : Of(*expr.operands[0]);
      const bool wanted = expr.kind == ExprKind::kIsKnown;
      if (operand.known()) return Truth(wanted);
      return operand.status == ValueStatus::kUnknown ? Truth(!wanted) : operand;
    }
    case ExprKind::kCoalesce: {
      const Answer left = Of(*expr.operands[0]);
      return left.status == ValueStatus::kUnknown ? Of(*expr.operands[1]) : left;
    }
    case ExprKind::kAdd:
    case ExprKind::kSubtract:
    case ExprKind::kMultiply:
    case ExprKind::kNegate: return Arithmetic(expr);
    case ExprKind::kLower: {
      const Answer text = Of(*expr.operands[0]);
      return text.known() ? Known(LowerCase(TextOf(text))) : text;
    }
    case ExprKind::kDateOf:
    case ExprKind::kStartOf: return Zoned(expr);
    case ExprKind::kAny:
    case ExprKind::kAll:
    case ExprKind::kNo:
    case ExprKind::kCount:
    case ExprKind::kLatest:
    case ExprKind::kEarliest:
    case ExprKind::kSum: return Fold(expr, false);
    default: return Relation(expr);
  }
}

// ---- Facts ------------------------------------------------------------------------------------

Answer NaiveMeaning::Constant(const Expr& expr) const { return ConstantOf(expr.constant); }

Answer NaiveMeaning::ConstantOf(const typed::Constant& constant) const {
  return std::visit(
      [&]<typename T>(const T& value) -> Answer {
        if constexpr (std::is_same_v<T, bool> || std::is_same_v<T, std::string>) {
          return Known(value);
        } else if constexpr (std::is_same_v<T, int64_t>) {
          return Number(value);
        } else if constexpr (std::is_same_v<T, Instant> || std::is_same_v<T, Duration>) {
          return Number(value.micros);
        } else if constexpr (std::is_same_v<T, Day>) {
          return Number(value.days);
        } else if constexpr (std::is_same_v<T, typed::EnumValue>) {
          return Number(value.member);
        } else if constexpr (std::is_same_v<T, typed::RowKey>) {
          // A row that is named by its id is unknown while it is not there.
          const Table& table = facts_.table(value.entity);
          for (uint32_t row = 0; row < table.row_count(); ++row) {
            const FactRow candidate{value.entity, RowId(row)};
            if (IdOf(candidate) != value.id) continue;
            return table.presence(RowId(row)) == Presence::kLive ? Known(candidate) : kUnknown;
          }
          return kUnknown;
        } else {
          RESCIND_UNREACHABLE("a civil length is no value");
        }
      },
      constant);
}

std::string NaiveMeaning::IdOf(const FactRow& row) const {
  return facts_.texts().Id(row.entity, row.row).value();
}

Answer NaiveMeaning::Reference(EntityId entity, uint32_t row, bool required) const {
  Answer missing = required ? kUndecided : kUnknown;
  if (row == kNoRow) return missing;
  switch (facts_.table(entity).presence(RowId(row))) {
    case Presence::kLive: return Known(FactRow{entity, RowId(row)});
    case Presence::kRemoved: return missing;
    case Presence::kAbsent: return kUndecided;
  }
  RESCIND_UNREACHABLE("a presence beyond the enumeration");
}

// A required field without a value is one that nobody has delivered.
Answer NaiveMeaning::Stored(EntityId entity, FieldId field, const Column& column, RowId row,
                            bool required) const {
  const FieldType& type = program_.schema.field(entity, field).type;
  const uint32_t at = row.index();
  if (type.kind == TypeKind::kSet) return Known(StoredSet{entity, field, column.sets()[at]});
  if (type.kind == TypeKind::kReference) {
    return Reference(type.entity, column.rows()[at], required);
  }
  if (column.IsUnknown(row)) return required ? kUndecided : kUnknown;
  switch (type.kind) {
    case TypeKind::kText: return Known(std::string(column.dictionary().Text(column.codes()[at])));
    case TypeKind::kBool: return Truth(column.bytes()[at] != 0);
    case TypeKind::kEnum: return Number(column.bytes()[at]);
    case TypeKind::kDate: return Number(column.days()[at]);
    default: return Number(column.longs()[at]);
  }
}

Answer NaiveMeaning::Path(const Expr& expr) {
  Answer base = Of(*expr.operands[0]);
  if (!base.known()) return base;
  switch (expr.kind) {
    case ExprKind::kId: return Known(IdOf(RowOf(base)));
    case ExprKind::kColumn: {
      const auto at = std::get<TableRow>(base.content);
      const auto& cell = program_.tables[at.table.index()].rows[at.row][expr.column];
      return cell ? ConstantOf(*cell) : kUnknown;
    }
    case ExprKind::kField: {
      const FactRow row = RowOf(base);
      const bool required = !program_.schema.field(expr.entity, expr.field).type.optional;
      return Stored(row.entity, expr.field, facts_.table(row.entity).column(expr.field), row.row,
                    required);
    }
    // Of a collection only: whether what it starts from is known.
    default: return base;
  }
}

Answer NaiveMeaning::History(const Expr& expr) {
  const Expr& field = Resolve(*expr.operands[0]);
  Answer base = Of(*field.operands[0]);
  if (!base.known()) return base;
  const auto [entity, row] = RowOf(base);
  const Table& table = facts_.table(entity);
  if (expr.kind == ExprKind::kRemovedAt) {
    const FieldType& type = program_.schema.field(entity, field.field).type;
    const uint32_t named = table.column(field.field).rows()[row.index()];
    if (named == kNoRow) return kUnknown;
    const Table& target = facts_.table(type.entity);
    if (target.presence(RowId(named)) == Presence::kAbsent) return kUndecided;
    const auto at = target.removed_at(RowId(named));
    return at ? Number(at->micros) : kUnknown;
  }
  const TrackedColumn& past = table.tracked(field.field);
  if (expr.kind == ExprKind::kPrevious) {
    return Stored(entity, field.field, past.previous, row, false);
  }
  const int64_t at = past.changed_at[row.index()];
  return at == kUnknownLong ? kUnknown : Number(at);
}

// ---- Relations --------------------------------------------------------------------------------

Answer NaiveMeaning::Relation(const Expr& expr) {
  const bool of_date = Resolve(*expr.operands[0]).type.kind == typed::Type::Kind::kDate;
  switch (expr.kind) {
    case ExprKind::kPassed:
    case ExprKind::kOlder:
    case ExprKind::kNewer:
    case ExprKind::kWithinNext: return of_date ? DateRelation(expr) : TimeRelation(expr);
    case ExprKind::kCompare: return Compare(expr);
    default: break;
  }
  Answer left = Of(*expr.operands[0]);
  if (expr.kind == ExprKind::kIn) return IsIn(left, expr.constants);
  if (expr.kind == ExprKind::kInList) {
    return IsIn(left, program_.lists[expr.list.index()].items);
  }
  if (expr.kind == ExprKind::kMatches) {
    if (!left.known()) return left;
    return Truth(re2::RE2::PartialMatch(TextOf(left), re2::RE2(expr.text, re2::RE2::Quiet)));
  }
  const Answer right = Of(*expr.operands[1]);
  if (expr.kind == ExprKind::kHas) {
    // An id that no row has is in no set.
    const bool named = std::holds_alternative<typed::RowKey>(Resolve(*expr.operands[1]).constant);
    if (named && right.status == ValueStatus::kUnknown) return Truth(false);
  }
  const ValueStatus worst = Worst({left, right});
  if (worst != ValueStatus::kKnown) return Trouble(worst);
  if (expr.kind != ExprKind::kHas) return TextRelation(expr, TextOf(left), TextOf(right));
  const auto members = SetMembers(std::get<StoredSet>(left.content));
  return Truth(std::find(members.begin(), members.end(), right) != members.end());
}

Answer NaiveMeaning::TextRelation(const Expr& expr, const std::string& text,
                                  const std::string& part) const {
  switch (expr.kind) {
    case ExprKind::kStartsWith: return Truth(text.substr(0, part.size()) == part);
    case ExprKind::kEndsWith:
      return Truth(text.size() >= part.size() && text.substr(text.size() - part.size()) == part);
    case ExprKind::kContains: return Truth(text.find(part) != std::string::npos);
    default: RESCIND_UNREACHABLE("no relation");
  }
}

Answer NaiveMeaning::IsIn(const Answer& item, const std::vector<typed::Constant>& constants) const {
  if (!item.known()) return item;
  for (const typed::Constant& constant : constants) {
    if (ConstantOf(constant) == item) return Truth(true);
  }
  return Truth(false);
}

std::vector<Answer> NaiveMeaning::SetMembers(const StoredSet& set) const {
  const FieldType& type = program_.schema.field(set.entity, set.field).type;
  const Column& column = facts_.table(set.entity).column(set.field);
  std::vector<Answer> members;
  if (type.element == TypeKind::kInt) {
    for (const int64_t number : column.pool().Integers(set.set)) members.push_back(Number(number));
    return members;
  }
  for (const uint32_t member : column.pool().Members(set.set)) {
    if (type.element == TypeKind::kText) {
      members.push_back(Known(std::string(column.dictionary().Text(member))));
    } else if (type.element == TypeKind::kEnum) {
      members.push_back(Number(member));
    } else {
      members.push_back(Known(FactRow{type.entity, RowId(member)}));
    }
  }
  return members;
}

Answer NaiveMeaning::Compare(const Expr& expr) {
  const Expr& a = *expr.operands[0];
  const Expr& b = *expr.operands[1];
  const bool exact = NamesNow(a) || NamesNow(b);
  const bool dates = Resolve(a).type.kind == typed::Type::Kind::kDate;
  const Answer left = !exact ? Of(a) : dates ? ExactDay(a) : Exact(a);
  const Answer right = !exact ? Of(b) : dates ? ExactDay(b) : Exact(b);
  const bool unequal = expr.compare == typed::CompareOp::kNotEqual;
  if (expr.compare == typed::CompareOp::kEqual || unequal) {
    // A row that is named by its id and is not there equals none.
    const auto named = [&](const Expr& side, const Answer& answer) {
      return std::holds_alternative<typed::RowKey>(Resolve(side).constant) &&
             answer.status == ValueStatus::kUnknown;
    };
    const bool no_left = named(a, left);
    const bool no_right = named(b, right);
    if (no_left && (no_right || right.known())) return Truth(unequal);
    if (no_right && left.known()) return Truth(unequal);
  }
  const ValueStatus worst = Worst({left, right});
  if (worst != ValueStatus::kKnown) return Trouble(worst);
  switch (expr.compare) {
    case typed::CompareOp::kEqual: return Truth(left == right);
    case typed::CompareOp::kNotEqual: return Truth(!(left == right));
    case typed::CompareOp::kLess: return Truth(NumberOf(left) < NumberOf(right));
    case typed::CompareOp::kLessEqual: return Truth(NumberOf(left) <= NumberOf(right));
    case typed::CompareOp::kGreater: return Truth(NumberOf(left) > NumberOf(right));
    case typed::CompareOp::kGreaterEqual: return Truth(NumberOf(left) >= NumberOf(right));
  }
  RESCIND_UNREACHABLE("a comparison beyond the enumeration");
}

// ---- Arithmetic -------------------------------------------------------------------------------

Answer NaiveMeaning::Arithmetic(const Expr& expr) {
  const Answer left = Of(*expr.operands[0]);
  if (expr.type.kind == typed::Type::Kind::kDate) return AddLength(left, CivilOf(expr), false);
  const Answer right = expr.kind == ExprKind::kNegate ? left : Of(*expr.operands[1]);
  const ValueStatus worst = Worst({left, right});
  if (worst != ValueStatus::kKnown) return Trouble(worst);
  const Wide a = NumberOf(left);
  const Wide b = NumberOf(right);
  const Wide result = expr.kind == ExprKind::kAdd        ? a + b
                      : expr.kind == ExprKind::kSubtract ? a - b
                      : expr.kind == ExprKind::kMultiply ? a * b
                                                         : -a;
  const bool time = expr.type.kind == typed::Type::Kind::kTime;
  const Wide least = time ? Wide{kFirstDay.days} * kMicrosPerDay : Wide{INT64_MIN};
  const Wide most = time ? (Wide{kLastDay.days} + 1) * kMicrosPerDay - 1 : Wide{INT64_MAX};
  return result < least || result > most ? kError : Number(result);
}

}  // namespace rescind
