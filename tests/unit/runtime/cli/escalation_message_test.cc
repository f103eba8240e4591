// The message that a person must act: told once, whatever is killed.
#include "tests/unit/runtime/cli/company_fixture.h"
#include "tests/unit/runtime/cli/leaver_fixture.h"

namespace rescind {
namespace {

// The system refuses to take bob's VPN away, and whoever the policy names is to hear it.
struct Refused : CompanyWithAccess {
  Refused() {
    std::string policies(kCompanyPolicies);
    policies.insert(policies.find("}\nprotect"),
                    "  on failure retry for 1h then keep, notify \"team\"\n");
    Write("policies/access.rescind", policies);
    Write("fault-apply",
          "if [ $id = bob-vpn ]; then reply '\"outcome\":\"permanent\",\"detail\":\"the group is "
          "read-only\"'; exit 0; fi\n");
  }
  uint64_t UnsentCount() {
    REQUIRE_MESSAGE(Run({"status", "-o", "json"}) == ExitStatus::kDone, err.str());
    return Json()["unsent_count"];
  }
  // How many leaves say that it was sent.
  size_t LoggedCount() {
    size_t count = 0;
    for (const nlohmann::json& entry : LogEntries()) {
      count += entry["kind"] == "notice" && entry["outcome"] == "sent to team" ? 1 : 0;
    }
    return count;
  }
  void CheckThatTheNextRunSaysIt() {
    REQUIRE(Messages("escalated").empty());
    REQUIRE(Run({"status"}) == ExitStatus::kDone);
    CHECK(
        Prints("X the alarm that grant bob-vpn needs a person to team: waits since "
               "2026-06-01T08:00:00Z (the apply that was to send it was cut off)"));
    CHECK(UnsentCount() == 1);
    clock.Advance({kMicrosPerHour});
    SUBCASE("Resume") {
      CHECK(Run({"apply", "--resume"}) == ExitStatus::kAppliedInPart);
      CHECK(Has("on-bob-vpn"));
    }
    SUBCASE("Auto") {
      CHECK(Run({"apply", "--auto"}) == ExitStatus::kAppliedInPart);
      CHECK(Has("on-bob-vpn"));
    }
    SUBCASE("Plan") {
      REQUIRE(files.Remove(folder / "fault-apply").ok());
      CHECK(ApplyConfirmed("q.json") == ExitStatus::kDone);
      CHECK(!Has("on-bob-vpn"));
    }
    const auto told = Messages("escalated");
    REQUIRE(told.size() == 1);
    CHECK(told[0]["recipient"] == "team");
    CHECK(told[0]["subject"] == "a person must act: revoke grant bob-vpn on corp");
    CHECK(told[0]["about"]["because"] == "the group is read-only");
    CHECK(told[0]["about"]["delayed_since"] == "2026-06-01T08:00:00Z");
    CHECK(UnsentCount() == 0);
    CHECK(LoggedCount() == 1);
    Run({"apply", "--resume"});
    Run({"apply", "--auto"});
    CHECK(Messages("escalated").size() == 1);
    CHECK(LoggedCount() == 1);
  }
};

// The step was durable and the message was not: nobody heard it, then or later.
TEST_CASE_FIXTURE(Refused, "WhatAKilledRunHadNotSaidNeedsAPersonIsSaidByTheNextRun") {
  const std::string id = MakePlan();
  const std::vector<std::string> apply = {"apply", "p.json", "--confirm", id};
  SUBCASE("KilledWhileItWasTelling") {
    RunUntilKilledWhileTelling(apply);
    CheckThatTheNextRunSaysIt();
  }
  SUBCASE("KilledWhileItWentOnWithOthers") {
    Write("fault-verify", "if [ $id = ann-vpn ]; then kill -9 $PPID; fi\n");
    RunUntilKilled(apply);
    REQUIRE(files.Remove(folder / "fault-verify").ok());
    CheckThatTheNextRunSaysIt();
  }
}

TEST_CASE_FIXTURE(Refused, "ThatAPersonMustActIsSaidOnceByARunThatNobodyKills") {
  REQUIRE_MESSAGE(ApplyConfirmed() == ExitStatus::kAppliedInPart, (out.str() + err.str()));
  REQUIRE(Json()["notices"].size() == 1);
  CHECK(Json()["notices"][0]["recipient"] == "team");
  REQUIRE(Messages("escalated").size() == 1);
  CHECK(!Messages("escalated")[0]["about"].contains("delayed_since"));
  CHECK(UnsentCount() == 0);
  Run({"apply", "--resume"});
  Run({"apply", "--auto"});
  CHECK(Messages("escalated").size() == 1);
  CHECK(LoggedCount() == 1);
  // A person's plan tries it again, and is refused again.
  clock.Advance({kMicrosPerHour});
  REQUIRE(ApplyConfirmed("q.json") == ExitStatus::kAppliedInPart);
  CHECK(Messages("escalated").size() == 2);
}

// The undo of what an earlier run had done was no action of the run that failed at it: only that
// run's own ones were told.
TEST_CASE_FIXTURE(LeaverFixture, "AnUndoThatFailsIsToldThoughAnEarlierRunHadDoneIt") {
  ImportLeaver("1m");
  AnswerForEve("transient");
  Write("fault-undo", "reply '\"outcome\":\"permanent\",\"detail\":\"not allowed\"'; exit 0\n");
  const std::string id = MakePlan();
  REQUIRE(Run({"apply", "p.json", "--confirm", id, "--wait", "0s"}) == ExitStatus::kAppliedInPart);
  AnswerForEve("permanent");
  clock.Advance({30 * kMicrosPerSecond});
  REQUIRE(Run({"apply", "--resume"}) == ExitStatus::kAppliedInPart);
  std::map<std::string, std::string> told;
  for (const nlohmann::json& message : Messages("escalated")) {
    told[message["about"]["target"]] = message["about"]["because"];
  }
  CHECK(told.size() == 2);
  CHECK(told["eve"] == "no right");
  CHECK(told["ann"] == "not undone: not allowed");
}

// It went to the people on call alone, whomever the policy named.
struct UndoToTell : LeaverFixture {
  void Begin(const std::string& undo) {
    WriteLeaver("  then { disable i.accounts }\n", "1m", "rollback, notify \"team\"");
    ImportCompany();
    ImportOld();
    Write("on-ann", "");
    Write("on-eve", "");
    AnswerForEve("transient");
    Write("fault-undo", "reply '\"outcome\":\"" + undo + "\",\"detail\":\"not now\"'; exit 0\n");
    const std::string id = MakePlan();
    REQUIRE(Run({"apply", "p.json", "--confirm", id, "--wait", "0s"}) ==
            ExitStatus::kAppliedInPart);
    AnswerForEve("permanent");
    clock.Advance({30 * kMicrosPerSecond});
  }
  std::vector<std::string> ToldOfTheUndo() {
    std::vector<std::string> told;
    for (const nlohmann::json& message : Messages("escalated")) {
      if (message["about"]["target"] == "ann") told.push_back(message["recipient"]);
    }
    return told;
  }
};

TEST_CASE_FIXTURE(UndoToTell, "AnUndoThatFailsIsToldToThoseWhomItsPolicyNames") {
  const std::vector<std::string> team = {"team"};
  const auto fail = [&](const std::string& how) {
    SUBCASE("it is refused") {
      Begin("permanent");
      REQUIRE(Run({"apply", how, "--wait", "0s"}) == ExitStatus::kAppliedInPart);
      CHECK(ToldOfTheUndo() == team);
    }
    SUBCASE("it is given up by the run after that") {
      Begin("transient");
      REQUIRE(Run({"apply", how, "--wait", "0s"}) == ExitStatus::kAppliedInPart);
      REQUIRE(ToldOfTheUndo().empty());
      clock.Advance({kMicrosPerHour});
      REQUIRE(Run({"apply", how, "--wait", "0s"}) == ExitStatus::kAppliedInPart);
      CHECK(ToldOfTheUndo() == team);
    }
  };
  SUBCASE("resumed") { fail("--resume"); }
  SUBCASE("by a later run") { fail("--auto"); }
}

// ann's account was disabled at eight, and eve's could not be half a minute later: ann's is given
// back.
struct ToldRollback : LeaverFixture {
  void Fail() {
    ImportLeaver("1m");
    AnswerForEve("transient");
    const std::string id = MakePlan();
    REQUIRE(Run({"apply", "p.json", "--confirm", id, "--wait", "0s"}) ==
            ExitStatus::kAppliedInPart);
    REQUIRE(!Has("on-ann"));
    AnswerForEve("permanent");
    clock.Advance({30 * kMicrosPerSecond});
  }
  static bool Says(const nlohmann::json& message, const std::string& text) {
    return message["text"].get<std::string>().find(text) != std::string::npos;
  }
};

// "what that had removed is given back": nobody could tell whose access had been off, nor for how
// long.
TEST_CASE_FIXTURE(ToldRollback, "TheAlarmOfARollbackSaysWhatIsGivenBackAndSinceWhenItWasOff") {
  Fail();
  REQUIRE(Run({"apply", "--resume"}) == ExitStatus::kAppliedInPart);
  CHECK(Has("on-ann"));
  CHECK(Prints("0 held, 1 unfinished, 0 in notice, 1 given back\n"));
  CHECK(LogEntries().back()["outcome"] ==
        "0 verified, 0 withdrawn, 0 held, 1 unfinished, 1 given back");
  const auto told = Messages("escalated");
  REQUIRE(told.size() == 1);
  CAPTURE(told[0]["text"]);
  const std::string given_back =
      "disable account ann on corp (off from 2026-06-01T08:00:00Z until 2026-06-01T08:00:30Z)";
  CHECK(Says(told[0], "What follows: its stage was rolled back; nothing of it is tried again"));
  CHECK(Says(told[0], "Given back: " + given_back + "\n"));
  CHECK(told[0]["about"]["given_back"] == given_back);
}

// It said "is given back" of what its system had refused to give back.
TEST_CASE_FIXTURE(ToldRollback, "ADelayedAlarmOfARollbackSaysWhatHoldsWhenItIsSent") {
  Fail();
  Write("fault-undo", "reply '\"outcome\":\"permanent\",\"detail\":\"not allowed\"'; exit 0\n");
  WriteChannel("exit 1\n");
  REQUIRE(Run({"apply", "--resume", "-o", "json"}) == ExitStatus::kAppliedInPart);
  CHECK(Json()["summary"]["given_back"] == 0);
  SUBCASE("ItWasRefused") {
    WriteChannel("cat >>messages\n");
    REQUIRE(Run({"apply", "--auto"}) == ExitStatus::kAppliedInPart);
    const auto told = Messages("escalated");
    REQUIRE(told.size() == 2);
    for (const nlohmann::json& each : told) {
      CAPTURE(each["text"]);
      CHECK_FALSE(Says(each, "iven back: disable account eve"));
      CHECK_FALSE(each["about"].contains("given_back"));
      CHECK(Says(each, "off since 2026-06-01T08:00:00Z"));
      CHECK(each["about"]["not_given_back"].get<std::string>().starts_with(
          "disable account ann on corp"));
    }
  }
  SUBCASE("APersonHasDoneIt") {
    REQUIRE(files.Remove(folder / "fault-undo").ok());
    REQUIRE(files.Remove(folder / "fault-apply").ok());
    ImportMore("{\"entity\":\"account\",\"id\":\"eve\",\"status\":\"disabled\"}\n");
    ApplyConfirmed("q.json");
    CHECK(Has("on-ann"));
    CHECK(Json()["summary"]["given_back"] == 1);
    WriteChannel("cat >>messages\n");
    Run({"apply", "--auto"});
    const auto told = Messages("escalated");
    REQUIRE(told.size() == 2);
    for (const nlohmann::json& each : told) {
      CAPTURE(each["text"]);
      CHECK_FALSE(Says(each, "Not given back"));
      CHECK(Says(each, "iven back"));
    }
  }
}

}  // namespace
}  // namespace rescind
