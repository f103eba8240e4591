// A world for the journal: systems whose targets are there or gone, executors that fail in every
// way, a store that "crashes" at a chosen write, and the invariants, checked as things happen.
//
// Nothing here sleeps or waits: time is a VirtualClock and moves when somebody sleeps. A test that
// drives it with one seed sees the same history again.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "runtime/journal/journal.h"
#include "runtime/journal/journal_keys.h"
#include "runtime/journal/journal_run.h"
#include "tests/unit/runtime/memory_store.h"

namespace rescind {

// Where the next commit fails, as when the process is killed just before or just after it.
class SimulatedStore final : public TransitionCommitter {
 public:
  enum class Crash { kNever, kBefore, kAfter };

  Status Commit(KeyValueBatch& batch, std::span<const Transition> transitions) override {
    const std::lock_guard lock(mutex_);
    ++commit_count;
    const bool crashes = crash != Crash::kNever && commit_count == crash_at;
    if (crashes && crash == Crash::kBefore) return Crashed();
    CheckTransitions(transitions);
    if (extra) extra(batch, transitions);
    values.Apply(batch);
    history.insert(history.end(), transitions.begin(), transitions.end());
    for (const Transition& transition : transitions) {
      states[transition.entry.action.key] = transition.entry.state;
      if (!transition.seen_use) continue;
      for (const ActionReason& reason : transition.entry.action.reasons) {
        used_findings.insert(reason.finding_id);
      }
    }
    if (crashes) return Crashed();
    return {};
  }

  void CrashAt(uint64_t commit, Crash mode) {
    commit_count = 0;
    crash_at = commit;
    crash = mode;
  }

  std::vector<std::string> NamesOf(const std::string& key) const {
    std::vector<std::string> names;
    for (const Transition& transition : history) {
      if (transition.entry.action.key == key) {
        names.emplace_back(ActionStateName(transition.entry.state));
      }
    }
    return names;
  }

  // What is durable of an action, asked by a system that is being called: any thread.
  JournalEntry DurableEntry(const std::string& key) const {
    const std::lock_guard lock(mutex_);
    const auto bytes = values.Get(JournalKey(kOpenPrefix, key));
    REQUIRE(bytes->has_value());
    return DecodeEntry(**bytes).value();
  }

  MemoryStore values;
  std::vector<Transition> history;
  std::map<std::string, ActionState> states;  // by key, as durable
  std::set<std::string> used_findings;        // that ended by a use, which is a fact by now
  std::function<void(KeyValueBatch&, std::span<const Transition>)> extra;
  uint64_t commit_count = 0;
  uint64_t crash_at = 0;
  Crash crash = Crash::kNever;

 private:
  static Error Crashed() { return {ErrorKind::kIo, "the process was killed", ""}; }

  // Every transition continues what was durable before it.
  void CheckTransitions(std::span<const Transition> transitions) const {
    std::map<std::string, ActionState> now;
    for (const Transition& transition : transitions) {
      const std::string& key = transition.entry.action.key;
      REQUIRE(IsLegalStep(transition.from, transition.entry.state));
      if (!now.contains(key) && states.contains(key)) now[key] = states.at(key);
      const ActionState before = now.contains(key) ? now.at(key) : ActionState::kPlanned;
      REQUIRE(before == transition.from);
      now[key] = transition.entry.state;
    }
  }

  mutable std::mutex mutex_;
};

// What an executor does when it is called; one of these a call, else it works.
enum class Fault {
  kNone,
  kUnavailable,      // Observe fails; Apply is transient
  kThrottled,        // transient, with a time to wait
  kHang,             // the time limit passes, nothing happened, unknown
  kEffectThenLost,   // it happened, the answer is lost: unknown
  kLateEffect,       // unknown now, and it happens at a later call
  kErrorWithEffect,  // it happened, and the executor says that nothing did
  kNoEffect,         // 200 without effect
  kHalfDone,         // a part happened, the answer is lost
  kGoneMeanwhile,    // somebody else was quicker
  kPermanent,
  kCannotTell,  // Verify sees nothing
};

struct SimulatedTarget {
  bool is_present = true;
  bool is_still_effective = false;  // access remains by another way
  std::string still_effective_evidence = "log-in worked";
  int effect_count = 0;  // present → gone by us
  int undo_count = 0;
  bool late_effect_pending = false;
  bool is_half_done = false;
  bool is_refusing = false;  // transient at every call
  std::optional<Instant> last_used;
};

class SimulatedWorld;

class SimulatedRunner final : public ActionRunner {
 public:
  SimulatedRunner(SimulatedWorld& world, std::string system)
      : world_(world), system_(std::move(system)) {}
  Result<Observation> Observe(const Action& action) override;
  AttemptResult Apply(const Action& action, const std::string& digest) override;
  AttemptResult Undo(const Action& action, const std::string& preimage) override;
  Verification Verify(const Action& action) override;

