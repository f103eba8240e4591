// TestChecker: `test` and `fixture` blocks, resolved and typed; they are run elsewhere.
#pragma once

#include "engine/check/check_state.h"

namespace rescind::check {

// Fixtures that no test uses are checked, too.
void CheckTests(CheckState& state);

}  // namespace rescind::check
