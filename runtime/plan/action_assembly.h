// ActionAssembly: claims on the same wanted state become one action with all their reasons, and the
// terms under which the journal takes it. Private to the planner.
#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include "runtime/plan/finding_text.h"
#include "runtime/plan/plan_draft.h"

namespace rescind {

struct AssembledActions {
  std::vector<PlannedAction> actions;
  std::vector<eval::FactRow> rows;                     // by action: its target
  std::vector<uint32_t> action_of_claim;               // by claim of the draft
  std::unordered_map<std::string, ActionTerms> terms;  // by Action::key
};

// After the gates, by two threads where there are many. Errors: the store or the journal could not
// be read.
Result<AssembledActions> AssembleActions(PlanDraft& draft, const FindingTexts& texts);

}  // namespace rescind
