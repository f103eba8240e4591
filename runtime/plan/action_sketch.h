// ActionSketch: what the plan knows of an action before any text of it is read: what it wants, what
// it waits for, and where it belongs. A plan may have far more actions than anybody sees at once.
// Private to the planner.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "runtime/plan/plan_draft.h"

namespace rescind {

// The claims on one wanted state.
struct ActionSketch {
  eval::FactRow target;
  const ir::Action* wanted = nullptr;     // verb and playbook
  size_t first_claim = 0, end_claim = 0;  // in ActionSketches::claims
  Severity severity = Severity::kLow;
  ActionStatus status = ActionStatus::kReady;  // this and what follows: for what is shown
  Instant due;
  const std::string* held_because = nullptr;  // as in PlannedAction; null for empty
};

struct ActionSketches {
  std::vector<ActionSketch> actions;      // by target's entity and row, verb, playbook
  std::vector<uint32_t> claims;           // numbers of the draft's, those of an action side by side
  std::vector<uint32_t> action_of_claim;  // by claim of the draft

  std::span<const uint32_t> ClaimsOf(const ActionSketch& sketch) const {
    return std::span(claims).subspan(sketch.first_claim, sketch.end_claim - sketch.first_claim);
  }
};

// After the gates.
ActionSketches SketchActions(const PlanDraft& draft);

// The first `count` of `among` (indices of actions) in the order of a sealed plan, in any order.
// Reads the ids of those that tie at the end. Errors: the store could not be read.
Result<std::vector<uint32_t>> FirstActions(const PlanDraft& draft, const ActionSketches& sketches,
                                           std::vector<uint32_t> among, size_t count);

}  // namespace rescind
