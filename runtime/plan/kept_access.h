// KeptAccess: findings whose match ended when their last stage had been let go, and access of which
// that stage took nothing: what was announced of it does not come. Private to the planner.
#pragma once

#include <vector>

#include "runtime/plan/plan_draft.h"

namespace rescind {

// `transitions` are those of advancing the findings: of such a finding the end is a withdrawal, and
// those who were told hear of it. Errors: the journal could not be read.
Status WithdrawKept(const PlanDraft& draft, std::vector<FindingTransition>& transitions);

}  // namespace rescind
