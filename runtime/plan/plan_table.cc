#include "runtime/plan/plan_table.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>

#include "engine/base/visible_text.h"

namespace rescind {
namespace {

// What a mark means is always also said in words; colour only repeats it.
struct Mark {
  std::string_view sign;
  std::string_view word;
  std::string_view colour;  // SGR parameters
};

Mark MarkOf(const PlannedAction& planned) {
  if (planned.status == ActionStatus::kHeld) return {"!", "held", "33"};
  switch (planned.action.verb) {
    case Verb::kDisable: return {"~", "disable", "36"};
    case Verb::kSuspend: return {"~", "suspend", "36"};
    case Verb::kEnd: return {"-", "end", "31"};
    case Verb::kRevoke: return {"-", "revoke", "31"};
    case Verb::kDelete: return {"-", "delete", "31"};
    case Verb::kRun: return {"-", "run", "31"};
    case Verb::kNotify: break;
  }
  return {"·", "notify", "0"};
}

class TableText {
 public:
  explicit TableText(const TableOptions& options) : options_(options) {}

  void Line(std::string_view text = "") {
    out_ += text;
    out_ += '\n';
  }

  void Heading(std::string_view text) {
    Line();
    Line(Paint(text, "1"));
  }

  std::string Paint(std::string_view text, std::string_view colour) const {
    if (!options_.colour) return std::string(text);
    return fmt::format("\x1b[{}m{}\x1b[0m", colour, text);
  }

  // Calls `show` for the first rows and counts the rest, with those that are `unlisted`.
  template <typename List, typename Show>
  void Rows(const List& rows, std::string_view where_else, Show show, size_t unlisted = 0) {
    const size_t shown = std::min(rows.size(), options_.max_rows);
    for (size_t i = 0; i < shown; ++i) show(rows[i]);
    const size_t rest = rows.size() - shown + unlisted;
    if (rest > 0) Line(fmt::format("  … and {} more: {}", rest, where_else));
  }

  std::string Take() { return std::move(out_); }

