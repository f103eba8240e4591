// A rollback that fails, and what becomes of it.
#include "tests/unit/runtime/cli/leaver_fixture.h"

namespace rescind {
namespace {

// ann's account was disabled and eve's could not be, so ann's was to be given back: that was
// refused.
struct FailedRollback : LeaverFixture {
  FailedRollback() {
    ImportLeaver("1m");
    AnswerForEve("transient");
    Write("fault-undo", "reply '\"outcome\":\"permanent\",\"detail\":\"not allowed\"'; exit 0\n");
    const std::string id = MakePlan();
    REQUIRE(Run({"apply", "p.json", "--confirm", id, "--wait", "0s"}) ==
            ExitStatus::kAppliedInPart);
    AnswerForEve("permanent");
    clock.Advance({30 * kMicrosPerSecond});
    REQUIRE(Run({"apply", "--resume"}) == ExitStatus::kAppliedInPart);
    REQUIRE(!Has("on-ann"));
    REQUIRE(Asked("undo", "ann") == 1);
    // What failed first is done by hand, so that nothing else needs a person.
    REQUIRE(files.Remove(folder / "fault-apply").ok());
    ImportMore("{\"entity\":\"account\",\"id\":\"eve\",\"status\":\"disabled\"}\n");
  }
};

// It stayed escalated for ever: no plan and no apply tried it again or said so, and `apply` ended
// with 0.
TEST_CASE_FIXTURE(FailedRollback, "ARollbackThatWasRefusedIsSaidByEveryApply") {
  CHECK(Run({"apply", "--auto"}) == ExitStatus::kAppliedInPart);
  CHECK(
      Prints("rollbacks of earlier runs that failed, and left to a person:\n"
             "  X undo disable account ann on corp: since 2026-06-01T08:00:30Z: not undone: "
             "not allowed\n"));
  CHECK(Prints("1 needs a person: "));
  CHECK(Asked("undo", "ann") == 1);
  CHECK(Run({"apply", "--resume", "-o", "json"}) == ExitStatus::kAppliedInPart);
  CHECK(Json()["summary"]["undos_left"] == 1);
}

TEST_CASE_FIXTURE(FailedRollback, "APersonsPlanTriesARefusedRollbackAgain") {
  REQUIRE(files.Remove(folder / "fault-undo").ok());
  REQUIRE_MESSAGE(ApplyConfirmed() == ExitStatus::kDone, (out.str() + err.str()));
  CHECK(Asked("undo", "ann") == 2);
  CHECK(Has("on-ann"));
  CHECK(Json()["actions"][0]["state"] == "compensated");
}

TEST_CASE_FIXTURE(FailedRollback, "ARollbackWhoseSystemWasAwayIsTriedAgainByEveryApply") {
  Write("fault-undo", "reply '\"outcome\":\"transient\",\"detail\":\"away\"'; exit 0\n");
  REQUIRE(ApplyConfirmed() == ExitStatus::kAppliedInPart);
  clock.Advance({2 * kMicrosPerMinute});
  CHECK(Run({"apply", "--auto"}) == ExitStatus::kAppliedInPart);
  CHECK(Prints("escalated (not undone in time: away; given up after 1m)"));
  REQUIRE(files.Remove(folder / "fault-undo").ok());
  CHECK(Run({"apply", "--auto"}) == ExitStatus::kDone);
  CHECK(Prints("compensated"));
  CHECK(Has("on-ann"));
}

TEST_CASE_FIXTURE(FailedRollback, "WhatSomebodyHasChangedSinceIsNotRolledBack") {
  REQUIRE(files.Remove(folder / "fault-undo").ok());
  Write("fault-observe",
        "reply '\"exists\":true,\"in_wanted_state\":false,\"preimage\":{"
        "\"on\":\"half\"}'; exit 0\n");
  CHECK(ApplyConfirmed() == ExitStatus::kAppliedInPart);
  CHECK(Asked("undo", "ann") == 1);
  CHECK(!Has("on-ann"));
}

// It stayed left to a person, who had nothing to decide any more.
TEST_CASE_FIXTURE(FailedRollback, "ARollbackThatFailedIsOverOnceAnotherPolicyWantsItGone") {
  REQUIRE(files.Remove(folder / "fault-undo").ok());
  Write("policies/tagged.rescind", R"(
module tagged
policy tagged "Whoever has left" {
  controls iso_27001 "A.5.18"
  mode enforce
  for a in account
  when a.owner is known and a.owner.status == terminated
  because "left"
  then { disable a }
}
)");
  CHECK(ApplyConfirmed() == ExitStatus::kDone);
  CAPTURE(out.str() + err.str());
  CHECK(Json()["actions"][0]["state"] == "verified");
  CHECK(Asked("undo", "ann") == 1);
  CHECK(!Has("on-ann"));
  CHECK(Run({"apply", "--auto"}) == ExitStatus::kDone);
}

// No apply said so any more, none tried it again, and all ended with 0.
TEST_CASE_FIXTURE(FailedRollback, "ARollbackThatFailedIsNotOverWhileAnotherPolicyLetsNothingGo") {
  ImportMore(
      "{\"entity\":\"identity\",\"id\":\"old\",\"kind\":\"employee\",\"status\":\"active\"}\n"
      "{\"entity\":\"account\",\"id\":\"ann\",\"status\":\"active\",\"tags\":[\"idle\"]}\n");
  Write("policies/tagged.rescind", R"(
module tagged
policy tagged "What is idle goes after a week's notice" {
  controls iso_27001 "A.5.18"
  mode enforce
  for a in account
  when a.tags has "idle"
  because "idle"
  then { notify "team" }
  then after 7d { disable a }
}
)");
  const std::string_view left =
      "rollbacks of earlier runs that failed, and left to a person:\n  X undo disable account ann ";
  CHECK(Run({"apply", "--auto"}) == ExitStatus::kAppliedInPart);  // nobody has confirmed it
  CHECK(Prints(left));
  CHECK(ApplyConfirmed() == ExitStatus::kAppliedInPart);
  CHECK(Asked("undo", "ann") == 2);
  CHECK(Run({"apply", "--auto"}) == ExitStatus::kAppliedInPart);  // it is announced
  CHECK(Prints(left));
  CHECK(Asked("undo", "ann") == 2);
  REQUIRE(files.Remove(folder / "fault-undo").ok());
  CHECK(ApplyConfirmed() == ExitStatus::kDone);
  CHECK(Has("on-ann"));
  clock.Advance({8 * kMicrosPerDay});
  CHECK(Run({"apply", "--auto"}) == ExitStatus::kDone);
  CHECK(!Has("on-ann"));
}

// A plan that showed nothing to remove gave the access back.
TEST_CASE_FIXTURE(FailedRollback, "AFilteredPlanLeavesTheRollbacksAloneThatItDoesNotShow") {
  Write("policies/tagged.rescind", R"(
module tagged
policy tagged "What is idle goes" {
  controls iso_27001 "A.5.18"
  mode enforce
  for a in account
  when a.tags has "idle"
  because "idle"
  then { disable a }
}
)");
  ImportMore(
      "{\"entity\":\"identity\",\"id\":\"new\",\"kind\":\"employee\",\"status\":\"active\"}\n");
  REQUIRE(files.Remove(folder / "fault-undo").ok());
  const auto apply_filtered = [&](const std::string& option, const std::string& value) {
    REQUIRE(Run({"plan", option, value, "--out", "f.json", "-o", "json"}) == ExitStatus::kDone);
    const std::string id = Json()["plan_id"];
    return Run({"apply", "f.json", "--confirm", id, "-o", "json"});
  };
  CHECK(apply_filtered("--policy", "tagged.tagged") == ExitStatus::kAppliedInPart);
  CHECK(Json()["summary"]["undos_left"] == 1);
  CHECK(apply_filtered("--person", "new") == ExitStatus::kAppliedInPart);
  CHECK(Json()["summary"]["undos_left"] == 1);
  CHECK(Asked("undo", "ann") == 1);
  CHECK(!Has("on-ann"));
  SUBCASE("ItsPolicyIsShown") {
    CHECK(apply_filtered("--policy", "access.leaver") == ExitStatus::kDone);
  }
  SUBCASE("ItsPersonIsShown") { CHECK(apply_filtered("--person", "old") == ExitStatus::kDone); }
  CHECK(Asked("undo", "ann") == 2);
  CHECK(Has("on-ann"));
}

// Nobody learned of it before a stage failed.
TEST_CASE_FIXTURE(LeaverFixture, "WhatNoTargetCanUndoIsWarnedOfWhereItIsToBeRolledBack") {
  const std::string stages = "  then { revoke i.accounts.grants\n    disable i.accounts }\n";
  WriteLeaver(stages, "1h");
  CHECK(Run({"check"}) == ExitStatus::kDone);
  CHECK(
      Prints("warning[W0603]: access.leaver rolls back what fails, and no target can undo \"revoke "
             "grant\""));
  CHECK(!Prints("\"disable account\""));
  CHECK(Run({"check", "--deny-warnings"}) == ExitStatus::kCheckFailed);
  CHECK(Run({"explain", "W0603"}) == ExitStatus::kDone);
  WriteLeaver(stages, "1h", "keep");
  CHECK(Run({"check"}) == ExitStatus::kDone);
  CHECK(!Prints("W0603"));
  WriteLeaver(stages, "1h");
  std::string workspace = Content("rescind.toml");
  const std::string undone = "reversible = [";
  workspace.insert(workspace.find(undone) + undone.size(), "\"revoke grant\", ");
  Write("rescind.toml", workspace);
  CHECK(Run({"check"}) == ExitStatus::kDone);
  CHECK(!Prints("W0603"));
}

}  // namespace
}  // namespace rescind
