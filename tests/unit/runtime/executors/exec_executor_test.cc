#include "runtime/executors/exec_executor.h"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "runtime/executors/registry.h"
#include "tests/unit/runtime/executors/sample_action.h"
#include "tests/unit/temporary_folder.h"

namespace rescind {
namespace {

// The folder of badge_program.sh, which stands for a system: account X is on while `on-X` is there.
class Bench {
 public:
  Bench() {
    std::filesystem::copy_file("tests/unit/runtime/executors/badge_program.sh",
                               folder_ / "program");
    chmod((folder_ / "program").c_str(), 0700);
    Write("on-ann", "");
  }
  void Write(const std::string& name, const std::string& content) {
    std::ofstream(folder_ / name, std::ios::binary) << content;
  }
  bool Has(const std::string& name) const { return std::filesystem::exists(folder_ / name); }
  std::string Read(const std::string& name) const {
    std::ostringstream text;
    text << std::ifstream(folder_ / name).rdbuf();
    return text.str();
  }
  std::unique_ptr<Executor> Make(const std::string& timeout = "20s") const {
    return MakeFor({"disable account", "run lock"}, {"disable account"}, timeout);
  }
  std::unique_ptr<Executor> MakeFor(const std::vector<std::string>& can,
                                    const std::vector<std::string>& reversible,
                                    const std::string& timeout = "20s") const {
    auto made = MakeExecutor("exec", "badges",
                             {{"command", std::vector<std::string>{"./program"}},
                              {"can", can},
                              {"reversible", reversible},
                              {"timeout", timeout}},
                             folder_.path());
    REQUIRE_MESSAGE(made.ok(), (made.ok() ? "" : made.error().message));
    return std::move(made).value();
  }
  std::string path() const { return folder_.path(); }

