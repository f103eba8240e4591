// `status` and `audit show`: what they count and show, and what they say where there is nothing.
#include <algorithm>

#include "tests/unit/runtime/cli/company_fixture.h"

namespace rescind {
namespace {

constexpr std::string_view kProtection = R"(
protect break_glass "Nothing touches break-glass accounts" {
  for a in account
  when a.tags has "break-glass"
}
)";

TEST_CASE_FIXTURE(CompanyFixture, "StatusSaysHowTheWorkspaceStands") {
  ImportCompany();
  REQUIRE(Run({"status"}) == ExitStatus::kDone);
  CHECK(Prints("never applied"));
  CHECK(Prints("directory grant: 4 rows, read 1h ago"));
  CHECK(Prints("directory system: 1 row, read 1h ago"));
  CHECK(Prints("actions\n  none yet\n"));
  REQUIRE(Run({"status", "-o", "json"}) == ExitStatus::kDone);
  CHECK(Json()["format"] == "rescind.status/1");
  CHECK(Json()["feeds"].dump().find("directory") != std::string::npos);
  CHECK(Json()["last_evaluation"].is_null());
}

// It counted what was done long ago as findings that are open.
TEST_CASE_FIXTURE(CompanyFixture, "ResolvedFindingsAreNotOpen") {
  // The match outlives the action: only the account's own status changes.
  Write("policies/access.rescind", std::string(kClosedPolicy) + std::string(kProtection));
  ImportCompany();
  for (const char* id : {"ann", "bob", "eve"}) Write(std::string("on-") + id, "");
  REQUIRE_MESSAGE(ApplyConfirmed() == ExitStatus::kDone, (out.str() + err.str()));
  clock.Advance({kMicrosPerHour});
  // Another account, which stays open: its system does not do as told.
  Write("kim.ndjson", Account("kim"));
  REQUIRE(Run({"import", "kim.ndjson", "--source", "directory"}) == ExitStatus::kDone);
  Write("on-kim", "");
  Write("fault-apply", "reply '\"outcome\":\"permanent\",\"detail\":\"no\"'; exit 0\n");
  CHECK(ApplyConfirmed("q.json") == ExitStatus::kAppliedInPart);
  REQUIRE(Run({"status"}) == ExitStatus::kDone);
  CAPTURE(out.str());
  // kim's, and dan's, who is protected.
  CHECK(Prints("enforce access.closed: 2 open findings, 3 resolved\n"));
  REQUIRE(Run({"status", "-o", "json"}) == ExitStatus::kDone);
  CHECK(Json()["policies"][0]["findings"] == 2);
  CHECK(Json()["policies"][0]["resolved"] == 3);
}

// Right after "revoke grant ann-vpn: verified" it counted that finding as open.
TEST_CASE_FIXTURE(CompanyFixture, "AFindingOfWhichAllIsVerifiedIsNotOpen") {
  ImportCompany();
  GiveAccess();
  REQUIRE_MESSAGE(ApplyConfirmed() == ExitStatus::kDone, (out.str() + err.str()));
  REQUIRE(Run({"status"}) == ExitStatus::kDone);
  CAPTURE(out.str());
  // dan is protected.
  CHECK(Prints("stale_grant: 1 open finding, 3 resolved\n"));
  REQUIRE(Run({"status", "-o", "json"}) == ExitStatus::kDone);
  CHECK(Json()["policies"][0]["findings"] == 1);
  CHECK(Json()["policies"][0]["resolved"] == 3);
  clock.Advance({kMicrosPerHour});
  REQUIRE(ApplyConfirmed("q.json") == ExitStatus::kDone);
  REQUIRE(Run({"status"}) == ExitStatus::kDone);
  CHECK(Prints("stale_grant: 1 open finding\n"));
}

TEST_CASE_FIXTURE(CompanyFixture, "AFindingOfWhichAPartIsHeldIsOpen") {
  std::string workspace = Content("rescind.toml");
  const std::string revoke = ", \"revoke grant\"";
  workspace.erase(workspace.find(revoke), revoke.size());
  Write("rescind.toml", workspace);
  Write("policies/access.rescind",
        "policy closed \"Closed\" {\n  controls cis_8 \"5.3\"\n  mode enforce\n"
        "  for a in account\n  when a.owner is unknown\n"
        "  then { disable a  revoke a.grants }\n}\n");
  ImportCompany();
  for (const char* id : {"ann", "bob", "eve", "dan"}) Write(std::string("on-") + id, "");
  ApplyConfirmed();
  REQUIRE(Asked("apply", "ann") == 1);
  REQUIRE(Run({"status"}) == ExitStatus::kDone);
  CHECK(Prints("access.closed: 4 open findings\n"));
}

// A stage whose notice nobody took waited for ever, and no command but that one apply said so.
TEST_CASE_FIXTURE(CompanyFixture, "ANoticeThatCouldNotBeSentIsSaidUntilItIs") {
  Write("policies/access.rescind", kNoticePolicies);
  ImportCompany();
  Write("channel", "#!/bin/sh\necho 'no route' >&2\nexit 1\n");
  chmod((folder / "channel").c_str(), 0700);
  REQUIRE(ApplyConfirmed() == ExitStatus::kAppliedInPart);
  clock.Advance({kMicrosPerHour});
  REQUIRE(ApplyConfirmed("q.json") == ExitStatus::kAppliedInPart);
  REQUIRE(Run({"status"}) == ExitStatus::kDone);
  CAPTURE(out.str());
  CHECK(Prints("enforce access.warned: 4 open findings, 4 notices not sent\n"));
  CHECK(Prints("notices that could not be sent, as of the last apply\n"));
  CHECK(
      Prints("  X access.warned's notice about grant ann-vpn to team: waits since "
             "2026-06-01T08:00:00Z (channel team: its command ended with status 1: no route)\n"));
  CHECK(Prints("  4 not sent: see [channel.team], "));
  CHECK(Prints("The next apply sends them; what they announce waits until then.\n"));
  REQUIRE(Run({"status", "-o", "json"}) == ExitStatus::kDone);
  CHECK(Json()["unsent_count"] == 4);
  CHECK(Json()["policies"][0]["unsent"] == 4);
  const nlohmann::json first = Json()["unsent"][0];
  CHECK(first["kind"] == "notice");
  CHECK(first["finding"] != "");
  CHECK(first["recipient"] == "team");
  CHECK(first["since"] == "2026-06-01T08:00:00Z");
  CHECK(first["tried_at"] == "2026-06-01T09:00:00Z");
  CHECK(first["remedy"].get<std::string>().starts_with("see [channel.team], "));

  // One that nothing asks for any more does not wait either.
  TellUseOfAnnsVpn("2026-06-01T08:30:00Z");
  REQUIRE(ApplyConfirmed("r.json") == ExitStatus::kAppliedInPart);
  REQUIRE(Run({"status", "-o", "json"}) == ExitStatus::kDone);
  CHECK(Json()["unsent_count"] == 3);
  CHECK(out.str().find("ann-vpn") == std::string::npos);
  WriteWorkspace("");
  REQUIRE_MESSAGE(ApplyConfirmed("s.json") == ExitStatus::kDone, (out.str() + err.str()));
  REQUIRE(Run({"status"}) == ExitStatus::kDone);
  CHECK(!Prints("not sent"));
  CHECK(!Prints("could not be sent"));
}

// They were lost: an alarm by the apply that removed the access again, the others at once.
TEST_CASE_FIXTURE(CompanyWithAccess, "WhatCouldNotBeToldIsToldByTheNextApply") {
  const auto break_channel = [&] { Write("channel", "#!/bin/sh\nexit 1\n"); };
  const auto told = [&](const std::string& kind) {
    return Has("messages") && Content("messages").find("\"" + kind + "\"") != std::string::npos;
  };
  break_channel();
  Write("fault-apply", "reply '\"outcome\":\"permanent\",\"detail\":\"no right\"'; exit 0\n");
  REQUIRE(ApplyConfirmed() == ExitStatus::kAppliedInPart);
  REQUIRE(Run({"status"}) == ExitStatus::kDone);
  CHECK(Prints("X the alarm that grant ann-vpn needs a person to oncall: waits since"));
  REQUIRE(Run({"apply", "--auto"}) == ExitStatus::kAppliedInPart);
  WriteWorkspace("");  // and the channel works
  REQUIRE(Run({"apply", "--auto"}) == ExitStatus::kAppliedInPart);
  CHECK(told("escalated"));
  REQUIRE(Run({"status", "-o", "json"}) == ExitStatus::kDone);
  CHECK(Json()["unsent_count"] == 0);

  // Removed, given back, and removed again while nobody could be told.
  REQUIRE(files.Remove(folder / "fault-apply").ok());
  REQUIRE(ApplyConfirmed() == ExitStatus::kDone);
  clock.Advance({kMicrosPerHour});
  GiveAccess();
  ImportCompany("2026-06-01T08:59Z");
  break_channel();
  (void)ApplyConfirmed();
  CHECK(!Has("on-ann-vpn"));
  WriteWorkspace("");
  REQUIRE(files.Remove(folder / "messages").ok());
  REQUIRE_MESSAGE(Run({"apply", "--auto"}) == ExitStatus::kDone, (out.str() + err.str()));
  CHECK(told("came_back"));
  REQUIRE(files.Remove(folder / "messages").ok());
  REQUIRE(Run({"apply", "--auto"}) == ExitStatus::kDone);
  CHECK(!Has("messages"));  // once
}

// It said that the last change of a store without facts was on 1970-01-01.
TEST_CASE_FIXTURE(CompanyFixture, "AStoreWithoutFactsHasNoLastChange") {
  // It makes the store before it sees that there is no such row.
  CHECK(Run({"exempt", "add", "account:ann", "--policy", "all", "--reason", "x", "--owner", "eve",
             "--until", "+30d"}) == ExitStatus::kError);
  REQUIRE_MESSAGE(Run({"status"}) == ExitStatus::kDone, err.str());
  CHECK(Prints("facts       none yet: `rescind import FILE…` loads them"));
  CHECK(!Prints("1970"));
  REQUIRE(Run({"status", "-o", "json"}) == ExitStatus::kDone);
  CHECK(Json()["last_change"].is_null());
}

// --most and the filters were passed over for events of others' formats, and a kind that does not
// exist showed nothing at all.
TEST_CASE_FIXTURE(CompanyFixture, "TheLogIsShownAsFarAsItWasAskedForInEveryFormat") {
  ImportCompany();
  GiveAccess();
  REQUIRE_MESSAGE(ApplyConfirmed() == ExitStatus::kDone, (out.str() + err.str()));
  const auto lines = [&](std::vector<std::string> options) {
    options.insert(options.begin(), {"audit", "show"});
    REQUIRE_MESSAGE(Run(options) == ExitStatus::kDone, err.str());
    int64_t count = 0;
    std::istringstream text(out.str());
    // What is indented belongs to the entry above it.
    for (std::string line; std::getline(text, line);) count += line.starts_with("        ") ? 0 : 1;
    return count;
  };
  const auto whole = lines({"--most", "0"});
  REQUIRE(whole > 10);
  for (const char* format : {"table", "ndjson", "ocsf", "cloudevents", "syslog"}) {
    CAPTURE(format);
    CHECK(lines({"-o", format, "--most", "3"}) == 3);
    CHECK(lines({"-o", format, "--from", "2", "--most", "4"}) == 4);
    CHECK(lines({"-o", format}) == whole);
    CHECK(lines({"-o", format, "--kind", "run_started"}) == 1);
    CHECK(lines({"-o", format, "--target", "ann-vpn"}) < whole / 2);
  }
  // The documents said nowhere what they are.
  REQUIRE(Run({"audit", "show", "-o", "json", "--from", "2", "--most", "4"}) == ExitStatus::kDone);
  const auto document = nlohmann::json::parse(out.str());
  CHECK(document["format"] == "rescind.audit-entries/1");
  REQUIRE(document["entries"].size() == 4);
  CHECK(document["entries"][3]["index"] == 5);
  REQUIRE(Run({"audit", "show", "-o", "ndjson", "--from", "5", "--most", "1"}) ==
          ExitStatus::kDone);
  const auto line = nlohmann::json::parse(out.str());
  CHECK(line["format"] == "rescind.audit-entry/1");
  CHECK(line["entry"] == document["entries"][3]["entry"]);
  REQUIRE(Run({"audit", "show", "-o", "json", "--target", "account:dan"}) == ExitStatus::kDone);
  CHECK(nlohmann::json::parse(out.str())["entries"].empty());
  CHECK(Run({"audit", "show", "--kind", "nope"}) == ExitStatus::kUsage);
  CHECK(Complains("nope"));
  CHECK(Complains("transition"));
  CHECK(Run({"audit", "show", "--from", "-1"}) == ExitStatus::kUsage);
}

// It showed nothing, as for a policy that has done nothing.
TEST_CASE_FIXTURE(CompanyFixture, "APolicyThatNobodyKnowsHasNoEntries") {
  ImportCompany();
  GiveAccess();
  REQUIRE_MESSAGE(ApplyConfirmed() == ExitStatus::kDone, (out.str() + err.str()));
  for (const char* format : {"table", "json", "syslog"}) {
    CHECK(Run({"audit", "show", "--policy", "nosuch", "-o", format}) == ExitStatus::kError);
    CHECK(out.str().empty());
    CHECK(
        Complains("there is no policy nosuch, and no entry of the log names one of that name\n"
                  "help: give its full name; `rescind status` lists the policies\n"));
  }
  CHECK(Run({"audit", "show", "--policy", "stale_grant"}) == ExitStatus::kDone);
  CHECK(Prints("revoke grant ann-vpn"));
  CHECK(Run({"audit", "show", "--policy", "access.stale_grants"}) == ExitStatus::kError);
  CHECK(Complains("did you mean `access.stale_grant`?"));
  // One that has entries and is gone, and one that is there and has none.
  Write("policies/access.rescind", kClosedPolicy);
  CHECK(Run({"audit", "show", "--policy", "access.closed"}) == ExitStatus::kDone);
  CHECK(out.str().empty());
  for (const char* name : {"access.stale_grant", "stale_grant"}) {
    CHECK(Run({"audit", "show", "--policy", name}) == ExitStatus::kDone);
    CHECK(Prints("revoke grant ann-vpn"));
  }
}

}  // namespace
}  // namespace rescind
