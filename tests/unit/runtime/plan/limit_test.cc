// Limits: what counts, over which window, and that over it everything not begun is held.
#include "runtime/plan/limits.h"
#include "tests/unit/runtime/plan/planner_world.h"

namespace rescind {
namespace {

std::string GrantPolicy(const std::string& limit, const std::string& stages = "then { revoke g }") {
  return "policy old \"Old\" {\n mode enforce\n for g in grant\n when g.source == request\n " +
         stages + "\n " + limit + "\n}\n";
}

// `count` grants, one account each, on one system.
void AddGrants(PlannerWorld& world, int first, int count, const char* system = "ldap") {
  for (int i = first; i < first + count; ++i) {
    const std::string id = "g" + std::to_string(i);
    world.Account("a" + std::to_string(i), nullptr, system);
    world.Grant(id, "a" + std::to_string(i));
  }
}
size_t CountStatus(const Plan& plan, ActionStatus status) {
  size_t count = 0;
  for (const PlannedAction& planned : plan.actions) count += planned.status == status ? 1 : 0;
  return count;
}

TEST_CASE("a percentage is rounded up and is at least one") {
  CHECK(Allowed(0, true, 50'000) == 1);
  CHECK(Allowed(19, true, 50'000) == 1);
  CHECK(Allowed(20, true, 50'000) == 1);
  CHECK(Allowed(21, true, 50'000) == 2);
  CHECK(Allowed(10'000'000, true, 50'000) == 500'000);
  CHECK(Allowed(10'000'000, true, 5'000) == 50'000);
  CHECK(Allowed(4'000'000'000, true, 1'000'000) == 4'000'000'000);
  CHECK(Allowed(4'000'000'001, true, 500'000) == 2'000'000'001);
  CHECK(Allowed(100, false, 7) == 7);
  CHECK(Allowed(100, false, 0) == 0);
}

TEST_CASE("over the limit all is held, at the limit all goes") {
  for (const char* limit : {"limit 3 of grant", "limit 30% of grant"}) {
    CAPTURE(limit);
    PlannerWorld world(GrantPolicy(limit));
    AddGrants(world, 0, 3);
    for (int i = 0; i < 7; ++i) {
      world.Grant("quiet" + std::to_string(i), "a0").Set("source", "direct");
    }
    const PlanOutcome at = world.Plan();
    CHECK(CountStatus(at.plan, ActionStatus::kReady) == 3);
    CHECK_FALSE(SummaryOf(at.plan, "p.old").over_limit);
    world.facts.Live("grant", "quiet0").Set("source", "request");
    const PlanOutcome over = world.Plan();
    CHECK(CountStatus(over.plan, ActionStatus::kHeld) == 4);
    CHECK(SummaryOf(over.plan, "p.old").over_limit);
  }
}

TEST_CASE("the text of a limit says what is counted, and how to go on") {
  PlannerWorld world(GrantPolicy("limit 20% of grant per day"));
  AddGrants(world, 0, 9);
  const PlanOutcome outcome = world.Plan();
  const PolicySummary& summary = SummaryOf(outcome.plan, "p.old");
  CHECK(summary.limit == "20% of grant per day: 9 of at most 2");
  CHECK(summary.held_because ==
        "over the limit of 20% of grant per day: 9 of at most 2; "
        "`rescind release p.old --reason …` lets it go");
  CHECK(outcome.plan.actions[0].held_because == summary.held_because);
  CHECK(outcome.starts.empty());
}

TEST_CASE("a release lets a held policy go, once") {
  PlannerWorld world(GrantPolicy("limit 1 of grant"));
  AddGrants(world, 0, 2);
  CHECK(CountStatus(world.Plan().plan, ActionStatus::kHeld) == 2);
  world.AddRelease("p.other");
  CHECK(CountStatus(world.Plan().plan, ActionStatus::kHeld) == 2);
  world.AddRelease("p.old");
  const PlanOutcome released = world.Apply();
  CHECK(CountStatus(released.plan, ActionStatus::kReady) == 2);
  CHECK(SummaryOf(released.plan, "p.old").over_limit);
  CHECK(released.used_releases.size() == 1);
  CHECK(ListReleases(world.store)->size() == 1);  // the other policy's
  AddGrants(world, 2, 2);
  const PlanOutcome next = world.Plan();
  CHECK(FindAction(next.plan, Verb::kRevoke, "g0")->status == ActionStatus::kReady);  // begun
  CHECK(FindAction(next.plan, Verb::kRevoke, "g2")->status == ActionStatus::kHeld);
  world.AddRelease("p.old");
  world.now = Plus(world.now, "2h");  // expired
  CHECK(FindAction(world.Plan().plan, Verb::kRevoke, "g2")->status == ActionStatus::kHeld);
}

TEST_CASE("limits per group hold only the group that is over") {
  PlannerWorld world(GrantPolicy("limit 2 of grant per g.account.system"));
  AddGrants(world, 0, 2, "crm");
  AddGrants(world, 2, 3, "ldap");
  const PlanOutcome outcome = world.Plan();
  CHECK(CountStatus(outcome.plan, ActionStatus::kReady) == 2);
  CHECK(FindAction(outcome.plan, Verb::kRevoke, "g0")->status == ActionStatus::kReady);
  CHECK(FindAction(outcome.plan, Verb::kRevoke, "g2")->status == ActionStatus::kHeld);
  CHECK(SummaryOf(outcome.plan, "p.old").limit == "2 of grant per group, ldap: 3 of at most 2");
  world.AddRelease("p.old", "crm");
  CHECK(CountStatus(world.Plan().plan, ActionStatus::kReady) == 2);
  world.AddRelease("p.old", "ldap");
  CHECK(CountStatus(world.Plan().plan, ActionStatus::kReady) == 5);
}

// Each row held for its group said how to release the whole policy, and the verdict kept quiet
// about all groups over the limit but one.
TEST_CASE("what is held for a group says how to release the group, and the verdict names all") {
  PlannerWorld world(GrantPolicy("limit 1 of grant per g.account.system"));
  AddGrants(world, 0, 3, "it's");
  AddGrants(world, 3, 2, "ldap");
  AddGrants(world, 5, 2, "mail");
  AddGrants(world, 7, 1, "quiet");
  const PlanOutcome outcome = world.Plan();
  const std::string ldap = FindAction(outcome.plan, Verb::kRevoke, "g3")->held_because;
  CHECK(ldap.ends_with("`rescind release p.old --group ldap --reason …` lets it go"));
  const std::string quoted = FindAction(outcome.plan, Verb::kRevoke, "g0")->held_because;
  CHECK(quoted ==
        "over the limit of 1 of grant per group, it's: 3 of at most 1; "
        "`rescind release p.old --group 'it'\\''s' --reason …` lets it go");
  const PolicySummary& summary = SummaryOf(outcome.plan, "p.old");
  CHECK(summary.limit ==
        "1 of grant per group, it's: 3 of at most 1, and 2 more groups over it (ldap, mail)");
  CHECK(summary.held_because == quoted +
                                    "; 2 more groups are over (ldap, mail): "
                                    "`rescind release p.old --reason …` lets all of them go");
  CHECK(FindAction(outcome.plan, Verb::kRevoke, "g7")->status == ActionStatus::kReady);
}

// The preview said "28572 removals; limit 5% of grant: 0 of at most 10000" and nothing else.
TEST_CASE("what is in notice and will be more than the limit allows is told beforehand") {
  const std::string stages = "then { notify \"team\" } then after 7d { revoke g }";
  PlannerWorld world(GrantPolicy("limit 2 of grant", stages));
  AddGrants(world, 0, 2);
  CHECK(SummaryOf(world.Plan().plan, "p.old").limit_ahead.empty());
  AddGrants(world, 2, 1);
  const PlanOutcome outcome = world.Apply();
  const PolicySummary& summary = SummaryOf(outcome.plan, "p.old");
  CHECK(summary.limit == "2 of grant: 0 of at most 2");
  CHECK(summary.limit_ahead ==
        "when they fall due, 3 are more than the 2 allowed: they will be held");
  CHECK(summary.held_because.empty());
  world.now = Plus(world.now, "7d");
  const PlanOutcome due = world.Plan();
  CHECK(CountStatus(due.plan, ActionStatus::kHeld) == 3);  // so it comes
  CHECK(SummaryOf(due.plan, "p.old").limit_ahead.empty());
}

TEST_CASE("what falls due in different windows is not added up") {
  const std::string stages = "then { notify \"team\" } then after 7d { revoke g }";
  PlannerWorld world(GrantPolicy("limit 2 of grant per g.account.system per day", stages));
  AddGrants(world, 0, 2, "ldap");
  world.Apply();
  world.now = Plus(world.now, "36h");
  AddGrants(world, 2, 2, "ldap");
  CHECK(SummaryOf(world.Plan().plan, "p.old").limit_ahead.empty());
  AddGrants(world, 4, 1, "ldap");
  CHECK(SummaryOf(world.Plan().plan, "p.old").limit_ahead ==
        "when they fall due, 3 of group ldap are more than the 2 allowed: they will be held");
}

TEST_CASE("a percentage per group is of the group's rows") {
  PlannerWorld world(GrantPolicy("limit 50% of grant per g.account.system"));
  AddGrants(world, 0, 2, "crm");   // of 2
  AddGrants(world, 2, 2, "ldap");  // of 4
  world.Grant("q1", "a2").Set("source", "direct");
  world.Grant("q2", "a2").Set("source", "direct");
  const PlanOutcome outcome = world.Plan();
  CHECK(FindAction(outcome.plan, Verb::kRevoke, "g0")->status == ActionStatus::kHeld);
  CHECK(FindAction(outcome.plan, Verb::kRevoke, "g2")->status == ActionStatus::kReady);
}

TEST_CASE("a limit of the targets' entity counts distinct targets") {
  PlannerWorld world(R"(
policy two "Two grants, one account" {
  mode enforce
  for g in grant
  when g.source == request
  then { disable g.account }
  limit 1 of account
}
)");
  world.Account("a", nullptr);
  world.Grant("g1", "a");
  world.Grant("g2", "a");
  CHECK(ActionLines(world.Plan().plan) == Lines{"disable account a: ready"});
  world.Account("b", nullptr);
  world.Grant("g3", "b");
  CHECK(ActionLines(world.Plan().plan) ==
        Lines{"disable account a: held", "disable account b: held"});
}

TEST_CASE("a rolling window counts what was started in it, a run counts itself") {
  struct Row {
    const char* limit;
    const char* pause;
    bool continuous;
    bool held;
  };
  const Row rows[] = {
      {"limit 2 of grant per day", "23h59m", false, true},
      {"limit 2 of grant per day", "24h", false, false},
      {"limit 2 of grant per hour", "59m", false, true},
      {"limit 2 of grant per hour", "1h", false, false},
      {"limit 2 of grant per run", "1s", false, false},
      {"limit 2 of grant", "1s", false, false},
      {"limit 2 of grant per run", "59m", true, true},
      {"limit 2 of grant per run", "1h", true, false},
  };
  for (const Row& row : rows) {
    CAPTURE(row.limit);
    CAPTURE(row.pause);
    PlannerWorld world(GrantPolicy(row.limit));
    world.options.continuous = row.continuous;
    AddGrants(world, 0, 2);
    CHECK(CountStatus(world.Apply().plan, ActionStatus::kReady) == 2);
    for (const char* id : {"g0", "g1"}) world.facts.Remove("grant", id, world.now);
    AddGrants(world, 2, 1);
    world.now = Plus(world.now, row.pause);
    CHECK(CountStatus(world.Plan().plan, ActionStatus::kHeld) == (row.held ? 1 : 0));
  }
}

TEST_CASE("notices do not count and are not held by a limit") {
  PlannerWorld world(
      GrantPolicy("limit 1 of grant", "then { notify \"team\" }\n then after 7d { revoke g }"));
  AddGrants(world, 0, 3);
  PlanOutcome first = world.Apply();
  CHECK(first.plan.notices.size() == 3);
  CHECK(first.plan.notices[0].status == ActionStatus::kReady);
  CHECK_FALSE(SummaryOf(first.plan, "p.old").over_limit);
  world.now = Plus(world.now, "7d");
  PlanOutcome due = world.Apply();
  CHECK(CountStatus(due.plan, ActionStatus::kHeld) == 3);
}

TEST_CASE("what has begun is finished although its policy is over the limit") {
  PlannerWorld world(GrantPolicy("limit 1 of grant"));
  AddGrants(world, 0, 1);
  world.Apply();
  AddGrants(world, 1, 5);
  const PlanOutcome outcome = world.Plan();
  CHECK(CountStatus(outcome.plan, ActionStatus::kReady) == 1);
  CHECK(FindAction(outcome.plan, Verb::kRevoke, "g0")->status == ActionStatus::kReady);
}

TEST_CASE("a policy without a limit has the workspace's") {
  PlannerWorld world(GrantPolicy(""));
  world.options.per_policy = {true, 50'000};
  AddGrants(world, 0, 2);
  for (int i = 0; i < 19; ++i) world.Grant("q" + std::to_string(i), "a0").Set("source", "direct");
  CHECK(CountStatus(world.Plan().plan, ActionStatus::kReady) == 2);  // 5% of 21
  AddGrants(world, 2, 1);
  const PlanOutcome over = world.Plan();
  CHECK(CountStatus(over.plan, ActionStatus::kHeld) == 3);
  CHECK(SummaryOf(over.plan, "p.old").limit ==
        "5% of grant (the workspace's limit): 3 of at most 2");
  world.options.per_policy = {false, 3};
  CHECK(CountStatus(world.Plan().plan, ActionStatus::kReady) == 3);
}

TEST_CASE("the workspace's removals per hour count distinct actions of all policies") {
  PlannerWorld world(GrantPolicy("limit 100 of grant") + R"(
policy twin "The same again" { mode enforce for g in grant when g.source == request
  then { revoke g } limit 100 of grant }
)");
  world.options.removals_per_hour = 3;
  AddGrants(world, 0, 3);
  CHECK(CountStatus(world.Apply().plan, ActionStatus::kReady) == 3);
  AddGrants(world, 3, 1);
  world.now = Plus(world.now, "30m");
  const PlanOutcome over = world.Plan();
  CHECK(CountStatus(over.plan, ActionStatus::kReady) == 3);  // begun
  CHECK(FindAction(over.plan, Verb::kRevoke, "g3")
            ->held_because.starts_with(
                "over the workspace's limit of 3 removals per hour: it would be "));
  world.AddRelease("");
  CHECK(CountStatus(world.Plan().plan, ActionStatus::kReady) == 4);
  world.now = Plus(world.now, "1h");
  CHECK(CountStatus(world.Plan().plan, ActionStatus::kReady) == 4);
}

TEST_CASE("`leave` never takes the last ones of a group") {
  PlannerWorld world(R"(
policy admins "Unused admins" {
  mode enforce
  for a in account
  when a.privileged and a.tags has "unused"
  then { disable a }
  limit leave 2 per a.system
}
)");
  const auto add = [&](const char* id, bool unused, const char* system) {
    auto row = world.Account(id, nullptr, system);
    row.Set("privileged", PlainValue(true));
    if (unused) row.Set("tags", std::vector<std::string>{"unused"});
  };
  add("l1", true, "ldap");
  add("l2", false, "ldap");
  add("l3", false, "ldap");
  add("c1", true, "crm");
  add("c2", false, "crm");
  const PlanOutcome outcome = world.Plan();
  CHECK(ActionLines(outcome.plan) ==
        Lines{"disable account c1: held", "disable account l1: ready"});
  CHECK(SummaryOf(outcome.plan, "p.admins").limit.find("leave 2 per group, crm: 1 would be left") !=
        std::string::npos);
  // A row that is disabled already is none that is left.
  world.facts.Live("account", "l2").Set("status", "disabled");
  CHECK(ActionLines(world.Plan().plan) ==
        Lines{"disable account c1: held", "disable account l1: held"});
}

TEST_CASE("`leave` counts what other policies take from the group") {
  PlannerWorld world(R"(
policy one "One" { mode enforce for a in account when a.tags has "one" then { disable a }
  limit leave 1 per a.system }
policy two "Two" { mode enforce for a in account when a.tags has "two" then { disable a }
  limit leave 1 per a.system }
)");
  world.Account("a", nullptr).Set("tags", std::vector<std::string>{"one"});
  world.Account("b", nullptr).Set("tags", std::vector<std::string>{"two"});
  CHECK(ActionLines(world.Plan().plan) ==
        Lines{"disable account a: held", "disable account b: held"});
  world.Account("c", nullptr);
  CHECK(ActionLines(world.Plan().plan) ==
        Lines{"disable account a: ready", "disable account b: ready"});
}

// The third administrator's account was deleted in the same plan, and nobody was left.
TEST_CASE("`leave` counts a row as gone whose account another policy takes") {
  for (const char* verb : {"disable a", "delete a"}) {
    CAPTURE(verb);
    PlannerWorld world(R"(
policy adm "Emergency admins" { mode enforce for g in grant when g.source == emergency
  then { revoke g } limit leave 1 per g.entitlement }
policy left "Left" { mode enforce for a in account when a.tags has "left" then { )" +
                       std::string(verb) + " } }\n");
    AddGrants(world, 1, 3);
    world.facts.Live("grant", "g1").Set("source", "emergency");
    world.facts.Live("grant", "g2").Set("source", "emergency");
    CHECK(CountStatus(world.Plan().plan, ActionStatus::kReady) == 2);
    world.facts.Live("account", "a3").Set("tags", std::vector<std::string>{"left"});
    const PlanOutcome last = world.Plan();
    CHECK(CountStatus(last.plan, ActionStatus::kReady) == 1);
    CHECK(FindAction(last.plan, Verb::kRevoke, "g1")->held_because.find("0 would be left") !=
          std::string::npos);
    CHECK(FindAction(last.plan, Verb::kRevoke, "g2")->status == ActionStatus::kHeld);
    AddGrants(world, 4, 1);
    CHECK(CountStatus(world.Plan().plan, ActionStatus::kReady) == 3);
  }
}

TEST_CASE("`leave` counts those whose turn has been, though nothing of them is due any more") {
  PlannerWorld world(R"(
policy left "Left" { mode enforce for i in identity when i.status == terminated
  then { disable i.accounts } limit leave 1 per i.kind }
)");
  world.Person("ann", "contractor", "terminated");
  world.Person("bob", "contractor");
  world.Account("a", "ann");
  world.Account("b", "bob");
  world.Verify(world.Apply().plan);
  world.facts.Live("account", "a").Set("status", "disabled");
  world.now = Plus(world.now, "1d");
  world.Apply();
  world.Person("bob", "contractor", "terminated");
  CHECK(ActionLines(world.Plan().plan) == Lines{"disable account b: held"});
}

TEST_CASE("`leave` counts nobody whose account is disabled already") {
  PlannerWorld world(GrantPolicy("limit leave 1 per g.entitlement"));
  AddGrants(world, 1, 2);
  world.facts.Live("grant", "g2").Set("source", "direct");
  CHECK(ActionLines(world.Plan().plan) == Lines{"revoke grant g1: ready"});
  world.facts.Live("account", "a2").Set("status", "disabled");
  CHECK(ActionLines(world.Plan().plan) == Lines{"revoke grant g1: held"});
}

TEST_CASE("a filtered plan counts the whole policy") {
  PlannerWorld world(GrantPolicy("limit 2 of grant"));
  world.Person("ann");
  world.Account("mine", "ann");
  world.Grant("g", "mine");
  AddGrants(world, 0, 2);
  world.options.filter_person = "ann";
  const PlanOutcome outcome = world.Plan();
  CHECK(ActionLines(outcome.plan) == Lines{"revoke grant g: held"});
  CHECK(SummaryOf(outcome.plan, "p.old").limit == "2 of grant: 3 of at most 2");
}

TEST_CASE("what cannot start does not count") {
  PlannerWorld world(GrantPolicy("limit 1 of grant"));
  AddGrants(world, 0, 1, "ldap");
  AddGrants(world, 1, 3, "paper");
  world.options.support = [](const Action& action) {
    const bool known = action.target.system == "ldap";
    return SystemSupport{known, known, known};
  };
  const PlanOutcome outcome = world.Plan();
  CHECK(FindAction(outcome.plan, Verb::kRevoke, "g0")->status == ActionStatus::kReady);
  CHECK(SummaryOf(outcome.plan, "p.old").limit == "1 of grant: 1 of at most 1");
}

}  // namespace
}  // namespace rescind
