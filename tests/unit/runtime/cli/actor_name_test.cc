// Who did it, as the audit log has it.
#include "tests/unit/runtime/cli/company_fixture.h"

namespace rescind {
namespace {

struct Actors : CompanyWithAccess {
  // What a command of `as` is logged as.
  std::string NameOf(const Caller& as) {
    caller = as;
    REQUIRE_MESSAGE(Run({"release", "stale_grant", "--reason", "x"}) == ExitStatus::kDone,
                    err.str());
    return LogEntries().back()["trigger"];
  }
};

// The log said "by uid 0", whoever of the administrators it was.
TEST_CASE_FIXTURE(Actors, "WhoCalledSudoIsNamed") {
  const std::string name = "uid 0 (sudo by uid 1000)";
  CHECK(NameOf({0, 0, "1000"}) == "release by " + name);
  REQUIRE(Run({"status"}) == ExitStatus::kDone);
  CHECK(Prints(", by " + name + " (x)\n"));
  Run({"apply", "--auto"});
  CHECK(LogEntries().back()["trigger"] == "apply --auto by " + name);
  CHECK(LogEntries().back()["kind"] == "run_ended");
  REQUIRE_MESSAGE(Run({"exempt", "add", "grant:eve-vpn", "--policy", "stale_grant", "--reason", "x",
                       "--owner", "eve", "--until", "+9d"}) == ExitStatus::kDone,
                  err.str());
  CHECK(LogEntries().back()["trigger"] == "exempt add by " + name);
  REQUIRE(Run({"audit", "key", "rotate"}) == ExitStatus::kDone);
  CHECK(LogEntries().back()["trigger"] == "audit key rotate by " + name);
}

TEST_CASE_FIXTURE(Actors, "WhoIsNotRootMayClaimNothing") {
  CHECK(NameOf({1001, 1001, "1000"}) == "release by uid 1001");
  CHECK(NameOf({1001, 0, "1000"}) == "release by uid 1001");
  CHECK(NameOf({0, 1001, "1000"}) == "release by uid 0");
}

TEST_CASE_FIXTURE(Actors, "WhatIsNoUserOfSudoIsLeftOut") {
  for (const char* claim :
       {"", "0", "00", "-1", "+7", " 7", "7 ", "ann", "7) (by ann", "0x7", "99999999999"}) {
    CAPTURE(std::string(claim));
    CHECK(NameOf({0, 0, claim}) == "release by uid 0");
  }
}

}  // namespace
}  // namespace rescind
