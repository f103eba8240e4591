#include "runtime/plan/plan_html.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/base/visible_text.h"
#include "runtime/plan/plan_table.h"

namespace rescind {
namespace {

constexpr std::string_view kStyle = R"(
:root { color-scheme: light dark; --line: #8886; --held: #a60; --remove: #b3261e; --calm: #06607a }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 76rem; margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.4rem } h2 { font-size: 1.1rem; margin-top: 2rem }
table { border-collapse: collapse; width: 100% } caption { text-align: left; padding: .3rem 0 }
th, td { text-align: left; vertical-align: top; padding: .35rem .6rem .35rem 0 }
tr { border-bottom: 1px solid var(--line) } code { font-size: .9em; overflow-wrap: anywhere }
td.number { text-align: right; font-variant-numeric: tabular-nums }
.remove { color: var(--remove) } .disable { color: var(--calm) } .held { color: var(--held) }
.verdict { border: 1px solid var(--line); padding: .8rem 1rem; border-radius: .4rem }
.wide { overflow-x: auto }
@media (prefers-color-scheme: dark) {
  :root { --held: #fb4; --remove: #f88; --calm: #7cd }
}
)";

std::string Escape(std::string_view text) {
  std::string safe;
  safe.reserve(text.size());
  for (const char c : Visible(text)) {
    switch (c) {
      case '&': safe += "&amp;"; break;
      case '<': safe += "&lt;"; break;
      case '>': safe += "&gt;"; break;
      case '"': safe += "&quot;"; break;
      case '\'': safe += "&#39;"; break;
      default: safe += c;
    }
  }
  return safe;
}

std::string_view ClassOf(const PlannedAction& planned) {
  if (planned.status == ActionStatus::kHeld) return "held";
  const bool disables =
      planned.action.verb == Verb::kDisable || planned.action.verb == Verb::kSuspend;
  return disables ? "disable" : "remove";
}

std::string RemarkOn(const Plan& plan) {
  if (!plan.applicable) {
    return fmt::format("<br>This plan cannot be applied: {}.", Escape(plan.not_applicable_because));
  }
  std::string remark;
  if (const std::string held = HeldMessagesText(plan); !held.empty()) {
    remark = fmt::format("<br><span class=\"held\">! {}</span>", held);
  }
  if (!NeedsConfirmation(plan)) return remark;
  return remark + "<br>Nobody has confirmed yet what these policies do: apply needs --confirm.";
}

void AppendVerdict(std::string& out, const Plan& plan) {
  const PlanSummary& summary = plan.summary;
  const std::string filter = FilterText(plan);
  out += fmt::format(
      "<p class=\"verdict\">{}<strong>{} removal{}</strong>: {} ready, {} in notice, {} held; {} "
      "{}, "
      "{} system{}.{}{}<br>Left alone: {} protected, {} exempt, {} for lack of data.{}</p>\n",
      filter.empty() ? ""
                     : fmt::format("Shown is only {}; limits and matches count everything.<br>",
                                   Escape(filter)),
      summary.action_count, summary.action_count == 1 ? "" : "s", summary.ready_count,
      summary.notice_count, summary.held_count, summary.person_count,
      summary.person_count == 1 ? "person" : "people", summary.system_count,
      summary.system_count == 1 ? "" : "s",
      summary.escalated_count == 0
          ? ""
          : fmt::format("<br><span class=\"held\">X {} escalated: a person must act</span>",
                        summary.escalated_count),
      summary.left_count == 0
          ? ""
          : fmt::format("<br><span class=\"held\">X {}</span>", Escape(LeftText(summary))),
      summary.protected_count, summary.exempt_count, summary.insufficient_count, RemarkOn(plan));
}

void AppendPolicies(std::string& out, const Plan& plan) {
  out +=
      "<h2>Policies</h2>\n<div class=\"wide\"><table><thead><tr><th>policy<th>severity<th>mode"
      "<th>match<th>judged<th>removals<th>limit</tr></thead><tbody>\n";
  for (const PolicySummary& policy : plan.policies) {
    out += fmt::format(
        "<tr><td>{}<br><small>{}</small><td>{}<td>{}<td class=\"number\">{}<td "
        "class=\"number\">{}<td class=\"number\">{}<td>{}{}{}{}{}{}</tr>\n",
        Escape(policy.policy), Escape(policy.title), SeverityName(policy.severity),
        policy.enforced ? "enforce" : "observe", policy.match_count, policy.judged_count,
        policy.removal_count, Escape(policy.limit),
        policy.limit_ahead.empty()
            ? ""
            : "<br><span class=\"held\">! later: " + Escape(policy.limit_ahead) + "</span>",
        policy.confirming.empty()
            ? ""
            : "<br><span class=\"held\">! sooner: " + Escape(policy.confirming) + "</span>",
        policy.unconfirmed_because.empty() ? ""
                                           : "<br><span class=\"held\">! to confirm: " +
                                                 Escape(policy.unconfirmed_because) + "</span>",
        policy.held_because.empty()
            ? ""
            : "<br><span class=\"held\">! held: " + Escape(policy.held_because) + "</span>",
        policy.error_count == 0
            ? ""
            : "<br><span class=\"held\">! degraded: " + DegradedText(policy) + "</span>");
  }
  out += "</tbody></table></div>\n";
  if (plan.feeds.empty()) return;
  out += "<h2>Feeds</h2>\n<table><thead><tr><th>feed<th>entity<th>read</tr></thead><tbody>\n";
  for (const FeedAge& feed : plan.feeds) {
    out += fmt::format("<tr><td>{}<td>{}<td>{}{}</tr>\n", Escape(feed.source), Escape(feed.entity),
                       FeedAgeText(feed.observed_at, plan.as_of),
                       feed.stale ? " <span class=\"held\">stale</span>" : "");
  }
  out += "</tbody></table>\n";
}

void AppendRollUps(std::string& out, const Plan& plan) {
  if (plan.roll_ups.empty()) return;
  out +=
      "<h2>Where</h2>\n<div class=\"wide\"><table><thead><tr><th>policy<th>system<th>department"
      "<th>privileged<th>removals<th>of</tr></thead><tbody>\n";
  for (const RollUp& row : plan.roll_ups) {
    out += fmt::format(
        "<tr><td>{}<td>{}<td>{}<td>{}<td class=\"number\">{}<td class=\"number\">{}</tr>\n",
        Escape(row.policy), Escape(row.system), Escape(row.department),
        row.privileged ? "yes" : "no", row.count, row.population);
  }
  out += "</tbody></table></div>\n";
}

void AppendDelta(std::string& out, const Plan& plan) {
  const PlanDelta& delta = plan.delta;
  if (delta.against.empty()) return;
  out += fmt::format("<h2>Against {}</h2>\n<p>{}.{}{}</p>\n", Escape(delta.against),
                     DeltaCounts(delta), delta.other_policies ? "<br>" : "", DeltaMeaning(delta));
  const size_t left_alone_shown = std::min(delta.left_alone.size(), kMaxHtmlRows);
  const size_t resolved_shown = std::min(delta.resolved.size(), kMaxHtmlRows - left_alone_shown);
  if (left_alone_shown + resolved_shown == 0) return;
  out += fmt::format(
      "<table><caption>No longer planned: {} of {}</caption><thead><tr><th>became<th>what<th>"
      "target<th>system<th>policy</tr></thead><tbody>\n",
      left_alone_shown + resolved_shown, delta.left_alone.size() + delta.resolved.size());
  const auto append = [&](const EarlierAction& was, const std::string& became) {
    out += fmt::format("<tr><td>{}<td>{}<td>{} <code>{}</code><td>{}<td>{}</tr>\n", became,
                       VerbName(was.verb), Escape(was.entity), Escape(was.target),
                       Escape(was.system), Escape(was.policy));
  };
  for (size_t i = 0; i < left_alone_shown; ++i) {
    const LeftAloneAction& row = delta.left_alone[i];
    append(row.action, fmt::format("= {}{}", NotActedReasonWords(row.reason),
                                   row.by.empty() ? "" : " by " + Escape(row.by)));
  }
  for (size_t i = 0; i < resolved_shown; ++i) append(delta.resolved[i], "resolved");
  out += "</tbody></table>\n";
}

void AppendActionRow(std::string& out, const PlannedAction& planned) {
  const Action& action = planned.action;
  const std::string_view change = !planned.change                       ? ""
                                  : planned.change == Change::kStanding ? ", · standing"
                                                                        : ", new";
  std::string why;
  for (const PlannedReason& reason : planned.reasons) {
    why += fmt::format("{}<br><small>{}, {}</small><br>", Escape(reason.because),
                       Escape(reason.policy), Escape(reason.source_line));
    for (const Evidence& evidence : reason.evidence) {
      why += fmt::format(
          "<code>{} = {}</code>{}<br>", Escape(evidence.path), Escape(evidence.value),
          evidence.source.empty() ? "" : " <small>from " + Escape(evidence.source) + "</small>");
    }
  }
  std::string state = planned.status == ActionStatus::kReady ? "ready now"
                      : planned.status == ActionStatus::kNotice
                          ? Escape(NotDueText(planned.due, planned.held_because))
                          : "held: " + Escape(planned.held_because);
  if (planned.came_back) {
    state += fmt::format("<br><span class=\"held\">! came back: {}</span>",
                         Escape(EarlierRemovalText(*planned.came_back)));
  }
  if (planned.escalated) {
    state +=
        fmt::format("<br><span class=\"held\">X escalated since {}: {}</span><br><small>{}</small>",
                    FormatInstant(planned.escalated->since), Escape(planned.escalated->error),
                    Escape(planned.escalated->remedy));
  }
  if (planned.left) {
    state +=
        fmt::format("<br><span class=\"held\">X left to a person: {}</span><br><small>{}</small>",
                    Escape(planned.left->because), Escape(planned.left->remedy));
  }
  out += fmt::format(
      "<tr><td class=\"{}\">{} {}<td>{} <code>{}</code><td>{}<td>{}<td>{}{}<br><small>{}; severity "
      "{}</small><td>{}</tr>\n",
      ClassOf(planned), MarkSign(planned), VerbName(action.verb), Escape(action.target.entity),
      Escape(action.target.id), Escape(action.target.system), Escape(planned.subject.person), state,
      change, planned.reversible ? "reversible" : "not reversible", SeverityName(action.severity),
      why);
}

void AppendActions(std::string& out, const Plan& plan, std::string_view csv_name) {
  const size_t shown = std::min(plan.actions.size(), kMaxHtmlRows);
  out += "<h2>Removals</h2>\n";
  if (shown < plan.actions.size()) {
    const std::string where =
        csv_name.empty()
            ? "<code>--csv FILE</code> writes all of them beside the page, and links them"
            : fmt::format("all of them are in <a href=\"{}\">{}</a>", Escape(csv_name),
                          Escape(csv_name));
    out += fmt::format("<p>The first {} of {}; {}.</p>\n", shown, plan.actions.size(), where);
  }
  out +=
      "<div class=\"wide\"><table><thead><tr><th>what<th>target<th>system<th>person<th>when<th>"
      "why</tr></thead><tbody>\n";
  for (size_t i = 0; i < shown; ++i) AppendActionRow(out, plan.actions[i]);
  out += "</tbody></table></div>\n";
}

void AppendUndos(std::string& out, const Plan& plan) {
  if (plan.undos.empty()) return;
  const size_t shown = std::min(plan.undos.size(), kMaxHtmlRows);
  out += fmt::format(
      "<h2>Given back, as their stages failed</h2>\n<div class=\"wide\"><table><caption>{} of "
      "{}</caption><thead><tr><th>what<th>target<th>system<th>policies<th>state<th>what applying "
      "does</tr></thead><tbody>\n",
      shown, plan.undos.size());
  for (size_t i = 0; i < shown; ++i) {
    const PlannedUndo& undo = plan.undos[i];
    out += fmt::format(
        "<tr><td class=\"{}\">{} undo {}<td>{} <code>{}</code><td>{}<td>{}<td>{} since {}{}<td>{}"
        "</tr>\n",
        undo.failed ? "remove" : "held", undo.failed ? "X" : "·", VerbName(undo.verb),
        Escape(undo.entity), Escape(undo.target), Escape(undo.system),
        Escape(fmt::format("{}", fmt::join(undo.policies, ", "))),
        undo.failed ? "failed," : "not ended,", FormatInstant(undo.since),
        undo.error.empty() ? "" : ": " + Escape(undo.error), Escape(undo.effect));
  }
  out += "</tbody></table></div>\n";
}

void AppendNotActedOn(std::string& out, const Plan& plan) {
  if (plan.not_acted_on.empty()) return;
  const size_t shown = std::min(plan.not_acted_on.size(), kMaxHtmlRows);
  out += fmt::format(
      "<h2>Not acted on, and why</h2>\n<table><caption>{} of {}</caption><thead><tr><th>row<th>"
      "policy<th>why</tr></thead><tbody>\n",
      shown, plan.not_acted_on.size());
  for (size_t i = 0; i < shown; ++i) {
    const NotActedOn& row = plan.not_acted_on[i];
    out += fmt::format("<tr><td>= {} <code>{}</code><td>{}<td>{}{}<br><small>{}</small></tr>\n",
                       Escape(row.entity), Escape(row.target), Escape(row.policy),
                       NotActedReasonWords(row.reason),
                       row.by.empty() ? "" : " by " + Escape(row.by), Escape(row.detail));
  }
  out += "</tbody></table>\n";
}

}  // namespace

std::string FormatPlanHtml(const Plan& plan, std::string_view csv_name) {
  std::string out = fmt::format(
      "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
      "content=\"width=device-width\"><meta http-equiv=\"Content-Security-Policy\" "
      "content=\"default-src 'none'; style-src 'unsafe-inline'\"><title>Rescind impact "
      "preview</title><style>{}</style></head><body>\n<h1>Impact preview</h1>\n<p>Plan "
      "<code>{}</code>, judged at {}, facts up to change {}.</p>\n",
      kStyle, Escape(plan.id), FormatInstant(plan.as_of), plan.facts_seq);
  AppendVerdict(out, plan);
  AppendPolicies(out, plan);
  AppendRollUps(out, plan);
  AppendDelta(out, plan);
  AppendActions(out, plan, csv_name);
  AppendUndos(out, plan);
  AppendNotActedOn(out, plan);
  out += "<h2>Summary</h2>\n";
  AppendVerdict(out, plan);
  return out + "</body></html>\n";
}

}  // namespace rescind
