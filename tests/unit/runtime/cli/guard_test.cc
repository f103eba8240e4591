// What holds an action holds it until something has happened: across runs, resumes and releases.
#include <filesystem>

#include "tests/unit/runtime/cli/company_fixture.h"

namespace rescind {
namespace {

// Three grants are handed over, and their system cannot be reached: nothing has happened yet.
struct HandedOver : CompanyWithAccess {
  HandedOver() {
    Write("fault-observe", "echo 'the server is down' >&2; exit 1\n");
    const std::string id = MakePlan();
    REQUIRE(Run({"apply", "p.json", "--confirm", id, "--wait", "0s"}) ==
            ExitStatus::kAppliedInPart);
    REQUIRE(files.Remove(folder / "fault-observe").ok());
    clock.Advance({kMicrosPerHour});
  }
  bool NobodyLostAccess() { return Has("on-ann-vpn") && Has("on-bob-vpn") && Has("on-eve-vpn"); }
};

// The plan called them ready below the line that the policy is held, and `--auto` removed them.
TEST_CASE_FIXTURE(HandedOver, "AStaleFeedHoldsWhatWasHandedOverAndNeverTried") {
  WriteWorkspace("[source.directory]\nentity = [\"grant\", \"account\"]\nmax_age = \"1h\"\n");
  REQUIRE(Run({"plan", "-o", "json"}) == ExitStatus::kDone);
  CHECK(Json()["summary"]["held"] == 3);
  CHECK(Run({"apply", "--auto"}) == ExitStatus::kHeld);
  CHECK(NobodyLostAccess());
  CHECK(Run({"apply", "--resume"}) == ExitStatus::kHeld);
  CHECK(NobodyLostAccess());
  clock.Advance({kMicrosPerHour});
  HireKim();
  REQUIRE_MESSAGE(Run({"apply", "--auto"}) == ExitStatus::kDone, (out.str() + err.str()));
  CHECK(!Has("on-ann-vpn"));
}

// Another policy's notice hid what the limit holds: nothing was "held", and the status was 0.
TEST_CASE_FIXTURE(CompanyWithAccess, "WhatIsHeldIsSaidThoughAnotherPolicyGivesNoticeOfIt") {
  std::string limited(kCompanyPolicies);
  limited.replace(limited.find("then { revoke g }"), 17, "then { revoke g }\n  limit 1 of grant");
  Write("policies/access.rescind", limited);
  Write("policies/notice.rescind", kNoticePolicies);
  REQUIRE_MESSAGE(ApplyConfirmed() == ExitStatus::kHeld, (out.str() + err.str()));
  CHECK(Json()["summary"]["held"] == 3);
  CHECK(Json()["held_because"].dump().find("rescind release access.stale_grant") !=
        std::string::npos);
  CHECK(Has("on-ann-vpn"));
  REQUIRE(Run({"why", "grant:ann-vpn"}) == ExitStatus::kDone);
  CAPTURE(out.str());
  CHECK(Prints("! revoke grant ann-vpn at 2026-06-01T08:00:00Z: held (over the limit of 1 of"));
}

TEST_CASE_FIXTURE(HandedOver, "AnotherMeaningHoldsWhatWasHandedOverAndNeverTried") {
  std::string policies(kCompanyPolicies);
  policies.replace(policies.find("90d"), 3, "80d");
  Write("policies/access.rescind", policies);
  CHECK(Run({"apply", "--auto"}) == ExitStatus::kHeld);
  CHECK(Run({"apply", "--resume"}) == ExitStatus::kHeld);
  CHECK(NobodyLostAccess());
  REQUIRE_MESSAGE(ApplyConfirmed() == ExitStatus::kDone, (out.str() + err.str()));
  CHECK(!Has("on-ann-vpn"));
}

// It was removed although the plan of the same facts had nothing to remove, or said that it was
// due in a week: the row still matched.
TEST_CASE_FIXTURE(HandedOver, "WhatNoStageAsksForAnyMoreIsWithdrawn") {
  std::string policies(kCompanyPolicies);
  policies.replace(policies.find("{ revoke g }"), 12, "{ notify \"team\" }");
  Write("policies/access.rescind", policies);
  REQUIRE_MESSAGE(Run({"apply", "--resume"}) == ExitStatus::kDone, (out.str() + err.str()));
  CHECK(NobodyLostAccess());
  for (const nlohmann::json& entry : LogEntries()) {
    if (entry["kind"] != "transition" || entry["to"] != "withdrawn") continue;
    CHECK(entry["outcome"] == "access.stale_grant no longer asks for it");
  }
}

TEST_CASE_FIXTURE(HandedOver, "WhatIsDueLaterNowIsHeld") {
  std::string policies(kCompanyPolicies);
  policies.replace(policies.find("then { revoke g }"), 17,
                   "then { notify \"team\" } then after 7d { revoke g }");
  Write("policies/access.rescind", policies);
  CHECK(Run({"apply", "--resume"}) == ExitStatus::kHeld);
  CHECK(NobodyLostAccess());
  // Its first stage has been confirmed under that meaning, and its week begins.
  REQUIRE_MESSAGE(ApplyConfirmed() == ExitStatus::kDone, (out.str() + err.str()));
  CHECK(NobodyLostAccess());
  clock.Advance({7 * kMicrosPerDay + kMicrosPerHour});
  REQUIRE_MESSAGE(ApplyConfirmed() == ExitStatus::kDone, (out.str() + err.str()));
  CHECK(!Has("on-ann-vpn"));
}

// Once the first action of a stage was done, its others were carried out after the match had ended.
TEST_CASE_FIXTURE(CompanyFixture, "AnActionWhoseMatchHasEndedDoesNotBeginBecauseItsStageHas") {
  Write("policies/access.rescind", R"(
policy closed "Accounts without an owner have no access" {
  controls iso_27001 "A.5.18"
  mode enforce
  for a in account
  when a.owner is unknown and a.tags has "leaving"
  then { revoke a.grants }
}
)");
  const std::vector<std::vector<std::string>> ways = {{"apply", "--resume", "-o", "json"},
                                                      {"apply", "--auto", "-o", "json"}};
  for (const std::vector<std::string>& again : ways) {
    const std::string name = again[1].substr(2);
    CAPTURE(name);
    Write("on-" + name + "-1", "");
    Write("on-" + name + "-2", "");
    ImportMore(
        "{\"entity\":\"system\",\"id\":\"corp\"}\n"
        "{\"entity\":\"entitlement\",\"id\":\"vpn\",\"system\":\"corp\","
        "\"name\":\"vpn\"}\n" +
        Account(name, "\"tags\":[\"leaving\"],") + Grant(name + "-1", name) +
        Grant(name + "-2", name));
    Write("fault-apply",
          "if [ \"$id\" = " + name +
              "-2 ]; then reply \"\\\"outcome\\\":\\\"transient\\\"\"; exit 0; fi\n");
    const std::string id = MakePlan();
    REQUIRE_MESSAGE(
        Run({"apply", "p.json", "--confirm", id, "--wait", "0s"}) == ExitStatus::kAppliedInPart,
        (out.str() + err.str()));
    CHECK(!Has("on-" + name + "-1"));
    REQUIRE(files.Remove(folder / "fault-apply").ok());
    clock.Advance({kMicrosPerHour});
    ImportMore("{\"entity\":\"account\",\"id\":\"" + name + "\",\"tags\":[]}\n");
    REQUIRE_MESSAGE(Run(again) == ExitStatus::kDone, (out.str() + err.str()));
    CHECK(Json()["summary"]["withdrawn"] == 1);
    CHECK(Has("on-" + name + "-2"));
    clock.Advance({kMicrosPerHour});
  }
}

// The judged identity still matches, but the account is another's now.
TEST_CASE_FIXTURE(CompanyFixture, "WhatHangsOnAnotherRowNowIsWithdrawnInFlightToo") {
  Write("policies/access.rescind", R"(
policy leaver "Leavers lose their grants" {
  controls iso_27001 "A.5.18"
  mode enforce
  for i in identity
  when i.status == terminated
  because "left"
  then { revoke i.accounts.grants }
}
)");
  const auto person = [](const std::string& id, const std::string& status) {
    return "{\"entity\":\"identity\",\"id\":\"" + id + "\",\"kind\":\"employee\",\"status\":\"" +
           status + "\"}\n";
  };
  ImportCompany();
  GiveAccess();
  ImportMore(person("old", "terminated") + person("new", "active") +
             "{\"entity\":\"account\",\"id\":\"ann\",\"owner\":\"old\"}\n");
  Write("fault-apply", "reply '\"outcome\":\"transient\",\"detail\":\"busy\"'; exit 0\n");
  const std::string id = MakePlan();
  REQUIRE(Run({"apply", "p.json", "--confirm", id, "--wait", "0s"}) == ExitStatus::kAppliedInPart);
  REQUIRE(files.Remove(folder / "fault-apply").ok());
  clock.Advance({kMicrosPerHour});
  ImportMore("{\"entity\":\"account\",\"id\":\"ann\",\"owner\":\"new\"}\n");
  REQUIRE_MESSAGE(Run({"apply", "--resume"}) == ExitStatus::kDone, (out.str() + err.str()));
  CHECK(Has("on-ann-vpn"));
  CHECK(Prints("withdrawn"));
}

// The resumed run gave the reason of the first one, which was no longer true.
TEST_CASE_FIXTURE(HandedOver, "AResumedRunGivesTheReasonsOfNow") {
  TellUseOfAnnsVpn("2026-02-01T00:00:00Z");
  REQUIRE_MESSAGE(Run({"apply", "--resume"}) == ExitStatus::kDone, (out.str() + err.str()));
  for (const nlohmann::json& entry : LogEntries()) {
    if (entry["kind"] != "transition" || entry["to"] != "verified") continue;
    const bool is_ann = entry["action"]["target"] == "ann-vpn";
    CHECK(entry["policies"][0]["because"] ==
          (is_ann ? "last used 2026-02-01T00:00:00Z" : "last used 2026-01-01T00:00:00Z"));
  }
}

// A plan beside --resume was read and thrown away, with its confirmation and its staleness.
TEST_CASE_FIXTURE(HandedOver, "ResumingAPlanAppliesThatPlanAndNothingElse") {
  HireKim();
  REQUIRE(Run({"plan", "--out", "kim.json", "-o", "json"}) == ExitStatus::kDone);
  nlohmann::json json = Json();
  const std::string id = json["plan_id"];
  CHECK(Run({"apply", "kim.json", "--resume", "--confirm", "sha256:wrong"}) == ExitStatus::kHeld);
  CHECK(NobodyLostAccess());
  std::string policies(kCompanyPolicies);
  policies.replace(policies.find("90d"), 3, "80d");
  Write("policies/access.rescind", policies);
  CHECK(Run({"apply", "kim.json", "--resume", "--confirm", id}) == ExitStatus::kPlanIsStale);
  CHECK(NobodyLostAccess());
  Write("policies/access.rescind", kCompanyPolicies);
  REQUIRE_MESSAGE(Run({"apply", "p.json", "--resume"}) == ExitStatus::kHeld, err.str());
  CHECK(Has("on-kim-vpn"));
  REQUIRE_MESSAGE(Run({"apply", "kim.json", "--resume", "--confirm", id}) == ExitStatus::kDone,
                  (out.str() + err.str()));
  CHECK(!Has("on-kim-vpn"));
  CHECK(!Has("on-ann-vpn"));
}

TEST_CASE_FIXTURE(CompanyWithAccess, "AResumedRunSaysWhatIsEscalated") {
  Write("fault-apply", "reply '\"outcome\":\"permanent\",\"detail\":\"no right\"'; exit 0\n");
  CHECK(ApplyConfirmed() == ExitStatus::kAppliedInPart);
  CHECK(Run({"apply", "--resume"}) == ExitStatus::kAppliedInPart);
  CHECK(Prints("X revoke grant ann-vpn on corp"));
}

// A release was used up by a run that let nothing go, which said that the rows were not in its
// plan.
TEST_CASE_FIXTURE(CompanyFixture, "AReleaseIsUsedByTheRunThatStartsSomethingUnderIt") {
  WriteWorkspace("", "per_policy = 1\n");
  ImportCompany();
  GiveAccess();
  const std::string id = MakePlan();
  CHECK(Run({"apply", "p.json", "--confirm", id}) == ExitStatus::kHeld);
  REQUIRE(Run({"release", "stale_grant", "--reason", "checked"}) == ExitStatus::kDone);
  CHECK(Run({"apply", "p.json", "--confirm", id}) == ExitStatus::kHeld);
  CHECK(Prints("it was held when this plan was made, and may go now: make a new plan"));
  CHECK(!Prints("not in this plan"));
  CHECK(!Has("requests"));
  REQUIRE_MESSAGE(ApplyConfirmed() == ExitStatus::kDone, (out.str() + err.str()));
  CHECK(Json()["summary"]["verified"] == 3);
  // It was good for that once.
  HireKim();
  ImportMore(Account("lea") + Grant("lea-vpn", "lea"));
  CHECK(ApplyConfirmed() == ExitStatus::kHeld);
}

// It said that the next apply may go over it, and the next apply held as before.
TEST_CASE_FIXTURE(CompanyFixture, "AGroupIsReleasedOnlyWhereALimitHasGroups") {
  WriteWorkspace("", "per_policy = 1\n");
  ImportCompany();
  CHECK(Run({"release", "stale_grant", "--group", "corp", "--reason", "x"}) == ExitStatus::kError);
  CHECK(
      Complains("error: access.stale_grant has no limit `per` something, and so no groups\n"
                "help: leave --group out: rescind release access.stale_grant --reason …\n"));
  CHECK(Run({"release", "--group", "corp", "--reason", "x"}) == ExitStatus::kError);
  CHECK(Complains("the workspace's cap on removals per hour has no groups"));
  CHECK(Complains("name the policy whose limit it is"));
  std::string grouped(kCompanyPolicies);
  grouped.insert(grouped.find("}\nprotect"), "  limit 1 of grant per g.account.system per day\n");
  Write("policies/access.rescind", grouped);
  CHECK(Run({"release", "stale_grant", "--group", "corp", "--reason", "x"}) == ExitStatus::kDone);
}

// Released because it was new, the policy also took ten times what its limit allowed.
TEST_CASE_FIXTURE(CompanyFixture, "OneReleaseLetsOneThingGo") {
  WriteWorkspace("", "per_policy = 1\n");
  ImportCompany();
  GiveAccess();
  CHECK(Run({"apply", "--auto"}) == ExitStatus::kHeld);
  CHECK(Prints("the policy is new"));
  REQUIRE(Run({"release", "stale_grant", "--reason", "read it"}) == ExitStatus::kDone);
  CHECK(Run({"apply", "--auto"}) == ExitStatus::kHeld);
  CHECK(Prints("over the limit"));
  CHECK(!Has("requests"));
  REQUIRE(Run({"release", "stale_grant", "--reason", "and so many"}) == ExitStatus::kDone);
  CHECK(Run({"apply", "--auto"}) == ExitStatus::kDone);
  CHECK(!Has("on-ann-vpn"));
}

// An older copy of the store lacked the exemption, and nobody noticed.
TEST_CASE_FIXTURE(CompanyWithAccess, "AStoreFromBeforeAnExemptionIsRefused") {
  REQUIRE(ApplyConfirmed() == ExitStatus::kDone);
  std::filesystem::copy(folder / "data", folder / "old", std::filesystem::copy_options::recursive);
  const auto put_back = [&] {
    std::filesystem::remove_all(folder / "data");
    std::filesystem::copy(folder / "old", folder / "data",
                          std::filesystem::copy_options::recursive);
  };
  CHECK(Run({"exempt", "add", "grant:ann-vpn", "--policy", "all", "--reason", "  ", "--owner",
             "eve", "--until", "+30d"}) == ExitStatus::kUsage);
  REQUIRE_MESSAGE(Run({"exempt", "add", "grant:ann-vpn", "--policy", "all", "--reason", "leave",
                       "--owner", "eve", "--until", "+30d"}) == ExitStatus::kDone,
                  err.str());
  put_back();
  CHECK(Run({"apply", "--auto"}) == ExitStatus::kError);
  CHECK(Run({"status"}) == ExitStatus::kError);
}

TEST_CASE_FIXTURE(CompanyFixture, "TheStoreIsClosedToOthersWhoeverMadeItsFolder") {
  REQUIRE(files.MakeDirectories(folder / "data", 0755).ok());
  chmod((folder / "data").c_str(), 0755);
  ImportCompany();
  CHECK(files.Stat(folder / "data/db")->mode == 0700);
}

// Removed again, and nobody heard of it.
TEST_CASE_FIXTURE(CompanyWithAccess, "AccessThatCameBackIsSaidWhereNobodyIsOnCall") {
  REQUIRE(ApplyConfirmed() == ExitStatus::kDone);
  std::string workspace = Content("rescind.toml");
  workspace.replace(workspace.find("oncall = \"oncall\"\n"), 18, "");
  Write("rescind.toml", workspace);
  clock.Advance({kMicrosPerHour});
  Write("on-ann-vpn", "");
  ImportMore(Grant("ann-vpn", "ann"));
  REQUIRE_MESSAGE(ApplyConfirmed() == ExitStatus::kDone, (out.str() + err.str()));
  CHECK(Complains("access came back that had been removed: one action is about it"));
  CHECK(!Has("on-ann-vpn"));
}

// `--out` replaced the audit log's key without a word.
TEST_CASE_FIXTURE(CompanyWithAccess, "NoOutputReplacesWhatTheWorkspaceLivesFrom") {
  REQUIRE(ApplyConfirmed() == ExitStatus::kDone);
  const std::string key = Content("secrets/audit-key");
  const std::string workspace = Content("rescind.toml");
  for (const char* path : {"secrets/audit-key", "./secrets/../secrets/audit-key.checkpoint",
                           "rescind.toml", "data/MARK", "data/new"}) {
    CAPTURE(path);
    CHECK(Run({"plan", "--out", path}) == ExitStatus::kError);
    CHECK(Complains("belongs to the workspace itself"));
    CHECK(Run({"plan", "--csv", path}) == ExitStatus::kError);
    CHECK(Run({"audit", "prove", "1", "--out", path}) == ExitStatus::kError);
  }
  CHECK(Content("secrets/audit-key") == key);
  CHECK(Content("rescind.toml") == workspace);
  CHECK(Run({"status"}) == ExitStatus::kDone);
}

TEST_CASE_FIXTURE(CompanyFixture, "TheStoreHasAFolderOfItsOwn") {
  for (const char* folders :
       {"store = \"secrets\"\n", "store = \"policies\"\n", "store = \".\"\n"}) {
    CAPTURE(folders);
    std::string workspace = Content("rescind.toml");
    workspace.insert(workspace.find("[workspace]\n") + 12, folders);
    Write("rescind.toml", workspace);
    CHECK(Run({"check"}) == ExitStatus::kCheckFailed);
    CHECK(Prints("error[E0601]"));
    CHECK(Run({"status"}) == ExitStatus::kError);
    CHECK(Complains("in the store's folder"));
    WriteWorkspace("");
  }
  WriteWorkspace("[audit]\nkey_file = \"data/key\"\n");
  CHECK(Run({"status"}) == ExitStatus::kError);
  CHECK(Complains("is the audit log's key and lies in the store's folder"));
}

// Reasons that named people stood in the log for ever.
TEST_CASE_FIXTURE(CompanyWithAccess, "AReasonThatNamesPeopleIsCommittedToAndNotWritten") {
  std::string policies(kCompanyPolicies);
  const std::string plain = "because \"last used {seen}\"";
  policies.replace(policies.find(plain), plain.size(),
                   "because \"{g.account.owner?.email} last used it {seen}\"");
  Write("policies/access.rescind", policies);
  ImportMore(
      "{\"entity\":\"identity\",\"id\":\"i1\",\"kind\":\"employee\",\"status\":\"active\","
      "\"email\":\"ann.secretname@example.org\"}\n" +
      Account("ann", "\"owner\":\"i1\","));
  REQUIRE_MESSAGE(ApplyConfirmed() == ExitStatus::kDone, (out.str() + err.str()));
  REQUIRE(Run({"audit", "export", "evidence"}) == ExitStatus::kDone);
  size_t committed = 0;
  for (const nlohmann::json& entry : LogEntries()) {
    CHECK(entry.dump().find("secretname") == std::string::npos);
    if (!entry.contains("policies") || !entry.contains("action")) continue;
    committed += entry["policies"][0]["because"].is_object() ? 1 : 0;
  }
  CHECK(committed >= 9);  // of each of the three: attempt, applied, verified
  for (const auto& file : std::filesystem::recursive_directory_iterator(folder / "evidence")) {
    if (!file.is_regular_file()) continue;
    const std::string name = file.path().string();
    CHECK_MESSAGE(files.Read(name, 1 << 24)->find("secretname") == std::string::npos, name);
  }
}

// It made one that opened nothing, and lay where the lost one had to be put back.
TEST_CASE_FIXTURE(CompanyWithAccess, "NoSecondKeyIsMadeForALogThatHasOne") {
  REQUIRE(ApplyConfirmed() == ExitStatus::kDone);
  REQUIRE(Run({"audit", "key"}) == ExitStatus::kDone);
  std::string key = out.str();
  key.pop_back();  // the end of the line
  std::filesystem::rename(folder / "secrets/audit-key", folder / "lost");
  CHECK(Run({"audit", "key", "create"}) == ExitStatus::kError);
  CHECK(Complains("entries and a key already: " + key));
  CHECK(!Has("secrets/audit-key"));
  std::filesystem::rename(folder / "lost", folder / "secrets/audit-key");
  CHECK(Run({"audit", "show"}) == ExitStatus::kDone);
}

// It said "it is done" of access that was there again, and left open what to do.
TEST_CASE_FIXTURE(CompanyWithAccess, "AnOldPlanSaysThatWhatItRemovedIsThereAgain") {
  const std::string old_id = MakePlan("old.json");
  const auto apply_old = [&] { return Run({"apply", "old.json", "--confirm", old_id}); };
  REQUIRE(apply_old() == ExitStatus::kDone);
  CHECK(apply_old() == ExitStatus::kDone);
  CHECK(Prints("= revoke grant ann-vpn: it is done\n"));
  const auto comes_back = [&](const std::string& granted_at) {
    clock.Advance({kMicrosPerHour});
    GiveAccess();
    ImportMore(
        "{\"entity\":\"grant\",\"id\":\"ann-vpn\",\"account\":\"ann\",\"entitlement\":"
        "\"vpn\",\"source\":\"request\",\"granted_at\":\"" +
        granted_at + "\"}\n");
  };
  // Removed a second time since, and back a second time.
  comes_back("2026-01-01T00:00:00Z");
  REQUIRE_MESSAGE(ApplyConfirmed() == ExitStatus::kDone, (out.str() + err.str()));
  comes_back("2026-01-01T00:00:00Z");
  CHECK(apply_old() == ExitStatus::kDone);
  CHECK(Prints("= revoke grant ann-vpn: it was done, and came back since: make a new plan\n"));
  CHECK(Prints("= revoke grant bob-vpn: it is done\n"));
  comes_back("2026-05-31T00:00:00Z");
  CHECK(apply_old() == ExitStatus::kDone);
  CHECK(
      Prints("= revoke grant ann-vpn: it was done, and came back since; no policy asks for it "
             "now\n"));
}

// A plan of one policy, which was held, removed what another one let go that nobody had chosen.
TEST_CASE_FIXTURE(CompanyWithAccess, "APlanOfOnePolicyCarriesOutOnlyWhatThatPolicyLetsGo") {
  std::string policies(kCompanyPolicies);
  policies.replace(policies.find("protect"), 0, R"(
policy unseen "The same, while hr is fresh" {
  controls iso_27001 "A.5.18"
  mode enforce
  for g in grant
  when g.granted_at older than 30d
  then { revoke g }
  needs "hr" within 24h
}
)");
  WriteWorkspace("[source.hr]\nentity = \"identity\"\n");
  Write("policies/access.rescind", policies);
  for (const std::string name : {"unseen", "stale_grant"}) {
    CAPTURE(name);
    const bool is_held = name == "unseen";
    REQUIRE_MESSAGE(
        Run({"plan", "--policy", name, "--out", "p.json", "-o", "json"}) == ExitStatus::kDone,
        err.str());
    CHECK(Json()["summary"][is_held ? "held" : "ready"] == 3);
    const std::string id = Json()["plan_id"];
    CHECK(Run({"apply", "p.json", "--confirm", id, "-o", "json"}) ==
          (is_held ? ExitStatus::kHeld : ExitStatus::kDone));
    CHECK(Json()["summary"]["held"] == (is_held ? 3 : 0));
    CHECK(Has("on-ann-vpn") == is_held);
  }
}

}  // namespace
}  // namespace rescind
