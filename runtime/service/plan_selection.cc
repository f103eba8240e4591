#include "runtime/service/plan_selection.h"

#include <fmt/format.h>

#include <map>
#include <optional>
#include <set>
#include <tuple>

namespace rescind {
namespace {

using TargetName = std::pair<std::string_view, std::string_view>;  // entity, id

std::string WhyUnplanned(const NotActedOn& row) {
  switch (row.reason) {
    case NotActedReason::kProtected: return fmt::format("it is protected now, by {}", row.by);
    case NotActedReason::kUndecidedProtect:
      return fmt::format("whether {} protects it is not known now", row.by);
    case NotActedReason::kExempt: return fmt::format("it is exempt now, by {}", row.by);
    case NotActedReason::kInsufficientData: return "there is too little data on it now";
    case NotActedReason::kObserve: return "its policy only observes now";
    case NotActedReason::kEvaluationError: return "its policy cannot be evaluated for it now";
  }
  return "it is not acted on now";
}

class Selector {
 public:
  // `policies`: those that the plan that was read shows; empty: all.
  Selector(const Plan& derived, const DoneActions& done, const std::vector<std::string>& policies)
      : done_(done) {
    for (const PlannedAction& planned : derived.actions) {
      if (auto now = ReadinessFor(planned, policies)) {
        by_key_[planned.action.key] = *std::move(now);
      } else {
        for_others_.insert(planned.action.key);
      }
      if (planned.came_back) came_back_.insert(WishOf(planned.action));
    }
    for (const NotActedOn& row : derived.not_acted_on) {
      left_alone_.emplace(TargetName{row.entity, row.target}, &row);
    }
    for (const PlannedNotice& notice : derived.notices) notices_.emplace(NameOf(notice), &notice);
  }

  void Take(const PlannedAction& row, PlanSelection& selection) const {
    const auto found = by_key_.find(row.action.key);
    if (row.status != ActionStatus::kReady) {
      // Whoever read the plan was told that nothing happens to it yet.
      if (found == by_key_.end() || found->second.status != ActionStatus::kReady) return;
      FallenRow fallen = NameOf(row);
      fallen.held = row.status == ActionStatus::kHeld;
      fallen.why = fmt::format("it {} when this plan was made, and may go now: make a new plan",
                               fallen.held ? "was held" : "was not due");
      selection.fallen.push_back(std::move(fallen));
      return;
    }
    if (found != by_key_.end() && found->second.status == ActionStatus::kReady) {
      selection.action_keys.insert(row.action.key);
      return;
    }
    FallenRow fallen = NameOf(row);
    if (found != by_key_.end()) {
      Waits(found->second, fallen);
    } else {
      fallen.why = WhyGone(row);
    }
    selection.fallen.push_back(std::move(fallen));
  }
  void Take(const PlannedNotice& row, PlanSelection& selection) const {
    if (row.status != ActionStatus::kReady) return;
    const auto found = notices_.find(NameOf(row));
    if (found != notices_.end() && found->second->status == ActionStatus::kReady) {
      selection.notices.emplace(found->second->finding_id, found->second->stage);
      return;
    }
    FallenRow fallen;
    fallen.verb = VerbName(Verb::kNotify);
    fallen.entity = row.judged_entity;
    fallen.target = row.judged_id;
    fallen.policy = row.policy;
    if (found != notices_.end()) {
      Waits(*found->second, fallen);
    } else {
      fallen.why = WhyLeftAlone({{row.judged_entity, row.judged_id}}, {row.policy})
                       .value_or("no policy asks for it any more, or it was sent");
    }
    selection.fallen.push_back(std::move(fallen));
  }

