// The condition is evaluated abstractly: what the action settles has its new value, all else is
// open. Example: `disable a` settles `a.status`. Then
//
//   a.status == active and a.last_login older than 90d   is  false and open  =  false: an error
//   a.status == active or a.privileged                   is  false or open   =  open: fine
//
// Of a collection, an action settles the rows that satisfy all its conditions. Those of
// `any(g in i.grants where g.source == emergency and g.ticket is unknown)` are among those of
// `revoke (g in i.grants where g.source == emergency)`: none is left.
//
// Of a number it is known between what it lies. After `end i.sessions`
//
//   count(s in i.sessions) - count(a in i.accounts) > 0   is  0 - [0, …] > 0  =  false: an error
//   count(s in i.sessions) + count(a in i.accounts) > 0   is  0 + [0, …] > 0  =  open: fine
#include "engine/check/stage_effect.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "engine/check/known_flow.h"

namespace rescind::check {

using typed::Expr;
using typed::ExprKind;
using typed::Verb;

namespace {

enum class Answer : uint8_t { kFalse, kTrue, kOpen };

Answer Negated(Answer answer) {
  if (answer == Answer::kOpen) return answer;
  return answer == Answer::kTrue ? Answer::kFalse : Answer::kTrue;
}

// A condition that every row of a collection satisfies, and how it names the row.
struct Filter {
  const Expr* condition = nullptr;
  typed::BinderId member;
};

// A collection, apart from what its rows satisfy.
struct Members {
  const Expr* unfiltered = nullptr;
  std::string plain;               // its canonical text
  std::vector<Filter> filters;     // as written
  std::set<std::string> required;  // canonical texts of the filters' conjuncts

  bool AreAllAmong(const Members& others) const {
    return plain == others.plain && std::includes(required.begin(), required.end(),
                                                  others.required.begin(), others.required.end());
  }
};

void AddConjuncts(const KnownFlow& flow, const Expr& given, typed::BinderId member,
                  std::set<std::string>& conjuncts) {
  const Expr& expr = flow.Resolve(given);
  if (expr.kind != ExprKind::kAnd) {
    conjuncts.insert(flow.KeyOfMember(expr, member));
    return;
  }
  for (const auto& operand : expr.operands) AddConjuncts(flow, *operand, member, conjuncts);
}

void AddFilter(const KnownFlow& flow, const Filter& filter, Members& members) {
  members.filters.push_back(filter);
  AddConjuncts(flow, *filter.condition, filter.member, members.required);
}

Members MembersOf(const KnownFlow& flow, const Expr& collection) {
  Members members;
  const Expr* expr = &flow.Resolve(collection);
  for (; expr->kind == ExprKind::kFilter; expr = &flow.Resolve(*expr->operands[0])) {
    AddFilter(flow, {expr->operands[1].get(), expr->binder}, members);
  }
  members.unfiltered = expr;
  members.plain = flow.Key(*expr);
  return members;
}

__extension__ using Wide = __int128;

int64_t Bound(Wide value) {
  return static_cast<int64_t>(std::clamp<Wide>(value, std::numeric_limits<int64_t>::min(),
                                               std::numeric_limits<int64_t>::max()));
}

// What a whole number lies between, both included. The extremes of the type bound nothing: an
// expression that would leave them is an evaluation error, and then nothing matches.
struct Range {
  int64_t least = std::numeric_limits<int64_t>::min();
  int64_t most = std::numeric_limits<int64_t>::max();
  bool is_settled = false;  // the action has a part in it

  static Range Exactly(int64_t value, bool is_settled) { return {value, value, is_settled}; }

  Range Negative() const { return {Bound(-Wide(most)), Bound(-Wide(least)), is_settled}; }
  friend Range operator+(const Range& a, const Range& b) {
    return {Bound(Wide(a.least) + b.least), Bound(Wide(a.most) + b.most),
            a.is_settled || b.is_settled};
  }
  friend Range operator*(const Range& a, const Range& b) {
    const auto ends = std::minmax({Wide(a.least) * b.least, Wide(a.least) * b.most,
                                   Wide(a.most) * b.least, Wide(a.most) * b.most});
    return {Bound(ends.first), Bound(ends.second), a.is_settled || b.is_settled};
  }

