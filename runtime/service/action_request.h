// From a planned action to what the journal is asked for, with the evidence for its audit leaf.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "engine/ir/program.h"
#include "runtime/journal/journal.h"
#include "runtime/plan/planner.h"

namespace rescind {

class ActionRequests {
 public:
  // `now`: the instant of the judgement. The program outlives it.
  ActionRequests(const ir::Program& program, Instant now);

  // `terms`: the planner's, of the same action.
  ActionRequest For(const PlannedAction& planned, const ActionTerms& terms) const;

 private:
  std::string ContextOf(const PlannedAction& planned) const;

  const Instant now_;
  std::map<std::string_view, const ir::Rule*> rules_;  // by name
};

}  // namespace rescind
