// Reading the evidence where something is wrong: with the policies, the key, what lies beside it.
#include <algorithm>

#include "runtime/audit/leaf.h"
#include "runtime/audit/log_reader.h"
#include "runtime/audit/signing_key.h"
#include "runtime/store/store.h"
#include "tests/unit/runtime/cli/company_fixture.h"

namespace rescind {
namespace {

// Something was done, by policy, and an exemption was given.
struct KeptLog : CompanyWithAccess {
  KeptLog() {
    REQUIRE_MESSAGE(ApplyConfirmed() == ExitStatus::kDone, (out.str() + err.str()));
    REQUIRE_MESSAGE(Run({"exempt", "add", "account:dan", "--policy", "stale_grant", "--owner",
                         "oncall", "--reason", "ill", "--until", "+30d"}) == ExitStatus::kDone,
                    err.str());
  }
  std::string Key() {
    REQUIRE_MESSAGE(Run({"audit", "key"}) == ExitStatus::kDone, err.str());
    return out.str().substr(0, out.str().find('\n'));
  }
};

// A slip of the pen in a policy, or a policy that declares less, kept everybody from the evidence.
TEST_CASE_FIXTURE(KeptLog, "TheLogIsReadAndSignedWhateverIsWrongWithThePolicies") {
  const std::string key = Key();
  REQUIRE(Run({"audit", "show", "--most", "0", "-o", "json"}) == ExitStatus::kDone);
  const std::string all = out.str();
  for (const bool is_missing : {false, true}) {
    CAPTURE(is_missing);
    Write("policies/access.rescind", kBadPolicy);
    if (is_missing) std::filesystem::remove_all(folder / "policies");
    const std::string evidence = is_missing ? "evidence-2" : "evidence-1";
    REQUIRE_MESSAGE(Run({"audit", "show", "--most", "0", "-o", "json"}) == ExitStatus::kDone,
                    err.str());
    if (!is_missing) CHECK(out.str() == all);
    CHECK(err.str().empty());
    CHECK(Key() == key);
    REQUIRE_MESSAGE(
        Run({"audit", "prove", "1", "--out", evidence + ".tlog-proof"}) == ExitStatus::kDone,
        err.str());
    REQUIRE_MESSAGE(Run({"audit", "export", evidence}) == ExitStatus::kDone, err.str());
    CHECK(Run({"audit", "verify", folder / evidence, "--key", key}) == ExitStatus::kDone);
  }
  // A rotation is in no checkpoint yet: exporting signs it.
  REQUIRE_MESSAGE(Run({"audit", "key", "rotate"}) == ExitStatus::kDone, err.str());
  const std::string next_key = Key();
  REQUIRE_MESSAGE(Run({"audit", "export", "evidence"}) == ExitStatus::kDone, err.str());
  CHECK(Run({"audit", "verify", folder / "evidence", "--key", key}) == ExitStatus::kDone);
  CHECK(Prints("handed to   " + next_key));
}

// It kept access for as long as somebody needed to mend a policy.
TEST_CASE_FIXTURE(KeptLog, "AnExemptionIsEndedWhateverIsWrongWithThePolicies") {
  REQUIRE(Run({"exempt", "list", "-o", "json"}) == ExitStatus::kDone);
  const std::string id = Json()["exemptions"][0]["id"];
  const std::string policies = Content("policies/access.rescind");
  Write("policies/access.rescind", kBadPolicy);
  CHECK(Run({"exempt", "end", "e-000000000000", "--reason", "back"}) == ExitStatus::kError);
  REQUIRE_MESSAGE(Run({"exempt", "end", id, "--reason", "back"}) == ExitStatus::kDone, err.str());
  CHECK(Complains("warning: nothing is planned or removed until this is mended: "));
  CHECK(Complains("ended " + id));
  CHECK(LogEntries().back()["kind"] == "exemption_ended");
  Write("policies/access.rescind", policies);
  REQUIRE(Run({"exempt", "list", "-o", "json"}) == ExitStatus::kDone);
  CHECK(Json()["exemptions"].empty());
  CHECK(Run({"plan"}) == ExitStatus::kDone);
}

TEST_CASE_FIXTURE(KeptLog, "WithoutPoliciesNamesAreThoseOfTheLog") {
  Write("policies/access.rescind", kBadPolicy);
  REQUIRE(Run({"audit", "show", "--policy", "stale_grant", "--target", "ann-vpn"}) ==
          ExitStatus::kDone);
  CHECK(Prints("revoke grant ann-vpn on corp"));
  CHECK(Complains("warning: names are looked for in the log alone: the policies hold 1 error: "));
  CHECK(Run({"audit", "show", "--policy", "stale_grand"}) == ExitStatus::kError);
  CHECK(Complains("error: no entry of the log names a policy stale_grand\n"));
  CHECK(Run({"audit", "show", "--system", "crop"}) == ExitStatus::kError);
  CHECK(Complains("error: no entry of the log is about a system crop\n"));
  CHECK(Complains("did you mean `corp`?"));
}

TEST_CASE_FIXTURE(KeptLog, "ExemptionsAreListedWhateverIsWrongWithThePolicies") {
  Write("policies/access.rescind", kBadPolicy);
  REQUIRE_MESSAGE(Run({"exempt", "list"}) == ExitStatus::kDone, err.str());
  CHECK(Prints("account dan  from access.stale_grant  ill  (oncall)"));
  CHECK(!Prints("  ! "));
  CHECK(Complains("warning: whether these policies are still there is not known: the policies "));
  // Of what ran out by the last evaluation it is not said that it lasts.
  clock.SetWall(*ParseInstant("2026-08-01T08:00Z"));
  REQUIRE(Run({"exempt", "list"}) == ExitStatus::kDone);
  CHECK(Complains("no exemption is active"));
}

// Of the same name as the log, in the place of its key.
struct ForgersKey : KeptLog {
  ForgersKey() {
    log_key = Key();
    std::filesystem::rename(folder / "secrets/audit-key", folder / "kept-key");
    auto forged =
        CreateAuditKey(folder / "forged-key", ParsePublicKey(log_key)->name, files, random);
    REQUIRE(forged.ok());
    forged_key = forged->Text();
    std::filesystem::rename(folder / "forged-key", folder / "secrets/audit-key");
  }
  std::string log_key, forged_key;
};

// `audit key` printed the forger's key, and by the command of the README a forged log verified.
TEST_CASE_FIXTURE(ForgersKey, "AnotherLogsKeyIsNotHandedOutAndItsLogNotExported") {
  REQUIRE(forged_key != log_key);
  const std::vector<std::vector<std::string>> refused = {
      {"audit", "key"}, {"audit", "export", "evidence"}, {"audit", "prove", "1"}};
  for (const auto& command : refused) {
    CAPTURE(command[1]);
    CHECK(Run(command) == ExitStatus::kError);
    CHECK(Complains("secrets/audit-key is not the key of this store's audit log\n"));
    CHECK(Complains("the log expects the private key of " + log_key));
    CHECK(out.str().empty());
  }
  CHECK(!Has("evidence"));
  const std::vector<std::vector<std::string>> warned = {{"audit", "show"}, {"status"}};
  for (const auto& command : warned) {
    CAPTURE(command.back());
    CHECK(Run(command) == ExitStatus::kDone);
    CHECK(Complains("warning: "));
    CHECK(Complains("secrets/audit-key is not the key of this store's audit log: the log expects"));
  }
  std::filesystem::rename(folder / "kept-key", folder / "secrets/audit-key");
  CHECK(Key() == log_key);
  CHECK(Run({"status"}) == ExitStatus::kDone);
  CHECK(err.str().empty());
}

// A rotation that was cut off has left the log's key beside the one of before.
TEST_CASE_FIXTURE(ForgersKey, "AKeyThatACutOffRotationLeftBesideIsTheLogs") {
  std::filesystem::rename(folder / "kept-key", folder / "secrets/audit-key.next");
  CHECK(Key() == log_key);
  CHECK(Run({"audit", "show"}) == ExitStatus::kDone);
  CHECK(err.str().empty());
  REQUIRE_MESSAGE(Run({"audit", "export", "evidence"}) == ExitStatus::kDone, err.str());
  CHECK(Run({"audit", "verify", folder / "evidence", "--key", log_key}) == ExitStatus::kDone);
}

// A store of before that was put back, and the checkpoint beside the key is gone.
struct LostWitness : KeptLog {
  LostWitness() {
    std::filesystem::copy(folder / "data", folder / "old-data",
                          std::filesystem::copy_options::recursive);
    HireKim();
    REQUIRE_MESSAGE(ApplyConfirmed() == ExitStatus::kDone, (out.str() + err.str()));
    REQUIRE(Run({"audit", "export", "evidence"}) == ExitStatus::kDone);
    REQUIRE(files.Remove(folder / "secrets/audit-key.checkpoint").ok());
  }
  void PutOldStoreBack() {
    std::filesystem::rename(folder / "data", folder / "new-data");
    std::filesystem::rename(folder / "old-data", folder / "data");
  }
  void CheckThatNothingIsSigned() {
    const std::vector<std::vector<std::string>> signing = {
        {"apply", "p.json", "--confirm", MakePlan()},
        {"audit", "key", "rotate"},
        {"release", "stale_grant", "--reason", "why not"},
        {"exempt", "add", "account:ann", "--policy", "all", "--owner", "oncall", "--reason", "ill",
         "--until", "+30d"}};
    for (const auto& command : signing) {
      CAPTURE(command[0]);
      CHECK(Run(command) == ExitStatus::kError);
      CHECK(Complains("secrets/audit-key.checkpoint is missing, the last checkpoint signed"));
      CHECK(Complains("the file `checkpoint` of the newest export"));
      CHECK(Complains("`rescind audit key accept` takes the log as the store has it now"));
    }
  }
};

// It went on under the same key and signed a second history.
TEST_CASE_FIXTURE(LostWitness, "AnOlderCopyOfTheStoreIsNoticedThoughTheCheckpointIsGone") {
  const std::vector<std::vector<std::string>> reading = {{"audit", "show"}, {"status"}};
  for (const auto& command : reading) {
    CHECK(Run(command) == ExitStatus::kDone);
    CHECK(Complains("warning: "));
    CHECK(Complains("secrets/audit-key.checkpoint is missing"));
  }
  PutOldStoreBack();
  CheckThatNothingIsSigned();
  // That of the last export says what is wrong.
  std::filesystem::copy_file(folder / "evidence/checkpoint",
                             folder / "secrets/audit-key.checkpoint");
  CHECK(Run({"audit", "key", "rotate"}) == ExitStatus::kError);
  CHECK(Complains("has lost what came after"));
  CHECK(Run({"audit", "key", "accept"}) == ExitStatus::kError);
  CHECK(Complains("has lost what came after"));
  std::filesystem::rename(folder / "data", folder / "old-data");
  std::filesystem::rename(folder / "new-data", folder / "data");
  REQUIRE_MESSAGE(Run({"audit", "key", "rotate"}) == ExitStatus::kDone, err.str());
}

TEST_CASE_FIXTURE(LostWitness, "ADeletedStoreIsNoticedThoughTheCheckpointIsGone") {
  std::filesystem::remove_all(folder / "data");
  ImportCompany("2026-06-01T07:30Z");
  CheckThatNothingIsSigned();
}

TEST_CASE_FIXTURE(LostWitness, "WhoAcceptsTheLogAsItIsIsLogged") {
  PutOldStoreBack();
  const size_t count = LogEntries().size();
  REQUIRE_MESSAGE(Run({"audit", "key", "accept"}) == ExitStatus::kDone, err.str());
  CHECK(Complains("has it, and logged that: " + std::to_string(count) + " entries, root "));
  const auto entries = LogEntries();
  REQUIRE(entries.size() == count + 1);
  const nlohmann::json& note = entries.back();
  CHECK(note["kind"] == "note");
  CHECK(note["trigger"].get<std::string>().find("audit key accept by uid ") == 0);
  CHECK(note["details"]["accepted_entries"] == std::to_string(count));
  CHECK(note["details"]["accepted_root"].get<std::string>().size() == 64);
  CHECK(err.str().empty());
  CHECK(Run({"audit", "key", "accept"}) == ExitStatus::kDone);
  CHECK(Complains("nothing to accept: "));
  CHECK(LogEntries().size() == count + 1);
  REQUIRE_MESSAGE(Run({"audit", "key", "rotate"}) == ExitStatus::kDone, err.str());
  // Whoever holds what was signed before finds that this is another history.
  REQUIRE(Run({"audit", "export", "later"}) == ExitStatus::kDone);
  const std::string checkpoint = folder / "evidence/checkpoint";
  CHECK(Run({"audit", "verify", folder / "later", "--key", Key(), "--checkpoint", checkpoint}) ==
        ExitStatus::kCheckFailed);
}

// A disk that was full when the checkpoint was copied left it empty: every command was refused with
// a help that was for something else.
TEST_CASE_FIXTURE(LostWitness, "ADamagedCheckpointBesideTheKeyIsAsAMissingOne") {
  const std::string damaged = "secrets/audit-key.checkpoint is damaged (not a signed note: ";
  for (const std::string& bytes : {std::string(), std::string("junk\n"), std::string(70000, 'x')}) {
    CAPTURE(bytes.size());
    Write("secrets/audit-key.checkpoint", bytes);
    const std::vector<std::vector<std::string>> reading = {
        {"audit", "show"}, {"status"}, {"audit", "export", "at-" + std::to_string(bytes.size())}};
    for (const auto& command : reading) {
      CAPTURE(command[0]);
      CHECK(Run(command) == ExitStatus::kDone);
      CHECK(Complains("warning: "));
      CHECK(Complains("secrets/audit-key.checkpoint is damaged ("));
    }
    CHECK(Run({"audit", "prove", "0"}) == ExitStatus::kDone);
    CHECK(Key().find("rescind/") == 0);
    CHECK(Run({"exempt", "list"}) == ExitStatus::kDone);
    CHECK(Run({"audit", "key", "rotate"}) == ExitStatus::kError);
    CHECK(Complains("secrets/audit-key.checkpoint is damaged ("));
    CHECK(Complains("the file `checkpoint` of the newest export"));
    CHECK(Complains("`rescind audit key accept` takes the log as the store has it now"));
  }
  Write("secrets/audit-key.checkpoint", "");
  CHECK(ApplyConfirmed() == ExitStatus::kError);
  CHECK(Complains(damaged + "it is empty), the last checkpoint signed"));
  const size_t count = LogEntries().size();
  REQUIRE_MESSAGE(Run({"audit", "key", "accept"}) == ExitStatus::kDone, err.str());
  const auto entries = LogEntries();
  CHECK(entries.size() == count + 1);
  CHECK(entries.back()["outcome"].dump().find("a damaged checkpoint lay beside its key") !=
        std::string::npos);
  REQUIRE_MESSAGE(Run({"audit", "key", "rotate"}) == ExitStatus::kDone, err.str());
}

// Nobody can tell whether there was a store: a new one would know nothing of what was done.
TEST_CASE_FIXTURE(LostWitness, "NoNewStoreIsMadeBesideADamagedCheckpoint") {
  std::filesystem::remove_all(folder / "data");
  Write("secrets/audit-key.checkpoint", "");
  CHECK(Run({"import", "company.ndjson"}) == ExitStatus::kError);
  CHECK(Complains("whether there was one cannot be told"));
  CHECK(!Has("data"));
}

// The help of the refusal said only how to begin with nothing.
TEST_CASE_FIXTURE(KeptLog, "AnOlderStoreGoesOnOnceThatIsAccepted") {
  std::filesystem::copy(folder / "data", folder / "old-data",
                        std::filesystem::copy_options::recursive);
  HireKim();
  REQUIRE_MESSAGE(ApplyConfirmed() == ExitStatus::kDone, (out.str() + err.str()));
  std::filesystem::remove_all(folder / "data");
  std::filesystem::rename(folder / "old-data", folder / "data");
  CHECK(Run({"plan"}) == ExitStatus::kError);
  CHECK(Complains("audit-key.checkpoint away and run `rescind audit key accept`"));
  REQUIRE(files.Remove(folder / "secrets/audit-key.checkpoint").ok());
  REQUIRE_MESSAGE(Run({"audit", "key", "accept"}) == ExitStatus::kDone, err.str());
  HireKim();
  CHECK_MESSAGE(ApplyConfirmed() == ExitStatus::kDone, (out.str() + err.str()));
}

// An earlier version made the key, without a checkpoint, and nothing was ever applied.
TEST_CASE_FIXTURE(CompanyWithAccess, "AWorkspaceThatNeverRanGoesOnOnceItsEmptyLogIsAccepted") {
  REQUIRE(files.Remove(folder / "secrets/audit-key.checkpoint").ok());
  CHECK(ApplyConfirmed() == ExitStatus::kError);
  CHECK(Complains("or an earlier version made this workspace and nothing was ever applied"));
  REQUIRE_MESSAGE(Run({"audit", "key", "accept"}) == ExitStatus::kDone, err.str());
  CHECK(Complains("has it, and logged that: 0 entries, root "));
  CHECK(ApplyConfirmed() == ExitStatus::kDone);
}

// The new key would have stood beside what another had signed.
TEST_CASE_FIXTURE(KeptLog, "InitMakesNoKeyBesideTheCheckpointOfAnotherLog") {
  for (const char* gone : {"rescind.toml", "secrets/audit-key"}) {
    REQUIRE(files.Remove(folder / gone).ok());
  }
  CHECK(Run({"init"}) == ExitStatus::kError);
  CHECK(Complains("audit-key.checkpoint is the last checkpoint of a log that another key signed"));
  CHECK(!Has("secrets/audit-key"));
  CHECK(Has("secrets/audit-key.checkpoint"));
  CHECK(!Has("rescind.toml"));
}

struct ManyExemptions : KeptLog {
  ManyExemptions() {
    ImportMore("{\"entity\":\"system\",\"id\":\"lab\"}\n");
    for (const char* row : {"grant:bob-vpn", "system:corp", "system:lab", "entitlement:vpn"}) {
      REQUIRE_MESSAGE(Run({"exempt", "add", row, "--policy", "all", "--owner", "oncall", "--reason",
                           "away", "--until", "+30d"}) == ExitStatus::kDone,
                      err.str());
      ids.push_back(out.str().substr(0, out.str().find('\n')));
    }
    REQUIRE(Run({"exempt", "end", ids[0], "--reason", "back"}) == ExitStatus::kDone);
  }
  // "KIND TARGET" of what `audit show` with these words lists of exemptions.
  std::vector<std::string> Listed(const std::string& option, const std::string& value) {
    REQUIRE_MESSAGE(
        Run({"audit", "show", "--most", "0", "-o", "json", option, value}) == ExitStatus::kDone,
        err.str());
    std::vector<std::string> listed;
    const nlohmann::json log = Json();
    for (const auto& line : log["entries"]) {
      const nlohmann::json& entry = line["entry"];
      const std::string kind = entry["kind"];
      if (!kind.starts_with("exemption_")) continue;
      listed.push_back(kind + " " + entry["details"]["target"].get<std::string>());
    }
    return listed;
  }
  std::vector<std::string> ids;
};

// They covered rows of that policy, and it showed none of them.
TEST_CASE_FIXTURE(ManyExemptions, "AnExemptionFromAllPoliciesIsFoundByEach") {
  CHECK(Listed("--policy", "stale_grant") ==
        std::vector<std::string>{"exemption_added dan", "exemption_added bob-vpn",
                                 "exemption_added corp", "exemption_added lab",
                                 "exemption_added vpn", "exemption_ended bob-vpn"});
}

// It left out the system's own exemption, and those of rows that live there.
TEST_CASE_FIXTURE(ManyExemptions, "ASystemFindsItsOwnExemptionAndThoseOfWhatLivesOnIt") {
  CHECK(Listed("--system", "corp") ==
        std::vector<std::string>{"exemption_added dan", "exemption_added bob-vpn",
                                 "exemption_added corp", "exemption_added vpn",
                                 "exemption_ended bob-vpn"});
  CHECK(Listed("--system", "lab") == std::vector<std::string>{"exemption_added lab"});
}

// What was done under the old name was missing.
TEST_CASE_FIXTURE(KeptLog, "ARenamedPolicyFindsWhatWasDoneUnderItsOldName") {
  const size_t count = LogEntries().size();
  REQUIRE(Run({"audit", "show", "--policy", "stale_grant", "--most", "0"}) == ExitStatus::kDone);
  const std::string before = out.str();
  CHECK(Prints("revoke grant ann-vpn on corp"));
  std::string text(kCompanyPolicies);
  const std::string name = "policy stale_grant \"Unused access goes\"";
  text.replace(text.find(name), name.size(),
               "policy idle \"Unused access goes\" renamed from stale_grant");
  Write("policies/access.rescind", text);
  for (const char* asked : {"idle", "access.idle", "stale_grant"}) {
    CAPTURE(asked);
    REQUIRE_MESSAGE(Run({"audit", "show", "--policy", asked, "--most", "0"}) == ExitStatus::kDone,
                    err.str());
    CHECK(out.str() == before);
  }
  CHECK(LogEntries().size() == count);
}

// A variable that was not set showed the whole log.
TEST_CASE_FIXTURE(KeptLog, "AnEmptyFilterIsAMistakeAndNotTheWholeLog") {
  for (const char* option :
       {"--person", "--target", "--policy", "--system", "--action", "--kind", "--from"}) {
    CAPTURE(option);
    CHECK(Run({"audit", "show", option, ""}) == ExitStatus::kUsage);
    CHECK(Complains(std::string("error: ") + option + ": "));
    CHECK(out.str().empty());
  }
  CHECK(Run({"audit", "show", "--person", ""}) == ExitStatus::kUsage);
  CHECK(Complains("must not be empty: name what to show, or leave it out"));
}

// "no entry of the log fits", and exit status 0.
TEST_CASE_FIXTURE(KeptLog, "ANameThatNoEntryOfAFolderHasIsAMistake") {
  REQUIRE(Run({"audit", "export", "evidence"}) == ExitStatus::kDone);
  const std::string key = Key();
  struct Typo {
    const char* option;
    const char* value;
    const char* message;
    const char* meant;
  };
  for (const Typo& typo :
       std::vector<Typo>{{"--policy", "access.stale_grand", "names a policy access.stale_grand",
                          "access.stale_grant"},
                         {"--system", "crop", "is about a system crop", "corp"},
                         {"--target", "ann-vpm", "is about a row called ann-vpm", "ann-vpn"},
                         {"--person", "e-17", "is about access of a person e-17", nullptr}}) {
    CAPTURE(typo.option);
    CHECK(Run({"audit", "show", "evidence", "--key", key, typo.option, typo.value}) ==
          ExitStatus::kError);
    CHECK(Complains(std::string("error: no entry of the log ") + typo.message + "\n"));
    if (typo.meant != nullptr) {
      CHECK(Complains("did you mean `" + std::string(typo.meant) + "`?"));
    }
    CHECK(out.str().empty());
  }
  REQUIRE(Run({"audit", "show", "evidence", "--key", key, "--policy", "stale_grant"}) ==
          ExitStatus::kDone);
  CHECK(Prints("revoke grant ann-vpn on corp"));
}

TEST_CASE_FIXTURE(KeptLog, "WhereNoEntryFitsItIsSaidHowManyThereAre") {
  REQUIRE(Run({"audit", "export", "evidence"}) == ExitStatus::kDone);
  const size_t count = LogEntries().size();
  const std::string said = "no entry of the log fits: it has " + std::to_string(count) +
                           ", from 0 to " + std::to_string(count - 1) + "\n";
  for (const std::vector<std::string>& filter :
       {std::vector<std::string>{"--from", "999"}, {"--action", "zzz"}}) {
    CHECK(Run({"audit", "show", filter[0], filter[1]}) == ExitStatus::kDone);
    CHECK(err.str() == said);
    CHECK(Run({"audit", "show", "evidence", filter[0], filter[1]}) == ExitStatus::kDone);
    CHECK(Complains(said));
  }
}

// It looked like an erased one, and stood in `values` under a hash that was nowhere in the entry.
TEST_CASE_FIXTURE(KeptLog, "ATextThatIsNotWhatWasCommittedToIsSaidAndNotShown") {
  size_t index = 0;
  {
    auto store = Store::Open(folder / "data", std::make_shared<const Schema>(),
                             {files, clock, random}, {.without_facts = true});
    REQUIRE_MESSAGE(store.ok(), store.error().message);
    index = LogReader((*store)->key_values()).Size().value() - 1;  // that of the exemption
    const auto values = LogReader((*store)->key_values()).Personal(index).value();
    KeyValueBatch batch;
    for (uint16_t n = 0; n < values.size(); ++n) {
      if (values[n].value != "ill") continue;
      batch.Put(PersonalKey(index, n), EncodePersonal({values[n].salt, "well"}));
    }
    REQUIRE(!batch.empty());
    batch.Put(PersonalKey(index, 99), "cut");
    REQUIRE((*store)->CommitExtra(batch).ok());
  }
  const std::string warning = "warning: entry " + std::to_string(index) +
                              ": a text kept beside it is not what was committed to";
  for (const char* format : {"table", "full", "json", "ndjson"}) {
    CAPTURE(format);
    REQUIRE(Run({"audit", "show", "--kind", "exemption_added", "-o", format}) == ExitStatus::kDone);
    CHECK(Complains(warning));
    CHECK(err.str().find(warning) != err.str().rfind(warning));  // one was cut
    CHECK(!Prints("well"));
    CHECK(!Prints("cut"));
    const bool is_for_programs = std::string(format).ends_with("json");
    if (is_for_programs) CHECK(Prints("\"values\":"));  // of who answers for it
    if (is_for_programs) CHECK(Prints("oncall"));
    if (!is_for_programs) CHECK(Prints(kCommittedText));
  }
}

}  // namespace
}  // namespace rescind