 private:
  Fault NextFault();
  SimulatedTarget& TargetOf(const Action& action);
  void TakeAway(SimulatedTarget& target, const Action& action);

  SimulatedWorld& world_;
  const std::string system_;
};

class SimulatedWorld final : public ActionRunners, public ActionGate {
 public:
  explicit SimulatedWorld(uint64_t seed) : random(seed), fault_random(seed + 1) {}

  ActionRunner* Find(const std::string& system) override {
    if (unknown_systems.contains(system)) return nullptr;
    auto& runner = runners_[system];
    if (!runner) runner = std::make_unique<SimulatedRunner>(*this, system);
    return runner.get();
  }

  GateAnswer Judge(const JournalEntry& entry, const Observation* seen) override {
    const std::string& key = entry.action.key;
    if (protected_keys.contains(key)) return {GateAnswer::Kind::kHold, "protected"};
    if (ended_keys.contains(key)) return {GateAnswer::Kind::kWithdraw, "the match ended"};
    GateAnswer answer;
    const bool was_used = seen != nullptr && seen->last_used && *seen->last_used > entry.planned_at;
    if (was_used) answer.seen_use = seen->last_used;
    bool stands = false;
    for (const ActionReason& reason : entry.action.reasons) {
      if (was_used) NoteUse(reason.finding_id);
      stands |= !IsUsed(reason.finding_id);
    }
    if (!stands) {
      answer.kind = GateAnswer::Kind::kWithdraw;
      answer.reason = "used since";
    }
    return answer;
  }
  uint64_t SeenUseCount() const override { return seen_use_count; }
  void NoteUse(const std::string& finding) {
    if (unminded.contains(finding)) return;
    if (used_findings.insert(finding).second) ++seen_use_count;
  }
  // By what this process has seen, or one before it has left as a fact.
  bool IsUsed(const std::string& finding) const {
    return !unminded.contains(finding) &&
           (used_findings.contains(finding) || store.used_findings.contains(finding));
  }
  GateAnswer JudgeUndo(const JournalEntry& entry,
                       const std::set<std::string>& rolled_back) override {
    const auto& groups = entry.rollback_groups;
    const bool all_are_rolled_back =
        std::all_of(groups.begin(), groups.end(),
                    [&](const std::string& group) { return rolled_back.contains(group); });
    const bool let_go_by_others = entry.on_failure == OnFailure::kKeep || !all_are_rolled_back;
    if (let_go_by_others && !entry.is_undo) {
      return {GateAnswer::Kind::kWithdraw, "others let it go, too"};
    }
    if (wanted_keys.contains(entry.action.key)) return {GateAnswer::Kind::kWithdraw, "wanted"};
    if (protected_keys.contains(entry.action.key)) return {GateAnswer::Kind::kHold, "protected"};
    return {};
  }

  // ---- Planning ----
  static ActionRequest Request(const std::string& system, const std::string& target) {
    ActionRequest request;
    request.action.key = "key:" + system + "/" + target;
    request.action.verb = Verb::kRevoke;
    request.action.target.entity = "grant";
    request.action.target.id = target;
    request.action.target.system = system;
    request.action.reasons = {{"access.stale", "finding-1", "unused", 0, {"pci_dss_4 8.2.6"}}};
    request.wanted_key = "wanted:" + system + "/" + target;
    request.retry_for = {kMicrosPerHour};
    return request;
  }

  // ---- The life of one process: from opening the journal to its end or its crash ----
  std::unique_ptr<Journal> OpenJournal() {
    auto journal = Journal::Open(store.values, store, clock);
    REQUIRE_MESSAGE(journal.ok(), journal.error().message);
    return *std::move(journal);
  }
  Result<RunReport> Run(Journal& journal, RunOptions options = {}) {
    options.trigger = "test";
    used_findings.clear();
    return JournalRun(journal, *this, *this, clock, random).Run(options);
  }
  RunReport RunToEnd(Journal& journal, uint32_t wave_actions = 32) {
    RunOptions options;
    options.patience = {30 * kMicrosPerDay};
    options.wave_actions = wave_actions;
    const auto report = Run(journal, options);
    REQUIRE_MESSAGE(report.ok(), report.error().message);
    return *report;
  }

  SimulatedTarget& Target(const std::string& system, const std::string& id) {
    return targets[system + "/" + id];
  }

