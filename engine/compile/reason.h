// ConditionText: a condition as one line of text, for the reason of a policy that gives none.
#pragma once

#include <string>
#include <string_view>

namespace rescind::compile {

// `source` on one line: every run of blanks, line breaks and comments becomes one blank. What
// stands in texts and patterns is left as it is.
std::string ConditionText(std::string_view source);

}  // namespace rescind::compile
