// `release`, and what `status` says of what is held and of releases that wait.
#include "tests/unit/runtime/cli/company_fixture.h"

namespace rescind {
namespace {

// At most one removal a run, and three that are ready.
struct OverTheLimit : CompanyWithAccess {
  OverTheLimit() {
    WriteWorkspace("", "per_policy = 1\n");
    // The policy is known; nothing was due.
    TellUse("2026-05-31T08:00:00Z");
    REQUIRE_MESSAGE(ApplyConfirmed() == ExitStatus::kDone, (out.str() + err.str()));
    TellUse("2026-01-02T00:00:00Z");
  }
  void TellUse(const std::string& at) {
    for (const char* id : {"ann-vpn", "bob-vpn", "eve-vpn"}) TellUseOf(id, at);
  }
  void TellUseOf(const std::string& id, const std::string& at) {
    ImportMore("{\"entity\":\"grant\",\"id\":\"" + id + "\",\"last_used\":\"" + at + "\"}\n");
  }
  std::string Release(std::vector<std::string> more = {}) {
    more.insert(more.begin(), {"release", "stale_grant", "--reason", "checked"});
    REQUIRE_MESSAGE(Run(more) == ExitStatus::kDone, err.str());
    return out.str().substr(0, out.str().find('\n'));
  }
  nlohmann::json StatusJson() {
    REQUIRE_MESSAGE(Run({"status", "-o", "json"}) == ExitStatus::kDone, err.str());
    return Json();
  }
};

// It said nothing of either.
TEST_CASE_FIXTURE(OverTheLimit, "StatusSaysWhatIsHeldAndWhichReleasesWait") {
  REQUIRE(Run({"status"}) == ExitStatus::kDone);
  CAPTURE(out.str());
  CHECK(
      Prints("held, as judged now\n"
             "  ! 3 actions of access.stale_grant: over the limit of 1 of grant (the workspace's "
             "limit): 3 of at most 1; `rescind release access.stale_grant --reason …` lets it "
             "go\n"));
  const nlohmann::json held = StatusJson()["held"];
  REQUIRE(held.size() == 1);
  CHECK(held[0]["actions"] == 3);
  CHECK(held[0]["policies"][0] == "access.stale_grant");
  CHECK(held[0]["because"].get<std::string>().find("rescind release") != std::string::npos);

  const std::string id = Release();
  REQUIRE(Run({"status"}) == ExitStatus::kDone);
  CHECK(!Prints("held, as judged now"));
  CHECK(Prints("releases that wait for the next apply\n  " + id +
               " of access.stale_grant: until 2026-06-02T08:00:00Z, by uid "));
  CHECK(Prints(" (checked)\n"));
  CHECK(StatusJson()["releases"][0]["id"] == id);
  CHECK(StatusJson()["releases"][0]["until"] == "2026-06-02T08:00:00Z");
  REQUIRE_MESSAGE(ApplyConfirmed() == ExitStatus::kDone, (out.str() + err.str()));
  CHECK(StatusJson()["releases"].empty());
  clock.Advance({kMicrosPerDay});
  CHECK(StatusJson()["releases"].empty());
  // It was given, and nothing in the log said by which run it was used.
  size_t ended = 0;
  for (const nlohmann::json& entry : LogEntries()) {
    if (entry["kind"] != "release_ended") continue;
    ++ended;
    CHECK(entry["details"]["release"] == id);
    CHECK(entry["outcome"] == "this run went over the limit by it");
    CHECK(entry["policies"][0]["name"] == "access.stale_grant");
    CHECK(entry["trigger"].get<std::string>().starts_with("apply sha256:"));
  }
  CHECK(ended == 1);
}

TEST_CASE_FIXTURE(OverTheLimit, "StatusThatCannotJudgeSaysTheRest") {
  std::string workspace = Content("rescind.toml");
  workspace.replace(workspace.find("\"exec\""), 6, "\"exce\"");
  Write("rescind.toml", workspace);
  REQUIRE_MESSAGE(Run({"status"}) == ExitStatus::kDone, err.str());
  CHECK(Prints("X it cannot be judged what is: "));
  CHECK(Prints("which is no kind of executor"));
  CHECK(Prints("policies, as of the last apply\n"));
}

// What a limit held stood nowhere in the log, and a run that did nothing but hold was not in it.
TEST_CASE_FIXTURE(OverTheLimit, "WhatARunHoldsAndWhyIsInTheAuditLog") {
  const auto last = [&] {
    REQUIRE_MESSAGE(Run({"audit", "show", "--most", "0", "-o", "json"}) == ExitStatus::kDone,
                    err.str());
    return Json()["entries"].back();
  };
  CHECK(Run({"apply", "--auto"}) == ExitStatus::kHeld);
  nlohmann::json ended = last();
  REQUIRE(ended["entry"]["kind"] == "run_ended");
  CHECK(ended["entry"]["details"]["held"] == "3");
  CHECK(ended["entry"]["details"]["held_notices"] == "0");
  const auto because = [&] {
    return ended["values"]
                [ended["entry"]["details"]["held_because"]["commitment"].get<std::string>()]
                    .get<std::string>();
  };
  CHECK(because().starts_with("3 actions: over the limit of 1 of grant (the workspace's limit)"));

  // The same again is no news; one more is, though no finding is.
  size_t count = LogEntries().size();
  clock.Advance({kMicrosPerHour});
  CHECK(Run({"apply", "--auto"}) == ExitStatus::kHeld);
  CHECK(LogEntries().size() == count);
  Write("policies/access.rescind", std::string(kCompanyPolicies) + std::string(kNoticePolicies));
  CHECK(Run({"apply", "--auto"}) == ExitStatus::kHeld);
  ended = last();
  CHECK(ended["entry"]["details"]["held"] == "3");
  CHECK(ended["entry"]["details"]["held_notices"] == "3");
  CHECK(because().find("3 notices: the policy is new and nobody has confirmed it") !=
        std::string::npos);
  CHECK(because().find("3 actions: over the limit of 1") != std::string::npos);

  // Nothing is said of what is not held.
  Write("policies/access.rescind", kCompanyPolicies);
  for (const char* grant : {"bob-vpn", "eve-vpn"}) TellUseOf(grant, "2026-05-31T08:00:00Z");
  REQUIRE_MESSAGE(ApplyConfirmed() == ExitStatus::kDone, (out.str() + err.str()));
  ended = last();
  CHECK(ended["entry"]["kind"] == "run_ended");
  CHECK(!ended["entry"]["details"].contains("held"));
  CHECK(!ended["entry"]["details"].contains("held_because"));
}

// The findings stood open since they were announced, so that the run had nothing else to log.
TEST_CASE_FIXTURE(CompanyWithAccess, "ALimitThatHoldsWhatFallsDueIsInTheAuditLog") {
  WriteWorkspace("", "per_policy = 1\n");
  Write("policies/access.rescind", kNoticePolicies);
  REQUIRE_MESSAGE(ApplyConfirmed() == ExitStatus::kDone, (out.str() + err.str()));
  clock.Advance({8 * kMicrosPerDay});
  const size_t count = LogEntries().size();
  CHECK(Run({"apply", "--auto"}) == ExitStatus::kHeld);
  const auto entries = LogEntries();
  REQUIRE(entries.size() == count + 6);
  CHECK(entries[count]["kind"] == "run_started");
  for (size_t i = 1; i <= 4; ++i) CHECK(entries[count + i]["kind"] == "held");
  CHECK(entries[count + 5]["kind"] == "run_ended");
  CHECK(entries[count + 5]["details"]["held"] == "4");
}

// Only how many were held was in the log, and of rows that a protect covers nothing.
TEST_CASE_FIXTURE(OverTheLimit, "WhichRowsAreHeldAndPassedOverIsInTheAuditLog") {
  const auto of_kind = [&](const std::string& kind) {
    std::vector<nlohmann::json> found;
    for (const nlohmann::json& entry : LogEntries()) {
      if (entry["kind"] == kind) found.push_back(entry);
    }
    return found;
  };
  const auto targets = [](const std::vector<nlohmann::json>& entries) {
    std::set<std::string> ids;
    for (const nlohmann::json& entry : entries) ids.insert(entry["action"]["target"]);
    return ids;
  };
  CHECK(Run({"apply", "--auto"}) == ExitStatus::kHeld);
  auto held = of_kind("held");
  REQUIRE(held.size() == 3);
  const std::set<std::string> all = targets(held);
  CHECK(all == std::set<std::string>{"ann-vpn", "bob-vpn", "eve-vpn"});
  CHECK(held[0]["action"]["verb"] == "revoke");
  CHECK(held[0]["policies"][0]["name"] == "access.stale_grant");
  CHECK(held[0]["policies"][0].contains("because"));
  CHECK(held[0]["policies"][0]["source_hash"].get<std::string>().starts_with("sha256:"));
  CHECK(held[0]["outcome"].get<std::string>().starts_with("over the limit of 1 of grant"));
  REQUIRE(Run({"audit", "show", "--target", "grant:bob-vpn"}) == ExitStatus::kDone);
  CHECK(Prints("held: revoke grant bob-vpn on corp"));

  // What a protect covers.
  auto passed = of_kind("passed_over");
  REQUIRE(passed.size() == 1);
  CHECK(passed[0]["outcome"] == "protected");
  CHECK(passed[0]["details"]["by"] == "access.break_glass");

  // Once each, however often it is held; another feed takes one out, a protect the second.
  CHECK(Run({"apply", "--auto"}) == ExitStatus::kHeld);
  CHECK(of_kind("held").size() == 3);
  TellUseOf("bob-vpn", "2026-05-31T08:00:00Z");
  REQUIRE_MESSAGE(Run({"exempt", "add", "grant:eve-vpn", "--policy", "stale_grant", "--reason",
                       "audit", "--owner", "team", "--until", "+9d"}) == ExitStatus::kDone,
                  err.str());
  REQUIRE_MESSAGE(ApplyConfirmed() == ExitStatus::kDone, (out.str() + err.str()));
  const auto ended = of_kind("hold_ended");
  REQUIRE(ended.size() == 3);
  CHECK(targets(ended) == all);
  for (const nlohmann::json& entry : ended) {
    const std::string target = entry["action"]["target"];
    CHECK(entry["outcome"] == (target == "ann-vpn"   ? "nothing holds it any more"
                               : target == "eve-vpn" ? "it is passed over: exempt"
                                                     : "nothing asks for it any more"));
    CHECK(entry["action"]["verb"] == "revoke");
    CHECK(entry["policies"][0]["name"] == "access.stale_grant");
  }
  passed = of_kind("passed_over");
  REQUIRE(passed.size() == 2);
  CHECK(passed[1]["details"]["target"] == "eve-vpn");
  CHECK(passed[1]["details"]["account"] == "eve");
  CHECK(passed[1]["outcome"] == "exempt");
  CHECK(passed[1]["details"].contains("by"));

  CHECK(Run({"apply", "--auto"}) == ExitStatus::kDone);
  CHECK(of_kind("passed_over").size() == 2);
  clock.Advance({10 * kMicrosPerDay});
  CHECK(Run({"apply", "--auto"}) == ExitStatus::kDone);
  CHECK(of_kind("passed_over").size() == 2);
  CHECK(of_kind("hold_ended").size() == 3);
}

// Its entry said nothing of why, since another policy lets it go.
TEST_CASE_FIXTURE(OverTheLimit, "AnActionThatIsHeldForThePoliciesOfAPlanSaysWhyInTheAuditLog") {
  Write("policies/closed.rescind", R"(
policy closed "A closed account has no access" {
  controls iso_27001 "A.5.18"
  mode enforce
  for g in grant
  when g.account.tags has "closed"
  because "closed"
  then { revoke g }
}
)");
  TellUse("2026-05-31T08:00:00Z");
  REQUIRE_MESSAGE(ApplyConfirmed() == ExitStatus::kDone, (out.str() + err.str()));
  TellUse("2026-01-02T00:00:00Z");
  ImportMore("{\"entity\":\"account\",\"id\":\"bob\",\"tags\":[\"closed\"]}\n");
  REQUIRE(Run({"plan", "--policy", "access.stale_grant", "--out", "p.json", "-o", "json"}) ==
          ExitStatus::kDone);
  const std::string id = Json()["plan_id"];
  CHECK(Run({"apply", "p.json", "--confirm", id}) == ExitStatus::kHeld);
  size_t held_count = 0;
  for (const nlohmann::json& entry : LogEntries()) {
    if (entry["kind"] != "held") continue;
    ++held_count;
    CAPTURE(entry.dump());
    CHECK(entry["outcome"].get<std::string>().starts_with("over the limit of 1 of grant"));
  }
  CHECK(held_count == 3);
}

// It waited on, and let go what nobody had looked at.
TEST_CASE_FIXTURE(OverTheLimit, "AReleaseThatTheNextApplyDoesNotNeedIsOver") {
  const std::string id = Release();
  CHECK(Complains("needed or not, that uses it up"));
  for (const char* grant : {"bob-vpn", "eve-vpn"}) TellUseOf(grant, "2026-05-31T08:00:00Z");
  REQUIRE_MESSAGE(ApplyConfirmed() == ExitStatus::kDone, (out.str() + err.str()));
  CHECK(!Has("on-ann-vpn"));
  CHECK(Complains("release " + id + " of access.stale_grant was not needed, and is over\n"));
  for (const char* grant : {"bob-vpn", "eve-vpn"}) TellUseOf(grant, "2026-01-02T00:00:00Z");
  CHECK(ApplyConfirmed() == ExitStatus::kHeld);
  CHECK(Has("on-bob-vpn"));
}

TEST_CASE_FIXTURE(OverTheLimit, "AReleaseWaitsForAnApplyThatItCouldLetGo") {
  Write("policies/closed.rescind", kClosedPolicy);
  const std::string id = Release();
  // A plan of another policy.
  REQUIRE(Run({"plan", "--policy", "closed", "--out", "closed.json", "-o", "json"}) ==
          ExitStatus::kDone);
  const std::string plan_id = Json()["plan_id"];
  Run({"apply", "closed.json", "--confirm", plan_id});
  REQUIRE(StatusJson()["releases"].size() == 1);
  CHECK(StatusJson()["releases"][0]["id"] == id);
  // One whose feed is too old to judge by.
  WriteWorkspace("[source.directory]\nentity = \"grant\"\nmax_age = \"1h\"\n", "per_policy = 1\n");
  clock.Advance({2 * kMicrosPerHour});
  CHECK(ApplyConfirmed() == ExitStatus::kHeld);
  CHECK(StatusJson()["releases"].size() == 1);
}

// Each of the two let something go.
TEST_CASE_FIXTURE(OverTheLimit, "TwoReleasesOfTheSameDoNotAddUp") {
  const std::string first = Release();
  clock.Advance({kMicrosPerHour});
  const std::string second = Release();
  CHECK(Complains("it replaces " + first + "\n"));
  REQUIRE(StatusJson()["releases"].size() == 1);
  CHECK(StatusJson()["releases"][0]["id"] == second);
  REQUIRE(ApplyConfirmed() == ExitStatus::kDone);
  HireKim();
  ImportMore(Account("lea") + Grant("lea-vpn", "lea"));
  CHECK(ApplyConfirmed() == ExitStatus::kHeld);
}

// It was taken, and would have been good for more than a year.
TEST_CASE_FIXTURE(OverTheLimit, "AReleaseOfAPolicyThatWasEditedSinceLetsNothingGoAndEnds") {
  const std::string id = Release();
  CHECK(StatusJson()["releases"][0]["outdated"] == false);
  CHECK(
      LogEntries().back()["policies"][0]["source_hash"].get<std::string>().starts_with("sha256:"));
  std::string edited(kCompanyPolicies);
  edited.replace(edited.find("90d"), 3, "80d");
  Write("policies/access.rescind", edited);
  REQUIRE(Run({"plan"}) == ExitStatus::kDone);
  CHECK(Prints("; the release " + id +
               " does not count: the policy, or a protect, was edited after it"));
  CHECK(StatusJson()["releases"][0]["outdated"] == true);
  REQUIRE(Run({"status"}) == ExitStatus::kDone);
  CHECK(Prints("(checked); it lets nothing go: the policy, or a protect, was edited after it\n"));
  CHECK(ApplyConfirmed() == ExitStatus::kHeld);
  CHECK(
      Complains("release " + id +
                " of access.stale_grant is over: the policy, or a protect, was edited after it\n"));
  CHECK(Has("on-ann-vpn"));
  CHECK(StatusJson()["releases"].empty());
  bool is_logged = false;
  for (const nlohmann::json& entry : LogEntries()) {
    is_logged |= entry["kind"] == "release_ended" &&
                 entry["outcome"] == "the policy, or a protect, was edited after it";
  }
  CHECK(is_logged);
}

TEST_CASE_FIXTURE(OverTheLimit, "AReleaseIsForTheNextApplyAndNotForAYear") {
  CHECK(Run({"release", "stale_grant", "--reason", "x", "--for", "400d"}) == ExitStatus::kError);
  CHECK(
      Complains("error: a release is good for 31d at most\n"
                "help: give a shorter time with --for: it is for the next apply\n"));
  CHECK(StatusJson()["releases"].empty());
  Release({"--for", "31d"});
}

// It was taken, and nothing was let go.
TEST_CASE_FIXTURE(OverTheLimit, "AGroupThatNoLimitKnowsIsNotReleased") {
  std::string grouped(kCompanyPolicies);
  grouped.insert(grouped.find("}\nprotect"), "  limit 1 of grant per g.account.system per day\n");
  Write("policies/access.rescind", grouped);
  CHECK(Run({"release", "stale_grant", "--group", "crop", "--reason", "x"}) == ExitStatus::kError);
  CHECK(
      Complains("error: no limit of access.stale_grant has a group crop\n"
                "help: did you mean `corp`?\n"));
  CHECK(Run({"release", "stale_grant", "--group", "elsewhere", "--reason", "x"}) ==
        ExitStatus::kError);
  CHECK(Complains("write it as `rescind plan` does where it says what is held"));
  Release({"--group", "corp"});
  // Of another group or of all: that is not the same.
  Release();
  CHECK(!Complains("it replaces"));
  CHECK(StatusJson()["releases"].size() == 2);
}

// It said that the next apply may go over the limit, and `apply --auto` held all of it as before.
TEST_CASE_FIXTURE(CompanyFixture, "AReleaseOfAnUnconfirmedPolicySaysWhatStillHoldsIt") {
  WriteWorkspace("", "per_policy = 1\n");
  std::string grouped(kCompanyPolicies);
  grouped.insert(grouped.find("}\nprotect"), "  limit 1 of grant per g.account.system per day\n");
  Write("policies/access.rescind", grouped);
  ImportCompany();
  GiveAccess();
  REQUIRE(Run({"release", "stale_grant", "--group", "corp", "--reason", "x"}) == ExitStatus::kDone);
  CAPTURE(err.str());
  CHECK(Complains("the next apply before 2026-06-02T08:00:00Z may go over it"));
  CHECK(Complains("`apply --auto` still holds it: the policy is new and nobody has confirmed it"));

  REQUIRE(Run({"release", "stale_grant", "--reason", "read it"}) == ExitStatus::kDone);
  CAPTURE(err.str());
  CHECK(
      Complains("nobody has confirmed access.stale_grant (the policy is new): the next `apply "
                "--auto` before 2026-06-02T08:00:00Z takes this for the confirmation, and goes "
                "over no limit by it\n"));
  CHECK(!Complains("may go over it"));
  CHECK(!Complains("still holds it"));  // the group's release lets the limit be passed

  Write("policies/access.rescind", kCompanyPolicies);
  REQUIRE(Run({"release", "stale_grant", "--reason", "read it"}) == ExitStatus::kDone);
  CAPTURE(err.str());
  CHECK(Complains("`apply --auto` still holds it: over the limit of 1 of grant"));
}

// It said that the next apply may go over it, and that apply ended it as not needed.
TEST_CASE_FIXTURE(CompanyFixture, "AReleaseOfAnUnconfirmedPolicyWithNothingToDoSaysThatItIsNoUse") {
  ImportMore(Account("ann"));
  REQUIRE(Run({"release", "stale_grant", "--reason", "read it"}) == ExitStatus::kDone);
  CAPTURE(err.str());
  CHECK(
      Complains("nobody has confirmed access.stale_grant (the policy is new), and it has nothing "
                "to do now: unless that changes first, the next apply ends this unused; an apply "
                "of a plan with `--confirm` confirms it\n"));
  CHECK(!Complains("may go over it"));
  REQUIRE(Run({"apply", "--auto"}) == ExitStatus::kDone);
  CHECK(Complains("was not needed, and is over"));
}

// It said that the next apply may go over its limit, which removes nothing.
TEST_CASE_FIXTURE(OverTheLimit, "AReleaseOfAPolicyThatOnlyObservesSaysThatItChangesNothing") {
  std::string observing(kCompanyPolicies);
  observing.replace(observing.find("mode enforce"), 12, "mode observe");
  Write("policies/access.rescind", observing);
  Release();
  CAPTURE(err.str());
  CHECK(
      Complains("access.stale_grant only observes (`mode observe`) and removes nothing: this "
                "changes nothing for now; setting `mode enforce` is an edit, which ends this: do "
                "that first, then release\n"));
  CHECK(!Complains("may go over it"));
  CHECK(!Complains("still holds it"));
  REQUIRE_MESSAGE(Run({"apply", "--auto"}) == ExitStatus::kDone, err.str());
  CHECK(Has("on-ann-vpn"));

  Write("policies/access.rescind", kCompanyPolicies);
  CHECK(Run({"apply", "--auto"}) == ExitStatus::kHeld);
  CHECK(Complains(" of access.stale_grant is over: the policy, or a protect, was edited after it"));
  Release();
  CHECK(!Complains("only observes"));
}

// Whoever confirmed by a release did not see that people lose time that they were promised.
TEST_CASE_FIXTURE(CompanyFixture, "AReleaseThatConfirmsSaysWhatFallsDueEarlier") {
  std::string policies(kNoticePolicies);
  Write("policies/access.rescind", policies);
  ImportCompany();
  REQUIRE(ApplyConfirmed() == ExitStatus::kDone);
  policies.replace(policies.find("after 7d"), 8, "after 2d");
  Write("policies/access.rescind", policies);
  clock.Advance({3 * kMicrosPerDay});
  REQUIRE(Run({"plan"}) == ExitStatus::kDone);
  const std::string shown = out.str();
  const size_t from = shown.find("! sooner: confirming shortens the notice from 7d to 2d");
  REQUIRE(from != std::string::npos);
  const std::string sooner = shown.substr(from, shown.find('\n', from) - from);
  REQUIRE(Run({"release", "warned", "--reason", "read it"}) == ExitStatus::kDone);
  CAPTURE(err.str());
  CHECK(Complains("takes this for the confirmation"));
  CHECK(Complains(sooner + "\n"));
}

}  // namespace
}  // namespace rescind
