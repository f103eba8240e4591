// The condition is evaluated abstractly: what the action settles has its new value, all else is
// open. Example: `disable a` settles `a.status`. Then
//
//   a.status == active and a.last_login older than 90d   is  false and open  =  false: an error
//   a.status == active or a.privileged                   is  false or open   =  open: fine
#include "engine/check/stage_effect.h"

#include <fmt/format.h>

#include <optional>
#include <set>
#include <string>

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

// What one action makes true of its targets.
struct Effect {
  bool removes = false;    // the rows are gone
  std::string new_status;  // else their `status` is this
  std::string target;      // canonical text
  bool is_collection = false;
};

std::optional<Effect> EffectOf(const KnownFlow& flow, const typed::Action& action) {
  if (action.target == nullptr || action.expands_identity) return std::nullopt;
  Effect effect;
  effect.target = flow.Key(*action.target);
  effect.is_collection = action.target->type.kind == typed::Type::Kind::kRows;
  switch (action.verb) {
    case Verb::kDisable:
    case Verb::kSuspend: effect.new_status = "disabled"; return effect;
    case Verb::kRevoke:
    case Verb::kEnd:
    case Verb::kDelete: effect.removes = true; return effect;
    case Verb::kNotify:
    case Verb::kRun: return std::nullopt;
  }
  RESCIND_UNREACHABLE("not a verb");
}

class AbstractEvaluation {
 public:
  AbstractEvaluation(const typed::Policy& policy, const Schema& schema, const KnownFlow& flow,
                     const Effect& effect)
      : policy_(policy), schema_(schema), flow_(flow), effect_(effect) {
    if (!effect.is_collection) settled_.insert(effect.target);
  }

  Answer Of(const Expr& given) {
    const Expr& expr = typed::Strip(given);
    switch (expr.kind) {
      case ExprKind::kLet:
        return expr.type.kind == typed::Type::Kind::kBool ? Of(*policy_.lets[expr.let].value)
                                                          : Answer::kOpen;
      case ExprKind::kNot: return Negated(Of(*expr.operands[0]));
      case ExprKind::kAnd: return Join(expr, Answer::kFalse);
      case ExprKind::kOr: return Join(expr, Answer::kTrue);
      case ExprKind::kCompare: return OfCompare(expr);
      case ExprKind::kIn: return OfIn(expr);
      case ExprKind::kAny:
      case ExprKind::kAll:
      case ExprKind::kNo: return OfQuantifier(expr);
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
    const Expr& expr = typed::Strip(given);
    if (expr.kind != ExprKind::kField || effect_.removes) return std::nullopt;
    const FieldDef& field = schema_.field(expr.entity, expr.field);
    if (field.name != "status" || field.type.kind != TypeKind::kEnum) return std::nullopt;
    if (settled_.count(flow_.Key(*expr.operands[0])) == 0) return std::nullopt;
    return schema_.enumeration(field.type.enumeration).Find(effect_.new_status);
  }

  static std::optional<uint8_t> Member(const Expr& given) {
    const Expr& expr = typed::Strip(given);
    if (expr.kind != ExprKind::kLiteral && expr.kind != ExprKind::kParam) return std::nullopt;
    const auto* value = std::get_if<typed::EnumValue>(&expr.constant);
    if (value == nullptr) return std::nullopt;
    return value->member;
  }

  Answer OfCompare(const Expr& expr) {
    auto status = NewStatus(*expr.operands[0]);
    auto member = Member(*expr.operands[1]);
    if (!status || !member) {
      status = NewStatus(*expr.operands[1]);
      member = Member(*expr.operands[0]);
    }
    if (!status || !member) return Answer::kOpen;
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

  Answer OfQuantifier(const Expr& expr) {
    if (!effect_.is_collection || flow_.Key(*expr.operands[0]) != effect_.target) {
      return Answer::kOpen;
    }
    const Answer none = expr.kind == ExprKind::kAny ? Answer::kFalse : Answer::kTrue;
    if (effect_.removes) return none;
    if (expr.operands[1] == nullptr) return Answer::kOpen;
    const std::string member = fmt::format("${}", expr.binder.index());
    settled_.insert(member);
    const Answer each = Of(*expr.operands[1]);
    settled_.erase(member);
    const Answer refuting = expr.kind == ExprKind::kAll ? Answer::kTrue : Answer::kFalse;
    return each == refuting ? none : Answer::kOpen;
  }

  const typed::Policy& policy_;
  const Schema& schema_;
  const KnownFlow& flow_;
  const Effect& effect_;
  std::set<std::string> settled_;  // rows whose status is the new one
};

// The part of the condition that the action settles, for the message.
Span DecidingPart(const Expr& condition, AbstractEvaluation& evaluation, Answer wanted) {
  const Expr& expr = typed::Strip(condition);
  const ExprKind joined = wanted == Answer::kFalse ? ExprKind::kAnd : ExprKind::kOr;
  if (expr.kind == joined) {
    for (const auto& operand : expr.operands) {
      if (evaluation.Of(*operand) == wanted) return operand->span;
    }
  }
  return condition.span;
}

}  // namespace

void CheckStageEffects(CheckState& state, const typed::Policy& policy) {
  const KnownFlow flow(state.program, &policy.lets);
  const std::string judged = fmt::format("${}", policy.binder.index());
  for (size_t i = 0; i + 1 < policy.stages.size(); ++i) {
    for (const typed::Action& action : policy.stages[i].actions) {
      const auto effect = EffectOf(flow, action);
      if (!effect) continue;
      const typed::Stage& later = policy.stages[i + 1];
      if (effect->removes && !effect->is_collection && effect->target == judged) {
        state
            .Mistake(kStageEndsMatch, action.span,
                     "this ends the match, so the next stage would never come")
            .Label(fmt::format("`{}` is gone then", policy.variable))
            .Note(later.span, "this stage would not be reached")
            .Help("do it in the last stage");
        continue;
      }
      AbstractEvaluation evaluation(policy, state.schema(), flow, *effect);
      const bool when_ends = evaluation.Of(*policy.when) == Answer::kFalse;
      const bool unless_begins =
          policy.unless != nullptr && evaluation.Of(*policy.unless) == Answer::kTrue;
      if (!when_ends && !unless_begins) continue;
      const Span part = when_ends ? DecidingPart(*policy.when, evaluation, Answer::kFalse)
                                  : DecidingPart(*policy.unless, evaluation, Answer::kTrue);
      state
          .Mistake(kStageEndsMatch, action.span,
                   "this ends the match, so the next stage would never come")
          .Note(part, when_ends ? "this is false then" : "this is true then")
          .Note(later.span, "this stage would not be reached")
          .Help(fmt::format("leave `{}` out: an action that is done already is not planned",
                            state.Text(part)));
    }
  }
}

}  // namespace rescind::check
