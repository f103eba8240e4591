// UnconfirmedPolicies: those that nobody has confirmed, as whoever applies a plan must hear.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "runtime/plan/planner.h"

namespace rescind {

// Of those that the person who read the plan has seen; absent: of all.
std::vector<std::string> UnconfirmedPolicies(const std::optional<Plan>& read,
                                             const PlanOutcome& outcome);
// Those that are confirmed by whoever has confirmed the plan that was read; none while nobody has.
std::set<std::string> ConfirmedWith(const std::optional<Plan>& read, bool is_confirmed,
                                    const PlanOutcome& outcome);
// Those that a plan of some policies shows; nothing for any other plan.
std::optional<std::set<std::string>> ReadPolicies(const std::optional<Plan>& read);
// "nobody has confirmed p.old (the policy is new), p.left (the policy has changed its meaning)".
std::string WhatIsUnconfirmed(const std::vector<std::string>& names, const Plan& plan);

}  // namespace rescind
