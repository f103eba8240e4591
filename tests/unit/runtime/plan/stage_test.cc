// When stages fall due, what delays them, and what a finding's life looks like from plan to plan.
#include "runtime/plan/action_key.h"
#include "tests/unit/runtime/plan/planner_world.h"

namespace rescind {
namespace {

constexpr const char* kStale = R"(
policy stale "Unused grants go after a week's notice" {
  mode enforce
  for g in grant
  when (g.last_used ?? g.granted_at) older than 90d
  because "last used {g.last_used}"
  then { notify g.account.owner?.manager ?? "iam-team" }
  then after 7d { revoke g }
}
)";

PlannerWorld StaleWorld() {
  PlannerWorld world(kStale);
  world.Person("ann");
  world.Account("a", "ann");
  world.Grant("g", "a");
  return world;
}

TEST_CASE("notice first, removal a week after the notice was really sent") {
  PlannerWorld world = StaleWorld();
  PlanOutcome first = world.Apply();
  CHECK(ActionLines(first.plan) == Lines{"revoke grant g: notice"});
  CHECK(first.plan.actions[0].due == Plus(world.now, "7d"));
  REQUIRE(first.plan.notices.size() == 1);
  CHECK(first.plan.notices[0].status == ActionStatus::kReady);
  CHECK(first.plan.notices[0].recipients == Lines{"iam-team"});
  CHECK(first.announcements.at(first.plan.notices[0].finding_id) ==
        "revoke grant g on 2026-04-08T00:00:00Z");
  CHECK(CountSteps(first, FindingStep::kOpened) == 1);

  world.now = Plus(world.now, "6d23h");
  PlanOutcome waiting = world.Apply();
  CHECK(ActionLines(waiting.plan) == Lines{"revoke grant g: notice"});
  CHECK(waiting.plan.notices.empty());  // sent once

  world.now = Plus(world.now, "1h");
  PlanOutcome due = world.Apply();
  CHECK(ActionLines(due.plan) == Lines{"revoke grant g: ready"});
  CHECK(due.plan.actions[0].due == world.now);

  // Verified: the row is gone, and the finding with it.
  world.facts.Remove("grant", "g", world.now);
  PlanOutcome after = world.Apply();
  CHECK(after.plan.actions.empty());
  CHECK(CountSteps(after, FindingStep::kResolved) == 1);
  CHECK(world.Plan().findings.count() == 0);
}

TEST_CASE("a notice that goes out late delays the removal as much") {
  PlannerWorld world = StaleWorld();
  AppliedSelection nothing;
  world.Apply(nothing);  // the finding is stored; nobody was told
  const Instant opened = world.now;
  world.now = Plus(world.now, "30d");
  PlanOutcome late = world.Apply();
  REQUIRE(late.plan.notices.size() == 1);
  CHECK(late.plan.notices[0].status == ActionStatus::kReady);
  CHECK(late.plan.notices[0].due == opened);
  CHECK(ActionLines(late.plan) == Lines{"revoke grant g: notice"});
  CHECK(late.plan.actions[0].due == Plus(world.now, "7d"));
  CHECK(late.plan.actions[0].reasons[0].opened_at == opened);
}

TEST_CASE("a dry run leaves no trace, and its stage times start with it") {
  PlannerWorld world = StaleWorld();
  world.Plan();
  CHECK(world.store.values.empty());
  world.now = Plus(world.now, "30d");
  CHECK(world.Plan().plan.actions[0].due == Plus(world.now, "7d"));
}

TEST_CASE("using the grant withdraws the finding, and those who were told are known") {
  PlannerWorld world = StaleWorld();
  world.Apply();
  world.facts.Live("grant", "g").Set("last_used", world.now);
  world.now = Plus(world.now, "8d");
  PlanOutcome outcome = world.Apply();
  CHECK(outcome.plan.actions.empty());
  REQUIRE(outcome.transitions.size() == 1);
  CHECK(outcome.transitions[0].step == FindingStep::kWithdrawn);
  CHECK(outcome.transitions[0].detail == "it no longer matches");
  CHECK(outcome.transitions[0].finding.notified == Lines{"iam-team"});
  CHECK(world.Plan().findings.count() == 0);
}

TEST_CASE("a row that returns under the same id is a new finding with a notice of its own") {
  PlannerWorld world = StaleWorld();
  PlanOutcome first = world.Apply();
  world.facts.Live("grant", "g").SetIncarnation(2);
  world.now = Plus(world.now, "8d");
  PlanOutcome outcome = world.Apply();
  CHECK(CountSteps(outcome, FindingStep::kWithdrawn) == 1);
  CHECK(CountSteps(outcome, FindingStep::kOpened) == 1);
  CHECK(ActionLines(outcome.plan) == Lines{"revoke grant g: notice"});
  CHECK(outcome.plan.notices.size() == 1);
  CHECK(outcome.plan.notices[0].finding_id != first.plan.notices[0].finding_id);
}

TEST_CASE("time in observe does not count: the notice starts when the policy enforces") {
  std::string observing = kStale;
  observing.replace(observing.find("mode enforce"), 12, "mode observe");
  PlannerWorld world(observing);
  world.Account("a", nullptr);
  world.Grant("g", "a");
  PlanOutcome outcome = world.Apply();
  CHECK(outcome.plan.actions.empty());
  CHECK(outcome.plan.notices.empty());
  CHECK(NotActedLines(outcome.plan) == Lines{"grant g: observe"});
  CHECK(outcome.plan.not_acted_on[0].detail == "last used unknown");
  world.now = Plus(world.now, "60d");
  world.Change(kStale);
  PlanOutcome enforced = world.Apply();
  CHECK(enforced.plan.notices.size() == 1);
  CHECK(enforced.plan.actions[0].due == Plus(world.now, "7d"));
  // Going back to observing stops it; the next start begins anew.
  world.now = Plus(world.now, "3d");
  world.Change(observing);
  world.Apply();
  world.now = Plus(world.now, "10d");
  world.Change(kStale);
  PlanOutcome again = world.Apply();
  CHECK(again.plan.notices.size() == 1);
  CHECK(again.plan.actions[0].due == Plus(world.now, "7d"));
}

TEST_CASE("a renamed policy keeps its findings and how far they have come") {
  PlannerWorld world = StaleWorld();
  const std::string id = world.Apply().plan.notices[0].finding_id;
  std::string renamed = kStale;
  renamed.replace(renamed.find("stale \"Unused"), 5, "unused");
  renamed.replace(renamed.find(" {\n  mode"), 1, " renamed from p.stale ");
  world.Change(renamed);
  world.now = Plus(world.now, "7d");
  PlanOutcome outcome = world.Apply();
  CHECK(outcome.transitions.empty());
  CHECK(ActionLines(outcome.plan) == Lines{"revoke grant g: ready"});
  CHECK(outcome.plan.actions[0].action.reasons[0].finding_id == id);
  CHECK(outcome.plan.actions[0].action.reasons[0].policy == "p.unused");
  for (const auto& stored : world.store.values) {
    const std::string& key = stored.first;
    CHECK_MESSAGE(key.find("p.stale") == std::string::npos, key);
  }
}

TEST_CASE("removing a policy withdraws its findings") {
  PlannerWorld world = StaleWorld();
  world.Apply();
  world.Change("");
  PlanOutcome outcome = world.Apply();
  REQUIRE(CountSteps(outcome, FindingStep::kWithdrawn) == 1);
  CHECK(outcome.transitions[0].detail == "its policy was removed");
  CHECK(world.Plan().findings.count() == 0);
}

// From a week to a day, two days later.
void ShortenNotice(PlannerWorld& world) {
  std::string shorter = kStale;
  shorter.replace(shorter.find("after 7d"), 8, "after 1d");
  world.Change(shorter);
  world.now = Plus(world.now, "2d");
}

TEST_CASE("a shortened notice takes effect only once it is confirmed") {
  PlannerWorld world = StaleWorld();
  world.Apply();
  const Instant promised = Plus(world.now, "7d");
  ShortenNotice(world);
  PlanOutcome unconfirmed = world.Plan();
  CHECK(unconfirmed.plan.cold_start);
  CHECK(unconfirmed.unconfirmed == Lines{"p.stale"});
  CHECK(ActionLines(unconfirmed.plan) == Lines{"revoke grant g: notice"});
  CHECK(unconfirmed.plan.actions[0].due == promised);
  world.Apply();  // confirms it
  PlanOutcome confirmed = world.Plan();
  CHECK_FALSE(confirmed.plan.cold_start);
  CHECK(ActionLines(confirmed.plan) == Lines{"revoke grant g: ready"});
}

// The message that left with the confirmation named the date of the old text.
TEST_CASE("whoever is told with the confirmation of a shortened notice is told the new date") {
  PlannerWorld world = StaleWorld();
  world.Apply();
  const Instant promised = Plus(world.now, "7d");
  ShortenNotice(world);
  world.Grant("late", "a").Set("last_used", At("2025-06-01T00:00Z"));
  const PlanOutcome confirming = world.Apply();
  REQUIRE(FindAction(confirming.plan, Verb::kRevoke, "late"));
  CHECK(FindAction(confirming.plan, Verb::kRevoke, "late")->due == Plus(world.now, "1d"));
  CHECK(FindAction(confirming.plan, Verb::kRevoke, "g")->due == promised);
  world.now = Plus(world.now, "1d");
  CHECK(FindAction(world.Plan().plan, Verb::kRevoke, "late")->status == ActionStatus::kReady);
}

constexpr const char* kOrphan = R"(
policy orphan "An account without an owner is disabled" {
  mode enforce
  for a in account
  when a.owner is unknown
  then { disable a  end a.sessions }
}
)";

