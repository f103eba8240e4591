// What may stand behind an option, of any command.
#include <fmt/ranges.h>

#include "tests/unit/runtime/cli/company_fixture.h"

namespace rescind {
namespace {

// `--wait foo` ended with status 1 and `-o foo` with 64; `--list -1` listed everything.
TEST_CASE_FIXTURE(CompanyFixture, "AValueThatCanMeanNothingIsAUsageErrorForEveryOption") {
  ImportCompany();
  const std::vector<std::string> exempt = {"exempt",  "add", "account:ann", "--policy", "all",
                                           "--owner", "eve", "--reason",    "on leave"};
  std::vector<std::string> until = exempt;
  until.insert(until.end(), {"--until", "foo"});
  const std::vector<std::vector<std::string>> commands = {
      {"apply", "--auto", "--wait", "foo"},
      {"apply", "--auto", "--wait", "-5s"},
      {"apply", "--auto", "-o", "foo"},
      {"plan", "--now", "foo"},
      {"plan", "--now", "+foo"},
      {"plan", "--as-of", "foo"},
      {"plan", "--rows", "foo"},
      {"plan", "--rows", "-1"},
      {"why", "account:ann", "--now", "foo"},
      {"why", "account:ann", "--policy", ""},
      {"plan", "--person", ""},
      {"plan", "--policy", ""},
      {"release", "stale_grant", "--reason", "x", "--for", "foo"},
      {"release", "stale_grant", "--reason", " "},
      until,
      {"exempt", "end", "e-1", "--reason", ""},
      {"facts", "check", "--list", "foo"},
      {"facts", "check", "--list", "-1"},
      {"audit", "show", "--most", "foo"},
      {"audit", "show", "--most", "-1"},
      {"audit", "show", "--from", "-1"},
      {"import", "company.ndjson", "--at", "foo"},
      {"init", "w", "--timezone", "foo"}};
  for (const auto& command : commands) {
    CAPTURE(fmt::format("{}", fmt::join(command, " ")));
    CHECK(Run(command) == ExitStatus::kUsage);
    CHECK(out.str().empty());
  }
  CHECK(Run({"apply", "--auto", "--wait", "foo"}) == ExitStatus::kUsage);
  CHECK(Complains("error: --wait: foo is no duration: write 30s, 10m, 24h or 0s\n"));
}

// A script whose variable was not set took status 0 for a plan that was written.
TEST_CASE_FIXTURE(CompanyFixture, "AnEmptyNameOfAFileToWriteIsAUsageError") {
  ImportCompany();
  REQUIRE(Run({"plan", "--out", "p.json"}) == ExitStatus::kDone);
  const std::vector<std::vector<std::string>> commands = {
      {"plan", "--out", ""},
      {"plan", "--csv", ""},
      {"show", "p.json", "--csv", ""},
      {"diff", "p.json", "p.json", "--csv", ""}};
  for (const auto& command : commands) {
    CAPTURE(fmt::format("{}", fmt::join(command, " ")));
    CHECK(Run(command) == ExitStatus::kUsage);
    CHECK(out.str().empty());
    CHECK(Complains("must not be empty: name the file to write"));
  }
}

// It was taken, and asked nobody.
TEST_CASE_FIXTURE(CompanyFixture, "ARunThatGoesOnHasNoPlanToConfirm") {
  ImportCompany();
  CHECK(Run({"apply", "--resume", "--confirm", "x"}) == ExitStatus::kUsage);
  CHECK(Complains("error: --resume goes on with what was confirmed when it began"));
  CHECK(Complains("help: rescind apply --resume\n"));
  CHECK(Run({"apply", "--resume"}) == ExitStatus::kHeld);  // nobody has confirmed the policy
}

// It was taken as if everybody knew who that is.
TEST_CASE_FIXTURE(CompanyFixture, "AnOwnerWhomNobodyKnowsIsRemarkedOn") {
  ImportCompany();
  ImportMore(
      "{\"entity\":\"identity\",\"id\":\"eve\",\"kind\":\"employee\",\"status\":\"active\"}\n");
  const auto exempt = [&](const std::string& owner) {
    REQUIRE_MESSAGE(Run({"exempt", "add", "account:ann", "--policy", "all", "--reason", "on leave",
                         "--owner", owner, "--until", "+30d"}) == ExitStatus::kDone,
                    err.str());
    return Complains("warning: " + owner + " is neither the id of an identity nor a channel");
  };
  CHECK(exempt("nobody"));
  CHECK(!exempt("eve"));
  CHECK(!exempt("team"));
}

}  // namespace
}  // namespace rescind
