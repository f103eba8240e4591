// What feeds deliver is taken as it is, and shown so that nobody takes it for something else.
#include "engine/base/visible_text.h"
#include "tests/unit/runtime/cli/company_fixture.h"

namespace rescind {
namespace {

constexpr std::string_view kTagged = R"(
policy tagged "Tagged accounts" {
  controls cis_8 "5.3"
  mode enforce
  for a in account
  when a.tags has "zz"
  because "owned by {a.owner}"
  then { disable a }
}
)";

struct MarkedFacts : CompanyFixture {
  MarkedFacts() {
    Write("policies/access.rescind", kTagged);
    ImportCompany();
    Write("marked.csv",
          "id,system,username,status,privileged,owner,tags\n"
          "\u0646\u200C\u0646,corp,us\u2066er,active,false,eve,v\u200Bip;zz;\u202Eabc;b\x1b[31m\n");
    REQUIRE_MESSAGE(Run({"import", "marked.csv", "--entity", "account", "--source", "directory"}) ==
                        ExitStatus::kDone,
                    err.str());
    ImportMore(
        "{\"entity\":\"identity\",\"id\":\"\u0646\u200C\u0646\",\"kind\":\"employee\","
        "\"status\":\"active\"}\n");
  }
  // Line by line: ends of lines are marks too.
  bool Hides() const {
    std::istringstream lines(out.str() + err.str());
    for (std::string line; std::getline(lines, line);) {
      if (Visible(line) != line) return true;
    }
    return false;
  }
};

// Names of columns in bad lines, ids in errors and of exemptions were printed as they came.
TEST_CASE_FIXTURE(MarkedFacts, "WhatFeedsDeliverIsShownEscapedWhereverItIsPrinted") {
  REQUIRE(Run({"facts", "show", "account", "\u0646\u200C\u0646"}) == ExitStatus::kDone);
  CHECK(Prints("v\\u200Bip;zz;\\u202Eabc;b\\x1B[31m"));
  CHECK_FALSE(Hides());
  REQUIRE(Run({"why", "account:\u0646\u200C\u0646"}) == ExitStatus::kDone);
  CHECK(Prints("a.tags = {v\\u200Bip, zz, \\u202Eabc, b\\x1B[31m}"));
  CHECK_FALSE(Hides());
  REQUIRE(Run({"plan"}) == ExitStatus::kDone);
  CHECK(Prints("v\\u200Bip"));
  CHECK_FALSE(Hides());
  CHECK(Run({"why", "\u0646\u200C\u0646"}) == ExitStatus::kError);
  CHECK(Complains("several rows are called \u0646\\u200C\u0646\nhelp: say which: "));
  CHECK_FALSE(Hides());
  Write("bad.csv", "id,sys\u200Btem\nx,y\n");
  CHECK(Run({"import", "bad.csv", "--entity", "account"}) == ExitStatus::kError);
  CHECK(Complains("`sys\\u200Btem`"));
  CHECK_FALSE(Hides());
  Write("bad.ndjson", "{\"entity\":\"acc\u200Bount\",\"id\":\"x\"}\n");
  CHECK(Run({"import", "bad.ndjson"}) == ExitStatus::kError);
  CHECK_FALSE(Hides());
  REQUIRE(Run({"exempt", "add", "account:\u0646\u200C\u0646", "--policy", "all", "--reason",
               "x\u200By", "--owner", "eve", "--until", "+1d"}) == ExitStatus::kDone);
  CHECK(Complains("\u0646\\u200C\u0646"));
  for (const std::vector<std::string>& command : {std::vector<std::string>{"exempt", "list"},
                                                  {"facts", "check"},
                                                  {"plan"},
                                                  {"apply", "--auto"},
                                                  {"status"},
                                                  {"audit", "show"},
                                                  {"audit", "show", "-o", "full"}}) {
    CAPTURE(command[0]);
    Run(command);
    CHECK_FALSE(Hides());
  }
}

// Paths, and what lies in a folder that somebody else gave, were printed byte by byte.
TEST_CASE_FIXTURE(MarkedFacts, "PathsAndForeignEvidenceAreShownEscaped") {
  CHECK(Run({"init", folder / "q\x1b[31mq"}) == ExitStatus::kDone);
  CHECK(Complains("q\\x1B[31mq/rescind.toml\n"));
  CHECK_FALSE(Hides());
  REQUIRE(Run({"apply", "--auto"}) != ExitStatus::kError);
  CHECK(Run({"plan", "--out", "p\x9b.json"}) == ExitStatus::kDone);
  CHECK(Complains("wrote p\\x9B.json"));
  REQUIRE(Run({"audit", "export", "e\x1b[31mx"}) == ExitStatus::kDone);
  CHECK(Complains(" entries to e\\x1B[31mx; "));
  CHECK_FALSE(Hides());
  REQUIRE(Run({"audit", "key"}) == ExitStatus::kDone);
  const std::string key = out.str().substr(0, out.str().find('\n'));
  Write(
      "e\x1b[31mx/tile/a\x9b"
      "31m",
      "a stranger");
  CHECK(Run({"audit", "verify", folder / "e\x1b[31mx", "--key", key}) == ExitStatus::kCheckFailed);
  CHECK(Prints("problem     tile/a\\x9B31m: does not belong to the log"));
  CHECK_FALSE(Hides());
  Write("e\x1b[31mx/export.json",
        "{\"format\":\"rescind.audit-export/2\"\x9b"
        "31m}\n");
  CHECK(Run({"audit", "verify", folder / "e\x1b[31mx", "--key", key}) == ExitStatus::kError);
  CHECK(Complains("rescind.audit-export/2\"\\x9B31m"));
  CHECK_FALSE(Hides());
}

// JSON on a screen was obeyed by it. What is hashed keeps its bytes, and the digest of a plan is
// that of its meaning.
TEST_CASE_FIXTURE(MarkedFacts, "JsonHasEscapesForWhatAScreenWouldHide") {
  REQUIRE(Run({"exempt", "add", "account:bob", "--policy", "all", "--reason", "x\u202Ey", "--owner",
               "eve", "--until", "+1d", "-o", "json"}) == ExitStatus::kDone);
  CHECK(Prints("\\u202E"));
  CHECK_FALSE(Hides());
  Write("bad.ndjson", "{\"entity\":\"account\",\"id\":\"x\u202Ey\"}\n");
  CHECK(Run({"import", "bad.ndjson", "-o", "json"}) == ExitStatus::kError);
  CHECK_FALSE(Hides());
  const std::vector<std::vector<std::string>> commands = {
      {"exempt", "list", "-o", "json"},
      {"facts", "show", "account", "\u0646\u200C\u0646", "-o", "json"},
      {"facts", "check", "-o", "json"},
      {"why", "account:\u0646\u200C\u0646", "-o", "json"},
      {"plan", "-o", "json"},
      {"plan", "-o", "ndjson"},
      {"apply", "--auto", "-o", "json"},
      {"status", "-o", "json"},
      {"check", "--format", "json"},
      {"audit", "show", "-o", "ocsf"},
      {"audit", "show", "-o", "cloudevents"}};
  for (const std::vector<std::string>& command : commands) {
    CAPTURE(command[0]);
    CAPTURE(command.back());
    CHECK(Run(command) != ExitStatus::kUsage);
    CHECK_FALSE(out.str().empty());
    CHECK_FALSE(Hides());
    if (command[0] == "plan" && command.back() == "json") {
      CHECK(Prints("\\u202Eabc"));
      Write("printed.json", out.str());
    }
  }
  CHECK(Run({"show", "printed.json"}) == ExitStatus::kDone);
  REQUIRE(Run({"exempt", "add", "account:\u0646\u200C\u0646", "--policy", "all", "--reason", "x",
               "--owner", "eve", "--until", "+1d", "-o", "json"}) == ExitStatus::kDone);
  // Syslog marks its messages as UTF-8 with U+FEFF.
  REQUIRE(Run({"audit", "show", "-o", "syslog"}) == ExitStatus::kDone);
  CHECK_FALSE(Prints("\u202E"));
  Run({"audit", "show", "-o", "ndjson"});
  CHECK(Hides());
}

}  // namespace
}  // namespace rescind
