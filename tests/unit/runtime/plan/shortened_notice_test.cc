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

std::string Staged(const std::string& stages) {
  return "policy unused \"Unused\" {\n mode enforce\n for a in account\n when a.owner is "
         "unknown\n" +
         stages + "}\n";
}
constexpr const char* kNoticeDisableDelete =
    " then { notify \"team\" }\n then after 7d { disable a }\n then after 30d { delete a }\n";

// Told on April 1st: disabled on the 8th, deleted on May 1st. It is April 4th.
struct AnnouncedInStages : PlannerWorld {
  AnnouncedInStages() : PlannerWorld(Staged(kNoticeDisableDelete)) {
    Account("a", nullptr);
    Apply();
    now = Plus(now, "3d");
  }
  Instant Due(Verb verb) { return FindAction(Plan().plan, verb, "a")->due; }
  std::string Confirming() { return SummaryOf(Plan().plan, "p.unused").confirming; }
};

// `delete` was carried out on day 10 of the 30 that had been announced; nobody was asked, and the
// plan said nothing.
TEST_CASE("a later stage that an edit brings forward keeps its date until that is confirmed") {
  AnnouncedInStages world;
  world.Change(Staged(
      " then { notify \"team\" }\n then after 7d { disable a }\n then after 10d { delete a }\n"));
  CHECK(world.Due(Verb::kDisable) == At("2026-04-08T00:00Z"));
  CHECK(world.Due(Verb::kDelete) == At("2026-05-01T00:00Z"));
  CHECK(world.Confirming() ==
        "confirming shortens the wait for delete from 30d to 10d: 1 action falls due earlier than "
        "was announced, from 2026-04-11T00:00:00Z on; who was told the later date is not told "
        "again");
  world.Apply(AppliedSelection());  // confirmed
  CHECK(world.Confirming().empty());
  CHECK(world.Due(Verb::kDisable) == At("2026-04-08T00:00Z"));
  CHECK(world.Due(Verb::kDelete) == At("2026-04-11T00:00Z"));
}

TEST_CASE("an action that an edit moves into an earlier stage keeps its date until then") {
  AnnouncedInStages world;
  world.Change(Staged(" then { notify \"team\" }\n then after 7d { disable a  delete a }\n"));
  CHECK(world.Due(Verb::kDelete) == At("2026-05-01T00:00Z"));
  CHECK(world.Confirming().starts_with(
      "confirming shortens the notice from 30d to 7d: 2 actions fall due earlier"));
}

TEST_CASE("a stage that an edit puts in, takes out or delays leaves the others their dates") {
  AnnouncedInStages world;
  world.Change(
      Staged(" then { notify \"team\" }\n then after 7d { disable a }\n then after 14d { end "
             "a.sessions }\n"
             " then after 30d { delete a }\n"));
  CHECK(world.Due(Verb::kDelete) == At("2026-05-01T00:00Z"));
  CHECK(world.Confirming().empty());
  world.Change(Staged(" then { notify \"team\" }\n then after 30d { delete a }\n"));
  CHECK(world.Due(Verb::kDelete) == At("2026-05-01T00:00Z"));
  CHECK(world.Confirming().empty());
  // Taken out and put back, shorter, without anybody's word in between.
  world.Change(Staged(" then { notify \"team\" }\n then after 7d { disable a }\n"));
  world.Record();
  world.Change(Staged(
      " then { notify \"team\" }\n then after 7d { disable a }\n then after 9d { delete a }\n"));
  CHECK(world.Due(Verb::kDelete) == At("2026-05-01T00:00Z"));
  world.Change(Staged(
      " then { notify \"team\" }\n then after 20d { disable a }\n then after 45d { delete a }\n"));
  CHECK(world.Due(Verb::kDisable) == At("2026-04-21T00:00Z"));
  CHECK(world.Due(Verb::kDelete) == At("2026-05-16T00:00Z"));
  CHECK(world.Confirming().empty());
}

TEST_CASE("a longer notice, and another text with the same one, brings nothing forward") {
  Announced world;
  world.Change(Unused("60d"));
  CHECK(SummaryOf(world.Plan().plan, "p.unused").confirming.empty());
  world.Change(Unused("30d") + "protect p \"P\" { for a in account when a.tags has \"p\" }\n");
  CHECK(SummaryOf(world.Plan().plan, "p.unused").confirming.empty());
}

// The stage that had announced it was gone, so nothing seemed to have been announced.
TEST_CASE("an edit that puts the notice into another stage leaves what was announced its date") {
  for (const char* edited :
       {" then after 5d { notify \"team\"  delete a }\n",
        " then { notify \"team\"  disable a }\n then after 5d { delete a }\n",
        " then { notify \"boss\" }\n then after 1d { disable a }\n then after 5d { delete a }\n"}) {
    CAPTURE(edited);
    PlannerWorld world(Staged(" then { notify \"team\" }\n then after 30d { delete a }\n"));
    world.Account("a", nullptr);
    world.Apply();
    world.now = Plus(world.now, "3d");
    world.Change(Staged(edited));
    for (int day = 0; day < 8; ++day) {
      const PlanOutcome outcome = world.Plan();
      const PlannedAction* planned = FindAction(outcome.plan, Verb::kDelete, "a");
      REQUIRE(planned);
      CHECK(planned->status == ActionStatus::kNotice);
      CHECK(planned->due >= At("2026-05-01T00:00Z"));
      CHECK(SummaryOf(outcome.plan, "p.unused").confirming.find("from 30d to 5d") !=
            std::string::npos);
      world.now = Plus(world.now, "1d");
    }
  }
}

}  // namespace
}  // namespace rescind
