// A plan as one self-contained HTML page: no script, no request to anywhere.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "runtime/plan/plan.h"

namespace rescind {

inline constexpr size_t kMaxHtmlRows = 5000;

// Roll-ups whole, at most kMaxHtmlRows removals; says so and links `csv_name` when there are
// more. All text is escaped.
std::string FormatPlanHtml(const Plan& plan, std::string_view csv_name);

}  // namespace rescind
