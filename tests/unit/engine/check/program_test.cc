#include "engine/check/program.h"

#include <doctest/doctest.h>

#include <fstream>
#include <sstream>
#include <string>

#include "engine/check/standard_model.h"

namespace rescind {
namespace {

struct Program {
  SourceMap sources;
  DiagnosticSink sink;
  CheckOptions options;
  std::vector<FileId> files;

  void Add(const std::string& name, const std::string& text) {
    files.push_back(sources.Add("policies/" + name, text));
  }
  std::unique_ptr<typed::Program> Check() { return ParseAndCheck(sources, files, options, sink); }
};

constexpr const char* kPolicy =
    "policy idle \"Idle\" {\n  controls soc2 \"CC6.2\"\n  for g in grant\n"
    "  when g.ticket is unknown\n  then { revoke g }\n}\n";

TEST_CASE("TheModelInTheBinaryIsTheFileOfTheRepository") {
  std::ifstream file{std::string(kStandardModelName)};
  std::ostringstream text;
  text << file.rdbuf();
  REQUIRE(text.str().size() > 1000);
  CHECK(StandardModelText() == text.str());
}

TEST_CASE_FIXTURE(Program, "TheModelAloneIsAProgram") {
  CHECK(Check() != nullptr);
  CHECK(sink.items().empty());
  CHECK(sources.count() == 1);
  CHECK(sources.Get(FileId(0)).name() == kStandardModelName);
}

TEST_CASE_FIXTURE(Program, "APolicyOnTheModelIsAProgram") {
  Add("a.rescind", kPolicy);
  const auto program = Check();
  REQUIRE(program != nullptr);
  REQUIRE(program->policies.size() == 1);
  CHECK(program->policies[0].name == "idle");
}

TEST_CASE_FIXTURE(Program, "ASyntaxErrorLeavesNoProgramEvenIfTheRestIsFine") {
  Add("a.rescind", kPolicy);
  Add("b.rescind", "polcy b \"B\" { }\n");
  CHECK(Check() == nullptr);
  REQUIRE(sink.items().size() == 1);
  CHECK(sink.items()[0].span.file == files[1]);
}

TEST_CASE_FIXTURE(Program, "ASyntaxErrorDoesNotHideAMistakeElsewhere") {
  Add("a.rescind", "polcy a \"A\" { }\n");
  Add("b.rescind", "define f(g: grant) = g.no_such_field\n");
  CHECK(Check() == nullptr);
  const auto found = sink.TakeSorted();
  REQUIRE(found.size() == 2);
  CHECK(found[0].span.file == files[0]);
  CHECK(found[1].span.file == files[1]);
}

TEST_CASE_FIXTURE(Program, "ErrorsReportedBeforeDoNotCount") {
  Add("a.rescind", kPolicy);
  Diagnostic earlier;
  earlier.code = {"E0101"};
  sink.Report(earlier);
  CHECK(Check() != nullptr);
}

}  // namespace
}  // namespace rescind
