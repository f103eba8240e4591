// DescribeDerived: what the report of an apply says beside what it carries out: what falls away, is
// held, waits, was opened and closed.
#pragma once

#include <optional>

#include "runtime/plan/planner.h"
#include "runtime/service/apply_report.h"
#include "runtime/service/plan_selection.h"

namespace rescind {

// `read`: the plan that is applied; what is held or waits is counted of the rows that it is about.
// Absent: of all. `outcome`: of now.
void DescribeDerived(const std::optional<Plan>& read, const PlanOutcome& outcome,
                     const PlanSelection& selection, ApplyReport& report);

}  // namespace rescind
