#include "runtime/plan/left_stages.h"

#include <algorithm>

namespace rescind {

Result<LeftStages> LeftStages::Find(PlanDraft& draft, const ActionSketches& sketches) {
  LeftStages left;
  left.names_ = draft.options.stages_being_undone;
  const std::set<std::string>& given_up_for = draft.options.given_up_for;
  if (given_up_for.empty()) return left;
  for (const ActionSketch& sketch : sketches.actions) {
    const auto claims = sketches.ClaimsOf(sketch);
    const bool may_be_given_up = std::any_of(claims.begin(), claims.end(), [&](uint32_t number) {
      const StageDraft& stage = draft.stages[draft.claims[number].stage_draft];
      return given_up_for.contains(draft.finding(stage).id);
    });
    if (!may_be_given_up) continue;
    RESCIND_ASSIGN(const ActionHistory history, draft.HistoryOf(sketch.target, *sketch.wanted));
    if (!draft.IsGivenUpFor(history, claims)) continue;
    left.names_.insert(history.given_up_groups.begin(), history.given_up_groups.end());
  }
  return left;
}

const char* LeftStages::WhyLeft(PlanDraft& draft, const ActionSketches& sketches,
                                const ActionSketch& sketch) const {
  if (names_.empty() || sketch.status != ActionStatus::kReady) return nullptr;
  bool is_being_undone = false;
  for (const uint32_t number : sketches.ClaimsOf(sketch)) {
    const Claim& claim = draft.claims[number];
    if (draft.StatusOf(claim) != ActionStatus::kReady) continue;
    const std::string name = draft.NameOf(draft.stages[claim.stage_draft]);
    if (!names_.contains(name)) return nullptr;
    is_being_undone |= draft.options.stages_being_undone.contains(name);
  }
  return is_being_undone ? "its stage is being rolled back"
                         : "its stage was rolled back, and what failed in it waits for a person";
}

}  // namespace rescind
