#include "runtime/journal/journal_run.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <chrono>
#include <condition_variable>

#include "tests/unit/runtime/journal/journal_simulation.h"

namespace rescind {
namespace {

using Names = std::vector<std::string>;

TEST_CASE("TheWholeWay") {
  OneAction one;
  const RunReport report = one.world.RunToEnd(*one.journal);
  CHECK(report.verified_count == 1);
  CHECK(report.unfinished.empty());
  CHECK(one.names() == Names{"ready", "intent", "attempt", "applied", "verified"});
  CHECK(one.world.calls == Names{"observe ldap/ann", "apply ldap/ann", "verify ldap/ann"});
  CHECK(one.target().effect_count == 1);
  CHECK(one.world.store.history.back().evidence == "log-in refused");
  CHECK(one.journal->Find(one.request.action.key).value()->has_effect);
}

TEST_CASE("WhatIsAlreadySoIsVerifiedAndNotTouched") {
  OneAction one;
  one.target().is_present = false;
  CHECK(one.world.RunToEnd(*one.journal).verified_count == 1);
  CHECK(one.names() == Names{"ready", "applied", "verified"});
  CHECK(one.world.apply_count.empty());
  CHECK_FALSE(one.journal->Find(one.request.action.key).value()->has_effect);
}

TEST_CASE("ATimeOutIsLookedIntoBeforeAnythingElse") {
  for (const Fault fault : {Fault::kEffectThenLost, Fault::kLateEffect}) {
    OneAction one;
    one.world.script["ldap"] = {Fault::kNone, fault};
    CHECK(one.world.RunToEnd(*one.journal).verified_count == 1);
    CHECK(one.world.apply_count[one.request.action.key] == 1);
    CHECK(one.names() == Names{"ready", "intent", "attempt", "attempt", "applied", "verified"});
  }
}

TEST_CASE("A200WithoutEffectIsNotBelieved") {
  OneAction one;
  one.world.script["ldap"] = {Fault::kNone, Fault::kNoEffect};
  one.request.retry_for = {kMicrosPerHour};
  const RunReport report = one.world.RunToEnd(*one.journal);
  CHECK(report.escalated_count == 1);
  CHECK(report.unfinished == Names{one.request.action.key});
  CHECK(one.detail().find("still listed") != std::string::npos);
  CHECK(one.detail().find("given up after 1h") != std::string::npos);
}

TEST_CASE("StillEffectiveEscalatesAtOnceAndIsNotUndone") {
  OneAction one(OnFailure::kRollback);
  one.target().is_still_effective = true;
  const Instant begin = one.world.clock.Now();
  CHECK(one.world.RunToEnd(*one.journal).escalated_count == 1);
  CHECK(one.world.clock.Now() == begin);
  CHECK(one.world.store.history.back().via == "a nested group");
  CHECK(one.detail() == "still effective via a nested group: log-in worked");
  CHECK(one.target().undo_count == 0);
}

// It ended in a colon with nothing behind it.
TEST_CASE("StillEffectiveWithoutEvidenceIsAWholeSentence") {
  OneAction one;
  one.target().is_still_effective = true;
  one.target().still_effective_evidence = "";
  CHECK(one.world.RunToEnd(*one.journal).escalated_count == 1);
  CHECK(one.detail() == "still effective via a nested group");
}

TEST_CASE("RetriesAreBoundedByTimeNotByCount") {
  OneAction one;
  one.world.dead_systems = {"ldap"};
  const Instant begin = one.world.clock.Now();
  const RunReport report = one.world.RunToEnd(*one.journal);
  CHECK(report.escalated_count == 1);
  const int64_t spent = one.world.clock.Now().micros - begin.micros;
  CHECK(spent >= kMicrosPerHour);
  CHECK(spent < kMicrosPerHour + 6 * kMicrosPerMinute);
  CHECK(one.world.calls.size() > 10);
  CHECK(one.world.calls.size() < 200);
  CHECK(one.names() == Names{"ready", "escalated"});  // not one leaf a failed look
  CHECK(report.failing_systems.at("ldap") == "ldap cannot be reached");
}

TEST_CASE("ImpatientRunsLeaveWhatFailsOpenAndTheNextGoesOn") {
  OneAction one;
  one.world.dead_systems = {"ldap"};
  RunReport report = one.world.Run(*one.journal).value();
  CHECK(report.open_count == 1);
  CHECK(report.unfinished == Names{one.request.action.key});
  CHECK(one.detail() == "ldap cannot be reached");
  one.world.dead_systems.clear();
  const auto journal = one.world.OpenJournal();
  CHECK(one.world.Run(*journal).value().verified_count == 1);
}

// A wrong password was tried again and again for as long as the run waited, until the directory
// locked the account.
TEST_CASE("ARefusedLogInIsTriedOncePerRunAndTheNextRunGoesOn") {
  OneAction one;
  const std::vector<ActionRequest> others = {SimulatedWorld::Request("ldap", "bob"),
                                             SimulatedWorld::Request("ldap", "eve"),
                                             SimulatedWorld::Request("crm", "bob")};
  REQUIRE(one.journal->Plan(others, "").ok());
  one.world.refusing_systems = {"ldap"};
  const Instant begin = one.world.clock.Now();
  const RunReport report = one.world.RunToEnd(*one.journal);
  CHECK(report.open_count == 3);
  CHECK(report.verified_count == 1);  // another system is none of its business
  CHECK(std::count_if(one.world.calls.begin(), one.world.calls.end(), [](const std::string& call) {
          return call.starts_with("observe ldap/");
        }) == 1);
  CHECK(one.world.clock.Now() == begin);  // nobody waits for what does not mend itself
  CHECK(report.failing_systems.at("ldap") == "ldap refuses the log-in");
  one.world.refusing_systems.clear();
  const auto journal = one.world.OpenJournal();
  CHECK(one.world.Run(*journal).value().verified_count == 3);
}

TEST_CASE("RetryAfterIsHonouredForTheWholeSystem") {
  OneAction one;
  const ActionRequest other = SimulatedWorld::Request("ldap", "bob");
  REQUIRE(one.journal->Plan({&other, 1}, "").ok());
  one.world.script["ldap"] = {Fault::kNone, Fault::kNone, Fault::kThrottled};
  const Instant begin = one.world.clock.Now();
  CHECK(one.world.RunToEnd(*one.journal).verified_count == 2);
  CHECK(one.world.clock.Now().micros - begin.micros >= 90 * kMicrosPerSecond);
  // The one whose turn did not come was not called, and nothing is doubted about it.
  CHECK(one.world.apply_count[other.action.key] == 1);
}

TEST_CASE("TheLastAttemptComesAtTheEndOfTheRetryTimeNotAfterIt") {
  OneAction one;
  one.world.script["ldap"] = {Fault::kNone, Fault::kNone, Fault::kCannotTell};
  one.target().is_present = false;
  one.world.script["ldap"] = {Fault::kUnavailable};
  const Instant begin = one.world.clock.Now();
  RunOptions options;
  options.backoff = {{kMicrosPerDay}, {kMicrosPerDay}};
  options.patience = {30 * kMicrosPerDay};
  CHECK(one.world.Run(*one.journal, options).value().verified_count == 1);
  CHECK(one.journal->Find(one.request.action.key).value()->changed_at.micros <=
        begin.micros + kMicrosPerDay);
  OneAction throttled;
  throttled.world.script["ldap"] = {Fault::kNone, Fault::kUnavailable};
  REQUIRE(throttled.world.Run(*throttled.journal, options).ok());
  const auto& history = throttled.world.store.history;
  for (const Transition& transition : history) {
    if (!transition.entry.retry_at) continue;
    CHECK(*transition.entry.retry_at <= *transition.entry.retry_until);
  }
}

TEST_CASE("AClockThatRanBackwardsDoesNotStretchTheRetryTime") {
  OneAction one;
  one.world.script["ldap"] = {Fault::kNone, Fault::kHang};
  REQUIRE(one.world.Run(*one.journal).ok());
  one.world.clock.SetWall({one.world.clock.Now().micros - 365 * kMicrosPerDay});
  one.world.dead_systems = {"ldap"};
  const Duration begin = one.world.clock.Monotonic();
  CHECK(one.world.RunToEnd(*one.world.OpenJournal()).escalated_count == 1);
  CHECK(one.world.clock.Monotonic().micros - begin.micros < 2 * kMicrosPerHour);
}

TEST_CASE("AfterARefusalNothingIsInDoubtAndAfterATimeOutItIs") {
  OneAction one;
  const auto entry = [&] { return *one.journal->Find(one.request.action.key).value(); };
  one.world.script["ldap"] = {Fault::kNone, Fault::kUnavailable};
  REQUIRE(one.world.Run(*one.journal).ok());
  CHECK_FALSE(entry().may_have_effect);
  one.world.script["ldap"] = {Fault::kNone, Fault::kHalfDone};
  REQUIRE(one.world.Run(*one.journal).ok());
  CHECK(entry().may_have_effect);
  one.world.script["ldap"] = {Fault::kNone, Fault::kUnavailable};
  REQUIRE(one.world.Run(*one.journal).ok());
  CHECK(entry().may_have_effect);          // of the attempt before
  CHECK(entry().preimage == "{present}");  // from before the first that may have had an effect
  SUBCASE("it is finished") {
    CHECK(one.world.RunToEnd(*one.journal).verified_count == 1);
    CHECK(entry().has_effect);
    CHECK(entry().preimage == "{present}");
  }
  SUBCASE("its match ends: a person must look at what was half done") {
    one.world.ended_keys = {one.request.action.key};
    CHECK(one.world.RunToEnd(*one.journal).escalated_count == 1);
    CHECK(one.detail().find("in part") != std::string::npos);
  }
}

TEST_CASE("WhatSomebodyElseDidMeanwhileIsNotOurEffect") {
  OneAction one;
  one.world.script["ldap"] = {Fault::kNone, Fault::kGoneMeanwhile};
  CHECK(one.world.RunToEnd(*one.journal).verified_count == 1);
  CHECK_FALSE(one.journal->Find(one.request.action.key).value()->has_effect);
}

TEST_CASE("WhatNeedsAPersonIsEscalatedAndCanBePlannedAgain") {
  OneAction one;
  SUBCASE("the executor cannot") { one.world.script["ldap"] = {Fault::kNone, Fault::kPermanent}; }
  SUBCASE("the target is ambiguous") { one.world.script["ldap"] = {Fault::kPermanent}; }
  CHECK(one.world.RunToEnd(*one.journal).escalated_count == 1);
  CHECK(one.world.RunToEnd(*one.journal).verified_count == 0);  // nothing by itself
  CHECK(one.journal->Plan({&one.request, 1}, "a person").value().reopened_count == 1);
  CHECK(one.world.RunToEnd(*one.journal).verified_count == 1);
  CHECK(one.target().effect_count == 1);
}

TEST_CASE("ADoubtSurvivesEscalationAndPlanningAgain") {
  OneAction one;
  one.world.script["ldap"] = {Fault::kNone, Fault::kLateEffect};
  REQUIRE(one.world.Run(*one.journal).ok());
  one.world.dead_systems = {"ldap"};
  CHECK(one.world.RunToEnd(*one.journal).escalated_count == 1);
  CHECK(one.journal->Find(one.request.action.key).value()->may_have_effect);
  one.world.dead_systems.clear();
  REQUIRE(one.journal->Plan({&one.request, 1}, "a person").ok());
  CHECK(one.world.RunToEnd(*one.journal).verified_count == 1);
  CHECK(one.world.apply_count[one.request.action.key] == 1);
  CHECK(one.journal->Find(one.request.action.key).value()->has_effect);
}

TEST_CASE("AnUnknownSystemIsHeldWithTheRemedy") {
  OneAction one;
  one.world.unknown_systems = {"ldap"};
  CHECK(one.world.RunToEnd(*one.journal).held_count == 1);
  CHECK(one.detail().find("add [target.ldap] to rescind.toml") != std::string::npos);
}

TEST_CASE("ActionsOnOneAccountRunOneAfterTheOtherAsWritten") {
  SimulatedWorld world(3);
  const auto journal = world.OpenJournal();
  std::vector<ActionRequest> requests;
  for (const char* name : {"delete", "disable", "end"}) {
    ActionRequest request = SimulatedWorld::Request("ldap", name);
    request.account = "ldap/ann";
    request.order = name == std::string("disable") ? 0 : name == std::string("end") ? 1 : 2;
    request.action.severity = request.order == 2 ? Severity::kCritical : Severity::kLow;
    requests.push_back(request);
  }
  REQUIRE(journal->Plan(requests, "").ok());
  // The first is tried again and again while the others wait for it.
  world.script["ldap"] = {Fault::kNone, Fault::kHang, Fault::kNone, Fault::kHang};
  CHECK(world.RunToEnd(*journal).verified_count == 3);
  const Names& calls = world.calls;
  const auto place = [&](const std::string& call) {
    return std::find(calls.rbegin(), calls.rend(), call) - calls.rbegin();
  };
  CHECK(place("verify ldap/disable") > place("apply ldap/end"));
  CHECK(place("verify ldap/end") > place("apply ldap/delete"));
}

TEST_CASE("WhatIsMoreSevereComesFirst") {
  SimulatedWorld world(3);
  const auto journal = world.OpenJournal();
  for (const Severity severity : {Severity::kLow, Severity::kCritical, Severity::kMedium}) {
    ActionRequest request = SimulatedWorld::Request("ldap", std::string(SeverityName(severity)));
    request.action.severity = severity;
    REQUIRE(journal->Plan({&request, 1}, "").ok());
  }
  CHECK(world.RunToEnd(*journal, 1).verified_count == 3);
  CHECK(world.calls[0] == "observe ldap/critical");
  CHECK(world.calls[3] == "observe ldap/medium");
  CHECK(world.calls[6] == "observe ldap/low");
}

TEST_CASE("ADeadSystemIsProbedNotFloodedAndDelaysNoOther") {
  SimulatedWorld world(3);
  const auto journal = world.OpenJournal();
  std::vector<ActionRequest> requests;
  for (int i = 0; i < 200; ++i) {
    requests.push_back(SimulatedWorld::Request("dead", fmt::format("u{}", i)));
    requests.push_back(SimulatedWorld::Request("alive", fmt::format("u{}", i)));
  }
  REQUIRE(journal->Plan(requests, "").ok());
  world.dead_systems = {"dead"};
  const Instant begin = world.clock.Now();
  const RunReport first = world.Run(*journal).value();
  CHECK(first.verified_count == 200);
  CHECK(first.open_count == 200);
  CHECK(world.clock.Now().micros - begin.micros <= 5 * kMicrosPerSecond);  // one look at it
  // All of them are given up together when their time is over, not one after the other.
  const RunReport last = world.RunToEnd(*journal);
  CHECK(last.escalated_count == 200);
  CHECK(world.clock.Now().micros - begin.micros < 2 * kMicrosPerHour);
}

// Short runs asked a dead system every day for ever: each began its retry time anew.
TEST_CASE("TheTimeOfAQueueBeforeADeadSystemGoesOnBetweenRuns") {
  SimulatedWorld world(3);
  std::vector<ActionRequest> requests = {SimulatedWorld::Request("dead", "u0"),
                                         SimulatedWorld::Request("dead", "u1"),
                                         SimulatedWorld::Request("dead", "u2")};
  world.dead_systems = {"dead"};
  const auto run = [&](size_t request_count) {
    const auto journal = world.OpenJournal();
    REQUIRE(journal->Plan(std::span(requests).first(request_count), "").ok());
    RunReport report = world.Run(*journal).value();
    world.clock.Sleep({40 * kMicrosPerMinute});
    return report;
  };
  CHECK(run(2).open_count == 2);
  CHECK(run(3).open_count == 3);
  const RunReport third = run(0);
  CHECK(third.escalated_count == 2);
  CHECK(third.open_count == 1);  // it has waited for less than its time
  // What was reached in between begins anew.
  world.dead_systems.clear();
  CHECK(run(3).verified_count == 3);
  requests.push_back(SimulatedWorld::Request("dead", "u3"));
  world.dead_systems = {"dead"};
  CHECK(run(4).open_count == 1);
  CHECK(run(0).open_count == 1);
  CHECK(run(0).escalated_count == 1);
}

TEST_CASE("AFailedCommitEndsTheRunBeforeAnythingElseIsCalled") {
  OneAction one;
  one.world.store.CrashAt(1, SimulatedStore::Crash::kBefore);
  const auto report = one.world.Run(*one.journal);
  CHECK(report.error().kind == ErrorKind::kIo);
  CHECK(one.world.calls == Names{"observe ldap/ann"});
}

// What had its intent in the same wave was carried out after Ctrl-C, up to thirty-one more
// removals.
TEST_CASE("ARunThatIsToldToStopCallsNoSystemAnyMore") {
  for (const uint32_t wave_actions : {1u, 10u}) {
    CAPTURE(wave_actions);
    SimulatedWorld world(7);
    const auto journal = world.OpenJournal();
    std::vector<ActionRequest> requests;
    requests.reserve(10);
    for (int i = 0; i < 10; ++i) {
      requests.push_back(SimulatedWorld::Request("ldap", fmt::format("u{}", i)));
    }
    REQUIRE(journal->Plan(requests, "").ok());
    RunOptions options;
    options.wave_actions = wave_actions;
    options.stop = [&] { return world.apply_count.size() >= 4; };
    const RunReport report = world.Run(*journal, options).value();
    CHECK(world.apply_count.size() == 4);
    CHECK(report.verified_count == 4);
    CHECK(report.open_count == 6);
    CHECK(world.RunToEnd(*journal).verified_count == 6);
    for (const auto& [key, count] : world.apply_count) CHECK(count == 1);
  }
}

// ---- Threads --------------------------------------------------------------------------------

// Observe blocks until the other system's actions are all done.
class BlockedRunner final : public ActionRunner {
 public:
  explicit BlockedRunner(std::function<bool()> wait) : wait_(std::move(wait)) {}
  Result<Observation> Observe(const Action&) override {
    was_released = wait_();
    return Observation{true, "gone", "{}", "{}", {}};
  }
  AttemptResult Apply(const Action&, const std::string&) override { return {}; }
  AttemptResult Undo(const Action&, const std::string&) override { return {}; }
  Verification Verify(const Action&) override {
    return {VerificationOutcome::kVerified, "gone", ""};
  }
  bool was_released = false;

