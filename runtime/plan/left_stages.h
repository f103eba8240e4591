// Left stages: those that were rolled back, and that `apply --auto` leaves to a person.
//
// A stage that was rolled back was one transaction: without what failed in it, which is left to a
// person, the rest of it would be half of one; and so would it be while what it had done is still
// being given back. A person decides, whatever has become of what failed. Private to the planner.
#pragma once

#include <span>

#include "runtime/plan/plan_draft.h"

namespace rescind {

// Sets StageDraft::left and PlanDraft::left_stages. Before gates and limits. Errors: the journal
// could not be read.
Status MarkLeftStages(PlanDraft& draft);
// Why an action of these claims (numbers) is left, as of all that have its status; null: it is
// not. Another policy that lets it go is about more than such a stage. Of one that was
// given up itself this says nothing.
const char* WhyLeft(const PlanDraft& draft, std::span<const uint32_t> claims, ActionStatus status);
// Something of the stage is held: so nothing of it is carried out.
bool HasHeldPart(const PlanDraft& draft, const StageDraft& stage);

}  // namespace rescind
