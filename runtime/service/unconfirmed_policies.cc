#include "runtime/service/unconfirmed_policies.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace rescind {

std::vector<std::string> UnconfirmedPolicies(const std::optional<Plan>& read,
                                             const PlanOutcome& outcome) {
  std::vector<std::string> names = outcome.unconfirmed;
  if (!read || read->filter_policies.empty()) return names;
  const std::vector<std::string>& shown = read->filter_policies;
  std::erase_if(names, [&](const std::string& name) {
    return std::find(shown.begin(), shown.end(), name) == shown.end();
  });
  return names;
}

std::string WhatIsUnconfirmed(const std::vector<std::string>& names, const Plan& plan) {
  std::vector<std::string> texts;
  for (const std::string& name : names) {
    const auto summary =
        std::find_if(plan.policies.begin(), plan.policies.end(),
                     [&](const PolicySummary& policy) { return policy.policy == name; });
    texts.push_back(summary == plan.policies.end()
                        ? name
                        : fmt::format("{} ({})", name, summary->unconfirmed_because));
  }
  return fmt::format("nobody has confirmed {}", fmt::join(texts, ", "));
}

}  // namespace rescind