TEST_CASE("a target in its wanted state is not planned, and its finding is resolved") {
  PlannerWorld world(kOrphan);
  world.Account("a", nullptr).Set("status", "disabled");
  PlanOutcome outcome = world.Apply();
  CHECK(outcome.plan.actions.empty());
  CHECK(CountSteps(outcome, FindingStep::kResolved) == 1);
  CHECK(world.Apply().transitions.empty());
}

TEST_CASE("a target that leaves its wanted state opens a new finding linked to the old") {
  PlannerWorld world(kOrphan);
  world.Account("a", nullptr);
  PlanOutcome first = world.Apply();
  CHECK(ActionLines(first.plan) == Lines{"disable account a: ready"});
  const std::string id = first.plan.actions[0].action.reasons[0].finding_id;
  world.facts.Live("account", "a").Set("status", "disabled");
  world.now = Plus(world.now, "1h");
  CHECK(CountSteps(world.Apply(), FindingStep::kResolved) == 1);
  world.now = Plus(world.now, "1h");
  world.facts.Live("account", "a").Set("status", "active");
  PlanOutcome again = world.Apply();
  REQUIRE(CountSteps(again, FindingStep::kReopened) == 1);
  CHECK(again.transitions[0].finding.follows == id);
  CHECK(again.transitions[0].finding.id != id);
  CHECK(again.transitions[0].finding.opened_at == world.now);
  CHECK(ActionLines(again.plan) == Lines{"disable account a: ready"});
}

