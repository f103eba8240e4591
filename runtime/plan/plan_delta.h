// What changed from one plan to the next: new, standing and resolved actions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "runtime/plan/plan.h"

namespace rescind {

// The actions of one plan as they are remembered for comparison: sorted by key, unique.
struct PlanOutline {
  std::string label;  // "the last plan applied (sha256:…)"
  std::vector<ResolvedAction> actions;
};

PlanOutline OutlinePlan(const Plan& plan, std::string label);

// Marks each action of `plan` as new or standing and lists what `before` held and `plan` no
// longer does. Call before SealPlan.
void ComparePlan(Plan& plan, const PlanOutline& before);

// For the store: `rescind.plan-outline/1` as JSON.
std::string EncodeOutline(const PlanOutline& outline);
Result<PlanOutline> DecodeOutline(std::string_view json);

}  // namespace rescind
