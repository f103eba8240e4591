// When findings end and begin anew, and what of them is done once, from apply to apply.
#include "tests/unit/runtime/cli/company_fixture.h"

namespace rescind {
namespace {

constexpr int64_t kWeekMicros = 7 * kMicrosPerDay + kMicrosPerMinute;

std::string Tagged(const std::string& name, const std::string& tag, const std::string& stages) {
  return "policy " + name + " \"Tagged\" {\n  controls iso_27001 \"A.5.18\"\n  mode enforce\n" +
         "  for a in account\n  when a.tags has \"" + tag + "\"\n  because \"tagged\"\n  " +
         stages + "\n}\n";
}

struct TaggedFixture : CompanyFixture {
  TaggedFixture() { Write("on-ann", ""); }
  // The first time with all the company.
  void TagAnn(const std::string& tags) {
    if (!Has("company.ndjson")) ImportCompany();
    clock.Advance({kMicrosPerMinute});
    ImportMore("{\"entity\":\"account\",\"id\":\"ann\",\"tags\":[" + tags + "]}\n");
  }
  void CanAlso(const std::string& capability) {
    std::string toml = Content("rescind.toml");
    toml.replace(toml.find("\"revoke grant\"]"), 15, "\"revoke grant\", \"" + capability + "\"]");
    Write("rescind.toml", toml);
  }
  ExitStatus ApplyAuto() { return Run({"apply", "--auto", "-o", "json"}); }
  nlohmann::json LastMessage() {
    std::istringstream lines(Content("messages"));
    std::string line, last;
    while (std::getline(lines, line)) {
      if (!line.empty()) last = line;
    }
    return nlohmann::json::parse(last);
  }
};

TEST_CASE_FIXTURE(PersonFixture, "APlaybookOnAPersonRunsWhereItsTargetIs") {
  CanAlso("run fix");
  REQUIRE_MESSAGE(ApplyConfirmed() == ExitStatus::kDone, (out.str() + err.str()));
  REQUIRE_MESSAGE(ApplyAuto() == ExitStatus::kDone, (out.str() + err.str()));
  CHECK(!Has("on-old"));
  CHECK(!Has("on-ann-vpn"));
  REQUIRE_MESSAGE(ApplyAuto() == ExitStatus::kDone, (out.str() + err.str()));
  CHECK(Json()["actions"].empty());
}

TEST_CASE_FIXTURE(PersonFixture, "APlaybookThatNoTargetOrSeveralCanRunSaysSo") {
  REQUIRE(ApplyConfirmed() == ExitStatus::kHeld);
  CHECK(Json()["held_because"].dump().find("no target of rescind.toml can run \\\"fix\\\", and "
                                           "identity rows live in no system") != std::string::npos);
  CanAlso("run fix");
  Write("rescind.toml", Content("rescind.toml") +
                            "[target.other]\nexecutor = \"exec\"\ncommand = [\"./program\"]\n"
                            "can = [\"run fix\"]\n");
  REQUIRE(ApplyConfirmed() == ExitStatus::kHeld);
  CHECK(Json()["held_because"].dump().find("several targets of rescind.toml can run \\\"fix\\\" "
                                           "(corp, other)") != std::string::npos);
  CHECK(Has("on-old"));
}

}  // namespace
}  // namespace rescind
