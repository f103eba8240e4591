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
  // Those of that kind, oldest first.
  std::vector<nlohmann::json> Messages(const std::string& kind) {
    std::vector<nlohmann::json> messages;
    if (!Has("messages")) return messages;
    std::istringstream lines(Content("messages"));
    for (std::string line; std::getline(lines, line);) {
      messages.push_back(nlohmann::json::parse(line));
    }
    std::erase_if(messages, [&](const nlohmann::json& each) { return each["kind"] != kind; });
    return messages;
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

}  // namespace
}  // namespace rescind
