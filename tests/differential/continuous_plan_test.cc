// The continuous planner against planning everything anew: over random histories of facts, of time,
// of exemptions and releases and of what becomes of actions, a step writes and starts exactly what
// a plan of everything would.
//
// A history that failed prints its seed; RESCIND_WORLD=<seed> runs it alone.
#include <doctest/doctest.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "runtime/plan/continuous_planner.h"
#include "tests/differential/agreement.h"
#include "tests/differential/fact_editing.h"
#include "tests/differential/random_choice.h"
#include "tests/unit/runtime/plan/planner_world.h"
#include "tests/unit/test_seed.h"

namespace rescind {
namespace {

#ifdef RESCIND_SANITIZED
constexpr uint64_t kHistoryCount = 25;
#else
constexpr uint64_t kHistoryCount = 300;
#endif

const std::vector<uint64_t> kBrokenHistories = {};

// Each with what another one shares: targets, accounts, limits, stages.
const std::vector<std::string> kPolicies = {
    R"(policy stale "Unused access goes" { mode enforce for g in grant
         let seen = g.last_used ?? g.granted_at
         when seen older than 90d because "last used {seen}" then { revoke g } }
    )",
    R"(policy warned "After a week's notice" { mode enforce for g in grant
         when g.source == request and g.account.privileged
         then { notify "team" } then after 7d { revoke g } }
    )",
    R"(policy left "Leavers lose everything, then their accounts" { mode enforce for i in identity
         when i.status == terminated
         then { revoke i.accounts.grants } then after 30d { delete i.accounts } }
    )",
    R"(policy closed "Nobody owns it" { mode enforce for a in account when a.owner is unknown
         then { disable a } then after 14d { delete a } limit leave 1 per a.system }
    )",
    R"(policy dormant "Not logged in" { mode enforce for a in account
         when a.last_login is known and a.last_login older than 60d
         then { disable a end a.sessions } limit 2 of account }
    )",
    R"(policy emergency "Emergency access ends" { mode enforce for g in grant
         when g.source == emergency and g.granted_at older than 2d then { revoke g }
         limit 1 of grant per g.account.system }
    )",
    R"(policy watched "Only looked at" { mode observe for g in grant
         when g.entitlement.risk is known and g.entitlement.risk == critical
         then { revoke g } }
    )",
    R"(policy many "Too many at once" { mode enforce for a in account
         when count(g in a.grants) > 2 then { notify a.owner } then after 3d { revoke a.grants } }
    )",
    R"(protect kept "Kept" { for a in account when a.tags has "keep" }
    )",
    R"(protect new_ones "New people" { for i in identity when i.starts_on is known and
         i.starts_on >= today }
    )",
    R"(protect vault "Vault" { for e in entitlement when e.risk is known and e.risk == low }
    )",
};

std::string RandomPolicies(RandomChoice& choice) {
  std::string text;
  const uint32_t first = choice.Below(5);
  for (uint32_t i = 0; i < kPolicies.size(); ++i) {
    if (i == first || choice.Percent(55)) text += kPolicies[i];
  }
  return text;
}

// What is due, in the plan's order.
Lines DueLines(const Plan& plan) {
  Lines lines;
  for (const PlannedAction& planned : plan.actions) {
    if (planned.status == ActionStatus::kNotice) continue;
    std::string line = fmt::format("{} {} {} {} {} due {}: {}", ActionStatusName(planned.status),
                                   VerbName(planned.action.verb), planned.action.target.entity,
                                   planned.action.target.id, planned.action.episode,
                                   FormatInstant(planned.due), planned.held_because);
    if (planned.escalated) line += " escalated since " + FormatInstant(planned.escalated->since);
    if (planned.came_back) line += " came back";
    for (const PlannedReason& reason : planned.reasons) {
      line += fmt::format("; {} of {} {} stage {}: {}", reason.policy, reason.judged_entity,
                          reason.judged_id, reason.stage, reason.because);
    }
    lines.push_back(std::move(line));
  }
  for (const PlannedNotice& notice : plan.notices) {
    if (notice.status == ActionStatus::kNotice) continue;
    lines.push_back(fmt::format(
        "{} notice of {} {} stage {} to {}: {}", ActionStatusName(notice.status), notice.policy,
        notice.judged_id, notice.stage, fmt::join(notice.recipients, ","), notice.held_because));
  }
  std::sort(lines.begin(), lines.end());
  return lines;
}

