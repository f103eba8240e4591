#include "engine/check/policy_meaning.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "engine/base/assert.h"
#include "engine/base/sha256.h"
#include "engine/check/action_verb.h"
#include "engine/check/canonical_text.h"

namespace rescind::check {

namespace {

std::string_view SeverityText(typed::Severity severity) {
  switch (severity) {
    case typed::Severity::kLow: return "low";
    case typed::Severity::kMedium: return "medium";
    case typed::Severity::kHigh: return "high";
    case typed::Severity::kCritical: return "critical";
  }
  RESCIND_UNREACHABLE("not a severity");
}

std::string_view OtherwiseText(typed::ApprovalElse otherwise) {
  switch (otherwise) {
    case typed::ApprovalElse::kHold: return "hold";
    case typed::ApprovalElse::kProceed: return "proceed";
    case typed::ApprovalElse::kWithdraw: return "withdraw";
  }
  RESCIND_UNREACHABLE("not an answer to silence");
}

std::string_view WindowText(const std::optional<typed::LimitWindow>& window) {
  if (!window) return "";
  switch (*window) {
    case typed::LimitWindow::kRun: return " per run";
    case typed::LimitWindow::kHour: return " per hour";
    case typed::LimitWindow::kDay: return " per day";
  }
  RESCIND_UNREACHABLE("not a window");
}

class Description {
 public:
  Description(const typed::Program& program, const std::vector<typed::Let>& lets,
              typed::BinderId judged)
      : program_(program), canonical_(program, &lets) {
    canonical_.Name(judged, "row");
  }

  // A line a clause.
  void Line(std::string_view text) {
    text_ += text;
    text_ += "\n";
  }
  void Clause(std::string_view word, const typed::ExprPtr& expr) {
    if (expr != nullptr) Line(fmt::format("{} {}", word, canonical_.Of(*expr)));
  }
  std::string Of(const typed::Recipient& recipient) {
    std::string text;
    for (const auto& choice : recipient.choices) {
      text += (text.empty() ? "" : " else ") + canonical_.Of(*choice);
    }
    return text;
  }

  void Stages(typed::Policy& policy) {
    for (typed::Stage& stage : policy.stages) {
      Line("stage after " + FormatDuration(stage.after));
      if (stage.approval) {
        Line(fmt::format("  approved by {} within {} else {}", Of(stage.approval->approver),
                         FormatDuration(stage.approval->within),
                         OtherwiseText(stage.approval->otherwise)));
      }
      for (typed::Action& action : stage.actions) {
        action.meaning = Of(action);
        Line("  " + action.meaning);
      }
    }
  }

  void GuardRails(const typed::Policy& policy) {
    for (const typed::ShareLimit& limit : policy.share_limits) {
      Line(fmt::format("limit {}{} of {}{}{}", limit.amount, limit.percent ? "%" : "",
                       program_.schema.entity(limit.entity).name,
                       limit.group == nullptr ? "" : " per " + canonical_.Of(*limit.group),
                       WindowText(limit.window)));
    }
    for (const typed::LeaveLimit& limit : policy.leave_limits) {
      Line(fmt::format("limit leave {} per {}", limit.amount, canonical_.Of(*limit.group)));
    }
    for (const typed::Need& need : policy.needs) {
      Line(fmt::format("needs {:?} within {}", std::string_view(need.source),
                       FormatDuration(need.within)));
    }
    if (policy.done) {
      Line(fmt::format("done within {} else notify {}", FormatDuration(policy.done->within),
                       Of(policy.done->recipient)));
    }
    if (policy.on_failure) {
      Line(fmt::format("on failure retry for {} then {}",
                       FormatDuration(policy.on_failure->retry_for),
                       policy.on_failure->rollback ? "rollback" : "keep"));
      for (const auto& recipient : policy.on_failure->notify) Line("  notify " + Of(recipient));
    }
  }

  // Last, for it is known then whether the calendar matters.
  std::string Take() {
    if (canonical_.counts_business_days() && !program_.holidays.days().empty()) {
      std::string line = "holidays";
      for (const Day day : program_.holidays.days()) line += " " + FormatDay(day);
      Line(line);
    }
    return std::move(text_);
  }

 private:
  std::string Of(const typed::Action& action) {
    if (action.verb == typed::Verb::kNotify) return "notify " + Of(action.recipient);
    const std::string playbook =
        action.playbook.empty() ? "" : fmt::format(" {:?}", std::string_view(action.playbook));
    return fmt::format("{}{}{} {}", VerbText(action.verb), playbook,
                       action.expands_identity ? " accounts of" : "",
                       canonical_.Of(*action.target));
  }

  const typed::Program& program_;
  CanonicalText canonical_;
  std::string text_;
};

std::string HashOf(const std::string& meaning) { return "sha256:" + Sha256Hex(meaning); }

// What decides which rows belong to which, and so what protects and exemptions cover: required
// references. (An account's owner, too, whatever a workspace says.)
std::string Belongings(const Schema& schema) {
  std::vector<std::string> names;
  for (const EntityDef& entity : schema.entities()) {
    for (const FieldDef& field : entity.fields) {
      if (field.type.kind != TypeKind::kReference || field.type.optional) continue;
      names.push_back(entity.name + "." + field.name);
    }
  }
  std::sort(names.begin(), names.end());
  return fmt::format("{}", fmt::join(names, " "));
}

// What policies and protects share.
template <typename Rule>
void PutRule(const typed::Program& program, const Rule& rule, Description& description) {
  description.Line("for " + program.schema.entity(rule.entity).name);
  description.Line("zone default " + program.default_timezone);
  description.Line("belongs by " + Belongings(program.schema));
  description.Clause("timezone", rule.timezone);
  description.Clause("when", rule.when);
  description.Clause("unless", rule.unless);
}

}  // namespace

void DescribeMeaning(const typed::Program& program, typed::Policy& policy) {
  Description description(program, policy.lets, policy.binder);
  PutRule(program, policy, description);
  const bool enforced = policy.mode && *policy.mode == typed::Mode::kEnforce;
  description.Line(enforced ? "mode enforce" : "mode observe");
  description.Line(fmt::format("severity {}", SeverityText(policy.severity)));
  description.Stages(policy);
  description.GuardRails(policy);
  policy.meaning = description.Take();
  policy.meaning_hash = HashOf(policy.meaning);
}

void DescribeMeaning(const typed::Program& program, typed::Protect& protect) {
  Description description(program, protect.lets, protect.binder);
  description.Line("protect");
  PutRule(program, protect, description);
  protect.meaning = description.Take();
  protect.meaning_hash = HashOf(protect.meaning);
}

}  // namespace rescind::check
