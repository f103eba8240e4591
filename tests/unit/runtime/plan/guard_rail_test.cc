// Protection, exemptions, and what holds a policy as a whole.
#include "runtime/plan/plan_json.h"
#include "runtime/plan/rule_reads.h"
#include "tests/unit/runtime/plan/planner_world.h"

namespace rescind {
namespace {

std::string Policy(const std::string& actions, const std::string& clauses = "") {
  return "policy every \"All accounts\" {\n mode enforce\n" + clauses +
         " for a in account\n when a.privileged\n" + actions + "\n}\n";
}
std::string Protect(const std::string& entity, const std::string& condition) {
  return "protect guard \"Hands off\" { for x in " + entity + " when " + condition + " }\n";
}

TEST_CASE("a protect covers its matches and all that belongs to them") {
  struct Row {
    const char* entity;
    const char* condition;
    bool protects_account;
    bool protects_grant;
  };
  const Row rows[] = {
      {"account", "x.tags has \"keep\"", true, true},
      {"identity", "x.tags has \"keep\"", true, true},
      {"system", "x.tags has \"keep\"", true, true},
      {"entitlement", "x.tags has \"keep\"", false, true},
      {"grant", "x.tags has \"keep\"", false, true},
  };
  for (const Row& row : rows) {
    CAPTURE(row.entity);
    PlannerWorld world(Policy("then { disable a  revoke a.grants }") +
                       Protect(row.entity, row.condition));
    world.Person("ann");
    world.Account("a", "ann").Set("privileged", PlainValue(true));
    world.Grant("g", "a");
    const std::vector<std::string> tags = {"keep"};
    const char* id = std::string_view(row.entity) == "account"       ? "a"
                     : std::string_view(row.entity) == "identity"    ? "ann"
                     : std::string_view(row.entity) == "system"      ? "ldap"
                     : std::string_view(row.entity) == "entitlement" ? "vpn"
                                                                     : "g";
    CHECK(world.Plan().plan.actions.size() == 2);  // it is the tag that protects
    world.facts.Live(row.entity, id).Set("tags", PlainValue(tags));
    const PlanOutcome outcome = world.Plan();
    CHECK((FindAction(outcome.plan, Verb::kDisable, "a") == nullptr) == row.protects_account);
    CHECK((FindAction(outcome.plan, Verb::kRevoke, "g") == nullptr) == row.protects_grant);
    const auto lines = NotActedLines(outcome.plan);
    CHECK(lines.size() == size_t(row.protects_account) + size_t(row.protects_grant));
    for (const std::string& line : lines) CHECK(line.ends_with("protected by p.guard"));
    CHECK(outcome.plan.summary.protected_count == lines.size());
  }
}

TEST_CASE("`delete` is also vetoed by something protected that belongs to the target") {
  PlannerWorld world(Policy("then { disable a }\n then after 1d { delete a }") +
                     Protect("entitlement", "x.tags has \"keep\""));
  world.Account("a", nullptr).Set("privileged", PlainValue(true));
  world.Grant("g", "a");
  CHECK(world.Plan().plan.actions.size() == 2);
  world.facts.Live("entitlement", "vpn").Set("tags", std::vector<std::string>{"keep"});
  const PlanOutcome outcome = world.Plan();
  CHECK(ActionLines(outcome.plan) == Lines{"disable account a: ready"});
  CHECK(NotActedLines(outcome.plan) == Lines{"account a: protected by p.guard"});
  CHECK(outcome.plan.not_acted_on[0].detail == "something protected belongs to it: Hands off");
}

TEST_CASE("an undecided protect protects, and so does an owner whom nobody knows yet") {
  PlannerWorld world(Policy("then { disable a }") +
                     Protect("identity", "x.manager is known and x.manager.status == terminated"));
  world.Person("ann").Set("manager", "unseen");
  world.Account("a", "ann").Set("privileged", PlainValue(true));
  world.Account("b", "never-delivered").Set("privileged", PlainValue(true));
  world.Person("bob");
  world.Account("c", "bob").Set("privileged", PlainValue(true));
  CHECK(ActionLines(world.Plan().plan) == Lines{"disable account c: ready"});
}

// A row was said to be protected when nobody knew whether it is.
TEST_CASE("an undecided protect is called undecided, unless another is sure") {
  const std::string unsure = Protect("identity", "x.manager is known and x.manager.name is known");
  PlannerWorld world(Policy("then { disable a }") + unsure);
  world.Person("ann").Set("manager", "unseen");
  world.Account("a", "ann").Set("privileged", PlainValue(true));
  const PlanOutcome outcome = world.Plan();
  CHECK(NotActedLines(outcome.plan) == Lines{"account a: undecided_protect by p.guard"});
  CHECK(outcome.plan.not_acted_on[0].detail ==
        "whether this protects it is not known, so it is left alone: Hands off");
  CHECK(outcome.plan.summary.protected_count == 1);
  CHECK(FormatPlan(outcome.plan, {}).find("= account a: undecided protect by p.guard") !=
        std::string::npos);
  std::string sure = Protect("account", "x.privileged");
  sure.replace(sure.find("guard"), 5, "surely");
  PlannerWorld both(Policy("then { disable a }") + unsure + sure);
  both.Person("ann").Set("manager", "unseen");
  both.Account("a", "ann").Set("privileged", PlainValue(true));
  CHECK(NotActedLines(both.Plan().plan) == Lines{"account a: protected by p.surely"});
}

TEST_CASE("stage times begin anew when a protect lets go") {
  PlannerWorld world(Policy("then { notify \"team\" }\n then after 7d { disable a }") +
                     Protect("account", "x.tags has \"keep\""));
  world.Account("a", nullptr).Set("privileged", PlainValue(true));
  CHECK(world.Apply().plan.notices.size() == 1);
  world.now = Plus(world.now, "5d");
  world.facts.Live("account", "a").Set("tags", std::vector<std::string>{"keep"});
  PlanOutcome covered = world.Apply();
  CHECK(covered.plan.actions.empty());
  CHECK(covered.plan.notices.empty());
  world.now = Plus(world.now, "30d");
  world.facts.Live("account", "a").Set("tags", std::vector<std::string>{});
  PlanOutcome freed = world.Apply();
  CHECK(freed.transitions.empty());  // the same finding
  CHECK(freed.plan.notices.size() == 1);
  REQUIRE(ActionLines(freed.plan) == Lines{"disable account a: notice"});
  CHECK(freed.plan.actions[0].due == Plus(world.now, "7d"));
  world.now = Plus(world.now, "7d");
  CHECK(ActionLines(world.Apply().plan) == Lines{"disable account a: ready"});
}

TEST_CASE("a notice that announces only vetoed actions is not sent") {
  PlannerWorld world(Policy("then { notify \"team\"  revoke a.grants }") +
                     Protect("entitlement", "x.tags has \"keep\""));
  world.Account("a", nullptr).Set("privileged", PlainValue(true));
  world.Grant("g1", "a", "vault").Set("source", "direct");
  world.facts.Live("entitlement", "vault").Set("tags", std::vector<std::string>{"keep"});
  CHECK(world.Plan().plan.notices.empty());
  world.Grant("g2", "a", "vpn");
  CHECK(world.Plan().plan.notices.size() == 1);
}

TEST_CASE("exemptions cover rows, policies and everything, until they end") {
  const std::string policies = Policy("then { disable a  revoke a.grants }") + R"(
policy other "Other" { mode enforce for g in grant when g.source == request then { revoke g } }
)";
  struct Row {
    const char* name;
    Exemption exemption;
    Lines left;
  };
  const auto of = [](const char* entity, const char* id, const char* policy) {
    Exemption exemption;
    exemption.entity = entity;
    exemption.row_id = id;
    exemption.policy = policy;
    exemption.expires_at = At("2026-05-01T00:00Z");
    return exemption;
  };
  const Lines all = {"disable account a: ready", "revoke grant g: ready"};
  const Row rows[] = {
      {"the judged row and what belongs to it", of("account", "a", ""), {}},
      {"the owner", of("identity", "ann", ""), {}},
      {"the target", of("grant", "g", ""), {"disable account a: ready"}},
      {"what the target belongs to", of("entitlement", "vpn", ""), {"disable account a: ready"}},
      {"one policy", of("", "", "p.every"), {"revoke grant g: ready"}},
      {"everything", of("", "", ""), {}},
      {"a row for one policy", of("account", "a", "p.every"), {"revoke grant g: ready"}},
      {"a row nobody knows", of("account", "zzz", ""), all},
      {"another policy", of("", "", "p.third"), all},
  };
  for (const Row& row : rows) {
    CAPTURE(row.name);
    PlannerWorld world(policies);
    world.Person("ann");
    world.Account("a", "ann").Set("privileged", PlainValue(true));
    world.Grant("g", "a");
    CHECK(ActionLines(world.Plan().plan) == all);
    world.Exempt(row.exemption);
    const PlanOutcome outcome = world.Plan();
    CHECK(ActionLines(outcome.plan) == row.left);
    if (row.left != all) {
      REQUIRE_FALSE(outcome.plan.not_acted_on.empty());
      CHECK(outcome.plan.not_acted_on[0].reason == NotActedReason::kExempt);
      CHECK(outcome.plan.not_acted_on[0].by.starts_with("e-"));
      CHECK(outcome.plan.not_acted_on[0].detail ==
            "exempt until 2026-05-01T00:00:00Z: because (ciso)");
    }
    world.now = At("2026-04-30T23:59:59Z");
    CHECK(ActionLines(world.Plan().plan) == row.left);
    world.now = At("2026-05-01T00:00Z");
    CHECK(ActionLines(world.Plan().plan) == all);
  }
}

TEST_CASE("stage times count from the exact end of an exemption, even when nobody looked then") {
  PlannerWorld world(Policy("then { notify \"team\" }\n then after 7d { disable a }"));
  world.Account("a", nullptr).Set("privileged", PlainValue(true));
  Exemption exemption;
  exemption.entity = "account";
  exemption.row_id = "a";
  exemption.expires_at = At("2026-04-20T00:00Z");
  world.Exempt(exemption);
  CHECK(world.Apply().plan.notices.empty());
  world.now = At("2026-04-22T00:00Z");
  PlanOutcome outcome = world.Apply();
  REQUIRE(outcome.plan.notices.size() == 1);
  CHECK(outcome.plan.notices[0].due == At("2026-04-20T00:00Z"));
  // The notice went out two days late: so does the removal.
  CHECK(outcome.plan.actions[0].due == At("2026-04-29T00:00Z"));
}

TEST_CASE("exemptions are refused without reason, owner or a real end") {
  Exemption wanted;
  wanted.entity = "account";
  wanted.row_id = "a";
  wanted.reason = "audit";
  wanted.owner = "ann";
  wanted.created_at = At("2026-01-01T00:00Z");
  wanted.expires_at = At("2026-02-01T00:00Z");
  CHECK(NewExemption(wanted)->id.starts_with("e-"));
  const auto refused = [&](auto change) {
    Exemption bad = wanted;
    change(bad);
    const auto made = NewExemption(bad);
    return !made.ok() && made.error().kind == ErrorKind::kInvalidInput;
  };
  CHECK(refused([](Exemption& e) { e.reason.clear(); }));
  CHECK(refused([](Exemption& e) { e.owner.clear(); }));
  CHECK(refused([](Exemption& e) { e.row_id.clear(); }));
  CHECK(refused([](Exemption& e) { e.expires_at = e.created_at; }));
  CHECK(refused([](Exemption& e) { e.expires_at = Instant::Never(); }));
}

TEST_CASE("an exemption can be ended before it expires, once") {
  PlannerWorld world(Policy("then { disable a }"));
  world.Account("a", nullptr).Set("privileged", PlainValue(true));
  Exemption exemption;
  exemption.expires_at = Plus(world.now, "30d");
  world.Exempt(exemption);
  const std::string id = ListExemptions(world.store)->front().id;
  world.now = Plus(world.now, "1d");
  KeyValueBatch batch;
  CHECK(EndExemption(world.store, id, world.now, batch).ok());
  world.store.Apply(batch);
  CHECK(ActionLines(world.Plan().plan) == Lines{"disable account a: ready"});
  CHECK(EndExemption(world.store, id, world.now, batch).error().kind == ErrorKind::kStale);
  CHECK(EndExemption(world.store, "e-none", world.now, batch).error().kind == ErrorKind::kNotFound);
}

TEST_CASE("a stale feed holds the policies that read its entity") {
  PlannerWorld world(Policy("then { disable a }") + R"(
policy people "People" { mode enforce for i in identity when i.status == terminated
  then { notify "team" } }
)");
  world.Account("a", nullptr).Set("privileged", PlainValue(true));
  world.Person("bob", "employee", "terminated");
  FeedStatus feed;
  feed.source = "directory";
  feed.entity = world.EntityOf("account");
  feed.max_age = Duration{24 * kMicrosPerHour};
  world.options.feeds = {feed};
  PlanOutcome never = world.Plan();
  CHECK(ActionLines(never.plan) == Lines{"disable account a: held"});
  CHECK(never.plan.actions[0].held_because ==
        "the feed \"directory\" has not delivered anything yet");
  CHECK(SummaryOf(never.plan, "p.every").held_because == never.plan.actions[0].held_because);
  CHECK(never.plan.notices[0].status == ActionStatus::kReady);  // another entity
  CHECK(never.plan.feeds[0].stale);

  world.options.feeds[0].observed_at = Instant{world.now.micros - 24 * kMicrosPerHour};
  CHECK(ActionLines(world.Plan().plan) == Lines{"disable account a: ready"});
  world.options.feeds[0].observed_at->micros -= 1;
  CHECK(world.Plan().plan.actions[0].held_because ==
        "the feed \"directory\" was last read 2026-03-30T23:59:59.999999Z and may be 1d old");
}

TEST_CASE("`needs` names a feed and overrides how old it may be") {
  PlannerWorld world(Policy("then { disable a }", " needs \"hr\" within 2h\n"));
  world.Account("a", nullptr).Set("privileged", PlainValue(true));
  CHECK(ActionLines(world.Plan().plan) == Lines{"disable account a: held"});
  FeedStatus feed;
  feed.source = "hr";
  feed.entity = world.EntityOf("identity");
  feed.max_age = Duration{kMicrosPerMinute};
  feed.observed_at = Instant{world.now.micros - 2 * kMicrosPerHour};
  world.options.feeds = {feed};
  CHECK(ActionLines(world.Plan().plan) == Lines{"disable account a: ready"});
  world.options.feeds[0].observed_at->micros -= 1;
  CHECK(ActionLines(world.Plan().plan) == Lines{"disable account a: held"});
}

TEST_CASE("a held stage delays later ones equally, and no notice is sent meanwhile") {
  PlannerWorld world(Policy("then { notify \"team\" }\n then after 7d { disable a }",
                            " needs \"hr\" within 2h\n"));
  world.Account("a", nullptr).Set("privileged", PlainValue(true));
  PlanOutcome held = world.Apply();
  CHECK(held.plan.notices[0].status == ActionStatus::kHeld);
  CHECK(held.starts.empty());
  world.now = Plus(world.now, "10d");
  FeedStatus feed;
  feed.source = "hr";
  feed.entity = world.EntityOf("identity");
  feed.observed_at = world.now;
  world.options.feeds = {feed};
  PlanOutcome fresh = world.Apply();
  CHECK(fresh.plan.notices[0].status == ActionStatus::kReady);
  CHECK(fresh.plan.actions[0].due == Plus(world.now, "7d"));
}

TEST_CASE("who concludes from silence waits for the first complete snapshot") {
  struct Row {
    const char* entity;
    const char* condition;
    std::vector<const char*> silent_about;
  };
  const Row rows[] = {
      {"account", "x.privileged", {}},
      {"account", "x.owner is known and x.owner.status == terminated", {}},
      {"account", "x.owner is unknown", {"account", "identity"}},
      {"account", "not (x.owner is known)", {"account", "identity"}},
      {"account", "any(g in x.grants where g.source == direct)", {}},
      {"account", "no(g in x.grants)", {"grant"}},
      {"account", "not any(g in x.grants where g.source == direct)", {"grant"}},
      {"account", "all(g in x.grants where g.source == direct)", {"grant"}},
      {"account", "not all(g in x.grants where g.source == direct)", {}},
      {"account", "count(g in x.grants) > 3", {"grant"}},
      {"identity", "(latest(a.last_login for a in x.accounts) ?? now) older than 45d", {"account"}},
      {"identity", "any(a in x.accounts where no(g in a.grants))", {"grant"}},
      {"account", "x.last_login is unknown", {"account"}},
  };
  for (const Row& row : rows) {
    CAPTURE(row.condition);
    PlannerWorld world("policy q \"Q\" { mode enforce for x in " + std::string(row.entity) +
                       " when " + row.condition + " then { notify \"team\" } }");
    const RuleReads reads = ReadsOf(*world.program, world.program->rules[0]);
    std::set<EntityId> expected;
    for (const char* entity : row.silent_about) expected.insert(world.EntityOf(entity));
    CHECK(reads.silences == expected);
    CHECK(reads.facts.count(world.EntityOf(row.entity)) == 1);
  }
}

TEST_CASE("the closed world holds with its reason until the snapshot is there") {
  PlannerWorld world(R"(
policy orphan "Orphans" { mode enforce for a in account when a.owner is unknown then { disable a } }
)");
  world.Account("a", nullptr);
  FeedStatus feed;
  feed.source = "hr";
  feed.entity = world.EntityOf("identity");
  feed.observed_at = world.now;
  world.options.feeds = {feed};
  const PlanOutcome held = world.Plan();
  CHECK(ActionLines(held.plan) == Lines{"disable account a: held"});
  CHECK(held.plan.actions[0].held_because ==
        "it concludes from what is missing about identity, and the feed \"hr\" has not delivered a "
        "complete snapshot yet");
  world.options.feeds[0].declared = false;
  CHECK(ActionLines(world.Plan().plan) == Lines{"disable account a: ready"});
  world.options.feeds[0].declared = true;
  world.options.feeds[0].snapshot_observed_at = world.now;
  CHECK(ActionLines(world.Plan().plan) == Lines{"disable account a: ready"});
}

TEST_CASE("a policy nobody confirmed is held where nobody is there to confirm") {
  PlannerWorld world(Policy("then { disable a }"));
  world.Account("a", nullptr).Set("privileged", PlainValue(true));
  const PlanOutcome plain = world.Plan();
  CHECK(plain.plan.cold_start);
  CHECK(ActionLines(plain.plan) == Lines{"disable account a: ready"});
  world.options.hold_unconfirmed = true;
  const PlanOutcome held = world.Plan();
  CHECK(ActionLines(held.plan) == Lines{"disable account a: held"});
  CHECK(held.plan.actions[0].held_because.starts_with("the policy is new"));
  world.AddRelease("p.every");
  AppliedSelection selection = PlannerWorld::Everything();
  PlanOutcome released = world.Plan();
  CHECK(ActionLines(released.plan) == Lines{"disable account a: ready"});
  CHECK(released.confirming_releases.size() == 1);
  CHECK(released.used_releases.empty());
  const eval::EvaluationInput input{*world.program, *world.base, world.holidays, world.now};
  world.store.Apply(RecordApplied(input, world.previous, released, selection).batch);
  CHECK(ListReleases(world.store)->empty());  // one-shot
  const PlanOutcome after = world.Plan();
  CHECK_FALSE(after.plan.cold_start);
  CHECK(ActionLines(after.plan) == Lines{"disable account a: ready"});
  world.Change(Policy("then { disable a  end a.sessions }"));
  CHECK(world.Plan().plan.cold_start);
  world.Account("b", nullptr).Set("privileged", PlainValue(true));
  const PlanOutcome changed = world.Plan();
  CHECK(FindAction(changed.plan, Verb::kDisable, "a")->status == ActionStatus::kReady);  // begun
  CHECK(FindAction(changed.plan, Verb::kDisable, "b")
            ->held_because.starts_with("the policy has changed its meaning"));
}

TEST_CASE("what only a running engine can do is held with a plain reason") {
  PlannerWorld world(
      Policy("then { suspend a }\n then after 1d once approved by \"ciso\" within 3d "
             "else hold { delete a }"));
  world.Account("a", nullptr).Set("privileged", PlainValue(true));
  const PlanOutcome outcome = world.Plan();
  CHECK(ActionLines(outcome.plan) == Lines{"suspend account a: held", "delete account a: notice"});
  CHECK(outcome.plan.actions[0].held_because.find("`suspend` is undone") == 0);
  world.options.can_undo_suspend = true;
  world.Verify(world.Apply().plan);
  world.facts.Live("account", "a").Set("status", "disabled");
  world.now = Plus(world.now, "1d");
  const PlanOutcome later = world.Plan();
  CHECK(ActionLines(later.plan) == Lines{"delete account a: held"});
  CHECK(later.plan.actions[0].held_because.find("it needs an approval") == 0);
}

TEST_CASE("an action without an executor is held, the others of its stage go") {
  PlannerWorld world(Policy("then { disable a  revoke a.grants  run \"lock\" on a }"));
  world.Account("a", nullptr).Set("privileged", PlainValue(true));
  world.Account("b", nullptr, "crm").Set("privileged", PlainValue(true));
  world.Grant("g", "a");
  world.options.support = [](const Action& action) {
    SystemSupport support;
    support.has_target = action.target.system == "ldap";
    support.can = support.has_target && action.verb == Verb::kDisable;
    support.reversible = support.can;
    return support;
  };
  const PlanOutcome outcome = world.Plan();
  CHECK(ActionLines(outcome.plan) == Lines{"disable account a: ready", "run account a: held",
                                           "disable account b: held", "run account b: held",
                                           "revoke grant g: held"});
  CHECK(outcome.plan.actions[0].reversible);
  CHECK(outcome.plan.actions[1].held_because == "[target.ldap] cannot run lock");
  CHECK(outcome.plan.actions[2].held_because ==
        "rescind.toml has no [target.crm] that could do it");
  CHECK(outcome.plan.actions[4].held_because == "[target.ldap] cannot revoke grant");
  REQUIRE(outcome.starts.size() == 1);
  CHECK(outcome.starts[0].action_keys == Lines{outcome.plan.actions[0].action.key});
}

// The notice of another policy hid it: "0 ready, 3 in notice, 0 held", and apply ended with 0.
TEST_CASE("what is due and held is held, whoever else gives notice of it") {
  PlannerWorld world(R"(
policy st "Standing" {
  mode enforce
  severity low
  for g in grant
  when g.granted_at older than 30d
  then { notify "team" }
  then after 7d { revoke g }
}
policy emg "Emergency" {
  mode enforce
  severity critical
  for g in grant
  when g.source == emergency
  then { revoke g }
  limit 1 of grant
}
)");
  world.Account("a", nullptr);
  world.Grant("g1", "a").Set("source", "emergency");
  world.Grant("g2", "a").Set("source", "emergency");
  world.Grant("g3", "a");
  const PlanOutcome outcome = world.Apply();
  CHECK(ActionLines(outcome.plan) ==
        Lines{"revoke grant g1: held", "revoke grant g2: held", "revoke grant g3: notice"});
  CHECK(outcome.plan.actions[0].held_because ==
        "over the limit of 1 of grant: 2 of at most 1; `rescind release p.emg --reason …` "
        "lets it go");
  CHECK(outcome.plan.actions[0].due == world.now);
  CHECK(outcome.plan.actions[2].held_because.empty());
  CHECK(outcome.plan.summary.held_count == 2);
  CHECK(outcome.plan.summary.notice_count == 1);
  world.now = Plus(world.now, "7d");  // the notice has run out
  CHECK(ActionLines(world.Plan().plan) ==
        Lines{"revoke grant g1: ready", "revoke grant g2: ready", "revoke grant g3: ready"});
}

// Nobody heard before the last day of the week's notice that the system has no target.
TEST_CASE("what its system cannot do is said while it is in notice") {
  PlannerWorld world(Policy("then { notify \"team\" } then after 7d { disable a }"));
  world.Account("a", nullptr).Set("privileged", PlainValue(true));
  world.options.support = [](const Action&) { return SystemSupport(); };
  world.options.unreachable = [](const std::string&) { return "nobody is there"; };
  const PlanOutcome outcome = world.Plan();
  CHECK(ActionLines(outcome.plan) == Lines{"disable account a: notice"});
  CHECK(outcome.plan.actions[0].held_because ==
        "rescind.toml has no [target.ldap] that could do it");
}

TEST_CASE("a jumped clock holds everything that removes, even what has begun") {
  PlannerWorld world(Policy("then { disable a }"));
  world.Account("a", nullptr).Set("privileged", PlainValue(true));
  world.Apply();
  world.Account("b", nullptr).Set("privileged", PlainValue(true));
  world.options.hold_everything_because = "the clock jumped ahead by 2 days";
  const PlanOutcome outcome = world.Plan();
  CHECK(ActionLines(outcome.plan) == Lines{"disable account a: held", "disable account b: held"});
  CHECK(outcome.plan.actions[0].held_because == "the clock jumped ahead by 2 days");
  CHECK(outcome.starts.empty());
}

TEST_CASE("the plan says when time alone changes it") {
  PlannerWorld world(Policy("then { notify \"team\" }\n then after 7d { disable a }"));
  CHECK(world.Plan().next_due == Instant::Never());
  world.Account("a", nullptr).Set("privileged", PlainValue(true));
  CHECK(world.Plan().next_due == Plus(world.now, "7d"));
  Exemption exemption;
  exemption.expires_at = Plus(world.now, "3d");
  world.Exempt(exemption);
  CHECK(world.Plan().next_due == Plus(world.now, "3d"));
}

TEST_CASE("confirming a plan confirms the policies that it shows, matching or not") {
  PlannerWorld world(Policy("then { disable a }") + R"(
policy quiet "Quiet" { mode enforce for i in identity when i.status == terminated
  then { disable i } }
)");
  const PlanOutcome outcome = world.Apply();
  CHECK(outcome.unconfirmed == Lines{"p.every", "p.quiet"});
  CHECK_FALSE(outcome.plan.cold_start);  // nothing would happen
  world.Account("a", nullptr).Set("privileged", PlainValue(true));
  world.options.hold_unconfirmed = true;
  CHECK(ActionLines(world.Plan().plan) == Lines{"disable account a: ready"});
}

TEST_CASE("only what was handed over begins") {
  PlannerWorld world(Policy("then { notify \"team\" }\n then after 7d { disable a }"));
  world.Account("a", nullptr).Set("privileged", PlainValue(true));
  world.Account("b", nullptr).Set("privileged", PlainValue(true));
  const PlanOutcome first = world.Plan();
  AppliedSelection selection;
  selection.notices = {{first.plan.notices[0].finding_id, 0}};
  world.Apply(selection);
  const PlanOutcome second = world.Plan();
  REQUIRE(second.plan.notices.size() == 1);
  CHECK(second.plan.notices[0].judged_id == "b");
  world.now = Plus(world.now, "7d");
  const PlanOutcome due = world.Plan();
  CHECK(ActionLines(due.plan) == Lines{"disable account a: ready", "disable account b: notice"});
  AppliedSelection one;
  one.action_keys = {due.plan.actions[0].action.key};
  world.Apply(one);
  CHECK(world.Plan().findings.Of("p.every")[0].BegunAt(1) == world.now);
  CHECK(world.Plan().findings.Of("p.every")[1].begun.empty());
  CHECK(ListRemovalStarts(world.store, Instant())->size() == 1);
}

TEST_CASE("rows that cannot be judged are listed, never acted on") {
  PlannerWorld world(R"(
policy gone "Gone" { mode enforce for a in account
  when a.owner is known and a.owner.status == terminated then { disable a } }
)");
  world.Account("undecided", "unseen");
  world.facts.Live("account", "incomplete").Set("system", "no-such-system");
  const PlanOutcome outcome = world.Plan();
  CHECK(outcome.plan.actions.empty());
  CHECK(NotActedLines(outcome.plan) ==
        Lines{"account incomplete: insufficient_data", "account undecided: insufficient_data"});
  CHECK(SummaryOf(outcome.plan, "p.gone").insufficient_count == 2);
  world.Account("undecided2", "unseen");
  world.options.listed_rows = 1;
  const PlanOutcome capped = world.Plan();
  CHECK(NotActedLines(capped.plan).size() == 2);
  CHECK(SummaryOf(capped.plan, "p.gone").insufficient_count == 3);
  CHECK(capped.plan.not_acted_on[1].detail.ends_with("(and 1 more row that is not listed)"));
  // The summary counted the listed ones only.
  CHECK(capped.plan.summary.insufficient_count == 3);
  const Result<Plan> read = DecodePlan(EncodePlan(capped.plan));
  REQUIRE(read.ok());
  Plan again = *read;
  SealPlan(again);
  CHECK(again.summary.insufficient_count == 3);
  CHECK(again.id == capped.plan.id);
}

// Filters were applied to the rows that happened to be listed.
TEST_CASE("filters apply to rows that cannot be judged before these are cut off") {
  PlannerWorld world(R"(
policy gone "Gone" { mode enforce for a in account
  when a.owner is known and a.owner.status == terminated then { disable a } }
policy unused "Unused" { mode enforce for g in grant
  when g.granted_at older than 900d then { revoke g } }
)");
  world.Person("ann").Set("manager", "unseen");
  for (const char* id : {"a1", "a2", "a3"}) world.Account(id, "unseen");
  world.facts.Live("account", "a4").Set("system", "no-such-system").Set("owner", "ann");
  world.options.listed_rows = 1;
  CHECK(world.Plan().plan.summary.insufficient_count == 4);
  world.options.filter_person = "ann";
  const Plan of_ann = world.Plan().plan;
  CHECK(NotActedLines(of_ann) == Lines{"account a4: insufficient_data"});
  CHECK(of_ann.summary.insufficient_count == 1);
  world.options.filter_person.clear();
  world.options.filter_policies = {"p.unused"};
  CHECK(world.Plan().plan.not_acted_on.empty());
  CHECK(world.Plan().plan.summary.insufficient_count == 0);
}

}  // namespace
}  // namespace rescind
