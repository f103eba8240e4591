#include "runtime/service/left_actions.h"

#include <algorithm>
#include <map>
#include <string_view>
#include <utility>

namespace rescind {

Result<LeftActions> FindLeftActions(const Journal& journal, const PlanOutcome& outcome,
                                    const std::function<bool(const std::string& key)>& runs) {
  std::map<std::string_view, ActionStatus> asked;
  for (const PlannedAction& planned : outcome.plan.actions) {
    asked.emplace(planned.action.key, planned.status);
  }
  LeftActions left;
  RESCIND_TRY(journal.List([&](const JournalEntry& entry) {
    if (IsTerminal(entry.state)) return false;  // open ones come first
    const std::string& key = entry.action.key;
    const auto wanted = asked.find(key);
    if (!IsInFlight(entry.state)) {
      if (wanted == asked.end()) left.unasked.push_back(entry);
    } else if (!runs(key)) {
      const bool is_ready = wanted != asked.end() && wanted->second == ActionStatus::kReady;
      if (is_ready) ++left.left_open_count;
      if (!is_ready) left.adopted.insert(key);
    }
    return true;
  }));
  std::set<std::string> given_up;  // two findings that ended may have asked for one
  for (const FindingTransition& transition : outcome.transitions) {
    const FindingStep step = transition.step;
    if (step != FindingStep::kWithdrawn && step != FindingStep::kResolved) continue;
    RESCIND_ASSIGN(auto over, journal.ListOver(transition.finding.id));
    for (JournalEntry& entry : over) {
      if (!IsGivenUpUndone(entry) || asked.contains(entry.action.key)) continue;
      if (given_up.insert(entry.action.key).second) left.unasked.push_back(std::move(entry));
    }
  }
  return left;
}

}  // namespace rescind
