// RollUps: policy × system × department × privilege, as `count of population`.
//
// Counts the planned targets of each policy; what they are a part of, Populations knows. Private to
// the planner.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/eval/sweep.h"
#include "runtime/plan/access_model.h"
#include "runtime/plan/plan.h"
#include "runtime/plan/populations.h"

namespace rescind {

// What a policy, by its index in the program, would remove; counted once however often it is given.
struct PlannedTarget {
  uint32_t rule = 0;
  eval::FactRow row;
};

// In no order that lasts: SealPlan sorts them. Errors: a system's id cannot be read.
Result<std::vector<RollUp>> CountRollUps(const eval::EvaluationInput& input,
                                         const AccessModel& model, Populations& populations,
                                         std::vector<PlannedTarget> targets);

}  // namespace rescind
