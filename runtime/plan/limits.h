// Limits: how much may start. All or nothing, by policy or by the limit's group.
//
// Counts what would start now with what has started in the window, and holds all of the policy (of
// the group) that nobody has let go yet when that is more than the limit allows. Private to the
// planner, but for the names of groups.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "runtime/plan/plan_draft.h"

namespace rescind {

struct LimitReport {
  struct OfPolicy {
    std::string text;  // "5% of grant per day: 12 of at most 40"; empty when none applies
    bool over = false;
    std::string held_because;  // the first limit that holds; empty: none, or released
    // "when they fall due, 12 are more than the 4 allowed: they will be held"; empty: they are not.
    std::string ahead;
  };
  std::vector<OfPolicy> policies;  // by rule
  std::vector<UsedRelease> used_releases;
};

// Rows (or findings) that a share of a population allows: rounded up, at least 1.
uint64_t Allowed(uint64_t population_count, bool percent, int64_t amount_or_millionths);

// What the groups of the limits of `rule` are called now: of every row that it may judge. "unknown"
// is always one. Empty for a rule whose limits have no groups. Errors: as CheckLimits.
Result<std::set<std::string>> LimitGroups(const eval::EvaluationInput& input, const ir::Rule& rule);

// After GatePolicies. Holds stages of the draft and fills their units. `spent`: releases that
// have let something else go. Errors: a group's name could not be read.
Result<LimitReport> CheckLimits(PlanDraft& draft, const std::vector<std::string>& spent);

}  // namespace rescind
