// ListPlannedUndos: what is being given back, or could not be, as a plan shows it.
//
// Applying a plan goes on with undos that nobody lists as removals. So the plan says which there
// are, and what applying it does about each. It decides nothing: what it says is what apply_run.h
// and failed_undos.h do.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "engine/base/result.h"
#include "runtime/journal/journal.h"
#include "runtime/plan/planner.h"
#include "runtime/service/failed_undos.h"
#include "runtime/service/pipeline.h"

namespace rescind {

// The names of the stages that whoever applies a plan of these policies has carried out with an
// action of it that is ready; absent: of all policies.
void AddStagesLetGo(const PlannedAction& planned, const ActionTerms& terms,
                    const std::optional<std::set<std::string>>& policies,
                    std::set<std::string>& stages);

// Of the plan of `derivation`, which need not be sealed. `shown`: what it shows. Those that it does
// not show and leaves alone are not listed. Errors: the journal's; an id could not be read.
Result<std::vector<PlannedUndo>> ListPlannedUndos(const Journal& journal,
                                                  const Derivation& derivation,
                                                  const UndoChoice& shown);

}  // namespace rescind
