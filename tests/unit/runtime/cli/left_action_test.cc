// What earlier runs left open, and what the log says of it and of releases.
#include "tests/unit/runtime/cli/company_fixture.h"

namespace rescind {
namespace {

constexpr std::string_view kTwoTags = R"(
policy tagged "Tagged" {
  controls iso_27001 "A.5.18"
  mode enforce
  for a in account
  when a.tags has "z"
  because "tagged"
  then { disable a  revoke a.grants }
}
policy other "Other" {
  controls iso_27001 "A.5.18"
  mode enforce
  for a in account
  when a.tags has "y"
  then { disable a }
}
protect kept "Kept" {
  for a in account
  when a.tags has "keep"
}
)";

struct LeftInFlight : CompanyFixture {
  void LeaveWith(const std::string& fault) {
    Write("policies/access.rescind", kTwoTags);
    Write("on-ann", "");
    Write("on-ann-vpn", "");
    ImportCompany();
    Tag("\"z\"");
    Write("fault-apply", fault);
    const std::string id = MakePlan();
    REQUIRE(Run({"apply", "p.json", "--confirm", id, "--wait", "0s"}) ==
            ExitStatus::kAppliedInPart);
    REQUIRE(files.Remove(folder / "fault-apply").ok());
    clock.Advance({kMicrosPerHour});
  }
  void Tag(const std::string& tags) {
    ImportMore("{\"entity\":\"account\",\"id\":\"ann\",\"tags\":[" + tags + "]}\n");
  }
};

// Every later apply of a plan said "0 unfinished", then "1 are not finished", and ended with 0.
TEST_CASE_FIXTURE(LeftInFlight, "APlanThatIsAppliedSettlesWhatAnEarlierRunLeftInFlight") {
  LeaveWith("rm -f on-ann; exit 3\n");
  CHECK(!Has("on-ann"));
  Tag("");
  REQUIRE_MESSAGE(ApplyConfirmed() == ExitStatus::kDone, (out.str() + err.str()));
  CHECK(Json()["summary"]["verified"] == 1);
  CHECK(Json()["summary"]["left_open"] == 0);
  CHECK(Asked("apply", "ann") == 1);
  CHECK(Has("on-ann-vpn"));
  REQUIRE(Run({"status", "-o", "json"}) == ExitStatus::kDone);
  CHECK(Json()["unfinished"].empty());
}

TEST_CASE_FIXTURE(LeftInFlight, "WhatWaitsForARetryOutsideOfAPlanIsNotCarriedOutByItAndNotDone") {
  LeaveWith("reply '\"outcome\":\"transient\",\"detail\":\"busy\"'; exit 0\n");
  REQUIRE(Run({"plan", "--policy", "other", "--out", "y.json"}) == ExitStatus::kDone);
  CHECK(Run({"apply", "y.json", "-o", "json"}) == ExitStatus::kAppliedInPart);
  CHECK(Json()["summary"]["left_open"] == 1);
  CHECK(Has("on-ann"));
  REQUIRE_MESSAGE(Run({"apply", "--resume"}) == ExitStatus::kDone, (out.str() + err.str()));
  CHECK(!Has("on-ann"));
}

// The log counted what the journal's run had withdrawn and held, and said "no policy asks for it
// any more" of what is protected.
TEST_CASE_FIXTURE(LeftInFlight, "TheLogSaysWhyAndHowManyWereWithdrawnAsTheReportDoes") {
  LeaveWith("reply '\"outcome\":\"transient\",\"detail\":\"busy\"'; exit 0\n");
  Tag("\"z\",\"keep\"");
  REQUIRE_MESSAGE(ApplyConfirmed() == ExitStatus::kDone, (out.str() + err.str()));
  CHECK(Json()["summary"]["withdrawn"] == 2);
  // Both were counted, and the one that had not begun was listed nowhere.
  std::vector<std::string> listed;
  const nlohmann::json report = Json();
  for (const nlohmann::json& action : report["actions"]) {
    CHECK(action["state"] == "withdrawn");
    CHECK(action["detail"].get<std::string>().starts_with("it is protected by access.kept"));
    listed.push_back(action["target"]);
  }
  CHECK(listed == std::vector<std::string>{"ann", "ann-vpn"});
  const auto entries = LogEntries();
  CHECK(entries.back()["outcome"] == "0 verified, 2 withdrawn, 0 held, 0 unfinished");
  size_t withdrawn = 0;
  for (const nlohmann::json& entry : entries) {
    if (entry["kind"] != "transition" || entry["to"] != "withdrawn") continue;
    ++withdrawn;
    CHECK(entry["outcome"].get<std::string>().starts_with("it is protected by access.kept"));
  }
  CHECK(withdrawn == 2);
}

// "2 held" for one: the plan held it, and the run that had found it in flight did.
TEST_CASE_FIXTURE(LeftInFlight, "WhatIsHeldInFlightIsHeldOnce") {
  Write("policies/access.rescind", kTwoTags);
  Write("on-ann", "");
  ImportCompany();
  Tag("\"y\",\"z\"");
  Write("fault-apply", "reply '\"outcome\":\"transient\",\"detail\":\"busy\"'; exit 0\n");
  REQUIRE(Run({"plan", "--policy", "tagged", "--out", "z.json", "-o", "json"}) ==
          ExitStatus::kDone);
  const std::string id = Json()["plan_id"];
  REQUIRE(Run({"apply", "z.json", "--confirm", id, "--wait", "0s"}) == ExitStatus::kAppliedInPart);
  clock.Advance({kMicrosPerHour});
  Tag("\"y\"");
  CHECK(Run({"apply", "--auto", "-o", "json"}) == ExitStatus::kHeld);
  CAPTURE(out.str());
  CHECK(Json()["summary"]["held"] == 1);
  CHECK(Json()["actions"][0]["state"] == "held");
  CHECK(Run({"apply", "--auto"}) == ExitStatus::kHeld);
  CHECK(Prints("0 verified, 0 withdrawn, 1 held, 0 unfinished, 0 in notice"));
  CHECK(Has("on-ann"));
}

TEST_CASE_FIXTURE(CompanyWithAccess, "AHeldPlanIsHeldInTheLogToo") {
  WriteWorkspace("", "per_policy = 1\n");
  REQUIRE(ApplyConfirmed() == ExitStatus::kHeld);
  CHECK(LogEntries().back()["outcome"] == "0 verified, 0 withdrawn, 3 held, 0 unfinished");
}

// A release that nothing needed, or whose time was over, went without a word in the log.
TEST_CASE_FIXTURE(CompanyWithAccess, "AReleaseThatEndsUnusedLeavesALeaf") {
  REQUIRE(Run({"release", "stale_grant", "--reason", "to be sure"}) == ExitStatus::kDone);
  REQUIRE_MESSAGE(ApplyConfirmed() == ExitStatus::kDone, (out.str() + err.str()));
  REQUIRE(Run({"release", "stale_grant", "--reason", "again", "--for", "1h"}) == ExitStatus::kDone);
  clock.Advance({2 * kMicrosPerHour});
  REQUIRE_MESSAGE(Run({"apply", "--auto"}) == ExitStatus::kDone, (out.str() + err.str()));
  std::vector<std::string> ends;
  for (const nlohmann::json& entry : LogEntries()) {
    if (entry["kind"] == "release_ended") ends.push_back(entry["outcome"]);
  }
  CHECK(ends == std::vector<std::string>{"what was applied did not need it",
                                         "its time was over before anything needed it"});
}

// `--auto` ended with 4 and `--resume`, which leaves the same held, with 0.
TEST_CASE_FIXTURE(CompanyWithAccess, "AResumedRunThatLeavesSomethingHeldEndsAsAnyOther") {
  CHECK(Run({"apply", "--auto"}) == ExitStatus::kHeld);
  CHECK(Run({"apply", "--resume", "-o", "json"}) == ExitStatus::kHeld);
  CHECK(Json()["summary"]["held"] == 3);
  CHECK(Json()["held_because"].size() == 1);
}

}  // namespace
}  // namespace rescind
