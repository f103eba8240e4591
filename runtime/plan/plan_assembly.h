// PlanAssembly: from a gated draft to the plan that people read and the journal takes.
//
// Claims on the same wanted state become one action with all their reasons. Private to the
// planner.
#pragma once

#include "runtime/plan/limits.h"
#include "runtime/plan/plan_draft.h"
#include "runtime/plan/policy_gates.h"
#include "runtime/plan/unjudged_rows.h"

namespace rescind {

// Fills plan, terms, what is held, starts and announcements of `outcome`. The plan is filtered, not
// sealed.
Status AssemblePlan(PlanDraft& draft, const GateReport& gates, const LimitReport& limits,
                    UnjudgedRows unjudged, PlanOutcome& outcome);

}  // namespace rescind
