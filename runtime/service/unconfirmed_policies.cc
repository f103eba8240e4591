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

// Who has seen one person's rows only has not seen what a policy does.
std::set<std::string> ConfirmedWith(const std::optional<Plan>& read, bool is_confirmed,
                                    const PlanOutcome& outcome) {
  if (!is_confirmed || (read && !read->filter_person.empty())) return {};
  const auto policies = UnconfirmedPolicies(read, outcome);
  return {policies.begin(), policies.end()};
}

std::optional<std::set<std::string>> ReadPolicies(const std::optional<Plan>& read) {
  if (!read || read->filter_policies.empty()) return std::nullopt;
  return std::set<std::string>(read->filter_policies.begin(), read->filter_policies.end());
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
