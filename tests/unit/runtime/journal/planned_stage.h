// A stage's actions in a simulated world, by their place in `requests`.
#pragma once

#include <doctest/doctest.h>

#include <memory>
#include <vector>

#include "tests/unit/runtime/journal/journal_simulation.h"

namespace rescind {

struct PlannedStage {
  ActionState state(size_t i) { return journal->Find(requests[i].action.key).value()->state; }
  SimulatedTarget& target(size_t i) {
    return world.Target(requests[i].action.target.system, requests[i].action.target.id);
  }
  SimulatedWorld world{5};
  std::vector<ActionRequest> requests;
  std::unique_ptr<Journal> journal;
};

}  // namespace rescind
