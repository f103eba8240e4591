#include "runtime/service/derived_report.h"

#include <set>
#include <string>
#include <string_view>
#include <tuple>

namespace rescind {
namespace {

using NoticeName = std::tuple<std::string_view, std::string_view, std::string_view, uint32_t>;

// Not by the finding: one that a dry run opened is opened anew, at another instant.
NoticeName NameOf(const PlannedNotice& notice) {
  return {notice.policy, notice.judged_entity, notice.judged_id, notice.stage};
}

void CountActions(const std::optional<Plan>& read, const Plan& derived,
                  std::set<std::string>& reasons, ApplyReport& report) {
  std::set<std::string_view> keys;
  if (read) {
    for (const PlannedAction& planned : read->actions) keys.insert(planned.action.key);
  }
  for (const PlannedAction& planned : derived.actions) {
    if (read && !keys.contains(planned.action.key)) continue;
    const auto now =
        ReadinessFor(planned, read ? read->filter_policies : std::vector<std::string>());
    if (!now) continue;
    if (now->status == ActionStatus::kNotice) ++report.waiting_count;
    if (now->status != ActionStatus::kHeld) continue;
    report.held_actions.emplace(planned.action.key, now->held_because);
    reasons.insert(now->held_because);
  }
}

void CountNotices(const std::optional<Plan>& read, const Plan& derived,
                  std::set<std::string>& reasons, ApplyReport& report) {
  std::set<NoticeName> names;
  if (read) {
    for (const PlannedNotice& notice : read->notices) names.insert(NameOf(notice));
  }
  for (const PlannedNotice& notice : derived.notices) {
    if (notice.status != ActionStatus::kHeld) continue;
    if (read && !names.contains(NameOf(notice))) continue;
    ++report.held_notices[notice.held_because];
    reasons.insert(notice.held_because);
  }
}

}  // namespace

void DescribeDerived(const std::optional<Plan>& read, const PlanOutcome& outcome,
                     const PlanSelection& selection, ApplyReport& report) {
  report.fallen = selection.fallen;
  report.escalated_earlier = selection.escalated;
  report.unseen_count = selection.unseen_count;
  std::set<std::string> reasons;
  CountActions(read, outcome.plan, reasons, report);
  CountNotices(read, outcome.plan, reasons, report);
  report.held_because.assign(reasons.begin(), reasons.end());
  for (const FindingTransition& transition : outcome.transitions) {
    if (transition.step == FindingStep::kTakenBack) continue;  // it stands
    const bool opens =
        transition.step == FindingStep::kOpened || transition.step == FindingStep::kReopened;
    ++(opens ? report.opened_count : report.closed_count);
  }
}

}  // namespace rescind
