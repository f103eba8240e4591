// What a plan says about its actions, for whom it is filtered, and what must hold of every plan.
#include <fmt/format.h>

#include <random>

#include "runtime/plan/plan_json.h"
#include "runtime/plan/relevant_rule.h"
#include "tests/unit/runtime/plan/planner_world.h"
#include "tests/unit/test_seed.h"

namespace rescind {
namespace {

constexpr const char* kPolicies = R"(
policy stale "Stale" {
  mode enforce
  for g in grant
  when (g.last_used ?? g.granted_at) older than 90d
  because "last used {g.last_used} by {g.account.owner?.name}"
  then { notify g.account.owner?.manager ?? "team" }
  then after 7d { revoke g }
  limit 60% of grant per g.account.system per day
}
policy left "Left" {
  mode enforce
  severity high
  for i in identity
  when i.status == terminated
  then { disable i  revoke i.accounts.grants }
  then after 30d { delete i.accounts }
  limit 4 of identity
}
policy unowned "Unowned" {
  mode enforce
  for a in account
  when a.owner is unknown
  then { disable a  end a.sessions }
}
protect kept "Kept" { for a in account when a.tags has "keep" }
protect vault "Vault" { for e in entitlement when e.name == "name-vault" }
)";

TEST_CASE("evidence names the facts, their values and the feeds that said so") {
  PlannerWorld world(kPolicies);
  world.Person("ann").Set("name", "Ann");
  world.Account("a", "ann");
  world.Grant("g", "a").SetOrigin("granted_at", {"directory", world.now});
  const PlanOutcome outcome = world.Plan();
  const PlannedAction* action = FindAction(outcome.plan, Verb::kRevoke, "g");
  REQUIRE(action);
  CHECK(action->reasons[0].because == "last used unknown by Ann");
  CHECK(action->reasons[0].source_line == "policies/p.rescind:6");
  bool seen = false;
  for (const Evidence& evidence : action->reasons[0].evidence) {
    if (!evidence.path.ends_with("granted_at")) continue;
    seen = true;
    CHECK(evidence.value == "2025-01-01T00:00:00Z");
    CHECK(evidence.source == "directory");
  }
  CHECK(seen);
  CHECK(action->action.target.attributes ==
        std::map<std::string, std::string>{{"account", "a"},
                                           {"account.owner", "ann"},
                                           {"account.username", "u-a"},
                                           {"entitlement", "vpn"},
                                           {"entitlement.name", "name-vpn"}});
}

TEST_CASE("roll-ups count targets of a population by system, department and privilege") {
  PlannerWorld world(kPolicies);
  world.Person("ann").Set("department", "sales");
  world.Person("bob").Set("department", "it");
  world.Account("a", "ann");
  world.Account("b", "bob", "crm").Set("privileged", PlainValue(true));
  world.Grant("g1", "a");
  world.Grant("g2", "a").Set("last_used", world.now);
  world.Grant("g3", "b");
  const PlanOutcome outcome = world.Plan();
  REQUIRE(outcome.plan.roll_ups.size() == 2);
  const RollUp& crm = outcome.plan.roll_ups[0];
  CHECK(crm.system == "crm");
  CHECK(crm.department == "it");
  CHECK(crm.privileged);
  CHECK(crm.count == 1);
  CHECK(crm.population == 1);
  const RollUp& ldap = outcome.plan.roll_ups[1];
  CHECK(ldap.department == "sales");
  CHECK(ldap.count == 1);
  CHECK(ldap.population == 2);
  CHECK(outcome.plan.summary.person_count == 2);
  CHECK(outcome.plan.summary.system_count == 2);
}

TEST_CASE("why: the rules that judge a row, those whose actions name it, protects that cover it") {
  PlannerWorld world(kPolicies);
  world.Person("ann");
  world.Account("a", "ann");
  world.Grant("g", "a");
  world.Plan();
  const eval::EvaluationInput input{*world.program, *world.base, world.holidays, world.now};
  const auto lines = [&](const char* entity, const char* id) {
    Lines result;
    const EntityId of = world.EntityOf(entity);
    for (const RelevantRule& relevant :
         FindRelevantRules(input, of, world.facts.Mention(entity, id).id())) {
      const ir::Rule& rule = world.program->rules[relevant.rule];
      std::string line =
          rule.full_name + " on " + *world.base->texts().Id(rule.entity, relevant.row);
      if (relevant.judges_target) line += " judges";
      if (relevant.covers) line += " covers";
      for (const auto& naming : relevant.namings) {
        line += fmt::format(" {}@{}", VerbName(naming.verb), naming.stage);
      }
      result.push_back(line);
    }
    return result;
  };
  CHECK(lines("grant", "g") == Lines{"p.left on ann revoke@0", "p.stale on g judges revoke@1",
                                     "p.kept on a covers", "p.vault on vpn covers"});
  CHECK(lines("account", "a") == Lines{"p.left on ann disable@0 delete@1",
                                       "p.unowned on a judges disable@0",
                                       "p.kept on a judges covers"});
}

// ---- What must hold of every plan, on random worlds ----

struct RandomWorld {
  explicit RandomWorld(uint64_t seed) : random(seed), world(kPolicies) {
    for (int i = 0; i < 6; ++i) {
      world.Person(fmt::format("p{}", i).c_str(), "employee", Chance(3) ? "terminated" : "active")
          .Set("department", Chance(2) ? "it" : "sales");
    }
    for (int i = 0; i < 10; ++i) {
      const std::string owner = fmt::format("p{}", Below(7));  // p6 is never delivered
      auto row = world.Account(fmt::format("a{}", i), Chance(4) ? nullptr : owner.c_str(),
                               Chance(2) ? "ldap" : "crm");
      if (Chance(6)) row.Set("tags", std::vector<std::string>{"keep"});
      if (Chance(6)) row.Set("status", "disabled");
      row.Set("privileged", PlainValue(Chance(3)));
    }
    for (int i = 0; i < 14; ++i) {
      auto row = world.Grant(fmt::format("g{}", i), fmt::format("a{}", Below(10)),
                             Chance(6) ? "vault" : "vpn");
      if (Chance(2)) row.Set("last_used", Instant{world.now.micros - Below(200) * kMicrosPerDay});
    }
  }
  bool Chance(int in) { return Below(in) == 0; }
  int64_t Below(int64_t bound) {
    return static_cast<int64_t>(random() % static_cast<uint64_t>(bound));
  }
  // Some days pass, something changes, somebody exempts.
  void Step() {
    world.now = Plus(world.now, fmt::format("{}h", 1 + Below(240)));
    const std::string account = fmt::format("a{}", Below(10));
    if (Chance(2)) {
      world.facts.Live("account", account).Set("status", Chance(2) ? "disabled" : "active");
    }
    if (Chance(3)) world.facts.Remove("grant", fmt::format("g{}", Below(14)), world.now);
    if (Chance(4)) {
      Exemption exemption;
      exemption.entity = Chance(2) ? "account" : "identity";
      exemption.row_id = fmt::format("{}{}", exemption.entity == "account" ? "a" : "p", Below(6));
      exemption.expires_at = Plus(world.now, fmt::format("{}d", 1 + Below(30)));
      world.Exempt(exemption);
    }
  }

