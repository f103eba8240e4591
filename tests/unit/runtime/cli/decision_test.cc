// What people have decided is tied to the audit log: who changes it in the store is found out.
#include <signal.h>

#include <atomic>

#include "runtime/audit/log_reader.h"
#include "runtime/plan/exemption.h"
#include "runtime/plan/finding.h"
#include "runtime/plan/finding_book.h"
#include "runtime/plan/release.h"
#include "runtime/store/store.h"
#include "tests/unit/runtime/cli/company_fixture.h"

namespace rescind {
namespace {

constexpr const char* kNotAsLogged =
    "the exemptions, releases and confirmed policies of the store are not those that the audit log "
    "says";

struct DecidedCompany : CompanyWithAccess {
  DecidedCompany() {
    Exempt("ann", "+300d");
    Exempt("bob", "+2d");
    REQUIRE_MESSAGE(ApplyConfirmed() == ExitStatus::kDone, (out.str() + err.str()));
    REQUIRE(Has("on-ann-vpn"));
  }
  void Exempt(const std::string& account, const std::string& until) {
    REQUIRE_MESSAGE(
        Run({"exempt", "add", "account:" + account, "--policy", "stale_grant", "--reason",
             "on a project", "--owner", "eve", "--until", until}) == ExitStatus::kDone,
        err.str());
  }
  // Whoever writes the files of the store. No entry of the log is made.
  template <typename Write>
  void ChangeStore(const Write& write) {
    StoreOptions options;
    options.without_facts = true;
    auto store = Store::Open(folder / "data", std::make_shared<const Schema>(),
                             {files, clock, random}, options);
    REQUIRE_MESSAGE(store.ok(), store.error().message);
    KeyValueBatch batch;
    write((*store)->key_values(), batch);
    REQUIRE((*store)->CommitExtra(batch).ok());
    REQUIRE((*store)->Close().ok());
  }
  static Exemption ExemptionOf(const KeyValueReader& reader, const std::string& account) {
    const auto all = ListExemptions(reader).value();
    for (const Exemption& each : all) {
      if (each.row_id == account) return each;
    }
    FAIL("no exemption");
    return {};
  }
  void DropAnnsExemption() {
    ChangeStore([&](const KeyValueReader& reader, KeyValueBatch& batch) {
      batch.Delete(std::string(kExemptionPrefix) + ExemptionOf(reader, "ann").id);
    });
  }
  void Refuses(const std::vector<std::string>& arguments) {
    CAPTURE(arguments[0]);
    CHECK(Run(arguments) == ExitStatus::kError);
    CHECK_MESSAGE(Complains(kNotAsLogged), err.str());
  }
  void AllRefuse() {
    Refuses({"plan"});
    Refuses({"apply", "--auto"});
    Refuses({"apply", "--resume"});
    Refuses({"status"});
    Refuses({"why", "grant:ann-vpn"});
    Refuses({"release", "stale_grant", "--reason", "checked"});
    Refuses({"exempt", "add", "account:eve", "--policy", "all", "--reason", "r", "--owner", "eve",
             "--until", "+1d"});
    Refuses({"exempt", "list"});
    CHECK(Has("on-ann-vpn"));
  }
  void NobodyRefuses() {
    for (const std::vector<std::string>& each :
         {std::vector<std::string>{"plan"}, {"status"}, {"exempt", "list"}, {"apply", "--auto"}}) {
      CAPTURE(each[0]);
      CHECK_MESSAGE(Run(each) == ExitStatus::kDone, err.str());
    }
  }
  // That the refused command names as what the store holds.
  std::string OfferedDigest() {
    REQUIRE(Run({"plan"}) == ExitStatus::kError);
    const std::string text = err.str();
    const size_t at = text.find("rescind audit accept ");
    REQUIRE(at != text.npos);
    return text.substr(at + 21, 71);
  }
};

// The next apply took the access of who was exempt, and the log verified.
TEST_CASE_FIXTURE(DecidedCompany, "AnExemptionThatWasTakenOutOfTheStoreIsMissed") {
  NobodyRefuses();
  DropAnnsExemption();
  AllRefuse();
  CHECK(Complains("says 2 exemptions, 0 releases, 1 policy, sha256:"));
  CHECK(Complains("the store holds 1 exemption, 0 releases, 1 policy, sha256:"));
  // The evidence is at hand.
  REQUIRE(Run({"audit", "show", "-o", "full", "--kind", "exemption_added"}) == ExitStatus::kDone);
  CHECK(Prints("account ann"));
  CHECK(Prints("\"decisions\": \"sha256:"));
  REQUIRE(Run({"audit", "show", "--target", "ann"}) == ExitStatus::kDone);
  CHECK(Complains("names are looked for in the log alone"));
  CHECK(Run({"exempt", "list"}) == ExitStatus::kError);
  CHECK(Prints("account bob"));  // what the store holds is shown
}

TEST_CASE_FIXTURE(DecidedCompany, "AnExemptionWithAnotherEndIsNotWhatWasLogged") {
  ChangeStore([&](const KeyValueReader& reader, KeyValueBatch& batch) {
    Exemption changed = ExemptionOf(reader, "bob");
    changed.expires_at.micros += 900 * kMicrosPerDay;
    PutExemption(batch, changed);
  });
  AllRefuse();
}

TEST_CASE_FIXTURE(DecidedCompany, "AnExemptionThatNobodyLoggedIsRefused") {
  ChangeStore([&](const KeyValueReader& reader, KeyValueBatch& batch) {
    Exemption changed = ExemptionOf(reader, "bob");
    changed.row_id = "eve";
    changed.id = "e-0123456789ab";
    PutExemption(batch, changed);
  });
  AllRefuse();
}

// Before anything was logged there is nothing to compare with, and nothing can have been decided.
TEST_CASE_FIXTURE(CompanyWithAccess, "AReleaseInAStoreWithoutALogIsRefused") {
  StoreOptions options;
  options.without_facts = true;
  auto store = Store::Open(folder / "data", std::make_shared<const Schema>(),
                           {files, clock, random}, options);
  REQUIRE(store.ok());
  KeyValueBatch batch;
  PutRelease(batch, {"r-1",
                     "access.stale_grant",
                     "",
                     "because",
                     "eve",
                     clock.Now(),
                     {clock.Now().micros + kMicrosPerDay}});
  REQUIRE((*store)->CommitExtra(batch).ok());
  REQUIRE((*store)->Close().ok());
  CHECK(Run({"plan"}) == ExitStatus::kError);
  CHECK(Complains(kNotAsLogged));
  CHECK(Complains("it has no entry of any exemption or release"));
  CHECK(Run({"apply", "--auto"}) == ExitStatus::kError);
}

// Who had been asked once was asked never again.
TEST_CASE_FIXTURE(DecidedCompany, "AReleaseThatWasUsedUpAndPutBackIsRefused") {
  REQUIRE(Run({"release", "stale_grant", "--reason", "checked"}) == ExitStatus::kDone);
  std::string key, bytes;
  ChangeStore([&](const KeyValueReader& reader, KeyValueBatch&) {
    REQUIRE(reader
                .Scan(kReleasePrefix, "",
                      [&](std::string_view name, std::string_view value) {
                        key = name, bytes = value;
                        return true;
                      })
                .ok());
  });
  HireKim();
  REQUIRE_MESSAGE(Run({"apply", "--auto"}) == ExitStatus::kDone, err.str());
  CHECK(!Has("on-kim-vpn"));
  NobodyRefuses();
  ChangeStore([&](const KeyValueReader& reader, KeyValueBatch& batch) {
    REQUIRE(!reader.Get(key)->has_value());
    batch.Put(key, bytes);
  });
  AllRefuse();
}

// An edited policy could be made to look as if somebody had confirmed it.
TEST_CASE_FIXTURE(DecidedCompany, "APolicyThatNobodyConfirmedIsNotConfirmedByTheStore") {
  ChangeStore([&](const KeyValueReader& reader, KeyValueBatch& batch) {
    const std::string key = std::string(kPolicyPrefix) + "access.stale_grant";
    PolicyRecord record = DecodePolicyRecord(**reader.Get(key)).value();
    record.confirmed_meaning = "sha256:of another text";
    batch.Put(key, EncodePolicyRecord(record));
  });
  AllRefuse();
}

TEST_CASE_FIXTURE(DecidedCompany, "WhatTheStoreHoldsCanBeAcceptedByNameAndThatIsLogged") {
  const std::string none = "sha256:" + std::string(64, '0');
  // It ended with 0, as if that had been accepted.
  CHECK(Run({"audit", "accept", none, "--reason", "r"}) == ExitStatus::kError);
  CHECK(Complains("nothing was accepted: the store does not hold " + none + ", but 2 exemptions"));
  CHECK(Complains("there is nothing to accept"));
  const size_t count = LogEntries().size();
  DropAnnsExemption();
  const std::string digest = OfferedDigest();
  CHECK(Run({"audit", "accept", digest}) == ExitStatus::kUsage);
  CHECK(Run({"audit", "accept", none, "--reason", "r"}) == ExitStatus::kError);
  CHECK(Complains("the store does not hold " + none));
  Refuses({"plan"});
  REQUIRE_MESSAGE(
      Run({"audit", "accept", digest, "--reason", "disk was swapped"}) == ExitStatus::kDone,
      err.str());
  const auto entries = LogEntries();
  REQUIRE(entries.size() == count + 1);
  CHECK(entries.back()["kind"] == "note");
  CHECK(entries.back()["outcome"] == "disk was swapped");
  CHECK(entries.back()["trigger"] == "audit accept by uid 1000");
  CHECK(entries.back()["details"]["decisions"] == digest);
  CHECK(entries.back()["details"]["decisions_of"] == "1 exemption, 0 releases, 1 policy");
  CHECK(entries.back()["details"]["decisions_before"] != digest);
  CHECK(entries.back()["details"]["decisions_of_before"] == "2 exemptions, 0 releases, 1 policy");
  // A person puts it right.
  Exempt("ann", "+300d");
  NobodyRefuses();
  CHECK(Has("on-ann-vpn"));
  CHECK(Run({"audit", "accept", digest, "--reason", "r"}) == ExitStatus::kError);
  const size_t at = err.str().find(", sha256:");
  REQUIRE(at != std::string::npos);
  CHECK(Run({"audit", "accept", err.str().substr(at + 2, 71), "--reason", "r"}) ==
        ExitStatus::kDone);
  CHECK(Complains("nothing to accept"));
}

// The entry that ties them could be changed instead, where only the plan is asked.
TEST_CASE_FIXTURE(DecidedCompany, "AnEntryThatWasChangedWithTheExemptionIsFoundOut") {
  DropAnnsExemption();
  ChangeStore([&](const KeyValueReader& reader, KeyValueBatch& batch) {
    const LogReader log(reader);
    for (uint64_t index = 0; index < *log.Size(); ++index) {
      std::string leaf = *log.Leaf(index);
      size_t at = leaf.find("\"kind\":\"run_ended\"");
      if (at == leaf.npos) continue;
      leaf.replace(leaf.find("\"decisions\":"), 12, "\"decisionz\":");
      batch.Put(NumberKey(kLeafPrefix, index), leaf);
    }
  });
  CHECK(Run({"plan"}) == ExitStatus::kError);
  CHECK(Complains("differ"));
  CHECK(Run({"status"}) == ExitStatus::kError);
}

TEST_CASE_FIXTURE(DecidedCompany, "AnExemptionThatExpiresOrEndsIsNoAlarm") {
  clock.Advance({kMicrosPerDay * 3});
  REQUIRE_MESSAGE(Run({"apply", "--auto"}) == ExitStatus::kDone, err.str());
  CHECK(!Has("on-bob-vpn"));
  NobodyRefuses();
  REQUIRE(Run({"exempt", "list", "-o", "json"}) == ExitStatus::kDone);
  const std::string id = Json()["exemptions"][0]["id"];
  REQUIRE(Run({"exempt", "end", id, "--reason", "done"}) == ExitStatus::kDone);
  NobodyRefuses();
  CHECK(!Has("on-ann-vpn"));
  // A release that nobody needed expires.
  REQUIRE(Run({"release", "stale_grant", "--reason", "r", "--for", "1h"}) == ExitStatus::kDone);
  clock.Advance({kMicrosPerDay});
  NobodyRefuses();
  NobodyRefuses();
}

// What is known of a policy changes by an edit, too, and is logged with what the apply stores.
TEST_CASE_FIXTURE(DecidedCompany, "RenamedEditedNewAndRemovedPoliciesAreNoAlarm") {
  std::string policies(kCompanyPolicies);
  policies.replace(policies.find("stale_grant \"Unused access goes\""), 32,
                   "idle \"Unused access goes\" renamed from stale_grant");
  Write("policies/access.rescind", policies);
  NobodyRefuses();
  NobodyRefuses();
  Write("policies/access.rescind", policies + std::string(kClosedPolicy));
  Run({"apply", "--auto"});  // holds the new one
  REQUIRE_MESSAGE(Run({"plan"}) == ExitStatus::kDone, err.str());
  REQUIRE_MESSAGE(ApplyConfirmed() == ExitStatus::kDone, (out.str() + err.str()));
  NobodyRefuses();
  // A protect more, and a policy less.
  Write(
      "policies/access.rescind",
      policies + "protect ann_too \"Ann\" { for g in grant when g.account.username == \"ann\" }\n");
  NobodyRefuses();
  NobodyRefuses();
  Write("policies/access.rescind", "");
  NobodyRefuses();
  NobodyRefuses();
}

TEST_CASE_FIXTURE(CompanyFixture, "ARunThatOnlyNotesANewPolicyIsLoggedOnce") {
  ImportMore("{\"entity\":\"system\",\"id\":\"corp\"}\n");
  REQUIRE_MESSAGE(Run({"apply", "--auto"}) == ExitStatus::kDone, err.str());
  const auto entries = LogEntries();
  REQUIRE(entries.size() == 3);
  CHECK(entries[1]["kind"] == "run_started");
  CHECK(entries[1]["details"]["decisions_of"] == "0 exemptions, 0 releases, 1 policy");
  CHECK(entries[2]["kind"] == "run_ended");
  CHECK(entries[2]["details"]["decisions"] == entries[1]["details"]["decisions"]);
  REQUIRE_MESSAGE(Run({"apply", "--auto"}) == ExitStatus::kDone, err.str());
  CHECK(LogEntries().size() == 3);
}

TEST_CASE_FIXTURE(DecidedCompany, "AStoreThatIsPutBackWithItsCheckpointIsNoAlarm") {
  const auto copy = [&](const std::string& from, const std::string& to) {
    std::filesystem::remove_all(folder / to);
    std::filesystem::copy(folder / from, folder / to, std::filesystem::copy_options::recursive);
  };
  copy("data", "old-data");
  copy("secrets", "old-secrets");
  Exempt("eve", "+9d");
  copy("old-data", "data");
  CHECK(Run({"plan"}) == ExitStatus::kError);
  CHECK(!Complains(kNotAsLogged));  // it is older than its checkpoint
  copy("old-secrets", "secrets");
  NobodyRefuses();
}

// Ends the process at the given reading.
class DeadlyClock final : public Clock {
 public:
  DeadlyClock(Clock& below, uint64_t deadly_at) : below_(below), deadly_at_(deadly_at) {}
  Instant Now() const override {
    if (++count_ == deadly_at_) kill(getpid(), SIGKILL);
    return below_.Now();
  }
  Duration Monotonic() const override { return below_.Monotonic(); }
  void Sleep(Duration length) override { below_.Sleep(length); }

