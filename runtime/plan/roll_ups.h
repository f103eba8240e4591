// RollUps: policy × system × department × privilege, as `count of population`.
//
// Counts the planned targets of each policy, and by one linear pass over the columns of an entity
// the rows that they are a part of. Private to the planner.
#pragma once

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "runtime/plan/access_model.h"
#include "runtime/plan/plan.h"

namespace rescind {

// A policy's planned target; a target is counted once a policy.
using PlannedTarget = std::pair<std::string, eval::FactRow>;

// In the order of policy, system, department, privilege. Errors: a system's id cannot be read.
Result<std::vector<RollUp>> CountRollUps(const FactBase& facts, const AccessModel& model,
                                         std::vector<PlannedTarget> targets);

}  // namespace rescind
