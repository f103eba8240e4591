// The message of `done within`: what it says, and that it says it once.
#include "tests/unit/runtime/cli/company_fixture.h"

namespace rescind {
namespace {

// It was headed "access is about to end" and told the on-call team how to keep it.
TEST_CASE_FIXTURE(CompanyFixture, "AnAlarmSaysThatItIsOne") {
  std::string policies(kClosedPolicy);
  policies.replace(policies.rfind('}'), 1, "  done within 4h else notify \"team\"\n}");
  Write("policies/access.rescind", policies);
  Write("facts.ndjson", "{\"entity\":\"system\",\"id\":\"corp\"}\n" + Account("ann"));
  REQUIRE(Run({"import", "facts.ndjson", "--source", "directory"}) == ExitStatus::kDone);
  Write("on-ann", "");
  Write("fault-observe", "echo 'the server is down' >&2; exit 1\n");
  const std::string id = MakePlan();
  REQUIRE(Run({"apply", "p.json", "--confirm", id, "--wait", "0s"}) == ExitStatus::kAppliedInPart);
  CHECK(!Has("messages"));

  clock.Advance({5 * kMicrosPerHour});
  CHECK(Run({"apply", "--auto", "--wait", "0s"}) == ExitStatus::kAppliedInPart);
  REQUIRE(Has("messages"));
  const nlohmann::json message = nlohmann::json::parse(Content("messages"));
  CHECK(message["kind"] == "late");
  CHECK(message["subject"] == "not done within 4h: account ann (access.closed)");
  const std::string text = message["text"];
  CHECK(text.find("What happened: not done within 4h: nobody owns it\n") == 0);
  CHECK(text.find("What is left: disable account ann on ") != std::string::npos);
  CHECK(text.find("rescind why account:ann") != std::string::npos);
  CHECK(text.find("keep the access") == std::string::npos);
  CHECK(Run({"apply", "--auto", "--wait", "0s"}) == ExitStatus::kAppliedInPart);
  CHECK(nlohmann::json::accept(Content("messages")));  // still one
}

}  // namespace
}  // namespace rescind