using Changes = std::map<std::string, std::optional<std::string>>;

Changes ChangesOf(const KeyValueBatch& batch) {
  Changes changes;
  for (const auto& change : batch.changes()) changes[change.key] = change.value;
  return changes;
}

struct HistoryTotals {
  uint64_t steps = 0;
  uint64_t changes = 0;  // of what a plan writes
  uint64_t due = 0;      // actions
  uint64_t planned = 0;  // findings
  uint64_t of_all = 0;   // had everything been planned anew
};

class PlanHistory {
 public:
  explicit PlanHistory(uint64_t seed) : choice_(seed), world_(RandomPolicies(choice_)) {
    for (const char* id : {"ldap", "db"}) world_.System(id);
    for (int i = 0; i < 3; ++i) AddPerson();
    for (int i = 0; i < 5; ++i) AddAccount();
    for (int i = 0; i < 8; ++i) AddGrant();
    Begin();
  }

  void Run(HistoryTotals& totals) {
    for (int step = 0; step < 14; ++step) {
      CAPTURE(step);
      Step();
      ++totals.steps;
    }
    totals.changes += change_count_;
    totals.due += due_count_;
    totals.planned += planner_->counters().findings_planned;
    totals.of_all += finding_count_;
  }

 private:
  // ---- What happens -------------------------------------------------------------------------
  std::string One(const char* kind, uint32_t count) {
    return fmt::format("{}{}", kind, choice_.Below(count));
  }
  std::string Person() { return One("p", 5); }
  std::string AccountId() { return One("a", 8); }
  Instant Past() { return {world_.now.micros - choice_.Between(0, 130 * kMicrosPerDay)}; }

  void AddPerson() {
    const auto row = world_.Person(Person().c_str(), "employee",
                                   choice_.OneOf({"active", "active", "terminated", "on_leave"}));
    if (!choice_.OneIn(3)) return;
    FactBaseBuilder::Row(row).Set("starts_on", DayOf(choice_.Between(-20, 20)));
  }
  PlainValue DayOf(int64_t days) {
    return Day{static_cast<int32_t>(world_.now.micros / kMicrosPerDay + days)};
  }
  void AddAccount() {
    const std::string owner = Person();
    auto row = world_.Account(AccountId(), choice_.OneIn(4) ? nullptr : owner.c_str(),
                              choice_.OneOf({"ldap", "db"}));
    if (choice_.OneIn(4)) row.SetUnknown("owner");
    row.Set("privileged", choice_.OneIn(2));
    row.Set("last_login", Past());
    row.Set("status", choice_.OneOf({"active", "active", "disabled"}));
    row.Set("tags", std::vector<std::string>(choice_.OneIn(4) ? 1 : 0, "keep"));
    if (choice_.OneIn(3)) {
      world_.facts.Live("session", "s-" + AccountId()).Set("account", AccountId());
    }
  }
  void AddGrant() {
    const char* entitlement = choice_.OneOf({"vpn", "mail", "vault"});
    auto row = world_.Grant(One("g", 14), AccountId(), entitlement);
    row.Set("source", choice_.OneOf({"request", "request", "direct", "emergency"}));
    row.Set("granted_at", Past());
    if (choice_.OneIn(2)) {
      row.Set("last_used", Past());
    } else {
      row.SetUnknown("last_used");
    }
    if (choice_.OneIn(5)) {
      world_.facts.Live("entitlement", entitlement)
          .Set("risk", choice_.OneOf({"low", "high", "critical"}));
    }
  }
  void RemoveSomething() {
    switch (choice_.Below(4)) {
      case 0: world_.facts.Remove("identity", Person(), world_.now); return;
      case 1: world_.facts.Remove("account", AccountId(), world_.now); return;
      default: world_.facts.Remove("grant", One("g", 14), world_.now); return;
    }
  }
  void ChangeFacts() {
    for (uint32_t i = choice_.Below(3); i > 0; --i) {
      switch (choice_.Below(6)) {
        case 0: AddPerson(); break;
        case 1: AddAccount(); break;
        case 2: RemoveSomething(); break;
        default: AddGrant(); break;
      }
    }
  }
  void PassTime() {
    const Instant wake = planner_->WakeAt();
    int64_t next = world_.now.micros + choice_.Between(0, 9 * kMicrosPerDay);
    if (choice_.OneIn(2) && wake.micros < next) next = wake.micros - choice_.Below(2);
    world_.now.micros = std::max(world_.now.micros, next);
  }
  void AddExemption() {
    Exemption exemption;
    if (!choice_.OneIn(4)) {
      exemption.entity = choice_.OneOf({"account", "grant", "identity"});
      exemption.row_id = exemption.entity == "grant"     ? One("g", 14)
                         : exemption.entity == "account" ? AccountId()
                                                         : Person();
    }
    if (exemption.entity.empty() || choice_.OneIn(2)) {
      const auto& rules = world_.program->rules;
      exemption.policy = rules[choice_.Below(static_cast<uint32_t>(rules.size()))].full_name;
    }
    exemption.expires_at = {world_.now.micros + choice_.Between(1, 12 * kMicrosPerDay)};
    world_.Exempt(exemption);
  }

