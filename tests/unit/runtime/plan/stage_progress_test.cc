// A later stage counts from when the earlier one is really done for its own target.
#include "tests/unit/runtime/plan/planner_world.h"

namespace rescind {
namespace {

std::string LeftWithProtect(const std::string& stages) {
  return "policy left \"Left\" {\n mode enforce\n for i in identity\n when i.status == "
         "terminated\n " +
         stages + "\n}\nprotect keep \"Keep\" { for a in account when a.tags has \"keep\" }\n";
}
constexpr const char* kDisableThenDelete =
    "then { disable i.accounts }\n then after 30d { delete i.accounts }";

// ann has left, and has the accounts a and b on two systems.
PlannerWorld TwoAccountsLeft(const std::string& policy = LeftWithProtect(kDisableThenDelete)) {
  PlannerWorld world(policy);
  world.Person("ann", "employee", "terminated");
  world.Account("a", "ann", "crm");
  world.Account("b", "ann", "ldap");
  return world;
}
void SetDisabled(PlannerWorld& world, const char* account) {
  world.facts.Live("account", account).Set("status", "disabled");
}
const PlannedAction& ActionOn(const PlanOutcome& outcome, Verb verb, const char* target) {
  const PlannedAction* planned = FindAction(outcome.plan, verb, target);
  REQUIRE(planned);
  return *planned;
}
void ExemptGrant(PlannerWorld& world, const char* grant, Instant until) {
  Exemption exemption;
  exemption.entity = "grant";
  exemption.row_id = grant;
  exemption.expires_at = until;
  world.Exempt(exemption);
}
void GiveUp(PlannerWorld& world, const PlannedAction& planned) {
  ActionHistory history;
  history.escalated = Escalation{world.now, "refused", "look at it"};
  world.Remember(planned, history);
}

// Disabling b was refused and a was given back; a month later an unattended apply deleted both.
TEST_CASE("what a stage could not do, or gave back, no later stage goes on with") {
  PlannerWorld world = TwoAccountsLeft();
  const PlanOutcome first = world.Apply();
  CHECK(ActionOn(first, Verb::kDelete, "a").due == Plus(world.now, "30d"));
  CHECK(ActionOn(first, Verb::kDelete, "a").held_because.empty());
  GiveUp(world, ActionOn(first, Verb::kDisable, "b"));
  ActionHistory rolled_back;
  rolled_back.episode = 2;
  world.Remember(ActionOn(first, Verb::kDisable, "a"), rolled_back);
  world.now = Plus(world.now, "31d");
  const PlanOutcome later = world.Apply();
  const PlannedAction& of_a = ActionOn(later, Verb::kDelete, "a");
  CHECK(of_a.status == ActionStatus::kNotice);
  CHECK(of_a.due == Instant::Never());
  CHECK(of_a.held_because ==
        "waits until the stage before is done: disable account a: it was undone");
  const PlannedAction& of_b = ActionOn(later, Verb::kDelete, "b");
  CHECK(of_b.status == ActionStatus::kNotice);
  CHECK(of_b.held_because ==
        "waits until the stage before is done: disable account b: it was given up, and a person "
        "must act");
  // A person has done it by hand: from now on the time of the next stage counts.
  SetDisabled(world, "b");
  const Instant mended = world.now;
  world.Apply();
  world.now = Plus(mended, "29d");
  CHECK(ActionOn(world.Apply(), Verb::kDelete, "b").due == Plus(mended, "30d"));
  world.now = Plus(mended, "30d");
  CHECK(ActionOn(world.Plan(), Verb::kDelete, "b").status == ActionStatus::kReady);
}

// The team was told that the access is gone, and that what had been given back goes "now".
TEST_CASE("who is told afterwards is told once the stage before is done, as long after it") {
  PlannerWorld world =
      TwoAccountsLeft(LeftWithProtect("then { disable i.accounts }\n then after 60d { notify "
                                      "\"team\" }\n on failure retry for 1d then rollback"));
  const PlanOutcome first = world.Apply();
  Instant done = world.now;
  const auto notice = [&] {
    const PlanOutcome outcome = world.Apply();
    REQUIRE(outcome.plan.notices.size() == 1);
    return outcome.plan.notices.front();
  };
  SUBCASE("it was rolled back") {
    GiveUp(world, ActionOn(first, Verb::kDisable, "b"));
    ActionHistory rolled_back;
    rolled_back.episode = 2;
    world.Remember(ActionOn(first, Verb::kDisable, "a"), rolled_back);
    world.now = Plus(world.now, "61d");
    CHECK(notice().held_because.find("waits until the stage before is done: disable ") == 0);
    SetDisabled(world, "a");
    world.now = Plus(world.now, "1d");
    const PlannedNotice waiting = notice();
    CHECK(waiting.status == ActionStatus::kNotice);
    CHECK(waiting.due == Instant::Never());
    CHECK(waiting.held_because ==
          "waits until the stage before is done: disable account b: it was given up, and a person "
          "must act");
    SetDisabled(world, "b");
    done = world.now = Plus(world.now, "1d");
  }
  SUBCASE("it took a while") {
    SetDisabled(world, "a");
    done = world.now = Plus(world.now, "2d");
    world.Apply();
    SetDisabled(world, "b");
    done = world.now = Plus(world.now, "2d");
  }
  SUBCASE("it was done at once") {
    SetDisabled(world, "a");
    SetDisabled(world, "b");
  }
  CHECK(notice().due == Plus(done, "60d"));
  world.now = Plus(done, "59d");
  CHECK(notice().status == ActionStatus::kNotice);
  world.now = Plus(done, "60d");
  CHECK(notice().status == ActionStatus::kReady);
  CHECK(world.Apply().plan.notices.empty());
}

// The plan said "not done yet": the policy that waits was not the one for which it was given up.
TEST_CASE("what was given up under another policy is given up for the stage that waits for it") {
  PlannerWorld world = TwoAccountsLeft(
      LeftWithProtect(kDisableThenDelete) +
      "policy other \"Other\" { mode enforce for a in account when a.username == \"u-a\" then { "
      "disable a } }\n");
  AppliedSelection nothing;
  const PlanOutcome first = world.Apply(nothing);
  const PlannedAction& disable = ActionOn(first, Verb::kDisable, "a");
  ActionHistory history;
  history.escalated = Escalation{world.now, "refused", "look at it"};
  for (const ActionReason& reason : disable.action.reasons) {
    if (reason.policy == "p.other") history.escalated_for = {reason.finding_id};
  }
  world.Remember(disable, history);
  world.now = Plus(world.now, "1d");
  CHECK(ActionOn(world.Plan(), Verb::kDelete, "a").held_because ==
        "waits until the stage before is done: disable account a: it was given up, and a person "
        "must act");
  history.escalated_for = {"of a finding that has ended"};
  world.Remember(disable, history);
  CHECK(ActionOn(world.Plan(), Verb::kDelete, "a").held_because ==
        "waits until the stage before is done: disable account a: it is not done yet");
}

// Two plans of one state: nothing but time has passed between them.
void CheckTimeChangesNothing(PlannerWorld& world) {
  const PlanOutcome before = world.Plan();
  world.now = Plus(world.now, "1d");
  const PlanOutcome after = world.Plan();
  CHECK(after.next_due == before.next_due);
  REQUIRE(after.plan.actions.size() == before.plan.actions.size());
  for (size_t i = 0; i < after.plan.actions.size(); ++i) {
    const PlannedAction& one = before.plan.actions[i];
    const PlannedAction& other = after.plan.actions[i];
    CAPTURE(one.action.target.id);
    CHECK(other.status == one.status);
    CHECK(other.due == one.due);
    CHECK(other.held_because == one.held_because);
    for (size_t r = 0; r < one.reasons.size(); ++r) {
      CHECK(other.reasons[r].due == one.reasons[r].due);
    }
    if (one.status == ActionStatus::kNotice) CHECK(one.due > after.plan.as_of);
  }
  for (size_t i = 0; i < after.plan.notices.size(); ++i) {
    CHECK(after.plan.notices[i].due == before.plan.notices[i].due);
  }
}

// Its date counted from now: every plan had another one, though nothing had changed.
TEST_CASE("what waits has no date, so that time alone changes no plan") {
  const char* const three =
      "then { disable i.accounts }\n then after 20d { notify \"team\" }\n then after 30d { delete "
      "i.accounts }\n limit 1 of account";
  PlannerWorld world = TwoAccountsLeft(LeftWithProtect(three));
  world.options.support = [](const Action& action) {
    const bool known = action.target.system == "crm";
    return SystemSupport{known, known, known};
  };
  const PlanOutcome first = world.Apply();
  CHECK(ActionOn(first, Verb::kDelete, "a").due == Plus(world.now, "30d"));
  CHECK(ActionOn(first, Verb::kDelete, "b").due == Instant::Never());
  world.now = Plus(world.now, "1d");  // a is being done still
  const PlanOutcome later = world.Plan();
  REQUIRE(later.plan.notices.size() == 1);
  CHECK(later.plan.notices[0].due == Instant::Never());
  CHECK(later.plan.notices[0].held_because.starts_with("waits until the stage before is done: "));
  CheckTimeChangesNothing(world);
}

TEST_CASE("the look ahead of a limit leaves out what waits: when it falls due, nobody can say") {
  PlannerWorld world =
      TwoAccountsLeft(LeftWithProtect(std::string(kDisableThenDelete) + "\n limit 1 of account"));
  world.options.support = [](const Action& action) {
    return SystemSupport{true, action.verb == Verb::kDelete, false};
  };
  const PlanOutcome held = world.Plan();
  REQUIRE(ActionLines(held.plan) == Lines{"disable account a: held", "delete account a: notice",
                                          "disable account b: held", "delete account b: notice"});
  CHECK(SummaryOf(held.plan, "p.left").limit_ahead.empty());
}

TEST_CASE("what waits for a stage that does not begin has no date either") {
  const char* const policy =
      "policy left \"Left\" {\n mode enforce\n for i in identity\n when i.status == terminated\n "
      "then { notify \"team\" }\n then after 7d { revoke i.accounts.grants }\n then after 30d { "
      "delete i.accounts }\n needs \"hr\" within 2h\n}\n";
  PlannerWorld world = TwoAccountsLeft(policy);
  world.Grant("g", "a");
  FeedStatus feed;
  feed.source = "hr";
  feed.entity = world.EntityOf("identity");
  feed.observed_at = world.now;
  world.options.feeds = {feed};
  SUBCASE("its feed is too old") {
    world.now = Plus(world.now, "3h");
    AppliedSelection nothing;
    const PlanOutcome held = world.Apply(nothing);
    CHECK(ActionOn(held, Verb::kRevoke, "g")
              .held_because.starts_with("waits for a notice that is held: the feed \"hr\""));
    CheckTimeChangesNothing(world);
  }
  SUBCASE("nobody gets its notice") {
    world.options.unreachable = [](const std::string&) { return std::string("no such channel"); };
    AppliedSelection nothing;
    const PlanOutcome unsent = world.Apply(nothing);
    CHECK(ActionOn(unsent, Verb::kRevoke, "g").held_because ==
          "waits for a notice that could not be sent: no such channel");
    CHECK(unsent.announcements.begin()->second ==
          "revoke grant g when what it waits for is done; delete account a when what it waits for "
          "is done; delete account b when what it waits for is done");
    world.options.feeds[0].observed_at = Plus(world.now, "30d");
    CheckTimeChangesNothing(world);
  }
  SUBCASE("another account's action holds it up") {
    world.now = Plus(world.now, "1h");
    world.Apply();
    world.now = Plus(world.now, "7d");
    const PlanOutcome held = world.Apply();
    CHECK(ActionOn(held, Verb::kRevoke, "g").status == ActionStatus::kHeld);
    CHECK(ActionOn(held, Verb::kDelete, "b")
              .held_because.starts_with("waits for a stage that is held: the feed \"hr\""));
    CheckTimeChangesNothing(world);
  }
}

// b's system was not configured at first. b was disabled late, and deleted with the others.
TEST_CASE("each target has its own time between two stages") {
  PlannerWorld world = TwoAccountsLeft();
  const Instant opened = world.now;
  world.options.support = [](const Action& action) {
    const bool known = action.target.system == "crm";
    return SystemSupport{known, known, known};
  };
  const PlanOutcome first = world.Apply();
  CHECK(ActionOn(first, Verb::kDisable, "b").status == ActionStatus::kHeld);
  CHECK(ActionOn(first, Verb::kDelete, "b")
            .held_because.starts_with(
                "waits until the stage before is done: disable account b: it is held: "));
  world.Verify(first.plan);
  SetDisabled(world, "a");
  world.now = Plus(opened, "8d");
  world.options.support = {};
  const PlanOutcome second = world.Apply();
  CHECK(ActionLines(second.plan) ==
        Lines{"delete account a: notice", "disable account b: ready", "delete account b: notice"});
  world.Verify(ActionOn(second, Verb::kDisable, "b"));
  SetDisabled(world, "b");
  world.now = Plus(opened, "30d");  // nobody applied in between
  const PlanOutcome third = world.Plan();
  CHECK(ActionOn(third, Verb::kDelete, "a").status == ActionStatus::kReady);
  CHECK(ActionOn(third, Verb::kDelete, "b").status == ActionStatus::kNotice);
  CHECK(ActionOn(third, Verb::kDelete, "b").due == Plus(opened, "38d"));
}

TEST_CASE("an attempt that has not come to an end delays the next stage of its target") {
  PlannerWorld world = TwoAccountsLeft();
  const PlanOutcome first = world.Apply();
  world.Verify(ActionOn(first, Verb::kDisable, "a"));
  SetDisabled(world, "a");
  world.now = Plus(world.now, "40d");
  const PlanOutcome later = world.Plan();
  CHECK(ActionOn(later, Verb::kDelete, "a").status == ActionStatus::kReady);
  CHECK(ActionOn(later, Verb::kDelete, "b").status == ActionStatus::kNotice);
  CHECK(ActionOn(later, Verb::kDelete, "b").held_because ==
        "waits until the stage before is done: disable account b: it is not done yet");
}

// b was protected until the second stage had begun for a: it was disabled and deleted in one week.
TEST_CASE("a target whose protect ends has the time between the stages, too") {
  PlannerWorld world = TwoAccountsLeft(LeftWithProtect(
      "then { notify \"team\" }\n then after 7d { disable i.accounts }\n then after 14d { delete "
      "i.accounts }"));
  world.facts.Live("account", "b").Set("tags", std::vector<std::string>{"keep"});
  const Instant opened = world.now;
  world.Apply();
  world.now = Plus(opened, "5d");
  world.facts.Live("account", "b").Set("tags", std::vector<std::string>{});
  world.Apply();
  world.now = Plus(opened, "7d");
  const PlanOutcome disables = world.Apply();
  CHECK(ActionOn(disables, Verb::kDisable, "a").status == ActionStatus::kReady);
  CHECK(ActionOn(disables, Verb::kDisable, "b").due == Plus(opened, "12d"));
  CHECK(ActionOn(disables, Verb::kDelete, "b").due == Plus(opened, "19d"));
}

TEST_CASE("what belongs to an account is done with before the account is deleted") {
  PlannerWorld world = TwoAccountsLeft(
      LeftWithProtect("then { revoke i.accounts.grants }\n then after 30d { delete i.accounts }"));
  world.Grant("g", "a");
  world.Grant("h", "b");
  const Instant opened = world.now;
  const PlanOutcome first = world.Apply();
  world.Verify(ActionOn(first, Verb::kRevoke, "h"));
  world.facts.Remove("grant", "h", world.now);
  GiveUp(world, ActionOn(first, Verb::kRevoke, "g"));
  world.now = Plus(opened, "30d");
  const PlanOutcome later = world.Apply();
  CHECK(ActionOn(later, Verb::kDelete, "b").status == ActionStatus::kReady);
  CHECK(ActionOn(later, Verb::kDelete, "a")
            .held_because.starts_with(
                "waits until the stage before is done: revoke grant g: it was given up"));
}

TEST_CASE("a row that joins holds up its account until it is done, and no longer") {
  PlannerWorld world = TwoAccountsLeft(
      LeftWithProtect("then { revoke i.accounts.grants }\n then after 30d { delete i.accounts }"));
  world.Grant("g", "a");
  const Instant opened = world.now;
  world.Verify(world.Apply().plan);
  world.facts.Remove("grant", "g", world.now);
  world.now = Plus(opened, "30d");
  world.Grant("late", "a");
  const PlanOutcome joined = world.Apply();
  CHECK(ActionOn(joined, Verb::kRevoke, "late").status == ActionStatus::kReady);
  CHECK(ActionOn(joined, Verb::kDelete, "a").status == ActionStatus::kNotice);
  world.Verify(ActionOn(joined, Verb::kRevoke, "late"));
  world.facts.Remove("grant", "late", world.now);
  world.now = Plus(world.now, "1h");
  CHECK(ActionOn(world.Plan(), Verb::kDelete, "a").status == ActionStatus::kReady);
}

// A grant was exempt when its stage began for another one. While it was open the plan said that the
// account goes 23 days after it; once it was revoked, the account was due at once.
TEST_CASE("a row that an exemption made late keeps its account the time until the next stage") {
  PlannerWorld world = TwoAccountsLeft(
      LeftWithProtect("then { revoke i.accounts.grants }\n then after 30d { delete i.accounts }"));
  world.Grant("g", "a");
  world.Grant("h", "a");
  const Instant opened = world.now;
  ExemptGrant(world, "h", Plus(opened, "20d"));
  world.Verify(ActionOn(world.Apply(), Verb::kRevoke, "g"));
  world.facts.Remove("grant", "g", world.now);
  world.now = Plus(opened, "20d");
  const PlanOutcome freed = world.Apply();
  CHECK(ActionOn(freed, Verb::kDelete, "a").due == Plus(opened, "50d"));
  world.Verify(ActionOn(freed, Verb::kRevoke, "h"));
  world.facts.Remove("grant", "h", world.now);
  world.now = Plus(opened, "31d");
  const PlanOutcome later = world.Plan();
  CHECK(ActionOn(later, Verb::kDelete, "a").due == Plus(opened, "50d"));
  CHECK(ActionOn(later, Verb::kDelete, "a").status == ActionStatus::kNotice);
}

TEST_CASE("a deletion that was let go finishes, whatever joins its account") {
  PlannerWorld world = TwoAccountsLeft(
      LeftWithProtect("then { revoke i.accounts.grants }\n then after 30d { delete i.accounts }"));
  world.Grant("g", "a");
  world.Verify(world.Apply().plan);
  world.facts.Remove("grant", "g", world.now);
  world.now = Plus(world.now, "30d");
  CHECK(ActionOn(world.Apply(), Verb::kDelete, "a").status == ActionStatus::kReady);
  world.Grant("late", "a");
  CHECK(ActionOn(world.Plan(), Verb::kDelete, "a").status == ActionStatus::kReady);
}

// A grant was protected when the notice went out. Its first notice left in the run that revoked it,
// or never where another grant of the finding was still there.
TEST_CASE("a target that was protected when the notice went out is named by one of its own") {
  for (const bool other_stays : {false, true}) {
    CAPTURE(other_stays);
    PlannerWorld world(
        "policy left \"Left\" { mode enforce for i in identity when i.status == terminated\n then "
        "{ "
        "notify \"team\" }\n then after 7d { revoke i.accounts.grants } }\n"
        "protect keep \"Keep\" { for g in grant when g.tags has \"keep\" }\n");
    world.Person("ann", "employee", "terminated");
    world.Account("a", "ann");
    world.Grant("g", "a");
    world.Grant("h", "a").Set("tags", std::vector<std::string>{"keep"});
    const Instant opened = world.now;
    const PlanOutcome first = world.Apply();
    REQUIRE(first.plan.notices.size() == 1);
    const std::string finding = first.plan.notices[0].finding_id;
    CHECK(first.announcements.at(finding) == "revoke grant g on 2026-04-08T00:00:00Z");
    world.now = Plus(opened, "7d");
    CHECK(ActionLines(world.Apply().plan) == Lines{"revoke grant g: ready"});
    if (!other_stays) world.facts.Remove("grant", "g", world.now);
    world.now = Plus(opened, "10d");
    world.facts.Live("grant", "h").Set("tags", std::vector<std::string>{});
    const PlanOutcome freed = world.Apply();
    REQUIRE(freed.plan.notices.size() == 1);
    CHECK(freed.plan.notices[0].status == ActionStatus::kReady);
    CHECK(freed.announcements.at(finding).ends_with("revoke grant h on 2026-04-18T00:00:00Z"));
    CHECK(ActionOn(freed, Verb::kRevoke, "h").status == ActionStatus::kNotice);
    world.now = Plus(opened, "17d");
    const PlanOutcome due = world.Apply();
    CHECK(due.plan.notices.empty());
    CHECK(ActionOn(due, Verb::kRevoke, "h").status == ActionStatus::kReady);
  }
}

TEST_CASE("a notice to a target whose exemption has ended leaves the others their time") {
  PlannerWorld world(
      "policy left \"Left\" { mode enforce for i in identity when i.status == terminated\n then { "
      "notify \"team\" }\n then after 7d { revoke i.accounts.grants } }\n");
  world.Person("ann", "employee", "terminated");
  world.Account("a", "ann");
  world.Grant("g", "a");
  world.Grant("h", "a");
  const Instant opened = world.now;
  ExemptGrant(world, "h", Plus(opened, "3d"));
  world.Apply();
  world.now = Plus(opened, "3d");
  AppliedSelection nothing;
  CHECK(world.Apply(nothing).plan.notices.size() == 1);
  world.now = Plus(opened, "4d");  // the notice goes out a day late
  const PlanOutcome told = world.Apply();
  REQUIRE(told.plan.notices.size() == 1);
  CHECK(told.plan.notices[0].due == Plus(opened, "3d"));
  CHECK(ActionOn(told, Verb::kRevoke, "g").due == Plus(opened, "7d"));
  CHECK(ActionOn(told, Verb::kRevoke, "h").due == Plus(opened, "11d"));
  world.now = Plus(opened, "7d");
  CHECK(ActionLines(world.Apply().plan) ==
        Lines{"revoke grant g: ready", "revoke grant h: notice"});
}

// The notice of a stage that had begun went out late, and people had less than the week.
TEST_CASE("a notice that leaves after the removals of its stage puts off what comes later") {
  PlannerWorld world = TwoAccountsLeft(LeftWithProtect(
      "then { disable i.accounts  notify \"team\" }\n then after 7d { delete i.accounts }"));
  const Instant opened = world.now;
  const PlanOutcome first = world.Plan();
  AppliedSelection removals;  // as a plan of one person hands them over
  for (const PlannedAction& planned : first.plan.actions) {
    if (planned.status == ActionStatus::kReady) removals.action_keys.insert(planned.action.key);
  }
  world.Verify(world.Apply(removals).plan);
  SetDisabled(world, "a");
  SetDisabled(world, "b");
  world.now = Plus(opened, "3d");
  const PlanOutcome told = world.Apply();
  REQUIRE(told.plan.notices.size() == 1);
  CHECK(ActionOn(told, Verb::kDelete, "a").due == Plus(opened, "10d"));
  world.now = Plus(opened, "7d");
  const PlanOutcome early = world.Apply();
  CHECK(early.plan.notices.empty());
  CHECK(ActionLines(early.plan) == Lines{"delete account a: notice", "delete account b: notice"});
  CHECK(ActionOn(early, Verb::kDelete, "a").due == Plus(opened, "10d"));
  world.now = Plus(opened, "10d");
  CHECK(ActionLines(world.Plan().plan) ==
        Lines{"delete account a: ready", "delete account b: ready"});
}

TEST_CASE("a notice that an edit adds to a stage that has begun gives people their time") {
  PlannerWorld world = TwoAccountsLeft();
  const Instant opened = world.now;
  world.Verify(world.Apply().plan);
  SetDisabled(world, "a");
  SetDisabled(world, "b");
  world.now = Plus(opened, "20d");
  world.Change(
      LeftWithProtect("then { disable i.accounts  notify \"team\" }\n then after 30d { delete "
                      "i.accounts }"));
  CHECK(world.Apply().plan.notices.size() == 1);
  world.now = Plus(opened, "30d");
  CHECK(ActionOn(world.Plan(), Verb::kDelete, "a").due == Plus(opened, "50d"));
}

// An account was deleted in the week in which the exemption of its last grant ended.
TEST_CASE("the end of an exemption of what belongs to an account begins its times anew") {
  PlannerWorld world = TwoAccountsLeft(
      LeftWithProtect("then { notify \"team\" }\n then after 30d { delete i.accounts }"));
  world.Grant("g", "a");
  const Instant opened = world.now;
  ExemptGrant(world, "g", Plus(opened, "10d"));
  world.Apply();
  world.now = Plus(opened, "12d");
  const PlanOutcome told = world.Apply();
  CHECK(told.plan.notices.size() == 1);
  CHECK(ActionOn(told, Verb::kDelete, "a").due == Plus(opened, "42d"));
  CHECK(ActionOn(told, Verb::kDelete, "b").due == Plus(opened, "30d"));
  world.now = Plus(opened, "30d");
  CHECK(ActionLines(world.Plan().plan) ==
        Lines{"delete account a: notice", "delete account b: ready"});
}

// The disabling of day 12 was of the second stage, and nobody looked for it in the first.
TEST_CASE("an edit that takes out a stage leaves the others what they have come to") {
  PlannerWorld world = TwoAccountsLeft(
      LeftWithProtect("then { notify \"team\" }\n then after 7d { disable i.accounts }\n then "
                      "after 30d { delete i.accounts }"));
  const Instant opened = world.now;
  world.Apply();
  world.now = Plus(opened, "12d");
  world.Verify(world.Apply().plan);
  SetDisabled(world, "a");
  SetDisabled(world, "b");
  world.Apply();
  CHECK(ActionOn(world.Plan(), Verb::kDelete, "a").due == Plus(opened, "35d"));
  world.Change(LeftWithProtect(
      "then after 7d { disable i.accounts }\n then after 30d { delete i.accounts }"));
  world.now = Plus(opened, "13d");
  CHECK(ActionOn(world.Apply(), Verb::kDelete, "a").due == Plus(opened, "35d"));
  // And what is put in before them.
  world.Change(LeftWithProtect(
      "then { revoke i.accounts.grants }\n then after 7d { disable i.accounts }\n then after 30d { "
      "delete i.accounts }"));
  world.now = Plus(opened, "14d");
  CHECK(ActionOn(world.Apply(), Verb::kDelete, "a").due == Plus(opened, "35d"));
}

TEST_CASE("who is put before others is told, though a notice of that number was sent") {
  PlannerWorld world = TwoAccountsLeft(
      LeftWithProtect("then { notify \"team\" }\n then after 7d { disable i.accounts }"));
  const Instant opened = world.now;
  world.Apply();
  world.Change(LeftWithProtect(
      "then { notify \"hr\" }\n then after 1d { notify \"team\" }\n then after 8d { disable "
      "i.accounts }"));
  world.now = Plus(opened, "1d");
  const PlanOutcome told = world.Apply();
  REQUIRE(told.plan.notices.size() == 1);
  CHECK(told.plan.notices[0].recipients == Lines{"hr"});
  world.now = Plus(opened, "2d");
  CHECK(world.Plan().plan.notices.empty());
}

// Disabling was done on day 20, in the stage that is now the one before its own.
TEST_CASE("an action that an edit moves to another stage keeps what it has come to") {
  PlannerWorld world = TwoAccountsLeft(LeftWithProtect(
      "then { revoke i.accounts.grants  disable i.accounts }\n then after 30d { delete i.accounts "
      "}"));
  world.Grant("g", "a");
  const Instant opened = world.now;
  const PlanOutcome first = world.Apply();
  world.Verify(ActionOn(first, Verb::kRevoke, "g"));
  world.facts.Remove("grant", "g", world.now);
  world.now = Plus(opened, "20d");
  world.Verify(ActionOn(first, Verb::kDisable, "a"));
  SetDisabled(world, "a");
  CHECK(ActionOn(world.Apply(), Verb::kDelete, "a").due == Plus(opened, "50d"));
  world.Change(
      LeftWithProtect("then { revoke i.accounts.grants }\n then after 7d { disable i.accounts }\n "
                      "then after 30d { delete i.accounts }"));
  world.now = Plus(opened, "21d");
  CHECK(ActionOn(world.Apply(), Verb::kDelete, "a").due == Plus(opened, "43d"));
}

}  // namespace
}  // namespace rescind
