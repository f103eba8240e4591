// `plan`, `show`, `diff`, `why`, `exempt`, what they say of bad input, and `apply` without facts.
// facts.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/runtime/cli/company_fixture.h"
#include "tests/unit/writing_ban.h"

namespace rescind {
namespace {

TEST_CASE_FIXTURE(CompanyFixture, "APlanWritesNothingAndSaysWhetherAnythingIsDue") {
  CHECK(Run({"plan"}) == ExitStatus::kError);
  CHECK(Complains("there are no facts yet"));
  CHECK(!Has("data"));
  ImportCompany();
  CHECK(Run({"plan", "--detailed-exitcode"}) == ExitStatus::kHasChanges);
  CHECK(Prints("ann-vpn"));
  CHECK(Run({"plan", "-o", "csv"}) == ExitStatus::kDone);
  CHECK(Prints("bob-vpn"));
  CHECK(Run({"plan", "-o", "html"}) == ExitStatus::kDone);
  CHECK(Prints("<html"));
  REQUIRE(Run({"plan", "-o", "ndjson"}) == ExitStatus::kDone);
  std::istringstream lines(out.str());
  size_t actions = 0;
  for (std::string line; std::getline(lines, line);) {
    const auto json = nlohmann::json::parse(line);
    actions += json["type"] == "action" ? 1 : 0;
  }
  CHECK(actions == 3);
  REQUIRE(Run({"plan", "-o", "json"}) == ExitStatus::kDone);
  const std::string first = out.str();
  REQUIRE(Run({"plan", "-o", "json"}) == ExitStatus::kDone);
  CHECK(out.str() == first);
  CHECK(Json()["summary"]["protected"] == 1);
}

// It made an empty store and answered that all was verified.
TEST_CASE_FIXTURE(CompanyFixture, "WithoutAStoreThereIsNothingToApplyAndNoneIsMade") {
  ImportCompany();
  MakePlan();
  std::filesystem::remove_all(folder / "data");
  for (const std::vector<std::string>& command :
       {std::vector<std::string>{"apply", "--auto"}, {"apply", "--resume"}, {"apply", "p.json"}}) {
    CAPTURE(command[1]);
    CHECK(Run(command) == ExitStatus::kError);
    CHECK(Complains("there are no facts yet: "));
    CHECK(Complains("`rescind import FILE…` loads them"));
    CHECK(out.str().empty());
    CHECK(!Has("data"));
  }
}

// They opened the store as its owner does, and RocksDB aborted the process (exit status 134).
TEST_CASE_FIXTURE(CompanyFixture, "CommandsThatOnlyReadWorkOnAFullDisk") {
  ImportCompany();
  GiveAccess();
  ApplyConfirmed();
  REQUIRE(Run({"audit", "export", "log"}) == ExitStatus::kDone);
  REQUIRE(Run({"audit", "key"}) == ExitStatus::kDone);
  const std::string key = out.str().substr(0, out.str().find('\n'));
  const WritingBan ban;
  for (const std::vector<std::string>& command :
       {std::vector<std::string>{"status"},
        {"facts", "show", "account", "ann"},
        {"facts", "check"},
        {"plan"},
        {"plan", "--as-of", "2026-06-01T08:00Z"},
        {"why", "grant:ann-vpn"},
        {"exempt", "list"},
        {"audit", "show"},
        {"audit", "verify", folder / "log", "--key", key}}) {
    CAPTURE(command[0]);
    const ExitStatus status = Run(command);
    const bool worked = status == ExitStatus::kDone || status == ExitStatus::kCheckFailed;
    CHECK_MESSAGE(worked, err.str());
    CHECK((!out.str().empty() || command[0] == "exempt"));
  }
  CHECK(Run({"plan", "--out", "p2.json"}) == ExitStatus::kError);
  CHECK(!Has("p2.json"));
}

// It wrapped around to all rows there are.
TEST_CASE_FIXTURE(CompanyFixture, "NoTableHasLessThanNoRows") {
  ImportCompany();
  CHECK(Run({"plan", "--rows", "-1"}) == ExitStatus::kUsage);
  CHECK(Complains("--rows: Value -1 not in range 0 to 1000000000\n"));
  CHECK(Run({"plan", "--rows", "0"}) == ExitStatus::kDone);
  CHECK(Prints("… and 3 more"));
}

// `plan -o html --out x.html` wrote JSON there and did not say so.
TEST_CASE_FIXTURE(CompanyFixture, "APlanFileThatIsNamedAsAPageIsWarnedOf") {
  ImportCompany();
  REQUIRE(Run({"plan", "-o", "html", "--out", "x.HTML"}) == ExitStatus::kDone);
  CHECK(Content("x.HTML").starts_with("{"));
  CHECK(Complains("x.HTML is the plan itself, as JSON"));
  CHECK(Complains("rescind plan -o html >FILE"));
  REQUIRE(Run({"plan", "--out", "x.csv"}) == ExitStatus::kDone);
  CHECK(Complains("rescind plan -o csv >FILE"));
  REQUIRE(Run({"plan", "-o", "html", "--out", "x.json"}) == ExitStatus::kDone);
  CHECK_FALSE(Complains("as JSON"));
}

TEST_CASE_FIXTURE(CompanyFixture, "FeedsAreAsOldAsTheyWereThen") {
  WriteWorkspace("[source.directory]\nentity = \"grant\"\nmax_age = \"24h\"\n");
  ImportCompany();
  clock.Advance(Duration{3 * kMicrosPerDay});
  const std::string before = FormatInstant(Instant{clock.Now().micros - kMicrosPerHour});
  TellUseOfAnnsVpn("2026-05-31T09:00Z");
  const auto stale_grants = [](const nlohmann::json& plan) {
    for (const auto& feed : plan["feeds"]) {
      if (feed["entity"] == "grant") return feed["stale"].get<bool>();
    }
    FAIL("no feed of grants");
    return false;
  };
  const auto plan_as_of = [&](const std::string& instant) {
    REQUIRE_MESSAGE(Run({"plan", "--as-of", instant, "-o", "json"}) == ExitStatus::kDone,
                    err.str());
    return Json();
  };
  // Just after the first delivery, shortly before the second, now.
  CHECK_FALSE(stale_grants(plan_as_of("2026-06-01T08:00Z")));
  const auto then = plan_as_of(before);
  CHECK(stale_grants(then));
  CHECK(then["summary"]["held"] == then["summary"]["actions"]);
  CHECK(then["summary"]["actions"] > 0);
  CHECK_FALSE(stale_grants(plan_as_of(FormatInstant(clock.Now()))));
}

TEST_CASE_FIXTURE(CompanyFixture, "PlansOfOtherInstantsAreForReading") {
  ImportCompany();
  for (const std::vector<std::string>& option :
       {std::vector<std::string>{"--now", "2026-07-01"}, {"--as-of", "2026-06-01T08:00Z"}}) {
    CAPTURE(option.front());
    REQUIRE_MESSAGE(
        Run({"plan", option[0], option[1], "--out", "p.json", "-o", "json"}) == ExitStatus::kDone,
        err.str());
    CHECK(Json()["applicable"] == false);
    const std::string id = Json()["plan_id"];
    CHECK(Run({"apply", "p.json", "--confirm", id}) == ExitStatus::kError);
    CHECK(Complains("this plan is only for reading"));
  }
  CHECK(Run({"plan", "--now", "yesterday"}) == ExitStatus::kUsage);
  CHECK(Complains("--now: yesterday is no instant: write 2026-04-01"));
  // An instant of the past is not written as a length from now.
  for (const char* wrong : {"yesterday", "+30d"}) {
    CHECK(Run({"plan", "--as-of", wrong}) == ExitStatus::kUsage);
    CHECK(Complains(std::string("--as-of: ") + wrong +
                    " is no instant of the past: write 2026-04-01 or 2026-04-01T09:00Z\n"));
  }
  CHECK(Run({"plan", "--policy", "stale_grants"}) == ExitStatus::kError);
  CHECK(Complains("did you mean"));
  for (const char* nobody : {"nobody", "identity:nobody", "account:ann", "identity:"}) {
    CHECK(Run({"plan", "--person", nobody}) == ExitStatus::kError);
    CHECK(Complains("no identity is called"));
  }
  // Of one who is only named, or gone, there was an empty plan and no word.
  ImportMore("{\"entity\":\"account\",\"id\":\"ann\",\"owner\":\"ghost\"}\n");
  REQUIRE(Run({"plan", "--person", "ghost"}) == ExitStatus::kDone);
  CHECK(Complains("--person: ghost was never listed by a feed as an identity"));
  ImportMore("{\"entity\":\"identity\",\"id\":\"ghost\",\"deleted\":true}\n");
  REQUIRE(Run({"plan", "--person", "ghost"}) == ExitStatus::kDone);
  CHECK(Complains("--person: ghost is removed"));
  // As `why` takes it.
  ImportMore(
      "{\"entity\":\"identity\",\"id\":\"ann\",\"kind\":\"employee\",\"status\":\"active\"}\n");
  REQUIRE(Run({"plan", "--person", "ann", "-o", "json"}) == ExitStatus::kDone);
  const std::string of_ann = out.str();
  REQUIRE(Run({"plan", "--person", "identity:ann", "-o", "json"}) == ExitStatus::kDone);
  CHECK(out.str() == of_ann);
  CHECK_FALSE(Complains("--person"));
}

TEST_CASE_FIXTURE(CompanyFixture, "PlansAreComparedWithEachOther") {
  ImportCompany();
  MakePlan("old.json");
  clock.Advance({kMicrosPerHour});
  Write("more.ndjson", "{\"entity\":\"grant\",\"id\":\"ann-vpn\",\"deleted\":true}\n" +
                           Account("kim") + Grant("kim-vpn", "kim"));
  REQUIRE(Run({"import", "more.ndjson", "--source", "directory"}) == ExitStatus::kDone);
  MakePlan("new.json");
  REQUIRE(Run({"diff", "old.json", "new.json"}) == ExitStatus::kDone);
  CHECK(Prints("kim-vpn"));
  CHECK(Prints("ann-vpn"));
  // Only a comparison with other policies makes a plan one for reading.
  REQUIRE(Run({"plan", "--against", "old.json", "--out", "compared.json", "-o", "json"}) ==
          ExitStatus::kDone);
  CHECK(Json()["applicable"] == true);
  CHECK(Json()["delta"]["new"] == 1);
  CHECK(Json()["delta"]["resolved"][0]["target"] == "ann-vpn");
  const std::string compared_id = Json()["plan_id"];
  GiveAccess();
  CHECK(Run({"apply", "compared.json", "--confirm", compared_id}) == ExitStatus::kDone);
  CHECK(Run({"show", "new.json"}) == ExitStatus::kDone);
  CHECK(Prints("kim-vpn"));
}

TEST_CASE_FIXTURE(CompanyFixture, "PlanFilesThatAreNoneAreSaidPlainly") {
  ImportCompany();
  MakePlan();
  const std::string good = Content("p.json");
  const auto complains = [&](const std::string& bytes, const std::string& what) {
    Write("bad.json", bytes);
    CHECK(Run({"show", "bad.json"}) == ExitStatus::kError);
    CAPTURE(err.str());
    CHECK(Complains("bad.json"));
    CHECK(Complains(what));
    CHECK(Run({"apply", "bad.json", "--confirm", "x"}) == ExitStatus::kError);
  };
  complains(good.substr(0, good.size() / 2), "JSON");
  complains(std::string("\x00\xff\x7f ELF", 7), "JSON");
  complains("", "empty");
  std::string newer = good;
  newer.replace(newer.find("rescind.plan/1"), 14, "rescind.plan/9");
  complains(newer, "rescind.plan/9");
  std::string edited = good;
  edited.replace(edited.find("eve-vpn"), 7, "dan-vpn");
  complains(edited, "changed after it was made");
}

TEST_CASE_FIXTURE(CompanyFixture, "WhyShowsClausesFactsAndWhatFollows") {
  ImportCompany();
  REQUIRE_MESSAGE(Run({"why", "ann-vpn"}) == ExitStatus::kDone, err.str());
  CAPTURE(out.str());
  CHECK(Prints("stale_grant matches"));
  CHECK(Prints("policies/access.rescind:"));
  CHECK(Prints("seen older than 90d: true, decides"));
  CHECK(Prints("2026-01-01T00:00:00Z"));
  CHECK(Prints("(directory, observed"));
  CHECK(Prints("revoke grant ann-vpn at"));
  REQUIRE(Run({"why", "grant:dan-vpn", "-o", "json"}) == ExitStatus::kDone);
  CHECK(Json()["format"] == "rescind.why/1");
  CHECK(out.str().find("protected") != std::string::npos);
  CHECK(Run({"why", "nothing"}) == ExitStatus::kError);
  CHECK(Complains("no row is called nothing"));
}

// A policy's title went to the terminal as it was written, escape sequences and all.
TEST_CASE_FIXTURE(CompanyFixture, "WhyShowsATitleWithoutWhatATerminalObeys") {
  std::string policies(kCompanyPolicies);
  const std::string title = "Unused access goes";
  policies.replace(policies.find(title), title.size(), "Unused \\u{1B}[2J\\u{202E}access");
  const std::string protect = "Nothing touches break-glass accounts";
  policies.replace(policies.find(protect), protect.size(), "Nothing \\u{200B}touches");
  Write("policies/access.rescind", policies);
  ImportCompany();
  REQUIRE_MESSAGE(Run({"why", "ann-vpn"}) == ExitStatus::kDone, err.str());
  CAPTURE(out.str());
  CHECK(Prints("stale_grant matches: Unused \\x1B[2J\\u202Eaccess"));
  REQUIRE(Run({"why", "grant:dan-vpn"}) == ExitStatus::kDone);
  CHECK(Prints("Nothing \\u200Btouches"));
}

TEST_CASE_FIXTURE(CompanyFixture, "WhyNotSaysWhenItBecomesTrue") {
  Write("company.ndjson", Company() +
                              "{\"entity\":\"grant\",\"id\":\"ann-vpn\",\"last_used\":"
                              "\"2026-05-31T00:00:00Z\"}\n");
  REQUIRE(Run({"import", "company.ndjson", "--source", "directory"}) == ExitStatus::kDone);
  REQUIRE_MESSAGE(Run({"why-not", "ann-vpn", "--policy", "stale_grant"}) == ExitStatus::kDone,
                  err.str());
  CAPTURE(out.str());
  CHECK(Prints("stale_grant does not match"));
  CHECK(Prints("becomes true at 2026-08-29T00:00:00Z"));
  CHECK(Run({"why", "ann-vpn"}) == ExitStatus::kDone);
  CHECK(Prints("rescind why-not grant:ann-vpn"));
}

// It printed what holds another group as if it held this row.
TEST_CASE_FIXTURE(CompanyFixture, "WhyNotShowsOnlyWhatHoldsThatRow") {
  std::string policies(kCompanyPolicies);
  policies.replace(policies.find("mode enforce"), 12,
                   "mode enforce\n  limit 1 of grant per g.account.username");
  Write("policies/access.rescind", policies);
  Write("more.ndjson", Company() + Grant("ann-vpn-2", "ann"));
  REQUIRE(Run({"import", "more.ndjson", "--source", "directory"}) == ExitStatus::kDone);
  REQUIRE(Run({"plan"}) == ExitStatus::kDone);
  REQUIRE(Prints("! held: over the limit of 1 of grant per group, ann: 2 of at most 1"));
  REQUIRE_MESSAGE(Run({"why-not", "ann-vpn"}) == ExitStatus::kDone, err.str());
  CHECK(Prints("! revoke grant ann-vpn at"));
  CHECK(Prints("held (over the limit of 1 of grant per group, ann"));
  for (const char* command : {"why", "why-not"}) {
    REQUIRE(Run({command, "bob-vpn"}) == ExitStatus::kDone);
    CAPTURE(out.str());
    CHECK(!Prints("held"));
  }
  CHECK(Prints("every policy that bears on this row matches and is carried out"));
  REQUIRE(Run({"why-not", "bob-vpn", "-o", "json"}) == ExitStatus::kDone);
  CHECK(Json()["rules"][0]["follows"]["held_because"] == "");
  REQUIRE(Run({"why-not", "ann-vpn", "-o", "json"}) == ExitStatus::kDone);
  CHECK(Json()["rules"][0]["follows"]["held_because"] != "");
}

// The plan said of it that no feed had delivered a row yet, and why-not never named the zone.
TEST_CASE_FIXTURE(CompanyFixture, "AZoneThatNobodyKnowsIsNamedWhereItKeepsARowFromBeingDecided") {
  Write("policies/access.rescind",
        "policy ended \"Ended\" {\n  controls cis_8 \"5.3\"\n  for i in identity\n"
        "  timezone i.timezone ?? \"UTC\"\n"
        "  when i.contract_end is known and i.contract_end has passed\n  then { disable i }\n}\n");
  Write("zones.ndjson",
        "{\"entity\":\"identity\",\"id\":\"eli\",\"kind\":\"contractor\",\"status\":\"active\","
        "\"contract_end\":\"2026-01-01\",\"timezone\":\"Mars/X\"}\n");
  REQUIRE_MESSAGE(Run({"import", "zones.ndjson", "--source", "hr"}) == ExitStatus::kDone,
                  err.str());
  REQUIRE(Run({"plan", "-o", "json"}) == ExitStatus::kDone);
  const auto left = Json()["not_acted_on"];
  REQUIRE(left.size() == 1);
  CHECK(left[0]["reason"] == "insufficient_data");
  CHECK(left[0]["detail"] == "the time zone `Mars/X` is not known");
  REQUIRE(Run({"why-not", "identity:eli"}) == ExitStatus::kDone);
  CHECK(Prints("i.timezone = Mars/X  (hr, observed"));
  // It said "undecided", and no more.
  CHECK(Prints("  the time zone `Mars/X` is not known\n"));
}

// A policy whose only match could not be evaluated said "Nothing to remove" and no more.
TEST_CASE_FIXTURE(CompanyFixture, "APolicyWithRowsThatCannotBeEvaluatedIsDegraded") {
  Write("policies/access.rescind",
        "extend grant { level : int? }\n"
        "policy high \"High\" {\n  controls cis_8 \"5.3\"\n  mode enforce\n  for g in grant\n"
        "  when (g.level ?? 0) * 9223372036854775807 > 5\n  then { revoke g }\n}\n");
  ImportCompany();
  REQUIRE(Run({"plan"}) == ExitStatus::kDone);
  CHECK(!Prints("degraded"));
  Write("more.ndjson", "{\"entity\":\"grant\",\"id\":\"bob-vpn\",\"level\":2}\n");
  REQUIRE_MESSAGE(Run({"import", "more.ndjson", "--source", "directory"}) == ExitStatus::kDone,
                  err.str());
  REQUIRE(Run({"plan"}) == ExitStatus::kDone);
  CHECK(Prints("! degraded: 1 row could not be evaluated, and nothing is done about it"));
  CHECK(Prints("Nothing to remove"));
  REQUIRE(Run({"plan", "-o", "html"}) == ExitStatus::kDone);
  CHECK(Prints("! degraded: 1 row could not be evaluated"));
  REQUIRE(Run({"plan", "-o", "json"}) == ExitStatus::kDone);
  CHECK(Json()["policies"][0]["degraded"] == true);
  CHECK(Json()["not_acted_on"][0]["reason"] == "evaluation_error");
  CHECK(Run({"apply", "--auto"}) == ExitStatus::kDone);
  CHECK(Complains("access.high is degraded: 1 row could not be evaluated"));
}

TEST_CASE_FIXTURE(CompanyFixture, "BusinessDaysPassOverTheHolidaysOfTheWorkspace") {
  Write("policies/access.rescind",
        "policy ended \"Ended\" {\n  controls cis_8 \"5.3\"\n  for i in identity\n"
        "  when i.contract_end is known and i.contract_end + 4 business days has passed\n"
        "  then { disable i }\n}\n");
  Write("people.ndjson",
        "{\"entity\":\"identity\",\"id\":\"eli\",\"kind\":\"contractor\",\"status\":\"active\","
        "\"contract_end\":\"2026-05-25\"}\n");
  REQUIRE_MESSAGE(Run({"import", "people.ndjson", "--source", "hr"}) == ExitStatus::kDone,
                  err.str());
  REQUIRE(Run({"plan", "-o", "json"}) == ExitStatus::kDone);
  CHECK(Json()["as_of"] == "2026-06-01T08:00:00Z");
  CHECK(Json()["policies"][0]["matches"] == 1);
  std::string workspace = Content("rescind.toml");
  workspace.insert(workspace.find("[workspace]\n") + 12,
                   "holidays = [\"2026-05-28\", \"2026-05-29\"]\n");
  Write("rescind.toml", workspace);
  REQUIRE_MESSAGE(Run({"plan", "-o", "json"}) == ExitStatus::kDone, err.str());
  CHECK(Json()["policies"][0]["matches"] == 0);
}

TEST_CASE_FIXTURE(CompanyFixture, "AnIdThatSeveralRowsHaveIsAskedBack") {
  ImportCompany();
  Write("more.ndjson",
        "{\"entity\":\"identity\",\"id\":\"ann\",\"kind\":\"employee\",\"status\":\"active\"}\n");
  REQUIRE(Run({"import", "more.ndjson", "--source", "hr"}) == ExitStatus::kDone);
  CHECK(Run({"why", "ann"}) == ExitStatus::kError);
  CHECK(Complains("identity:ann"));
  CHECK(Complains("account:ann"));
  CHECK(Run({"why", "account:ann"}) == ExitStatus::kDone);
}

TEST_CASE_FIXTURE(CompanyFixture, "ExemptionsAreAddedListedEndedAndLogged") {
  ImportCompany();
  CHECK(Run({"exempt", "add", "account:ann", "--policy", "all", "--reason", "", "--owner", "eve",
             "--until", "+30d"}) == ExitStatus::kUsage);
  CHECK(Run({"exempt", "add", "account:ann", "--policy", "all", "--reason", "x", "--owner", "eve",
             "--until", "2020-01-01"}) == ExitStatus::kError);
  CHECK(Run({"exempt", "add", "account:amm", "--policy", "all", "--reason", "x", "--owner", "eve",
             "--until", "+30d"}) == ExitStatus::kError);
  REQUIRE_MESSAGE(Run({"exempt", "add", "account:ann", "--policy", "all", "--reason", "on leave",
                       "--owner", "eve", "--until", "+30d", "-o", "json"}) == ExitStatus::kDone,
                  err.str());
  const std::string id = Json()["id"];
  REQUIRE(Run({"plan", "-o", "json"}) == ExitStatus::kDone);
  CHECK(Json()["summary"]["exempt"] == 1);
  REQUIRE(Run({"exempt", "list"}) == ExitStatus::kDone);
  CHECK(Prints(id));
  CHECK(Prints("on leave"));
  clock.Advance({kMicrosPerHour});
  REQUIRE(Run({"exempt", "end", id, "--reason", "back"}) == ExitStatus::kDone);
  CHECK(Run({"exempt", "end", id, "--reason", "back"}) == ExitStatus::kError);
  REQUIRE(Run({"exempt", "list", "-o", "json"}) == ExitStatus::kDone);
  CHECK(Json()["exemptions"].empty());
  REQUIRE(Run({"exempt", "list", "--all", "-o", "json"}) == ExitStatus::kDone);
  CHECK(Json()["exemptions"].size() == 1);
  REQUIRE(Run({"plan", "-o", "json"}) == ExitStatus::kDone);
  CHECK(Json()["summary"]["exempt"] == 0);
  REQUIRE(Run({"audit", "show"}) == ExitStatus::kDone);
  CHECK(Prints("exemption_added"));
  CHECK(Prints("exemption_ended"));
}

TEST_CASE_FIXTURE(CompanyFixture, "TheLogIsProvenEntryByEntryAndItsKeyRotated") {
  ImportCompany();
  REQUIRE(Run({"exempt", "add", "account:ann", "--policy", "all", "--reason", "x", "--owner", "eve",
               "--until", "+30d"}) == ExitStatus::kDone);
  REQUIRE(Run({"audit", "key"}) == ExitStatus::kDone);
  Write("key.pub", out.str());
  REQUIRE(Run({"audit", "prove", "1", "--out", "one.tlog-proof"}) == ExitStatus::kDone);
  CHECK(Run({"audit", "verify", folder / "one.tlog-proof", "--key", folder / "key.pub"}) ==
        ExitStatus::kDone);
  CHECK(Run({"audit", "prove", "99"}) == ExitStatus::kError);
  CHECK(Run({"audit", "prove", "-1"}) == ExitStatus::kUsage);
  CHECK(Complains("-1 is no entry of the log"));
  REQUIRE_MESSAGE(Run({"audit", "key", "rotate"}) == ExitStatus::kDone, err.str());
  CHECK(out.str() != Content("key.pub"));
  REQUIRE(Run({"audit", "export", "evidence"}) == ExitStatus::kDone);
  // The old key leads to the new one.
  CHECK(Run({"audit", "verify", folder / "evidence", "--key", folder / "key.pub"}) ==
        ExitStatus::kDone);
  CHECK(Prints("handed to"));
  CHECK(Run({"audit", "show", "-o", "syslog"}) == ExitStatus::kDone);
  CHECK(Prints("exemption_added"));
}

TEST_CASE_FIXTURE(CompanyFixture, "PoliciesWithErrorsStopEverythingWithTheFirstOne") {
  ImportCompany();
  Write("policies/bad.rescind", kBadPolicy);
  CHECK(Run({"plan"}) == ExitStatus::kError);
  CAPTURE(err.str());
  CHECK(Complains("policies/bad.rescind:4:3"));
  CHECK(Complains("rescind check"));
}

// "cannot create nodir/.x.d07eceedf214.new", a name that nobody had given.
TEST_CASE_FIXTURE(CompanyFixture, "AnOutputThatCannotBeWrittenIsCalledAsItWasGiven") {
  ImportCompany();
  for (const char* option : {"--out", "--csv"}) {
    CHECK(Run({"plan", option, "nodir/x"}) == ExitStatus::kError);
    CHECK(Complains("error: cannot create " + (folder / "nodir/x") +
                    ": No such file or directory\n"));
    CHECK(!Complains(".new"));
  }
}

// A device was read until it had given 2 GiB.
TEST_CASE_FIXTURE(CompanyFixture, "WhatDoesNotBeginLikeAPlanIsNotReadToItsEnd") {
  const int zero = open("/dev/zero", O_RDONLY | O_CLOEXEC);
  REQUIRE(zero >= 0);
  const std::string name = "/dev/fd/" + std::to_string(zero);
  CHECK(Run({"show", name}) == ExitStatus::kError);
  CHECK(Complains("error: " + name + ": "));
  close(zero);
}

// `show` of a FIFO waited for ever, as did every command in a workspace whose rescind.toml was one.
TEST_CASE_FIXTURE(CompanyFixture, "AFifoIsNoPlanAndNoWorkspaceFile") {
  ImportCompany();
  REQUIRE(Run({"plan", "--out", "p.json"}) == ExitStatus::kDone);
  const std::string plan = Content("p.json");
  const auto fifo = [&](const std::string& path) {
    std::filesystem::remove(path);
    REQUIRE(mkfifo(path.c_str(), 0600) == 0);
  };
  fifo(folder / "p.json");
  CHECK(Run({"show", "p.json"}) == ExitStatus::kError);
  CHECK(Complains("p.json: it is a FIFO, no regular file"));
  CHECK(Complains("put a regular file there, or name another"));
  // What a shell hands over with <(…) is taken.
  int ends[2] = {};
  REQUIRE(pipe2(ends, O_CLOEXEC) == 0);
  REQUIRE(plan.size() < 60'000);  // fits into a pipe
  REQUIRE(write(ends[1], plan.data(), plan.size()) == static_cast<ssize_t>(plan.size()));
  close(ends[1]);
  CHECK(Run({"show", "/dev/fd/" + std::to_string(ends[0])}) == ExitStatus::kDone);
  close(ends[0]);
  fifo(folder / "rescind.toml");
  CHECK(Run({"plan"}) == ExitStatus::kError);
  CHECK(Complains("rescind.toml: it is a FIFO, no regular file"));
}

}  // namespace
}  // namespace rescind
