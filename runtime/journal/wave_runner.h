// WaveRunner: takes one wave of actions of one system a step further.
//
//   load, judge ─ observe ─> judge, decide ═ intents durable ═ apply ─> conclude ═ outcomes durable
//   ═ verify ─> settle ═ durable
//
// What stands between ═ happens under the journal's lock and ends in one commit; calls of the
// system happen without it. Every step of the wave's actions is durable before the next one. It
// decides nothing about which action is next: that is the Schedule's.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "engine/base/result.h"
#include "runtime/env/clock.h"
#include "runtime/env/random.h"
#include "runtime/journal/action_runner.h"
#include "runtime/journal/journal.h"
#include "runtime/journal/run_options.h"
#include "runtime/journal/schedule.h"

namespace rescind {

// The wall clock where the run began, carried on by monotonic time: a jump of the wall clock
// neither spends a retry time nor stretches it.
class RunClock {
 public:
  explicit RunClock(Clock& clock)
      : clock_(clock), wall_start_(clock.Now()), monotonic_start_(clock.Monotonic()) {}
  Instant Now() const {
    return {wall_start_.micros + clock_.Monotonic().micros - monotonic_start_.micros};
  }

 private:
  Clock& clock_;
  const Instant wall_start_;
  const Duration monotonic_start_;
};

// What the waves of one run share; guarded by the journal's lock.
struct RunState {
  Schedule schedule;
  std::map<std::string, ActionState> states;  // of every action that the run has to do with
  std::map<std::string, uint32_t> failures;   // in a row, by key
  std::set<std::string> rolling_back;         // groups
};

struct RunSurroundings {
  Journal& journal;
  ActionRunners& runners;
  ActionGate& gate;
  Random& random;
  const RunClock& clock;
  const RunOptions& options;
};

class WaveRunner {
 public:
  WaveRunner(const RunSurroundings& surroundings, RunState& state)
      : in_(surroundings), state_(state) {}

  // Without the lock. An error is a failed commit: the run must end.
  Status Work(const Schedule::Wave& wave);
  // Under the lock: what a stage that is being rolled back has completed is to be undone.
  Status StartRollback(const std::string& group);

 private:
  enum class Next { kObserve, kApply, kUndo, kVerify, kLookUndone, kNothing };

  struct Item {
    JournalEntry entry;  // advanced with every step
    ActionRunner* runner = nullptr;
    Next next = Next::kNothing;
    std::optional<Result<Observation>> seen;
    std::optional<GateAnswer> answer;  // by what all of the wave were seen to be
    uint64_t seen_use_count = 0;       // of the gate, when it was asked
    std::optional<AttemptResult> attempt;
    std::optional<Verification> verification;
    bool had_doubt = false;      // may_have_effect before this attempt
    std::string current_digest;  // of what was just observed
  };

  // The phases, in this order.
  Status Load(const Schedule::Wave& wave);
  void Observe();
  Status Decide(const std::string& system);
  void Act();
  Status Conclude();
  void Check();
  Status Settle();

  void LoadItem(const JournalEntry& entry);
  // Whether the facts alone end it: true when a step was added that withdraws or holds it.
  bool EndsUncalled(Item& item);
  void StandBack(Item& item, const GateAnswer& answer);
  void LoadRollingBack(Item& item);
  // An attempt that was made has left it in the wanted state.
  static bool IsFoundDone(const Item& item) {
    return item.entry.attempt_count > 0 && (*item.seen)->in_wanted_state;
  }
  void JudgeSeen();
  // One of its stages is rolled back, and nobody else wants it as it is.
  bool IsRollingBack(const JournalEntry& entry);
  bool IsWantedByOthers(const JournalEntry& entry);
  // A person wants its stage carried out again, which has not failed since.
  bool IsUndoDropped(const JournalEntry& entry) const;
  // It stays as it is: what is rolled back now is never again about it.
  void LeaveRolledBack(JournalEntry& entry) const;
  void DecideApply(Item& item, const Observation& seen);
  void DecideRollback(Item& item, const Observation& seen);
  void FoundDone(Item& item, const Observation& seen);
  void BeginAttempt(Item& item, const Observation& seen);
  void DecideUndo(Item& item, const Observation& seen);
  void ConcludeApply(Item& item);
  void ConcludeUndo(Item& item);
  void SettleVerified(Item& item);
  void SettleUndone(Item& item);

  // Steps. Each adds to steps_; TakeSteps makes them durable.
  JournalStep& Advance(Item& item, ActionState to, const std::string& outcome);
  void NoteSilently(Item& item);
  void Retry(Item& item, const std::string& why,
             std::optional<Duration> retry_after = std::nullopt);
  void Fail(Item& item, const std::string& detail);
  void FailedCall(Item& item, const Error& error);
  void Compensate(Item& item, const std::string& detail);
  void JudgeQueue(const std::string& system);
  Status TakeSteps();

  void LaneFailed(const std::string& system, const std::string& error,
                  std::optional<Duration> retry_after);
  void LaneWorks(const std::string& system);
  Instant BudgetEnd(const JournalEntry& entry);
  bool Refresh(Item& item);
  // Whoever asks to stop waits for the call that is under way, not for those of the rest of the
  // wave.
  bool IsStopped() const;
  // Runs `call`; whether it was so slow that the rest of the wave should not wait behind it.
  template <typename Call>
  bool IsSlow(const Call& call);

  RunSurroundings in_;
  RunState& state_;
  std::vector<Item> items_;
  std::vector<JournalStep> steps_;
  KeyValueBatch health_;  // what changes of kFailingPrefix with the steps
};

}  // namespace rescind
