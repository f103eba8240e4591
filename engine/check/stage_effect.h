// CheckStageEffects: a policy must not end its own match before its last stage.
//
// What a stage does becomes a fact: the account is disabled, the grant is gone. When that makes
// `when` false, or `unless` true, whatever else is the case, a later stage would never come.
#pragma once

#include "engine/check/check_state.h"

namespace rescind::check {

void CheckStageEffects(CheckState& state, const typed::Policy& policy);

}  // namespace rescind::check
