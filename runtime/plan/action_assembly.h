// ActionAssembly: sketched actions with all that is to be said of them: keys, texts, reasons, and
// the terms under which the journal takes them. Private to the planner.
#pragma once

#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "runtime/plan/action_sketch.h"
#include "runtime/plan/finding_text.h"
#include "runtime/plan/plan_draft.h"

namespace rescind {

struct AssembledActions {
  std::vector<PlannedAction> actions;
  std::unordered_map<std::string, ActionTerms> terms;  // by Action::key
};

// Of the sketches that `chosen` names, in its order; by two threads where there are many. Errors:
// the store or the journal could not be read.
Result<AssembledActions> AssembleActions(PlanDraft& draft, const FindingTexts& texts,
                                         const ActionSketches& sketches,
                                         std::span<const uint32_t> chosen);

// What a plan that is only shown needs of the others.
struct ActionTraits {
  std::string wanted_key;
  bool escalated = false;
};

// Likewise. Reads ids alone.
Result<std::vector<ActionTraits>> ReadTraits(const PlanDraft& draft, const ActionSketches& sketches,
                                             std::span<const uint32_t> chosen);

}  // namespace rescind
