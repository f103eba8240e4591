// What those hear who were told that access will go, when it does not.
#include "tests/unit/runtime/cli/company_fixture.h"

namespace rescind {
namespace {

struct Announced : CompanyFixture {
  Announced() {
    Write("policies/access.rescind", kNoticePolicies);
    ImportCompany();
    GiveAccess();
    REQUIRE_MESSAGE(ApplyConfirmed() == ExitStatus::kDone, (out.str() + err.str()));
    REQUIRE(Messages("notice").size() == 4);
  }
  void SetMode(const std::string& mode) {
    std::string policies(kNoticePolicies);
    policies.replace(policies.find("mode enforce"), 12, "mode " + mode);
    Write("policies/access.rescind", policies);
  }
};

// Nobody told them: who had been told that the access goes went on waiting for it.
TEST_CASE_FIXTURE(Announced, "APolicyThatOnlyObservesNowTakesBackWhatItAnnouncedOnce") {
  clock.Advance({kMicrosPerDay});
  SetMode("observe");
  REQUIRE_MESSAGE(Run({"apply", "--auto", "-o", "json"}) == ExitStatus::kDone, err.str());
  CHECK(Json()["summary"]["findings_closed"] == 0);
  const auto told = Messages("withdrawn");
  REQUIRE(told.size() == 4);
  CHECK(told[0]["recipient"] == "team");
  CHECK(told[0]["subject"] == "grant ann-vpn: access stays (access.warned)");
  CHECK(told[0]["text"].get<std::string>().starts_with(
      "What was announced about grant ann-vpn no longer holds: its policy only observes now.\n"
      "Nothing of it will happen."));
  clock.Advance({kMicrosPerDay});
  REQUIRE(Run({"apply", "--auto"}) == ExitStatus::kDone);
  TellUseOfAnnsVpn("2026-06-03T07:00:00Z");
  REQUIRE(Run({"apply", "--auto"}) == ExitStatus::kDone);
  CHECK(Messages("withdrawn").size() == 4);

  SetMode("enforce");
  REQUIRE_MESSAGE(ApplyConfirmed() == ExitStatus::kDone, (out.str() + err.str()));
  const auto notices = Messages("notice");
  REQUIRE(notices.size() == 7);
  CHECK(notices[6]["text"].get<std::string>().find(" on 2026-06-10T08:00:00Z") !=
        std::string::npos);
  CHECK(!Has("requests"));
}

// Whoever was killed had forgotten by then who was to be told: the access was waited for to go for
// ever.
TEST_CASE_FIXTURE(Announced, "WhoWasNotToldBecauseAnApplyWasKilledIsToldByTheNextOne") {
  clock.Advance({kMicrosPerDay});
  SUBCASE("ThePolicyOnlyObservesNow") {
    SetMode("observe");
    RunUntilKilledWhileTelling({"apply", "--auto"});
    REQUIRE(Messages("withdrawn").empty());
    REQUIRE(Run({"status"}) == ExitStatus::kDone);
    CHECK(
        Prints("leaves grant ann-vpn alone to team: waits since 2026-06-02T08:00:00Z (the apply "
               "that was to send it was cut off)"));
    REQUIRE_MESSAGE(Run({"apply", "--auto"}) == ExitStatus::kDone, err.str());
    CHECK(Messages("withdrawn").size() == 4);
  }
  SUBCASE("TheMatchEnded") {
    TellUseOfAnnsVpn("2026-06-02T07:00:00Z");
    RunUntilKilledWhileTelling({"apply", "--auto"});
    REQUIRE(Messages("withdrawn").empty());
    REQUIRE_MESSAGE(Run({"apply", "--auto"}) == ExitStatus::kDone, err.str());
    const auto told = Messages("withdrawn");
    REQUIRE(told.size() == 1);
    CHECK(told[0]["subject"] == "grant ann-vpn: access stays (access.warned)");
  }
  const size_t count = Messages("withdrawn").size();
  REQUIRE(Run({"apply", "--auto"}) == ExitStatus::kDone);
  CHECK(Messages("withdrawn").size() == count);
  REQUIRE(Run({"status", "-o", "json"}) == ExitStatus::kDone);
  CHECK(Json()["unsent_count"] == 0);
}

// The revocation had been handed over, so the finding ended as if it had been done, and nobody
// heard that the access stays.
TEST_CASE_FIXTURE(Announced, "AccessThatWasUsedBeforeItsSystemCouldBeReachedIsSaidToStay") {
  clock.Advance({8 * kMicrosPerDay});
  Write("fault-observe", "echo 'the server is down' >&2; exit 1\n");
  REQUIRE(Run({"apply", "--auto", "--wait", "0s"}) == ExitStatus::kAppliedInPart);
  clock.Advance({kMicrosPerHour});
  TellUseOfAnnsVpn("2026-06-09T08:30:00Z");
  Run({"apply", "--auto", "--wait", "0s"});
  CAPTURE(out.str());
  REQUIRE(Messages("withdrawn").size() == 1);
  CHECK(Messages("withdrawn")[0]["subject"] == "grant ann-vpn: access stays (access.warned)");
  REQUIRE(files.Remove(folder / "fault-observe").ok());
  clock.Advance({kMicrosPerHour});
  REQUIRE_MESSAGE(Run({"apply", "--auto"}) == ExitStatus::kDone, (out.str() + err.str()));
  CHECK(Has("on-ann-vpn"));
  CHECK(!Has("on-bob-vpn"));
  // What was done is no news.
  ImportMore("{\"entity\":\"account\",\"id\":\"bob\",\"deleted\":true}\n");
  REQUIRE(Run({"apply", "--auto"}) == ExitStatus::kDone);
  CHECK(Messages("withdrawn").size() == 1);
}

// "Access stays", of what somebody had removed by hand.
TEST_CASE_FIXTURE(Announced, "AccessThatIsGoneIsNotSaidToStay") {
  clock.Advance({kMicrosPerDay});
  std::string why;
  SUBCASE("itself") {
    ImportMore("{\"entity\":\"grant\",\"id\":\"ann-vpn\",\"deleted\":true}\n");
    why = ": it is gone.\nNothing is left to remove. ";
  }
  SUBCASE("with its account") {
    ImportMore("{\"entity\":\"account\",\"id\":\"ann\",\"deleted\":true}\n");
    why = ".\nNothing is left to remove: its account is gone. ";
  }
  SUBCASE("when its policy is removed") {
    ImportMore("{\"entity\":\"grant\",\"id\":\"ann-vpn\",\"deleted\":true}\n");
    Write("policies/access.rescind", kClosedPolicy);
    why = ": its policy was removed.\nNothing is left to remove: it is gone. ";
  }
  Run({"apply", "--auto"});
  const auto told = Messages("withdrawn");
  REQUIRE(!told.empty());
  CAPTURE(told[0].dump());
  CHECK(told[0]["subject"] == "grant ann-vpn: nothing is left to remove (access.warned)");
  CHECK(told[0]["text"].get<std::string>().find(why) != std::string::npos);
  CHECK(std::count_if(told.begin(), told.end(), [](const nlohmann::json& each) {
          return each["subject"].get<std::string>().find("nothing is left") != std::string::npos;
        }) == 1);
}

TEST_CASE_FIXTURE(CompanyFixture, "AnAccountThatIsDisabledByHandIsNotSaidToStay") {
  Write("policies/access.rescind", R"(
policy closed "Accounts without an owner are disabled" {
  mode enforce
  for a in account
  when a.status == active and a.owner is unknown
  then { notify "team" }
  then after 7d { disable a }
}
)");
  ImportCompany();
  REQUIRE_MESSAGE(ApplyConfirmed() == ExitStatus::kDone, (out.str() + err.str()));
  clock.Advance({kMicrosPerDay});
  ImportMore("{\"entity\":\"account\",\"id\":\"ann\",\"status\":\"disabled\"}\n");
  ImportMore("{\"entity\":\"account\",\"id\":\"bob\",\"owner\":\"somebody\"}\n");
  Run({"apply", "--auto"});
  CHECK(Content("messages").find("account ann: nothing is left to remove (access.closed)") !=
        std::string::npos);
  CHECK(Content("messages").find("Nothing is left to remove: it is disabled already.") !=
        std::string::npos);
  CHECK(Content("messages").find("account bob: access stays (access.closed)") != std::string::npos);
}

// Old had three accounts and came back: one was disabled, one perhaps, and of that nobody heard.
TEST_CASE_FIXTURE(CompanyFixture, "WhatMayHaveBeenDoneIsSaidToWhoeverComesBack") {
  Write("policies/access.rescind", R"(
policy leaver "Leavers lose their accounts" {
  mode enforce
  for i in identity
  when i.status == terminated
  then { notify "team" }
  then after 1d { disable i.accounts }
}
)");
  ImportCompany();
  const auto old = [&](const char* status) {
    ImportMore("{\"entity\":\"identity\",\"id\":\"old\",\"kind\":\"employee\",\"status\":\"" +
               std::string(status) + "\"}\n");
  };
  old("terminated");
  for (const char* id : {"ann", "bob", "eve"}) {
    ImportMore("{\"entity\":\"account\",\"id\":\"" + std::string(id) + "\",\"owner\":\"old\"}\n");
    Write(std::string("on-") + id, "");
  }
  REQUIRE_MESSAGE(ApplyConfirmed() == ExitStatus::kDone, (out.str() + err.str()));
  clock.Advance({kMicrosPerDay + kMicrosPerHour});
  std::string fault;
  bool is_any_done = true;
  SUBCASE("and what was done, too") {}
  SUBCASE("alone") {
    is_any_done = false;
    fault =
        "if [ $id = ann ]; then reply '\"outcome\":\"transient\",\"detail\":\"busy\"'; exit 0; "
        "fi\n";
  }
  Write("fault-apply",
        fault +
            "if [ $id = bob ]; then reply '\"outcome\":\"transient\",\"detail\":\"busy\"'; exit 0; "
            "fi\nif [ $id = eve ]; then rm -f on-eve; exit 1; fi\n");
  REQUIRE(Run({"apply", "--auto", "--wait", "0s"}) == ExitStatus::kAppliedInPart);
  REQUIRE(Has("on-ann") == !is_any_done);
  old("active");
  Run({"apply", "--auto", "--wait", "0s"});
  const std::string messages = Content("messages");
  const nlohmann::json told =
      nlohmann::json::parse(messages.substr(messages.rfind('\n', messages.size() - 2) + 1));
  CAPTURE(told.dump());
  CHECK(told["subject"] == "identity old: nothing more is to be removed (access.leaver)");
  CHECK(told["about"]["maybe_done"] == "disable account eve on corp");
  CHECK(told["about"].contains("done") == is_any_done);
  CHECK(told["text"].get<std::string>().find(
            "This may have been done, it was tried and its outcome is not known: disable account "
            "eve on corp.\nNothing more of what was announced will happen.") != std::string::npos);
}

// The revocations had been handed over and were withdrawn, the access stayed, and nobody was told.
TEST_CASE_FIXTURE(Announced, "APolicyThatOnlyObservesNowTakesBackWhatWaitedForItsSystem") {
  clock.Advance({8 * kMicrosPerDay});
  Write("fault-apply",
        "if [ $id = ann-vpn ]; then reply '\"outcome\":\"transient\",\"detail\":\"away\"'; exit 0; "
        "fi\n");
  REQUIRE(Run({"apply", "--auto", "--wait", "0s"}) == ExitStatus::kAppliedInPart);
  REQUIRE(Has("on-ann-vpn"));
  REQUIRE(!Has("on-bob-vpn"));
  SetMode("observe");
  clock.Advance({kMicrosPerHour});
  REQUIRE(Run({"apply", "--auto", "--wait", "0s"}) == ExitStatus::kDone);
  CAPTURE(out.str());
  // What was done is no news.
  REQUIRE(Messages("withdrawn").size() == 1);
  CHECK(Messages("withdrawn")[0]["subject"] == "grant ann-vpn: access stays (access.warned)");
  CHECK(Messages("withdrawn")[0]["about"]["because"] == "its policy only observes now");
  REQUIRE(files.Remove(folder / "fault-apply").ok());
  REQUIRE(Run({"apply", "--auto"}) == ExitStatus::kDone);
  CHECK(Messages("withdrawn").size() == 1);
  CHECK(Has("on-ann-vpn"));

  SetMode("enforce");
  REQUIRE_MESSAGE(ApplyConfirmed() == ExitStatus::kDone, (out.str() + err.str()));
  CHECK(Messages("notice").size() == 5);
  clock.Advance({6 * kMicrosPerDay});
  REQUIRE(Run({"apply", "--auto"}) == ExitStatus::kDone);
  CHECK(Has("on-ann-vpn"));
  clock.Advance({kMicrosPerDay + kMicrosPerHour});
  REQUIRE(Run({"apply", "--auto"}) == ExitStatus::kDone);
  CHECK(!Has("on-ann-vpn"));
}

// Exit status 0, "0 held", nothing in `status`, and nobody was told anything, for ever.
TEST_CASE_FIXTURE(CompanyFixture, "NoticesOfAPolicyThatNobodyConfirmedAreCountedAsHeld") {
  Write("policies/access.rescind", kNoticePolicies);
  ImportCompany();
  CHECK(Run({"apply", "--auto", "-o", "json"}) == ExitStatus::kHeld);
  CHECK(Json()["summary"]["notices_held"] == 4);
  REQUIRE(Json()["held_because"].size() == 1);
  CHECK(Json()["held_because"][0].get<std::string>().starts_with(
      "the policy is new and nobody has confirmed it"));
  CHECK(Run({"apply", "--auto"}) == ExitStatus::kHeld);
  CHECK(Prints("4 notices are held: nobody is told yet\nheld: the policy is new"));
  CHECK(!Has("messages"));
  REQUIRE(Run({"status"}) == ExitStatus::kDone);
  CHECK(Prints("held, as judged now\n  ! 4 notices of access.warned: the policy is new"));
  REQUIRE(Run({"status", "-o", "json"}) == ExitStatus::kDone);
  CHECK(Json()["held"][0]["notices"] == 4);
  CHECK(Json()["held"][0]["actions"] == 0);

  // No removal is ready, and the plan did not say that it must be confirmed.
  REQUIRE(Run({"plan"}) == ExitStatus::kDone);
  CHECK(Prints("Nobody has confirmed yet what these policies do: apply needs --confirm."));
  REQUIRE_MESSAGE(ApplyConfirmed() == ExitStatus::kDone, (out.str() + err.str()));
  CHECK(Json()["summary"]["notices_held"] == 0);
  REQUIRE(Run({"plan"}) == ExitStatus::kDone);
  CHECK(!Prints("apply needs --confirm"));
}

// The same, while the feed that the policy needs was stale.
TEST_CASE_FIXTURE(CompanyFixture, "NoticesThatAStaleFeedHoldsAreCountedAndSaid") {
  std::string policies(kNoticePolicies);
  policies.insert(policies.rfind('}'), "  needs \"directory\" within 24h\n");
  WriteWorkspace("[source.directory]\nentity = \"grant\"\n");
  Write("policies/access.rescind", policies);
  ImportCompany("2026-05-01T07:00Z");
  const std::string id = MakePlan();
  CHECK(Run({"apply", "p.json", "--confirm", id, "-o", "json"}) == ExitStatus::kHeld);
  CHECK(Json()["summary"]["notices_held"] == 4);
  CHECK(Json()["held_because"][0].get<std::string>().starts_with("the feed \"directory\""));
  REQUIRE(Run({"plan"}) == ExitStatus::kDone);
  CHECK(Prints("! 4 messages are held: nobody is told yet."));
  CHECK(Prints("  ! notify team about grant ann-vpn, held: the feed \"directory\""));
  CHECK(!Prints("apply needs --confirm"));
}

}  // namespace
}  // namespace rescind
