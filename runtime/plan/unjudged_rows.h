// UnjudgedRows: rows that a plan lists although no action comes of them: insufficient data,
// evaluation errors, and matches of policies that only observe. Private to the planner.
#pragma once

#include "runtime/plan/finding_text.h"
#include "runtime/plan/plan_draft.h"

namespace rescind {

// Live rows of a judged entity that are not complete; empty when no rule judges it.
const std::vector<RowId>& IncompleteRows(const PlanDraft& draft, EntityId entity);

// Adds those that the filters show to plan.not_acted_on, of each policy and kind at most
// options.listed_rows; what is left out is counted in the last one's detail, and for lack of data
// in the plan. Errors: ids could not be read.
Status AddUnjudgedRows(PlanDraft& draft, FindingTexts& texts, Plan& plan);

}  // namespace rescind
