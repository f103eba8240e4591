// LateAlarm: what `done within D else notify R` asks for of a finding. Private to the planner.
#pragma once

#include <cstddef>

#include "engine/base/instant.h"
#include "engine/base/result.h"
#include "runtime/plan/plan_draft.h"

namespace rescind {

// Of the finding whose stages are those of the draft from `first_stage` on; its times count from
// `base`. Adds a stage of its own beyond them, with the notice, unless the alarm was given. Errors:
// ids could not be read.
Status AddLateAlarm(PlanDraft& draft, size_t first_stage, Instant base);

}  // namespace rescind
