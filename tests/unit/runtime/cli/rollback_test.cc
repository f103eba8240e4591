// What a stage that failed gives back, and what stays gone because others want it gone.
#include <filesystem>

#include "tests/unit/runtime/cli/leaver_fixture.h"

namespace rescind {
namespace {

// The next run disabled again what had been given back, without the rest of its stage.
TEST_CASE_FIXTURE(LeaverFixture, "AStageThatWasRolledBackIsNotDoneInPartByTheNextRun") {
  ImportLeaver("1m");
  AnswerForEve("permanent");
  REQUIRE(ApplyConfirmed() == ExitStatus::kAppliedInPart);
  REQUIRE(Has("on-ann"));
  REQUIRE(Asked("undo", "ann") == 1);
  CHECK(Run({"apply", "--auto"}) == ExitStatus::kAppliedInPart);
  CHECK(Has("on-ann"));
  CHECK(Prints("its stage was rolled back, and what failed in it waits for a person"));
  // Another policy asks for the same in a week's time: nobody has let that go yet.
  Write("policies/soon.rescind", R"(
module soon
policy soon "Leavers lose their accounts after a week" {
  controls iso_27001 "A.5.18"
  mode enforce
  for i in identity
  when i.status == terminated
  because "left a week ago"
  then { notify "iam" }
  then after 7d { disable i.accounts }
}
)");
  Run({"apply", "--auto"});
  CHECK(Has("on-ann"));
  Run({"release", "soon.soon", "--reason", "checked"});
  Run({"apply", "--auto"});
  CHECK(Has("on-ann"));
  // A plan that lists both is a person's decision.
  REQUIRE(files.Remove(folder / "fault-apply").ok());
  REQUIRE_MESSAGE(ApplyConfirmed() == ExitStatus::kDone, (out.str() + err.str()));
  CHECK(!Has("on-ann"));
  CHECK(!Has("on-eve"));
}

// The grant was gone, as it should be, and the rollback called that somebody else's change.
TEST_CASE_FIXTURE(LeaverFixture, "ARevokedGrantThatIsGoneIsGivenBackByARollback") {
  Write("policies/access.rescind", R"(
policy leaver "Leavers lose all their access, or none" {
  controls iso_27001 "A.5.18"
  mode enforce
  for i in identity
  when i.status == terminated
  because "left"
  then { revoke i.accounts.grants }
  on failure retry for 1m then rollback
}
)");
  std::string workspace = Content("rescind.toml");
  const std::string_view reversible = "reversible = [\"disable account\"";
  workspace.insert(workspace.find(reversible) + reversible.size(), ", \"revoke grant\"");
  Write("rescind.toml", workspace);
  ImportCompany();
  ImportOld();
  GiveAccess();
  Write("fault-observe", "$on || { reply '\"exists\":false,\"in_wanted_state\":true'; exit 0; }\n");
  Write("fault-apply",
        "if [ $id = eve-vpn ]; then "
        "reply '\"outcome\":\"permanent\",\"detail\":\"no right\"'; exit 0; fi\n");
  REQUIRE_MESSAGE(ApplyConfirmed() == ExitStatus::kAppliedInPart, (out.str() + err.str()));
  CAPTURE(out.str());
  CHECK(Asked("apply", "ann-vpn") == 1);
  CHECK(Asked("undo", "ann-vpn") == 1);
  CHECK(Has("on-ann-vpn"));
  CHECK(Prints("compensated"));
}

// Old has left; of his two accounts one is disabled, and the other's system says to try again.
struct HalfRolledOut : LeaverFixture {
  HalfRolledOut() {
    ImportLeaver("1h");
    AnswerForEve("transient");
    const std::string id = MakePlan();
    REQUIRE(Run({"apply", "p.json", "--confirm", id, "--wait", "0s"}) ==
            ExitStatus::kAppliedInPart);
    REQUIRE(!Has("on-ann"));
    REQUIRE(Has("on-eve"));
    clock.Advance({kMicrosPerMinute});
  }
  void WriteOther(const std::string& stages) {
    Write("policies/other.rescind", R"(
module other
policy gone "Nobody who left has an account" {
  controls iso_27001 "A.5.18"
  mode enforce
  for a in account
  when a.owner is known and a.owner.status == terminated
  because "its owner left"
)" + stages + "}\n");
  }
};

TEST_CASE_FIXTURE(HalfRolledOut, "AStageThatFailsLaterGivesBackWhatItHadDone") {
  AnswerForEve("permanent");
  CHECK(Run({"apply", "--auto"}) == ExitStatus::kAppliedInPart);
  CHECK(Has("on-ann"));
  CHECK(Asked("undo", "ann") == 1);
}

// A group was called by its stage's number: what had been done before the edit stayed gone.
TEST_CASE_FIXTURE(HalfRolledOut, "AStageWithAnotherNumberGivesBackWhatItHadDoneBefore") {
  WriteLeaver("  then { notify \"iam\" }\n  then after 1m { disable i.accounts }\n", "1h");
  SUBCASE("it fails with the edit") {
    AnswerForEve("permanent");
    CHECK(ApplyConfirmed() == ExitStatus::kAppliedInPart);
  }
  SUBCASE("it fails after the edit") {
    const std::string id = MakePlan();
    REQUIRE(Run({"apply", "p.json", "--confirm", id, "--wait", "0s"}) ==
            ExitStatus::kAppliedInPart);
    REQUIRE(Has("on-eve"));
    clock.Advance({kMicrosPerMinute});
    AnswerForEve("permanent");
    CHECK(Run({"apply", "--auto"}) == ExitStatus::kAppliedInPart);
  }
  CAPTURE(out.str() + err.str());
  CHECK(Has("on-ann"));
  CHECK(Asked("undo", "ann") == 1);
  // Nor is the rest done again while what failed waits for a person.
  CHECK(Run({"apply", "--auto"}) == ExitStatus::kAppliedInPart);
  CHECK(Has("on-ann"));
}

// It was given back until the next apply, though a confirmed policy wanted it gone: that one had
// come when it was done, and so had nothing to ask for.
TEST_CASE_FIXTURE(HalfRolledOut, "WhatAnotherPolicyWantsGoneIsNotGivenBack") {
  WriteOther("  then { disable a }\n");
  SUBCASE("confirmed with the very run that rolls back") { AnswerForEve("permanent"); }
  SUBCASE("confirmed before") {
    const std::string id = MakePlan();
    REQUIRE(Run({"apply", "p.json", "--confirm", id, "--wait", "0s"}) ==
            ExitStatus::kAppliedInPart);
    clock.Advance({kMicrosPerMinute});
    AnswerForEve("permanent");
  }
  CHECK(ApplyConfirmed() == ExitStatus::kAppliedInPart);
  CAPTURE(out.str() + err.str());
  CHECK(Asked("undo", "ann") == 0);
  CHECK(!Has("on-ann"));
  // Nor later, when the other policy has gone.
  Write("policies/other.rescind", "module other\n");
  Run({"apply", "--auto"});
  CHECK(Asked("undo", "ann") == 0);
}

TEST_CASE_FIXTURE(HalfRolledOut, "APolicyThatHasNotLetItGoKeepsNothingGone") {
  SUBCASE("nobody has confirmed it") {
    WriteOther("  then { disable a }\n");
    AnswerForEve("permanent");
    CHECK(Run({"apply", "--auto"}) == ExitStatus::kAppliedInPart);
  }
  SUBCASE("its time has not come") {
    WriteOther("  then { notify \"iam\" }\n  then after 7d { disable a }\n");
    AnswerForEve("permanent");
    CHECK(ApplyConfirmed() == ExitStatus::kAppliedInPart);
  }
  SUBCASE("its notice was never sent") {
    WriteWorkspace("[channel.boss]\nkind = \"command\"\ncommand = [\"./no-such-program\"]\n");
    WriteOther("  then { notify \"boss\" }\n  then after 1s { disable a }\n");
    const std::string id = MakePlan();
    REQUIRE(Run({"apply", "p.json", "--confirm", id, "--wait", "0s"}) ==
            ExitStatus::kAppliedInPart);
    clock.Advance({kMicrosPerMinute});
    AnswerForEve("permanent");
    CHECK(ApplyConfirmed() == ExitStatus::kAppliedInPart);
  }
  SUBCASE("nobody has approved it") {
    WriteOther("  then once approved by \"iam\" within 1d else hold { disable a }\n");
    AnswerForEve("permanent");
    CHECK(ApplyConfirmed() == ExitStatus::kAppliedInPart);
  }
  SUBCASE("a protect covers it by now") {
    WriteOther("  then { disable a }\n");
    Write("policies/guard.rescind",
          "module guard\nprotect guard \"Ann\" {\n  for a in account\n  when a.id == \"ann\"\n}\n");
    AnswerForEve("permanent");
    CHECK(ApplyConfirmed() == ExitStatus::kAppliedInPart);
  }
  SUBCASE("its row is exempt") {
    WriteOther("  then { disable a }\n");
    REQUIRE(Run({"exempt", "add", "account:ann", "--policy", "other.gone", "--reason", "r",
                 "--owner", "o", "--until", "+7d"}) == ExitStatus::kDone);
    AnswerForEve("permanent");
    CHECK(ApplyConfirmed() == ExitStatus::kAppliedInPart);
  }
  CAPTURE(out.str() + err.str());
  CHECK(Asked("undo", "ann") == 1);
  CHECK(Has("on-ann"));
}

// Both had let it go. The one that was over by then kept it gone, for ever and without a word.
TEST_CASE_FIXTURE(LeaverFixture, "APolicyThatNoLongerMatchesKeepsNothingGone") {
  Write("policies/other.rescind", R"(
module other
policy tagged "Accounts to be closed" {
  controls iso_27001 "A.5.18"
  mode enforce
  for a in account
  when a.tags has "close"
  because "to be closed"
  then { disable a }
  on failure retry for 1h then rollback
}
)");
  ImportLeaver("1h");
  ImportMore("{\"entity\":\"account\",\"id\":\"ann\",\"tags\":[\"close\"]}\n");
  AnswerForEve("transient");
  const std::string id = MakePlan();
  REQUIRE(Run({"apply", "p.json", "--confirm", id, "--wait", "0s"}) == ExitStatus::kAppliedInPart);
  REQUIRE(!Has("on-ann"));
  clock.Advance({kMicrosPerMinute});
  bool is_over = true;
  SUBCASE("its match has ended") {
    ImportMore("{\"entity\":\"account\",\"id\":\"ann\",\"tags\":[]}\n");
  }
  SUBCASE("it is gone") { Write("policies/other.rescind", "module other\n"); }
  SUBCASE("it stands") { is_over = false; }
  AnswerForEve("permanent");
  CHECK(Run({"apply", "--auto"}) == ExitStatus::kAppliedInPart);
  CAPTURE(out.str() + err.str());
  CHECK(Has("on-ann") == is_over);
  CHECK(Asked("undo", "ann") == (is_over ? 1 : 0));
}

// A policy that nobody had confirmed, and that the plan did not show, kept the stage from being
// rolled back.
TEST_CASE_FIXTURE(LeaverFixture, "AnUnconfirmedPolicyBesideThePlanKeepsNothingGone") {
  ImportLeaver("1h");
  AnswerForEve("permanent");
  Write("policies/other.rescind", R"(
module other
policy all_of_them "Nobody who left has an account" {
  controls iso_27001 "A.5.18"
  mode enforce
  for a in account
  when a.id == "ann"
  because "its owner left"
  then { disable a }
}
)");
  REQUIRE(Run({"plan", "--policy", "access.leaver", "--out", "p.json", "-o", "json"}) ==
          ExitStatus::kDone);
  const std::string id = Json()["plan_id"];
  CHECK(Run({"apply", "p.json", "--confirm", id}) == ExitStatus::kAppliedInPart);
  CAPTURE(out.str() + err.str());
  CHECK(Has("on-ann"));
}

}  // namespace
}  // namespace rescind