 private:
  TableOptions options_;
  std::string out_;
};

std::string Plural(uint64_t count, std::string_view one, std::string_view many) {
  return fmt::format("{} {}", count, count == 1 ? one : many);
}

std::string Share(uint64_t count, uint64_t population) {
  if (population == 0) return fmt::format("{} of 0", count);
  return fmt::format("{} of {} ({:.1f}%)", count, population,
                     100.0 * static_cast<double>(count) / static_cast<double>(population));
}

void WriteVerdict(TableText& table, const Plan& plan) {
  const PlanSummary& summary = plan.summary;
  if (const std::string filter = FilterText(plan); !filter.empty()) {
    table.Line(
        fmt::format("Shown is only {}; limits and matches count everything.", Visible(filter)));
  }
  if (summary.action_count == 0) {
    table.Line("Nothing to remove.");
  } else {
    table.Line(fmt::format("{}: {} ready, {} in notice, {} held; {}, {}.",
                           Plural(summary.action_count, "removal", "removals"), summary.ready_count,
                           summary.notice_count, summary.held_count,
                           Plural(summary.person_count, "person", "people"),
                           Plural(summary.system_count, "system", "systems")));
  }
  if (summary.escalated_count > 0) {
    table.Line(
        table.Paint(fmt::format("X {} escalated: a person must act; `apply --auto` leaves {}.",
                                Plural(summary.escalated_count, "of them is", "of them are"),
                                summary.escalated_count == 1 ? "it" : "them"),
                    "31"));
  }
  if (summary.left_count > 0) {
    table.Line(table.Paint("X " + LeftText(summary), "31"));
  }
  if (const std::string held = HeldMessagesText(plan); !held.empty()) {
    table.Line(table.Paint("! " + held, "33"));
  }
  table.Line(fmt::format("Left alone: {} protected, {} exempt, {} for lack of data.",
                         summary.protected_count, summary.exempt_count,
                         summary.insufficient_count));
  for (const PolicySummary& policy : plan.policies) {
    if (policy.match_count == 0 && policy.error_count == 0 && policy.held_because.empty()) continue;
    std::string line = fmt::format(
        "  {} [{}{}]: {} match, {}", Visible(policy.policy), SeverityName(policy.severity),
        policy.enforced ? "" : ", observe only", Share(policy.match_count, policy.judged_count),
        Plural(policy.removal_count, "removal", "removals"));
    if (!policy.limit.empty()) line += fmt::format("; limit {}", Visible(policy.limit));
    table.Line(line);
    if (!policy.limit_ahead.empty()) {
      table.Line(
          fmt::format("    {} {}", table.Paint("! later:", "33"), Visible(policy.limit_ahead)));
    }
    if (!policy.confirming.empty()) {
      table.Line(
          fmt::format("    {} {}", table.Paint("! sooner:", "33"), Visible(policy.confirming)));
    }
    if (!policy.unconfirmed_because.empty()) {
      table.Line(fmt::format("    {} {}", table.Paint("! to confirm:", "33"),
                             Visible(policy.unconfirmed_because)));
    }
    if (!policy.held_because.empty()) {
      table.Line(
          fmt::format("    {} {}", table.Paint("! held:", "33"), Visible(policy.held_because)));
    }
    if (policy.error_count > 0) {
      table.Line(fmt::format("    {} {}", table.Paint("! degraded:", "31"), DegradedText(policy)));
    }
  }
  for (const FeedAge& feed : plan.feeds) {
    table.Line(fmt::format("  feed {} ({}): {}{}", Visible(feed.source), feed.entity,
                           FeedAgeText(feed.observed_at, plan.as_of), feed.stale ? ", stale" : ""));
  }
  if (!plan.applicable) {
    table.Line(
        fmt::format("This plan cannot be applied: {}.", Visible(plan.not_applicable_because)));
  } else if (NeedsConfirmation(plan)) {
    table.Line("Nobody has confirmed yet what these policies do: apply needs --confirm.");
  }
}

void WriteRollUps(TableText& table, const Plan& plan) {
  if (plan.roll_ups.empty()) return;
  table.Heading("Where");
  table.Rows(plan.roll_ups, "use -o csv or -o html", [&](const RollUp& row) {
    table.Line(fmt::format("  {}  {}  {}{}  {}", Visible(row.policy), Visible(row.system),
                           row.department.empty() ? "no department" : Visible(row.department),
                           row.privileged ? ", privileged" : "", Share(row.count, row.population)));
  });
}

void WriteDelta(TableText& table, const Plan& plan) {
  if (plan.delta.against.empty()) return;
  const PlanDelta& delta = plan.delta;
  table.Heading(fmt::format("Against {}", delta.against));
  table.Line("  " + DeltaCounts(delta));
  if (delta.other_policies) table.Line(fmt::format("  {}", DeltaMeaning(delta)));
  if (plan.unlisted_insufficient_count > 0 && !delta.resolved.empty()) {
    table.Line(
        fmt::format("  {} for lack of data {} not listed: what is resolved may be among them",
                    Plural(plan.unlisted_insufficient_count, "row", "rows"),
                    plan.unlisted_insufficient_count == 1 ? "is" : "are"));
  }
  const auto describe = [](const EarlierAction& action) {
    return fmt::format("{} {} {}  ({})", VerbName(action.verb), action.entity,
                       Visible(action.target), Visible(action.policy));
  };
  table.Rows(delta.left_alone, "use -o csv or -o json", [&](const LeftAloneAction& row) {
    table.Line(fmt::format("  = {} now{}: {}", NotActedReasonWords(row.reason),
                           row.by.empty() ? "" : " by " + Visible(row.by), describe(row.action)));
  });
  table.Rows(delta.resolved, "use -o csv or -o json",
             [&](const EarlierAction& action) { table.Line("  resolved: " + describe(action)); });
}

void WriteAction(TableText& table, const Plan& plan, const PlannedAction& planned) {
  const Action& action = planned.action;
  const Mark mark = MarkOf(planned);
  std::string line = fmt::format("{} {} {} {}", mark.sign, VerbName(action.verb),
                                 action.target.entity, Visible(action.target.id));
  line += fmt::format(" on {}", Visible(action.target.system));
  if (!planned.subject.person.empty()) {
    line += fmt::format(", {}", Visible(planned.subject.person));
  }
  table.Line("  " + table.Paint(line, mark.colour));
  std::string state;
  switch (planned.status) {
    case ActionStatus::kReady: state = "ready now"; break;
    case ActionStatus::kNotice:
      state = Visible(NotDueText(planned.due, planned.held_because));
      break;
    case ActionStatus::kHeld: state = "held: " + Visible(planned.held_because); break;
  }
  if (planned.change == Change::kStanding) state += ", · standing";
  if (planned.change == Change::kNew && !plan.delta.against.empty()) state += ", new";
  table.Line(fmt::format("      {}; {}; severity {}", state,
                         planned.reversible ? "reversible" : "not reversible",
                         SeverityName(action.severity)));
  if (planned.came_back) {
    table.Line(fmt::format("      {} {}", table.Paint("! came back:", "33"),
                           EarlierRemovalText(*planned.came_back)));
  }
  if (planned.escalated) {
    table.Line(fmt::format(
        "      {}: {}",
        table.Paint("X escalated since " + FormatInstant(planned.escalated->since), "31"),
        Visible(planned.escalated->error)));
    table.Line("        " + Visible(planned.escalated->remedy));
  }
  if (planned.left) {
    table.Line(fmt::format("      {} {}", table.Paint("X left to a person:", "31"),
                           Visible(planned.left->because)));
    table.Line("        " + Visible(planned.left->remedy));
  }
  for (const PlannedReason& reason : planned.reasons) {
    table.Line(fmt::format("      why: {} ({})", Visible(reason.because), Visible(reason.policy)));
    table.Line(fmt::format("           {}, open since {}", reason.source_line,
                           FormatInstant(reason.opened_at)));
    for (const Evidence& evidence : reason.evidence) {
      table.Line(fmt::format(
          "           {} = {}{}", Visible(evidence.path), Visible(evidence.value),
          evidence.source.empty() ? "" : fmt::format("  (from {})", Visible(evidence.source))));
    }
  }
}

std::string StateOf(const PlannedNotice& notice) {
  switch (notice.status) {
    case ActionStatus::kReady: return "now";
    case ActionStatus::kNotice: return Visible(NotDueText(notice.due, notice.held_because));
    case ActionStatus::kHeld: return "held: " + Visible(notice.held_because);
  }
  return "";
}

void WriteNotices(TableText& table, const Plan& plan) {
  if (plan.notices.empty()) return;
  table.Heading("Messages");
  table.Rows(plan.notices, "use -o json", [&](const PlannedNotice& notice) {
    std::string recipients;
    for (const std::string& recipient : notice.recipients) {
      recipients += (recipients.empty() ? "" : ", ") + Visible(recipient);
    }
    table.Line(fmt::format("  {} notify {} about {} {}, {}",
                           notice.status == ActionStatus::kHeld ? "!" : "·",
                           recipients.empty() ? "nobody" : recipients, notice.judged_entity,
                           Visible(notice.judged_id), StateOf(notice)));
  });
}

void WriteNotActedOn(TableText& table, const Plan& plan) {
  if (plan.not_acted_on.empty()) return;
  table.Heading("Not acted on, and why");
  table.Rows(plan.not_acted_on, "use -o csv or -o json", [&](const NotActedOn& row) {
    std::string line = fmt::format("  = {} {}: {}", row.entity, Visible(row.target),
                                   NotActedReasonWords(row.reason));
    if (!row.by.empty()) line += fmt::format(" by {}", Visible(row.by));
    // Of no single policy: a row that none can judge.
    if (!row.policy.empty()) line += fmt::format("  ({})", Visible(row.policy));
    table.Line(line);
    if (!row.detail.empty()) table.Line("      " + Visible(row.detail));
  });
}

void WriteUndos(TableText& table, const Plan& plan) {
  if (plan.undos.empty()) return;
  table.Heading("Given back, as their stages failed");
  table.Rows(plan.undos, "use -o csv or -o json", [&](const PlannedUndo& undo) {
    const std::string line =
        fmt::format("{} undo {} {} {} on {}  ({})", undo.failed ? "X" : "·", VerbName(undo.verb),
                    undo.entity, Visible(undo.target), Visible(undo.system),
                    Visible(fmt::format("{}", fmt::join(undo.policies, ", "))));
    table.Line("  " + table.Paint(line, undo.failed ? "31" : "33"));
    table.Line(fmt::format("      {} since {}{}{}", undo.failed ? "failed," : "not ended,",
                           FormatInstant(undo.since), undo.error.empty() ? "" : ": ",
                           Visible(undo.error)));
    table.Line("      " + undo.effect);
  });
}

}  // namespace

std::string HeldMessagesText(const Plan& plan) {
  const auto count = static_cast<uint64_t>(std::count_if(
      plan.notices.begin(), plan.notices.end(),
      [](const PlannedNotice& notice) { return notice.status == ActionStatus::kHeld; }));
  if (count == 0) return "";
  return fmt::format("{} held: nobody is told yet.", Plural(count, "message is", "messages are"));
}

std::string LeftText(const PlanSummary& summary) {
  const bool is_one = summary.left_count == 1;
  return fmt::format("{} of {} rolled back: a person must act; `apply --auto` leaves {}.",
                     Plural(summary.left_count, "of them is", "of them are"),
                     is_one ? "a stage that was" : "stages that were", is_one ? "it" : "them");
}

std::string DegradedText(const PolicySummary& policy) {
  return fmt::format("{} could not be evaluated, and nothing is done about {}",
                     Plural(policy.error_count, "row", "rows"),
                     policy.error_count == 1 ? "it" : "them");
}

std::string_view MarkSign(const PlannedAction& planned) { return MarkOf(planned).sign; }

std::string DeltaCounts(const PlanDelta& delta) {
  std::string text = fmt::format("{} new, {} standing, {} resolved", delta.new_count,
                                 delta.standing_count, delta.resolved.size());
  std::map<NotActedReason, uint64_t> left_alone;
  for (const LeftAloneAction& row : delta.left_alone) ++left_alone[row.reason];
  for (const auto& [reason, count] : left_alone) {
    text += fmt::format(", {} {} now", count, NotActedReasonWords(reason));
  }
  return text;
}

std::string_view DeltaMeaning(const PlanDelta& delta) {
  if (!delta.other_policies) return "";
  return "new: only these policies remove it, under those it would stay; "
         "resolved: only those would remove it";
}

std::string FilterText(const Plan& plan) {
  std::string text;
  if (!plan.filter_policies.empty()) {
    text = fmt::format("{} {}", plan.filter_policies.size() == 1 ? "policy" : "policies",
                       fmt::join(plan.filter_policies, ", "));
  }
  if (!plan.filter_person.empty()) {
    text += fmt::format("{}the access of {}", text.empty() ? "" : " and ", plan.filter_person);
  }
  return text;
}

std::string FeedAgeText(const std::optional<Instant>& observed_at, Instant now) {
  if (!observed_at) return "nothing received yet";
  if (*observed_at > now) {
    return fmt::format("last read {}, later than the instant of judgement",
                       FormatInstant(*observed_at));
  }
  const int64_t seconds = (now.micros - observed_at->micros) / kMicrosPerSecond;
  return fmt::format("read {} ago", FormatDuration({seconds * kMicrosPerSecond}));
}

std::string FormatVerdict(const Plan& plan, const TableOptions& options) {
  TableText table(options);
  WriteVerdict(table, plan);
  return table.Take();
}

std::string FormatDelta(const Plan& plan, const TableOptions& options) {
  TableText table(options);
  WriteDelta(table, plan);
  table.Rows(plan.actions, "use -o csv or -o json", [&](const PlannedAction& planned) {
    const ActionTarget& target = planned.action.target;
    const std::string_view change = !planned.change                       ? "not compared"
                                    : planned.change == Change::kStanding ? "· standing"
                                                                          : "new";
    const std::string held = planned.status == ActionStatus::kHeld
                                 ? fmt::format(", ! held: {}", Visible(planned.held_because))
                                 : "";
    table.Line(fmt::format("  {}: {} {} {}  ({}){}", change, VerbName(planned.action.verb),
                           target.entity, Visible(target.id),
                           Visible(planned.reasons.front().policy), held));
  });
  return table.Take();
}

std::string FormatPlan(const Plan& plan, const TableOptions& options) {
  TableText table(options);
  const std::string judged =
      fmt::format("judged at {}, facts up to change {}", FormatInstant(plan.as_of), plan.facts_seq);
  if (plan.id.empty()) {
    table.Line(table.Paint("Plan " + judged, "1"));
  } else {
    table.Line(table.Paint("Plan " + plan.id, "1"));
    table.Line(judged);
  }
  WriteVerdict(table, plan);
  WriteRollUps(table, plan);
  WriteDelta(table, plan);
  if (!plan.actions.empty() || !plan.unlisted_actions.empty()) {
    table.Heading("Removals");
    table.Rows(
        plan.actions, "use -o csv, -o json or -o html",
        [&](const PlannedAction& planned) { WriteAction(table, plan, planned); },
        plan.unlisted_actions.size());
  }
  WriteUndos(table, plan);
  WriteNotices(table, plan);
  WriteNotActedOn(table, plan);
  table.Heading("Summary");
  WriteVerdict(table, plan);
  return table.Take();
}

}  // namespace rescind
