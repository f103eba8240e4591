// A stage that fails does what its policy said when it began, whatever has been edited since.
#include "tests/unit/runtime/cli/leaver_fixture.h"

namespace rescind {
namespace {

constexpr const char* kKeep = "keep, notify \"oncall\"";
constexpr const char* kRollback = "rollback";

// Old has left, and of his three accounts ann's is disabled, while the system says of eve's and of
// kim's to try again.
struct EditedStage : LeaverFixture {
  void Begin(const std::string& outcome) {
    Edit(outcome);
    ImportCompany();
    ImportOld();
    ImportMore(Account("kim", "\"owner\":\"old\","));
    for (const char* id : {"on-ann", "on-eve", "on-kim"}) Write(id, "");
    Write("fault-apply",
          "if [ $id != ann ]; then reply '\"outcome\":\"transient\",\"detail\":\"busy\"'; exit 0; "
          "fi\n");
    const std::string id = MakePlan();
    REQUIRE(Run({"apply", "p.json", "--confirm", id, "--wait", "0s"}) ==
            ExitStatus::kAppliedInPart);
    REQUIRE(!Has("on-ann"));
    REQUIRE(Has("on-kim"));
    clock.Advance({kMicrosPerMinute});
  }
  void Edit(const std::string& outcome) {
    WriteLeaver("  then { disable i.accounts }\n", "1h", outcome);
  }
  // The rest of the stage, in which eve's account cannot be disabled.
  void GoOn(const std::string& how) {
    AnswerForEve("permanent");
    if (how == "plan") {
      CHECK(ApplyConfirmed() == ExitStatus::kAppliedInPart);
    } else {
      CHECK(Run({"apply", how}) == ExitStatus::kAppliedInPart);
    }
  }
};

// What had been done before the edit stayed, and what was done after it was given back; or the
// other way round.
TEST_CASE_FIXTURE(EditedStage, "AStageDoesWhatItsPolicySaidWhenItBegan") {
  bool keeps = false;
  const auto go_on = [&] {
    SUBCASE("a person applies a plan") { GoOn("plan"); }
    SUBCASE("nobody has confirmed the edit") { GoOn("--auto"); }
    SUBCASE("it is resumed") { GoOn("--resume"); }
  };
  SUBCASE("it began as one that keeps") {
    keeps = true;
    Begin(kKeep);
    Edit(kRollback);
    go_on();
  }
  SUBCASE("it began as one that is rolled back") {
    Begin(kRollback);
    Edit(kKeep);
    go_on();
  }
  CAPTURE(out.str() + err.str());
  CHECK(Has("on-eve"));
  CHECK(Has("on-ann") == !keeps);
  CHECK(Has("on-kim") == !keeps);
  CHECK(Asked("undo", "ann") == (keeps ? 0 : 1));
}

// One that joins it is of the same stage.
TEST_CASE_FIXTURE(EditedStage, "WhatJoinsAStageIsKeptOrGivenBackWithIt") {
  bool keeps = false;
  SUBCASE("it began as one that keeps") {
    keeps = true;
    Begin(kKeep);
    Edit(kRollback);
  }
  SUBCASE("it began as one that is rolled back") {
    Begin(kRollback);
    Edit(kKeep);
  }
  Write("on-bob", "");
  ImportMore("{\"entity\":\"account\",\"id\":\"bob\",\"owner\":\"old\"}\n");
  AnswerForEve("transient");
  const std::string id = MakePlan();
  REQUIRE(Run({"apply", "p.json", "--confirm", id, "--wait", "0s"}) == ExitStatus::kAppliedInPart);
  REQUIRE(!Has("on-bob"));
  clock.Advance({kMicrosPerMinute});
  GoOn("--auto");
  CAPTURE(out.str() + err.str());
  for (const char* file : {"on-ann", "on-bob", "on-kim"}) CHECK(Has(file) == !keeps);
}

TEST_CASE_FIXTURE(EditedStage, "AnEditCountsForTheStagesThatBeginAfterIt") {
  bool keeps = false;
  SUBCASE("to one that is rolled back") {
    Begin(kKeep);
    Edit(kRollback);
  }
  SUBCASE("to one that keeps") {
    keeps = true;
    Begin(kRollback);
    Edit(kKeep);
  }
  Write("on-bob", "");
  Write("on-zoe", "");
  ImportMore(
      "{\"entity\":\"identity\",\"id\":\"new\",\"kind\":\"employee\",\"status\":\"terminated\"}\n"
      "{\"entity\":\"account\",\"id\":\"bob\",\"owner\":\"new\"}\n" +
      Account("zoe", "\"owner\":\"new\","));
  Write("fault-apply",
        "case $id in eve|zoe) reply '\"outcome\":\"permanent\",\"detail\":\"no right\"'; exit 0;; "
        "esac\n");
  CHECK(ApplyConfirmed() == ExitStatus::kAppliedInPart);
  CAPTURE(out.str() + err.str());
  CHECK(Has("on-ann") == keeps);
  CHECK(Has("on-bob") == !keeps);
}

// A stage that was rolled back and that a person has carried out again begins anew.
TEST_CASE_FIXTURE(EditedStage, "AStageThatIsCarriedOutAgainDoesWhatItsPolicySaysThen") {
  Begin(kRollback);
  SUBCASE("all of it was given back") {
    GoOn("--auto");
    REQUIRE(Has("on-ann"));
  }
  SUBCASE("some of it is still to be given back") {
    Write("fault-undo", "reply '\"outcome\":\"permanent\",\"detail\":\"not now\"'; exit 0\n");
    GoOn("--auto");
    REQUIRE(!Has("on-ann"));
    REQUIRE(files.Remove(folder / "fault-undo").ok());
  }
  const size_t undone_before = Asked("undo", "ann");
  Edit(kKeep);
  GoOn("plan");
  CAPTURE(out.str() + err.str());
  CHECK(Has("on-eve"));
  CHECK(!Has("on-ann"));
  CHECK(!Has("on-kim"));
  CHECK(Asked("undo", "ann") == undone_before);
}

// Plan and status called ready what `apply --auto` left to a person.
TEST_CASE_FIXTURE(EditedStage, "APlanAndStatusSayWhatOfAStageIsLeftToAPerson") {
  Begin(kRollback);
  std::string because = "its stage was rolled back, and what failed in it waits for a person";
  SUBCASE("all of it was given back") {}
  SUBCASE("some of it is still to be given back") {
    Write("fault-undo",
          "[ $id = kim ] || { reply '\"outcome\":\"permanent\",\"detail\":\"no\"'; exit 0; }\n");
    because = "its stage is being rolled back";
  }
  GoOn("--auto");
  REQUIRE(Has("on-kim"));
  const size_t left_count = Has("on-ann") ? 2 : 1;
  REQUIRE(Run({"plan", "-o", "json"}) == ExitStatus::kDone);
  const nlohmann::json plan = Json();
  CHECK(plan["summary"]["left"] == left_count);
  CHECK(plan["summary"]["escalated"] == 1);
  size_t count = 0;
  for (const nlohmann::json& action : plan["actions"]) {
    CHECK(action["status"] == "ready");
    CHECK(action.contains("left") == (action["target"] != "eve"));
    if (!action.contains("left")) continue;
    ++count;
    CHECK(action["left"]["because"] == because);
    CHECK(action["left"]["remedy"] ==
          "`apply --auto` leaves it; applying this plan has its stage carried out again");
  }
  CHECK(count == left_count);
  // Of a plan that lists none of them.
  REQUIRE(Run({"plan", "--rows", "0"}) == ExitStatus::kDone);
  CHECK(Prints(left_count == 1 ? "X 1 of them is of a stage that was rolled back: "
                               : "X 2 of them are of stages that were rolled back: "));
  REQUIRE(Run({"status"}) == ExitStatus::kDone);
  CHECK(Prints("left to a person, as judged now\n  X " + std::to_string(left_count) + " action" +
               (left_count == 1 ? "" : "s") + " of access.leaver: " + because + "\n"));
  REQUIRE(Run({"status", "-o", "json"}) == ExitStatus::kDone);
  CHECK(Json()["left"][0]["actions"] == left_count);
  CHECK(Json()["held"].empty());
  // What the next run reports of them.
  CHECK(Run({"apply", "--auto"}) == ExitStatus::kAppliedInPart);
  CHECK(Prints("  ! disable account kim: " + because + "\n"));
  // Applied, it is carried out, and nothing of it is left.
  REQUIRE(files.Remove(folder / "fault-apply").ok());
  CHECK_MESSAGE(ApplyConfirmed() == ExitStatus::kDone, (out.str() + err.str()));
  CHECK(!Has("on-kim"));
  REQUIRE(Run({"status", "-o", "json"}) == ExitStatus::kDone);
  CHECK(Json()["left"].empty());
}

// Access that goes on after all is no reason to give more of it back.
TEST_CASE_FIXTURE(EditedStage, "AStageIsNotRolledBackForAccessThatGoesOnAllTheSame") {
  Begin(kRollback);
  REQUIRE(files.Remove(folder / "fault-apply").ok());
  Write(
      "fault-verify",
      "if [ $id = eve ]; then reply '\"outcome\":\"still_effective\",\"via\":\"a session\"'; exit "
      "0; fi\n");
  CHECK(Run({"apply", "--auto"}) == ExitStatus::kAppliedInPart);
  CAPTURE(out.str() + err.str());
  CHECK(Prints("escalated (still effective via a session"));
  for (const char* id : {"ann", "eve", "kim"}) {
    CHECK(!Has(std::string("on-") + id));
    CHECK(Asked("undo", id) == 0);
  }
  // Nor is the rest of the stage left, for it was not rolled back.
  Write("on-bob", "");
  ImportMore("{\"entity\":\"account\",\"id\":\"bob\",\"owner\":\"old\"}\n");
  CHECK(Run({"plan", "-o", "json"}) == ExitStatus::kDone);
  CHECK(!Json()["summary"].contains("left"));
  CHECK(Run({"apply", "--auto"}) == ExitStatus::kAppliedInPart);
  CHECK(!Has("on-bob"));
  CHECK(Asked("undo", "bob") == 0);
}

}  // namespace
}  // namespace rescind