  SimulatedStore store;
  VirtualClock clock{{1'790'000'000'000'000}};
  SeededRandom random;
  SeededRandom fault_random;

  std::map<std::string, SimulatedTarget> targets;
  std::set<std::string> unknown_systems;
  std::set<std::string> dead_systems;
  std::set<std::string> refusing_systems;  // our log-in
  std::set<std::string> protected_keys;
  std::set<std::string> wanted_keys;  // by somebody else, as they are: never undone
  std::set<std::string> ended_keys;
  std::set<std::string> used_findings;  // seen to be ended by a use, by this process
  std::set<std::string> unminded;       // findings that do not ask when something was used
  std::atomic<uint64_t> seen_use_count{0};
  std::function<void(const Action&)> before_apply;
  std::map<std::string, std::deque<Fault>> script;  // by system: what the next calls do
  uint64_t fault_percent = 0;                       // else by chance
  std::vector<Fault> faults_by_chance;
  std::vector<std::string> calls;          // "apply ldap/ann"
  std::map<std::string, int> apply_count;  // by key
  std::map<std::string, int> net_effects;  // by key
  bool silent = false;                     // says nothing beside how a call ended
  std::recursive_mutex mutex;

 private:
  std::map<std::string, std::unique_ptr<SimulatedRunner>> runners_;
};

inline Fault SimulatedRunner::NextFault() {
  auto& script = world_.script[system_];
  if (!script.empty()) {
    const Fault fault = script.front();
    script.pop_front();
    return fault;
  }
  if (world_.faults_by_chance.empty() || world_.fault_random.Below(100) >= world_.fault_percent) {
    return Fault::kNone;
  }
  return world_.faults_by_chance[world_.fault_random.Below(world_.faults_by_chance.size())];
}

inline SimulatedTarget& SimulatedRunner::TargetOf(const Action& action) {
  SimulatedTarget& target = world_.Target(system_, action.target.id);
  if (target.late_effect_pending) {
    target.late_effect_pending = false;
    TakeAway(target, action);
  }
  return target;
}

inline void SimulatedRunner::TakeAway(SimulatedTarget& target, const Action& action) {
  if (!target.is_present) return;
  target.is_present = false;
  ++target.effect_count;
  // INVARIANT 2: at most one net effect a key.
  CHECK_MESSAGE(++world_.net_effects[action.key] <= 1, action.key << " was done twice");
}

inline Result<Observation> SimulatedRunner::Observe(const Action& action) {
  const std::lock_guard lock(world_.mutex);
  world_.calls.push_back("observe " + system_ + "/" + action.target.id);
  if (world_.dead_systems.contains(system_)) {
    world_.clock.Sleep({5 * kMicrosPerSecond});
    return Error{ErrorKind::kUnavailable, system_ + " cannot be reached", ""};
  }
  if (world_.refusing_systems.contains(system_)) {
    return Error{ErrorKind::kLogInRefused, system_ + " refuses the log-in", ""};
  }
  const Fault fault = NextFault();
  if (fault == Fault::kUnavailable || fault == Fault::kHang) {
    if (fault == Fault::kHang) world_.clock.Sleep({30 * kMicrosPerSecond});
    return Error{ErrorKind::kUnavailable, system_ + " cannot be reached", ""};
  }
  if (fault == Fault::kPermanent) {
    return Error{ErrorKind::kInvalidInput, "the mapping fits two objects", "mend the mapping"};
  }
  const SimulatedTarget& target = TargetOf(action);
  Observation seen;
  seen.in_wanted_state = !target.is_present;
  seen.summary = target.is_present ? "there" : "gone";
  seen.preimage = !target.is_present ? "{}" : target.is_half_done ? "{half}" : "{present}";
  seen.digest = seen.preimage;
  seen.last_used = target.last_used;
  return seen;
}

inline AttemptResult SimulatedRunner::Apply(const Action& action, const std::string& digest) {
  const std::lock_guard lock(world_.mutex);
  world_.calls.push_back("apply " + system_ + "/" + action.target.id);
  ++world_.apply_count[action.key];
  // INVARIANT 3: no effect without an earlier durable intent, with what an undo needs.
  const JournalEntry durable = world_.store.DurableEntry(action.key);
  CHECK(durable.state == ActionState::kAttempt);
  CHECK(durable.may_have_effect);
  CHECK(durable.preimage == "{present}");
  // INVARIANTS 7 and 8: neither protected nor withdrawn.
  CHECK_FALSE(world_.protected_keys.contains(action.key));
  CHECK_FALSE(world_.ended_keys.contains(action.key));
  // INVARIANT 8, in whatever order they were observed: not after a use that ends its finding.
  CHECK_FALSE(
      std::all_of(action.reasons.begin(), action.reasons.end(),
                  [&](const ActionReason& reason) { return world_.IsUsed(reason.finding_id); }));
  if (world_.before_apply) world_.before_apply(action);

  const Fault fault = NextFault();
  SimulatedTarget& target = TargetOf(action);
  if (target.is_refusing) {
    return {AttemptOutcome::kTransient, world_.silent ? "" : "busy", {}};
  }
  switch (fault) {
    case Fault::kUnavailable: return {AttemptOutcome::kTransient, "connection refused", {}};
    case Fault::kThrottled:
      return {AttemptOutcome::kTransient, "too many requests", Duration{90 * kMicrosPerSecond}};
    case Fault::kHang:
      world_.clock.Sleep({30 * kMicrosPerSecond});
      return {AttemptOutcome::kUnknown, "no answer in time", {}};
    case Fault::kEffectThenLost:
      TakeAway(target, action);
      return {AttemptOutcome::kUnknown, "connection lost", {}};
    case Fault::kLateEffect:
      target.late_effect_pending = target.is_present;
      return {AttemptOutcome::kUnknown, "no answer in time", {}};
    case Fault::kErrorWithEffect:
      TakeAway(target, action);
      return {AttemptOutcome::kTransient, "internal error", {}};
    case Fault::kHalfDone:
      target.is_half_done = true;
      return {AttemptOutcome::kUnknown, "connection lost", {}};
    case Fault::kGoneMeanwhile: target.is_present = false; break;
    case Fault::kNoEffect: return {AttemptOutcome::kApplied, "200", {}};
    case Fault::kPermanent: return {AttemptOutcome::kPermanent, "forbidden by the schema", {}};
    default: break;
  }
  if (!target.is_present) return {AttemptOutcome::kAlready, "was gone", {}};
  if (digest != (target.is_half_done ? "{half}" : "{present}")) {
    return {AttemptOutcome::kTransient, "changed since", {}};
  }
  TakeAway(target, action);
  return {AttemptOutcome::kApplied, "removed", {}};
}

inline AttemptResult SimulatedRunner::Undo(const Action& action, const std::string& preimage) {
  const std::lock_guard lock(world_.mutex);
  world_.calls.push_back("undo " + system_ + "/" + action.target.id);
  CHECK(world_.store.DurableEntry(action.key).state == ActionState::kCompensating);
  CHECK(preimage == "{present}");
  CHECK_FALSE(world_.protected_keys.contains(action.key));
  const Fault fault = NextFault();
  SimulatedTarget& target = TargetOf(action);
  if (fault == Fault::kUnavailable) return {AttemptOutcome::kTransient, "connection refused", {}};
  if (fault == Fault::kHang) return {AttemptOutcome::kUnknown, "no answer in time", {}};
  if (fault == Fault::kPermanent) return {AttemptOutcome::kPermanent, "cannot be undone", {}};
  if (target.is_present) return {AttemptOutcome::kAlready, "is there", {}};
  target.is_present = true;
  target.is_half_done = false;
  ++target.undo_count;
  --world_.net_effects[action.key];
  CHECK(target.undo_count <= target.effect_count);
  if (fault == Fault::kEffectThenLost) return {AttemptOutcome::kUnknown, "connection lost", {}};
  return {AttemptOutcome::kApplied, "given back", {}};
}

inline Verification SimulatedRunner::Verify(const Action& action) {
  const std::lock_guard lock(world_.mutex);
  world_.calls.push_back("verify " + system_ + "/" + action.target.id);
  if (world_.dead_systems.contains(system_)) {
    return {VerificationOutcome::kCannotTell, system_ + " cannot be reached", ""};
  }
  const Fault fault = NextFault();
  if (fault == Fault::kCannotTell || fault == Fault::kUnavailable || fault == Fault::kHang) {
    return {VerificationOutcome::kCannotTell, world_.silent ? "" : "no answer", ""};
  }
  const SimulatedTarget& target = TargetOf(action);
  if (target.is_still_effective) {
    return {VerificationOutcome::kStillEffective, target.still_effective_evidence,
            "a nested group"};
  }
  if (target.is_present) return {VerificationOutcome::kCannotTell, "still listed", ""};
  return {VerificationOutcome::kVerified, "log-in refused", ""};
}

// A world with one action on ldap/ann that is ready.
struct OneAction {
  explicit OneAction(OnFailure on_failure = OnFailure::kKeep) {
    request.on_failure = on_failure;
    if (on_failure == OnFailure::kRollback) request.rollback_groups = {"finding-1/0"};
    journal = world.OpenJournal();
    REQUIRE(journal->Plan({&request, 1}, "").ok());
  }
  ActionState state() { return journal->Find(request.action.key).value()->state; }
  std::string detail() { return journal->Find(request.action.key).value()->detail; }
  std::vector<std::string> names() { return world.store.NamesOf(request.action.key); }
  SimulatedTarget& target() { return world.Target("ldap", "ann"); }

  SimulatedWorld world{7};
  ActionRequest request = SimulatedWorld::Request("ldap", "ann");
  std::unique_ptr<Journal> journal;
};

}  // namespace rescind
