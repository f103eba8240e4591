// Which facts the audit log commits to without showing them.
#include "runtime/plan/personal_data.h"

#include <doctest/doctest.h>

#include "tests/unit/runtime/plan/planner_world.h"

namespace rescind {
namespace {

constexpr const char* kOwnFields = R"(
extend identity { phone : text?  pagers : set of text  floor : int? }
extend account { upn : text? }
extend grant { requested_by : text? }
entity badge { holder : identity  kind : text? }
policy upn "Says a text of its own" { mode enforce for a in account
  when a.privileged because "of {a.upn}" then { disable a } }
policy job "Says what names nobody" { mode enforce for a in account
  when a.owner is known because "of {a.owner.job}" then { disable a }
  limit 1 of account per a.owner?.email }
policy named "Gives no reason" { mode enforce for a in account
  when (a.owner?.name ?? "") == "Cyd Carr" then { disable a } }
policy unnamed "Gives no reason" { mode enforce for a in account
  when (a.owner?.job ?? "") == "clerk" then { disable a }
  limit 1 of account per a.owner?.department }
policy member "Reads a member" { mode enforce for i in identity
  when any(a in i.accounts where a.username != "x") then { disable i.accounts } }
)";

struct PersonalWorld : PlannerWorld {
  PersonalWorld() : PlannerWorld(kOwnFields) {}
  bool Is(const char* entity, const char* field) const {
    const auto id = program->schema.Find(entity);
    REQUIRE(id);
    const auto named = program->schema.entity(*id).Find(field);
    REQUIRE_MESSAGE(named, (std::string(entity) + "." + field));
    return IsPersonal(program->schema, *id, *named);
  }
};

TEST_CASE("a text is personal but for those of the standard model that name nobody") {
  const PersonalWorld world;
  for (const char* field : {"name", "email", "phone", "pagers"}) {
    CHECK_MESSAGE(world.Is("identity", field), field);
  }
  for (const char* field :
       {"department", "job", "timezone", "tags", "floor", "status", "manager"}) {
    CHECK_MESSAGE(!world.Is("identity", field), field);
  }
  for (const char* field : {"username", "upn"}) CHECK_MESSAGE(world.Is("account", field), field);
  for (const char* field : {"owner", "tags", "last_login"}) {
    CHECK_MESSAGE(!world.Is("account", field), field);
  }
  CHECK(world.Is("grant", "requested_by"));
  CHECK(!world.Is("grant", "ticket"));
  CHECK(world.Is("session", "origin"));
  CHECK(world.Is("badge", "kind"));
  CHECK(!world.Is("badge", "holder"));
  CHECK(!world.Is("entitlement", "name"));
}

TEST_CASE("a reason is personal that says a personal text, or repeats a condition on one") {
  const PersonalWorld world;
  std::vector<std::string> personal;
  for (const ir::Rule& rule : world.program->rules) {
    if (IsBecausePersonal(*world.program, rule)) personal.push_back(rule.full_name);
  }
  CHECK(personal == std::vector<std::string>{"p.member", "p.named", "p.upn"});
}

TEST_CASE("a group of a limit is personal that is made of a personal text") {
  const PersonalWorld world;
  CHECK(IsGroupPersonal(*world.program, "p.job"));
  CHECK(!IsGroupPersonal(*world.program, "p.unnamed"));
  CHECK(IsGroupPersonal(*world.program, "p.gone"));
}

// The path of a member's fact is none of the rule's own: usernames stood in the log in plain.
TEST_CASE("evidence of a member is as personal as that of the row") {
  PersonalWorld world;
  world.Person("con");
  world.Account("mine", "con");
  const PlanOutcome outcome = world.Plan();
  std::vector<std::string> personal;
  for (const PlannedAction& planned : outcome.plan.actions) {
    for (const PlannedReason& reason : planned.reasons) {
      if (reason.policy != "p.member") continue;
      for (const Evidence& evidence : reason.evidence) {
        if (evidence.personal) personal.push_back(evidence.path);
      }
    }
  }
  CHECK(personal == std::vector<std::string>{"account mine: username"});
}

}  // namespace
}  // namespace rescind
