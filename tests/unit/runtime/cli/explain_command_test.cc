#include <nlohmann/json.hpp>

#include "engine/base/diagnostic_pages.h"
#include "tests/unit/runtime/cli/program_fixture.h"

namespace rescind {
namespace {

TEST_CASE_FIXTURE(ProgramFixture, "APageIsPrintedAsItIs") {
  CHECK(Run({"explain", "E0110"}) == ExitStatus::kDone);
  CHECK(out.str() == *DiagnosticPage("E0110"));
  for (const char* pasted : {"e0110", "E0110:", "error[E0110]", "error[E0110]:"}) {
    CAPTURE(pasted);
    CHECK(Run({"explain", pasted}) == ExitStatus::kDone);
    CHECK(out.str().starts_with("# E0110: "));
  }
}

TEST_CASE_FIXTURE(ProgramFixture, "OnATerminalHeadingsAreBoldAndExamplesAsTheyAre") {
  on_a_terminal = true;
  CHECK(Run({"explain", "E0110"}) == ExitStatus::kDone);
  CHECK(out.str().starts_with("\x1b[1m# E0110: "));
  CHECK(Prints("\nparam grace : duration = 90dd\n"));
}

TEST_CASE_FIXTURE(ProgramFixture, "AnUnknownCodeIsAUsageErrorWithAHint") {
  CHECK(Run({"explain", "E0198"}) == ExitStatus::kUsage);
  CHECK(out.str().empty());
  CHECK(Complains("there is no code `E0198`"));
  CHECK(Complains("did you mean `E01"));
  CHECK(Complains("rescind explain --list"));
  CHECK(Run({"explain", "nonsense"}) == ExitStatus::kUsage);
  CHECK_FALSE(Complains("did you mean"));
  CHECK(Run({"explain"}) == ExitStatus::kUsage);
  CHECK(Run({"explain", "["}) == ExitStatus::kUsage);
  CHECK(Run({"explain", "--list", "E0110"}) == ExitStatus::kUsage);
}

TEST_CASE_FIXTURE(ProgramFixture, "TheListHoldsEveryCode") {
  CHECK(Run({"explain", "--list"}) == ExitStatus::kDone);
  CHECK(Prints("E0110  neither a number nor a duration\n"));
  CHECK(Run({"explain", "--list", "-o", "json"}) == ExitStatus::kDone);
  const auto json = nlohmann::json::parse(out.str());
  CHECK(json["format"] == "rescind.codes/1");
  CHECK(json["codes"].size() == DiagnosticPageCodes().size());
  CHECK(json["codes"][0]["severity"] == "error");
}

}  // namespace
}  // namespace rescind
