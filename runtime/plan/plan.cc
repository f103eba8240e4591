#include "runtime/plan/plan.h"

#include <algorithm>
#include <array>
#include <set>
#include <tuple>

#include "engine/base/assert.h"
#include "runtime/plan/plan_json.h"

namespace rescind {
namespace {

constexpr std::array<std::string_view, 3> kStatusNames = {"ready", "notice", "held"};
constexpr std::array<std::string_view, 5> kNotActedNames = {
    "protected", "exempt", "insufficient_data", "observe", "evaluation_error"};

constexpr std::array<std::string_view, 5> kNotActedWords = {
    "protected", "exempt", "insufficient data", "observed only", "cannot be evaluated"};

template <typename Enum, size_t kSize>
std::string_view NameOf(const std::array<std::string_view, kSize>& names, Enum value) {
  const auto index = static_cast<size_t>(value) - 1;
  RESCIND_ASSERT(index < kSize, "unknown enum value");
  return names[index];
}

template <typename Enum, size_t kSize>
std::optional<Enum> ParseName(const std::array<std::string_view, kSize>& names,
                              std::string_view name) {
  const auto found = std::find(names.begin(), names.end(), name);
  if (found == names.end()) return std::nullopt;
  return static_cast<Enum>(found - names.begin() + 1);
}

auto ActionOrder(const PlannedAction& planned) {
  const Action& action = planned.action;
  const std::string& policy = planned.reasons.front().policy;
  return std::make_tuple(-static_cast<int>(action.severity), std::string_view(policy),
                         std::string_view(action.target.entity), std::string_view(action.target.id),
                         action.verb, std::string_view(action.playbook));
}

void SortPlan(Plan& plan) {
  for (PlannedAction& planned : plan.actions) {
    // INVARIANT: an action without a reason is never planned.
    RESCIND_ASSERT(!planned.reasons.empty(), "planned action without a reason");
    std::sort(planned.reasons.begin(), planned.reasons.end(),
              [](const PlannedReason& a, const PlannedReason& b) {
                return std::tie(a.policy, a.judged_entity, a.judged_id, a.stage) <
                       std::tie(b.policy, b.judged_entity, b.judged_id, b.stage);
              });
  }
  std::sort(plan.actions.begin(), plan.actions.end(),
            [](const PlannedAction& a, const PlannedAction& b) {
              return ActionOrder(a) < ActionOrder(b);
            });
  std::sort(plan.notices.begin(), plan.notices.end(),
            [](const PlannedNotice& a, const PlannedNotice& b) {
              return std::tie(a.policy, a.judged_entity, a.judged_id, a.stage, a.recipients) <
                     std::tie(b.policy, b.judged_entity, b.judged_id, b.stage, b.recipients);
            });
  std::sort(plan.not_acted_on.begin(), plan.not_acted_on.end());
  plan.not_acted_on.erase(std::unique(plan.not_acted_on.begin(), plan.not_acted_on.end()),
                          plan.not_acted_on.end());
  std::sort(plan.policies.begin(), plan.policies.end(),
            [](const PolicySummary& a, const PolicySummary& b) { return a.policy < b.policy; });
  std::sort(plan.feeds.begin(), plan.feeds.end(), [](const FeedAge& a, const FeedAge& b) {
    return std::tie(a.source, a.entity) < std::tie(b.source, b.entity);
  });
  std::sort(plan.roll_ups.begin(), plan.roll_ups.end(), [](const RollUp& a, const RollUp& b) {
    return std::tie(a.policy, a.system, a.department, a.privileged) <
           std::tie(b.policy, b.system, b.department, b.privileged);
  });
}

PlanSummary Summarise(const Plan& plan) {
  PlanSummary summary;
  std::set<std::string_view> people;
  std::set<std::string_view> systems;
  for (const PlannedAction& planned : plan.actions) {
    ++summary.action_count;
    switch (planned.status) {
      case ActionStatus::kReady: ++summary.ready_count; break;
      case ActionStatus::kNotice: ++summary.notice_count; break;
      case ActionStatus::kHeld: ++summary.held_count; break;
    }
    if (planned.escalated) ++summary.escalated_count;
    if (!planned.subject.person.empty()) people.insert(planned.subject.person);
    systems.insert(planned.action.target.system);
  }
  summary.person_count = people.size();
  summary.system_count = systems.size();
  summary.insufficient_count = plan.unlisted_insufficient_count;
  for (const NotActedOn& row : plan.not_acted_on) {
    switch (row.reason) {
      case NotActedReason::kProtected: ++summary.protected_count; break;
      case NotActedReason::kExempt: ++summary.exempt_count; break;
      case NotActedReason::kInsufficientData: ++summary.insufficient_count; break;
      case NotActedReason::kObserve:
      case NotActedReason::kEvaluationError: break;
    }
  }
  return summary;
}

}  // namespace

std::string_view ActionStatusName(ActionStatus status) { return NameOf(kStatusNames, status); }

std::optional<ActionStatus> ParseActionStatus(std::string_view name) {
  return ParseName<ActionStatus>(kStatusNames, name);
}

std::string_view NotActedReasonName(NotActedReason reason) {
  return NameOf(kNotActedNames, reason);
}

std::string_view NotActedReasonWords(NotActedReason reason) {
  return NameOf(kNotActedWords, reason);
}

std::optional<NotActedReason> ParseNotActedReason(std::string_view name) {
  return ParseName<NotActedReason>(kNotActedNames, name);
}

void SealPlan(Plan& plan) {
  SortPlan(plan);
  plan.summary = Summarise(plan);
  plan.id = PlanDigest(plan);
}

}  // namespace rescind