constexpr const char* kWarnedOrphan = R"(
policy orphan "Accounts without an owner are disabled, with notice" {
  mode enforce
  for a in account
  when a.owner is unknown
  then { notify "iam" }
  then after 3d { disable a }
  then after 30d { delete a }
}
)";
constexpr const char* kLastStage = "  then after 30d { delete a }\n";

// What the journal says of `disable account` once it is verified for `finding`.
HistoryQuery DisabledFor(const std::string& finding, Instant at, const ActionTarget& target) {
  const std::string wanted = WantedStateKey("store", target, Verb::kDisable, "");
  return [=](const std::string& key) -> Result<ActionHistory> {
    if (key != wanted) return ActionHistory();
    return ActionHistory{2, {finding}, {}, EarlierRemoval{at, "0123"}, at};
  };
}

TEST_CASE("what came back before anybody judged is a new finding with a notice of its own") {
  std::string policy = kWarnedOrphan;
  policy.erase(policy.find(kLastStage), std::string_view(kLastStage).size());
  PlannerWorld world(policy);
  world.Account("a", nullptr);
  const std::string id = world.Apply().plan.notices[0].finding_id;
  world.now = Plus(world.now, "3d");
  PlanOutcome due = world.Apply();
  REQUIRE(ActionLines(due.plan) == Lines{"disable account a: ready"});
  CHECK(!due.plan.actions[0].came_back);
  // Verified, and given back, without a plan in between: the facts are as they were.
  world.options.history = DisabledFor(id, world.now, due.plan.actions[0].action.target);
  const Instant verified = world.now;
  world.now = Plus(world.now, "1h");
  PlanOutcome again = world.Apply();
  CHECK(CountSteps(again, FindingStep::kResolved) == 1);
  REQUIRE(CountSteps(again, FindingStep::kReopened) == 1);
  CHECK(ActionLines(again.plan) == Lines{"disable account a: notice"});
  const PlannedAction& planned = again.plan.actions[0];
  CHECK(planned.due == Plus(world.now, "3d"));
  CHECK(planned.reasons[0].opened_at == world.now);
  CHECK(planned.action.reasons[0].finding_id != id);
  REQUIRE(planned.came_back);
  CHECK(planned.came_back->at == verified);
  CHECK(planned.came_back->action_key == "0123");
  REQUIRE(again.plan.notices.size() == 1);
  CHECK(again.plan.notices[0].status == ActionStatus::kReady);
  // The old action is no news for the new finding.
  world.now = Plus(world.now, "3d");
  PlanOutcome later = world.Apply();
  CHECK(later.transitions.empty());
  CHECK(ActionLines(later.plan) == Lines{"disable account a: ready"});
}

