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

// An edit of `holidays` moved dates, and nobody was asked.
TEST_CASE_FIXTURE(Program, "HolidaysAreOfTheMeaningOfWhatCountsBusinessDaysAndOfNothingElse") {
  Add("a.rescind",
      std::string(kPolicy) +
          "define due(d: date) = d + 5 business days\n"
          "policy late \"Late\" {\n  for i in identity\n"
          "  when i.contract_end is known and due(i.contract_end) has passed\n"
          "  then { disable i }\n}\n"
          "protect soon \"Soon\" {\n  for i in identity\n"
          "  when i.starts_on is known and i.starts_on + 3 business days > today\n}\n");
  const auto hashes = [&] {
    const auto program = Check();
    REQUIRE_MESSAGE(program != nullptr, (sink.items().empty() ? "" : sink.items()[0].message));
    return std::vector<std::string>{program->policies[0].meaning_hash,
                                    program->policies[1].meaning_hash,
                                    program->protects[0].meaning_hash};
  };
  const auto without = hashes();
  options.holidays = Holidays({*ParseDay("2026-12-25")});
  const auto with = hashes();
  CHECK(with[0] == without[0]);
  CHECK(with[1] != without[1]);
  CHECK(with[2] != without[2]);
  CHECK(hashes() == with);
  options.holidays = Holidays({*ParseDay("2026-12-24"), *ParseDay("2026-12-25")});
  CHECK(hashes()[1] != with[1]);
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

std::string PolicyOn(const std::string& entity, const std::string& clauses) {
  return "policy p \"P\" {\n  controls soc2 \"CC6.2\"\n  for x in " + entity + "\n" + clauses +
         "  then { notify \"iam\" }\n}\n";
}

// The symptom: behind `boss?.status is known` nothing was known of what the let `boss` leads over.
TEST_CASE_FIXTURE(Program, "WhatALetLeadsOverIsKnownWhereAFieldOfItIs") {
  Add("a.rescind", PolicyOn("account",
                            "  let boss = x.owner?.manager\n"
                            "  when boss?.job is known and x.owner.status == active\n"));
  CHECK(Check() != nullptr);
  CHECK(sink.items().empty());
}

// The symptom: such a define could not be called where its answer is yes already, and the message
// was about `now`, of which there is none.
TEST_CASE_FIXTURE(Program, "ADefineMayAskForACollectionThatItsCallerKnows") {
  Add("a.rescind", "define has_accounts(a: account?) = a?.owner?.accounts is known\n" +
                       PolicyOn("account", "  when x.owner is known and has_accounts(x)\n"));
  CHECK(Check() != nullptr);
  CHECK(sink.items().empty());
}

TEST_CASE_FIXTURE(Program, "ToAskTwiceWhetherACollectionIsKnownIsIdle") {
  Add("a.rescind", PolicyOn("account",
                            "  when x.owner is known\n"
                            "       and x.owner?.accounts is known\n"));
  CHECK(Check() != nullptr);
  REQUIRE(sink.items().size() == 1);
  CHECK(sink.items()[0].code.text == "W0203");
}

}  // namespace
}  // namespace rescind
