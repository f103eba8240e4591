// What `rescind serve` does between its start and its end, with clients in processes of their own.
#include <doctest/doctest.h>

#include <chrono>
#include <thread>

#include "tests/unit/runtime/cli/serve_fixture.h"

namespace rescind {
namespace {

TEST_CASE_FIXTURE(ServeFixture, "CommandThatChangesSomethingIsFollowedByAStep") {
  Serve();
  MustTurn();
  Write("on-kim-vpn", "");
  CHECK(AskToImport(Account("kim") + Grant("kim-vpn", "kim")) == 0);
  MustTurn();
  CHECK_FALSE(Has("on-kim-vpn"));
  CHECK(SaidOnce(told, "`import` of uid"));
  CHECK(SaidOnce(told, "1 found, 1 ended, 1 verified"));
}

TEST_CASE_FIXTURE(ServeFixture, "CommandThatChangesNothingIsFollowedByNone") {
  Serve();
  MustTurn();
  const uint64_t steps = loop->state().step_count;
  CHECK(Ask({"plan"}) == 0);
  MustTurn();
  CHECK(loop->state().step_count == steps);
}

TEST_CASE_FIXTURE(ServeFixture, "MatchIsCarriedOutWhenItsInstantComes") {
  Serve();
  CHECK(AskToImport(KimWithAccessUntil({1000 * kMicrosPerSecond})) == 0);
  MustTurn();
  const Instant due{clock.Now().micros + 1000 * kMicrosPerSecond};
  CHECK(loop->state().next_look == due);
  clock.SetWall({due.micros - 1});
  MustTurn();
  CHECK(Has("on-kim-vpn"));
  clock.SetWall(due);
  MustTurn();
  CHECK_FALSE(Has("on-kim-vpn"));
}

// It acted on policies that were up to two seconds old.
TEST_CASE_FIXTURE(ServeFixture, "ProtectThatWasWrittenJustNowHoldsForWhatFallsDue") {
  Serve();
  CHECK(AskToImport(KimWithAccessUntil({1000 * kMicrosPerSecond})) == 0);
  MustTurn();
  Write("policies/kept.rescind",
        "protect kept \"Kept\" {\n  for a in account\n  when a.status == active\n}\n");
  clock.SetWall(loop->state().next_look);
  MustTurn();
  CHECK(Has("on-kim-vpn"));
}

// A correction could not come in while removals went on by the policies in force.
TEST_CASE_FIXTURE(ServeFixture, "FactsComeInWhileThePoliciesCannotBeUsed") {
  Serve();
  MustTurn();
  Write("policies/wrong.rescind", kBadPolicy);
  Write("on-kim-vpn", "");
  CHECK(AskToImport(Account("kim") + Grant("kim-vpn", "kim")) == 0);
  MustTurn();
  CHECK_FALSE(Has("on-kim-vpn"));
  CHECK(Ask({"facts", "show", "grant", "kim-vpn"}) == 0);
}

TEST_CASE_FIXTURE(ServeFixture, "StepThatFailsIsTriedAgainLaterEachTime") {
  Serve();
  MustTurn();
  const std::string key = folder / "secrets/audit-key";
  std::filesystem::rename(key, key + ".away");
  std::vector<int64_t> pauses;
  CHECK(Ask({"exempt", "end", "nothing", "--reason", "x"}) != 0);
  reloads = true;
  for (int i = 0; i < 4; ++i) {
    MustTurn();
    pauses.push_back(loop->state().next_look.micros - clock.Now().micros);
    CHECK_FALSE(loop->state().trouble.empty());
    clock.Advance({pauses.back()});
  }
  const int64_t second = kMicrosPerSecond;
  CHECK(pauses == std::vector<int64_t>{second, 2 * second, 4 * second, 8 * second});
  std::filesystem::rename(key + ".away", key);
  MustTurn();
  CHECK(loop->state().trouble.empty());
  CHECK(loop->state().next_look == Instant::Never());
}

TEST_CASE_FIXTURE(ServeFixture, "CommandsAreDoneInTheOrderInWhichTheyCame") {
  Serve();
  MustTurn();
  Write("more.ndjson", Account("kim") + Grant("kim-vpn", "kim"));
  const pid_t first = StartClient({"import", "more.ndjson", "--source", "directory"});
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  const pid_t second = StartClient({"facts", "show", "grant", "kim-vpn"});
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  CHECK(Finish(first) == 0);
  CHECK(Finish(second) == 0);
}

TEST_CASE_FIXTURE(ServeFixture, "WhatIsWrittenInThePoliciesHoldsForTheNextCommand") {
  Serve();
  MustTurn();
  Write("policies/shelf.rescind", "extend grant { shelf: text }\n");
  CHECK(Ask({"facts", "show", "grant", "dan-vpn"}) == 0);
  CHECK(Answered("shelf"));
}

TEST_CASE_FIXTURE(ServeFixture, "StatusSaysWhatCannotBeUsedUntilItIsMended") {
  Serve();
  MustTurn();
  Write("policies/access.rescind", kBadPolicy);
  CHECK(Ask({"status"}) == 0);
  CHECK(Answered("served by   process"));
  CHECK(Answered("cannot be used"));
  CHECK(Answered("E0117"));
  CHECK(Ask({"status"}) == 0);
  CHECK(SaidOnce(warned, "cannot be used"));
  CHECK(Ask({"plan"}) == 1);  // it would be of those that cannot be used
  Write("policies/access.rescind", kCompanyPolicies);
  CHECK(Ask({"status"}) == 0);
  CHECK_FALSE(Answered("cannot be used"));
  CHECK(SaidOnce(told, "again those in force"));
}

TEST_CASE_FIXTURE(ServeFixture, "WhatIsHeldIsSaidOnceAndStatusJudgesAsTheServerDoes") {
  WriteWorkspace("", "per_policy = \"100%\"\n");  // of what is left: three went within the hour
  Serve();
  CHECK(AskToImport(Account("kim") + Grant("kim-vpn", "kim")) == 0);
  MustTurn();
  clock.Advance({2 * kMicrosPerMinute});
  MustTurn();
  CHECK(SaidOnce(warned, "held: 1 action: over the limit"));
  CHECK(Ask({"status"}) == 0);
  CHECK(Answered("over the limit"));
}

TEST_CASE_FIXTURE(ServeFixture, "ApplyOfAClientWaitsForNoRetry") {
  Serve();
  MustTurn();
  Write("fault-apply", "exit 3");
  Write("more.ndjson", Account("kim") + Grant("kim-vpn", "kim"));
  Write("on-kim-vpn", "");
  const pid_t hire = StartClient({"import", "more.ndjson", "--source", "directory"});
  CHECK(Finish(hire) == 0);
  const Duration begun = clock.Monotonic();
  CHECK(Ask({"apply", "--auto", "--wait", "30s"}) == 5);
  CHECK(clock.Monotonic() == begun);  // who waits moves the clock
}

TEST_CASE_FIXTURE(ServeFixture, "ItEndsWhenItIsStopped") {
  Serve();
  stops = true;
  CHECK(loop->Run().ok());
}

}  // namespace
}  // namespace rescind
