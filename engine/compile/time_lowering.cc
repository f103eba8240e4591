// How time gets into conditions, and nowhere else.
//
// Every comparison of times or durations that involves `now` is brought to one side:
// `left >= right` is `left - right >= 0`, and the difference is a sum of terms, each with a sign.
// `now` is counted, constants go into the offset, values that do not move become operands:
//
//   g.last_used older than 90d   =   now - g.last_used - 90d >= 0
//   older than: kReached factor 1, operand -g.last_used, offset -90d
//
// Terms that hide `now` are taken apart by cases, so that it never is an operand:
//
//   (a ?? now) + rest >= 0        =   a is known and (a + rest >= 0)
//                                     or a is unknown and (now + rest >= 0)
//   latest(v of members) + rest >= 0    =   any member has v + rest >= 0
//   -latest(v of members) + rest >= 0   =   all members have -v + rest >= 0
//
// The sums are exact: nothing overflows on the way, and `t older than d` is a plain no for a `t`
// at the end of time. `a == b` is `a - b >= 0 and not a - b - 1us >= 0`, since instants are whole
// microseconds. Dates go the same way in days, with the civil length left beside `today`.
#include <algorithm>
#include <limits>
#include <utility>

#include "engine/base/assert.h"
#include "engine/compile/expression_lowering.h"

