// The clauses that only policies have, but for stages (rule_stages.cc).
#include <fmt/format.h>

#include <algorithm>

#include "engine/check/rule_checker.h"

namespace rescind::check {

using typed::ExprPtr;
using typed::Type;

namespace {

bool IsOneValue(const Type& type) {
  switch (type.kind) {
    case Type::Kind::kError:
    case Type::Kind::kSet:
    case Type::Kind::kRows:
    case Type::Kind::kTableRows:
    case Type::Kind::kTableRow:
    case Type::Kind::kCivil: return false;
    default: return true;
  }
}

}  // namespace

// ---- Numbers ------------------------------------------------------------------------------------

std::optional<Duration> RuleChecker::CheckLength(const ast::Length& length) {
  const auto value = expressions_.CheckConstant(*length.value, typed::Plain(Type::Kind::kDuration));
  if (!value) return std::nullopt;
  if (const auto* exact = std::get_if<Duration>(&*value)) return *exact;
  const auto civil = std::get<CivilDuration>(*value);
  auto mistake = state_.Mistake(kWrongLength, length.value->span,
                                "stages, limits and retries count exact durations");
  mistake.Label("this is a civil length");
  if (civil.unit == CivilUnit::kDays) {
    const std::string days = fmt::format("{}d", civil.count);
    mistake.Help(fmt::format("write `{}` (a day is 24 hours)", days), {{length.value->span, days}});
  } else {
    mistake.Help("write it in days or hours: `30d`, `12h`");
  }
  return std::nullopt;
}

void RuleChecker::NoteParam(check::Mistake& mistake, const ast::Expr& number) {
  const ExprPtr value = expressions_.Check(number);
  if (!Sound(value) || value->kind != typed::ExprKind::kParam) return;
  const typed::Param& param = state_.program.params[value->param.index()];
  std::string text;
  if (const auto* count = std::get_if<int64_t>(&value->constant)) text = fmt::format("{}", *count);
  if (const auto* exact = std::get_if<Duration>(&value->constant)) text = FormatDuration(*exact);
  if (text.empty()) return;
  if (!param.overridden) {
    mistake.Note(param.span, fmt::format("its value is `{}`", text));
    return;
  }
  mistake.Note(param.span,
               fmt::format("[params] of {} sets it to `{}`", state_.options.params_file, text));
  mistake.Help(fmt::format("change it in [params] of {}", state_.options.params_file));
}

std::optional<int64_t> RuleChecker::CheckAmount(const ast::Amount& amount) {
  const auto value = expressions_.CheckConstant(*amount.value, typed::Plain(Type::Kind::kInt));
  if (!value) return std::nullopt;
  return std::get<int64_t>(*value);
}

// ---- Plain clauses ------------------------------------------------------------------------------

void RuleChecker::CheckRename(const ast::PolicyDecl& decl, typed::Policy& policy) {
  if (!decl.renamed_from || !decl.renamed_from->ok()) return;
  std::string old = decl.renamed_from->Text();
  if (decl.renamed_from->parts.size() == 1) old = policy.module + "." + old;
  for (const auto& other : state_.policies) {
    if (other.module + "." + other.decl->name.text != old) continue;
    state_.Mistake(kBadRename, decl.renamed_from->span, fmt::format("`{}` is still a policy", old))
        .Note(other.decl->name.span, "it is declared here")
        .Help("`renamed from` takes over the findings of a policy that is gone");
    return;
  }
  for (const typed::Policy& other : state_.program.policies) {
    if (&other == &policy || other.renamed_from != old) continue;
    state_
        .Mistake(kBadRename, decl.renamed_from->span,
                 fmt::format("`{}` was renamed to `{}` already", old, other.full_name))
        .Note(other.name_span, "by this policy")
        .Help("one policy only can take over its findings");
    return;
  }
  policy.renamed_from = old;
}

void RuleChecker::CheckControls(typed::Policy& policy) {
  const auto* clause = One<ast::ControlsClause>("controls");
  if (clause == nullptr) return;
  for (const auto& framework : clause->frameworks) {
    if (!framework.name.ok()) continue;
    for (const auto& reference : framework.references) {
      const auto same = [&](const typed::Control& control) {
        return control.framework == framework.name.text && control.reference == reference.text;
      };
      if (std::any_of(policy.controls.begin(), policy.controls.end(), same)) {
        state_
            .Mistake(
                kRepeatedClause, reference.span,
                fmt::format("`{} \"{}\"` is there already", framework.name.text, reference.text))
            .Help("leave it out");
        continue;
      }
      policy.controls.push_back({framework.name.text, reference.text});
    }
  }
}

void RuleChecker::CheckPlainClauses(typed::Policy& policy) {
  if (const auto* severity = One<ast::SeverityClause>("severity"); severity && severity->severity) {
    policy.severity = static_cast<typed::Severity>(*severity->severity);
  }
  if (const auto* mode = One<ast::ModeClause>("mode"); mode && mode->mode) {
    policy.mode = static_cast<typed::Mode>(*mode->mode);
  }
}

void RuleChecker::CheckBecause(typed::Policy& policy) {
  const auto* clause = One<ast::BecauseClause>("because");
  if (clause == nullptr) return;
  for (const auto& part : clause->parts) {
    if (part.expr == nullptr) {
      policy.because.push_back({part.text, nullptr});
      continue;
    }
    ExprPtr value = expressions_.Check(*part.expr);
    if (!Sound(value)) continue;
    if (!IsOneValue(value->type) && value->type.kind != Type::Kind::kCivil) {
      state_.Mistake(kTypeMismatch, part.expr->span, "a reason shows single values")
          .Label(fmt::format("this is `{}`", state_.Type(value->type)))
          .Help("show a number: `{count(x in …)}`");
      continue;
    }
    policy.because.push_back({"", std::move(value)});
  }
}

// ---- Guard rails --------------------------------------------------------------------------------

ExprPtr RuleChecker::CheckGroup(const ast::Expr& expr) {
  ExprPtr group = expressions_.Check(expr);
  if (!Sound(group)) return nullptr;
  if (!IsOneValue(group->type)) {
    state_.Mistake(kTypeMismatch, expr.span, "`per` takes one value of the row")
        .Label(fmt::format("this is `{}`", state_.Type(group->type)));
    return nullptr;
  }
  if (group->type.moving) {
    expressions_.ReportMoving(*group, "behind `per`");
    return nullptr;
  }
  return group;
}

void RuleChecker::CheckShareLimit(const ast::Clause& clause, const ast::LimitShareClause& limit,
                                  typed::Policy& policy) {
  typed::ShareLimit result;
  result.span = clause.span;
  result.percent = limit.percent;
  if (limit.window) result.window = static_cast<typed::LimitWindow>(*limit.window);
  const auto amount = CheckAmount(limit.amount);
  if (amount && (*amount < 1 || (limit.percent && *amount > 100))) {
    auto mistake =
        state_.Mistake(kBadLimit, limit.amount.value->span,
                       limit.percent ? "a share is between 1% and 100%" : "a limit is at least 1");
    NoteParam(mistake, *limit.amount.value);
    mistake.Help("to stop a policy from acting, write `mode observe`");
  }
  const std::optional<EntityId> entity =
      limit.entity.ok() ? state_.schema().Find(limit.entity.parts.back().text) : std::nullopt;
  if (limit.entity.ok() && !entity && !state_.entities_incomplete) {
    std::vector<std::string> names;
    for (const EntityDef& known : state_.schema().entities()) names.push_back(known.name);
    state_
        .Mistake(kUnknownType, limit.entity.span,
                 fmt::format("there is no entity `{}`", limit.entity.Text()))
        .Suggest(limit.entity.parts.back().text, limit.entity.parts.back().span, names);
  }
  if (limit.group != nullptr) result.group = CheckGroup(*limit.group);
  if (!amount || !entity) return;
  result.amount = *amount;
  result.entity = *entity;
  policy.share_limits.push_back(std::move(result));
}

void RuleChecker::CheckLeaveLimit(const ast::Clause& clause, const ast::LimitLeaveClause& limit,
                                  typed::Policy& policy) {
  const auto amount = CheckAmount(limit.amount);
  ExprPtr group = CheckGroup(*limit.group);
  if (amount && *amount < 1) {
    auto mistake = state_.Mistake(kBadLimit, limit.amount.value->span, "`leave` keeps at least 1");
    NoteParam(mistake, *limit.amount.value);
    return;
  }
  if (!amount || group == nullptr) return;
  policy.leave_limits.push_back({clause.span, *amount, std::move(group)});
}

void RuleChecker::CheckLimits(typed::Policy& policy) {
  for (const ast::Clause& clause : *clauses_) {
    if (const auto* share = std::get_if<ast::LimitShareClause>(&clause.node)) {
      CheckShareLimit(clause, *share, policy);
    } else if (const auto* leave = std::get_if<ast::LimitLeaveClause>(&clause.node)) {
      CheckLeaveLimit(clause, *leave, policy);
    }
  }
}

void RuleChecker::CheckNeeds(typed::Policy& policy) {
  for (const auto& [clause, needs] : Find<ast::NeedsClause>()) {
    const auto within = CheckLength(needs->within);
    const auto& sources = state_.options.sources;
    if (sources && std::find(sources->begin(), sources->end(), needs->source) == sources->end()) {
      auto mistake = state_.Mistake(kUndeclaredSource, needs->source_span,
                                    fmt::format("no source `{}` is declared", needs->source));
      mistake.Label("the policy would be held for ever");
      if (const auto near = DidYouMean(needs->source, *sources)) {
        mistake.Help(fmt::format("did you mean `{}`?", *near),
                     {{needs->source_span, "\"" + *near + "\""}});
      } else {
        mistake.Help(fmt::format("declare it in rescind.toml: `[source.{}]`", needs->source));
      }
    }
    if (within) policy.needs.push_back({clause->span, needs->source, *within});
  }
}

void RuleChecker::CheckDone(typed::Policy& policy) {
  const auto found = Find<ast::DoneClause>();
  const auto* done = One<ast::DoneClause>("done within");
  if (done == nullptr) return;
  const auto within = CheckLength(done->within);
  auto recipient = CheckRecipient(*done->recipient);
  if (!within || !recipient) return;
  policy.done = typed::DoneWithin{found[0].first->span, *within, std::move(*recipient)};
}

void RuleChecker::CheckOnFailure(typed::Policy& policy) {
  const auto found = Find<ast::OnFailureClause>();
  const auto* clause = One<ast::OnFailureClause>("on failure");
  if (clause == nullptr) return;
  typed::OnFailure result;
  result.span = found[0].first->span;
  bool sound = true;
  const ast::OnFailureClause::Outcome* settled = nullptr;
  for (const auto& outcome : clause->outcomes) {
    using Kind = ast::OnFailureClause::Outcome::Kind;
    if (outcome.kind == Kind::kNotify) {
      auto recipient = CheckRecipient(*outcome.recipient);
      if (recipient) result.notify.push_back(std::move(*recipient));
      sound = sound && recipient;
      continue;
    }
    if (settled != nullptr) {
      state_.Mistake(kBadOutcome, outcome.span, "`rollback` and `keep` exclude each other")
          .Note(settled->span, "this decides already")
          .Help("`rollback` gives access back; `keep` leaves it removed and escalates");
      sound = false;
      continue;
    }
    settled = &outcome;
    (outcome.kind == Kind::kRollback ? result.rollback : result.keep) = true;
  }
  const auto retry_for = CheckLength(clause->retry_for);
  if (!retry_for || !sound) return;
  result.retry_for = *retry_for;
  if (!result.rollback) result.keep = true;
  policy.on_failure = std::move(result);
}

}  // namespace rescind::check
