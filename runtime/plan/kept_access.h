// KeptAccess: findings whose match ended, or whose policy ceased to enforce, when their last stage
// had been let go, and access of which that stage took nothing: what was announced of it does not
// come. Private to the planner.
#pragma once

#include <vector>

#include "runtime/plan/plan_draft.h"

namespace rescind {

// `transitions` are those of advancing the findings: of such a finding the end is a withdrawal, and
// one of a policy that only observes now is taken back; those who were told hear of it. Errors: the
// journal could not be read.
Status WithdrawKept(PlanDraft& draft, std::vector<FindingTransition>& transitions);

}  // namespace rescind
