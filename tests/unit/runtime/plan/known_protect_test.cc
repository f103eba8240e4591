// A protect that becomes narrower or vanishes holds what it may have kept, until a person confirms.
#include "tests/unit/runtime/plan/planner_world.h"

namespace rescind {
namespace {

constexpr const char* kDisablesAll =
    "policy old \"Old\" { mode enforce for a in account when a.username != \"x\" then { disable a "
    "} "
    "}\n";
std::string KeepTagged(const std::string& name, const std::string& tag) {
  return "protect " + name + " \"Kept\" { for a in account when a.tags has \"" + tag + "\" }\n";
}

// Two accounts; one of them is protected, and all of it is confirmed.
struct ConfirmedWorld : PlannerWorld {
  ConfirmedWorld() : PlannerWorld(kDisablesAll + KeepTagged("vip", "vip")) {
    Account("a", nullptr);
    Account("b", nullptr).Set("tags", std::vector<std::string>{"vip"});
    AppliedSelection nothing;
    Apply(nothing);
    options.hold_unconfirmed = true;
    REQUIRE(ActionLines(Plan().plan) == Lines{"disable account a: ready"});
  }
  Lines LinesAfter(const std::string& protects) {
    Change(kDisablesAll + protects);
    return ActionLines(Plan().plan);
  }
};
const Lines kHeldBoth = {"disable account a: held", "disable account b: held"};
const Lines kOnlyA = {"disable account a: ready"};

// `apply --auto` went on, and removed what the protect had kept.
TEST_CASE("a policy is held when a protect that it was confirmed with is changed or gone") {
  ConfirmedWorld world;
  CHECK(world.LinesAfter(KeepTagged("vip", "board")) == kHeldBoth);
  const PlanOutcome narrowed = world.Plan();
  CHECK(narrowed.plan.cold_start);
  CHECK(narrowed.unconfirmed == Lines{"p.old"});
  CHECK(SummaryOf(narrowed.plan, "p.old").unconfirmed_because ==
        "the protect p.vip was changed or is gone");
  CHECK(narrowed.plan.actions[0].held_because ==
        "the protect p.vip was changed or is gone and nobody has confirmed it: apply a plan with "
        "`--confirm`, or `rescind release p.old --reason …`");
  CHECK(world.LinesAfter("") == kHeldBoth);
  world.Record();  // an apply that confirms nothing changes nothing of it
  CHECK(world.LinesAfter("") == kHeldBoth);
  CHECK(world.LinesAfter(KeepTagged("vip", "vip")) == kOnlyA);
  world.LinesAfter("");
  AppliedSelection nothing;
  world.Apply(nothing);  // a person confirms it
  CHECK(ActionLines(world.Plan().plan) ==
        Lines{"disable account a: ready", "disable account b: ready"});
}

TEST_CASE("a protect that is added or gets another name holds nothing, and counts from then on") {
  ConfirmedWorld world;
  CHECK(world.LinesAfter(KeepTagged("board", "vip")) == kOnlyA);
  CHECK(world.LinesAfter(KeepTagged("vip", "vip") + KeepTagged("more", "more")) == kOnlyA);
  CHECK(world.LinesAfter(KeepTagged("vip", "vip")) == kOnlyA);
  world.LinesAfter(KeepTagged("vip", "vip") + KeepTagged("more", "more"));
  world.Record();
  CHECK(world.LinesAfter(KeepTagged("vip", "vip")) == Lines{"disable account a: held"});
}

TEST_CASE("of a policy that an earlier program confirmed the next apply notes the protects") {
  ConfirmedWorld world;
  PolicyRecord record = *FindingBook::Load(world.store)->Record("p.old");
  REQUIRE(record.protects.size() == 1);
  record.protects.clear();
  world.store.values["finding/policy/p.old"] = EncodePolicyRecord(record);
  CHECK(ActionLines(world.Plan().plan) == kOnlyA);
  world.Record();
  CHECK(world.LinesAfter("") == kHeldBoth);
}

TEST_CASE("a release does not outlive the protects that its author has seen") {
  ConfirmedWorld world;
  world.LinesAfter(KeepTagged("vip", "board"));
  world.AddRelease("p.old");
  CHECK(ActionLines(world.Plan().plan) ==
        Lines{"disable account a: ready", "disable account b: ready"});
  CHECK(world.LinesAfter("") == kHeldBoth);
}

}  // namespace
}  // namespace rescind