  // ---- Steps ----------------------------------------------------------------------------------
  void Begin() {
    PlanOutcome whole = PlanWhole();
    live_ = std::make_unique<FactBase>(world_.facts.Build(PlannerColumns(*world_.program)));
    editor_ = std::make_unique<FactEditor>(*live_);
    planner_ = std::make_unique<ContinuousPlanner>(*world_.program, *live_, world_.holidays,
                                                   world_.previous, world_.now);
    auto step = planner_->Begin(world_.options);
    REQUIRE(step.ok());
    Commit(*step, std::move(whole));
  }

  void Step() {
    ChangeFacts();
    if (choice_.OneIn(2)) PassTime();
    if (choice_.OneIn(6)) AddExemption();
    if (choice_.OneIn(8)) {
      const ir::Rule& rule =
          world_.program->rules[choice_.Below(static_cast<uint32_t>(world_.program->rules.size()))];
      if (!rule.protect) world_.AddRelease(rule.full_name);
    }
    const ColumnSet columns = PlannerColumns(*world_.program);
    EditTowards(*editor_, *live_, world_.facts.Build(columns), columns.Closure(*world_.schema));
    const std::vector<RowChange> changes = editor_->Finish();
    PlanOutcome whole = PlanWhole();
    auto step = planner_->Advance(changes, world_.now, world_.options);
    REQUIRE(step.ok());
    Commit(*step, std::move(whole));
  }

  PlanOutcome PlanWhole() {
    auto outcome = world_.TryPlan();
    REQUIRE(outcome.ok());
    return *std::move(outcome);
  }

