// The message of `done within`: what it says, and that it says it once for what is late.
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
  // The only date in it was its own.
  CHECK(
      text.starts_with("What happened: not done within 4h: nobody owns it\n"
                       "It was to be done by: 2026-06-01T12:00:00Z\n"
                       "What is left: disable account ann due since 2026-06-01T08:00:00Z\n"));
  CHECK(message["about"]["due"] == "2026-06-01T12:00:00Z");
  CHECK(text.find("rescind why account:ann") != std::string::npos);
  CHECK(text.find("keep the access") == std::string::npos);
  CHECK(Run({"apply", "--auto", "--wait", "0s"}) == ExitStatus::kAppliedInPart);
  CHECK(nlohmann::json::accept(Content("messages")));  // still one
}

}  // namespace
}  // namespace rescind
