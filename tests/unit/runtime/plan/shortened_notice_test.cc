// A new text gives a shorter notice than people were told: what was announced stands until a person
// confirms it, and whoever does reads before what that brings forward.
#include "runtime/plan/plan_html.h"
#include "runtime/plan/plan_json.h"
#include "tests/unit/runtime/plan/planner_world.h"

namespace rescind {
namespace {

std::string Unused(const std::string& after) {
  return "policy unused \"Unused\" {\n mode enforce\n for g in grant\n when g.source == request\n "
         "then { notify \"team\" }\n then after " +
         after + " { revoke g }\n}\n";
}

// g0 was announced on April 1st for May 1st, g1 five days later.
struct Announced : PlannerWorld {
  Announced() : PlannerWorld(Unused("30d")) {
    Account("a", nullptr);
    Grant("g0", "a");
    Apply();
    now = Plus(now, "5d");
    Grant("g1", "a");
    Apply();
    now = Plus(now, "3d");
  }
};

// The plan that was to be confirmed showed the old dates and said nothing.
TEST_CASE("a plan says which announced dates confirming it brings forward") {
  Announced world;
  CHECK(SummaryOf(world.Plan().plan, "p.unused").confirming.empty());
  world.Change(Unused("7d"));
  const PlanOutcome shorter = world.Plan();
  const std::string text =
      "confirming shortens the notice from 30d to 7d: 2 actions fall due earlier than was "
      "announced, 1 at once, from 2026-04-13T00:00:00Z on; who was told the later date is not told "
      "again";
  CHECK(SummaryOf(shorter.plan, "p.unused").confirming == text);
  CHECK(FindAction(shorter.plan, Verb::kRevoke, "g0")->due == At("2026-05-01T00:00Z"));
  CHECK(FormatPlan(shorter.plan, {}).find("! sooner: " + text) != std::string::npos);
  CHECK(FormatPlanHtml(shorter.plan, "").find("! sooner: " + text) != std::string::npos);
  const auto read = DecodePlan(EncodePlan(shorter.plan));
  REQUIRE(read.ok());
  CHECK(read->policies[0].confirming == text);
  world.options.filter_person = "nobody";  // no row of theirs comes nearer
  CHECK(SummaryOf(world.Plan().plan, "p.unused").confirming.empty());
}

TEST_CASE("what it says of confirming is what happens then") {
  Announced world;
  world.Change(Unused("7d"));
  AppliedSelection nothing;
  world.Apply(nothing);  // confirmed
  const PlanOutcome confirmed = world.Plan();
  CHECK(SummaryOf(confirmed.plan, "p.unused").confirming.empty());
  CHECK(ActionLines(confirmed.plan) == Lines{"revoke grant g0: ready", "revoke grant g1: notice"});
  CHECK(FindAction(confirmed.plan, Verb::kRevoke, "g1")->due == At("2026-04-13T00:00Z"));
}

TEST_CASE("a longer notice, and another text with the same one, brings nothing forward") {
  Announced world;
  world.Change(Unused("60d"));
  CHECK(SummaryOf(world.Plan().plan, "p.unused").confirming.empty());
  world.Change(Unused("30d") + "protect p \"P\" { for a in account when a.tags has \"p\" }\n");
  CHECK(SummaryOf(world.Plan().plan, "p.unused").confirming.empty());
}

}  // namespace
}  // namespace rescind
