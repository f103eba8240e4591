// An action that several stages have let go is undone once all of them are rolled back, and then
// only if nobody else wants it as it is.
#include <doctest/doctest.h>

#include "tests/unit/runtime/journal/journal_simulation.h"

namespace rescind {
namespace {

// Two stages: "a" asks for `shared` and for `only-a`, "b" for `shared` and for `only-b`; each on a
// system of its own.
struct TwoStages {
  TwoStages() {
    journal = world.OpenJournal();
    shared = Request("s", "shared", {"a", "b"});
    only_a = Request("sa", "only-a", {"a"});
    only_b = Request("sb", "only-b", {"b"});
  }
  static ActionRequest Request(const std::string& system, const std::string& name,
                               std::vector<std::string> stages) {
    ActionRequest request = SimulatedWorld::Request(system, name);
    request.on_failure = OnFailure::kRollback;
    request.rollback_groups = std::move(stages);
    return request;
  }
  void Plan(std::initializer_list<ActionRequest> requests) {
    REQUIRE(journal->Plan(std::vector<ActionRequest>(requests), "").ok());
  }
  // Observed, then refused.
  void Refuse(const std::string& system) {
    world.script[system] = {Fault::kNone, Fault::kPermanent};
  }
  // One run: its system cannot be reached, so it is still open when that ends.
  void RunUntilSharedIsLeft() {
    world.script["s"] = {Fault::kUnavailable};
    REQUIRE(world.Run(*journal).ok());
  }
  ActionState state(const ActionRequest& request) {
    return journal->Find(request.action.key).value()->state;
  }
  uint32_t undo_count() { return world.Target("s", "shared").undo_count; }

