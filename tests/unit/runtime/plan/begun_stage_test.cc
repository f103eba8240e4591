// A stage that has begun: what was let go finishes, and whatever is added passes every gate itself.
#include "tests/unit/runtime/plan/planner_world.h"

namespace rescind {
namespace {

std::string Left(const std::string& stages, const std::string& limit = "") {
  return "policy left \"Left\" {\n mode enforce\n for i in identity\n when i.status == "
         "terminated\n " +
         stages + "\n " + limit + "\n}\n";
}

// ann has left, and has one grant.
PlannerWorld AnnHasLeft(const std::string& policy) {
  PlannerWorld world(policy);
  world.Person("ann", "employee", "terminated");
  world.Account("a", "ann");
  world.Grant("g0", "a");
  return world;
}

ActionStatus StatusOf(const PlanOutcome& outcome, Verb verb, const char* target) {
  const PlannedAction* planned = FindAction(outcome.plan, verb, target);
  REQUIRE(planned);
  return planned->status;
}

// A policy was edited from `disable` to `delete` after it had been applied: the next unattended
// apply deleted the accounts, although nobody had confirmed that.
TEST_CASE("a verb that was changed in a stage that has begun is held until it is confirmed") {
  PlannerWorld world = AnnHasLeft(Left("then { disable i.accounts }"));
  world.Verify(world.Apply().plan);
  world.facts.Live("account", "a").Set("status", "disabled");
  world.now = Plus(world.now, "1h");
  world.options.hold_unconfirmed = true;
  world.Change(Left("then { delete i.accounts }"));
  const PlanOutcome changed = world.Plan();
  REQUIRE(ActionLines(changed.plan) == Lines{"delete account a: held"});
  CHECK(changed.plan.actions[0].held_because.starts_with("the policy has changed its meaning"));
  world.AddRelease("p.left");
  CHECK(ActionLines(world.Plan().plan) == Lines{"delete account a: ready"});
}

// The policy was edited once more between the release and the apply: what nobody had seen was let
// go, and taken for confirmed.
TEST_CASE("a release is for the text that its author has seen") {
  PlannerWorld world = AnnHasLeft(Left("then { disable i.accounts }"));
  world.options.hold_unconfirmed = true;
  world.AddRelease("p.left");
  const auto meaning = [&] {
    return FindingBook::Load(world.store)->Record("p.left")->confirmed_meaning;
  };
  SUBCASE("it confirms no other one") {
    world.Change(Left("then { delete i.accounts }"));
    const PlanOutcome edited = world.Plan();
    CHECK(ActionLines(edited.plan) == Lines{"delete account a: held"});
    CHECK(edited.confirmed_by_release.empty());
    CHECK(SummaryOf(edited.plan, "p.left")
              .held_because.ends_with(
                  " does not count: the policy, or a protect, was edited after it"));
    CHECK(world.Record().outdated_releases.size() == 1);
    CHECK(ListReleases(world.store)->empty());
    CHECK(meaning().empty());
  }
  SUBCASE("nor does it lift a limit of another one") {
    world.Apply();
    REQUIRE_FALSE(meaning().empty());
    world.options.hold_unconfirmed = false;
    world.Change(Left("then { revoke i.accounts.grants }", "limit 1 of grant"));
    world.Grant("g1", "a");
    world.AddRelease("p.left");
    CHECK(StatusOf(world.Plan(), Verb::kRevoke, "g1") == ActionStatus::kReady);
    world.Change(
        Left("then { revoke i.accounts.grants  end i.accounts.sessions }", "limit 1 of grant"));
    CHECK(StatusOf(world.Plan(), Verb::kRevoke, "g1") == ActionStatus::kHeld);
  }
  SUBCASE("it is for that text again once the edit is taken back") {
    world.Change(Left("then { delete i.accounts }"));
    world.Change(Left("then { disable i.accounts }"));
    CHECK(ActionLines(world.Apply().plan) == Lines{"disable account a: ready"});
    CHECK(meaning() == MeaningOf(*world.program, "p.left"));
  }
  SUBCASE("one of an earlier program, whose text nobody knows, lets nothing go") {
    Release old = ListReleases(world.store)->front();
    old.meaning.clear();
    KeyValueBatch batch;
    PutRelease(batch, old);
    world.store.Apply(batch);
    CHECK(ActionLines(world.Plan().plan) == Lines{"disable account a: held"});
  }
}

// One account was disabled, the other one's system was away; a notice was put in before, and the
// plan after that let the other one wait for it, though its stage had begun.
TEST_CASE("an edit does not stop what was let go of a stage that has begun") {
  const std::string both = "disable i.accounts  revoke i.accounts.grants";
  PlannerWorld world =
      AnnHasLeft(Left("then { notify \"team\" }\n then after 2d { " + both + " }"));
  world.Apply();
  world.now = Plus(world.now, "2d");
  const PlanOutcome begun = world.Apply();
  REQUIRE(ActionLines(begun.plan) == Lines{"disable account a: ready", "revoke grant g0: ready"});
  const auto wanted = [&](const PlannedAction& planned) {
    const Action& action = planned.action;
    return WantedStateKey("store", action.target, action.verb, action.playbook);
  };
  const PlannedAction& done = begun.plan.actions[0];
  const std::string finding = done.action.reasons[0].finding_id;
  world.Verify(done);
  world.facts.Live("account", "a").Set("status", "disabled");
  world.options.untouched = {{finding, wanted(begun.plan.actions[1])}};
  world.options.touched = {{finding, {wanted(done)}}};
  world.now = Plus(world.now, "1h");
  world.Grant("g1", "a");  // joins it
  const PlanOutcome joined = world.Apply();
  REQUIRE(FindAction(joined.plan, Verb::kRevoke, "g1"));
  world.options.untouched.emplace(finding, wanted(*FindAction(joined.plan, Verb::kRevoke, "g1")));
  std::string stages = "then { notify \"team\" }\n ";
  bool has_moved = false;
  SUBCASE("that puts a stage before it") {
    stages += "then after 1d { notify \"oncall\" }\n then after 2d { " + both + " }";
  }
  SUBCASE("that moves it to a stage of its own") {
    has_moved = true;
    stages += "then after 2d { disable i.accounts }\n then after 9d { revoke i.accounts.grants }";
  }
  world.Change(Left(stages));
  for (int apply = 0; apply < 3; ++apply) {
    world.now = Plus(world.now, "1h");
    const PlanOutcome edited = world.Apply();
    CHECK(StatusOf(edited, Verb::kRevoke, "g0") == ActionStatus::kReady);
    if (!has_moved) CHECK(StatusOf(edited, Verb::kRevoke, "g1") == ActionStatus::kReady);
  }
  // Nothing of it has happened: what its policy says now counts.
  world.options.touched.clear();
  CHECK(StatusOf(world.Plan(), Verb::kRevoke, "g0") == ActionStatus::kNotice);
}

// The same with an action that was added to the stage: five grants went under a limit of one.
TEST_CASE("an action that was added to a stage that has begun counts for the limits") {
  const char* const limit = "limit 1 of grant per day";
  PlannerWorld world = AnnHasLeft(Left("then { disable i.accounts }", limit));
  world.Grant("g1", "a");
  world.Verify(world.Apply().plan);
  world.facts.Live("account", "a").Set("status", "disabled");
  world.now = Plus(world.now, "1h");
  world.Change(Left("then { disable i.accounts  revoke i.accounts.grants }", limit));
  const PlanOutcome changed = world.Plan();
  REQUIRE(ActionLines(changed.plan) == Lines{"revoke grant g0: held", "revoke grant g1: held"});
  CHECK(changed.plan.actions[0].held_because.starts_with(
      "over the limit of 1 of grant per day: 2 of at most 1"));
}

// One grant was revoked; six more joined it and went at once, over the limit of one a day.
TEST_CASE("rows that join a stage that has begun are counted by its limit") {
  PlannerWorld world =
      AnnHasLeft(Left("then { revoke i.accounts.grants }", "limit 2 of grant per day"));
  world.Apply();
  world.now = Plus(world.now, "1h");
  world.Grant("g1", "a");
  CHECK(StatusOf(world.Apply(), Verb::kRevoke, "g1") == ActionStatus::kReady);
  // Those that joined count afterwards as well.
  world.now = Plus(world.now, "1h");
  world.Grant("g2", "a");
  const PlanOutcome over = world.Apply();
  CHECK(StatusOf(over, Verb::kRevoke, "g0") == ActionStatus::kReady);  // let go
  CHECK(StatusOf(over, Verb::kRevoke, "g1") == ActionStatus::kReady);
  CHECK(StatusOf(over, Verb::kRevoke, "g2") == ActionStatus::kHeld);
  CHECK(FindAction(over.plan, Verb::kRevoke, "g2")
            ->held_because.starts_with("over the limit of 2 of grant per day: 3 of at most 2"));
  world.now = Plus(world.now, "23h");  // the first is no longer counted
  CHECK(StatusOf(world.Plan(), Verb::kRevoke, "g2") == ActionStatus::kReady);
}

TEST_CASE("a limit of the judged rows counts a finding again when rows join it later") {
  PlannerWorld world = AnnHasLeft(Left("then { revoke i.accounts.grants }", "limit 1 of identity"));
  world.Apply();
  world.Person("bob", "employee", "terminated");
  world.Account("b", "bob");
  world.Grant("h", "b");
  CHECK(StatusOf(world.Apply(), Verb::kRevoke, "h") == ActionStatus::kReady);
  world.Grant("g1", "a");
  CHECK(StatusOf(world.Plan(), Verb::kRevoke, "g1") == ActionStatus::kReady);
  world.Grant("h1", "b");
  const PlanOutcome over = world.Plan();
  CHECK(StatusOf(over, Verb::kRevoke, "g1") == ActionStatus::kHeld);
  CHECK(StatusOf(over, Verb::kRevoke, "h1") == ActionStatus::kHeld);
}

TEST_CASE("a later stage of the same targets does not count again") {
  PlannerWorld world =
      AnnHasLeft(Left("then { disable i.accounts }\n then after 1h { delete i.accounts }",
                      "limit 1 of account per day"));
  world.Verify(world.Apply().plan);
  world.facts.Live("account", "a").Set("status", "disabled");
  world.now = Plus(world.now, "1h");
  CHECK(ActionLines(world.Apply().plan) == Lines{"delete account a: ready"});
}

// What was left of a later stage counted its findings again, and a limit per run held it for good.
TEST_CASE("what is left of a later stage does not count its finding again") {
  PlannerWorld world =
      AnnHasLeft(Left("then { disable i.accounts }\n then after 1h { delete i.accounts }",
                      "limit 1 of identity per run"));
  world.Account("b", "ann", "ldap");
  world.Person("bob", "employee", "active");
  world.Account("c", "bob");
  const PlanOutcome first = world.Apply();
  world.Verify(*FindAction(first.plan, Verb::kDisable, "a"));
  world.facts.Live("account", "a").Set("status", "disabled");
  world.now = Plus(world.now, "30m");
  world.Verify(*FindAction(world.Apply().plan, Verb::kDisable, "b"));
  world.facts.Live("account", "b").Set("status", "disabled");
  world.now = Plus(world.now, "30m");
  world.Verify(*FindAction(world.Apply().plan, Verb::kDelete, "a"));
  world.facts.Remove("account", "a", world.now);
  // Another finding takes the limit of this run.
  world.facts.Live("identity", "bob").Set("status", "terminated");
  world.now = Plus(world.now, "30m");
  const PlanOutcome later = world.Plan();
  CHECK(StatusOf(later, Verb::kDelete, "b") == ActionStatus::kReady);
  CHECK(StatusOf(later, Verb::kDisable, "c") == ActionStatus::kReady);
}

// Of a begun stage of a policy over `system` 39 accounts went under a cap of 3 an hour.
TEST_CASE("rows that join a stage that has begun count for the workspace's cap") {
  PlannerWorld world = AnnHasLeft(Left("then { revoke i.accounts.grants }", "limit 9 of grant"));
  world.options.removals_per_hour = 2;
  world.Apply();
  world.Grant("g1", "a");
  CHECK(StatusOf(world.Apply(), Verb::kRevoke, "g1") == ActionStatus::kReady);
  world.now = Plus(world.now, "30m");
  world.Grant("g2", "a");
  const PlanOutcome over = world.Plan();
  CHECK(StatusOf(over, Verb::kRevoke, "g1") == ActionStatus::kReady);
  CHECK(StatusOf(over, Verb::kRevoke, "g2") == ActionStatus::kHeld);
  CHECK(FindAction(over.plan, Verb::kRevoke, "g2")
            ->held_because.starts_with("over the workspace's limit of 2 removals per hour: it "
                                       "would be 3"));
}

// Two findings that share an action were two removals for the hour that followed.
TEST_CASE("an action that two findings share counts once for the workspace's cap") {
  const std::string other =
      "policy other \"Other\" { mode enforce for a in account when a.tags has \"x\" "
      "then { revoke a.grants } limit 1 of account per day }\n";
  for (const bool joins_later : {false, true}) {
    CAPTURE(joins_later);
    PlannerWorld world =
        AnnHasLeft(Left("then { revoke i.accounts.grants }", "limit 9 of grant") + other);
    const auto ask_twice = [&] {
      world.facts.Live("account", "a").Set("tags", std::vector<std::string>{"x"});
    };
    if (!joins_later) ask_twice();
    world.Apply();
    world.now = Plus(world.now, "10m");
    ask_twice();
    world.Apply();
    const auto starts = ListRemovalStarts(world.store, {0});
    REQUIRE(starts->size() == 2);
    CHECK((*starts)[0].action_count + (*starts)[1].action_count == 1);
    world.now = Plus(world.now, "10m");
    world.options.removals_per_hour = 2;
    world.Grant("g1", "a");
    CHECK(StatusOf(world.Plan(), Verb::kRevoke, "g1") == ActionStatus::kReady);
    world.options.removals_per_hour = 1;
    CHECK(StatusOf(world.Plan(), Verb::kRevoke, "g1") == ActionStatus::kHeld);
    // Each policy's own limit counts what it asks for.
    world.options.removals_per_hour = 9;
    world.Account("b", "ann").Set("tags", std::vector<std::string>{"x"});
    world.Grant("h", "b");
    CHECK(SummaryOf(world.Plan().plan, "p.other").over_limit);
  }
}

// While the feed was too old, rows that joined a begun stage were acted on.
TEST_CASE("rows that join a stage that has begun wait for a feed that is fresh") {
  PlannerWorld world =
      AnnHasLeft(Left("then { revoke i.accounts.grants }", "needs \"hr\" within 2h"));
  FeedStatus feed;
  feed.source = "hr";
  feed.entity = world.EntityOf("identity");
  feed.observed_at = world.now;
  world.options.feeds = {feed};
  world.Apply();
  world.now = Plus(world.now, "3h");
  world.Grant("g1", "a");
  const PlanOutcome stale = world.Apply();
  CHECK(StatusOf(stale, Verb::kRevoke, "g0") == ActionStatus::kReady);
  CHECK(StatusOf(stale, Verb::kRevoke, "g1") == ActionStatus::kHeld);
  world.options.feeds[0].observed_at = world.now;
  CHECK(StatusOf(world.Plan(), Verb::kRevoke, "g1") == ActionStatus::kReady);
}

TEST_CASE("an action that was done and undone is a new one for the gates") {
  PlannerWorld world = AnnHasLeft(Left("then { disable i.accounts }"));
  const PlanOutcome first = world.Apply();
  world.now = Plus(world.now, "1h");
  world.options.hold_unconfirmed = true;
  world.Change(Left("then { disable i.accounts  end i.accounts.sessions }"));
  CHECK(ActionLines(world.Plan().plan) == Lines{"disable account a: ready"});
  ActionHistory rolled_back;
  rolled_back.episode = 2;
  world.Remember(first.plan.actions[0], rolled_back);
  CHECK(ActionLines(world.Plan().plan) == Lines{"disable account a: held"});
}

TEST_CASE("what was ready and not handed over was not let go") {
  PlannerWorld world = AnnHasLeft(Left("then { revoke i.accounts.grants }"));
  world.Grant("g1", "a");
  AppliedSelection one;
  one.action_keys = {FindAction(world.Plan().plan, Verb::kRevoke, "g0")->action.key};
  world.Apply(one);
  world.options.hold_unconfirmed = true;
  world.Change(Left("then { revoke i.accounts.grants  end i.accounts.sessions }"));
  CHECK(ActionLines(world.Plan().plan) == Lines{"revoke grant g0: ready", "revoke grant g1: held"});
}

}  // namespace
}  // namespace rescind
