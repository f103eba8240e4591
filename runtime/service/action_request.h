// From a planned action to what the journal is asked for, with the evidence for its audit leaf.
#pragma once

#include "engine/ir/program.h"
#include "runtime/journal/journal.h"
#include "runtime/plan/planner.h"

namespace rescind {

// `terms`: the planner's, of the same action. `now`: the instant of the judgement.
ActionRequest RequestFor(const PlannedAction& planned, const ActionTerms& terms,
                         const ir::Program& program, Instant now);

}  // namespace rescind