TEST_CASE("what comes back while its finding has more to do waits its time again") {
  PlannerWorld world(kWarnedOrphan);
  world.Account("a", nullptr);
  const std::string id = world.Apply().plan.notices[0].finding_id;
  world.now = Plus(world.now, "3d");
  const ActionTarget target = world.Apply().plan.actions[0].action.target;
  world.options.history = DisabledFor(id, world.now, target);
  world.now = Plus(world.now, "1d");
  PlanOutcome back = world.Apply();
  CHECK(back.transitions.empty());  // `delete` is still to come: the finding stands
  CHECK(ActionLines(back.plan) == Lines{"disable account a: notice", "delete account a: notice"});
  CHECK(FindAction(back.plan, Verb::kDisable, "a")->due == Plus(world.now, "3d"));
  CHECK(FindAction(back.plan, Verb::kDelete, "a")->due == Plus(world.now, "30d"));
  const Instant seen = world.now;
  world.now = Plus(world.now, "1d");
  CHECK(FindAction(world.Apply().plan, Verb::kDisable, "a")->due == Plus(seen, "3d"));
  // Verified and given back once more.
  world.now = Plus(seen, "4d");
  world.options.history = DisabledFor(id, world.now, target);
  world.now = Plus(world.now, "1d");
  CHECK(FindAction(world.Apply().plan, Verb::kDisable, "a")->due == Plus(world.now, "3d"));
}

TEST_CASE("a row that was removed and came back is linked to its removal") {
  PlannerWorld world = StaleWorld();
  world.Apply();
  world.now = Plus(world.now, "7d");
  const ActionTarget target = world.Apply().plan.actions[0].action.target;
  const std::string wanted = WantedStateKey("store", target, Verb::kRevoke, "");
  const Instant verified = world.now;
  world.options.history = [=](const std::string& key) -> Result<ActionHistory> {
    if (key != wanted) return ActionHistory();
    return ActionHistory{2, {"f"}, {}, EarlierRemoval{verified, "0123"}, verified};
  };
  world.facts.Live("grant", "g").SetIncarnation(2);
  const PlanOutcome back = world.Plan();
  REQUIRE(ActionLines(back.plan) == Lines{"revoke grant g: notice"});
  CHECK(back.plan.actions[0].action.episode == 1);
  REQUIRE(back.plan.actions[0].came_back);
  CHECK(back.plan.actions[0].came_back->at == verified);
}

