// Somebody was told that a grant goes, and a week later it was handed over; its system was away,
// and the person used it: the match ends, the action is withdrawn, the access stays. Where an
// action is under way nobody knows yet, and where its target is gone, or as it was to be, there is
// nothing to tell.
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

}  // namespace

Status WithdrawKept(const PlanDraft& draft, std::vector<FindingTransition>& transitions) {
  if (!draft.options.history) return {};
  for (FindingTransition& transition : transitions) {
    if (transition.step != FindingStep::kResolved) continue;
    bool is_kept = false;
    for (const StageAction& action : transition.finding.actions) {
      RESCIND_ASSIGN(const bool kept, IsKept(draft, action));
      is_kept = is_kept || kept;
    }
    if (!is_kept) continue;
    transition.step = FindingStep::kWithdrawn;
    transition.finding.resolved = false;
  }
  return {};
}

}  // namespace rescind