 private:
  Clock& below_;
  const uint64_t deadly_at_;
  mutable std::atomic<uint64_t> count_ = 0;
};

struct RunToKill : DecidedCompany {
  // False once it has come to its end.
  bool KillAt(uint64_t reading, const std::vector<std::string>& arguments) {
    const pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      DeadlyClock deadly(clock, reading);
      Invocation invocation{.out = out,
                            .err = err,
                            .in = in,
                            .files = files,
                            .clock = deadly,
                            .random = random,
                            .processes = processes,
                            .surroundings = surroundings,
                            .caller = caller};
      invocation.working_folder = folder.path();
      CommandLine line;
      DeclareAll(line);
      std::_Exit(static_cast<int>(line.Run(arguments, invocation)));
    }
    int status = 0;
    waitpid(child, &status, 0);
    return WIFSIGNALED(status);
  }
};

// A renamed policy whose exemption moves, a release that is used, a policy that is confirmed.
TEST_CASE_FIXTURE(RunToKill, "ARunThatIsKilledAtAnyMomentIsNoAlarm") {
  REQUIRE(Run({"release", "stale_grant", "--reason", "checked"}) == ExitStatus::kDone);
  HireKim();
  std::string policies(kCompanyPolicies);
  policies.replace(policies.find("stale_grant \"Unused access goes\""), 32,
                   "idle \"Unused access goes\" renamed from stale_grant");
  Write("policies/access.rescind", policies + std::string(kClosedPolicy));
  const std::string id = MakePlan();
  const std::filesystem::path before = folder / "before";
  std::filesystem::create_directory(before);
  for (const char* each : {"data", "secrets"}) {
    std::filesystem::copy(folder / each, before / each, std::filesystem::copy_options::recursive);
  }
  uint64_t kill_count = 0;
  std::set<size_t> log_sizes;
  for (uint64_t reading = 1; KillAt(reading, {"apply", "p.json", "--confirm", id}); ++reading) {
    ++kill_count;
    CAPTURE(reading);
    REQUIRE_MESSAGE(Run({"plan"}) == ExitStatus::kDone, err.str());
    log_sizes.insert(LogEntries().size());
    for (const char* each : {"data", "secrets"}) {
      std::filesystem::remove_all(folder / each);
      std::filesystem::copy(before / each, folder / each, std::filesystem::copy_options::recursive);
    }
    GiveAccess();
    Write("on-kim-vpn", "");
  }
  CHECK(kill_count > 15);
  CHECK(log_sizes.size() > 5);
  REQUIRE_MESSAGE(Run({"plan"}) == ExitStatus::kDone, err.str());
  CHECK(!Has("on-kim-vpn"));
}

}  // namespace
}  // namespace rescind