 private:
  TemporaryFolder folder_;
};

const Action kDisableAnn = SampleAction(Verb::kDisable, "account", "ann");

std::string DigestNow(Executor& executor) {
  const auto state = executor.Observe(kDisableAnn);
  REQUIRE_MESSAGE(state.ok(), (state.ok() ? "" : state.error().message));
  return state->digest;
}

TEST_CASE("AProgramIsObservedAppliedVerifiedAndUndone") {
  const Bench bench;
  const auto executor = bench.Make();
  const auto before = executor->Observe(kDisableAnn);
  REQUIRE(before.ok());
  CHECK(!before->in_wanted_state);
  CHECK(executor->Verify(kDisableAnn).outcome == VerifyOutcome::kStillEffective);
  CHECK(executor->Apply(kDisableAnn, before->digest, 7).outcome == ApplyOutcome::kApplied);
  CHECK(!bench.Has("on-ann"));
  CHECK(executor->Verify(kDisableAnn).outcome == VerifyOutcome::kVerified);
  CHECK(executor->Apply(kDisableAnn, before->digest, 7).outcome == ApplyOutcome::kAlready);
  CHECK(bench.Read("requests").find(R"("epoch":7)") != std::string::npos);

  CHECK(executor->Undo(kDisableAnn, before->preimage).outcome == ApplyOutcome::kApplied);
  CHECK(bench.Has("on-ann"));
  CHECK(executor->Undo(kDisableAnn, before->preimage).outcome == ApplyOutcome::kAlready);
}

TEST_CASE("AChangedTargetIsLeftAlone") {
  Bench bench;
  const auto executor = bench.Make();
  const auto result = executor->Apply(kDisableAnn, std::string(64, '0'), 1);
  CHECK(result.outcome == ApplyOutcome::kTransient);
  CHECK(result.detail.find("has changed") != std::string::npos);
  CHECK(bench.Has("on-ann"));
  // Undo: neither our post-state nor the state before.
  CHECK(executor->Undo(kDisableAnn, R"({"on":"otherwise"})").outcome == ApplyOutcome::kPermanent);
}

// A revoked grant is gone, which its undo took for somebody else's change: it was never given back.
TEST_CASE("AGrantThatIsGoneBecauseItWasRevokedIsGivenBack") {
  Bench bench;
  // As a program answers that looks for the grant and does not find it.
  bench.Write("fault-observe",
              "$on || { reply '\"exists\":false,\"in_wanted_state\":true'; exit 0; }\n");
  const auto executor = bench.MakeFor({"revoke grant"}, {"revoke grant"});
  const Action revoke = SampleAction(Verb::kRevoke, "grant", "ann");
  const auto before = executor->Observe(revoke);
  REQUIRE(before.ok());
  REQUIRE(executor->Apply(revoke, before->digest, 1).outcome == ApplyOutcome::kApplied);
  REQUIRE(!executor->Observe(revoke)->exists);
  const auto undone = executor->Undo(revoke, before->preimage);
  CHECK_MESSAGE(undone.outcome == ApplyOutcome::kApplied, undone.detail);
  CHECK(bench.Has("on-ann"));
  // Somebody gave another one since.
  const auto refused = executor->Undo(revoke, R"({"on":"otherwise"})");
  CHECK(refused.outcome == ApplyOutcome::kPermanent);
  CHECK(refused.detail.find("somebody has changed the target since") != std::string::npos);
}

TEST_CASE("AnAccountThatIsGoneAfterItWasDisabledIsNotMadeAgain") {
  Bench bench;
  const auto executor = bench.Make();
  const auto before = executor->Observe(kDisableAnn);
  REQUIRE(before.ok());
  REQUIRE(executor->Apply(kDisableAnn, before->digest, 1).outcome == ApplyOutcome::kApplied);
  bench.Write("fault-observe", "reply '\"exists\":false,\"in_wanted_state\":true'; exit 0\n");
  const auto refused = executor->Undo(kDisableAnn, before->preimage);
  CHECK(refused.outcome == ApplyOutcome::kPermanent);
  CHECK(refused.detail.find("somebody has changed the target since") != std::string::npos);
  CHECK(!bench.Has("on-ann"));
}

TEST_CASE("WhatIsNotListedIsNotAsked") {
  const Bench bench;
  const auto executor = bench.Make();
  const Action revoke = SampleAction(Verb::kRevoke, "grant", "ann");
  const auto state = executor->Observe(revoke);
  REQUIRE(!state.ok());
  CHECK(state.error().kind == ErrorKind::kUnsupported);
  CHECK(state.error().help == "it can: disable account, run lock");
  CHECK(executor->Apply(revoke, "", 1).outcome == ApplyOutcome::kPermanent);
  CHECK(executor->Verify(revoke).outcome == VerifyOutcome::kCannotTell);
  CHECK(!bench.Has("requests"));
  // Listed, but not as reversible.
  Action run = SampleAction(Verb::kRun, "account", "ann");
  run.playbook = "lock";
  CHECK(executor->Undo(run, "{}").outcome == ApplyOutcome::kPermanent);
  CHECK(!bench.Has("requests"));
}

TEST_CASE("AFaultyReplyToApplyMayHaveHappened") {
  // Each fault comes after the effect, so "nothing happened" would be a lie.
  const char* const faults[] = {
      "rm on-$id; exit 3",
      "rm on-$id; kill -9 $$",
      "rm on-$id; printf '{\"format\":'; exit 0",
      "rm on-$id; head -c 2000000 /dev/zero; exit 0",
      "rm on-$id; exit 0",
      "rm on-$id; reply '\"outcome\":\"sure\"'; exit 0",
  };
  for (const char* fault : faults) {
    CAPTURE(fault);
    Bench bench;
    const auto executor = bench.Make();
    const std::string digest = DigestNow(*executor);
    bench.Write("fault-apply", fault);
    CHECK(executor->Apply(kDisableAnn, digest, 1).outcome == ApplyOutcome::kUnknown);
    // Observed again, it is seen to be done.
    CHECK(executor->Apply(kDisableAnn, digest, 1).outcome == ApplyOutcome::kAlready);
  }
}

TEST_CASE("HangingAndDrippingProgramsAreEndedInTime") {
  for (const char* fault : {"sleep 60", "while :; do printf ' '; sleep 0.02; done"}) {
    CAPTURE(fault);
    Bench bench;
    const auto executor = bench.Make();
    const std::string digest = DigestNow(*executor);
    const auto hasty = bench.Make("700ms");
    bench.Write("fault-apply", fault);
    bench.Write("fault-verify", fault);
    const auto began = std::chrono::steady_clock::now();
    const auto result = hasty->Apply(kDisableAnn, digest, 1);
    CHECK(result.outcome == ApplyOutcome::kUnknown);
    CHECK(result.detail.find("gave no reply within 700 ms") != std::string::npos);
    CHECK(hasty->Verify(kDisableAnn).outcome == VerifyOutcome::kCannotTell);
    CHECK(std::chrono::steady_clock::now() - began < std::chrono::seconds(20));
  }
}

TEST_CASE("AFailedObservationChangesNothingAndIsRetryable") {
  Bench bench;
  const auto executor = bench.Make();
  const std::string digest = DigestNow(*executor);
  bench.Write("fault-observe", "echo 'no route to the badge server' >&2; exit 1");
  const auto state = executor->Observe(kDisableAnn);
  REQUIRE(!state.ok());
  CHECK(state.error().kind == ErrorKind::kUnavailable);
  CHECK(state.error().message.find("no route to the badge server") != std::string::npos);
  CHECK(executor->Apply(kDisableAnn, digest, 1).outcome == ApplyOutcome::kTransient);
  CHECK(bench.Has("on-ann"));

  bench.Write("fault-observe", "reply '\"error\":\"invalid\",\"message\":\"two fit\"'; exit 0");
  CHECK(executor->Observe(kDisableAnn).error().kind == ErrorKind::kInvalidInput);
  CHECK(executor->Apply(kDisableAnn, digest, 1).outcome == ApplyOutcome::kPermanent);
}

TEST_CASE("AMissingProgramIsAFailureBeforeAnythingHappened") {
  const Bench bench;
  const auto executor = bench.Make();
  std::filesystem::remove(bench.path() + "/program");
  CHECK(executor->Observe(kDisableAnn).error().kind == ErrorKind::kUnavailable);
  CHECK(executor->Apply(kDisableAnn, "", 1).outcome == ApplyOutcome::kTransient);
}

TEST_CASE("SettingsOfExecSayWhatIsWrong") {
  const auto message = [](const ExecutorSettings& settings) {
    const auto made = MakeExecutor("exec", "badges", settings, "/ws");
    return made.ok() ? "" : made.error().message;
  };
  const std::vector<std::string> command = {"tool"};
  CHECK(message({}).find("`command` must be") != std::string::npos);
  CHECK(message({}).find("`can` must list") != std::string::npos);
  const auto with_can = [&](const char* can) {
    return message({{"command", command}, {"can", std::vector<std::string>{can}}});
  };
  CHECK(with_can("disable account") == "");
  CHECK(with_can("disabel account").find("did you mean \"disable\"?") != std::string::npos);
  CHECK(with_can("disable").find("must be a verb, one blank") != std::string::npos);
  CHECK(with_can("notify x").find("does not begin with a verb") != std::string::npos);
  CHECK(message({{"command", command},
                 {"can", std::vector<std::string>{"disable account"}},
                 {"reversible", std::vector<std::string>{"delete account"}},
                 {"environment", std::vector<std::string>{"nothing"}},
                 {"timeouts", std::string("1s")}})
            .find("did you mean `timeout`?") != std::string::npos);
}

TEST_CASE("AnUnknownKindOfExecutorIsToldWithTheKnownOnes") {
  const auto made = MakeExecutor("exce", "x", {}, "/ws");
  REQUIRE(!made.ok());
  CHECK(made.error().message ==
        "[target.x]: `executor` is \"exce\", which is no kind of executor; did you mean "
        "\"exec\"?");
  CHECK(made.error().help.find("exec") != std::string::npos);
}

}  // namespace
}  // namespace rescind