TEST_CASE("rows that join the targets of an open finding are acted on at once") {
  PlannerWorld world(kOrphan);
  world.Account("a", nullptr);
  world.Apply();
  world.facts.Live("session", "s").Set("account", "a");
  world.now = Plus(world.now, "1h");
  PlanOutcome outcome = world.Apply();
  CHECK(ActionLines(outcome.plan) == Lines{"disable account a: ready", "end session s: ready"});
  CHECK(CountSteps(outcome, FindingStep::kOpened) == 0);
  const ActionTerms& disable = outcome.terms.at(outcome.plan.actions[0].action.key);
  const ActionTerms& end = outcome.terms.at(outcome.plan.actions[1].action.key);
  CHECK(disable.account == "a");
  CHECK(end.account == "a");
  CHECK(disable.order < end.order);
}

constexpr const char* kContract = R"(
policy ended "A contractor's access ends with the contract" {
  mode enforce
  severity critical
  for i in identity
  when i.kind == contractor and i.contract_end is known and i.contract_end has passed
  then { disable i  revoke (c in i.accounts.credentials where c.status == active) }
  then after 30d { delete i.accounts }
  done within 4h else notify "ciso"
  on failure retry for 4h then rollback, notify "iam-oncall"
}
)";

TEST_CASE("an identity's accounts of purpose personal or unknown are disabled, others are not") {
  PlannerWorld world(kContract);
  world.Person("con", "contractor").Set("contract_end", *ParseDay("2026-01-31"));
  world.Account("none", "con");
  world.Account("mine", "con").Set("purpose", "personal");
  world.Account("svc", "con").Set("purpose", "service");
  world.facts.Live("credential", "k")
      .Set("account", "mine")
      .Set("kind", "api_key")
      .Set("status", "active");
  world.facts.Live("credential", "old")
      .Set("account", "mine")
      .Set("kind", "api_key")
      .Set("status", "revoked");
  PlanOutcome outcome = world.Apply();
  CHECK(ActionLines(outcome.plan) ==
        Lines{"disable account mine: ready", "delete account mine: notice",
              "disable account none: ready", "delete account none: notice",
              "delete account svc: notice", "revoke credential k: ready"});
  const PlannedAction* disable = FindAction(outcome.plan, Verb::kDisable, "mine");
  REQUIRE(disable);
  CHECK(disable->subject.person == "con");
  CHECK(disable->action.target.attributes.at("username") == "u-mine");
  CHECK(disable->action.target.system == "ldap");
  CHECK(disable->reasons[0].source_line == "policies/p.rescind:7");
  const ActionTerms& terms = outcome.terms.at(disable->action.key);
  CHECK(terms.rollback);
  CHECK(terms.rollback_groups == Lines{disable->action.reasons[0].finding_id + "/0"});
  CHECK(terms.retry_for == Duration{4 * kMicrosPerHour});
  CHECK(terms.escalate_to == Lines{"iam-oncall"});
  const PlannedAction* key = FindAction(outcome.plan, Verb::kRevoke, "k");
  REQUIRE(key);
  CHECK(key->action.target.attributes ==
        std::map<std::string, std::string>{{"account", "mine"},
                                           {"account.owner", "con"},
                                           {"account.username", "u-mine"},
                                           {"kind", "api_key"}});
  CHECK(disable->action.target.attributes.at("owner") == "con");
}