 private:
  static FallenRow NameOf(const PlannedAction& row) {
    FallenRow fallen;
    fallen.verb = VerbName(row.action.verb);
    fallen.entity = row.action.target.entity;
    fallen.target = row.action.target.id;
    if (!row.reasons.empty()) fallen.policy = row.reasons.front().policy;
    return fallen;
  }
  // Not by the finding: one that a dry run opened is opened anew, at another instant.
  using NoticeName = std::tuple<std::string_view, std::string_view, std::string_view, uint32_t>;
  static NoticeName NameOf(const PlannedNotice& notice) {
    return {notice.policy, notice.judged_entity, notice.judged_id, notice.stage};
  }
  // `now`: a planned action or notice that is derived, but not ready.
  template <typename Planned>
  static void Waits(const Planned& now, FallenRow& fallen) {
    fallen.held = now.status == ActionStatus::kHeld;
    fallen.why = fallen.held ? fmt::format("it is held now: {}", now.held_because)
                 : now.due == Instant::Never()
                     ? fmt::format("it {}", now.held_because)
                     : fmt::format("it falls due at {}", FormatInstant(now.due));
  }
  std::string WhyGone(const PlannedAction& row) const {
    if (for_others_.contains(row.action.key)) {
      return "only policies that this plan does not show ask for it now";
    }
    if (const auto done = done_.find(row.action.key); done != done_.end()) {
      // However often it was done again and came back in between.
      if (came_back_.contains(WishOf(row.action))) {
        return "it was done, and came back since: make a new plan";
      }
      return done->second ? "it was done, and came back since; no policy asks for it now"
                          : "it is done";
    }
    std::vector<TargetName> names{{row.action.target.entity, row.action.target.id}};
    std::set<std::string_view> policies;
    for (const PlannedReason& reason : row.reasons) {
      names.emplace_back(reason.judged_entity, reason.judged_id);
      policies.insert(reason.policy);
    }
    return WhyLeftAlone(names, policies).value_or("no policy asks for it any more");
  }
  // Only what its own policies leave alone, and what no policy can judge: another policy that
  // leaves the row alone has no say.
  std::optional<std::string> WhyLeftAlone(const std::vector<TargetName>& names,
                                          const std::set<std::string_view>& policies) const {
    for (const TargetName& name : names) {
      const auto [first, last] = left_alone_.equal_range(name);
      for (auto found = first; found != last; ++found) {
        const std::string& policy = found->second->policy;
        if (policy.empty() || policies.contains(policy)) return WhyUnplanned(*found->second);
      }
    }
    return std::nullopt;
  }

  // What is to become of which row.
  using Wish = std::tuple<Verb, std::string_view, std::string_view, std::string_view>;
  static Wish WishOf(const Action& action) {
    return {action.verb, action.playbook, action.target.entity, action.target.id};
  }

  const DoneActions& done_;
  std::map<std::string_view, Readiness> by_key_;
  std::set<std::string_view> for_others_;  // keys
  std::set<Wish> came_back_;
  std::multimap<TargetName, const NotActedOn*> left_alone_;
  std::map<NoticeName, const PlannedNotice*> notices_;
};

}  // namespace

PlanSelection SelectActions(const Plan& read, const Plan& derived, const DoneActions& done) {
  PlanSelection selection;
  const Selector selector(derived, done, read.filter_policies);
  for (const PlannedAction& row : read.actions) selector.Take(row, selection);
  for (const PlannedNotice& notice : read.notices) selector.Take(notice, selection);
  std::set<std::string_view> seen;
  for (const PlannedAction& row : read.actions) seen.insert(row.action.key);
  for (const PlannedAction& planned : derived.actions) {
    if (planned.status != ActionStatus::kReady) continue;
    if (!seen.contains(planned.action.key)) ++selection.unseen_count;
  }
  return selection;
}

PlanSelection SelectReady(const Plan& derived) {
  PlanSelection selection;
  for (const PlannedAction& planned : derived.actions) {
    if (planned.status != ActionStatus::kReady) continue;
    if (planned.escalated) {
      selection.escalated.push_back(planned);
    } else {
      selection.action_keys.insert(planned.action.key);
    }
  }
  for (const PlannedNotice& notice : derived.notices) {
    if (notice.status != ActionStatus::kReady) continue;
    selection.notices.emplace(notice.finding_id, notice.stage);
  }
  return selection;
}

Status CheckPlan(const Plan& read, const Store& store, std::string_view policies_hash) {
  constexpr const char* kAnew =
      "make a new plan, read it, and apply that: `rescind plan --out FILE`";
  if (!read.applicable) {
    return Error{ErrorKind::kInvalidInput,
                 fmt::format("this plan is only for reading: {}", read.not_applicable_because),
                 kAnew};
  }
  if (read.store_id != store.id()) {
    return Error{ErrorKind::kInvalidInput,
                 fmt::format("this plan was made from another store ({}, this is {})",
                             read.store_id, store.id()),
                 "apply it in the workspace that it was made in"};
  }
  if (read.policies_hash != policies_hash) {
    return Error{ErrorKind::kStale, "the policies have changed since this plan was made", kAnew};
  }
  if (read.store_epoch > store.epoch() || read.facts_seq > store.facts_seq()) {
    return Error{ErrorKind::kStale,
                 "this plan knows facts that the store lacks: it was restored from a backup since",
                 kAnew};
  }
  return {};
}

}  // namespace rescind
