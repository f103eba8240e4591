// A plan of the findings that matter starts what the plan of all findings starts.
#pragma once

#include "runtime/plan/planner.h"

namespace rescind {

// `whole` is what PlanActions made of the other arguments. The facts are indexed (IndexBelongings).
// Checks by doctest.
void CheckPart(const eval::EvaluationInput& input, const eval::SweepResult& sweep,
               const FindingBook& previous, const PlannerOptions& options,
               const PlanOutcome& whole);

}  // namespace rescind
