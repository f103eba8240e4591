// `rescind.plan/1`: a plan as JSON, deterministic byte for byte, and back.
#pragma once

#include <string>
#include <string_view>

#include "engine/base/result.h"
#include "runtime/plan/plan.h"

namespace rescind {

inline constexpr std::string_view kPlanFormat = "rescind.plan/1";

// UTF-8, two-space indented, ends with a line break. The same plan gives the same bytes.
std::string EncodePlan(const Plan& plan);

// Reads what EncodePlan wrote. Checks the format version, every field and that `plan_id` is the
// digest of the rest, so an edited plan is refused. Errors name the field.
Result<Plan> DecodePlan(std::string_view json);

// "sha256:…" over the compact JSON of the plan without its plan_id.
std::string PlanDigest(const Plan& plan);

}  // namespace rescind
