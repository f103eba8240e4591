// A plan as CSV (RFC 4180): one row an action, then one a row that is not acted on.
#pragma once

#include <string>

#include "runtime/plan/plan.h"

namespace rescind {

// UTF-8 with a header row and CRLF line ends. A cell that a spreadsheet would take for a formula
// is preceded by an apostrophe, since ids come from systems that we don't trust.
std::string FormatPlanCsv(const Plan& plan);

}  // namespace rescind
