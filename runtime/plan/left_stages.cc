#include "runtime/plan/left_stages.h"

#include <algorithm>
#include <set>
#include <string>

#include "runtime/plan/action_key.h"

namespace rescind {
namespace {

constexpr const char* kBeingUndone = "its stage is being rolled back";
constexpr const char* kWaitsWithFailed =
    "its stage was rolled back, and what failed in it waits for a person";
constexpr const char* kWaits = "its stage was rolled back, and waits for a person";

// Stages of which something was given up, and still is.
Result<std::set<std::string>> FindGivenUp(PlanDraft& draft) {
  std::set<std::string> names;
  const std::set<std::string>& given_up_for = draft.options.given_up_for;
  if (given_up_for.empty()) return names;
  for (uint32_t number = 0; number < draft.claims.size(); ++number) {
    const Claim& claim = draft.claims[number];
    if (!given_up_for.contains(draft.finding(draft.stages[claim.stage_draft]).id)) continue;
    RESCIND_ASSIGN(const ActionHistory history, draft.HistoryOf(claim.target, *claim.action));
    if (!draft.IsGivenUpFor(history, std::span(&number, 1))) continue;
    names.insert(history.given_up_groups.begin(), history.given_up_groups.end());
  }
  return names;
}

}  // namespace

Status MarkLeftStages(PlanDraft& draft) {
  const std::set<std::string>& being_undone = draft.options.stages_being_undone;
  RESCIND_ASSIGN(const std::set<std::string> given_up, FindGivenUp(draft));
  std::set<std::string>& left = draft.left_stages;
  left = draft.options.stages_rolled_back;
  left.insert(being_undone.begin(), being_undone.end());
  left.insert(given_up.begin(), given_up.end());
  if (left.empty()) return {};
  std::set<std::string> findings;
  for (const std::string& name : left) findings.insert(FindingOfStage(name));
  for (StageDraft& stage : draft.stages) {
    const bool is_alarm = stage.stage == draft.rule(stage).stages.size();
    if (is_alarm || !findings.contains(draft.finding(stage).id)) continue;
    const std::string name = draft.NameOf(stage);
    if (!left.contains(name)) continue;
    stage.left = being_undone.contains(name) ? kBeingUndone
                 : given_up.contains(name)   ? kWaitsWithFailed
                                             : kWaits;
  }
  return {};
}

const char* WhyLeft(const PlanDraft& draft, std::span<const uint32_t> claims, ActionStatus status) {
  if (draft.left_stages.empty()) return nullptr;
  const char* because = nullptr;
  for (const uint32_t number : claims) {
    const Claim& claim = draft.claims[number];
    if (draft.StatusOf(claim) != status) continue;
    const char* left = draft.stages[claim.stage_draft].left;
    if (!left) return nullptr;
    if (!because || left == kBeingUndone) because = left;
  }
  return because;
}

bool HasHeldPart(const PlanDraft& draft, const StageDraft& stage) {
  const auto begin = draft.claims.begin();
  return std::any_of(begin + static_cast<std::ptrdiff_t>(stage.first_claim),
                     begin + static_cast<std::ptrdiff_t>(stage.end_claim), [&](const Claim& claim) {
                       return draft.StatusOf(claim) == ActionStatus::kHeld;
                     });
}

}  // namespace rescind
