// Which facts the audit log commits to without showing them.
#include "runtime/plan/personal_data.h"

#include <doctest/doctest.h>

#include "tests/unit/runtime/plan/planner_world.h"

namespace rescind {
namespace {

constexpr const char* kOwnFields = R"(
extend identity { phone : text?  pagers : set of text  floor : int? }
extend account { upn : text? }
entity badge { holder : identity  email : text? }
policy upn "U" { mode enforce for a in account when a.privileged because "of {a.upn}"
  then { disable a } }
policy job "J" { mode enforce for a in account when a.owner is known because "of {a.owner.job}"
  then { disable a } }
)";

TEST_CASE("a text that a workspace adds to people or their accounts may name somebody") {
  const PlannerWorld world(kOwnFields);
  const ir::Program& program = *world.program;
  const auto is_personal = [&](const char* entity, const char* field) {
    const auto id = program.schema.Find(entity);
    REQUIRE(id);
    const auto named = program.schema.entity(*id).Find(field);
    REQUIRE_MESSAGE(named, (std::string(entity) + "." + field));
    return IsPersonal(program.schema, *id, *named);
  };
  for (const char* field : {"name", "email", "phone", "pagers"}) {
    CHECK_MESSAGE(is_personal("identity", field), field);
  }
  for (const char* field :
       {"department", "job", "timezone", "tags", "floor", "status", "manager"}) {
    CHECK_MESSAGE(!is_personal("identity", field), field);
  }
  for (const char* field : {"username", "upn"}) CHECK_MESSAGE(is_personal("account", field), field);
  for (const char* field : {"owner", "tags", "last_login"}) {
    CHECK_MESSAGE(!is_personal("account", field), field);
  }
  CHECK(is_personal("badge", "email"));
  CHECK(!is_personal("badge", "holder"));
  CHECK(!is_personal("grant", "ticket"));
  CHECK(!is_personal("entitlement", "name"));
  for (const ir::Rule& rule : program.rules) {
    CHECK_MESSAGE(IsBecausePersonal(program, rule) == (rule.full_name == "p.upn"), rule.full_name);
  }
}

}  // namespace
}  // namespace rescind
