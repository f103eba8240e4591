// When a run asks the gate, and what it does with the answer.
#include <doctest/doctest.h>

#include "tests/unit/runtime/journal/journal_simulation.h"

namespace rescind {
namespace {

using Names = std::vector<std::string>;

TEST_CASE("TheGateIsAskedBeforeEveryAttempt") {
  OneAction one;
  SUBCASE("ended before it began") {
    one.world.ended_keys = {one.request.action.key};
    CHECK(one.world.RunToEnd(*one.journal).withdrawn_count == 1);
    CHECK(one.names() == Names{"ready", "withdrawn"});
  }
  SUBCASE("protected before it began") {
    one.world.protected_keys = {one.request.action.key};
    CHECK(one.world.RunToEnd(*one.journal).held_count == 1);
    CHECK(one.detail() == "protected");
  }
  SUBCASE("used since") {
    one.target().last_used = Instant{one.world.clock.Now().micros + 1};
    CHECK(one.world.RunToEnd(*one.journal).withdrawn_count == 1);
  }
  SUBCASE("ended between two attempts") {
    one.world.script["ldap"] = {Fault::kNone, Fault::kHang};
    REQUIRE(one.world.Run(*one.journal).ok());
    one.world.ended_keys = {one.request.action.key};
    CHECK(one.world.RunToEnd(*one.journal).withdrawn_count == 1);
    CHECK(one.names() == Names{"ready", "intent", "attempt", "attempt", "withdrawn"});
    CHECK(one.world.apply_count[one.request.action.key] == 1);
  }
  CHECK(one.target().effect_count == 0);
}

TEST_CASE("AnEffectThatWasMissedIsSeenThroughThoughTheMatchEnded") {
  OneAction one;
  one.world.script["ldap"] = {Fault::kNone, Fault::kEffectThenLost};
  REQUIRE(one.world.Run(*one.journal).ok());
  one.world.ended_keys = {one.request.action.key};
  CHECK(one.world.RunToEnd(*one.journal).verified_count == 1);
  CHECK(one.target().effect_count == 1);
}

// An action whose match had ended stayed open until its dead system answered again.
TEST_CASE("AnActionThatWasNeverCalledAndHasEndedIsWithdrawnWithoutItsSystem") {
  for (const uint32_t wave_actions : {1u, 32u}) {
    SimulatedWorld world{7};
    std::vector<ActionRequest> requests;
    for (const char* name : {"ann", "bob", "eve", "kim"}) {
      requests.push_back(SimulatedWorld::Request("ldap", name));
    }
    requests.push_back(SimulatedWorld::Request("nowhere", "ann"));
    world.unknown_systems = {"nowhere"};
    world.dead_systems = {"ldap"};
    world.ended_keys = {"key:ldap/ann", "key:ldap/eve", "key:nowhere/ann"};
    world.protected_keys = {"key:ldap/kim"};
    const auto journal = world.OpenJournal();
    REQUIRE(journal->Plan(requests, "").ok());
    RunOptions options;
    options.wave_actions = wave_actions;
    const RunReport report = world.Run(*journal, options).value();
    CHECK(report.withdrawn_count == 3);
    CHECK(report.held_count == 1);
    CHECK(report.unfinished == Names{"key:ldap/bob"});
    CHECK(world.calls == Names{"observe ldap/bob"});
    CHECK(journal->Find("key:ldap/eve").value()->detail == "the match ended");
  }
}

TEST_CASE("AnAttemptOfUnknownOutcomeIsLookedAtThoughItsMatchHasEnded") {
  OneAction one;
  one.world.script["ldap"] = {Fault::kNone, Fault::kEffectThenLost, Fault::kUnavailable};
  CHECK(one.world.Run(*one.journal).value().open_count == 1);
  one.world.ended_keys = {one.request.action.key};
  one.world.dead_systems = {"ldap"};
  CHECK(one.world.Run(*one.journal).value().open_count == 1);
  CHECK(one.state() == ActionState::kAttempt);
  one.world.dead_systems.clear();
  one.world.script.clear();
  CHECK(one.world.RunToEnd(*one.journal).verified_count == 1);
  CHECK(one.target().effect_count == 1);
}

// Nobody tried while it was held, and the first attempt after that gave it up.
TEST_CASE("TheRetryTimeBeginsAnewWhenWhatWasHeldIsLetGo") {
  OneAction one;
  one.target().is_refusing = true;
  CHECK(one.world.Run(*one.journal).value().open_count == 1);
  one.world.protected_keys = {one.request.action.key};
  CHECK(one.world.RunToEnd(*one.journal).held_count == 1);
  one.world.protected_keys.clear();
  one.world.clock.Advance({kMicrosPerDay});
  SUBCASE("by a person") {
    REQUIRE(one.journal->Release(one.request.action.key, "checked", "").ok());
  }
  SUBCASE("by a plan") { REQUIRE(one.journal->Plan({&one.request, 1}, "").ok()); }
  CHECK(one.world.Run(*one.journal).value().open_count == 1);
  CHECK(one.state() == ActionState::kAttempt);
  CHECK(one.world.RunToEnd(*one.journal).escalated_count == 1);
}

struct SharedFinding {
  SharedFinding() {
    for (const char* name : {"ann", "bob", "eve"}) {
      requests.push_back(SimulatedWorld::Request("ldap", name));
    }
    used = Instant{world.clock.Now().micros + 1};
  }
  RunReport Run() {
    journal = world.OpenJournal();
    REQUIRE(journal->Plan(requests, "").ok());
    return world.RunToEnd(*journal);
  }
  ActionState StateOf(const std::string& key) { return journal->Find(key).value()->state; }

  SimulatedWorld world{7};
  std::vector<ActionRequest> requests;
  std::unique_ptr<Journal> journal;
  Instant used;
};

// Those that were judged before the use was seen went, those after it stayed.
TEST_CASE_FIXTURE(SharedFinding, "AUseEndsItsFindingInWhateverOrderAWaveIsObserved") {
  std::string name;
  SUBCASE("first") { name = "ann"; }
  SUBCASE("between") { name = "bob"; }
  SUBCASE("last") { name = "eve"; }
  world.Target("ldap", name).last_used = used;
  CHECK(Run().withdrawn_count == 3);
  CHECK(world.apply_count.empty());
}

TEST_CASE_FIXTURE(SharedFinding, "AUseOfWhatGoesForAnotherReasonEndsItsFindingAllTheSame") {
  requests[0].action.reasons.push_back({"access.left", "finding-2", "has left", 0, {}});
  requests[1].action.reasons = {{"access.left", "finding-2", "has left", 0, {}}};
  world.unminded = {"finding-2"};
  world.Target("ldap", "ann").last_used = used;
  CHECK(Run().verified_count == 2);
  CHECK(StateOf("key:ldap/eve") == ActionState::kWithdrawn);
  // The next run must know of it.
  CHECK(world.store.used_findings.contains("finding-1"));
}

TEST_CASE_FIXTURE(SharedFinding, "AUseThatAnotherLaneSeesEndsWhatHasNotBeenCalledYet") {
  world.before_apply = [&](const Action&) { world.NoteUse("finding-1"); };
  CHECK(Run().withdrawn_count == 2);
  CHECK(StateOf("key:ldap/ann") == ActionState::kVerified);
  CHECK(world.store.NamesOf("key:ldap/bob") == Names{"ready", "intent", "attempt", "withdrawn"});
  CHECK(world.apply_count.size() == 1);
}

}  // namespace
}  // namespace rescind
