// Stages and actions: `then after 7d { revoke g }`.
#include <fmt/format.h>

#include <algorithm>

#include "engine/check/action_verb.h"
#include "engine/check/rule_checker.h"

namespace rescind::check {

using typed::ExprPtr;
using typed::Type;
using typed::Verb;

namespace {

bool IsRowSet(const Type& type) {
  return type.kind == Type::Kind::kSet && type.element == Type::Kind::kRow;
}

}  // namespace

bool RuleChecker::VerbFits(const ast::Action& action, const typed::Expr& target) {
  const Verb verb = VerbOf(action.verb);
  RESCIND_ASSERT(verb != Verb::kNotify, "a notice has no target");
  const EntityId entity = target.type.entity;
  if (VerbActsOn(state_.schema(), verb, entity)) return true;
  const ModelEntities model(state_.schema());
  const std::string& name = state_.schema().entity(entity).name;
  auto mistake = state_.Mistake(kWrongTarget, action.target->span,
                                fmt::format("`{}` acts on {}", VerbText(verb), VerbTargets(verb)));
  mistake.Label(fmt::format("this is `{}`", state_.Type(target.type)));
  std::string_view better;
  if (entity == model.account || entity == model.identity) better = "disable";
  if (entity == model.grant || entity == model.credential) better = "revoke";
  if (entity == model.session) better = "end";
  if (!better.empty()) {
    mistake.Help(fmt::format("for `{}` write `{}`", name, better),
                 {{action.verb_span, std::string(better)}});
  } else {
    mistake.Help("for other entities there is `run \"playbook\" on …`");
  }
  return false;
}

void RuleChecker::CheckAction(const ast::Action& action, typed::Stage& stage) {
  typed::Action result;
  result.verb = VerbOf(action.verb);
  result.span = action.span;
  result.playbook = action.playbook;
  if (action.verb == ast::ActionVerb::kNotify) {
    auto recipient = CheckRecipient(*action.target);
    if (!recipient) return;
    result.recipient = std::move(*recipient);
    stage.actions.push_back(std::move(result));
    return;
  }
  ExprPtr target = expressions_.Check(*action.target);
  if (!Sound(target)) return;
  const bool row = target->type.kind == Type::Kind::kRow;
  if (!row && target->type.kind != Type::Kind::kRows && !IsRowSet(target->type)) {
    state_
        .Mistake(kWrongTarget, action.target->span,
                 fmt::format("`{}` acts on rows", VerbText(result.verb)))
        .Label(fmt::format("this is `{}`", state_.Type(target->type)));
    return;
  }
  if (!VerbFits(action, *target)) return;
  if (IsRowSet(target->type)) {
    auto rows = std::make_unique<typed::Expr>();
    rows->kind = typed::ExprKind::kRowsOfSet;
    rows->type.kind = Type::Kind::kRows;
    rows->type.entity = target->type.entity;
    rows->type.optional = target->type.optional;
    rows->span = target->span;
    rows->operands.push_back(std::move(target));
    target = std::move(rows);
  }
  result.entity = target->type.entity;
  const bool on_accounts = result.verb == Verb::kDisable || result.verb == Verb::kSuspend;
  result.expands_identity = on_accounts && result.entity == ModelEntities(state_.schema()).identity;
  result.target = std::move(target);
  stage.actions.push_back(std::move(result));
}

// ---- Recipients ---------------------------------------------------------------------------------

void RuleChecker::AddChoice(const ast::Expr& expr, bool is_last, typed::Recipient& recipient,
                            bool& sound) {
  ExprPtr choice = expressions_.Check(expr);
  if (!Sound(choice)) {
    sound = false;
    return;
  }
  const bool person = choice->type.kind == Type::Kind::kRow &&
                      choice->type.entity == ModelEntities(state_.schema()).identity;
  if (choice->type.kind != Type::Kind::kText && !person) {
    state_.Mistake(kWrongRecipient, expr.span, "a notice goes to a channel or an identity")
        .Label(fmt::format("this is `{}`", state_.Type(choice->type)))
        .Help("name a channel of rescind.toml in quotes, or an identity such as `a.owner`");
    sound = false;
    return;
  }
  if (!choice->type.optional && !is_last) {
    state_
        .Mistake(kDefaultNeverUsed, expr.span,
                 fmt::format("`{}` is always known here", state_.Text(expr.span)))
        .Label("what follows it is never used");
  }
  const auto& channels = state_.options.channels;
  if (const auto* name = expr.As<ast::TextLiteral>();
      name != nullptr && channels &&
      std::find(channels->begin(), channels->end(), name->value) == channels->end()) {
    auto mistake = state_.Mistake(kUndeclaredChannel, expr.span,
                                  fmt::format("no channel `{}` is declared", name->value));
    mistake.Label("notices go to the workspace's `oncall` instead");
    if (const auto near = DidYouMean(name->value, *channels)) {
      mistake.Help(fmt::format("did you mean `{}`?", *near), {{expr.span, "\"" + *near + "\""}});
    } else {
      mistake.Help(fmt::format("declare it in rescind.toml: `[channel.{}]`", name->value));
    }
  }
  recipient.choices.push_back(std::move(choice));
}

std::optional<typed::Recipient> RuleChecker::CheckRecipient(const ast::Expr& expr) {
  typed::Recipient recipient;
  recipient.span = expr.span;
  bool sound = !expr.is_error();
  const ast::Expr* rest = &expr;
  while (const auto* coalesce = rest->As<ast::CoalesceExpr>()) {
    AddChoice(*coalesce->left, false, recipient, sound);
    rest = coalesce->right.get();
  }
  AddChoice(*rest, true, recipient, sound);
  if (!sound) return std::nullopt;
  return recipient;
}

// ---- Stages -------------------------------------------------------------------------------------

void RuleChecker::CheckStage(const ast::ThenClause& clause, const ast::Clause& place,
                             typed::Policy& policy) {
  typed::Stage stage;
  stage.span = place.span;
  bool timed = !clause.head_is_hidden;
  if (clause.after) {
    const auto after = CheckLength(*clause.after);
    timed = after.has_value();
    if (after) stage.after = *after;
  }
  if (clause.approval) {
    auto approver = CheckRecipient(*clause.approval->approver);
    const auto within = CheckLength(clause.approval->within);
    if (approver && within && clause.approval->otherwise) {
      stage.approval =
          typed::Approval{clause.approval->span, std::move(*approver), *within,
                          static_cast<typed::ApprovalElse>(*clause.approval->otherwise)};
    }
  }
  for (const ast::Action& action : clause.actions) CheckAction(action, stage);
  if (clause.actions.empty() && !clause.body_is_hidden) {
    state_.Mistake(kMissingClause, clause.body_span, "this stage does nothing")
        .Help("name an action, or leave the stage out");
  }
  const bool deletes = std::any_of(stage.actions.begin(), stage.actions.end(),
                                   [](const auto& a) { return a.verb == Verb::kDelete; });
  if (deletes && policy.stages.empty()) {
    state_.Mistake(kDeleteAtOnce, place.keyword_span, "this deletes without a stage before it")
        .Label("what is deleted cannot be given back")
        .Help("disable or revoke first, and delete after a while: `then after 30d { delete … }`");
  }
  if (timed) CheckOrder(clause, place, stage, policy);
  policy.stages.push_back(std::move(stage));
}

// A stage whose time cannot be read is passed over.
void RuleChecker::CheckOrder(const ast::ThenClause& clause, const ast::Clause& place,
                             const typed::Stage& stage, const typed::Policy& policy) {
  if (last_timed_stage_ && stage.after <= policy.stages[*last_timed_stage_].after) {
    const typed::Stage& before = policy.stages[*last_timed_stage_];
    auto mistake = state_.Mistake(kStagesNotAscending,
                                  clause.after ? clause.after->value->span : place.keyword_span,
                                  "stages come in the order of their times");
    mistake.Note(before.span,
                 fmt::format("the stage before is due after {}", FormatDuration(before.after)));
    if (clause.after) NoteParam(mistake, *clause.after->value);
    mistake.Help("give it a later time, or join the two stages");
    stages_ascend_ = false;
  }
  last_timed_stage_ = policy.stages.size();
}

void RuleChecker::CheckStages(const ast::Declaration& declaration, typed::Policy& policy) {
  const auto stages = Find<ast::ThenClause>();
  if (stages.empty()) {
    ReportMissing(declaration, policy.name_span, "then", "say what is done: `then { revoke g }`");
  }
  for (const auto& [clause, then] : stages) CheckStage(*then, *clause, policy);
}

}  // namespace rescind::check
