// Renamed policies, from end to end.
#include "tests/unit/runtime/cli/company_fixture.h"

namespace rescind {
namespace {

struct ExemptFromStaleGrant : CompanyWithAccess {
  ExemptFromStaleGrant() {
    REQUIRE_MESSAGE(
        Run({"exempt", "add", "account:ann", "--policy", "stale_grant", "--reason", "on a project",
             "--owner", "eve", "--until", "+300d"}) == ExitStatus::kDone,
        err.str());
  }
  void Rename(const std::string& to, const std::string& from) {
    std::string policies(kCompanyPolicies);
    policies.replace(
        policies.find("stale_grant \"Unused access goes\""), 32,
        to + " \"Unused access goes\"" + (from.empty() ? "" : " renamed from " + from));
    Write("policies/access.rescind", policies);
  }
};

// A rename took the access of those who were exempt, while `exempt list` said that they were.
TEST_CASE_FIXTURE(ExemptFromStaleGrant, "AnExemptionOutlivesTheNamesOfItsPolicy") {
  REQUIRE_MESSAGE(ApplyConfirmed() == ExitStatus::kDone, (out.str() + err.str()));
  CHECK(Has("on-ann-vpn"));
  Rename("idle", "stale_grant");
  REQUIRE_MESSAGE(Run({"apply", "--auto"}) == ExitStatus::kDone, (out.str() + err.str()));
  CHECK(Has("on-ann-vpn"));
  Rename("unused", "idle");
  REQUIRE_MESSAGE(Run({"apply", "--auto"}) == ExitStatus::kDone, (out.str() + err.str()));
  CHECK(Has("on-ann-vpn"));
  std::vector<std::string> renamed;
  for (const nlohmann::json& entry : LogEntries()) {
    if (entry["kind"] == "run_started" && entry["details"].contains("renamed")) {
      renamed.push_back(entry["details"]["renamed"]);
    }
  }
  CHECK(renamed == std::vector<std::string>{"access.stale_grant to access.idle",
                                            "access.idle to access.unused"});
  REQUIRE(Run({"exempt", "list"}) == ExitStatus::kDone);
  CHECK(Prints("  account ann  from access.unused  on a project  (eve)\n"));
  CHECK(!Prints("covers nothing"));
}

// Nothing said that the exemption had lost its policy.
TEST_CASE_FIXTURE(ExemptFromStaleGrant, "AnExemptionWhosePolicyIsGoneSaysThatItCoversNothing") {
  Rename("idle", "");
  const std::string why =
      "it covers nothing: no policy is called access.stale_grant, and none says `renamed from "
      "access.stale_grant`";
  REQUIRE(Run({"exempt", "list"}) == ExitStatus::kDone);
  CHECK(Prints("\n  ! " + why));
  REQUIRE(Run({"exempt", "list", "-o", "json"}) == ExitStatus::kDone);
  CHECK(Json()["exemptions"][0]["problem"].get<std::string>().starts_with(why));
  for (const std::vector<std::string>& command :
       {std::vector<std::string>{"plan"}, {"apply", "--auto"}}) {
    Run(command);
    CHECK(Complains("(account ann for policy access.stale_grant): " + why));
  }
}

}  // namespace
}  // namespace rescind
