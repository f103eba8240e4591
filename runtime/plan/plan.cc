#include "runtime/plan/plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <tuple>
#include <unordered_map>
#include <unordered_set>

#include "engine/base/assert.h"
#include "runtime/plan/plan_json.h"

namespace rescind {
namespace {

constexpr std::array<std::string_view, 3> kStatusNames = {"ready", "notice", "held"};
constexpr std::array<std::string_view, 6> kNotActedNames = {
    "protected", "exempt", "insufficient_data", "observe", "evaluation_error", "undecided_protect"};

constexpr std::array<std::string_view, 6> kNotActedWords = {
    "protected",           "exempt",           "insufficient data", "observed only",
    "cannot be evaluated", "undecided protect"};

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

// Where an action belongs; it lies in the plan at `index` now. Actions are large, names of policies
// and beginnings of ids alike: what is sorted is small and compares numbers first.
struct ActionPlace {
  int severity_rank = 0;  // the most severe first
  size_t policy_rank = 0;
  std::string_view entity;
  uint64_t target_head = 0;  // the first bytes of the target after what all ids begin with
  std::string_view target;
  Verb verb = Verb::kDisable;
  std::string_view playbook;
  size_t index = 0;
  auto operator<=>(const ActionPlace&) const = default;
};

// Eight bytes from `from` on as a number that sorts as they do; zeros follow a text's end.
uint64_t HeadOf(std::string_view text, size_t from) {
  uint64_t head = 0;
  for (size_t i = from; i < from + 8; ++i) {
    head = head << 8 | (i < text.size() ? static_cast<unsigned char>(text[i]) : 0);
  }
  return head;
}

// Of every policy that an action names first: its place among their names.
std::unordered_map<std::string_view, size_t> RankPolicies(
    const std::vector<PlannedAction>& actions) {
  std::unordered_map<std::string_view, size_t> ranks;
  for (const PlannedAction& planned : actions) ranks.emplace(planned.reasons.front().policy, 0);
  std::vector<std::string_view> policies;
  for (const auto& [policy, rank] : ranks) policies.push_back(policy);
  std::sort(policies.begin(), policies.end());
  for (size_t rank = 0; rank < policies.size(); ++rank) ranks[policies[rank]] = rank;
  return ranks;
}

// By entity, how many bytes the ids of all targets have in common at their beginning.
std::unordered_map<std::string_view, size_t> CommonBeginnings(
    const std::vector<PlannedAction>& actions) {
  std::unordered_map<std::string_view, std::pair<std::string_view, size_t>> begins;
  for (const PlannedAction& planned : actions) {
    const std::string_view id = planned.action.target.id;
    const auto [found, is_new] =
        begins.try_emplace(planned.action.target.entity, std::pair(id, id.size()));
    auto& [first, size] = found->second;
    size = std::min(size, id.size());
    size = static_cast<size_t>(
        std::mismatch(first.begin(), first.begin() + static_cast<std::ptrdiff_t>(size), id.begin())
            .first -
        first.begin());
  }
  std::unordered_map<std::string_view, size_t> sizes;
  for (const auto& [entity, begin] : begins) sizes.emplace(entity, begin.second);
  return sizes;
}

void SortActions(std::vector<PlannedAction>& actions) {
  auto policy_ranks = RankPolicies(actions);
  auto beginnings = CommonBeginnings(actions);
  std::vector<ActionPlace> places;
  places.reserve(actions.size());
  for (size_t index = 0; index < actions.size(); ++index) {
    const PlannedAction& planned = actions[index];
    const Action& action = planned.action;
    const ActionTarget& target = action.target;
    places.push_back({-static_cast<int>(action.severity),
                      policy_ranks[planned.reasons.front().policy], target.entity,
                      HeadOf(target.id, beginnings[target.entity]), target.id, action.verb,
                      action.playbook, index});
  }
  std::sort(places.begin(), places.end());
  std::vector<PlannedAction> sorted;
  sorted.reserve(actions.size());
  for (const ActionPlace& place : places) sorted.push_back(std::move(actions[place.index]));
  actions = std::move(sorted);
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
  SortActions(plan.actions);
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

void CountActions(const Plan& plan, PlanSummary& summary) {
  summary = {};
  std::unordered_set<std::string_view> people;
  std::unordered_set<std::string_view> systems;
  for (const PlannedAction& planned : plan.actions) {
    ++summary.action_count;
    switch (planned.status) {
      case ActionStatus::kReady: ++summary.ready_count; break;
      case ActionStatus::kNotice: ++summary.notice_count; break;
      case ActionStatus::kHeld: ++summary.held_count; break;
    }
    if (planned.escalated) ++summary.escalated_count;
    if (planned.left) ++summary.left_count;
    if (!planned.subject.person.empty()) people.insert(planned.subject.person);
    systems.insert(planned.action.target.system);
  }
  summary.person_count = people.size();
  summary.system_count = systems.size();
}

void CountLeftAlone(const Plan& plan, PlanSummary& summary) {
  summary.protected_count = 0;
  summary.exempt_count = 0;
  summary.insufficient_count = plan.unlisted_insufficient_count;
  for (const NotActedOn& row : plan.not_acted_on) {
    switch (row.reason) {
      case NotActedReason::kProtected:
      case NotActedReason::kUndecidedProtect: ++summary.protected_count; break;
      case NotActedReason::kExempt: ++summary.exempt_count; break;
      case NotActedReason::kInsufficientData: ++summary.insufficient_count; break;
      case NotActedReason::kObserve:
      case NotActedReason::kEvaluationError: break;
    }
  }
}

}  // namespace

int ReadinessRank(ActionStatus status) {
  return status == ActionStatus::kReady ? 0 : status == ActionStatus::kHeld ? 1 : 2;
}

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

void ArrangePlan(Plan& plan) {
  SortPlan(plan);
  if (plan.unlisted_actions.empty()) CountActions(plan, plan.summary);
  CountLeftAlone(plan, plan.summary);
}

void SealPlan(Plan& plan) {
  ArrangePlan(plan);
  plan.id = PlanDigest(plan);
}

bool HasChanges(const Plan& plan) {
  const auto changes = [](const auto& action) {
    return action.status != ActionStatus::kNotice || action.change != Change::kStanding;
  };
  return !plan.undos.empty() || std::any_of(plan.actions.begin(), plan.actions.end(), changes) ||
         std::any_of(plan.unlisted_actions.begin(), plan.unlisted_actions.end(), changes) ||
         std::any_of(plan.notices.begin(), plan.notices.end(), [](const PlannedNotice& notice) {
           return notice.status != ActionStatus::kNotice;
         });
}

std::optional<Readiness> ReadinessFor(const PlannedAction& planned,
                                      const std::vector<std::string>& policies) {
  if (policies.empty()) return Readiness{planned.status, planned.due, planned.held_because};
  const auto rank = [](const PlannedReason& reason) {
    return std::pair(ReadinessRank(reason.status), reason.due);
  };
  const PlannedReason* best = nullptr;
  for (const PlannedReason& reason : planned.reasons) {
    if (std::find(policies.begin(), policies.end(), reason.policy) == policies.end()) continue;
    if (!best || rank(reason) < rank(*best)) best = &reason;
  }
  if (!best) return std::nullopt;
  if (planned.reasons.size() == 1) return ReadinessFor(planned, {});
  return Readiness{best->status, best->due, best->held_because};
}

bool NeedsConfirmation(const Plan& plan) {
  if (!plan.applicable || !plan.cold_start) return false;
  return plan.summary.ready_count > 0 ||
         std::any_of(plan.notices.begin(), plan.notices.end(), [](const PlannedNotice& notice) {
           return notice.status == ActionStatus::kReady;
         });
}

std::string NotDueText(Instant due, const std::string& held_because) {
  if (due == Instant::Never() && !held_because.empty()) return held_because;
  return fmt::format("due {}{}{}", FormatInstant(due), held_because.empty() ? "" : "; ",
                     held_because);
}

std::string EarlierRemovalText(const EarlierRemoval& removal) {
  return fmt::format("removed on {} by action {}", FormatInstant(removal.at), removal.action_key);
}

}  // namespace rescind
