// The part of NaiveMeaning in which time passes.
#include <cstdlib>

#include "engine/base/time_zone.h"
#include "tests/differential/naive_meaning.h"

namespace rescind {

using eval::ValueStatus;
using typed::Expr;
using typed::ExprKind;
using Answer = NaiveAnswer;
using Kind = typed::Type::Kind;

namespace {

constexpr int64_t kManyDays = 8'000'000;  // more than the calendar has

bool IsSum(const Expr& expr) {
  return expr.kind == ExprKind::kAdd || expr.kind == ExprKind::kSubtract;
}
bool IsExtreme(const Expr& expr) {
  return expr.kind == ExprKind::kLatest || expr.kind == ExprKind::kEarliest;
}

}  // namespace

// Whether anything in it hangs on the clock.
bool NaiveMeaning::MovesWithTime(const Expr& unresolved) const {
  const Expr& expr = Resolve(unresolved);
  switch (expr.kind) {
    case ExprKind::kNow:
    case ExprKind::kToday:
    case ExprKind::kPassed:
    case ExprKind::kOlder:
    case ExprKind::kNewer:
    case ExprKind::kWithinNext: return true;
    default: break;
  }
  for (const auto& operand : expr.operands) {
    if (operand && MovesWithTime(*operand)) return true;
  }
  return false;
}

// Whether its value is made of `now` or `today`: then it is never stored, only compared, and sums
// in the comparison are exact however long ago or far ahead they are.
bool NaiveMeaning::NamesNow(const Expr& unresolved) const {
  const Expr& expr = Resolve(unresolved);
  if (expr.kind == ExprKind::kNow || expr.kind == ExprKind::kToday) return true;
  const bool moment = expr.type.kind == Kind::kTime || expr.type.kind == Kind::kDate ||
                      expr.type.kind == Kind::kDuration;
  if ((IsSum(expr) && moment) || expr.kind == ExprKind::kCoalesce) {
    return NamesNow(*expr.operands[0]) || NamesNow(*expr.operands[1]);
  }
  return IsExtreme(expr) && expr.type.kind == Kind::kTime && MovesWithTime(expr);
}

Answer NaiveMeaning::Exact(const Expr& unresolved) {
  const Expr& expr = Resolve(unresolved);
  if (IsSum(expr)) {
    const Answer left = Exact(*expr.operands[0]);
    const Answer right = Exact(*expr.operands[1]);
    const ValueStatus worst = std::max(left.status, right.status);
    if (worst != ValueStatus::kKnown) return Trouble(worst);
    const bool plus = expr.kind == ExprKind::kAdd;
    return Number(plus ? NumberOf(left) + NumberOf(right) : NumberOf(left) - NumberOf(right));
  }
  if (!NamesNow(expr)) return Of(expr);
  if (expr.kind == ExprKind::kCoalesce) {
    const Answer left = Exact(*expr.operands[0]);
    if (left.status == ValueStatus::kUndecided) {
      error_beyond_choice_ |= Exact(*expr.operands[1]).status == ValueStatus::kError;
    }
    return left.status == ValueStatus::kUnknown ? Exact(*expr.operands[1]) : left;
  }
  return IsExtreme(expr) ? Fold(expr, true) : Of(expr);
}

Answer NaiveMeaning::TimeRelation(const Expr& expr) {
  const Answer moment = Exact(*expr.operands[0]);
  const Answer length = expr.operands.size() > 1 ? Exact(*expr.operands[1]) : Number(0);
  const auto passed = [&](const Answer& distance, int sign) -> Answer {
    const ValueStatus worst = std::max(moment.status, distance.status);
    if (worst != ValueStatus::kKnown) return Trouble(worst);
    return Truth(now_.micros >= NumberOf(moment) + sign * NumberOf(distance));
  };
  switch (expr.kind) {
    case ExprKind::kNewer: return Not(passed(length, 1));
    // `t - d <= now` and `now < t`: past t it is over, however long d is.
    case ExprKind::kWithinNext: return And({passed(length, -1), Not(passed(Number(0), 1))});
    default: return passed(length, 1);  // has passed, older than
  }
}

// ---- Days -------------------------------------------------------------------------------------

// What nobody knows, or the database lacks, is insufficient data.
Answer NaiveMeaning::Zone() {
  if (timezone_ == nullptr) return {ValueStatus::kKnown, program_.default_timezone};
  Answer zone = Of(*timezone_);
  if (zone.status == ValueStatus::kError) return zone;
  if (!zone.known() || FindTimeZone(std::get<std::string>(zone.content)) == nullptr) {
    return Trouble(ValueStatus::kUndecided);
  }
  return zone;
}

Answer NaiveMeaning::Today() {
  Answer zone = Zone();
  if (!zone.known()) return zone;
  return Number(FindTimeZone(std::get<std::string>(zone.content))->DayOf(now_).days);
}

Answer NaiveMeaning::Zoned(const Expr& expr) {
  const Answer operand = Of(*expr.operands[0]);
  const Answer name = Zone();
  const ValueStatus worst = std::max(operand.status, name.status);
  if (worst != ValueStatus::kKnown) return Trouble(worst);
  const TimeZone& zone = *FindTimeZone(std::get<std::string>(name.content));
  const auto number = static_cast<int64_t>(NumberOf(operand));
  if (expr.kind == ExprKind::kDateOf) {
    const int32_t day = zone.DayOf({number}).days;
    const bool exists = day >= kFirstDay.days && day <= kLastDay.days;
    return exists ? Number(day) : Trouble(ValueStatus::kError);
  }
  const int64_t start = zone.StartOf({static_cast<int32_t>(number)}).micros;
  const bool exists = start >= kFirstDay.days * kMicrosPerDay &&
                      start < (kLastDay.days + int64_t{1}) * kMicrosPerDay;
  return exists ? Number(start) : Trouble(ValueStatus::kError);
}

// The length of `date ± length`, or of `date older than length`.
CivilDuration NaiveMeaning::CivilOf(const Expr& expr) const {
  CivilDuration length = std::get<CivilDuration>(Resolve(*expr.operands[1]).constant);
  if (expr.kind == ExprKind::kSubtract) length.count = -length.count;
  return length;
}

// A sum outside the calendar is an error; where `endless`, it is before or after every date, and
// whole days are merely counted.
Answer NaiveMeaning::AddLength(const Answer& date, CivilDuration length, bool endless) const {
  if (!date.known()) return date;
  const Wide days = NumberOf(date);
  if (endless && length.unit == CivilUnit::kDays && std::abs(length.count) < kManyDays) {
    return Number(days + length.count);
  }
  const auto sum = AddCivil({static_cast<int32_t>(days)}, length, holidays_);
  if (sum) return Number(sum->days);
  if (!endless) return Trouble(ValueStatus::kError);
  return Number(length.count < 0 ? Wide{INT32_MIN} : Wide{INT32_MAX});
}

Answer NaiveMeaning::ExactDay(const Expr& unresolved) {
  const Expr& expr = Resolve(unresolved);
  if (!IsSum(expr)) return Of(expr);
  const CivilDuration length = CivilOf(expr);
  if (Resolve(*expr.operands[0]).kind == ExprKind::kToday) {
    return AddLength(Today(), length, true);
  }
  if (length.unit == CivilUnit::kDays && std::abs(length.count) < kManyDays) {
    return AddLength(ExactDay(*expr.operands[0]), length, true);
  }
  return Of(expr);
}

Answer NaiveMeaning::DateRelation(const Expr& expr) {
  const Answer today = Today();
  const auto related = [&](const Answer& date, bool (*holds)(Wide today, Wide date)) -> Answer {
    const ValueStatus worst = std::max(today.status, date.status);
    if (worst != ValueStatus::kKnown) return Trouble(worst);
    return Truth(holds(NumberOf(today), NumberOf(date)));
  };
  const auto after = [](Wide today_is, Wide limit) { return today_is > limit; };
  const Answer day = ExactDay(*expr.operands[0]);
  if (expr.kind == ExprKind::kPassed) return related(day, after);
  CivilDuration length = CivilOf(expr);
  const bool in_days = length.unit == CivilUnit::kDays && std::abs(length.count) < kManyDays;
  const Answer date = in_days ? day : Of(*expr.operands[0]);
  if (expr.kind == ExprKind::kWithinNext) {
    length.count = -length.count;
    const Answer begun = related(AddLength(date, length, true),
                                 [](Wide today_is, Wide first) { return today_is >= first; });
    return And({begun, Not(related(day, after))});
  }
  const Answer older = related(AddLength(date, length, true), after);
  return expr.kind == ExprKind::kNewer ? Not(older) : older;
}

}  // namespace rescind
