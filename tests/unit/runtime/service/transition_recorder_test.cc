#include "runtime/service/transition_recorder.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "runtime/audit/leaf.h"
#include "runtime/audit/log_reader.h"
#include "runtime/journal/journal_run.h"
#include "runtime/service/decision_check.h"
#include "runtime/service/system_runners.h"
#include "runtime/service/verified_facts.h"
#include "tests/unit/runtime/audit/audit_fixture.h"
#include "tests/unit/runtime/service/remembering_store.h"

namespace rescind {
namespace {

// An executor that does what it is asked.
class ObedientExecutor final : public Executor {
 public:
  ExecutorDescription Describe() const override { return {"obedient", {}}; }
  Result<TargetState> Observe(const Action&) override {
    if (is_down) return Error{ErrorKind::kUnavailable, "connection refused", ""};
    return TargetState{true, is_gone, is_gone ? "gone" : "there", "{}", "d", {}};
  }
  ApplyResult Apply(const Action&, const std::string& digest, uint64_t epoch) override {
    CHECK(digest == "d");
    CHECK(epoch == 9);
    is_gone = true;
    return {ApplyOutcome::kApplied, "removed", std::chrono::milliseconds(1500)};
  }
  ApplyResult Undo(const Action&, const std::string&) override {
    is_gone = false;
    return {ApplyOutcome::kPermanent, "cannot", {}};
  }
  VerifyResult Verify(const Action&) override {
    return {VerifyOutcome::kVerified, "bind refused", ""};
  }
  bool is_gone = false;
  bool is_down = false;
};

class OpenGate final : public ActionGate {
 public:
  GateAnswer Judge(const JournalEntry&, const Observation*) override { return {}; }
  uint64_t SeenUseCount() const override { return 0; }
  GateAnswer JudgeUndo(const JournalEntry&, const std::set<std::string>&) override { return {}; }
};

ActionRequest DisableAnn() {
  ActionRequest request;
  request.action.key = "k1";
  request.action.verb = Verb::kDisable;
  request.action.target = {"account", "ldap/ann", 1, "corp-ldap", {}};
  request.action.reasons = {{"access.left", "f1", "has left", 0, {"pci_dss_4 8.2.5"}}};
  request.wanted_key = "w1";
  TransitionContext context;
  context.judged_at = Instant{77};
  context.source_hashes["access.left"] = "sha256:abc";
  context.evidence = {{"i.email", {"ann@example.org", true}, "hr"},
                      {"i.contract_end", {"2026-03-31"}, "hr"}};
  request.context = EncodeContext(context);
  return request;
}

struct World {
  World() {
    auto opened = AuditLog::Open({store.values, keys.files, keys.clock, keys.random},
                                 {store.id(), keys.key_file()});
    REQUIRE(opened.ok());
    audit = *std::move(opened);
    recorder = std::make_unique<TransitionRecorder>(store, *audit);
    journal = Journal::Open(store.values, *recorder, keys.clock).value();
    auto made = std::make_unique<ObedientExecutor>();
    executor = made.get();
    runners.Add("corp-ldap", std::move(made));
  }
  AuditFixture keys;
  RememberingStore store;
  std::unique_ptr<AuditLog> audit;
  std::unique_ptr<TransitionRecorder> recorder;
  std::unique_ptr<Journal> journal;
  SystemRunners runners{9};
  ObedientExecutor* executor = nullptr;
  OpenGate gate;
};

TEST_CASE("EveryTransitionIsALeafAndTheLastOneAFact") {
  World world;
  std::vector<std::string> told;
  world.recorder->OnTransition([&](const Transition& transition) {
    told.emplace_back(ActionStateName(transition.entry.state));
  });
  const ActionRequest request = DisableAnn();
  REQUIRE(world.journal->Plan({&request, 1}, "apply p1").ok());
  RunOptions options;
  options.trigger = "apply p1 by uid 1000";
  const auto report =
      JournalRun(*world.journal, world.runners, world.gate, world.keys.clock, world.keys.random)
          .Run(options);
  REQUIRE(report.ok());
  CHECK(report->verified_count == 1);
  CHECK(told == std::vector<std::string>{"ready", "intent", "attempt", "applied", "verified"});

  const LogReader reader(world.store.values);
  CHECK(world.audit->size() == 6);  // the log's own first leaf, and the five
  const std::string planned = *reader.Leaf(1);
  CHECK(planned.find("\"source_hash\":\"sha256:abc\"") != std::string::npos);
  CHECK(planned.find("2026-03-31") != std::string::npos);
  CHECK(planned.find("pci_dss_4 8.2.5") != std::string::npos);
  CHECK(planned.find("ann@example.org") == std::string::npos);  // committed to
  CHECK(planned.find("\"judged_at\":\"1970-01-01T00:00:00.000077Z\"") != std::string::npos);
  const LeafView verified = ReadLeaf(*reader.Leaf(5)).value();
  CHECK(verified.from == "applied");
  CHECK(verified.to == "verified");
  CHECK(verified.trigger == "apply p1 by uid 1000");
  CHECK(reader.Leaf(5)->find("\"verified_by\":{\"commitment\":\"sha256:") != std::string::npos);

  REQUIRE(world.store.deltas.size() == 1);
  const FactDelta& delta = world.store.deltas[0];
  CHECK(delta.origin().source == "rescind");
  CHECK(delta.origin().observed_at == world.keys.clock.Now());
  REQUIRE(delta.rows().size() == 1);
  CHECK(delta.text(delta.rows()[0].key) == "ldap/ann");
  CHECK(delta.values(delta.rows()[0])[0].number == 1);  // disabled
}

TEST_CASE("WhatIsAddedToACommitIsThereWithItsStepOrNeitherIs") {
  World world;
  const ActionRequest request = DisableAnn();
  bool refuses = true;
  world.recorder->OnCommit([&](const Transition& transition, KeyValueBatch& batch) -> Status {
    batch.Put(fmt::format("added/{}", ActionStateName(transition.entry.state)), "1");
    if (refuses) return Error{ErrorKind::kIo, "cannot be read", ""};
    return {};
  });
  const auto refused = world.journal->Plan({&request, 1}, "apply p1");
  REQUIRE(!refused.ok());
  CHECK(refused.error().message == "cannot be read");
  CHECK(world.journal->IsNew());
  CHECK(world.audit->size() == 0);
  CHECK(!*world.store.values.Get("added/ready"));
  refuses = false;
  REQUIRE(world.journal->Plan({&request, 1}, "apply p1").ok());
  CHECK(world.audit->size() == 2);
  CHECK(*world.store.values.Get("added/ready") == "1");
  CHECK(!*world.store.values.Get("added/verified"));
}

// "uid=ann,ou=people: not locked" stood in the exported log, and could not be erased.
TEST_CASE("WhatASystemSaysIsCommittedToAndCanBeErased") {
  World world;
  ActionRequest request = DisableAnn();
  request.because = "has left";
  REQUIRE(world.journal->Plan({&request, 1}, "apply p1").ok());
  REQUIRE(JournalRun(*world.journal, world.runners, world.gate, world.keys.clock, world.keys.random)
              .Run({})
              .ok());
  const LogReader reader(world.store.values);
  std::vector<std::string> outcomes;
  for (uint64_t index = 1; index < world.audit->size(); ++index) {
    const std::string leaf = *reader.Leaf(index);
    for (const char* said : {"there", "removed", "bind refused"}) {
      CHECK_MESSAGE(leaf.find(said) == std::string::npos, leaf);
    }
    outcomes.push_back(ReadLeaf(leaf)->outcome);
  }
  // The policy's words and those of the journal name nobody.
  CHECK(outcomes == std::vector<std::string>{"has left", kCommittedText, "attempt 1",
                                             kCommittedText, kCommittedText});
  const auto holds = [&](uint64_t index, const std::string& text) {
    const auto personal = reader.Personal(index);
    REQUIRE(personal.ok());
    for (const PersonalValue& value : *personal) {
      if (value.value == text) return true;
    }
    return false;
  };
  CHECK(holds(2, "there"));
  CHECK(holds(4, "removed"));
  CHECK(holds(5, "bind refused"));
  const auto personal = reader.Personal(2);
  REQUIRE((personal.ok() && !personal->empty()));
  CHECK(ReadLeaf(*reader.Leaf(2))->outcome_commitment == CommitmentOf(personal->front()));
  KeyValueBatch batch;
  CHECK(world.audit->Erase("bind", "uid 1000", batch).value() == 2);  // verified_by, outcome
}

TEST_CASE("AFailedCommitLeavesNoLeafAndStopsTheRun") {
  World world;
  const ActionRequest request = DisableAnn();
  world.store.fails = true;
  CHECK(world.journal->Plan({&request, 1}, "").error().kind == ErrorKind::kIo);
  CHECK(world.audit->size() == 0);
  world.store.fails = false;
  REQUIRE(world.journal->Plan({&request, 1}, "").ok());
  CHECK(world.audit->size() == 2);
  CHECK(world.store.values.mark.size == 2);
}

TEST_CASE("OtherEventsAreRecordedAlone") {
  World world;
  AuditEvent started;
  started.kind = AuditKind::kRunStarted;
  KeyValueBatch batch;
  batch.Put("plan/last", "p1");
  REQUIRE(world.recorder->Record({started}, batch).ok());
  CHECK(world.audit->size() == 2);
  CHECK(world.store.values.Get("plan/last")->value() == "p1");
  world.store.fails = true;
  KeyValueBatch lost;
  CHECK_FALSE(world.recorder->Record({started}, lost).ok());
  CHECK(world.audit->size() == 2);
}

// Who looks for what is decided reads back to the last entry that says it.
TEST_CASE("ALongRunSaysWhatIsDecidedOnItsWay") {
  World world;
  AuditEvent started;
  started.kind = AuditKind::kRunStarted;
  KeyValueBatch batch;
  REQUIRE(world.recorder->Record({started}, batch).ok());
  std::vector<ActionRequest> requests;
  for (int index = 0; index < 2000; ++index) {
    ActionRequest& request = requests.emplace_back(DisableAnn());
    request.action.key = fmt::format("k{}", index);
    request.wanted_key = fmt::format("w{}", index);
    request.action.target.id = fmt::format("ldap/{}", index);
    REQUIRE(world.journal->Plan({&request, 1}, "").ok());
  }
  const LogReader reader(world.store.values);
  uint64_t silent_count = 0, said_count = 0;
  for (uint64_t index = 1; index < world.audit->size(); ++index) {
    const LeafView leaf = ReadLeaf(*reader.Leaf(index)).value();
    silent_count = leaf.decisions.empty() ? silent_count + 1 : 0;
    said_count += leaf.decisions.empty() ? 0 : 1;
    CHECK(silent_count < 256);
  }
  CHECK(said_count == 8);  // the start, and seven of 2,000
  const auto logged = ReadLoggedDecisions(reader);
  REQUIRE(logged.ok());
  CHECK(logged->index > 1500);
  CHECK(logged->kind == "transition");
  CHECK(!CompareDecisions(world.store, world.keys.key_file(), world.keys.files).value());
}

// In place of such an entry stands one of a program that knew none: nothing is known.
TEST_CASE("EntriesOfAnEarlierProgramTieNothing") {
  World world;
  const auto mismatch = [&] {
    return CompareDecisions(world.store, world.keys.key_file(), world.keys.files).value();
  };
  const auto append = [&](AuditKind kind, const std::string& exemption) {
    AuditEvent event;
    event.kind = kind;
    KeyValueBatch batch;
    if (!exemption.empty()) batch.Put("exempt/" + exemption, "any bytes");
    REQUIRE(world.audit->Append(event, batch).ok());
    world.store.values.Apply(batch);
    world.audit->Committed();
  };
  append(AuditKind::kNote, "");
  CHECK(!mismatch());
  append(AuditKind::kNote, "e-1");
  REQUIRE(mismatch().has_value());
  CHECK(mismatch()->logged.known == LoggedDecisions::Known::kNoneMade);
  append(AuditKind::kExemptionAdded, "e-2");
  CHECK(!mismatch());
  AuditEvent ended;
  ended.kind = AuditKind::kRunEnded;
  KeyValueBatch batch;
  REQUIRE(world.recorder->Record({ended}, batch).ok());
  CHECK(!mismatch());
  append(AuditKind::kNote, "e-3");
  REQUIRE(mismatch().has_value());
  CHECK(mismatch()->logged.index == world.audit->size() - 2);
  CHECK(mismatch()->logged.text == "2 exemptions, 0 releases, 0 policies");
  CHECK(mismatch()->stored.Text() == "3 exemptions, 0 releases, 0 policies");
}

TEST_CASE("ExecutorsAreReachedUnderTheNameOfTheirTarget") {
  World world;
  CHECK(world.runners.Find("nothing") == nullptr);
  CHECK(world.runners.FindExecutor("nothing") == nullptr);
  ActionRunner* runner = world.runners.Find("corp-ldap");
  REQUIRE(runner != nullptr);
  CHECK(world.runners.FindExecutor("corp-ldap")->Describe().kind == "obedient");
  const Action action = DisableAnn().action;
  CHECK(runner->Observe(action)->digest == "d");
  const AttemptResult applied = runner->Apply(action, "d");
  CHECK(applied.outcome == AttemptOutcome::kApplied);
  CHECK(applied.retry_after == Duration{1'500'000});
  CHECK(runner->Undo(action, "{}").outcome == AttemptOutcome::kPermanent);
  CHECK(runner->Verify(action).outcome == VerificationOutcome::kVerified);
  world.executor->is_down = true;
  CHECK(runner->Observe(action).error().kind == ErrorKind::kUnavailable);
}

TEST_CASE("VerifiedActionsBecomeFacts") {
  const Schema schema = SmallModel();
  FactDelta delta({"rescind", {}});
  Action action = DisableAnn().action;
  CHECK(AddCompensatedFact(action, schema, delta));
  CHECK(delta.values(delta.rows()[0])[0].number == 0);
  action.verb = Verb::kDelete;
  CHECK(AddVerifiedFact(action, schema, delta));
  CHECK(delta.rows()[1].deleted);
  action.verb = Verb::kRevoke;
  action.target.entity = "grant";
  CHECK(AddVerifiedFact(action, schema, delta));
  CHECK(delta.rows()[2].deleted);
  CHECK(AddCompensatedFact(action, schema, delta));
  CHECK(delta.rows()[3].restored);
  action.target.entity = "session";  // the model has none here
  CHECK_FALSE(AddVerifiedFact(action, schema, delta));
  action.verb = Verb::kRun;
  CHECK_FALSE(AddVerifiedFact(action, schema, delta));
  CHECK_FALSE(AddCompensatedFact(action, schema, delta));
  CHECK(delta.rows().size() == 4);
}

TEST_CASE("ContextsComeBackFromTheirText") {
  const TransitionContext context = DecodeContext(DisableAnn().context).value();
  CHECK(context.judged_at == Instant{77});
  CHECK(context.evidence[0].value.personal);
  CHECK(context.evidence[1].value.text == "2026-03-31");
  CHECK(EncodeContext(context) == DisableAnn().context);
  CHECK(DecodeContext("")->evidence.empty());
  for (const char* bad :
       {"{", "[]", "{}", R"({"format":"rescind.context/2"})", R"({"format":"rescind.context/1"})",
        R"({"format":"rescind.context/1","source_hashes":3,"evidence":[]})"}) {
    CHECK(DecodeContext(bad).error().kind == ErrorKind::kInvalidInput);
  }
}

}  // namespace
}  // namespace rescind