  SimulatedWorld world{11};
  std::unique_ptr<Journal> journal;
  ActionRequest shared, only_a, only_b;
};

// Nothing was rolled back at all when two policies, both with `rollback`, had let it go.
TEST_CASE("AnActionOfTwoStagesIsUndoneOnceBothAreRolledBack") {
  TwoStages stages;
  stages.Plan({stages.shared, stages.only_a, stages.only_b});
  stages.Refuse("sa");
  SUBCASE("one after the other") {
    stages.world.script["sb"] = {Fault::kUnavailable};  // still open when the first run ends
    REQUIRE(stages.world.Run(*stages.journal).ok());
    CHECK(stages.state(stages.only_a) == ActionState::kEscalated);
    CHECK(stages.state(stages.shared) == ActionState::kVerified);
    CHECK(stages.undo_count() == 0);
    stages.journal = stages.world.OpenJournal();
    stages.Refuse("sb");
  }
  SUBCASE("in one run") { stages.Refuse("sb"); }
  stages.world.RunToEnd(*stages.journal);
  CHECK(stages.state(stages.only_b) == ActionState::kEscalated);
  CHECK(stages.state(stages.shared) == ActionState::kCompensated);
  CHECK(stages.undo_count() == 1);
}

TEST_CASE("AnActionThatFailsRollsBackEveryStageThatHasLetItGo") {
  TwoStages stages;
  stages.Plan({stages.only_a, stages.only_b, stages.shared});
  stages.RunUntilSharedIsLeft();
  REQUIRE(stages.state(stages.only_a) == ActionState::kVerified);
  stages.Refuse("s");
  stages.world.RunToEnd(*stages.journal);
  CHECK(stages.state(stages.shared) == ActionState::kEscalated);
  CHECK(stages.state(stages.only_a) == ActionState::kCompensated);
  CHECK(stages.state(stages.only_b) == ActionState::kCompensated);
}

// It was undone weeks later, for what had joined its stage then.
TEST_CASE("WhatIsDoneOfAFinishedStageStaysWhenALaterActionOfItFails") {
  TwoStages stages;
  stages.Plan({stages.only_a, stages.only_b});
  stages.world.RunToEnd(*stages.journal);
  stages.Plan({stages.shared});
  const auto groups = [&](const ActionRequest& request) {
    return stages.journal->Find(request.action.key).value()->rollback_groups;
  };
  CHECK(groups(stages.only_a).empty());
  CHECK(groups(stages.shared) == std::vector<std::string>{"a", "b"});
  stages.Refuse("s");
  stages.world.RunToEnd(*stages.journal);
  CHECK(stages.state(stages.shared) == ActionState::kEscalated);
  CHECK(stages.state(stages.only_a) == ActionState::kVerified);
  CHECK(stages.state(stages.only_b) == ActionState::kVerified);
}

// What a person had carried out again was undone weeks later, for what had been given back with the
// stage before that and was asked for again by then.
TEST_CASE("WhatWasCarriedOutAgainStaysWhenWhatWasGivenBackBeforeFailsLater") {
  TwoStages stages;
  stages.Plan({stages.only_a, stages.shared});
  stages.RunUntilSharedIsLeft();
  stages.Refuse("s");
  stages.world.RunToEnd(*stages.journal);
  REQUIRE(stages.state(stages.shared) == ActionState::kEscalated);
  REQUIRE(stages.state(stages.only_a) == ActionState::kCompensated);
  REQUIRE(stages.journal->Plan({&stages.shared, 1}, "", {"a", "b"}).ok());
  stages.world.RunToEnd(*stages.journal);
  REQUIRE(stages.state(stages.shared) == ActionState::kVerified);
  ActionRequest later = stages.only_a;
  later.action.episode = 2;
  later.action.key += "/2";
  stages.Plan({later});
  stages.Refuse("sa");
  stages.world.RunToEnd(*stages.journal);
  CHECK(stages.state(later) == ActionState::kEscalated);
  CHECK(stages.state(stages.shared) == ActionState::kVerified);
}

TEST_CASE("AStageThatWorksGoesOnWithWhatItSharesWithOneThatIsRolledBack") {
  TwoStages stages;
  stages.Plan({stages.only_a});
  stages.Refuse("sa");
  stages.world.script["s"] = {Fault::kUnavailable};
  stages.Plan({stages.shared, stages.only_b});
  stages.world.RunToEnd(*stages.journal);
  CHECK(stages.state(stages.only_a) == ActionState::kEscalated);
  CHECK(stages.state(stages.shared) == ActionState::kVerified);
  CHECK(stages.state(stages.only_b) == ActionState::kVerified);
  CHECK(stages.undo_count() == 0);
}

// The policy that keeps hid that the other one's stage had failed.
TEST_CASE("WhatOnePolicyKeepsRollsBackTheStageOfTheOther") {
  TwoStages stages;
  stages.shared.on_failure = OnFailure::kKeep;
  stages.shared.rollback_groups = {"a"};
  stages.Plan({stages.only_a, stages.shared});
  stages.RunUntilSharedIsLeft();
  REQUIRE(stages.state(stages.only_a) == ActionState::kVerified);
  stages.Refuse("s");
  stages.world.RunToEnd(*stages.journal);
  CHECK(stages.state(stages.shared) == ActionState::kEscalated);
  CHECK(stages.undo_count() == 0);
  CHECK(stages.state(stages.only_a) == ActionState::kCompensated);
}

TEST_CASE("WhatAnotherPolicyKeepsStaysWhenAStageIsRolledBack") {
  TwoStages stages;
  stages.shared.on_failure = OnFailure::kKeep;
  stages.shared.rollback_groups = {"a"};
  stages.Plan({stages.shared, stages.only_a});
  stages.Refuse("sa");
  stages.world.RunToEnd(*stages.journal);
  CHECK(stages.state(stages.shared) == ActionState::kVerified);
  CHECK(stages.undo_count() == 0);
}

// It was given back though a policy that had come meanwhile wanted it gone.
TEST_CASE("WhatSomebodyElseWantsAsItIsIsNotUndone") {
  TwoStages stages;
  stages.shared.rollback_groups = {"a"};
  SUBCASE("it is done when the stage fails") {
    stages.Plan({stages.shared});
    stages.world.RunToEnd(*stages.journal);
    stages.world.wanted_keys = {stages.shared.action.key};
    stages.Plan({stages.only_a});
    stages.Refuse("sa");
    stages.world.RunToEnd(*stages.journal);
  }
  SUBCASE("it is learnt when the undo is tried again") {
    stages.Plan({stages.shared, stages.only_a});
    stages.Refuse("sa");
    stages.world.script["s"] = {Fault::kNone, Fault::kNone, Fault::kNone, Fault::kNone,
                                Fault::kUnavailable};
    REQUIRE(stages.world.Run(*stages.journal).ok());
    REQUIRE(stages.state(stages.shared) == ActionState::kCompensating);
    stages.world.wanted_keys = {stages.shared.action.key};
    stages.world.RunToEnd(*stages.journal);
  }
  CHECK(stages.state(stages.shared) == ActionState::kVerified);
  // It is the other policy's from then on: when that ends, later, nothing is given back.
  stages.world.wanted_keys.clear();
  stages.journal = stages.world.OpenJournal();
  stages.world.RunToEnd(*stages.journal);
  CHECK(stages.state(stages.shared) == ActionState::kVerified);
  CHECK(stages.undo_count() == 0);
}

// It was held for one policy first and then let go for another, of whose rollback nothing was
// known.
TEST_CASE("AnActionIsRolledBackWithTheStageThatLetItGoLast") {
  TwoStages stages;
  stages.shared.rollback_groups = {"b"};
  stages.Plan({stages.shared});
  REQUIRE(stages.journal->Hold(stages.shared.action.key, "a limit", "").ok());
  stages.shared.rollback_groups = {"a"};
  stages.Plan({stages.shared, stages.only_a});
  stages.Refuse("sa");
  stages.world.RunToEnd(*stages.journal);
  CHECK(stages.state(stages.shared) == ActionState::kCompensated);
}

// A policy that keeps joined while it was in flight, and the rollback of the other took it back.
TEST_CASE("WhoeverLetsItGoWhileItIsInFlightHasItsSay") {
  TwoStages stages;
  stages.shared.rollback_groups = {"a"};
  stages.Plan({stages.shared});
  stages.world.script["s"] = {Fault::kNone, Fault::kUnavailable};
  REQUIRE(stages.world.Run(*stages.journal).ok());
  REQUIRE(stages.state(stages.shared) == ActionState::kAttempt);
  stages.shared.on_failure = OnFailure::kKeep;
  stages.Plan({stages.shared, stages.only_a});
  stages.Refuse("sa");
  stages.world.RunToEnd(*stages.journal);
  CHECK(stages.state(stages.shared) == ActionState::kVerified);
}

}  // namespace
}  // namespace rescind
