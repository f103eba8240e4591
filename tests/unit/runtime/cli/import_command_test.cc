#include <nlohmann/json.hpp>

#include "engine/base/instant.h"
#include "tests/unit/runtime/cli/program_fixture.h"

namespace rescind {
namespace {

struct FactsProgram : ProgramFixture {
  FactsProgram() {
    clock.SetWall(*ParseInstant("2026-04-01T00:00Z"));
    Write("rescind.toml",
          "[workspace]\ntimezone = \"Europe/Berlin\"\n"
          "[source.hr]\nentity = \"identity\"\nmax_age = \"24h\"\n"
          "[source.directory]\nentity = [\"account\", \"system\"]\n");
    Write("policies/good.rescind", kGoodPolicy);
  }
  ExitStatus Import(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "import");
    return Run(arguments);
  }
};

TEST_CASE_FIXTURE(FactsProgram, "FactsGoInAsCsvAndNdjsonAndComeOutWithTheirSources") {
  Write("hr.csv",
        "Employee,Name,Status,Begin\n"
        "ann,Ann Lee,active,01.02.2026\nbob,Bob,active,\n");
  REQUIRE(Import({"--entity", "identity", "--source", "hr", "--snapshot", "--map", "Employee=id",
                  "--map", "Name=name", "--map", "Status=status", "--map", "Begin=starts_on",
                  "--set", "kind=employee", "--date-format", "%d.%m.%Y", "hr.csv"}) ==
          ExitStatus::kDone);
  CHECK(out.str().empty());
  CHECK(Complains("hr.csv: 2 rows\n"));
  CHECK(Complains("imported a snapshot from hr, observed 2026-04-01T00:00:00Z: 2 new, 0 changed"));
  Write("more.ndjson",
        "{\"entity\":\"system\",\"id\":\"ldap\"}\n"
        "{\"entity\":\"account\",\"id\":\"ldap/ann\",\"system\":\"ldap\",\"owner\":\"ann\","
        "\"username\":\"ann\",\"status\":\"active\",\"privileged\":false,\"tags\":[\"x\"]}\n");
  clock.Advance({kMicrosPerHour});
  REQUIRE(Import({"more.ndjson", "--source", "directory", "--snapshot", "-o", "json"}) ==
          ExitStatus::kDone);
  const auto summary = nlohmann::json::parse(out.str());
  CHECK(summary["format"] == "rescind.import/1");
  CHECK(summary["rows"]["added"] == 2);
  REQUIRE(Run({"facts", "show", "account", "ldap/ann", "-o", "json"}) == ExitStatus::kDone);
  const auto row = nlohmann::json::parse(out.str());
  CHECK(row["presence"] == "live");
  CHECK(row["incarnation"] == 1);
  CHECK(row["sources"] == nlohmann::json({"directory"}));
  REQUIRE(Run({"facts", "show", "identity", "ann"}) == ExitStatus::kDone);
  CHECK(Prints("identity ann  live\nlisted by hr\n"));
  CHECK(Prints("Ann Lee"));
  CHECK(Prints("2026-02-01"));
  CHECK(Run({"facts", "check"}) == ExitStatus::kDone);
  CHECK(Prints("OK: every row is whole"));
}

TEST_CASE_FIXTURE(FactsProgram, "ALaterImportChangesOnlyWhatItGives") {
  Write("identity.csv", "id,name,kind,status\nann,Ann,employee,active\nbob,Bob,employee,active\n");
  REQUIRE(Import({"identity.csv", "--source", "hr", "--snapshot"}) == ExitStatus::kDone);
  clock.Advance({kMicrosPerHour});
  in.str("{\"id\":\"ann\",\"status\":\"on_leave\"}\n{\"id\":\"bob\",\"deleted\":true}\n");
  REQUIRE(Import({"-", "--entity", "identity", "--source", "hr"}) == ExitStatus::kDone);
  CHECK(Complains("0 new, 1 changed, 0 unchanged, 1 removed"));
  REQUIRE(Run({"facts", "show", "identity", "ann"}) == ExitStatus::kDone);
  CHECK(Prints("on_leave"));
  CHECK(Prints("active until 2026-04-01T01:00:00Z"));
  REQUIRE(Run({"facts", "show", "identity", "bob"}) == ExitStatus::kDone);
  CHECK(Prints("identity bob  removed at 2026-04-01T01:00:00Z"));
  CHECK(Run({"facts", "show", "identity", "Bob"}) == ExitStatus::kError);
  CHECK(Run({"facts", "show", "identiy", "bob"}) == ExitStatus::kError);
  CHECK(Complains("did you mean `identity`?"));
}

TEST_CASE_FIXTURE(FactsProgram, "ABadLineMeansNothingIsTakenUnlessItIsSkipped") {
  const std::string text = "id,name,kind,status\nann,Ann,employee,actve\nbob,Bob,employee,active\n";
  Write("identity.csv", text);
  CHECK(Import({"identity.csv", "--source", "hr"}) == ExitStatus::kError);
  CHECK(
      Complains("error: identity.csv:2:18: `status` = \"actve\": it is none of active, on_leave"));
  CHECK(Complains("did you mean `active`?"));
  CHECK(Complains("error: nothing was taken: 1 line cannot be read\nhelp: mend them, or"));
  CHECK(Run({"facts", "show", "identity", "bob"}) == ExitStatus::kError);
  REQUIRE(Import({"identity.csv", "--source", "hr", "--skip-bad"}) == ExitStatus::kDone);
  CHECK(Complains("warning: identity.csv:2:18"));
  CHECK(Complains("1 row, 1 line left out: mend them in "));
  CHECK(Content("identity.csv.rejects").find("ann,Ann,employee,actve") != std::string::npos);
  CHECK(Run({"facts", "show", "identity", "bob"}) == ExitStatus::kDone);
}

TEST_CASE_FIXTURE(FactsProgram, "AHeaderThatCannotBeReadSaysThatNothingWasTaken") {
  Write("identity.csv", "id,name,kind,status\nann,Ann,employee,active\n");
  Write("account.csv", "id,sytem\na,ldap\n");
  CHECK(Import({"identity.csv", "account.csv", "--source", "hr"}) == ExitStatus::kError);
  CHECK(Complains("error: account.csv:1:4: "));
  CHECK(Complains("help: nothing was taken\n"));
  CHECK(Import({"identity.csv", "nowhere.csv", "--entity", "identity"}) == ExitStatus::kError);
  CHECK(Complains("; nothing was taken\n"));
  CHECK(Run({"facts", "show", "identity", "ann"}) == ExitStatus::kError);
}

TEST_CASE_FIXTURE(FactsProgram, "TheCheckFailsOnHolesAndOnFeedsThatStopped") {
  Write("account.csv", "id,system,owner,username,status\na,ldap,ghost,a,active\n");
  REQUIRE(Import({"account.csv", "--source", "hrr"}) == ExitStatus::kDone);
  CHECK(Complains("did you mean \"hr\"?"));
  CHECK(Complains("does not give `privileged`"));
  CHECK(Run({"facts", "check"}) == ExitStatus::kCheckFailed);
  CHECK(Prints("system ldap, named by account a, `system`"));
  CHECK(Prints("identity ghost, named by account a, `owner`"));
  CHECK(
      Prints("account a: `system` names system ldap, which was never listed by a feed; "
             "`privileged` was never given"));
  CHECK(Prints("never delivered"));
  CHECK(Run({"facts", "check", "-o", "json"}) == ExitStatus::kCheckFailed);
  CHECK(nlohmann::json::parse(out.str())["unseen"].size() == 2);
}

TEST_CASE_FIXTURE(FactsProgram, "ASnapshotThatShrinksIsRefusedUnlessAllowed") {
  std::string text = "id,name,kind,status\n";
  for (int i = 0; i < 20; ++i) text += "p" + std::to_string(i) + ",P,employee,active\n";
  Write("identity.csv", text);
  REQUIRE(Import({"identity.csv", "--source", "hr", "--snapshot"}) == ExitStatus::kDone);
  clock.Advance({kMicrosPerHour});
  Write("identity.csv", "id,name,kind,status\np0,P,employee,active\n");
  CHECK(Import({"identity.csv", "--source", "hr", "--snapshot"}) == ExitStatus::kError);
  CHECK(Run({"facts", "show", "identity", "p1"}) == ExitStatus::kDone);
  CHECK(Prints("identity p1  live"));
  CHECK(Import({"identity.csv", "--source", "hr", "--snapshot", "--allow-shrink"}) ==
        ExitStatus::kDone);
  CHECK(Complains("19 removed"));
}

// `: > hr.csv` as the first snapshot made a removal of everybody that accounts name.
TEST_CASE_FIXTURE(FactsProgram, "AFirstSnapshotOfNobodyRemovesNobodyUnlessAllowed") {
  Write("account.csv", "id,system,owner,username,status,privileged\na,ldap,ann,a,active,false\n");
  REQUIRE(Import({"account.csv", "--source", "directory"}) == ExitStatus::kDone);
  clock.Advance({kMicrosPerHour});
  Write("identity.csv", "");
  for (const char* how : {"--snapshot", "--skip-bad"}) {
    CHECK(Import({"identity.csv", "--source", "hr", how}) == ExitStatus::kError);
    CHECK(Complains("error: identity.csv is empty: not even a header"));
    CHECK(Complains("; nothing was taken\n"));
  }
  in.str("");
  CHECK(Import({"-", "--entity", "identity", "--source", "hr"}) == ExitStatus::kError);
  CHECK(Complains("error: standard input is empty"));
  Write("identity.csv", "id,name,kind,status\n");
  CHECK(Import({"identity.csv", "--source", "hr", "--snapshot"}) == ExitStatus::kError);
  CHECK(Complains("this first snapshot of source 'hr' lacks 1 of the 1 identity ids"));
  CHECK(Complains("repeat with --allow-shrink"));
  CHECK(Run({"facts", "check", "-o", "json"}) == ExitStatus::kCheckFailed);
  CHECK(nlohmann::json::parse(out.str())["unseen"].size() == 2);
  CHECK(Import({"identity.csv", "--source", "hr", "--snapshot", "--allow-shrink"}) ==
        ExitStatus::kDone);
}

// `max_shrink` was read and never used: a source that may lose nothing could lose a tenth.
TEST_CASE_FIXTURE(FactsProgram, "ASourceSetsItsOwnShrinkLimit") {
  std::string text = "id,name,kind,status\n";
  for (int i = 0; i < 20; ++i) text += "p" + std::to_string(i) + ",P,employee,active\n";
  Write("rescind.toml", Content("rescind.toml") +
                            "\n[source.strict]\nentity = \"identity\"\nmax_shrink = \"4%\"\n");
  Write("identity.csv", text);
  REQUIRE(Import({"identity.csv", "--source", "strict", "--snapshot"}) == ExitStatus::kDone);
  clock.Advance({kMicrosPerHour});
  Write("identity.csv", text.substr(0, text.rfind("p19")));
  CHECK(Import({"identity.csv", "--source", "strict", "--snapshot"}) == ExitStatus::kError);
  CHECK(Complains("lacks 1 of the 20 identity rows that it had: more than 4%"));
}

TEST_CASE_FIXTURE(FactsProgram, "HistoryIsLoadedInOrder") {
  Write("a.ndjson",
        "{\"entity\":\"identity\",\"id\":\"ann\",\"status\":\"active\",\"kind\":\"guest\"}\n");
  // A date is the start of its day in the workspace's zone.
  REQUIRE(Import({"a.ndjson", "--at", "2026-01-15"}) == ExitStatus::kDone);
  CHECK(Complains("observed 2026-01-14T23:00:00Z"));
  CHECK(Import({"a.ndjson", "--at", "2026-01-01T00:00Z"}) == ExitStatus::kError);
  CHECK(Import({"a.ndjson", "--at", "2026-05-01"}) == ExitStatus::kError);
  CHECK(Complains("lies in the future"));
}

TEST_CASE_FIXTURE(FactsProgram, "OptionsThatAreNotClearSayHowToWriteThem") {
  Write("identity.csv", "id\nann\n");
  CHECK(Import({}) == ExitStatus::kUsage);
  CHECK(Import({"identity.csv", "--map", "id"}) == ExitStatus::kUsage);
  CHECK(Complains("--map id is not clear\nhelp: write COLUMN=FIELD"));
  CHECK(Import({"identity.csv", "--set", "=x"}) == ExitStatus::kUsage);
  CHECK(Import({"identity.csv", "--delimiter", "ab"}) == ExitStatus::kUsage);
  CHECK(Import({"identity.csv", "--observed-at", "soon"}) == ExitStatus::kUsage);
  CHECK(Import({"identity.csv", "--date-format", "DD.MM."}) == ExitStatus::kUsage);
  // It was passed over, and the field read as it is read without.
  CHECK(Import({"identity.csv", "--entity", "identity", "--date-format",
                "contract_ends=%d.%m.%Y"}) == ExitStatus::kError);
  CHECK(
      Complains("identity has no time or date called `contract_ends`\nhelp: did you mean "
                "`contract_end`?"));
  CHECK(Import({"identity.csv", "--format", "xml"}) == ExitStatus::kUsage);
  CHECK(Import({"identity.csv", "--snapshot"}) == ExitStatus::kError);
  CHECK(Complains("--source NAME"));
}

TEST_CASE_FIXTURE(FactsProgram, "PoliciesWithErrorsLeaveItOpenWhatAFactIs") {
  Write("policies/bad.rescind", kBadPolicy);
  Write("identity.csv", "id\nann\n");
  CHECK(Import({"identity.csv"}) == ExitStatus::kError);
  CHECK(Complains("the policies have 1 error,"));
  CHECK(Complains("rescind check"));
}

TEST_CASE_FIXTURE(FactsProgram, "LookingAtFactsMakesNoStore") {
  CHECK(Run({"facts", "check"}) == ExitStatus::kError);
  CHECK_FALSE(files.Exists(folder / "data"));
}

}  // namespace
}  // namespace rescind