TEST_CASE("`done within` alarms once, when it is late") {
  PlannerWorld world(kContract);
  world.Person("con", "contractor").Set("contract_end", *ParseDay("2026-01-31"));
  world.Account("a", "con");
  PlanOutcome first = world.Apply();
  REQUIRE(first.plan.notices.size() == 1);
  CHECK(first.plan.notices[0].status == ActionStatus::kNotice);
  CHECK(first.plan.notices[0].due == Plus(world.now, "4h"));
  world.now = Plus(world.now, "5h");
  PlanOutcome late = world.Apply();
  REQUIRE(late.plan.notices.size() == 1);
  CHECK(late.plan.notices[0].status == ActionStatus::kReady);
  CHECK(late.plan.notices[0].recipients == Lines{"ciso"});
  CHECK(world.Apply().plan.notices.empty());
}

// The account was disabled at once, and four hours later its deletion in 30 days was called late.
TEST_CASE("a stage that is not due yet is not late") {
  PlannerWorld world(kContract);
  world.Person("con", "contractor").Set("contract_end", *ParseDay("2026-01-31"));
  world.Account("a", "con");
  const Instant begun = world.now;
  world.Verify(world.Apply().plan);
  world.facts.Live("account", "a").Set("status", "disabled");
  world.now = Plus(begun, "5h");
  const PlanOutcome waiting = world.Apply();
  CHECK(ActionLines(waiting.plan) == Lines{"delete account a: notice"});
  REQUIRE(waiting.plan.notices.size() == 1);
  CHECK(waiting.plan.notices[0].status == ActionStatus::kNotice);
  CHECK(waiting.plan.notices[0].due == Plus(Plus(begun, "30d"), "4h"));
  world.now = Plus(begun, "31d");  // nobody applied for a day
  const PlanOutcome late = world.Apply();
  REQUIRE(late.plan.notices.size() == 1);
  CHECK(late.plan.notices[0].status == ActionStatus::kReady);
  CHECK(late.plan.notices[0].because.starts_with("not done within 4h: "));
  CHECK(world.Apply().plan.notices.empty());
}

// Whoever was alarmed of the first stage never heard of a later one that was late.
TEST_CASE("a later stage that is late is another alarm") {
  PlannerWorld world(kContract);
  world.Person("con", "contractor").Set("contract_end", *ParseDay("2026-01-31"));
  world.Account("a", "con");
  const PlanOutcome first = world.Apply();
  world.now = Plus(world.now, "5h");
  REQUIRE(world.Apply().plan.notices.size() == 1);
  world.now = Plus(world.now, "1h");
  CHECK(world.Apply().plan.notices.empty());
  world.Verify(first.plan);
  world.facts.Live("account", "a").Set("status", "disabled");
  const Instant done = world.now;
  world.Apply();
  for (const char* later : {"30d", "723h"}) {
    world.now = Plus(done, later);
    const PlanOutcome waiting = world.Apply();
    REQUIRE(waiting.plan.notices.size() == 1);
    CHECK(waiting.plan.notices[0].status == ActionStatus::kNotice);
    CHECK(waiting.plan.notices[0].due == Plus(Plus(done, "30d"), "4h"));
  }
  world.now = Plus(done, "725h");
  const PlanOutcome late = world.Apply();
  REQUIRE(late.plan.notices.size() == 1);
  CHECK(late.plan.notices[0].status == ActionStatus::kReady);
  world.now = Plus(done, "800h");
  CHECK(world.Apply().plan.notices.empty());
}

TEST_CASE("a stage that is held is late all the same") {
  PlannerWorld world(kContract);
  world.Person("con", "contractor").Set("contract_end", *ParseDay("2026-01-31"));
  world.Account("a", "con");
  world.options.support = [](const Action&) { return SystemSupport(); };
  const Instant opened = world.now;
  world.Apply();
  for (const char* later : {"3h", "4h"}) {
    world.now = Plus(opened, later);
    const PlanOutcome outcome = world.Apply();
    REQUIRE(outcome.plan.notices.size() == 1);
    CHECK(outcome.plan.notices[0].due == Plus(opened, "4h"));
  }
}

