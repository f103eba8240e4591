// LateAlarm: what `done within D else notify R` asks for of a finding. Private to the planner.
#pragma once

#include <cstddef>

#include "engine/base/result.h"
#include "runtime/plan/plan_draft.h"

namespace rescind {

// Of the finding whose stages are those of the draft from `first_stage` on. Adds a stage of its own
// beyond them, with the notice that is due when the first of them is late; what was late when the
// last alarm was given was told with it. Errors: ids could not be read.
Status AddLateAlarm(PlanDraft& draft, size_t first_stage);

}  // namespace rescind
