// Somebody was told that a grant goes, and a week later it was handed over; its system was away,
// and the person used it: the match ends, the action is withdrawn, the access stays. So it
// does when the policy only observes from then on. Where an action is under way nobody knows yet,
// and where its target is gone, or as it was to be, there is nothing to tell.
#include "runtime/plan/kept_access.h"

#include <optional>

namespace rescind {
namespace {

// Handed over, without any effect as far as the journal knows, and its target is as it was.
Result<bool> IsKept(const PlanDraft& draft, const StageAction& action) {
  if (!action.let_go || action.done) return false;
  RESCIND_ASSIGN(const ActionHistory history, draft.options.history(action.wanted_key));
  if (!history.untouched || history.episode != action.episode) return false;
  const std::optional<EntityId> entity = draft.input.program.schema.Find(action.entity);
  if (!entity || draft.input.facts.table(*entity).presence(action.row) != Presence::kLive) {
    return false;
  }
  return !draft.model.InWantedState(action.verb, {*entity, action.row});
}

Result<bool> IsAnyKept(const PlanDraft& draft, const Finding& finding) {
  for (const StageAction& action : finding.actions) {
    RESCIND_ASSIGN(const bool is_kept, IsKept(draft, action));
    if (is_kept) return true;
  }
  return false;
}

// Before the last stage begins that is FindingBook's to see.
Status TakeBackKept(PlanDraft& draft, std::vector<FindingTransition>& transitions) {
  for (const ir::Rule& rule : draft.input.program.rules) {
    if (rule.protect || rule.mode == ir::Mode::kEnforce) continue;
    if (draft.book.Of(rule.full_name).empty()) continue;
    for (Finding& finding : draft.book.MutableOf(rule.full_name)) {
      if (finding.resolved || finding.notified.empty()) continue;
      RESCIND_ASSIGN(const bool is_kept, IsAnyKept(draft, finding));
      if (!is_kept) continue;
      transitions.push_back({FindingStep::kTakenBack, finding, kOnlyObservesNow});
      finding.notified.clear();
    }
  }
  return {};
}

}  // namespace

Status WithdrawKept(PlanDraft& draft, std::vector<FindingTransition>& transitions) {
  if (!draft.options.history) return {};
  for (FindingTransition& transition : transitions) {
    if (transition.step != FindingStep::kResolved) continue;
    RESCIND_ASSIGN(const bool is_kept, IsAnyKept(draft, transition.finding));
    if (!is_kept) continue;
    transition.step = FindingStep::kWithdrawn;
    transition.finding.resolved = false;
  }
  return TakeBackKept(draft, transitions);
}

}  // namespace rescind