TEST_CASE("two policies want one action: it runs once, when the first is due, with both reasons") {
  PlannerWorld world(std::string(kStale) + R"(
policy certify "Grants are certified yearly" {
  mode enforce
  severity high
  controls soc2 "CC6.2"
  for g in grant
  when g.certified_at is unknown
  then { revoke g }
  on failure retry for 48h then keep, notify "other"
}
)");
  world.Account("a", nullptr);
  world.Grant("g", "a");
  PlanOutcome outcome = world.Apply();
  REQUIRE(ActionLines(outcome.plan) == Lines{"revoke grant g: ready"});
  const PlannedAction& planned = outcome.plan.actions[0];
  CHECK(planned.action.severity == Severity::kHigh);
  REQUIRE(planned.reasons.size() == 2);
  CHECK(planned.reasons[0].policy == "p.certify");
  CHECK(planned.reasons[0].due == world.now);
  CHECK(planned.reasons[0].controls == Lines{"soc2 CC6.2"});
  CHECK(planned.reasons[1].policy == "p.stale");
  CHECK(planned.reasons[1].due == Plus(world.now, "7d"));
  CHECK(planned.action.reasons.size() == 2);
  const ActionTerms& terms = outcome.terms.at(planned.action.key);
  CHECK_FALSE(terms.rollback);
  CHECK(terms.retry_for == Duration{48 * kMicrosPerHour});
  CHECK(terms.escalate_to == Lines{"oncall", "other"});
}

TEST_CASE("the episode comes from the journal and is part of the key") {
  PlannerWorld world(kOrphan);
  world.Account("a", nullptr);
  const std::string first = world.Plan().plan.actions[0].action.key;
  world.options.history = [](const std::string&) -> Result<ActionHistory> {
    return ActionHistory{3, {}, {}, {}, {}};
  };
  const PlanOutcome outcome = world.Plan();
  CHECK(outcome.plan.actions[0].action.episode == 3);
  CHECK(outcome.plan.actions[0].action.key != first);
  world.options.history = [](const std::string&) -> Result<ActionHistory> {
    return Error{ErrorKind::kCorrupt, "the journal is damaged", ""};
  };
  CHECK(world.TryPlan().error().message == "the journal is damaged");
}

TEST_CASE("a playbook runs once a finding") {
  PlannerWorld world(R"(
policy hook "Quarantine" {
  mode enforce
  for a in account
  when a.owner is unknown
  then { run "quarantine" on a }
}
)");
  world.Account("a", nullptr);
  PlanOutcome first = world.Apply();
  REQUIRE(ActionLines(first.plan) == Lines{"run account a: ready"});
  CHECK(ActionLines(world.Plan().plan) == Lines{"run account a: ready"});  // not verified yet
  const std::string finding = first.plan.actions[0].action.reasons[0].finding_id;
  world.options.history = [&](const std::string&) -> Result<ActionHistory> {
    return ActionHistory{2, {finding}, {}, {}, {}};
  };
  const PlanOutcome done = world.Apply();
  CHECK(done.plan.actions.empty());
  CHECK(CountSteps(done, FindingStep::kResolved) == 1);
  CHECK(world.Apply().plan.actions.empty());
}

TEST_CASE("a policy that only notifies tells once and is done") {
  PlannerWorld world(R"(
policy tell "Tell" {
  mode enforce
  for a in account
  when a.owner is unknown
  then { notify a.owner  notify "second" }
}
)");
  world.Account("a", nullptr);
  PlanOutcome first = world.Apply();
  REQUIRE(first.plan.notices.size() == 2);
  CHECK(first.plan.notices[0].recipients == Lines{"oncall"});  // nobody has an address
  CHECK(first.plan.notices[1].recipients == Lines{"second"});
  PlanOutcome second = world.Apply();
  CHECK(second.plan.notices.empty());
  CHECK(CountSteps(second, FindingStep::kResolved) == 1);
  CHECK(world.Apply().plan.notices.empty());
}

}  // namespace
}  // namespace rescind
