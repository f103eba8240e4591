// What policies and protects share: the judged row, lets, conditions, the time zone.
#include "engine/check/rule_checker.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/base/time_zone.h"
#include "engine/check/policy_meaning.h"
#include "engine/check/stage_effect.h"

namespace rescind::check {

using typed::ExprPtr;
using typed::Type;

namespace {

// Nothing that differs from row to row, moves with time, or that a workspace may set.
bool IsConstant(const typed::Expr& expr, const std::vector<typed::Let>& lets) {
  switch (expr.kind) {
    case typed::ExprKind::kVariable:
    case typed::ExprKind::kParam:
    case typed::ExprKind::kNow:
    case typed::ExprKind::kToday: return false;
    case typed::ExprKind::kLet: {
      const ExprPtr& value = lets[expr.let].value;
      return Sound(value) && IsConstant(*value, lets);
    }
    default:
      return std::all_of(expr.operands.begin(), expr.operands.end(), [&](const ExprPtr& operand) {
        return operand == nullptr || IsConstant(*operand, lets);
      });
  }
}

}  // namespace

void RuleChecker::ReportRepeated(const ast::Clause& clause, const ast::Clause& first,
                                 std::string_view word) {
  state_.Mistake(kRepeatedClause, clause.keyword_span, fmt::format("`{}` is there already", word))
      .Note(first.keyword_span, "it stands here first")
      .Help(word == "when" || word == "unless" ? "join the conditions with `and` or `or`"
                                               : "leave one of them out");
}

void RuleChecker::ReportMissing(const ast::Declaration& declaration, Span name,
                                std::string_view word, std::string_view help) {
  // A syntax error may have hidden it.
  if (declaration.incomplete) return;
  state_.Mistake(kMissingClause, name, fmt::format("`{}` is missing", word))
      .Help(std::string(help));
}

bool RuleChecker::CheckFor(const ast::Declaration& declaration, Span name, Judged& judged) {
  const auto* clause = One<ast::ForClause>("for");
  if (clause == nullptr) {
    ReportMissing(declaration, name, "for", "say what is judged: `for g in grant`");
    return false;
  }
  if (!clause->entity.ok() || !clause->variable.ok()) return false;
  const auto entity = state_.schema().Find(clause->entity.parts.back().text);
  if (!entity) {
    if (state_.entities_incomplete) return false;
    std::vector<std::string> names;
    for (const EntityDef& known : state_.schema().entities()) names.push_back(known.name);
    state_
        .Mistake(kUnknownType, clause->entity.span,
                 fmt::format("there is no entity `{}`", clause->entity.Text()))
        .Suggest(clause->entity.parts.back().text, clause->entity.parts.back().span, names);
    return false;
  }
  judged = {*entity, state_.NewBinder(), clause->variable.text};
  Type row;
  row.kind = Type::Kind::kRow;
  row.entity = *entity;
  return expressions_.AddVariable(clause->variable, row, judged.binder);
}

ExprPtr RuleChecker::CheckTimezone() {
  const auto* clause = One<ast::TimezoneClause>("timezone");
  if (clause == nullptr) return nullptr;
  ExprPtr zone = expressions_.CheckKnown(*clause->value, *clause->value);
  if (!Sound(zone)) return nullptr;
  if (zone->type.kind != Type::Kind::kText) {
    Type text;
    text.kind = Type::Kind::kText;
    expressions_.ReportType(*zone, text, "a time zone");
    return nullptr;
  }
  return ZonesExist(*zone) ? std::move(zone) : nullptr;
}

// Whether the tz database has every zone that the expression names as a constant. What a fact names
// shows at the row only.
bool RuleChecker::ZonesExist(const typed::Expr& zone) {
  switch (zone.kind) {
    case typed::ExprKind::kLiteral:
    case typed::ExprKind::kParam: {
      if (FindTimeZone(std::get<std::string>(zone.constant)) != nullptr) return true;
      ReportUnknownZone(zone);
      return false;
    }
    case typed::ExprKind::kCoalesce: {
      const bool first = ZonesExist(*zone.operands[0]);
      return ZonesExist(*zone.operands[1]) && first;
    }
    case typed::ExprKind::kInlined: return ZonesExist(*zone.operands[0]);
    default: return true;
  }
}

void RuleChecker::ReportUnknownZone(const typed::Expr& constant) {
  const auto& name = std::get<std::string>(constant.constant);
  auto mistake = state_.Mistake(kUnknownTimeZone, constant.span,
                                fmt::format("there is no time zone `{}`", name));
  mistake.Label("the tz database has none of that name");
  Span written = constant.span;
  if (constant.kind == typed::ExprKind::kParam) {
    const typed::Param& param = state_.program.params[constant.param.index()];
    written = state_.params[constant.param.index()].decl->value->span;
    mistake.Note(param.span, param.overridden ? fmt::format("[params] of {} sets it to `{}`",
                                                            state_.options.params_file, name)
                                              : fmt::format("its value is `{}`", name));
    if (param.overridden) written = {};
  }
  const auto near = NearestTimeZone(name);
  if (!near) {
    mistake.Help("name a zone of the tz database, as `Europe/Berlin` or `UTC`");
  } else if (written.valid() && state_.Text(written).starts_with('"')) {
    mistake.Help(fmt::format("did you mean `{}`?", *near), {{written, '"' + *near + '"'}});
  } else {
    mistake.Help(fmt::format("did you mean `{}`?", *near));
  }
}

void RuleChecker::CheckLets() {
  for (const auto& [clause, let] : Find<ast::LetClause>()) {
    ExprPtr value = expressions_.Check(*let->value);
    const Type type = Sound(value) ? value->type : Type{};
    const auto index = static_cast<uint32_t>(lets_.size());
    if (!let->name.ok()) continue;
    lets_.push_back({let->name.text, std::move(value), let->name.span});
    expressions_.AddLet(let->name, index, type);
  }
}

void RuleChecker::ReportUnusedLets() {
  for (uint32_t i = 0; i < lets_.size(); ++i) {
    if (!Sound(lets_[i].value) || expressions_.LetIsUsed(i)) continue;
    state_.Mistake(kUnusedName, lets_[i].span, fmt::format("`{}` is never used", lets_[i].name))
        .Help("leave the `let` out");
  }
}

void RuleChecker::WarnOfConstant(const ExprPtr& condition, Span span) {
  if (!Sound(condition) || !IsConstant(*condition, lets_)) return;
  state_.Mistake(kConstantCondition, span, "this is the same for every row, at every time")
      .Help("write what distinguishes the rows, or leave the clause out");
}

bool RuleChecker::CheckConditions(const ast::Declaration& declaration, Span name) {
  const auto whens = Find<ast::WhenClause>();
  const auto* when = One<ast::WhenClause>("when");
  if (when == nullptr) {
    ReportMissing(declaration, name, "when", "say when access goes: `when g.expires_at …`");
    expressions_.DoubtAll();
  } else {
    when_ = expressions_.CheckCondition(*when->condition);
    when_span_ = when->condition->span;
  }
  KnownSet known;
  if (Sound(when_)) {
    known = expressions_.flow().WhenTrue(*when_);
  } else if (when != nullptr) {
    expressions_.DoubtWhatHolds(*when->condition);
  }
  expressions_.SetKnown(known);
  const auto* unless = One<ast::UnlessClause>("unless");
  if (unless != nullptr) {
    unless_ = expressions_.CheckCondition(*unless->condition);
    unless_span_ = unless->condition->span;
  }
  WarnOfConstant(when_, when_span_);
  WarnOfConstant(unless_, unless_span_);
  if (Sound(unless_)) {
    KnownSet more = expressions_.flow().WhenFalse(*unless_);
    known.merge(more);
  } else if (unless != nullptr) {
    expressions_.DoubtWhatFails(*unless->condition);
  }
  expressions_.SetKnown(std::move(known));
  return Sound(when_) && (unless == nullptr || Sound(unless_));
}

void RuleChecker::RefuseInProtect() {
  for (const ast::Clause& clause : *clauses_) {
    const bool fits = std::holds_alternative<ast::ForClause>(clause.node) ||
                      std::holds_alternative<ast::LetClause>(clause.node) ||
                      std::holds_alternative<ast::WhenClause>(clause.node) ||
                      std::holds_alternative<ast::UnlessClause>(clause.node) ||
                      std::holds_alternative<ast::TimezoneClause>(clause.node);
    if (fits) continue;
    state_
        .Mistake(kMisplacedClause, clause.keyword_span,
                 fmt::format("a protect has no `{}`", state_.Text(clause.keyword_span)))
        .Help("it has for, let, when, unless and timezone; whatever acts belongs into a policy");
  }
}

// What policies and protects have in common, before their conditions. False when nothing can be
// said of what is judged.
template <typename Declaration, typename Rule>
bool RuleChecker::CheckHead(const Declared<Declaration>& declared, Rule& rule) {
  const Declaration& decl = *declared.decl;
  clauses_ = &decl.clauses;
  rule.name = decl.name.text;
  rule.module = declared.module;
  rule.full_name = declared.module + "." + decl.name.text;
  rule.title = decl.title;
  rule.span = declared.declaration->span;
  rule.name_span = decl.name.span;
  Judged judged;
  if (!CheckFor(*declared.declaration, decl.name.span, judged)) return false;
  rule.entity = judged.entity;
  rule.binder = judged.binder;
  rule.variable = judged.variable;
  rule.timezone = CheckTimezone();
  CheckLets();
  return true;
}

template <typename Rule>
void RuleChecker::HandOver(Rule& rule) {
  rule.lets = std::move(lets_);
  rule.when = std::move(when_);
  rule.unless = std::move(unless_);
  rule.when_span = when_span_;
}

void RuleChecker::CheckProtect(const Declared<ast::ProtectDecl>& declared,
                               typed::Protect& protect) {
  const bool has_head = CheckHead(declared, protect);
  RefuseInProtect();
  if (!has_head) return;
  const bool sound = CheckConditions(*declared.declaration, protect.name_span);
  ReportUnusedLets();
  HandOver(protect);
  if (sound) DescribeMeaning(state_.program, protect);
}

void RuleChecker::CheckPolicy(const Declared<ast::PolicyDecl>& declared, typed::Policy& policy) {
  const bool has_head = CheckHead(declared, policy);
  CheckRename(*declared.decl, policy);
  CheckControls(policy);
  CheckPlainClauses(policy);
  if (!has_head) return;
  const bool sound = CheckConditions(*declared.declaration, policy.name_span);
  CheckBecause(policy);
  CheckStages(*declared.declaration, policy);
  CheckLimits(policy);
  CheckDone(policy);
  CheckOnFailure(policy);
  // A broken condition may have been meant to use them.
  if (sound) ReportUnusedLets();
  CheckNeeds(policy);
  if (policy.controls.empty() && !declared.declaration->incomplete) {
    state_
        .Mistake(kNoControls, policy.name_span,
                 fmt::format("`{}` names no control that it serves", policy.name))
        .Help("auditors ask for it: `controls iso_27001 \"A.5.18\"`");
  }
  HandOver(policy);
  policy.unless_span = unless_span_;
  if (!sound) return;
  // Which stage is the last one is open until their order is mended.
  if (stages_ascend_) CheckStageEffects(state_, policy);
  DescribeMeaning(state_.program, policy);
}

}  // namespace rescind::check