  Answer IsLess(const Range& other) const {
    if (most < other.least) return Answer::kTrue;
    return least >= other.most ? Answer::kFalse : Answer::kOpen;
  }
  Answer IsEqual(const Range& other) const {
    if (most < other.least || least > other.most) return Answer::kFalse;
    return least == most && other.least == other.most ? Answer::kTrue : Answer::kOpen;
  }
};

// What one action makes true of its targets.
struct Effect {
  bool removes = false;    // the rows are gone
  std::string new_status;  // else their `status` is this
  std::string target;      // canonical text
  bool is_collection = false;
  Members rows;  // of a collection
};

std::optional<Effect> EffectOf(const Schema& schema, const KnownFlow& flow,
                               const typed::Action& action) {
  if (action.target == nullptr || action.expands_identity) return std::nullopt;
  Effect effect;
  effect.target = flow.Key(*action.target);
  effect.is_collection = action.target->type.kind == typed::Type::Kind::kRows;
  if (effect.is_collection) effect.rows = MembersOf(flow, *action.target);
  switch (action.verb) {
    case Verb::kDisable:
    case Verb::kSuspend: effect.new_status = "disabled"; return effect;
    case Verb::kRevoke:
      // A key that no longer works is there still.
      effect.removes = schema.entity(action.target->type.entity).name != "credential";
      effect.new_status = "revoked";
      return effect;
    case Verb::kEnd:
    case Verb::kDelete: effect.removes = true; return effect;
    case Verb::kNotify:
    case Verb::kRun: return std::nullopt;
  }
  RESCIND_UNREACHABLE("not a verb");
}

class AbstractEvaluation {
 public:
  // `settled`: canonical texts of the rows that are known to be acted on.
  AbstractEvaluation(const Schema& schema, const KnownFlow& flow, const Effect& effect,
                     std::set<std::string> settled)
      : schema_(schema), flow_(flow), effect_(effect), settled_(std::move(settled)) {}

  Answer Of(const Expr& given) {
    const Expr& expr = flow_.Resolve(given);
    switch (expr.kind) {
      case ExprKind::kNot: return Negated(Of(*expr.operands[0]));
      case ExprKind::kAnd: return Join(expr, Answer::kFalse);
      case ExprKind::kOr: return Join(expr, Answer::kTrue);
      case ExprKind::kCompare: return OfCompare(expr);
      case ExprKind::kIn: return OfIn(expr);
      case ExprKind::kAny:
      case ExprKind::kAll:
      case ExprKind::kNo: return OfQuantifier(expr);
      case ExprKind::kIsKnown: return OfKnown(*expr.operands[0]);
      case ExprKind::kIsUnknown: return Negated(OfKnown(*expr.operands[0]));
      default: return Answer::kOpen;
    }
  }

 private:
  Answer Join(const Expr& expr, Answer deciding) {
    bool open = false;
    for (const auto& operand : expr.operands) {
      const Answer answer = Of(*operand);
      if (answer == deciding) return deciding;
      open = open || answer == Answer::kOpen;
    }
    return open ? Answer::kOpen : Negated(deciding);
  }

  // The member that a settled `status` now has; nullopt for everything else.
  std::optional<uint8_t> NewStatus(const Expr& given) {
    const Expr& expr = flow_.Resolve(given);
    if (expr.kind != ExprKind::kField || effect_.removes) return std::nullopt;
    const FieldDef& field = schema_.field(expr.entity, expr.field);
    if (field.name != "status" || field.type.kind != TypeKind::kEnum) return std::nullopt;
    if (settled_.count(flow_.Key(*expr.operands[0])) == 0) return std::nullopt;
    return schema_.enumeration(field.type.enumeration).Find(effect_.new_status);
  }

  template <typename Wanted>
  const Wanted* Constant(const Expr& given) const {
    const Expr& expr = flow_.Resolve(given);
    if (expr.kind != ExprKind::kLiteral && expr.kind != ExprKind::kParam) return nullptr;
    return std::get_if<Wanted>(&expr.constant);
  }

  std::optional<uint8_t> Member(const Expr& given) const {
    const auto* value = Constant<typed::EnumValue>(given);
    return value == nullptr ? std::nullopt : std::optional(value->member);
  }

  Answer OfCompare(const Expr& expr) {
    auto status = NewStatus(*expr.operands[0]);
    auto member = Member(*expr.operands[1]);
    if (!status || !member) {
      status = NewStatus(*expr.operands[1]);
      member = Member(*expr.operands[0]);
    }
    if (!status || !member) return OfCompareOfNumbers(expr);
    const Answer equal = *status == *member ? Answer::kTrue : Answer::kFalse;
    if (expr.compare == typed::CompareOp::kEqual) return equal;
    if (expr.compare == typed::CompareOp::kNotEqual) return Negated(equal);
    return Answer::kOpen;
  }

