// What a system has seen used, and no feed has told yet.
#include "tests/unit/runtime/cli/company_fixture.h"

namespace rescind {
namespace {

struct SeenUse : CompanyFixture {
  // ann's account is from 2019, and no feed tells when anybody logs in.
  ExitStatus ApplyWith(const std::string& condition, const std::string& last_used) {
    Write("policies/access.rescind",
          "policy unused \"Unused\" {\n  controls iso_27001 \"A.5.18\"\n  mode enforce\n"
          "  for a in account\n  when a.created_at is known and (" +
              condition + ")\n  then { disable a }\n}\n");
    ImportCompany();
    ImportMore(
        "{\"entity\":\"account\",\"id\":\"ann\",\"created_at\":\"2019-01-01T00:00:00Z\","
        "\"tags\":[\"left\"]}\n");
    Write("on-ann", "");
    Write("fault-observe",
          "reply \"\\\"exists\\\":true,\\\"in_wanted_state\\\":$wanted,\\\"preimage\\\":{},"
          "\\\"last_used\\\":\\\"" +
              last_used + "\\\"\"; exit 0\n");
    return ApplyConfirmed();
  }
};
constexpr const char* kUnused = "(a.last_login ?? a.created_at) older than 90d";

// Any use that the facts did not know kept the access for ever, with exit status 0, however long
// ago it was.
TEST_CASE_FIXTURE(SeenUse, "UseLongAgoIsNoReasonToKeepTheAccess") {
  REQUIRE_MESSAGE(ApplyWith(kUnused, "2020-01-01T00:00:00Z") == ExitStatus::kDone,
                  (out.str() + err.str()));
  CHECK(Json()["summary"]["verified"] == 1);
  CHECK(!Has("on-ann"));
}

TEST_CASE_FIXTURE(SeenUse, "UseOfYesterdayKeepsTheAccess") {
  REQUIRE_MESSAGE(ApplyWith(kUnused, "2026-05-31T00:00:00Z") == ExitStatus::kDone,
                  (out.str() + err.str()));
  CHECK(Json()["summary"]["withdrawn"] == 1);
  CHECK(Complains("it was used at 2026-05-31T00:00:00Z, as its system says"));
  CHECK(Has("on-ann"));
}

TEST_CASE_FIXTURE(SeenUse, "UseKeepsNothingThatGoesForAnotherReason") {
  REQUIRE_MESSAGE(ApplyWith(std::string(kUnused) + " or a.tags has \"left\"",
                            "2026-05-31T00:00:00Z") == ExitStatus::kDone,
                  (out.str() + err.str()));
  CHECK(Json()["summary"]["verified"] == 1);
  CHECK(!Has("on-ann"));
}

TEST_CASE_FIXTURE(SeenUse, "WhoeverUsesAGrantUsesItsAccount") {
  Write("policies/access.rescind", R"(
policy unused "Grants of unused accounts" {
  controls iso_27001 "A.5.18"
  mode enforce
  for g in grant
  when (g.account.last_login ?? g.granted_at) older than 90d
  then { revoke g }
}
)");
  ImportCompany();
  Write("on-ann-vpn", "");
  Write("fault-observe",
        "reply \"\\\"exists\\\":true,\\\"in_wanted_state\\\":$wanted,\\\"preimage\\\":{},"
        "\\\"last_used\\\":\\\"2026-05-31T00:00:00Z\\\"\"; exit 0\n");
  REQUIRE_MESSAGE(ApplyConfirmed() == ExitStatus::kDone, (out.str() + err.str()));
  CHECK(Has("on-ann-vpn"));
  CHECK(Json()["summary"]["withdrawn"] == 4);
}

// kim has two accounts, ann and eve; her policy asks when she was last seen anywhere.
struct UseSeenElsewhere : CompanyFixture {
  ExitStatus ApplyWhenUsed(const std::string& id, const std::string& more = "") {
    Write("policies/access.rescind", R"(
policy dormant "Nobody signed in anywhere" {
  controls iso_27001 "A.5.18"
  mode enforce
  for i in identity
  let seen = latest(a.last_login for a in i.accounts)
             ?? latest(a.created_at for a in i.accounts) ?? now
  when seen older than 45d
  then { disable i }
}
)" + more);
    ImportCompany();
    ImportMore(
        "{\"entity\":\"identity\",\"id\":\"kim\",\"kind\":\"employee\",\"status\":\"active\"}\n"
        "{\"entity\":\"account\",\"id\":\"ann\",\"owner\":\"kim\","
        "\"created_at\":\"2019-01-01T00:00:00Z\"}\n"
        "{\"entity\":\"account\",\"id\":\"eve\",\"owner\":\"kim\"}\n");
    Write("on-ann", "");
    Write("on-eve", "");
    Write("fault-observe", "if [ $id = " + id +
                               " ]; then reply \"\\\"exists\\\":true,\\\"in_wanted_state\\\":"
                               "$wanted,\\\"preimage\\\":{},\\\"last_used\\\":"
                               "\\\"2026-05-31T00:00:00Z\\\"\"; exit 0; fi\n");
    return ApplyConfirmed();
  }
};

// The account that was used stayed, and the same person's other one went with the same run: always
// when it came after it, and later on only when it came before it.
TEST_CASE_FIXTURE(UseSeenElsewhere, "UseSeenOfOneTargetCountsForTheOthersOfAPerson") {
  std::string used, other;
  SUBCASE("that follow") { used = "ann", other = "eve"; }
  SUBCASE("that were asked before") { used = "eve", other = "ann"; }
  REQUIRE_MESSAGE(ApplyWhenUsed(used) == ExitStatus::kDone, (out.str() + err.str()));
  CHECK(Json()["summary"]["withdrawn"] == 2);
  CHECK(Has("on-ann"));
  CHECK(Has("on-eve"));
  CHECK(Complains("account " + used + " on corp: withdrawn (it was used at 2026-05-31T00:00:00Z"));
  CHECK(Complains("account " + other + " on corp: withdrawn (account " + used +
                  " was used at 2026-05-31T00:00:00Z, as its system says"));
}

// ann's account went for the other policy, and eve's with it.
TEST_CASE_FIXTURE(UseSeenElsewhere, "UseSeenOfATargetThatGoesForAnotherReasonKeepsTheOthers") {
  REQUIRE_MESSAGE(ApplyWhenUsed("ann", R"(
policy old "Old" {
  controls iso_27001 "A.5.18"
  mode enforce
  for a in account
  when a.created_at is known and a.created_at older than 365d
  then { disable a }
}
)") == ExitStatus::kDone,
                  (out.str() + err.str()));
  CHECK(!Has("on-ann"));
  CHECK(Has("on-eve"));
  REQUIRE_MESSAGE(Run({"apply", "--auto"}) == ExitStatus::kDone, (out.str() + err.str()));
  CHECK(Has("on-eve"));
  CHECK(Asked("apply", "eve") == 0);
  CHECK(Run({"status", "-o", "json"}) == ExitStatus::kDone);
}

struct AnnouncedUse : CompanyFixture {
  // ann's account is from 2019; that it goes is announced a week before.
  AnnouncedUse() {
    Write("policies/access.rescind",
          "policy unused \"Unused\" {\n  controls iso_27001 \"A.5.18\"\n  mode enforce\n"
          "  for a in account\n"
          "  when a.created_at is known and (a.last_login ?? a.created_at) older than 90d\n"
          "  then { notify \"team\" }\n  then after 7d { disable a }\n}\n"
          "policy old \"Old\" {\n  controls iso_27001 \"A.5.18\"\n  mode enforce\n"
          "  for a in account\n  when a.created_at is known and a.created_at older than 365d\n"
          "  then { notify \"oncall\" }\n  then after 30d { disable a }\n}\n");
    ImportCompany();
    ImportMore("{\"entity\":\"account\",\"id\":\"ann\",\"created_at\":\"2019-01-01T00:00:00Z\"}\n");
    Write("on-ann", "");
    Write("fault-observe",
          "reply \"\\\"exists\\\":true,\\\"in_wanted_state\\\":$wanted,\\\"preimage\\\":{},"
          "\\\"last_used\\\":\\\"2026-06-07T00:00:00Z\\\"\"; exit 0\n");
    REQUIRE_MESSAGE(ApplyConfirmed() == ExitStatus::kDone, (out.str() + err.str()));
    REQUIRE(Told("notice", "access.unused") == 1);
    clock.Advance({8 * kMicrosPerDay});
  }
  size_t Told(const std::string& kind, const std::string& policy) {
    size_t count = 0;
    std::istringstream lines(Content("messages"));
    for (std::string line; std::getline(lines, line);) {
      const nlohmann::json message = nlohmann::json::parse(line);
      count += message["kind"] == kind && message["about"]["policy"] == policy ? 1 : 0;
    }
    return count;
  }
};

// The action was withdrawn and the finding stayed open: nobody who had been told heard of it, and
// three months later the account went without another notice.
TEST_CASE_FIXTURE(AnnouncedUse, "UseThatASystemTellsOfIsAFactAndEndsTheFinding") {
  Run({"apply", "--auto", "-o", "json"});
  CHECK(Has("on-ann"));
  CHECK(Json()["summary"]["verified"] == 0);
  REQUIRE(Run({"facts", "show", "account", "ann"}) == ExitStatus::kDone);
  CHECK(Prints("2026-06-07T00:00:00Z"));
  CHECK(Prints("rescind"));
  REQUIRE_MESSAGE(Run({"apply", "--auto", "-o", "json"}) == ExitStatus::kDone, err.str());
  CHECK(Json()["summary"]["findings_closed"] == 1);
  CHECK(Told("withdrawn", "access.unused") == 1);
  CHECK(Told("withdrawn", "access.old") == 0);  // it does not ask when it was used

  // Unused again, it is announced again.
  std::string policies = Content("policies/access.rescind");
  policies.resize(policies.find("policy old"));
  Write("policies/access.rescind", policies);
  REQUIRE(Run({"apply", "--auto"}) == ExitStatus::kDone);
  for (int month = 0; month < 3; ++month) {
    clock.Advance({30 * kMicrosPerDay});
    REQUIRE_MESSAGE(Run({"apply", "--auto"}) == ExitStatus::kDone, (out.str() + err.str()));
  }
  CHECK(Told("notice", "access.unused") == 2);
  CHECK(Has("on-ann"));
  clock.Advance({8 * kMicrosPerDay});
  REQUIRE_MESSAGE(Run({"apply", "--auto"}) == ExitStatus::kDone, (out.str() + err.str()));
  CHECK(!Has("on-ann"));
}

// Another policy asks for the same a month later: it stood for the one that had let it go, and the
// account went at once.
TEST_CASE_FIXTURE(AnnouncedUse, "AnActionGoesOnlyForAClaimThatLetsItGo") {
  CHECK(Run({"apply", "--auto"}) == ExitStatus::kHeld);
  CHECK(Prints("access.old does not let it go yet"));
  CHECK(Has("on-ann"));
  clock.Advance({23 * kMicrosPerDay});
  REQUIRE_MESSAGE(Run({"apply", "--auto"}) == ExitStatus::kDone, (out.str() + err.str()));
  CHECK(!Has("on-ann"));
}

// A policy that the plan did not show took the place of the one whose match had ended.
TEST_CASE_FIXTURE(SeenUse, "APlanOfOnePolicyIsNotCarriedOutForAnother") {
  const std::string old =
      "policy old \"Old\" {\n  controls iso_27001 \"A.5.18\"\n  mode enforce\n"
      "  for a in account\n  when a.created_at is known and a.created_at older than 365d\n"
      "  then { disable a }\n}\n";
  bool is_confirmed = false;
  SUBCASE("which nobody has confirmed") {}
  SUBCASE("which is confirmed") { is_confirmed = true; }
  Write("policies/old.rescind", "module old\n" + old);
  Write("policies/access.rescind",
        "policy unused \"Unused\" {\n  controls iso_27001 \"A.5.18\"\n  mode enforce\n"
        "  for a in account\n  when a.created_at is known and (" +
            std::string(kUnused) + ")\n  then { disable a }\n}\n");
  ImportCompany();
  if (is_confirmed) REQUIRE(ApplyConfirmed() == ExitStatus::kDone);
  ImportMore("{\"entity\":\"account\",\"id\":\"ann\",\"created_at\":\"2019-01-01T00:00:00Z\"}\n");
  Write("on-ann", "");
  Write("fault-observe",
        "reply \"\\\"exists\\\":true,\\\"in_wanted_state\\\":$wanted,\\\"preimage\\\":{},"
        "\\\"last_used\\\":\\\"2026-05-31T00:00:00Z\\\"\"; exit 0\n");
  REQUIRE(Run({"plan", "--policy", "access.unused", "--out", "p.json", "-o", "json"}) ==
          ExitStatus::kDone);
  const std::string id = Json()["plan_id"];
  CHECK(Run({"apply", "p.json", "--confirm", id}) == ExitStatus::kHeld);
  CAPTURE(out.str() + err.str());
  CHECK(Has("on-ann"));
  CHECK(Asked("apply", "ann") == 0);
}

// What a system with a wrong clock said was a fact that no feed could correct until 2099.
TEST_CASE_FIXTURE(SeenUse, "UseThatLiesInTheFutureCountsAsUseOfNow") {
  REQUIRE_MESSAGE(ApplyWith(kUnused, "2099-01-01T00:00:00Z") == ExitStatus::kDone,
                  (out.str() + err.str()));
  CHECK(Has("on-ann"));
  REQUIRE(Run({"facts", "show", "account", "ann", "-o", "json"}) == ExitStatus::kDone);
  CAPTURE(out.str());
  CHECK(!Prints("2099"));
  CHECK(Prints("2026-06-01T"));
}

}  // namespace
}  // namespace rescind
