// Exemptions and a clock that was wrong.
#include "tests/unit/runtime/plan/planner_world.h"

namespace rescind {
namespace {

// The clock was two hours ahead when it was given, and put right: the exempt account was disabled.
TEST_CASE("an exemption covers from when it was given, whatever the clock said then") {
  PlannerWorld world(
      "policy p \"P\" { mode enforce for a in account when a.privileged then { disable a } }");
  world.Account("a", nullptr).Set("privileged", PlainValue(true));
  Exemption exemption;
  exemption.entity = "account";
  exemption.row_id = "a";
  exemption.expires_at = Plus(world.now, "9d");
  world.Exempt(exemption);
  world.now = {world.now.micros - 2 * kMicrosPerHour};
  CHECK(world.Plan().plan.actions.empty());
  CHECK(NotActedLines(world.Plan().plan).size() == 1);
}

}  // namespace
}  // namespace rescind