 private:
  std::function<bool()> wait_;
};

class MixedRunners final : public ActionRunners {
 public:
  MixedRunners(SimulatedWorld& world, ActionRunner& blocked) : world_(world), blocked_(blocked) {}
  ActionRunner* Find(const std::string& system) override {
    return system == "blocked" ? &blocked_ : world_.Find(system);
  }

 private:
  SimulatedWorld& world_;
  ActionRunner& blocked_;
};

TEST_CASE("WithThreadsASystemThatHangsDelaysNoOther") {
  SimulatedWorld world(3);
  const auto journal = world.OpenJournal();
  std::vector<ActionRequest> requests = {SimulatedWorld::Request("blocked", "u0")};
  for (int i = 0; i < 20; ++i) {
    requests.push_back(SimulatedWorld::Request("alive", fmt::format("u{}", i)));
  }
  REQUIRE(journal->Plan(requests, "").ok());
  std::mutex mutex;
  std::condition_variable changed;
  int verified = 0;
  world.store.extra = [&](KeyValueBatch&, std::span<const Transition> transitions) {
    const std::lock_guard lock(mutex);
    for (const Transition& transition : transitions) {
      verified += transition.entry.state == ActionState::kVerified ? 1 : 0;
    }
    changed.notify_all();
  };
  BlockedRunner blocked([&] {
    std::unique_lock lock(mutex);
    return changed.wait_for(lock, std::chrono::seconds(60), [&] { return verified == 20; });
  });
  MixedRunners runners(world, blocked);
  RunOptions options;
  options.threads = 2;
  options.wave_actions = 4;
  const auto report = JournalRun(*journal, runners, world, world.clock, world.random).Run(options);
  REQUIRE(report.ok());
  CHECK(blocked.was_released);
  CHECK(report->verified_count == 21);
}

TEST_CASE("WithThreadsEveryActionEndsOnce") {
  SimulatedWorld world(3);
  world.fault_percent = 20;
  world.faults_by_chance = {Fault::kUnavailable, Fault::kHang, Fault::kEffectThenLost,
                            Fault::kLateEffect, Fault::kThrottled};
  const auto journal = world.OpenJournal();
  std::vector<ActionRequest> requests;
  for (int i = 0; i < 300; ++i) {
    requests.push_back(SimulatedWorld::Request(fmt::format("s{}", i % 5), fmt::format("u{}", i)));
    requests.back().account = fmt::format("a{}", i % 40);
    requests.back().retry_for = {kMicrosPerDay};
  }
  REQUIRE(journal->Plan(requests, "").ok());
  RunOptions options;
  options.threads = 4;
  options.patience = {30 * kMicrosPerDay};
  const RunReport report = world.Run(*journal, options).value();
  CHECK(report.verified_count + report.escalated_count == 300);
  CHECK(report.verified_count > 250);
}

}  // namespace
}  // namespace rescind
