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

}  // namespace
}  // namespace rescind
