// The rows of a table are part of what policies mean: plans go stale, and somebody must confirm.
#include "tests/unit/runtime/cli/company_fixture.h"

namespace rescind {
namespace {

// The table behind a protect was edited: the account that it had protected was disabled.
TEST_CASE_FIXTURE(CompanyWithAccess, "WhatATableHoldsIsPartOfWhatPoliciesMean") {
  std::string policies(kCompanyPolicies);
  policies += R"(
table kept(username: text) from "kept.csv"
protect kept_accounts "Kept" {
  for a in account
  when any(k in kept where k.username == a.id)
}
)";
  Write("policies/access.rescind", policies);
  Write("policies/kept.csv", "username\nann\n");
  REQUIRE(Run({"plan", "--out", "p.json", "-o", "json"}) == ExitStatus::kDone);
  const std::string id = Json()["plan_id"];
  Write("policies/kept.csv", "username\nbob\n");
  CHECK(Run({"apply", "p.json", "--confirm", id}) == ExitStatus::kPlanIsStale);
  Write("policies/kept.csv", "username\nann\nann\n");  // a relation: the same
  REQUIRE_MESSAGE(Run({"apply", "p.json", "--confirm", id}) == ExitStatus::kDone,
                  (out.str() + err.str()));
  // What was kept no longer is: nobody has confirmed that.
  Write("policies/kept.csv", "username\nbob\n");
  CHECK(Run({"apply", "--auto"}) == ExitStatus::kHeld);
  CHECK(Has("on-ann-vpn"));
}

}  // namespace
}  // namespace rescind
