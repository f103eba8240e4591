#include "engine/check/time_choices.h"

#include <algorithm>

namespace rescind::check {

using typed::Expr;
using typed::ExprKind;
using typed::Type;

namespace {

// A condition of an extreme that is taken apart is lowered for what counts, for what is known, and
// for what is compared.
constexpr uint64_t kTimesLowered = 4;

bool IsSumOfMoment(const Expr& expr) {
  return (expr.kind == ExprKind::kAdd || expr.kind == ExprKind::kSubtract) &&
         (expr.type.kind == Type::Kind::kTime || expr.type.kind == Type::Kind::kDuration ||
          expr.type.kind == Type::Kind::kDate);
}

bool IsExtremeOfTime(const Expr& expr) {
  return (expr.kind == ExprKind::kLatest || expr.kind == ExprKind::kEarliest) &&
         expr.type.kind == Type::Kind::kTime;
}

bool IsTimeRelation(const Expr& expr) {
  switch (expr.kind) {
    case ExprKind::kCompare:
    case ExprKind::kPassed:
    case ExprKind::kOlder:
    case ExprKind::kNewer:
    case ExprKind::kWithinNext: return true;
    default: return false;
  }
}

// Both factors are at most kManyCases, so nothing overflows.
uint64_t Bounded(uint64_t cases) { return std::min(cases, TimeChoices::kManyCases - 1); }

}  // namespace

const Expr& TimeChoices::Resolve(const Expr& expr) const {
  const Expr* at = &typed::Strip(expr);
  while (at->kind == ExprKind::kLet && lets_ != nullptr && (*lets_)[at->let].value != nullptr) {
    at = &typed::Strip(*(*lets_)[at->let].value);
  }
  return *at;
}

bool TimeChoices::Moves(const Expr& unresolved) {
  const Expr& expr = Resolve(unresolved);
  const auto seen = moves_.find(&expr);
  if (seen != moves_.end()) return seen->second;
  bool moves = false;
  switch (expr.kind) {
    case ExprKind::kNow:
    case ExprKind::kToday:
    case ExprKind::kPassed:
    case ExprKind::kOlder:
    case ExprKind::kNewer:
    case ExprKind::kWithinNext: moves = true; break;
    default:
      for (const auto& operand : expr.operands) moves = moves || (operand && Moves(*operand));
  }
  moves_.emplace(&expr, moves);
  return moves;
}

bool TimeChoices::NamesNow(const Expr& unresolved) {
  const Expr& expr = Resolve(unresolved);
  const auto seen = names_now_.find(&expr);
  if (seen != names_now_.end()) return seen->second;
  bool names_now = expr.kind == ExprKind::kNow || expr.kind == ExprKind::kToday;
  if (IsSumOfMoment(expr) || expr.kind == ExprKind::kCoalesce) {
    names_now = NamesNow(*expr.operands[0]) || NamesNow(*expr.operands[1]);
  } else if (IsExtremeOfTime(expr)) {
    names_now = Moves(expr);
  }
  names_now_.emplace(&expr, names_now);
  return names_now;
}

uint64_t TimeChoices::Cases(const Expr& unresolved) {
  const Expr& expr = Resolve(unresolved);
  const auto seen = cases_.find(&expr);
  if (seen != cases_.end()) return seen->second;
  uint64_t cases = 1;
  if (IsSumOfMoment(expr) && expr.type.kind != Type::Kind::kDate) {
    cases = Cases(*expr.operands[0]) * Cases(*expr.operands[1]);
  } else if (expr.kind == ExprKind::kCoalesce && NamesNow(expr)) {
    cases = Cases(*expr.operands[0]) + Cases(*expr.operands[1]);
  } else if (IsExtremeOfTime(expr) && NamesNow(expr)) {
    cases = 1 + Cases(*expr.operands[2]);
    for (size_t i = 0; i < 2; ++i) {
      if (expr.operands[i]) cases += kTimesLowered * CasesInside(*expr.operands[i]);
    }
  }
  cases = Bounded(cases);
  cases_.emplace(&expr, cases);
  return cases;
}

// Of the comparisons in it, those that fall into more than one case: all their cases.
uint64_t TimeChoices::CasesInside(const Expr& unresolved) {
  const Expr& expr = Resolve(unresolved);
  const auto seen = cases_inside_.find(&expr);
  if (seen != cases_inside_.end()) return seen->second;
  uint64_t cases = IsTimeRelation(expr) ? 1 : 0;
  for (const auto& operand : expr.operands) {
    if (!operand) continue;
    cases = IsTimeRelation(expr) ? cases * Cases(*operand) : cases + CasesInside(*operand);
    cases = Bounded(cases);
  }
  if (IsTimeRelation(expr) && cases == 1) cases = 0;
  cases_inside_.emplace(&expr, cases);
  return cases;
}

}  // namespace rescind::check
