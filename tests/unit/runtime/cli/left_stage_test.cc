// A stage that was rolled back and is left to a person: what it holds up, and who takes it up
// again.
#include "tests/unit/runtime/cli/leaver_fixture.h"

namespace rescind {
namespace {

// Old has left; eve's account could not be disabled, so ann's and kim's were given back.
struct LeftStage : LeaverFixture {
  void Begin(const std::string& more = "", const std::string& outcome = "rollback") {
    WriteLeaver("  then { disable i.accounts }\n" + more, "1m", outcome);
    ImportCompany();
    ImportOld();
    ImportMore(Account("kim", "\"owner\":\"old\","));
    for (const char* id : {"on-ann", "on-eve", "on-kim"}) Write(id, "");
    AnswerForEve("permanent");
    REQUIRE(ApplyConfirmed() == ExitStatus::kAppliedInPart);
    REQUIRE(Has("on-ann") == (outcome == "rollback"));
  }
  // One more has left, with one account.
  void Leave(const std::string& person) {
    Write("on-" + person + "-a", "");
    ImportMore("{\"entity\":\"identity\",\"id\":\"" + person +
               "\",\"kind\":\"employee\",\"status\":\"terminated\"}\n" +
               Account(person + "-a", "\"owner\":\"" + person + "\","));
  }
  void WaitDays(int64_t days) { clock.Advance({days * kMicrosPerDay}); }
  bool IsOn(const std::string& id) { return Has("on-" + id); }
  void Mend() { REQUIRE(files.Remove(folder / "fault-apply").ok()); }
};

// Every `apply --auto` counted it as starting, so that nobody else who left lost any access, and it
// was called held, not left.
TEST_CASE_FIXTURE(LeftStage, "AStageThatIsLeftToAPersonUsesUpNoLimit") {
  std::string more;
  SUBCASE("of its policy") { more = "  limit 1 of identity per day\n"; }
  SUBCASE("of the workspace") {
    WriteWorkspace("", "per_policy = \"100%\"\nremovals_per_hour = 3\n");
  }
  Begin(more);
  if (more.empty()) WriteWorkspace("", "per_policy = \"100%\"\nremovals_per_hour = 1\n");
  WaitDays(2);
  Leave("zed");
  REQUIRE(Run({"plan", "-o", "json"}) == ExitStatus::kDone);
  CHECK(Json()["summary"]["left"] == 2);
  CHECK(Json()["summary"]["held"] == 0);
  CHECK(Run({"apply", "--auto"}) == ExitStatus::kAppliedInPart);
  CAPTURE(out.str() + err.str());
  CHECK(!IsOn("zed-a"));
  CHECK(IsOn("ann"));
  CHECK(Prints("2 are of stages that were rolled back: make a plan, and apply it"));
  WaitDays(2);
  // What a person has carried out again counts from then on.
  Mend();
  CHECK_MESSAGE(ApplyConfirmed() == ExitStatus::kDone, (out.str() + err.str()));
  CHECK(!IsOn("ann"));
  Leave("yul");
  CHECK(Run({"apply", "--auto"}) == ExitStatus::kHeld);
  CHECK(IsOn("yul-a"));
}

// It was called held, and no longer left.
TEST_CASE_FIXTURE(LeftStage, "AStageThatIsHeldBesidesIsLeftToAPersonAllTheSame") {
  WriteWorkspace("[source.directory]\nentity = [\"identity\", \"account\"]\nmax_age = \"2d\"\n");
  Begin();
  WaitDays(3);
  REQUIRE(Run({"plan", "-o", "json"}) == ExitStatus::kDone);
  const nlohmann::json plan = Json();
  CHECK(plan["summary"]["left"] == 2);
  for (const nlohmann::json& action : plan["actions"]) {
    if (action["target"] == "eve") continue;
    CHECK(action["status"] == "held");
    CHECK(action["left"]["remedy"] ==
          "`apply --auto` leaves it; once nothing of its stage is held, applying a plan of all of "
          "it has it carried out again");
  }
  CHECK(Run({"apply", "--auto"}) == ExitStatus::kAppliedInPart);
  CHECK(Run({"status", "-o", "json"}) == ExitStatus::kDone);
  CHECK(Json()["left"][0]["actions"] == 2);
}

// The next run carried out the rest of the stage by itself.
TEST_CASE_FIXTURE(LeftStage, "AStageIsLeftToAPersonWhateverHasBecomeOfWhatFailedInIt") {
  Begin();
  SUBCASE("it is exempt") {
    REQUIRE(Run({"exempt", "add", "account:eve", "--policy", "all", "--reason", "r", "--owner", "o",
                 "--until", "+7d"}) == ExitStatus::kDone);
  }
  SUBCASE("it is gone") {
    ImportMore("{\"entity\":\"account\",\"id\":\"eve\",\"deleted\":true}\n");
  }
  SUBCASE("somebody has done it") {
    ImportMore("{\"entity\":\"account\",\"id\":\"eve\",\"status\":\"disabled\"}\n");
  }
  for (const char* how : {"--auto", "--auto", "--resume"}) {
    clock.Advance({kMicrosPerMinute});
    CHECK(Run({"apply", how}) == ExitStatus::kAppliedInPart);
    CHECK(IsOn("ann"));
    CHECK(IsOn("kim"));
  }
  REQUIRE(Run({"status", "-o", "json"}) == ExitStatus::kDone);
  CHECK(Json()["left"][0]["actions"] == 2);
  CHECK(Json()["left"][0]["because"] == "its stage was rolled back, and waits for a person");
  CHECK_MESSAGE(ApplyConfirmed() == ExitStatus::kDone, (out.str() + err.str()));
  CHECK(!IsOn("ann"));
  CHECK(!IsOn("kim"));
  CHECK(Run({"apply", "--auto"}) == ExitStatus::kDone);
}

// eve's account was disabled alone, the others were said to be asked for by nobody, and the stage
// was forgotten.
TEST_CASE_FIXTURE(LeftStage, "APlanCarriesOutAllOfAStageThatWasRolledBackOrNothing") {
  Begin();
  Mend();
  std::string why =
      "its stage was rolled back since this plan was made: make a new plan of all of it";
  size_t fallen_count = 3;
  SUBCASE("it was made before the rollback") {}
  SUBCASE("one more has joined the stage since") {
    MakePlan();
    Write("on-bob", "");
    ImportMore("{\"entity\":\"account\",\"id\":\"bob\",\"owner\":\"old\"}\n");
    why =
        "its stage was rolled back, and this plan lists only a part of it: make a new plan of all "
        "of it";
  }
  SUBCASE("a part of it is held") {
    ImportMore(
        "{\"entity\":\"system\",\"id\":\"elsewhere\"}\n"
        "{\"entity\":\"account\",\"id\":\"kim\",\"system\":\"elsewhere\"}\n");
    MakePlan();
    why =
        "its stage was rolled back, and a part of it is held (rescind.toml has no "
        "[target.elsewhere] that could do it): all of it is carried out again, or nothing";
    fallen_count = 2;
  }
  const std::string id = nlohmann::json::parse(Content("p.json"))["plan_id"];
  CHECK(Run({"apply", "p.json", "--confirm", id, "-o", "json"}) == ExitStatus::kHeld);
  CAPTURE(out.str() + err.str());
  for (const char* on : {"ann", "eve", "kim"}) CHECK(IsOn(on));
  const nlohmann::json report = Json();
  size_t count = 0;
  for (const nlohmann::json& row : report["not_carried_out"]) {
    if (row["why"] == why && row["held"] == true) ++count;
  }
  CHECK(count >= fallen_count);
  CHECK(report["summary"]["held"] >= fallen_count);
  size_t logged_count = 0;
  for (const nlohmann::json& entry : LogEntries()) {
    if (entry["kind"] == "held" && entry["outcome"] == why) ++logged_count;
  }
  CHECK(logged_count >= fallen_count);
  // It stays left.
  CHECK(Run({"apply", "--auto"}) == ExitStatus::kAppliedInPart);
  CHECK(IsOn("ann"));
  REQUIRE(Run({"status", "-o", "json"}) == ExitStatus::kDone);
  CHECK(!Json()["left"].empty());
}

// What had been removed weeks before was given back for a row that joined the stage.
TEST_CASE_FIXTURE(LeftStage, "WhatJoinsAFinishedStageLateGivesBackNothingThatWasDoneBefore") {
  ImportLeaver("1m", "  then { disable i.accounts }\n  then after 60d { notify \"team\" }\n");
  bool bob_joins = true;
  SUBCASE("all of it was done") {
    REQUIRE(ApplyConfirmed() == ExitStatus::kDone);
    WaitDays(19);
  }
  SUBCASE("access goes on though one is done") {
    Write("fault-verify",
          "if [ $id = eve ]; then reply '\"outcome\":\"still_effective\",\"via\":\"a session\"'; "
          "exit 0; fi\n");
    REQUIRE(ApplyConfirmed() == ExitStatus::kAppliedInPart);
    REQUIRE(files.Remove(folder / "fault-verify").ok());
    WaitDays(19);
  }
  SUBCASE("one was exempt in between") {
    bob_joins = false;
    AnswerForEve("transient");
    const std::string id = MakePlan();
    REQUIRE(Run({"apply", "p.json", "--confirm", id, "--wait", "0s"}) ==
            ExitStatus::kAppliedInPart);
    REQUIRE(Run({"exempt", "add", "account:eve", "--policy", "all", "--reason", "r", "--owner", "o",
                 "--until", "+1d"}) == ExitStatus::kDone);
    REQUIRE(Run({"apply", "--auto"}) == ExitStatus::kDone);
    WaitDays(2);
    AnswerForEve("permanent");
  }
  if (bob_joins) {
    Write("on-bob", "");
    Write("on-carl", "");
    ImportMore("{\"entity\":\"account\",\"id\":\"bob\",\"owner\":\"old\"}\n" +
               Account("carl", "\"owner\":\"old\","));
    Write("fault-apply",
          "if [ $id = carl ]; then reply '\"outcome\":\"permanent\",\"detail\":\"no\"'; exit 0; "
          "fi\n");
  }
  CHECK(Run({"apply", "--auto"}) == ExitStatus::kAppliedInPart);
  CAPTURE(out.str() + err.str());
  CHECK(!IsOn("ann"));
  CHECK(Asked("undo", "ann") == 0);
  CHECK(IsOn("eve") == !bob_joins);
  // What joined it together is one transaction.
  CHECK(IsOn("bob") == bob_joins);
  CHECK(Asked("undo", "bob") == (bob_joins ? 1 : 0));
}

// It said that the accounts are disabled "now", those that had been given back.
TEST_CASE_FIXTURE(LeftStage, "NobodyIsToldOfRemovalsThatWereRolledBack") {
  Begin("  then after 20d { notify \"team\" }\n");
  WaitDays(21);
  CHECK(Run({"apply", "--auto"}) == ExitStatus::kAppliedInPart);
  CHECK_MESSAGE(Messages("notice").empty(), (out.str() + err.str()));
  REQUIRE(Run({"plan", "-o", "json"}) == ExitStatus::kDone);
  const nlohmann::json plan = Json();
  REQUIRE(plan["notices"].size() == 1);
  CHECK(plan["notices"][0]["status"] == "notice");
  Mend();
  CHECK_MESSAGE(ApplyConfirmed() == ExitStatus::kDone, (out.str() + err.str()));
  CHECK(!IsOn("ann"));
  CHECK(Messages("notice").empty());
  WaitDays(20);
  CHECK(Run({"apply", "--auto"}) == ExitStatus::kDone);
  CHECK(Messages("notice").size() == 1);
}

// It said that access is about to end, and that nothing is removed.
TEST_CASE_FIXTURE(LeftStage, "WhoIsToldAfterTheRemovalsHearsOnceWhatWasDone") {
  ImportLeaver("1m", "  then { disable i.accounts }\n  then after 10d { notify \"team\" }\n");
  REQUIRE(Run({"exempt", "add", "account:eve", "--policy", "all", "--reason", "r", "--owner", "o",
               "--until", "+15d"}) == ExitStatus::kDone);
  REQUIRE(ApplyConfirmed() == ExitStatus::kDone);
  WaitDays(11);
  REQUIRE(Run({"apply", "--auto"}) == ExitStatus::kDone);
  auto told = Messages("notice");
  REQUIRE(told.size() == 1);
  const auto text = told[0].dump();
  CAPTURE(text);
  CHECK(text.find("old: access has ended (access.leaver)") != text.npos);
  CHECK(text.find("What was done: disable account ann on corp at 2026-06-01") != text.npos);
  WaitDays(5);
  // Of the one that was exempt there is no second message, and no plan says so.
  REQUIRE(Run({"plan", "-o", "json"}) == ExitStatus::kDone);
  const nlohmann::json plan = Json();
  CHECK(plan["actions"].size() == 1);
  CHECK(plan["notices"].empty());
  CHECK(Run({"apply", "--auto"}) == ExitStatus::kDone);
  CHECK(!IsOn("eve"));
  WaitDays(15);
  CHECK(Run({"apply", "--auto"}) == ExitStatus::kDone);
  CHECK(Messages("notice").size() == 1);
}

// Nothing said that it was left, and `apply --auto` took it though nobody had decided on its stage.
TEST_CASE_FIXTURE(LeftStage, "WhatIsInNoticeOfAStageThatIsLeftIsLeftAsWell") {
  ImportLeaver("1m", "  then { notify \"team\" }\n  then after 7d { disable i.accounts }\n");
  AnswerForEve("permanent");
  REQUIRE(ApplyConfirmed() == ExitStatus::kDone);
  WaitDays(7);
  REQUIRE(Run({"apply", "--auto"}) == ExitStatus::kAppliedInPart);
  REQUIRE(IsOn("ann"));
  REQUIRE(Run({"exempt", "add", "account:ann", "--policy", "all", "--reason", "r", "--owner", "o",
               "--until", "+1d"}) == ExitStatus::kDone);
  WaitDays(2);
  Mend();
  REQUIRE(Run({"plan", "-o", "json"}) == ExitStatus::kDone);
  const nlohmann::json plan = Json();
  for (const nlohmann::json& action : plan["actions"]) {
    if (action["target"] != "ann") continue;
    CHECK(action["status"] == "notice");
    CHECK(action["left"]["because"] ==
          "its stage was rolled back, and what failed in it waits for a person");
  }
  // Who has it carried out again is told when the rest of it goes.
  REQUIRE(ApplyConfirmed() == ExitStatus::kDone);
  CHECK(!IsOn("eve"));
  const std::string last = Messages("notice").back().dump();
  CAPTURE(last);
  CHECK(last.find("disable account ann on 2026-06-17") != last.npos);
}

// A new match is a new stage.
TEST_CASE_FIXTURE(LeftStage, "AStageIsLeftNoLongerThanItsFinding") {
  Begin();
  const std::string old = "{\"entity\":\"identity\",\"id\":\"old\",\"status\":\"";
  ImportMore(old + "active\"}\n");
  CHECK(Run({"apply", "--auto"}) == ExitStatus::kDone);
  clock.Advance({kMicrosPerMinute});
  ImportMore(old + "terminated\"}\n");
  Mend();
  CHECK(Run({"apply", "--auto"}) == ExitStatus::kDone);
  CHECK(!IsOn("ann"));
}

}  // namespace
}  // namespace rescind