namespace rescind::compile {

using typed::Expr;
using typed::ExprKind;

namespace {

// More days than lie between the years 0001 and 9999: larger counts are left where they stand.
constexpr int64_t kManyDays = 8'000'000;

bool IsLiteral(const Expr& expr) {
  return expr.kind == ExprKind::kLiteral || expr.kind == ExprKind::kParam;
}

int64_t MicrosOf(const typed::Constant& constant) {
  if (const auto* instant = std::get_if<Instant>(&constant)) return instant->micros;
  return std::get<Duration>(constant).micros;
}

bool IsSumOfMoment(const Expr& expr) {
  return (expr.kind == ExprKind::kAdd || expr.kind == ExprKind::kSubtract) &&
         (expr.type.kind == typed::Type::Kind::kTime ||
          expr.type.kind == typed::Type::Kind::kDuration ||
          expr.type.kind == typed::Type::Kind::kDate);
}

bool IsRows(const Expr& expr) {
  return expr.type.kind == typed::Type::Kind::kRows ||
         expr.type.kind == typed::Type::Kind::kTableRows;
}

bool IsExtreme(const Expr& expr) {
  return expr.kind == ExprKind::kLatest || expr.kind == ExprKind::kEarliest;
}

}  // namespace

// ---- Times ------------------------------------------------------------------------------------

ir::NodeId ExpressionLowering::CompareTimes(const Expr& expr) {
  const Expr& left = *expr.operands[0];
  const Expr& right = *expr.operands[1];
  const auto at_least = [&](const Expr& a, const Expr& b, int64_t offset_micros) {
    Sum sum;
    sum.offset_micros = offset_micros;
    return AtLeastZero(sum.Push(b, -1).Push(a, 1));
  };
  const auto equal = [&] {
    return graph_.And({at_least(left, right, 0), graph_.Not(at_least(left, right, -1))});
  };
  switch (expr.compare) {
    case typed::CompareOp::kEqual: return equal();
    case typed::CompareOp::kNotEqual: return graph_.Not(equal());
    case typed::CompareOp::kLess: return graph_.Not(at_least(left, right, 0));
    case typed::CompareOp::kLessEqual: return at_least(right, left, 0);
    case typed::CompareOp::kGreater: return graph_.Not(at_least(right, left, 0));
    case typed::CompareOp::kGreaterEqual: return at_least(left, right, 0);
  }
  RESCIND_UNREACHABLE("a comparison beyond the enumeration");
}

ir::NodeId ExpressionLowering::AtLeastZero(Sum sum) {
  while (!sum.rest.empty()) {
    const Term term = sum.rest.back();
    sum.rest.pop_back();
    const Expr& expr = Resolve(*term.expr);
    if (TakeTerm(sum, expr, term.sign)) continue;
    if (expr.kind == ExprKind::kCoalesce) return ByKnown(sum, expr, term.sign);
    return ByMember(sum, expr, term.sign);
  }
  return Reached(sum);
}

// False when the term must be taken apart by cases.
bool ExpressionLowering::TakeTerm(Sum& sum, const Expr& expr, int sign) {
  if (expr.kind == ExprKind::kNow) {
    sum.factor += sign;
    return true;
  }
  if (IsSumOfMoment(expr)) {
    const int right_sign = expr.kind == ExprKind::kAdd ? sign : -sign;
    sum.Push(*expr.operands[1], right_sign).Push(*expr.operands[0], sign);
    return true;
  }
  if (IsLiteral(expr)) {
    const int64_t micros = MicrosOf(expr.constant);
    int64_t total = 0;
    const bool overflows = sign > 0 ? __builtin_add_overflow(sum.offset_micros, micros, &total)
                                    : __builtin_sub_overflow(sum.offset_micros, micros, &total);
    if (!overflows) {
      sum.offset_micros = total;
      return true;
    }
  } else if (time_.NamesNow(expr)) {
    return false;
  }
  sum.operands.emplace_back(Value(expr), static_cast<int8_t>(sign));
  return true;
}

ir::NodeId ExpressionLowering::ByKnown(const Sum& sum, const Expr& coalesce, int sign) {
  const Expr& left = *coalesce.operands[0];
  const Expr& right = *coalesce.operands[1];
  const ir::NodeId known = KnownExactly(left);
  const ir::NodeId if_known = AtLeastZero(Sum(sum).Push(left, sign));
  const ir::NodeId otherwise = AtLeastZero(Sum(sum).Push(right, sign));
  return graph_.Or({graph_.And({known, if_known}), graph_.And({graph_.Not(known), otherwise})});
}

// Whether a member of `source`, which is bound, counts for the latest or earliest: it meets all
// conditions, and its value is known.
ir::NodeId ExpressionLowering::MemberCounts(const Source& source, const Expr& extreme) {
  std::vector<ir::NodeId> conditions;
  for (const Expr* condition : source.conditions) conditions.push_back(Value(*condition));
  if (extreme.operands[1]) conditions.push_back(Value(*extreme.operands[1]));
  conditions.push_back(KnownExactly(*extreme.operands[2]));
  return graph_.And(std::move(conditions));
}

ir::NodeId ExpressionLowering::CountMembers(const Expr& extreme) {
  const Source source = SourceOf(extreme);
  const Binding binding(*this, source);
  ir::Type number;
  number.kind = ir::Type::Kind::kInt;
  return MakeFold(ir::Op::kCount, number, source, {MemberCounts(source, extreme)});
}

// Where any member is undecided the extreme is, although `any` might know better: the number of
// members that count, which then is undecided too, is asked for beside it.
ir::NodeId ExpressionLowering::ByMember(const Sum& sum, const Expr& extreme, int sign) {
  const ir::NodeId decided = IsKnown(CountMembers(extreme));
  const Source source = SourceOf(extreme, &sum);
  const Binding binding(*this, source);
  const ir::NodeId counts = MemberCounts(source, extreme);
  const ir::NodeId reached = AtLeastZero(Sum(sum).Push(*extreme.operands[2], sign));
  const bool one_is_enough = (extreme.kind == ExprKind::kLatest) == (sign > 0);
  const ir::NodeId fold =
      one_is_enough
          ? MakeFold(ir::Op::kAny, ir::Type{}, source, {graph_.And({counts, reached})})
          : MakeFold(ir::Op::kAll, ir::Type{}, source, {graph_.Or({graph_.Not(counts), reached})});
  return graph_.Or(
      {graph_.And({fold, decided}), graph_.And({graph_.Not(fold), graph_.Not(decided)})});
}

ir::NodeId ExpressionLowering::Reached(const Sum& sum) {
  if (sum.operands.empty() && sum.factor == 0) return graph_.Bool(sum.offset_micros >= 0);
  ir::Node node;
  node.op = ir::Op::kReached;
  node.factor = sum.factor;
  node.offset = sum.offset_micros;
  auto operands = sum.operands;
  // x >= 0 is not (-x - 1 >= 0), in whole microseconds.
  const bool backwards = sum.factor < 0;
  if (backwards) {
    node.factor = -sum.factor;
    node.offset = ~sum.offset_micros;  // -offset - 1, which cannot overflow
    for (auto& [operand, sign] : operands) sign = static_cast<int8_t>(-sign);
  }
  std::sort(operands.begin(), operands.end());
  for (const auto& [operand, sign] : operands) {
    node.operands.push_back(operand);
    node.signs.push_back(sign);
  }
  const ir::NodeId reached = graph_.Add(std::move(node));
  return backwards ? graph_.Not(reached) : reached;
}

// `is known` of a value that may be made of `now`, or of a collection: that of its base.
ir::NodeId ExpressionLowering::Known(const Expr& unresolved) {
  const Expr& expr = Resolve(unresolved);
  if (IsRows(expr)) {
    return expr.kind == ExprKind::kTable ? graph_.Bool(true) : Known(*expr.operands[0]);
  }
  return time_.NamesNow(expr) ? KnownExactly(expr) : IsKnown(Value(expr));
}

// The same of a term of a sum in which `now` is: there, a sum of times that no calendar has is a
// number like any other, and no error.
ir::NodeId ExpressionLowering::KnownExactly(const Expr& unresolved) {
  const Expr& expr = Resolve(unresolved);
  if (IsSumOfMoment(expr) && expr.type.kind != typed::Type::Kind::kDate) {
    return graph_.And({KnownExactly(*expr.operands[0]), KnownExactly(*expr.operands[1])});
  }
  if (!time_.NamesNow(expr)) return IsKnown(Value(expr));
  if (expr.kind == ExprKind::kNow || expr.kind == ExprKind::kToday) return graph_.Bool(true);
  if (IsExtreme(expr)) {
    const ir::NodeId count = CountMembers(expr);
    const ir::Type number = graph_.node(count).type;
    return Compared(ir::Compare::kLess, graph_.Constant(number, int64_t{0}), count);
  }
  const ir::NodeId left = KnownExactly(*expr.operands[0]);
  const ir::NodeId right = KnownExactly(*expr.operands[1]);
  if (expr.kind != ExprKind::kCoalesce) return graph_.And({left, right});
  // Not merely one or the other: where the left side is undecided, so is the choice.
  return graph_.Or({left, graph_.And({graph_.Not(left), right})});
}

// ---- Relations of the language ----------------------------------------------------------------

ir::NodeId ExpressionLowering::Passed(const Expr& expr) {
  const Expr& moment = *expr.operands[0];
  // A contract's last day is still a working day.
  if (moment.type.kind == typed::Type::Kind::kDate) return DayReached(moment, 1, {});
  Sum sum;
  sum.factor = 1;
  return AtLeastZero(sum.Push(moment, -1));
}

ir::NodeId ExpressionLowering::Older(const Expr& expr) {
  const Expr& moment = *expr.operands[0];
  const Expr& length = *expr.operands[1];
  if (moment.type.kind != typed::Type::Kind::kDate) {
    Sum sum;
    sum.factor = 1;
    return AtLeastZero(sum.Push(length, -1).Push(moment, -1));
  }
  const CivilDuration civil = CivilOf(length);
  return DayReachedAfter(moment, civil, 1);
}

ir::NodeId ExpressionLowering::WithinNext(const Expr& expr) {
  const Expr& moment = *expr.operands[0];
  const Expr& length = *expr.operands[1];
  if (moment.type.kind == typed::Type::Kind::kDate) {
    CivilDuration civil = CivilOf(length);
    civil.count = -civil.count;
    return graph_.And(
        {DayReachedAfter(moment, civil, 0), graph_.Not(DayReachedAfter(moment, {}, 1))});
  }
  Sum near;
  near.factor = 1;
  Sum passed = near;
  return graph_.And({AtLeastZero(near.Push(length, 1).Push(moment, -1)),
                     graph_.Not(AtLeastZero(passed.Push(moment, -1)))});
}

// ---- Days -------------------------------------------------------------------------------------

const CivilDuration& ExpressionLowering::CivilOf(const Expr& expr) const {
  return std::get<CivilDuration>(Resolve(expr).constant);
}

// today >= date + length + offset days.
ir::NodeId ExpressionLowering::DayReachedAfter(const Expr& date, CivilDuration length,
                                               int64_t offset_days) {
  if (length.unit == CivilUnit::kDays && std::abs(length.count) < kManyDays) {
    return DayReached(date, length.count + offset_days, {});
  }
  return MakeDayReached(EndlessSum(Value(date), length), offset_days, {});
}

// today + length >= date + offset days. Days that are added to the date, or to today, are counted
// in the offset, so that what is asked of one date differs by a number only.
ir::NodeId ExpressionLowering::DayReached(const Expr& unresolved, int64_t offset_days,
                                          CivilDuration length) {
  const Expr* date = &Resolve(unresolved);
  while (IsSumOfMoment(*date)) {
    const CivilDuration& added = CivilOf(*date->operands[1]);
    if (added.unit != CivilUnit::kDays || std::abs(added.count) > kManyDays ||
        std::abs(offset_days) > kManyDays) {
      break;
    }
    offset_days += date->kind == ExprKind::kAdd ? added.count : -added.count;
    date = &Resolve(*date->operands[0]);
  }
  return MakeDayReached(Value(*date), offset_days, length);
}

ir::NodeId ExpressionLowering::MakeDayReached(ir::NodeId date, int64_t offset_days,
                                              CivilDuration length) {
  if (length.unit == CivilUnit::kDays && std::abs(length.count) < kManyDays) {
    offset_days -= length.count;
    length = {};
  }
  ir::Node node;
  node.op = ir::Op::kDayReached;
  node.operands = {date, Zone()};
  node.offset = offset_days;
  node.length = length;
  return graph_.Add(std::move(node));
}

ir::NodeId ExpressionLowering::EndlessSum(ir::NodeId date, CivilDuration length) {
  ir::Node node;
  node.op = ir::Op::kAddCivil;
  node.type = graph_.node(date).type;
  node.operands = {date};
  node.length = length;
  node.endless = true;
  return graph_.Add(std::move(node));
}

ir::NodeId ExpressionLowering::CompareToday(const Expr& expr) {
  const bool today_left = time_.NamesNow(*expr.operands[0]);
  const Expr& side = Resolve(*expr.operands[today_left ? 0 : 1]);
  const Expr& date = *expr.operands[today_left ? 1 : 0];
  CivilDuration length;
  if (side.kind != ExprKind::kToday) {
    RESCIND_ASSERT(IsSumOfMoment(side), "`today` inside what is no sum");
    length = CivilOf(*side.operands[1]);
    if (side.kind == ExprKind::kSubtract) length.count = -length.count;
  }
  // `date < today + length` is `today + length > date`.
  typed::CompareOp compare = expr.compare;
  if (!today_left) {
    switch (compare) {
      case typed::CompareOp::kLess: compare = typed::CompareOp::kGreater; break;
      case typed::CompareOp::kLessEqual: compare = typed::CompareOp::kGreaterEqual; break;
      case typed::CompareOp::kGreater: compare = typed::CompareOp::kLess; break;
      case typed::CompareOp::kGreaterEqual: compare = typed::CompareOp::kLessEqual; break;
      default: break;
    }
  }
  const ir::NodeId at_least = DayReached(date, 0, length);
  const ir::NodeId after = DayReached(date, 1, length);
  switch (compare) {
    case typed::CompareOp::kEqual: return graph_.And({at_least, graph_.Not(after)});
    case typed::CompareOp::kNotEqual: return graph_.Not(graph_.And({at_least, graph_.Not(after)}));
    case typed::CompareOp::kLess: return graph_.Not(at_least);
    case typed::CompareOp::kLessEqual: return graph_.Not(after);
    case typed::CompareOp::kGreater: return after;
    case typed::CompareOp::kGreaterEqual: return at_least;
  }
  RESCIND_UNREACHABLE("a comparison beyond the enumeration");
}

}  // namespace rescind::compile
