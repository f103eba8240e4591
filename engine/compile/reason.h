// What reasons need of text: a condition on one line, for a policy that gives no reason, and civil
// lengths, which are no values of the rule program.
#pragma once

#include <string>
#include <string_view>

#include "engine/base/civil.h"

namespace rescind::compile {

// `source` on one line: every run of blanks, line breaks and comments becomes one blank. What
// stands in texts and patterns is left as it is.
std::string ConditionText(std::string_view source);

// "6 months", "1 business day".
std::string CivilText(CivilDuration length);

}  // namespace rescind::compile
