// PolicyGates: what keeps a whole policy, a stage or an action from starting, limits aside.
//
// Stale feeds, the closed world, a meaning that nobody has confirmed, approvals, missing
// executors. Sets why stages and claims of a draft are held. Private to the planner.
#pragma once

#include <vector>

#include "runtime/plan/plan_draft.h"

namespace rescind {

struct GateReport {
  std::vector<std::string> held_because;         // by rule; empty: nothing holds the policy
  std::vector<std::string> unconfirmed;          // enforced policies
  std::vector<std::string> unconfirmed_because;  // by rule, of those
  bool cold_start = false;                       // one of them has something to do
  std::vector<std::string> confirmed_by_release;
  std::vector<std::string> confirming_releases;
};

// Errors: ids could not be read.
Result<GateReport> GatePolicies(PlanDraft& draft);

bool IsStale(const FeedStatus& feed, std::optional<Duration> max_age, Instant now);
// The active release for a policy's group with the least id, but for those in `spent`; null when
// there is none. One release lets one thing go.
const Release* FindRelease(const PlannerOptions& options, std::string_view policy,
                           std::string_view group, Instant now,
                           const std::vector<std::string>& spent);

}  // namespace rescind
