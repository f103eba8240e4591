// What changed from one plan to the next: new and standing actions, those that are resolved, and
// those that are left alone now.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "runtime/plan/plan.h"

namespace rescind {

struct OutlinedAction {
  EarlierAction action;
  std::vector<std::string> policies;                        // of all reasons; sorted, unique
  std::string person;                                       // as in PlannedSubject
  std::vector<std::pair<std::string, std::string>> judged;  // entity and id of other rows, sorted
};

// The actions of one plan as they are remembered for comparison.
struct PlanOutline {
  std::string label;                         // "the last plan applied (sha256:…)"
  bool other_policies = false;               // as in PlanDelta
  std::vector<std::string> filter_policies;  // what the plan showed; empty: everything
  std::string filter_person;
  std::vector<OutlinedAction> actions;  // sorted by key, unique
};

PlanOutline OutlinePlan(const Plan& plan, std::string label);

// Marks each action of `plan` as new or standing and says what became of what `before` held and
// `plan` no longer does. Only what the filters of both show is compared: other actions of `plan`
// are left unmarked. Replaces an earlier comparison. Call before SealPlan.
void ComparePlan(Plan& plan, const PlanOutline& before);

// For the store: `rescind.plan-outline/1` as JSON, of a plan without filters.
std::string EncodeOutline(const PlanOutline& outline);
Result<PlanOutline> DecodeOutline(std::string_view json);

}  // namespace rescind
