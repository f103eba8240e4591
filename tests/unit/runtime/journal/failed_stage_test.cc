// What is left of a stage that failed: who must look at it, and what a person's second try of the
// stage makes of undos that are still to be done.
#include <doctest/doctest.h>

#include "tests/unit/runtime/journal/planned_stage.h"

namespace rescind {
namespace {

// It was undone, the run ended well, and the next one did all of it again, and so on for ever.
TEST_CASE("WhatWasGivenUpAndUndoneStillNeedsAPerson") {
  OneAction one(OnFailure::kRollback);
  one.world.faults_by_chance = {Fault::kCannotTell};
  one.world.fault_percent = 100;
  one.world.RunToEnd(*one.journal);
  REQUIRE(one.state() == ActionState::kCompensated);
  REQUIRE(one.target().is_present);
  const auto left = one.journal->ListEscalated().value();
  REQUIRE(left.size() == 1);
  CHECK(left[0].given_up_because == "no answer; given up after 1h");
  CHECK(left[0].given_up_at.has_value());
  CHECK(one.world.OpenJournal()->ListEscalated().value().size() == 1);

  SUBCASE("until it is tried again") {
    ActionRequest again = one.request;
    again.action.key += "#2";
    again.action.episode = 2;
    REQUIRE(one.journal->Plan({&again, 1}, "").ok());
    CHECK(one.journal->ListEscalated().value().empty());
    CHECK_FALSE(NeedsPerson(*one.journal->Find(one.request.action.key).value()));
  }
  SUBCASE("until nobody asks for it") {
    REQUIRE(one.journal->ForgetFailure(one.request.action.key, "").ok());
    CHECK(one.world.OpenJournal()->ListEscalated().value().empty());
    CHECK(one.journal->ForgetFailure(one.request.action.key, "").error().kind == ErrorKind::kStale);
  }
}

TEST_CASE("WhatIsSeenToBeGoneAfterItWasGivenUpNeedsNobody") {
  OneAction one(OnFailure::kRollback);
  one.world.faults_by_chance = {Fault::kCannotTell};
  one.world.fault_percent = 100;
  RunOptions options;
  REQUIRE(one.world.Run(*one.journal, options).ok());
  one.world.clock.Advance({2 * kMicrosPerHour});
  one.world.dead_systems = {"ldap"};
  REQUIRE(one.world.Run(*one.journal, options).ok());
  REQUIRE(one.state() == ActionState::kCompensating);
  REQUIRE(one.journal->ListEscalated().value().size() == 1);
  one.world.dead_systems.clear();
  one.world.fault_percent = 0;
  one.world.wanted_keys = {one.request.action.key};
  one.world.RunToEnd(*one.journal);
  CHECK(one.state() == ActionState::kVerified);
  CHECK(one.journal->ListEscalated().value().empty());
}

TEST_CASE("WhyItWasGivenUpIsSaidInWords") {
  OneAction one;
  one.world.silent = true;
  SUBCASE("the system cannot tell") {
    one.world.faults_by_chance = {Fault::kCannotTell};
    one.world.fault_percent = 100;
    one.world.RunToEnd(*one.journal);
    CHECK(one.detail() == "the system cannot tell whether it is gone; given up after 1h");
  }
  SUBCASE("the system says no more than that it failed") {
    one.target().is_refusing = true;
    one.world.RunToEnd(*one.journal);
    CHECK(one.detail() == "its system gave no reason; given up after 1h");
  }
}

// Of one stage ldap/done was done, and db/failed could not be; the undo of the one waits for a
// retry, or was refused.
struct HalfUndone : PlannedStage {
  explicit HalfUndone(Fault undo) {
    for (const char* system : {"ldap", "db"}) {
      requests.push_back(
          SimulatedWorld::Request(system, system == std::string("db") ? "failed" : "done"));
      requests.back().on_failure = OnFailure::kRollback;
      requests.back().rollback_groups = {"finding-1/0"};
    }
    journal = world.OpenJournal();
    REQUIRE(journal->Plan(requests, "").ok());
    world.script["db"] = {Fault::kUnavailable};
    REQUIRE(world.Run(*journal).ok());
    REQUIRE(state(0) == ActionState::kVerified);
    world.clock.Advance({kMicrosPerMinute});
    world.script["db"] = {Fault::kNone, Fault::kPermanent};
    world.script["ldap"] = {Fault::kNone, undo};
    REQUIRE(world.Run(*journal).ok());
    REQUIRE(state(1) == ActionState::kEscalated);
    REQUIRE(target(0).undo_count == 0);
    world.script.clear();
    world.clock.Advance({kMicrosPerMinute});
  }
  void TryAgain() { REQUIRE(journal->Plan({&requests[1], 1}, "", {"finding-1/0"}).ok()); }
};

// A person had it all done again, and the undo of before gave half of it back.
TEST_CASE("AnUndoIsDroppedOnceItsStageIsCarriedOutAgain") {
  bool is_given_back = false;
  Fault undo = Fault::kUnavailable;
  SUBCASE("it waits for a retry") {}
  SUBCASE("it was refused") { undo = Fault::kPermanent; }
  SUBCASE("somebody has given it back") { is_given_back = true; }
  HalfUndone stage(undo);
  stage.target(0).is_present = is_given_back;
  stage.TryAgain();
  stage.world.RunToEnd(*stage.journal);
  CHECK(stage.target(0).undo_count == 0);
  CHECK(stage.state(0) == (is_given_back ? ActionState::kCompensated : ActionState::kVerified));
  CHECK(stage.state(1) == ActionState::kVerified);
  const JournalEntry done = *stage.journal->Find(stage.requests[0].action.key).value();
  CHECK_FALSE(done.is_undo);
  CHECK(done.undo_dropped == is_given_back);
  CHECK(stage.journal->ListUndos().value().empty());
}

// Nobody knew whether what failed had been done: it was being undone itself, and had not ended.
TEST_CASE("AStageOfWhichEverythingIsBeingUndoneIsCarriedOutAgain") {
  OneAction failed(OnFailure::kRollback);
  SimulatedWorld& world = failed.world;
  ActionRequest done = SimulatedWorld::Request("db", "done");
  done.on_failure = OnFailure::kRollback;
  done.rollback_groups = failed.request.rollback_groups;
  REQUIRE(failed.journal->Plan({&done, 1}, "").ok());
  world.script["ldap"] = {Fault::kNone, Fault::kEffectThenLost};
  world.script["db"] = {Fault::kNone, Fault::kNone, Fault::kNone, Fault::kUnavailable};
  REQUIRE(world.Run(*failed.journal).ok());
  world.dead_systems = {"ldap"};
  world.clock.Advance({2 * kMicrosPerHour});
  REQUIRE(world.Run(*failed.journal).ok());
  REQUIRE(failed.state() == ActionState::kCompensating);
  const auto state_of_done = [&] { return failed.journal->Find(done.action.key).value()->state; };
  REQUIRE(state_of_done() == ActionState::kCompensating);
  world.dead_systems.clear();
  REQUIRE(failed.journal->Plan({&failed.request, 1}, "", {"finding-1/0"}).ok());
  world.RunToEnd(*failed.journal);
  CHECK(failed.state() == ActionState::kVerified);
  CHECK(state_of_done() == ActionState::kVerified);
  CHECK(failed.target().undo_count + world.Target("db", "done").undo_count == 0);
  CHECK(failed.journal->ListEscalated().value().empty());
}

TEST_CASE("AnUndoStaysDroppedWhenTheRunThatWasToSettleItIsKilled") {
  HalfUndone stage(Fault::kUnavailable);
  stage.TryAgain();
  const auto journal = stage.world.OpenJournal();
  stage.world.RunToEnd(*journal);
  CHECK(stage.target(0).undo_count == 0);
  CHECK(journal->Find(stage.requests[0].action.key).value()->state == ActionState::kVerified);
}

TEST_CASE("AStageThatFailsAnewIsUndoneThoughItsUndosWereDropped") {
  HalfUndone stage(Fault::kUnavailable);
  stage.TryAgain();
  stage.world.script["db"] = {Fault::kNone, Fault::kPermanent};
  SUBCASE("after they were settled") {
    stage.world.dead_systems = {"db"};
    REQUIRE(stage.world.Run(*stage.journal).ok());
    REQUIRE(stage.state(0) == ActionState::kVerified);
  }
  SUBCASE("before they were") {
    stage.world.dead_systems = {"ldap"};
    REQUIRE(stage.world.Run(*stage.journal).ok());
    REQUIRE(stage.state(0) == ActionState::kCompensating);
    REQUIRE(stage.state(1) == ActionState::kEscalated);
    CHECK(IsUndoOpen(*stage.journal->Find(stage.requests[0].action.key).value()));
  }
  stage.world.dead_systems.clear();
  stage.world.clock.Advance({kMicrosPerMinute});
  stage.world.RunToEnd(*stage.journal);
  CHECK(stage.state(1) == ActionState::kEscalated);
  CHECK(stage.state(0) == ActionState::kCompensated);
  CHECK(stage.target(0).is_present);
}

// It said less than an undo that was refused: not even that it was about an undo.
TEST_CASE("AnUndoThatIsGivenUpByTimeSaysThatItIsNotDone") {
  HalfUndone stage(Fault::kUnavailable);
  stage.world.faults_by_chance = {Fault::kUnavailable};
  stage.world.fault_percent = 100;
  stage.world.RunToEnd(*stage.journal);
  const JournalEntry left = *stage.journal->Find(stage.requests[0].action.key).value();
  CHECK(left.detail == "not undone in time: ldap cannot be reached; given up after 1h");
  CHECK(IsUndoLeft(left));
  CHECK_FALSE(IsUndoRefused(left));
}

}  // namespace
}  // namespace rescind
