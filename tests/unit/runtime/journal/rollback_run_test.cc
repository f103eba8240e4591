// A stage that fails is rolled back: what it has done is undone, what it has not begun never
// begins.
#include <doctest/doctest.h>

#include "tests/unit/runtime/journal/planned_stage.h"

namespace rescind {
namespace {

using Names = std::vector<std::string>;

// A stage of three actions on two systems, of which the last cannot be done.
struct Stage : PlannedStage {
  Stage() {
    journal = world.OpenJournal();
    for (const char* name : {"disable", "end", "delete"}) {
      ActionRequest request =
          SimulatedWorld::Request(name == std::string("end") ? "db" : "ldap", name);
      request.account = request.action.target.system + "/ann";
      request.order = static_cast<uint32_t>(requests.size());
      request.on_failure = OnFailure::kRollback;
      request.rollback_groups = {"finding-1/0"};
      requests.push_back(request);
    }
    REQUIRE(journal->Plan(requests, "").ok());
    // disable: observe, apply, verify; then delete: observe, apply
    world.script["ldap"] = {Fault::kNone, Fault::kNone, Fault::kNone, Fault::kNone,
                            Fault::kPermanent};
  }
};

TEST_CASE("AFailedStageIsUndoneWhereThePolicySaysSo") {
  Stage stage;
  const RunReport report = stage.world.RunToEnd(*stage.journal);
  CHECK(report.compensated_count == 2);
  CHECK(report.escalated_count == 1);
  CHECK(stage.state(0) == ActionState::kCompensated);
  CHECK(stage.state(1) == ActionState::kCompensated);
  CHECK(stage.state(2) == ActionState::kEscalated);
  for (size_t i = 0; i < 3; ++i) CHECK(stage.target(i).is_present);
  CHECK(Journal::EpisodeAfter(stage.journal->Latest(stage.requests[0].wanted_key).value()) == 2);
  CHECK(Journal::EpisodeAfter(stage.journal->Latest(stage.requests[2].wanted_key).value()) == 1);
  // Planned again, the stage is a stage again.
  stage.world.script.clear();
  for (size_t i = 0; i < 3; ++i) {
    if (i < 2) stage.requests[i].action.key += "#2";
    if (i < 2) stage.requests[i].action.episode = 2;
    stage.target(i).effect_count = stage.target(i).undo_count = 0;
  }
  REQUIRE(stage.journal->Plan(stage.requests, "").ok());
  CHECK(stage.world.RunToEnd(*stage.journal).verified_count == 3);
}

TEST_CASE("AStageIsUndoneInReverse") {
  SimulatedWorld world(5);
  const auto journal = world.OpenJournal();
  std::vector<ActionRequest> requests;
  for (const char* name : {"disable", "end", "revoke", "delete"}) {
    requests.push_back(SimulatedWorld::Request("ldap", name));
    requests.back().account = "ldap/ann";
    requests.back().order = static_cast<uint32_t>(requests.size());
    requests.back().on_failure = OnFailure::kRollback;
    requests.back().rollback_groups = {"finding-1/0"};
  }
  REQUIRE(journal->Plan(requests, "").ok());
  world.script["ldap"] = std::deque<Fault>(10, Fault::kNone);  // three done, the fourth looked at
  world.script["ldap"].push_back(Fault::kPermanent);
  CHECK(world.RunToEnd(*journal).compensated_count == 3);
  Names undone;
  for (const std::string& call : world.calls) {
    if (call.starts_with("undo")) undone.push_back(call);
  }
  CHECK(undone == Names{"undo ldap/revoke", "undo ldap/end", "undo ldap/disable"});
}

TEST_CASE("WhatWasSoBeforeIsNotGivenBack") {
  Stage stage;
  stage.target(1).is_present = false;
  CHECK(stage.world.RunToEnd(*stage.journal).compensated_count == 1);
  CHECK(stage.state(1) == ActionState::kVerified);
  CHECK_FALSE(stage.target(1).is_present);
}

TEST_CASE("WhatAPersonChangedSinceIsNotUndone") {
  Stage stage;
  stage.world.script["ldap"].push_back(Fault::kUnavailable);  // the look before the undo
  RunOptions options;
  REQUIRE(stage.world.Run(*stage.journal, options).ok());
  REQUIRE(stage.state(0) == ActionState::kCompensating);
  SUBCASE("given back by a person") {
    stage.target(0).is_present = true;
    stage.world.RunToEnd(*stage.journal);
    CHECK(stage.state(0) == ActionState::kCompensated);  // as it was: nothing to do
  }
  SUBCASE("changed by a person to something else") {
    stage.target(0).is_present = true;
    stage.target(0).is_half_done = true;
    stage.world.RunToEnd(*stage.journal);
    CHECK(stage.state(0) == ActionState::kEscalated);
    CHECK(stage.target(0).is_half_done);
  }
  SUBCASE("protected meanwhile") {
    stage.world.protected_keys = {stage.requests[0].action.key};
    stage.world.RunToEnd(*stage.journal);
    CHECK(stage.state(0) == ActionState::kEscalated);
    CHECK_FALSE(stage.target(0).is_present);
  }
  CHECK(stage.target(0).undo_count == 0);
}

TEST_CASE("AnUndoThatFailsHalfWayIsEscalated") {
  Stage stage;
  SUBCASE("it cannot be undone") {
    stage.world.script["ldap"].insert(stage.world.script["ldap"].end(),
                                      {Fault::kNone, Fault::kPermanent});
    stage.world.RunToEnd(*stage.journal);
    CHECK(stage.state(0) == ActionState::kEscalated);
    CHECK_FALSE(stage.target(0).is_present);
  }
  SUBCASE("the answer is lost, but it was undone") {
    stage.world.script["ldap"].insert(stage.world.script["ldap"].end(),
                                      {Fault::kNone, Fault::kEffectThenLost});
    stage.world.RunToEnd(*stage.journal);
    CHECK(stage.state(0) == ActionState::kCompensated);
    CHECK(stage.target(0).undo_count == 1);
  }
  SUBCASE("the system has died") {
    REQUIRE(stage.world.Run(*stage.journal).ok());  // patience for nothing
    stage.world.dead_systems = {"ldap", "db"};
    stage.world.RunToEnd(*stage.journal);
    for (size_t i = 0; i < 3; ++i) CHECK(IsTerminal(stage.state(i)));
  }
}

// It stayed with a person for ever: nothing tried it again.
TEST_CASE("AnUndoThatFailedCanBeTriedAgain") {
  Stage stage;
  stage.world.script["ldap"].insert(stage.world.script["ldap"].end(),
                                    {Fault::kNone, Fault::kPermanent});
  stage.world.RunToEnd(*stage.journal);
  const std::string& key = stage.requests[0].action.key;
  REQUIRE(IsUndoRefused(*stage.journal->Find(key).value()));
  CHECK(stage.journal->RetryUndo(stage.requests[1].action.key, "again", "").error().kind ==
        ErrorKind::kStale);
  REQUIRE(stage.journal->RetryUndo(key, "again", "").ok());
  REQUIRE(stage.state(0) == ActionState::kCompensating);
  CHECK(stage.journal->ListEscalated().value().size() == 1);  // what failed first
  SUBCASE("as we left it") {
    stage.world.RunToEnd(*stage.journal);
    CHECK(stage.state(0) == ActionState::kCompensated);
    CHECK(stage.target(0).is_present);
    CHECK(stage.target(0).undo_count == 1);
  }
  SUBCASE("changed by a person to something else") {
    stage.target(0).is_present = true;
    stage.target(0).is_half_done = true;
    stage.world.RunToEnd(*stage.journal);
    CHECK(IsUndoLeft(*stage.journal->Find(key).value()));
    CHECK(stage.target(0).undo_count == 0);
  }
}

TEST_CASE("WhatHasNotBegunOfAFailedStageIsWithdrawn") {
  Stage stage;
  ActionRequest late = SimulatedWorld::Request("slow", "late");
  late.on_failure = OnFailure::kRollback;
  late.rollback_groups = {"finding-1/0"};
  REQUIRE(stage.journal->Plan({&late, 1}, "").ok());
  stage.world.dead_systems = {"slow"};
  RunOptions options;
  options.patience = {10 * kMicrosPerMinute};
  REQUIRE(stage.world.Run(*stage.journal, options).ok());
  CHECK(stage.journal->Find(late.action.key).value()->state == ActionState::kWithdrawn);
}

}  // namespace
}  // namespace rescind
