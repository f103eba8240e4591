// `apply` from end to end: policies, facts, a system that is a shell script, the journal, the log.
#include <cstdlib>

#include "tests/unit/runtime/cli/company_fixture.h"

namespace rescind {
namespace {

TEST_CASE_FIXTURE(CompanyWithAccess, "FromImportToEvidenceAndThenThereIsNothingLeftToDo") {
  const std::string id = MakePlan();
  CHECK(files.Stat(folder / "p.json")->mode == kPrivateMode);
  CHECK(Complains("rescind apply p.json --confirm " + id));

  CHECK(Run({"apply", "p.json"}) == ExitStatus::kHeld);
  CHECK(Complains("nothing was done"));
  CHECK(Complains("rescind apply p.json --confirm " + id));
  CHECK(Run({"apply", "p.json", "--confirm", "sha256:wrong"}) == ExitStatus::kHeld);
  CHECK(Complains("nothing was done: --confirm names another plan: sha256:wrong"));
  CHECK(Complains("rescind apply p.json --confirm " + id));
  CHECK(Run({"apply", "--auto", "--confirm", "sha256:wrong"}) == ExitStatus::kHeld);
  CHECK(!Has("requests"));

  REQUIRE_MESSAGE(Run({"apply", "p.json", "--confirm", id}) == ExitStatus::kDone,
                  (out.str() + err.str()));
  CHECK(Prints("revoke grant ann-vpn on corp: verified"));
  CHECK(Prints("3 verified, 0 withdrawn, 0 held, 0 unfinished, 0 in notice"));
  CHECK(Complains("revoke grant bob-vpn on corp: verified"));
  CHECK(!Has("on-ann-vpn"));
  CHECK(!Has("on-eve-vpn"));
  CHECK(Has("on-dan-vpn"));  // protected

  clock.Advance({kMicrosPerMinute});
  CHECK(Run({"plan", "--detailed-exitcode"}) == ExitStatus::kDone);
  // The next feed was read before we acted: it still lists what is gone.
  ImportCompany("2026-06-01T07:30Z");
  CHECK(Run({"plan", "--detailed-exitcode"}) == ExitStatus::kDone);
  CHECK(Run({"apply", "p.json", "--confirm", id, "-o", "json"}) == ExitStatus::kDone);
  CHECK(Json()["summary"]["verified"] == 0);
  CHECK(Json()["not_carried_out"].size() == 3);
  CHECK(Asked("apply", "ann-vpn") == 1);

  REQUIRE(Run({"audit", "key"}) == ExitStatus::kDone);
  Write("key.pub", out.str());
  REQUIRE_MESSAGE(Run({"audit", "export", folder / "evidence"}) == ExitStatus::kDone, err.str());
  CHECK(Run({"audit", "verify", folder / "evidence", "--key", folder / "key.pub"}) ==
        ExitStatus::kDone);
  CHECK(Prints("OK: no entry was edited, moved, added or removed"));
  REQUIRE(Run({"audit", "show", "--target", "ann-vpn"}) == ExitStatus::kDone);
  CHECK(Prints("applied → verified"));
}

// The program in a process of its own, by this very test program: see AppliesInAChild.
struct ChildFixture : CompanyWithAccess {
  ProcessResult ApplyInAChild(const std::string& id) {
    ProcessRequest request;
    request.argv = {"/proc/self/exe", "--no-skip", "--test-case=AppliesInAChild"};
    request.environment = {{"RESCIND_CHILD_FOLDER", folder.path()}, {"RESCIND_CHILD_PLAN", id}};
    auto result = processes.Run(request);
    REQUIRE(result.ok());
    return *std::move(result);
  }
};

TEST_CASE("AppliesInAChild" * doctest::skip()) {
  const char* folder = std::getenv("RESCIND_CHILD_FOLDER");
  if (folder == nullptr) return;
  ProgramFixture program;
  program.clock.SetWall(*ParseInstant("2026-06-01T08:00Z"));
  program.Run({"--workspace", folder, "apply", std::string(folder) + "/p.json", "--confirm",
               std::getenv("RESCIND_CHILD_PLAN")});
}

TEST_CASE_FIXTURE(ChildFixture, "KilledInTheMiddleItGoesOnAndDoesNothingTwice") {
  const std::string id = MakePlan();
  // The system does what it was told, then the machine that told it dies.
  Write("fault-apply", "if [ \"$id\" = bob-vpn ]; then rm -f on-bob-vpn; kill -9 $PPID; fi\n");
  CHECK(ApplyInAChild(id).end == ProcessEnd::kSignaled);
  REQUIRE(files.Remove(folder / "fault-apply").ok());

  REQUIRE(Run({"status", "-o", "json"}) == ExitStatus::kDone);
  CHECK(!Json()["unfinished"].empty());
  REQUIRE_MESSAGE(Run({"apply", "--resume", "-o", "json"}) == ExitStatus::kDone,
                  (out.str() + err.str()));
  CHECK(Json()["summary"]["verified"] == 3);
  for (const char* grant : {"ann-vpn", "bob-vpn", "eve-vpn"}) {
    CAPTURE(grant);
    CHECK(Asked("apply", grant) == 1);
    CHECK(!Has(std::string("on-") + grant));
  }
  CHECK(Run({"plan", "--detailed-exitcode"}) == ExitStatus::kDone);
  REQUIRE(Run({"apply", "--resume", "-o", "json"}) == ExitStatus::kDone);
  CHECK(Json()["actions"].empty());
}

// Nothing was said until the last action was done.
TEST_CASE_FIXTURE(ChildFixture, "CtrlCIsAnsweredAtOnce") {
  const std::string id = MakePlan();
  Write("fault-apply", "if [ ! -e told ]; then : >told; kill -INT $PPID; fi\n");
  const ProcessResult child = ApplyInAChild(id);
  CHECK(child.end == ProcessEnd::kExited);
  CHECK(child.errors.find("finishing what has begun (Ctrl-C again ends it at once") !=
        std::string::npos);
}

TEST_CASE_FIXTURE(CompanyWithAccess, "APlanOfOtherPoliciesIsStale") {
  const std::string id = MakePlan();
  std::string policies(kCompanyPolicies);
  policies.replace(policies.find("90d"), 3, "60d");
  Write("policies/access.rescind", policies);
  CHECK(Run({"apply", "p.json", "--confirm", id}) == ExitStatus::kPlanIsStale);
  CHECK(Complains("the policies have changed since this plan was made"));
  CHECK(!Has("requests"));
}

TEST_CASE_FIXTURE(CompanyFixture, "OverALimitAllIsHeld") {
  WriteWorkspace("", "per_policy = 1\n");
  ImportCompany();
  GiveAccess();
  REQUIRE_MESSAGE(ApplyConfirmed() == ExitStatus::kHeld, (out.str() + err.str()));
  CHECK(Json()["summary"]["held"] == 3);
  CHECK(Json()["held_because"].size() == 1);
  CHECK(!Has("requests"));

  CHECK(Run({"release", "stale_grant", "--reason", ""}) == ExitStatus::kUsage);
  CHECK(Run({"release", "stale_grunt", "--reason", "x"}) == ExitStatus::kError);
  REQUIRE_MESSAGE(
      Run({"release", "stale_grant", "--reason", "checked with ann"}) == ExitStatus::kDone,
      err.str());
  clock.Advance({kMicrosPerMinute});
  REQUIRE_MESSAGE(ApplyConfirmed() == ExitStatus::kDone, (out.str() + err.str()));
  CHECK(Json()["summary"]["verified"] == 3);
}

TEST_CASE_FIXTURE(CompanyWithAccess, "ASystemThatCannotBeReachedIsSaidAndTriedAgain") {
  Write("fault-observe", "echo 'the server is down' >&2; exit 1\n");
  REQUIRE_MESSAGE(ApplyConfirmed() == ExitStatus::kAppliedInPart, (out.str() + err.str()));
  CHECK(Json()["summary"]["unfinished"] == 3);
  CHECK(Json()["failing_systems"].contains("corp"));
  CHECK(Has("on-ann-vpn"));
  REQUIRE(files.Remove(folder / "fault-observe").ok());
  REQUIRE(Run({"apply", "--resume"}) == ExitStatus::kDone);
  CHECK(!Has("on-ann-vpn"));
}

// The log of a resumed run ended, but had never begun.
TEST_CASE_FIXTURE(CompanyWithAccess, "EveryRunInTheLogBeginsAndEnds") {
  Write("fault-observe", "exit 1\n");
  REQUIRE(ApplyConfirmed() == ExitStatus::kAppliedInPart);
  REQUIRE(files.Remove(folder / "fault-observe").ok());
  REQUIRE(Run({"apply", "--resume"}) == ExitStatus::kDone);
  REQUIRE(Run({"apply", "--resume"}) == ExitStatus::kDone);  // nothing to do: not logged
  std::vector<nlohmann::json> runs = LogEntries();
  std::erase_if(runs, [](const nlohmann::json& entry) {
    return entry["kind"] != "run_started" && entry["kind"] != "run_ended";
  });
  REQUIRE(runs.size() == 4);
  for (size_t i = 0; i < runs.size(); i += 2) {
    CHECK(runs[i]["kind"] == "run_started");
    CHECK(runs[i + 1]["kind"] == "run_ended");
    CHECK(runs[i]["trigger"] == runs[i + 1]["trigger"]);
  }
  CHECK(runs[2]["trigger"].get<std::string>().starts_with("apply --resume by "));
  CHECK(runs[2]["details"]["actions"] == "3");
}

TEST_CASE_FIXTURE(CompanyWithAccess, "WhatWasUsedWhileItWaitedIsNotTakenAwayByAResume") {
  Write("fault-observe", "exit 1\n");
  REQUIRE(ApplyConfirmed() == ExitStatus::kAppliedInPart);
  REQUIRE(files.Remove(folder / "fault-observe").ok());
  clock.Advance({kMicrosPerHour});
  TellUseOfAnnsVpn("2026-06-01T08:30:00Z");
  REQUIRE_MESSAGE(Run({"apply", "--resume", "-o", "json"}) == ExitStatus::kDone,
                  (out.str() + err.str()));
  CHECK(Json()["summary"]["verified"] == 2);
  CHECK(Json()["summary"]["withdrawn"] == 1);
  CHECK(Complains("no longer matches"));
  CHECK(Has("on-ann-vpn"));
}

TEST_CASE_FIXTURE(CompanyWithAccess, "WhatWasUsedIsWithdrawnThoughItsSystemIsStillAway") {
  Write("fault-observe", "echo 'the server is down' >&2; exit 1\n");
  REQUIRE(ApplyConfirmed() == ExitStatus::kAppliedInPart);
  const size_t asked = Asked("observe", "ann-vpn");
  clock.Advance({kMicrosPerHour});
  TellUseOfAnnsVpn("2026-06-01T08:30:00Z");
  REQUIRE(Run({"apply", "--resume", "--wait", "0s", "-o", "json"}) == ExitStatus::kAppliedInPart);
  CHECK(Json()["summary"]["withdrawn"] == 1);
  CHECK(Json()["summary"]["unfinished"] == 2);
  CHECK(Asked("observe", "ann-vpn") == asked);
  CHECK(
      Complains("revoke grant ann-vpn on corp: withdrawn (access.stale_grant no longer matches)"));
}

// A resumed run took access from people whom no policy matched any more, because an attempt of
// which nobody knew whether it had done anything counted as a stage that has begun.
TEST_CASE_FIXTURE(CompanyWithAccess, "AnAttemptThatDidNothingIsNoReasonToGoOn") {
  Write("fault-apply", "echo garbage; exit 0\n");
  const std::string id = MakePlan();
  REQUIRE(Run({"apply", "p.json", "--confirm", id, "--wait", "0s", "-o", "json"}) ==
          ExitStatus::kAppliedInPart);
  CHECK(Asked("apply", "ann-vpn") > 0);
  CHECK(Has("on-ann-vpn"));
  REQUIRE(files.Remove(folder / "fault-apply").ok());
  clock.Advance({kMicrosPerHour});
  TellUseOfAnnsVpn("2026-06-01T08:30:00Z");
  REQUIRE_MESSAGE(Run({"apply", "--resume", "-o", "json"}) == ExitStatus::kDone,
                  (out.str() + err.str()));
  CHECK(Json()["summary"]["verified"] == 2);
  CHECK(Json()["summary"]["withdrawn"] == 1);
  CHECK(Has("on-ann-vpn"));
  CHECK(!Has("on-bob-vpn"));
}

// After the store's folder was lost, `plan`, `import` and `status` began with an empty one.
TEST_CASE_FIXTURE(CompanyWithAccess, "NothingStartsSilentlyAfterTheStoreIsLost") {
  REQUIRE(ApplyConfirmed() == ExitStatus::kDone);
  std::filesystem::rename(folder / "data", folder / "lost");
  for (const std::vector<std::string>& command :
       {std::vector<std::string>{"plan"},
        {"status"},
        {"apply", "--auto"},
        {"import", "company.ndjson", "--source", "directory"}}) {
    CHECK(Run(command) == ExitStatus::kError);
    CHECK(!Has("data"));
  }
  CHECK(Complains("is gone: a checkpoint over"));
  CHECK(Complains("rescind audit key create"));
  std::filesystem::rename(folder / "lost", folder / "data");
  CHECK(Run({"plan"}) == ExitStatus::kDone);
}

TEST_CASE_FIXTURE(CompanyFixture, "AnInterruptedRunEndsBetweenStepsAndIsGoneOnWith") {
  std::string facts =
      "{\"entity\":\"system\",\"id\":\"corp\"}\n"
      "{\"entity\":\"entitlement\",\"id\":\"vpn\",\"system\":\"corp\",\"name\":\"vpn\"}\n";
  for (int i = 0; i < 34; ++i) {  // more than a run takes at a time
    const std::string name = "a" + std::to_string(i);
    facts += Account(name) + Grant(name + "-vpn", name);
    Write("on-" + name + "-vpn", "");
  }
  Write("facts.ndjson", facts);
  REQUIRE(Run({"import", "facts.ndjson", "--source", "directory"}) == ExitStatus::kDone);
  Write("fault-apply", "if [ ! -e told ]; then : >told; kill -INT $PPID; fi\n");
  REQUIRE_MESSAGE(ApplyConfirmed() == ExitStatus::kAppliedInPart, (out.str() + err.str()));
  CHECK(Json()["interrupted"] == true);
  const size_t verified = Json()["summary"]["verified"];
  CHECK(verified > 0);
  CHECK(verified < 34);
  REQUIRE(Run({"apply", "--resume", "-o", "json"}) == ExitStatus::kDone);
  CHECK(Json()["summary"]["verified"] == 34 - verified);
}

TEST_CASE_FIXTURE(CompanyFixture, "ASystemWithoutATargetHoldsItsActions") {
  Write("policies/access.rescind", kCompanyPolicies);
  ImportCompany();
  std::string workspace = Content("rescind.toml");
  workspace.replace(workspace.find("[target.corp]"), 13, "[target.other]");
  Write("rescind.toml", workspace);
  REQUIRE_MESSAGE(ApplyConfirmed() == ExitStatus::kHeld, (out.str() + err.str()));
  CHECK(Json()["held_because"].dump().find("corp") != std::string::npos);
}

TEST_CASE_FIXTURE(CompanyWithAccess, "WhatIsProtectedOrExemptSinceFallsAway") {
  const std::string id = MakePlan();
  clock.Advance({kMicrosPerMinute});
  ImportMore("{\"entity\":\"account\",\"id\":\"ann\",\"tags\":[\"break-glass\"]}\n");
  REQUIRE_MESSAGE(Run({"exempt", "add", "account:bob", "--policy", "stale_grant", "--reason",
                       "on a project", "--owner", "eve", "--until", "+30d"}) == ExitStatus::kDone,
                  err.str());
  // It said the policy twice.
  CHECK(Complains(": account bob for policy access.stale_grant\n"));
  REQUIRE(Run({"apply", "p.json", "--confirm", id, "-o", "json"}) == ExitStatus::kDone);
  const auto report = Json();
  CHECK(report["summary"]["verified"] == 1);
  REQUIRE(report["not_carried_out"].size() == 2);
  CHECK(report["not_carried_out"].dump().find("protected now") != std::string::npos);
  CHECK(report["not_carried_out"].dump().find("exempt now") != std::string::npos);
  CHECK(Has("on-ann-vpn"));
  CHECK(Has("on-bob-vpn"));
  CHECK(!Has("on-eve-vpn"));
}

TEST_CASE_FIXTURE(CompanyWithAccess, "UseThatOnlyTheSystemKnowsKeepsTheAccess") {
  Write("fault-observe",
        "if [ \"$id\" = ann-vpn ]; then reply \"\\\"exists\\\":true,\\\"in_wanted_state\\\":false,"
        "\\\"preimage\\\":{},\\\"last_used\\\":\\\"2026-05-31T00:00:00Z\\\"\"; exit 0; fi\n");
  REQUIRE_MESSAGE(ApplyConfirmed() == ExitStatus::kDone, (out.str() + err.str()));
  CHECK(Json()["summary"]["withdrawn"] == 1);
  CHECK(Complains("it was used at 2026-05-31T00:00:00Z"));
  CHECK(Has("on-ann-vpn"));
  CHECK(!Has("on-bob-vpn"));
}

TEST_CASE_FIXTURE(CompanyWithAccess, "NobodyThereMeansThatUnconfirmedPoliciesAreHeld") {
  CHECK(Run({"apply", "--auto", "-o", "json"}) == ExitStatus::kHeld);
  CHECK(!Has("requests"));
  REQUIRE(ApplyConfirmed() == ExitStatus::kDone);
  clock.Advance({kMicrosPerHour});
  HireKim();
  REQUIRE_MESSAGE(Run({"apply", "--auto"}) == ExitStatus::kDone, (out.str() + err.str()));
  CHECK(!Has("on-kim-vpn"));
}

TEST_CASE_FIXTURE(CompanyFixture, "ANoticeIsSentOnceAndTheWeekBeginsWithIt") {
  Write("policies/access.rescind", kNoticePolicies);
  ImportCompany();
  GiveAccess();
  Write("channel", "#!/bin/sh\nexit 1\n");
  chmod((folder / "channel").c_str(), 0700);
  REQUIRE_MESSAGE(ApplyConfirmed() == ExitStatus::kAppliedInPart, (out.str() + err.str()));
  CHECK(Json()["summary"]["notices_failed"] == 4);
  Write("channel", "#!/bin/sh\ncat >>messages\n");
  chmod((folder / "channel").c_str(), 0700);

  clock.Advance({kMicrosPerHour});
  REQUIRE_MESSAGE(ApplyConfirmed() == ExitStatus::kDone, (out.str() + err.str()));
  const std::string messages = Content("messages");
  CHECK(std::count(messages.begin(), messages.end(), '\n') == 4);
  CHECK(messages.find("\"recipient\":\"team\"") != std::string::npos);
  CHECK(messages.find("revoke grant ann-vpn on 2026-06-08T") != std::string::npos);
  CHECK(Json()["summary"]["notice"] == 4);
  CHECK(!Has("requests"));

  clock.Advance({6 * kMicrosPerDay});
  REQUIRE(ApplyConfirmed() == ExitStatus::kDone);
  CHECK(Content("messages") == messages);
  CHECK(!Has("requests"));
  clock.Advance({2 * kMicrosPerDay});
  REQUIRE_MESSAGE(ApplyConfirmed() == ExitStatus::kDone, (out.str() + err.str()));
  CHECK(Json()["summary"]["verified"] == 4);
}

// Its due time was always a week after the plan, and nothing said so.
TEST_CASE_FIXTURE(CompanyFixture, "ANoticeThatNobodyWouldGetIsWarnedOfAndSaidToBeWaitedFor") {
  Write("policies/access.rescind", kNoticePolicies);
  ImportCompany();
  REQUIRE(Run({"check"}) == ExitStatus::kDone);
  CHECK(err.str().empty());
  std::string workspace = Content("rescind.toml");
  workspace.replace(workspace.find("oncall = \"oncall\"\n"), 18, "");
  workspace.replace(workspace.find("[channel.team]"), 14, "[channel.teams]");
  Write("rescind.toml", workspace);
  const std::string warning =
      "access.warned cannot tell anybody, and what it announces waits for ever: there is no "
      "channel \"team\", and there is no on-call channel of kind command to take it; set `oncall`";
  CHECK(Run({"check"}) == ExitStatus::kDone);
  CHECK(Prints("warning[W0601]: access.warned cannot tell anybody"));
  CHECK(Prints("= help: set `oncall`"));
  CHECK(Run({"check", "--format", "json"}) == ExitStatus::kDone);
  CHECK(Json()["diagnostics"].dump().find("\"W0601\"") != std::string::npos);
  CHECK(Run({"explain", "W0601"}) == ExitStatus::kDone);
  CHECK(Run({"check", "--deny-warnings"}) == ExitStatus::kCheckFailed);
  REQUIRE(Run({"plan"}) == ExitStatus::kDone);
  CHECK(Complains(warning));
  CHECK(
      Prints("waits for a notice that could not be sent: there is no "
             "channel \"team\""));
  REQUIRE(ApplyConfirmed() == ExitStatus::kAppliedInPart);
  CHECK(Complains(warning));
  std::string observing(kNoticePolicies);
  observing.replace(observing.find("mode enforce"), 12, "mode observe");
  Write("policies/access.rescind", observing);
  CHECK(Run({"check"}) == ExitStatus::kDone);
  CHECK(!Prints("cannot tell anybody"));
}

TEST_CASE_FIXTURE(CompanyFixture, "ANoticeThatIsNotSentAnyMoreIsNamed") {
  Write("policies/access.rescind", kNoticePolicies);
  ImportCompany();
  const std::string id = MakePlan();
  clock.Advance({kMicrosPerHour});
  TellUseOfAnnsVpn("2026-06-01T08:30:00Z");
  REQUIRE_MESSAGE(Run({"apply", "p.json", "--confirm", id}) == ExitStatus::kDone,
                  (out.str() + err.str()));
  CHECK(
      Prints("in the plan, but not carried out:\n"
             "  = notify grant ann-vpn: no policy asks for it any more, or it was sent\n"));
  const std::string messages = Content("messages");
  CHECK(std::count(messages.begin(), messages.end(), '\n') == 3);
}

TEST_CASE_FIXTURE(CompanyFixture, "WhoWasToldHearsThatTheAccessStays") {
  Write("policies/access.rescind", kNoticePolicies);
  ImportCompany();
  REQUIRE(ApplyConfirmed() == ExitStatus::kDone);
  clock.Advance({kMicrosPerDay});
  TellUseOfAnnsVpn("2026-06-02T07:00:00Z");
  REQUIRE_MESSAGE(ApplyConfirmed() == ExitStatus::kDone, (out.str() + err.str()));
  CHECK(Json()["summary"]["findings_closed"] == 1);
  const std::string messages = Content("messages");
  CHECK(std::count(messages.begin(), messages.end(), '\n') == 5);
  std::istringstream lines(messages);
  nlohmann::json last;
  for (std::string line; std::getline(lines, line);) last = nlohmann::json::parse(line);
  CHECK(last["kind"] == "withdrawn");
  CHECK(last["subject"] == "grant ann-vpn: access stays (access.warned)");
  CHECK(last["text"] ==
        "What was announced about grant ann-vpn no longer holds: it no longer matches.\n"
        "Nothing of it will happen. The policy was access.warned, the finding open since "
        "2026-06-01T08:00:00Z.\n");
  CHECK(last["about"]["entity"] == "grant");
  CHECK(last["about"]["target"] == "ann-vpn");
  CHECK(Json()["notices"][0]["target"] == "ann-vpn");
  REQUIRE(Run({"audit", "show", "--target", "ann-vpn", "--kind", "notice"}) == ExitStatus::kDone);
  CHECK(Prints("notice about grant ann-vpn (sent to team)"));
  const std::string shown = out.str();
  const size_t first = shown.find("notice about");
  const size_t second = shown.find("notice about", first + 1);
  CHECK(second != shown.npos);  // first told, then withdrawn
  CHECK(shown.find("notice about", second + 1) == shown.npos);
}

// It was disabled again at once, without a notice, under the finding that was done with.
TEST_CASE_FIXTURE(CompanyFixture, "AccessThatComesBackIsANewFindingWithItsNoticeAndAnAlarm") {
  Write("policies/access.rescind",
        "policy closed \"Accounts without an owner are disabled\" {\n  mode enforce\n"
        "  for a in account\n  when a.owner is unknown\n"
        "  then { notify \"team\" }\n  then after 3d { disable a }\n}\n");
  Write("facts.ndjson", "{\"entity\":\"system\",\"id\":\"corp\"}\n" + Account("ann"));
  REQUIRE(Run({"import", "facts.ndjson", "--source", "directory"}) == ExitStatus::kDone);
  Write("on-ann", "");
  REQUIRE(ApplyConfirmed() == ExitStatus::kDone);
  clock.Advance({3 * kMicrosPerDay});
  REQUIRE_MESSAGE(ApplyConfirmed() == ExitStatus::kDone, (out.str() + err.str()));
  const std::string action = Json()["actions"][0]["id"];
  CHECK(!Has("on-ann"));
  const std::string told = Content("messages");
  const std::vector<nlohmann::json> before = LogEntries();

  clock.Advance({kMicrosPerHour});
  Write("on-ann", "");
  ImportMore(Account("ann"));
  REQUIRE(Run({"plan"}) == ExitStatus::kDone);
  CHECK(Prints("! came back: removed on 2026-06-04T08:00:00Z by action " + action));
  CHECK(Prints("due 2026-06-07T09:00:00Z"));
  REQUIRE(Run({"plan", "-o", "csv"}) == ExitStatus::kDone);
  CHECK(Prints(",2026-06-04T08:00:00Z," + action));
  REQUIRE(Run({"plan", "-o", "html"}) == ExitStatus::kDone);
  CHECK(Prints("! came back: removed on 2026-06-04T08:00:00Z by action " + action));
  REQUIRE_MESSAGE(ApplyConfirmed() == ExitStatus::kDone, (out.str() + err.str()));
  CHECK(Has("on-ann"));
  const std::string news = Content("messages").substr(told.size());
  CHECK(std::count(news.begin(), news.end(), '\n') == 2);
  CHECK(news.find("\"kind\":\"came_back\",\"channel\":\"oncall\"") != std::string::npos);
  CHECK(news.find("disable account ann on 2026-06-07T09:00:00Z") != std::string::npos);

  clock.Advance({3 * kMicrosPerDay});
  REQUIRE_MESSAGE(ApplyConfirmed() == ExitStatus::kDone, (out.str() + err.str()));
  CHECK(!Has("on-ann"));
  CHECK(Content("messages") == told + news);  // the alarm is sent once
  nlohmann::json first, second;
  for (const nlohmann::json& entry : before) {
    if (entry.value("to", "") == "ready") first = entry;
  }
  for (const nlohmann::json& entry : LogEntries()) {
    if (entry.value("to", "") == "ready") second = entry;
  }
  CHECK(!first.contains("details"));
  CHECK(second["details"]["came_back_after"] == action);
  CHECK(second["details"]["removed_at"] == "2026-06-04T08:00:00Z");
  CHECK(second["policies"][0]["finding"] != first["policies"][0]["finding"]);
}

TEST_CASE_FIXTURE(CompanyWithAccess, "WhatTheSystemRefusesGoesToAPerson") {
  Write("fault-apply",
        "if [ \"$id\" = bob-vpn ]; then reply '\"outcome\":\"permanent\",\"detail\":\"the group is "
        "read-only\"'; exit 0; fi\n");
  REQUIRE_MESSAGE(ApplyConfirmed() == ExitStatus::kAppliedInPart, (out.str() + err.str()));
  CHECK(Json()["summary"]["verified"] == 2);
  CHECK(Json()["summary"]["escalated"] == 1);
  CHECK(Content("messages").find("\"kind\":\"escalated\"") != std::string::npos);
  CHECK(Content("messages").find("the group is read-only") != std::string::npos);
  CHECK(Has("on-bob-vpn"));
  // Nobody is there to decide: `--auto` tried it again every time that it ran.
  const size_t asked = Asked("apply", "bob-vpn");
  const size_t looked_at = Asked("observe", "bob-vpn");
  clock.Advance({kMicrosPerHour});
  REQUIRE(Run({"apply", "--auto"}) == ExitStatus::kAppliedInPart);
  CHECK(Prints(
      "  X revoke grant bob-vpn on corp: since 2026-06-01T08:00:00Z: the group is read-only"));
  CHECK(Prints("1 needs a person: "));
  REQUIRE(Run({"apply", "--auto", "-o", "json"}) == ExitStatus::kAppliedInPart);
  CHECK(Json()["summary"]["escalated_earlier"] == 1);
  CHECK(Json()["escalated_earlier"][0]["target"] == "bob-vpn");
  CHECK(Asked("apply", "bob-vpn") == asked);
  CHECK(Asked("observe", "bob-vpn") == looked_at);
  REQUIRE(Run({"status"}) == ExitStatus::kDone);
  CHECK(
      Prints("  X revoke grant bob-vpn on corp: escalated since 2026-06-01T08:00:00Z (the group"));
  CHECK(Prints("  1 needs a person: mend what its system said, then make a plan and apply it"));
  REQUIRE(Run({"plan", "-o", "json"}) == ExitStatus::kDone);
  CHECK(Json()["summary"]["escalated"] == 1);
  CHECK(Json()["actions"][0]["escalated"]["since"] == "2026-06-01T08:00:00Z");
  CHECK(Json()["actions"][0]["escalated"]["error"] == "the group is read-only");
  // A later plan tries again.
  REQUIRE(files.Remove(folder / "fault-apply").ok());
  clock.Advance({kMicrosPerHour});
  REQUIRE_MESSAGE(ApplyConfirmed() == ExitStatus::kDone, (out.str() + err.str()));
  CHECK(!Has("on-bob-vpn"));
}

TEST_CASE_FIXTURE(CompanyWithAccess, "WhatASystemSaysIsOneCleanLineEverywhere") {
  Write("fault-observe", "printf 'no\\tsuch \\033[31mrole\\377\\n' >&2; exit 1\n");
  REQUIRE(ApplyConfirmed() == ExitStatus::kAppliedInPart);
  const std::string clean = "no such [31mrole\uFFFD";
  CHECK(Json()["failing_systems"]["corp"].get<std::string>().find(clean) != std::string::npos);
  CHECK(Run({"apply", "--resume", "--wait", "0s"}) == ExitStatus::kAppliedInPart);
  CHECK(Prints(clean));
  REQUIRE(Run({"status"}) == ExitStatus::kDone);
  CHECK(Prints(clean));
  CHECK(!Prints("\\x"));
}

TEST_CASE_FIXTURE(CompanyWithAccess, "NothingIsCarriedOutThatIsNotInThePlan") {
  REQUIRE(Run({"plan", "--policy", "stale_grant", "--out", "p.json", "-o", "json"}) ==
          ExitStatus::kDone);
  const std::string id = Json()["plan_id"];
  clock.Advance({kMicrosPerHour});
  HireKim();
  REQUIRE(Run({"apply", "p.json", "--confirm", id, "-o", "json"}) == ExitStatus::kDone);
  CHECK(Json()["summary"]["verified"] == 3);
  CHECK(Json()["summary"]["not_in_plan"] == 1);
  CHECK(Has("on-kim-vpn"));
}

TEST_CASE_FIXTURE(CompanyFixture, "ApplyTakesOneWay") {
  CHECK(Run({"apply"}) == ExitStatus::kUsage);
  CHECK(Run({"apply", "p.json", "--auto"}) == ExitStatus::kUsage);
  CHECK(Run({"apply", "nothing.json"}) == ExitStatus::kError);
  CHECK(Complains("nothing.json"));
}

// Only `--auto` held then, and its second run did not: the first had taken the clock's word.
TEST_CASE_FIXTURE(CompanyWithAccess, "AClockThatLeapsHoldsEverythingUntilAPersonVouchesForIt") {
  REQUIRE(ApplyConfirmed() == ExitStatus::kDone);
  HireKim();
  REQUIRE(!Has("messages"));
  clock.SetWall(*ParseInstant("2036-06-01T08:00Z"));
  REQUIRE(Run({"plan", "--out", "p.json", "-o", "json"}) == ExitStatus::kDone);
  CHECK(Complains("the last evaluation was at 2026-06-01T08:00:00Z, more than 31d ago"));
  CHECK(Json()["summary"]["ready"] == 0);
  CHECK(Json()["summary"]["held"] == 1);
  CHECK(Json()["actions"][0]["held_because"].get<std::string>().find(
            "rescind release --clock --reason WHY") != std::string::npos);
  const std::string id = Json()["plan_id"];
  const std::vector<std::vector<std::string>> commands = {{"apply", "p.json", "--confirm", id},
                                                          {"apply", "--auto"},
                                                          {"apply", "--auto"},
                                                          {"apply", "--resume"}};
  for (const auto& command : commands) {
    CHECK(Run(command) == ExitStatus::kHeld);
    CHECK(Complains("nothing was done: the clock says 2036-06-01T08:00:00Z"));
  }
  CHECK(Has("on-kim-vpn"));
  // The on-call people heard of it once, and the log says so.
  const std::string news = Content("messages");
  CHECK(std::count(news.begin(), news.end(), '\n') == 1);
  CHECK(news.find("\"kind\":\"clock_leap\",\"channel\":\"oncall\"") != std::string::npos);
  CHECK(LogEntries().back()["outcome"] == "sent to oncall");
  // With the clock right again nothing has happened.
  clock.SetWall(*ParseInstant("2026-06-02T08:00Z"));
  REQUIRE(Run({"plan", "-o", "json"}) == ExitStatus::kDone);
  CHECK(Json()["as_of"] == "2026-06-02T08:00:00Z");
  CHECK(err.str().empty());
  CHECK(Run({"release", "--clock", "--reason", "looked at it"}) == ExitStatus::kError);

  clock.SetWall(*ParseInstant("2026-09-01T08:00Z"));
  CHECK(Run({"release", "--clock", "--reason", ""}) == ExitStatus::kUsage);
  CHECK(Run({"release", "stale_grant", "--clock", "--reason", "x"}) == ExitStatus::kUsage);
  REQUIRE_MESSAGE(Run({"release", "--clock", "--reason", "summer"}) == ExitStatus::kDone,
                  err.str());
  REQUIRE(Run({"audit", "show", "--kind", "released"}) == ExitStatus::kDone);
  CHECK(Prints("(summer)"));
  REQUIRE_MESSAGE(ApplyConfirmed() == ExitStatus::kDone, (out.str() + err.str()));
  CHECK(!Has("on-kim-vpn"));
}

TEST_CASE_FIXTURE(CompanyWithAccess, "TheClockNeverRunsBackwards") {
  REQUIRE(ApplyConfirmed() == ExitStatus::kDone);
  clock.SetWall(*ParseInstant("2026-05-01T00:00Z"));
  REQUIRE(Run({"plan", "-o", "json"}) == ExitStatus::kDone);
  CHECK(Json()["as_of"].get<std::string>().substr(0, 10) == "2026-06-01");
  CHECK(
      Complains("the clock says 2026-05-01T00:00:00Z, but the last evaluation was at 2026-06-01"));
  CHECK(Complains("put a backup in its place"));
  CHECK(Run({"apply", "--auto"}) == ExitStatus::kDone);
  CHECK(Complains("judging at that instant"));
}

}  // namespace
}  // namespace rescind