  // Hands over some of what is ready, and compares what that writes.
  void Commit(PlanStep& step, PlanOutcome whole) {
    CHECK(DueLines(step.outcome.plan) == DueLines(whole.plan));
    CHECK(step.outcome.used_releases == whole.used_releases);
    AppliedSelection selection;
    std::vector<PlannedAction> handed;
    for (const PlannedAction& planned : whole.plan.actions) {
      due_count_ += planned.status == ActionStatus::kNotice ? 0 : 1;
      if (planned.status != ActionStatus::kReady || choice_.OneIn(4)) continue;
      selection.action_keys.insert(planned.action.key);
      handed.push_back(planned);
    }
    for (const PlannedNotice& notice : whole.plan.notices) {
      if (notice.status != ActionStatus::kReady || choice_.OneIn(5)) continue;
      selection.notices.insert({notice.finding_id, notice.stage});
    }
    if (!step.is_empty && choice_.OneIn(3)) {
      selection.confirmed_policies.insert(whole.unconfirmed.begin(), whole.unconfirmed.end());
    }
    KeyValueBatch of_step;
    if (!step.is_empty) {
      of_step = RecordApplied(planner_->input(), step.previous, step.outcome, selection).batch;
    }
    const eval::EvaluationInput input{*world_.program, *world_.base, world_.holidays, world_.now};
    finding_count_ += whole.findings.count();
    const KeyValueBatch of_whole =
        RecordApplied(input, world_.previous, std::move(whole), selection).batch;
    const Changes part = ChangesOf(of_step);
    Changes all = ChangesOf(of_whole);
    // That the time of a release is over is no step.
    if (step.is_empty) {
      std::erase_if(all,
                    [](const auto& change) { return change.first.starts_with(kReleasePrefix); });
    }
    change_count_ += all.size();
    for (const auto& change : all) {
      CAPTURE(change.first);
      REQUIRE(part.contains(change.first));
      CHECK(part.at(change.first) == change.second);
    }
    CHECK(part.size() == all.size());
    world_.store.Apply(of_whole);
    REQUIRE(planner_->Follow(of_whole).ok());
    for (const PlannedAction& planned : handed) ActOn(planned);
    REQUIRE(planner_->Settle(world_.options).ok());
  }

  // It is verified, given up, or still under way.
  void ActOn(const PlannedAction& planned) {
    if (choice_.OneIn(5)) return;
    if (choice_.OneIn(4)) {
      ActionHistory history;
      history.episode = planned.action.episode;
      history.escalated = Escalation{world_.now, "it said no", "mend it"};
      for (const ActionReason& reason : planned.action.reasons) {
        history.escalated_for.push_back(reason.finding_id);
      }
      world_.Remember(planned, std::move(history));
      return;
    }
    world_.Verify(planned);
    const std::string& id = planned.action.target.id;
    switch (planned.action.verb) {
      case Verb::kDisable: world_.facts.Live("account", id).Set("status", "disabled"); return;
      default: world_.facts.Remove(planned.action.target.entity, id, world_.now); return;
    }
  }

  RandomChoice choice_;
  PlannerWorld world_;
  std::unique_ptr<FactBase> live_;
  std::unique_ptr<FactEditor> editor_;
  std::unique_ptr<ContinuousPlanner> planner_;
  uint64_t change_count_ = 0;
  uint64_t due_count_ = 0;
  uint64_t finding_count_ = 0;
};

void CheckHistory(uint64_t seed, HistoryTotals& totals) {
  CAPTURE(seed);
  PlanHistory(seed).Run(totals);
}

TEST_CASE("a step of the continuous planner writes and starts what a plan of everything does") {
  HistoryTotals totals;
  if (const uint64_t only = eval::NumberFromEnvironment("RESCIND_WORLD", 0)) {
    CheckHistory(only, totals);
    return;
  }
  const uint64_t count = eval::NumberFromEnvironment("RESCIND_PLANS", kHistoryCount);
  RandomChoice seeds(TestSeed());
  for (uint64_t i = 0; i < count; ++i) {
    CheckHistory(static_cast<uint64_t>(seeds.Between(1, INT64_MAX - 1)), totals);
  }
  MESSAGE(fmt::format("steps {}, changes {}, due {}, planned {} instead of {}", totals.steps,
                      totals.changes, totals.due, totals.planned, totals.of_all));
  CHECK(totals.changes > totals.steps);
  CHECK(totals.due > totals.steps / 2);
  CHECK(totals.planned < totals.of_all);
}

TEST_CASE("histories of plans in which something was once wrong") {
  HistoryTotals totals;
  for (const uint64_t seed : kBrokenHistories) CheckHistory(seed, totals);
}

}  // namespace
}  // namespace rescind
