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

}  // namespace
}  // namespace rescind
