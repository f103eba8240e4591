// A stage that fails and is rolled back: who hears of it, what the next runs leave alone, and what
// a person's plan makes of it.
#include "tests/unit/runtime/cli/leaver_fixture.h"

namespace rescind {
namespace {

// Both accounts were disabled; of eve's the system could not tell for an hour whether it is.
struct UntoldStage : LeaverFixture {
  UntoldStage() {
    ImportLeaver("1h");
    Write("fault-verify",
          "if [ $id = eve ]; then reply '\"outcome\":\"cannot_tell\"'; exit 0; fi\n");
    const std::string id = MakePlan();
    REQUIRE(Run({"apply", "p.json", "--confirm", id, "--wait", "0s"}) ==
            ExitStatus::kAppliedInPart);
    REQUIRE(!Has("on-ann"));
    clock.Advance({2 * kMicrosPerHour});
  }
};

constexpr const char* kUntold = "the system cannot tell whether it is gone; given up after 1h";

// It was given back, the run ended with 0, nobody was told, and the next run did it all again, and
// gave it back again, for ever.
TEST_CASE_FIXTURE(UntoldStage, "AStageOfWhichNobodyKnewWhetherItWasDoneIsLeftToAPerson") {
  CHECK(Run({"apply", "--auto", "--wait", "0s"}) == ExitStatus::kAppliedInPart);
  CAPTURE(out.str() + err.str());
  CHECK(Has("on-ann"));
  CHECK(Has("on-eve"));
  CHECK(Prints(std::string("  X disable account eve on corp: compensated (") + kUntold +
               "; it was given back)\n"));
  CHECK(Prints("1 needs a person: "));
  const auto told = Messages("escalated");
  REQUIRE(told.size() == 1);
  CHECK(told[0]["subject"] == "a person must act: disable account eve on corp");
  const std::string text = told[0]["text"];
  CHECK(text.find(std::string("What happened: ") + kUntold) != std::string::npos);
  CHECK(text.find("its stage was rolled back") != std::string::npos);

  CHECK(Run({"status"}) == ExitStatus::kDone);
  CHECK(Prints("  X disable account eve on corp: compensated since "));
  CHECK(Prints(kUntold));
  CHECK(Prints("1 needs a person: "));
  for (const char* how : {"--auto", "--resume"}) {
    clock.Advance({2 * kMicrosPerHour});
    CHECK(Run({"apply", how, "-o", "json"}) == ExitStatus::kAppliedInPart);
    CHECK(Json()["summary"]["need_person"] == 1);
    CHECK(Json()["summary"]["escalated_earlier"] == 1);
  }
  CHECK(Asked("apply", "ann") == 1);
  CHECK(Messages("escalated").size() == 1);

  SUBCASE("APersonTriesItAgain") {
    REQUIRE(files.Remove(folder / "fault-verify").ok());
    CHECK(Run({"plan"}) == ExitStatus::kDone);
    CHECK(Prints("X 1 of them is escalated: a person must act"));
    CHECK(ApplyConfirmed() == ExitStatus::kDone);
    CHECK(!Has("on-ann"));
    CHECK(!Has("on-eve"));
  }
  SUBCASE("NobodyAsksForItAnyMore") {
    ImportMore(
        "{\"entity\":\"identity\",\"id\":\"old\",\"kind\":\"employee\",\"status\":\"active\"}\n");
    CHECK(Run({"apply", "--auto"}) == ExitStatus::kDone);
  }
  CHECK(Run({"apply", "--auto"}) == ExitStatus::kDone);
  CHECK(Run({"status", "-o", "json"}) == ExitStatus::kDone);
  CHECK(Json()["need_person"] == 0);
}

TEST_CASE_FIXTURE(UntoldStage, "AStageThatWasGivenUpIsToldEvenWhenTheRunIsKilled") {
  RunUntilKilledWhileTelling({"apply", "--auto", "--wait", "0s"});
  REQUIRE(Messages("escalated").empty());
  CHECK(Run({"apply", "--resume"}) == ExitStatus::kAppliedInPart);
  CHECK(Messages("escalated").size() == 1);
}

// ann's account was disabled, eve's could not be, and ann's is to be given back, which the system
// puts off or refuses.
struct OpenUndo : LeaverFixture {
  void Begin(const std::string& undo) {
    ImportLeaver("1h");
    AnswerForEve("transient");
    const std::string id = MakePlan();
    REQUIRE(Run({"apply", "p.json", "--confirm", id, "--wait", "0s"}) ==
            ExitStatus::kAppliedInPart);
    AnswerForEve("permanent");
    Write("fault-undo", "reply '\"outcome\":\"" + undo + "\",\"detail\":\"not now\"'; exit 0\n");
    clock.Advance({kMicrosPerMinute});
    REQUIRE(Run({"apply", "--auto", "--wait", "0s"}) == ExitStatus::kAppliedInPart);
    REQUIRE(Asked("undo", "ann") == 1);
    REQUIRE(!Has("on-ann"));
    clock.Advance({kMicrosPerMinute});
  }
  nlohmann::json Undo() {
    Run({"plan", "-o", "json"});
    return Json().value("undos", nlohmann::json::array()).at(0);
  }
  uint64_t ResolvedCount() {
    REQUIRE(Run({"status", "-o", "json"}) == ExitStatus::kDone);
    return Json()["policies"][0]["resolved"];
  }
};

// Half of the stage was removed anew and half given back, and the finding counted as done.
TEST_CASE_FIXTURE(OpenUndo, "APersonsPlanOfTheStageDropsItsUndos") {
  SUBCASE("it waits for a retry") { Begin("transient"); }
  SUBCASE("it was refused") { Begin("permanent"); }
  CHECK(Undo()["effect"] ==
        "applying this plan carries its stage out again: where it is still removed it stays so");
  REQUIRE(files.Remove(folder / "fault-undo").ok());
  REQUIRE(files.Remove(folder / "fault-apply").ok());
  CHECK_MESSAGE(ApplyConfirmed() == ExitStatus::kDone, (out.str() + err.str()));
  CHECK(Asked("undo", "ann") == 1);
  CHECK(!Has("on-ann"));
  CHECK(!Has("on-eve"));
  CHECK(ResolvedCount() == 1);
}

TEST_CASE_FIXTURE(OpenUndo, "WhatWasGivenBackMeanwhileIsListedByTheNextPlan") {
  Begin("transient");
  Write("on-ann", "");
  REQUIRE(files.Remove(folder / "fault-apply").ok());
  CHECK_MESSAGE(ApplyConfirmed() == ExitStatus::kAppliedInPart, (out.str() + err.str()));
  CHECK(Has("on-ann"));
  CHECK(!Has("on-eve"));
  CHECK(ResolvedCount() == 0);
  bool is_refused = false;
  SUBCASE("and is done then") {}
  SUBCASE("and is refused then: it belongs to what was done before") {
    is_refused = true;
    Write("fault-apply", "reply '\"outcome\":\"permanent\",\"detail\":\"no\"'; exit 0\n");
    REQUIRE(files.Remove(folder / "fault-undo").ok());
  }
  const ExitStatus status = Run({"apply", "--auto"});
  CAPTURE(out.str() + err.str());
  CHECK(status == (is_refused ? ExitStatus::kAppliedInPart : ExitStatus::kDone));
  CHECK(Has("on-ann") == is_refused);
  CHECK(Has("on-eve") == is_refused);
  CHECK(ResolvedCount() == (is_refused ? 0 : 1));
}

// It went on though a person had the stage carried out again, or gave up where that failed anew.
TEST_CASE_FIXTURE(OpenUndo, "AStageThatFailsAgainIsGivenBackAgain") {
  Begin("transient");
  REQUIRE(files.Remove(folder / "fault-undo").ok());
  CHECK(ApplyConfirmed() == ExitStatus::kAppliedInPart);
  CAPTURE(out.str() + err.str());
  CHECK(Has("on-ann"));
  CHECK(Asked("undo", "ann") == 2);
  CHECK(ResolvedCount() == 0);
}

TEST_CASE_FIXTURE(OpenUndo, "AutoBeginsNothingOfAStageWhileAnUndoOfItIsOpen") {
  SUBCASE("it waits for a retry") { Begin("transient"); }
  SUBCASE("it was refused") { Begin("permanent"); }
  // A third account, of which nothing has failed, and eve's, by hand.
  Write("on-kim", "");
  ImportMore("{\"entity\":\"account\",\"id\":\"eve\",\"status\":\"disabled\"}\n" +
             Account("kim", "\"owner\":\"old\","));
  CHECK(Run({"apply", "--auto", "--wait", "0s"}) == ExitStatus::kAppliedInPart);
  CAPTURE(out.str() + err.str());
  CHECK(Has("on-kim"));
  CHECK(Prints("  ! disable account kim: its stage is being rolled back\n"));
  CHECK(ResolvedCount() == 0);
}

// The finding was resolved, and once the undo was over nobody asked for the account any more.
TEST_CASE_FIXTURE(OpenUndo, "AFindingIsNotResolvedWhileAnUndoOfItIsOpen") {
  SUBCASE("it waits for a retry") { Begin("transient"); }
  SUBCASE("it was refused") { Begin("permanent"); }
  ImportMore("{\"entity\":\"account\",\"id\":\"eve\",\"status\":\"disabled\"}\n");
  CHECK(Run({"apply", "--auto", "--wait", "0s"}) == ExitStatus::kAppliedInPart);
  CHECK(ResolvedCount() == 0);
  // Given back, it is listed again.
  REQUIRE(files.Remove(folder / "fault-undo").ok());
  clock.Advance({10 * kMicrosPerMinute});
  CHECK(Undo()["system"] == "corp");
  CHECK(ApplyConfirmed() == ExitStatus::kDone);
  CHECK(Has("on-ann"));
  CHECK(ResolvedCount() == 0);
  CHECK(ApplyConfirmed() == ExitStatus::kDone);
  CHECK(!Has("on-ann"));
  CHECK(ResolvedCount() == 1);
}

// A plan that listed nothing to do changed access all the same.
TEST_CASE_FIXTURE(OpenUndo, "APlanAndStatusShowWhatIsBeingGivenBack") {
  std::string effect;
  bool failed = false;
  SUBCASE("it waits for a retry") {
    Begin("transient");
    effect = "applying this plan goes on giving it back";
  }
  SUBCASE("it was refused") {
    Begin("permanent");
    effect = "applying this plan tries again to give it back";
    failed = true;
  }
  ImportMore("{\"entity\":\"account\",\"id\":\"eve\",\"status\":\"disabled\"}\n");
  const nlohmann::json undo = Undo();
  CHECK(undo["target"] == "ann");
  CHECK(undo["failed"] == failed);
  CHECK(undo["since"] == "2026-06-01T08:01:00Z");
  CHECK(undo["error"] == (failed ? "not undone: not now" : "not now"));
  CHECK(undo["effect"] == effect);
  CHECK(Run({"plan"}) == ExitStatus::kDone);
  CHECK(Prints("Nothing to remove."));
  CHECK(Prints("undo disable account ann on corp  (access.leaver)\n"));
  CHECK(Prints("      " + effect + "\n"));
  CHECK(Run({"plan", "--detailed-exitcode"}) != ExitStatus::kDone);
  CHECK(Run({"status"}) == ExitStatus::kDone);
  CHECK(Prints("being given back since 2026-06-01T08:01:00Z: "));
  CHECK(
      Prints("1 is to be given back as its stage failed: `rescind plan` says what applying it "
             "does\n"));
  // What was written is what is read.
  const std::string id = MakePlan();
  CHECK(Run({"show", "p.json", "-o", "json"}) == ExitStatus::kDone);
  CHECK(Json()["undos"][0]["effect"] == effect);
  CHECK(Json()["plan_id"] == id);
}

// Neither the table nor the JSON named what a later run gave back, or could not.
TEST_CASE_FIXTURE(LeaverFixture, "WhatALaterRunGivesBackIsInItsReport") {
  ImportLeaver("1h");
  AnswerForEve("transient");
  const std::string id = MakePlan();
  REQUIRE(Run({"apply", "p.json", "--confirm", id, "--wait", "0s"}) == ExitStatus::kAppliedInPart);
  AnswerForEve("permanent");
  std::string state = "compensated";
  uint64_t with_person = 1;
  SUBCASE("it is done") {}
  SUBCASE("it is refused") {
    Write("fault-undo", "reply '\"outcome\":\"permanent\",\"detail\":\"no\"'; exit 0\n");
    state = "escalated";
    with_person = 2;
  }
  clock.Advance({kMicrosPerMinute});
  CHECK(Run({"apply", "--resume", "-o", "json"}) == ExitStatus::kAppliedInPart);
  REQUIRE(Json()["actions"].size() == 2);
  CHECK(Json()["actions"][0]["target"] == "ann");
  CHECK(Json()["actions"][0]["state"] == state);
  CHECK(Json()["summary"]["need_person"] == with_person);
  CHECK(Messages("escalated").size() == with_person);
  CHECK(Run({"status", "-o", "json"}) == ExitStatus::kDone);
  CHECK(Json()["need_person"] == with_person);
}

// It was told anew by every run that tried again.
TEST_CASE_FIXTURE(OpenUndo, "AnUndoThatFailsIsToldOnce") {
  Begin("transient");
  for (int times = 0; times < 3; ++times) {
    clock.Advance({2 * kMicrosPerHour});
    CHECK(Run({"apply", "--auto", "--wait", "0s"}) == ExitStatus::kAppliedInPart);
  }
  size_t count = 0;
  for (const nlohmann::json& each : Messages("escalated")) {
    if (each["subject"] != "a person must act: undo disable account ann on corp") continue;
    ++count;
    CHECK(each["about"]["because"] == "not undone in time: not now; given up after 1h");
  }
  CHECK(count == 1);
}

}  // namespace
}  // namespace rescind