  Answer OfIn(const Expr& expr) {
    const auto status = NewStatus(*expr.operands[0]);
    if (!status) return Answer::kOpen;
    for (const auto& constant : expr.constants) {
      const auto* value = std::get_if<typed::EnumValue>(&constant);
      if (value != nullptr && value->member == *status) return Answer::kTrue;
    }
    return Answer::kFalse;
  }

  // How many are left is known only where none is.
  Range RangeOf(const Expr& given) {
    const Expr& expr = flow_.Resolve(given);
    if (const auto* number = Constant<int64_t>(expr)) return Range::Exactly(*number, false);
    switch (expr.kind) {
      case ExprKind::kCount:
        if (IsEmptied(ChosenBy(expr))) return Range::Exactly(0, true);
        return {0, std::numeric_limits<int64_t>::max(), false};
      case ExprKind::kSum: return IsEmptied(ChosenBy(expr)) ? Range::Exactly(0, true) : Range();
      case ExprKind::kAdd: return RangeOf(*expr.operands[0]) + RangeOf(*expr.operands[1]);
      case ExprKind::kSubtract:
        return RangeOf(*expr.operands[0]) + RangeOf(*expr.operands[1]).Negative();
      case ExprKind::kMultiply: return RangeOf(*expr.operands[0]) * RangeOf(*expr.operands[1]);
      case ExprKind::kNegate: return RangeOf(*expr.operands[0]).Negative();
      default: return {};
    }
  }

  // What holds or fails without the action's doing is not its to answer for.
  Answer OfCompareOfNumbers(const Expr& expr) {
    if (expr.operands[0]->type.kind != typed::Type::Kind::kInt) return Answer::kOpen;
    const Range left = RangeOf(*expr.operands[0]);
    const Range right = RangeOf(*expr.operands[1]);
    if (!left.is_settled && !right.is_settled) return Answer::kOpen;
    switch (expr.compare) {
      case typed::CompareOp::kEqual: return left.IsEqual(right);
      case typed::CompareOp::kNotEqual: return Negated(left.IsEqual(right));
      case typed::CompareOp::kLess: return left.IsLess(right);
      case typed::CompareOp::kLessEqual: return Negated(right.IsLess(left));
      case typed::CompareOp::kGreater: return right.IsLess(left);
      case typed::CompareOp::kGreaterEqual: return Negated(left.IsLess(right));
    }
    RESCIND_UNREACHABLE("not a comparison");
  }

  // The latest of nothing is unknown.
  Answer OfKnown(const Expr& given) {
    const Expr& expr = flow_.Resolve(given);
    if (expr.kind != ExprKind::kLatest && expr.kind != ExprKind::kEarliest) return Answer::kOpen;
    return IsEmptied(ChosenBy(expr)) ? Answer::kFalse : Answer::kOpen;
  }

  // The members that an `any`, a `no`, a count or a latest is about.
  Members ChosenBy(const Expr& expr) const {
    Members chosen = MembersOf(flow_, *expr.operands[0]);
    if (expr.operands[1] != nullptr) {
      AddFilter(flow_, {expr.operands[1].get(), expr.binder}, chosen);
    }
    return chosen;
  }

  Answer OfQuantifier(const Expr& expr) {
    if (expr.kind == ExprKind::kAll) {
      const Members rows = MembersOf(flow_, *expr.operands[0]);
      return IsEmptied(rows) || IsTrueOfAll(rows, *expr.operands[1], expr.binder) ? Answer::kTrue
                                                                                  : Answer::kOpen;
    }
    if (!IsEmptied(ChosenBy(expr))) return Answer::kOpen;
    return expr.kind == ExprKind::kAny ? Answer::kFalse : Answer::kTrue;
  }

  bool IsEmptied(const Members& rows) {
    if (!effect_.is_collection) return false;
    if (!rows.AreAllAmong(effect_.rows)) {
      // What belongs to none is none: `i.accounts.grants` after `delete i.accounts`.
      return rows.unfiltered->kind == ExprKind::kFlatMap &&
             IsEmptied(MembersOf(flow_, *rows.unfiltered->operands[0]));
    }
    if (effect_.removes) return true;
    return std::any_of(rows.filters.begin(), rows.filters.end(), [&](const Filter& filter) {
      return OfMember(*filter.condition, filter.member) == Answer::kFalse;
    });
  }

  bool IsTrueOfAll(const Members& rows, const Expr& condition, typed::BinderId member) {
    if (!effect_.is_collection || effect_.removes || !rows.AreAllAmong(effect_.rows)) return false;
    return OfMember(condition, member) == Answer::kTrue;
  }

  // Of a row that the action has acted on.
  Answer OfMember(const Expr& condition, typed::BinderId member) {
    const auto settled = settled_.insert(fmt::format("${}", member.index())).first;
    const Answer answer = Of(condition);
    settled_.erase(settled);
    return answer;
  }

