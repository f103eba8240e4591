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

}  // namespace
}  // namespace rescind