  std::mt19937_64 random;
  PlannerWorld world;
};

// Rows that a protect or an active exemption covers, worked out by hand from plain facts.
bool IsCovered(const PlannerWorld& world, const PlannedAction& planned) {
  const FactBase& base = *world.base;
  const std::string& id = planned.action.target.id;
  const auto of = planned.action.target.attributes.find("account");
  const std::string account = planned.action.target.entity == "account" ? id : of->second;
  const EntityId accounts = world.EntityOf("account");
  const RowId row = **base.texts().Find(accounts, account);
  const FieldId tags = *world.schema->entity(accounts).Find("tags");
  if (base.table(accounts).column(tags).sets()[row.index()] != kEmptySet) return true;
  const auto name = planned.action.target.attributes.find("entitlement");
  if (name != planned.action.target.attributes.end() && name->second == "vault") return true;
  for (const Exemption& exemption : world.options.exemptions) {
    if (!exemption.active(world.now)) continue;
    if (exemption.entity == "account" && exemption.row_id == account) return true;
    if (exemption.entity == "identity" && exemption.row_id == planned.subject.person) return true;
  }
  return false;
}

void CheckPlan(RandomWorld& random, const PlanOutcome& outcome) {
  PlannerWorld& world = random.world;
  std::set<std::string> keys;
  for (const PlannedAction& planned : outcome.plan.actions) {
    CAPTURE(planned.action.target.id);
    CHECK_FALSE(IsCovered(world, planned));
    CHECK(keys.insert(planned.action.key).second);
    CHECK(outcome.terms.count(planned.action.key) == 1);
    CHECK_FALSE(planned.reasons.empty());
    CHECK((planned.status == ActionStatus::kNotice) == (planned.due > world.now));
    const bool says_why = !planned.held_because.empty();
    if (planned.status != ActionStatus::kNotice) {
      CHECK((planned.status == ActionStatus::kHeld) == says_why);
    }
  }
  // The limit of p.left: what starts now, unless held, is at most 4 people.
  std::set<uint32_t> people;
  for (const StageStart& start : outcome.starts) {
    if (start.policy == "p.left" && start.removes && start.start.first && !start.begun) {
      people.insert(start.row.index());
    }
    for (const std::string& key : start.action_keys) CHECK(keys.count(key) == 1);
  }
  CHECK(people.size() <= 4);

  CHECK(world.Plan().plan.id == outcome.plan.id);
  world.options.filter_policies = {"p.left"};
  const PlanOutcome left = world.Plan();
  world.options.filter_policies.clear();
  world.options.filter_person = "p1";
  const PlanOutcome person = world.Plan();
  world.options.filter_person.clear();
  std::map<std::string, std::string> whole;
  for (const PlannedAction& planned : outcome.plan.actions) {
    whole[planned.action.key] = fmt::format("{} {}", int(planned.status), planned.held_because);
  }
  for (const Plan* filtered : {&left.plan, &person.plan}) {
    for (const PlannedAction& planned : filtered->actions) {
      REQUIRE(whole.count(planned.action.key) == 1);
      CHECK(whole[planned.action.key] ==
            fmt::format("{} {}", int(planned.status), planned.held_because));
    }
  }
  for (const PlannedAction& planned : person.plan.actions) CHECK(planned.subject.person == "p1");
}

TEST_CASE("no plan touches what is protected or exempt, exceeds a limit, or depends on chance") {
  for (uint64_t round = 0; round < 6; ++round) {
    const uint64_t seed = TestSeed() + round;
    CAPTURE(seed);
    RandomWorld random(seed);
    for (int step = 0; step < 6; ++step) {
      CheckPlan(random, random.world.Plan());
      random.world.Apply();
      random.Step();
    }
  }
}

TEST_CASE("a plan of the planner survives its file") {
  RandomWorld random(TestSeed());
  const PlanOutcome outcome = random.world.Plan();
  const std::string text = EncodePlan(outcome.plan);
  const auto read = DecodePlan(text);
  REQUIRE(read.ok());
  CHECK(read->id == outcome.plan.id);
  CHECK(EncodePlan(*read) == text);
}

}  // namespace
}  // namespace rescind