  const Schema& schema_;
  const KnownFlow& flow_;
  const Effect& effect_;
  std::set<std::string> settled_;  // rows whose status is the new one
};

// The part of the condition that the action settles, for the message.
Span DecidingPart(const KnownFlow& flow, const Expr& condition, AbstractEvaluation& evaluation,
                  Answer wanted) {
  const Expr& expr = flow.Resolve(condition);
  const ExprKind joined = wanted == Answer::kFalse ? ExprKind::kAnd : ExprKind::kOr;
  if (expr.kind == joined) {
    for (const auto& operand : expr.operands) {
      if (evaluation.Of(*operand) == wanted) return operand->span;
    }
  }
  return condition.span;
}

class StageEffects {
 public:
  StageEffects(CheckState& state, const typed::Policy& policy)
      : state_(state), policy_(policy), flow_(state.program, &policy.lets) {}

  // `later`: the stage after it.
  void Check(const typed::Action& action, const typed::Stage& later) {
    const auto effect = EffectOf(state_.schema(), flow_, action);
    if (!effect) return;
    const bool acts_on_judged = IsJudged(*action.target) || HoldsJudged(*effect);
    if (effect->removes && (acts_on_judged || IsNeededByJudged(*action.target))) {
      Refuse(action)
          .Label(acts_on_judged ? fmt::format("`{}` is gone then", policy_.variable)
                                : fmt::format("`{}` is incomplete then", policy_.variable))
          .Note(later.span, "this stage would not be reached")
          .Help("do it in the last stage");
      return;
    }
    std::set<std::string> settled;
    if (!effect->is_collection) settled.insert(effect->target);
    if (acts_on_judged) settled.insert(fmt::format("${}", policy_.binder.index()));
    AbstractEvaluation evaluation(state_.schema(), flow_, *effect, std::move(settled));
    const bool when_ends = evaluation.Of(*policy_.when) == Answer::kFalse;
    const bool unless_begins =
        policy_.unless != nullptr && evaluation.Of(*policy_.unless) == Answer::kTrue;
    if (!when_ends && !unless_begins) return;
    const Span part = when_ends ? DecidingPart(flow_, *policy_.when, evaluation, Answer::kFalse)
                                : DecidingPart(flow_, *policy_.unless, evaluation, Answer::kTrue);
    Refuse(action)
        .Note(part, when_ends ? "this is false then" : "this is true then")
        .Note(later.span, "this stage would not be reached")
        .Help(fmt::format("leave `{}` out: an action that is done already is not planned",
                          state_.Text(part)));
  }

 private:
  Mistake Refuse(const typed::Action& action) {
    return state_.Mistake(kStageEndsMatch, action.span,
                          "this ends the match, so the next stage would never come");
  }

  bool IsJudged(const Expr& given) const {
    const Expr& expr = flow_.Resolve(given);
    return expr.kind == ExprKind::kVariable && expr.binder == policy_.binder;
  }

  // What the judged row cannot do without: a grant whose account is gone is incomplete and matches
  // nothing.
  bool IsNeededByJudged(const Expr& given) const {
    const Expr* expr = &flow_.Resolve(given);
    while (expr->kind == ExprKind::kField && !FieldOf(*expr).type.optional) {
      expr = &flow_.Resolve(*expr->operands[0]);
    }
    return IsJudged(*expr);
  }

  // `g.account.grants`, where `g` is judged: it is one of them.
  bool HoldsJudged(const Effect& effect) const {
    if (!effect.is_collection || !effect.rows.filters.empty()) return false;
    const Expr& many = *effect.rows.unfiltered;
    if (many.kind != ExprKind::kMany) return false;
    const FieldType& type = FieldOf(many).type;
    const Expr& base = flow_.Resolve(*many.operands[0]);
    return base.kind == ExprKind::kField && base.entity == type.entity && base.field == type.via &&
           IsJudged(*base.operands[0]);
  }

  const FieldDef& FieldOf(const Expr& expr) const {
    return state_.schema().field(expr.entity, expr.field);
  }

  CheckState& state_;
  const typed::Policy& policy_;
  const KnownFlow flow_;
};

}  // namespace

void CheckStageEffects(CheckState& state, const typed::Policy& policy) {
  StageEffects effects(state, policy);
  for (size_t i = 0; i + 1 < policy.stages.size(); ++i) {
    for (const typed::Action& action : policy.stages[i].actions) {
      effects.Check(action, policy.stages[i + 1]);
    }
  }
}

}  // namespace rescind::check
