// `audit show`, `export` and `prove`: who may read the log, and what they are told.
#include <fmt/format.h>

#include "runtime/audit/leaf.h"
#include "tests/unit/runtime/cli/company_fixture.h"

namespace rescind {
namespace {

// Something was done, and the private key is kept elsewhere.
struct ReaderOfTheLog : CompanyWithAccess {
  ReaderOfTheLog() {
    REQUIRE_MESSAGE(ApplyConfirmed() == ExitStatus::kDone, (out.str() + err.str()));
    REQUIRE(Run({"audit", "key"}) == ExitStatus::kDone);
    key = out.str().substr(0, out.str().find('\n'));
    TakeKeyAway();
  }
  void TakeKeyAway() { std::filesystem::rename(folder / "secrets", folder / "elsewhere"); }
  void PutKeyBack() { std::filesystem::rename(folder / "elsewhere", folder / "secrets"); }
  ExitStatus Verify(const std::string& what) {
    return Run({"audit", "verify", folder / what, "--key", key});
  }

  std::string key;
};

// Each of them asked for the private key, which a reader must not have.
TEST_CASE_FIXTURE(ReaderOfTheLog, "TheLogIsReadWithoutThePrivateKey") {
  CHECK(LogEntries().size() > 3);
  REQUIRE_MESSAGE(Run({"audit", "export", "evidence"}) == ExitStatus::kDone, err.str());
  CHECK(!Complains("warning"));
  REQUIRE_MESSAGE(Run({"audit", "prove", "1", "--out", "one.tlog-proof"}) == ExitStatus::kDone,
                  err.str());
  REQUIRE(Run({"audit", "key"}) == ExitStatus::kDone);
  CHECK(out.str() == key + "\n");
  CHECK(Verify("evidence") == ExitStatus::kDone);
  CHECK(Verify("one.tlog-proof") == ExitStatus::kDone);
  CHECK(!Has("secrets"));
  // What must sign needs it, and says so before it does anything.
  HireKim();
  const std::string id = MakePlan();
  CHECK(Run({"apply", "p.json", "--confirm", id}) == ExitStatus::kError);
  CHECK(Complains("the audit key "));
  CHECK(Complains("is missing"));
  CHECK(Has("on-kim-vpn"));
}

TEST_CASE_FIXTURE(ReaderOfTheLog, "WhatIsNotSignedYetIsLeftOutAndSaid") {
  PutKeyBack();
  // A rotation is logged, and signed with the next checkpoint.
  REQUIRE(Run({"audit", "key", "rotate"}) == ExitStatus::kDone);
  const std::string next_key = out.str().substr(0, out.str().find('\n'));
  TakeKeyAway();
  const size_t count = LogEntries().size();
  REQUIRE(Run({"audit", "export", "evidence"}) == ExitStatus::kDone);
  CHECK(Complains("the last entry of the log is in no signed checkpoint yet and left out"));
  CHECK(Complains("exported " + std::to_string(count - 1) + " entries"));
  CHECK(Verify("evidence") == ExitStatus::kDone);
  CHECK(Run({"audit", "prove", std::to_string(count - 1)}) == ExitStatus::kError);
  CHECK(Complains("is in no signed checkpoint yet"));
  REQUIRE(Run({"audit", "key"}) == ExitStatus::kDone);
  CHECK(out.str() == next_key + "\n");
  // Where the key is, all of it is signed.
  PutKeyBack();
  REQUIRE(Run({"audit", "export", "whole"}) == ExitStatus::kDone);
  CHECK(Complains("exported " + std::to_string(count) + " entries"));
  CHECK(Verify("whole") == ExitStatus::kDone);
}

TEST_CASE_FIXTURE(CompanyFixture, "AStoreWithoutALogSaysThatItHasNoKey") {
  ImportCompany();
  REQUIRE(files.Remove(folder / "secrets/audit-key").ok());
  CHECK(Run({"audit", "key"}) == ExitStatus::kError);
  CHECK(Complains("is missing, and the store "));
  CHECK(Complains("holds no public key: nothing was logged yet"));
  CHECK(Run({"audit", "export", "evidence"}) == ExitStatus::kError);
  CHECK(Complains("the audit log is empty, and no checkpoint of it was ever signed"));
  CHECK(Run({"audit", "show"}) == ExitStatus::kDone);
}

// Both showed nothing, as for a row and a system to which nothing was done.
TEST_CASE_FIXTURE(ReaderOfTheLog, "ARowOrASystemThatNobodyKnowsHasNoEntries") {
  CHECK(Run({"audit", "show", "--target", "ann-vpm"}) == ExitStatus::kError);
  CHECK(Complains("error: no row is called ann-vpm, and no entry of the log is about one\n"));
  CHECK(Run({"audit", "show", "--target", "account:ann-vpn"}) == ExitStatus::kError);
  CHECK(Complains("no row is called account:ann-vpn"));
  CHECK(Run({"audit", "show", "--system", "crop"}) == ExitStatus::kError);
  CHECK(Complains("error: there is no system crop, and no entry of the log is about one\n"));
  CHECK(Complains("did you mean `corp`?"));
  REQUIRE(Run({"audit", "show", "--target", "ann-vpn", "--system", "corp"}) == ExitStatus::kDone);
  CHECK(Prints("revoke grant ann-vpn on corp"));
  CHECK(err.str().empty());
  REQUIRE(Run({"audit", "show", "--target", "grant:ann-vpn"}) == ExitStatus::kDone);
  CHECK(Prints("revoke grant ann-vpn on corp"));
  // Known, and nothing was done to it.
  REQUIRE(Run({"audit", "show", "--target", "account:dan"}) == ExitStatus::kDone);
  CHECK(err.str().find("no entry of the log fits: it has ") == 0);
}

struct OwnedAccess : CompanyWithAccess {
  OwnedAccess() {
    ImportMore(
        "{\"entity\":\"identity\",\"id\":\"e-17\",\"kind\":\"employee\",\"name\":\"Ann Example\","
        "\"status\":\"active\"}\n{\"entity\":\"account\",\"id\":\"ann\",\"owner\":\"e-17\","
        "\"username\":\"ann.example\"}\n");
    Write("policies/access.rescind", std::string(kCompanyPolicies) + std::string(kClosedPolicy));
    REQUIRE_MESSAGE(ApplyConfirmed() == ExitStatus::kDone, (out.str() + err.str()));
  }
};

// An entry named the grant's id and nobody's access to nothing.
TEST_CASE_FIXTURE(OwnedAccess, "EveryStepOfAnActionNamesTheAccessAndThePersonWhoHadIt") {
  size_t step_count = 0;
  for (const nlohmann::json& entry : LogEntries()) {
    if (entry["kind"] != "transition" || entry["action"]["target"] != "ann-vpn") continue;
    ++step_count;
    CHECK(entry["action"]["account"] == "ann");
    CHECK(entry["action"]["owner"] == "e-17");
    CHECK(entry["action"]["entitlement"] == "vpn");
    CHECK(entry["action"]["entitlement_name"] == "vpn");
    CHECK(entry["action"]["system"] == "corp");
    // Names of people are committed to, never written.
    CHECK(entry.dump().find("ann.example") == std::string::npos);
    CHECK(entry.dump().find("Ann Example") == std::string::npos);
  }
  CHECK(step_count == 5);
  REQUIRE(Run({"audit", "show", "--target", "bob", "-o", "ndjson"}) == ExitStatus::kDone);
  CHECK(Prints("\"target\":\"bob\""));
  CHECK(!Prints("\"owner\""));  // nobody's
}

// `audit show` named neither the policy nor who applied it; one had to ask for all of the entry.
TEST_CASE_FIXTURE(OwnedAccess, "AnEntryIsShownWithTheAccessThePolicyAndTheTrigger") {
  REQUIRE(Run({"audit", "show", "--target", "ann-vpn"}) == ExitStatus::kDone);
  CHECK(Prints("  revoke grant ann-vpn on corp: applied → verified"));
  CHECK(Prints(
      "\n        vpn of account ann, owner e-17 · policy access.stale_grant · apply sha256:"));
  CHECK(Prints("… by uid "));
  REQUIRE(Run({"audit", "show", "--kind", "run_started"}) == ExitStatus::kDone);
  CHECK(Prints("\n        policy access.closed and 1 more · apply sha256:"));
  // Hashes are cut so that a line is one.
  for (size_t at = 0; (at = out.str().find("sha256:", at)) != std::string::npos; ++at) {
    CHECK(out.str().substr(at + 19, 3) == "…");
  }
  REQUIRE(Run({"audit", "show", "--person", "e-17"}) == ExitStatus::kDone);
  CHECK(Prints("revoke grant ann-vpn"));
  CHECK(!Prints("bob"));
  CHECK(Run({"audit", "show", "--person", "e-18"}) == ExitStatus::kError);
  CHECK(
      Complains("error: there is no person e-18, and no entry of the log is about access of one"));
  CHECK(Complains("did you mean `e-17`?"));
}

// "no entry fits" was the answer for the row that an exemption was of, and for whose it was.
TEST_CASE_FIXTURE(OwnedAccess, "AnExemptionIsFoundByItsRowAndByThePersonWhoseAccessItKeeps") {
  const auto add = [&](const char* row) {
    REQUIRE(Run({"exempt", "add", row, "--policy", "stale_grant", "--reason", "audit season",
                 "--owner", "Eve Answers", "--until", "+30d"}) == ExitStatus::kDone);
    const std::string id = out.str().substr(0, out.str().find('\n'));
    REQUIRE(Run({"exempt", "end", id, "--reason", "over"}) == ExitStatus::kDone);
  };
  for (const char* row : {"grant:ann-vpn", "account:ann", "identity:e-17"}) add(row);
  const auto count = [&](const char* kind, const char* option, const char* name) {
    const std::string text = fmt::format("{} {} {}", kind, option, name);
    CAPTURE(text);
    REQUIRE(Run({"audit", "show", "--kind", kind, option, name, "-o", "json"}) ==
            ExitStatus::kDone);
    return nlohmann::json::parse(out.str())["entries"].size();
  };
  for (const char* kind : {"exemption_added", "exemption_ended"}) {
    for (const char* name : {"ann-vpn", "grant:ann-vpn", "ann", "account:ann", "identity:e-17"}) {
      CHECK(count(kind, "--target", name) == 1);
    }
    CHECK(count(kind, "--target", "account:dan") == 0);
    CHECK(count(kind, "--person", "e-17") == 3);
    CHECK(count(kind, "--policy", "stale_grant") == 3);
    CHECK(count(kind, "--policy", "access.stale_grant") == 3);
    CHECK(count(kind, "--policy", "closed") == 0);
  }
  REQUIRE(Run({"audit", "show", "--kind", "exemption_added"}) == ExitStatus::kDone);
  CHECK(
      Prints("exemption_added about grant ann-vpn (audit season)\n"
             "        account ann, owner e-17 · policy access.stale_grant · exempt add by "));
  CHECK(Prints("exemption_added about account ann (audit season)\n        owner e-17 · "));
  CHECK(Prints("exemption_added about identity e-17 (audit season)\n        policy "));
}

TEST_CASE_FIXTURE(CompanyWithAccess, "AMessageIsFoundByThePersonWhoseAccessItIsAbout") {
  ImportMore(
      "{\"entity\":\"identity\",\"id\":\"e-17\",\"kind\":\"employee\",\"status\":\"active\"}\n"
      "{\"entity\":\"account\",\"id\":\"ann\",\"owner\":\"e-17\"}\n");
  Write("policies/access.rescind", kNoticePolicies);
  REQUIRE_MESSAGE(ApplyConfirmed() == ExitStatus::kDone, (out.str() + err.str()));
  REQUIRE(Run({"audit", "show", "--kind", "notice", "--person", "e-17"}) == ExitStatus::kDone);
  CHECK(Prints("notice about grant ann-vpn (sent to team)\n        account ann, owner e-17 · "));
}

// It could not be shown from the log that people had been given notice of what, and until when.
TEST_CASE_FIXTURE(CompanyWithAccess, "AMessageSaysWhatItAnnouncedToWhomAndWhenThatIsDue") {
  std::string policies(kNoticePolicies);
  policies.replace(policies.find("notify \"team\""), 13, "notify g.account.owner ?? \"team\"");
  Write("policies/access.rescind", policies);
  ImportMore(
      "{\"entity\":\"identity\",\"id\":\"e-17\",\"kind\":\"employee\",\"status\":\"active\"}\n"
      "{\"entity\":\"account\",\"id\":\"ann\",\"owner\":\"e-17\"}\n");
  REQUIRE_MESSAGE(ApplyConfirmed() == ExitStatus::kDone, (out.str() + err.str()));
  size_t found = 0;
  for (const nlohmann::json& entry : LogEntries()) {
    if (entry["kind"] != "notice") continue;
    ++found;
    const nlohmann::json& details = entry["details"];
    const bool is_of_ann = details["target"] == "ann-vpn";
    CHECK(details["recipient"] == (is_of_ann ? "identity:e-17" : "team"));
    CHECK(details.contains("detour") == is_of_ann);  // nobody's address is known here
    CHECK(details["due"] == "2026-06-01T08:00:00Z");
    CHECK(details["next"].contains("commitment"));
    CHECK(entry["policies"][0]["finding"].get<std::string>().size() == 24);
    CHECK(entry["policies"][0]["because"].contains("commitment"));
  }
  CHECK(found > 1);
  REQUIRE(Run({"audit", "show", "--target", "ann-vpn", "-o", "full"}) == ExitStatus::kDone);
  CHECK(Prints("no channel here reaches e-17"));
  CHECK(Prints("revoke grant ann-vpn"));
}

// It said "confirmed: yes", and not what.
TEST_CASE_FIXTURE(CompanyWithAccess, "ARunSaysWhichPoliciesWereConfirmedWithIt") {
  const auto confirmed = [&] {
    std::vector<std::string> names;
    for (const nlohmann::json& entry : LogEntries()) {
      if (entry["kind"] != "run_started" || !entry.contains("policies")) continue;
      for (const nlohmann::json& policy : entry["policies"]) {
        CHECK(policy["source_hash"].get<std::string>().starts_with("sha256:"));
        names.push_back(policy["name"]);
      }
    }
    return names;
  };
  using Names = std::vector<std::string>;
  REQUIRE_MESSAGE(ApplyConfirmed() == ExitStatus::kDone, (out.str() + err.str()));
  CHECK(confirmed() == Names{"access.stale_grant"});
  REQUIRE_MESSAGE(ApplyConfirmed() == ExitStatus::kDone, (out.str() + err.str()));
  CHECK(confirmed() == Names{"access.stale_grant"});
  // One that has nothing to do is confirmed, too.
  Write("policies/access.rescind", std::string(kCompanyPolicies) + R"(
policy nothing "Finds nothing" {
  controls iso_27001 "A.5.18"
  mode enforce
  for a in account
  when a.username == "nobody at all"
  then { disable a }
})");
  REQUIRE_MESSAGE(ApplyConfirmed() == ExitStatus::kDone, (out.str() + err.str()));
  CHECK(confirmed() == Names{"access.stale_grant", "access.nothing"});
}

// An auditor had the folder and the key, and no way to read what was in it.
TEST_CASE_FIXTURE(ReaderOfTheLog, "AnExportedFolderIsShownWithoutTheStore") {
  REQUIRE(Run({"audit", "show", "--most", "0", "-o", "json"}) == ExitStatus::kDone);
  auto all = nlohmann::json::parse(out.str());
  for (auto& line : all["entries"]) line.erase("values");  // they lie in the store alone
  REQUIRE(Run({"audit", "export", "evidence"}) == ExitStatus::kDone);
  for (const char* gone : {"data", "rescind.toml", "policies"}) {
    std::filesystem::remove_all(folder / gone);
  }
  REQUIRE(Run({"audit", "show", "evidence", "--key", key, "--most", "0", "-o", "json"}) ==
          ExitStatus::kDone);
  CHECK(nlohmann::json::parse(out.str()) == all);
  CHECK(Complains("verified: the "));
  CHECK(Complains("that none is cut off at the end is unproven"));
  CHECK(!Complains("warning"));
  REQUIRE(Run({"audit", "show", "evidence", "--key", key, "--checkpoint",
               folder / "evidence/checkpoint", "--target", "ann-vpn"}) == ExitStatus::kDone);
  CHECK(Prints("revoke grant ann-vpn on corp: applied → verified"));
  CHECK(!Prints("bob-vpn"));
  CHECK(!Complains("unproven"));
  // The last ones, and from one on.
  REQUIRE(Run({"audit", "show", "evidence", "--most", "1", "-o", "ndjson"}) == ExitStatus::kDone);
  CHECK(Prints("\"kind\":\"run_ended\""));
  CHECK(Complains("warning: evidence is not verified: "));
  REQUIRE(Run({"audit", "show", "evidence", "--from", "0", "--most", "1"}) == ExitStatus::kDone);
  CHECK(Prints("     0  2026-06-01T08:00:00Z  log_created"));
  REQUIRE(Run({"audit", "show", "evidence", "--key", key, "-o", "syslog"}) == ExitStatus::kDone);
  CHECK(Prints("target=\"ann-vpn\""));
  CHECK(Run({"audit", "show", "--key", key}) == ExitStatus::kUsage);
  CHECK(Run({"audit", "show", "evidence", "--checkpoint", "x"}) == ExitStatus::kUsage);
  CHECK(Run({"audit", "show", "nowhere"}) == ExitStatus::kError);
}

// It said that a file of entries could not be read: No such file or directory.
TEST_CASE_FIXTURE(ReaderOfTheLog, "AnEditedCheckpointIsSaidNotToFit") {
  REQUIRE(Run({"audit", "export", "evidence"}) == ExitStatus::kDone);
  const std::string checkpoint = Content("evidence/checkpoint");
  const size_t at = checkpoint.find('\n') + 1;
  const size_t end = checkpoint.find('\n', at);
  const uint64_t size = std::stoull(checkpoint.substr(at, end - at));
  for (const uint64_t claimed : {size - 1, size + 1, size + 1000}) {
    CAPTURE(claimed);
    std::string edited = checkpoint;
    edited.replace(at, end - at, std::to_string(claimed));
    Write("evidence/checkpoint", edited);
    CHECK(Run({"audit", "show", "evidence", "--most", "0"}) == ExitStatus::kError);
    CHECK(Complains("evidence/checkpoint does not fit the entries in "));
    CHECK(Complains(": it counts " + std::to_string(claimed) + " of them"));
    CHECK(Complains("get the folder anew from whoever exported it"));
    CHECK(!Complains("No such file"));
  }
}

struct SomethingWasSaid : ReaderOfTheLog {
  SomethingWasSaid() {
    PutKeyBack();
    REQUIRE_MESSAGE(
        Run({"exempt", "add", "account:dan", "--policy", "all", "--owner", "Eve Answers",
             "--reason", "Dan Example is ill", "--until", "+30d"}) == ExitStatus::kDone,
        err.str());
    exemption = out.str().substr(0, out.str().find('\n'));
    REQUIRE(Run({"exempt", "end", exemption, "--reason", "Dan Example is back"}) ==
            ExitStatus::kDone);
    REQUIRE_MESSAGE(
        Run({"release", "stale_grant", "--reason", "Dan Example said so"}) == ExitStatus::kDone,
        err.str());
    REQUIRE_MESSAGE(Run({"audit", "export", "evidence"}) == ExitStatus::kDone, err.str());
  }
  std::string exemption;
};

// The reasons of people and the words of systems stood there, whomever they named.
TEST_CASE_FIXTURE(SomethingWasSaid, "AnExportedLogRepeatsNobodysWords") {
  const std::vector<std::string> words = {"Dan Example", "Eve Answers", "the file is gone",
                                          "removed"};
  for (const auto& file : std::filesystem::recursive_directory_iterator(folder / "evidence")) {
    if (!file.is_regular_file()) continue;
    const std::string bytes = files.Read(file.path(), 1 << 24).value();
    for (const std::string& said : words) {
      CAPTURE(file.path().string());
      CAPTURE(said);
      CHECK(bytes.find(said) == std::string::npos);
    }
  }
  const std::vector<std::vector<std::string>> sources = {{}, {"evidence"}};
  for (const auto& source : sources) {
    for (const char* format : {"ocsf", "cloudevents", "syslog"}) {
      std::vector<std::string> command = {"audit", "show", "-o", format, "--most", "0"};
      command.insert(command.end(), source.begin(), source.end());
      REQUIRE(Run(command) == ExitStatus::kDone);
      for (const std::string& said : words) {
        CAPTURE(format);
        CAPTURE(said);
        CHECK(!Prints(said));
      }
      if (std::string(format) != "cloudevents") CHECK(Prints("(a committed value)"));
    }
  }
}

// "(a committed value)" would stand there, and the texts in the store beside it.
TEST_CASE_FIXTURE(SomethingWasSaid, "WhoHasTheStoreReadsWhatWasSaid") {
  const std::vector<std::string> words = {"Dan Example is ill", "Dan Example is back",
                                          "Dan Example said so", "the file is gone"};
  for (const char* format : {"table", "full", "json", "ndjson"}) {
    REQUIRE(Run({"audit", "show", "--most", "0", "-o", format}) == ExitStatus::kDone);
    for (const std::string& said : words) {
      CAPTURE(format);
      CAPTURE(said);
      CHECK(Prints(said));
    }
    CHECK(!Prints(kCommittedText));
    REQUIRE(Run({"audit", "show", "evidence", "--most", "0", "-o", format}) == ExitStatus::kDone);
    for (const std::string& said : words) CHECK(!Prints(said));
    const bool is_for_people = std::string(format) == "table" || std::string(format) == "full";
    CHECK(Prints(kCommittedText) == is_for_people);
  }
  // The value beside the commitment, and the entry as it is hashed.
  REQUIRE(Run({"audit", "show", "--kind", "exemption_added", "-o", "json"}) == ExitStatus::kDone);
  const auto entry = nlohmann::json::parse(out.str())["entries"][0];
  CHECK(entry["values"][entry["entry"]["outcome"]["commitment"].get<std::string>()] ==
        "Dan Example is ill");
  CHECK(!entry["entry"]["outcome"].contains("value"));
}

TEST_CASE_FIXTURE(ReaderOfTheLog, "AFolderThatIsNotWhatWasSignedIsNotShownAsEvidence") {
  REQUIRE(Run({"audit", "export", "evidence"}) == ExitStatus::kDone);
  const auto below = files.ListRecursively(folder / "evidence/tile/entries", "");
  REQUIRE(below.ok());
  REQUIRE(below->size() == 1);
  std::string entries = *files.Read(below->front(), 1 << 20);
  entries.replace(entries.find("ann-vpn"), 7, "ann-vpm");
  REQUIRE(files.WriteAtomically(below->front(), entries).ok());
  CHECK(Run({"audit", "show", "evidence", "--key", key}) == ExitStatus::kCheckFailed);
  CHECK(out.str().empty());
  CHECK(Complains("error: evidence is not what was signed, so nothing of it is shown: tile/"));
  CHECK(Complains("`rescind audit verify evidence --key KEY` says all that is wrong"));
  // Whoever has no key is told that it may be so.
  CHECK(Run({"audit", "show", "evidence"}) == ExitStatus::kDone);
  CHECK(Prints("ann-vpm"));
  CHECK(Complains("warning: evidence is not verified"));
  // No entry breaks the line that it stands on.
  entries[entries.find("\"at\":") - 1] = '\n';
  REQUIRE(files.WriteAtomically(below->front(), entries).ok());
  CHECK(Run({"audit", "show", "evidence", "-o", "ndjson", "--from", "0"}) == ExitStatus::kError);
  CHECK(Complains("was written by no rescind: line breaks, or nesting without end"));
  REQUIRE(files.Remove(below->front()).ok());
  std::filesystem::create_symlink("/etc/passwd", below->front());
  CHECK(Run({"audit", "show", "evidence"}) == ExitStatus::kError);
  CHECK(Complains("is a symbolic link, not a file of an export"));
}

// It was written among the store's own files.
TEST_CASE_FIXTURE(ReaderOfTheLog, "TheLogIsNotExportedIntoTheStore") {
  for (const char* place : {"data/evidence", "./data/../data/deep/evidence"}) {
    CHECK(Run({"audit", "export", place}) == ExitStatus::kError);
    CHECK(Complains(std::string(place) + " belongs to the workspace itself"));
  }
  CHECK(!Has("data/evidence"));
  CHECK(!Has("data/deep"));
}

}  // namespace
}  // namespace rescind
