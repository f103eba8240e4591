// A plan as one self-contained HTML page: no script, no request to anywhere.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "runtime/plan/plan.h"

namespace rescind {

inline constexpr size_t kMaxHtmlRows = 5000;

// Roll-ups whole, at most kMaxHtmlRows removals; says so when there are more, and links `csv_name`,
// which has been written, or says how to get it when it is empty. All text is escaped.
std::string FormatPlanHtml(const Plan& plan, std::string_view csv_name);

}  // namespace rescind
