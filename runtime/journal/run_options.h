// RunOptions and ActionGate: what a run of the journal is told, and whom it asks.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>

#include "engine/base/instant.h"
#include "runtime/journal/action_runner.h"
#include "runtime/journal/backoff.h"
#include "runtime/journal/journal_entry.h"

namespace rescind {

// Whether an action may still begin, by the facts of now.
struct GateAnswer {
  enum class Kind : uint8_t { kGo = 1, kWithdraw = 2, kHold = 3 };
  Kind kind = Kind::kGo;
  std::string reason;
  // The use that the target told of, where a reason ended by that; kGo: others are left.
  std::optional<Instant> seen_use{};
};

// Asked before a system is called for an action that it was never called for, and again before
// every attempt. The service answers from the facts: does it still match, is it protected, exempt,
// used since? Called by one thread at a time, never while a commit is made.
class ActionGate {
 public:
  virtual ~ActionGate() = default;
  // `seen`: what the target says, which may know of use that no feed has told yet; null while it
  // has not been asked.
  virtual GateAnswer Judge(const JournalEntry& entry, const Observation* seen) = 0;
  // Grows with every use that ended a reason: what was let go before is to be asked about again,
  // since the same use may end it, too. Called by any thread.
  virtual uint64_t SeenUseCount() const = 0;
  // Before a compensation gives access back; `rolled_back`: names of the stages (JournalEntry::
  // rollback_groups) that are. kWithdraw: it stays as it is, somebody else wants it so; kHold: a
  // person must decide.
  virtual GateAnswer JudgeUndo(const JournalEntry& entry,
                               const std::set<std::string>& rolled_back) = 0;
};

struct RunOptions {
  std::string trigger;  // for the audit leaves
  // Only these actions; empty: all that are ready or in flight.
  std::set<std::string> keys;
  // How long this run waits for retries. What is left then stays open for the next run.
  Duration patience{0};
  // Worker threads; 1: everything in the caller's thread, in a repeatable order. A system takes
  // one at a time, so more than there are systems are of no use.
  uint32_t threads = 1;
  Backoff backoff;
  // Actions of one lane whose steps share a commit.
  uint32_t wave_actions = 32;
  // Asked before a system is called; true ends the run early and leaves the rest open (Ctrl-C).
  // What was called already is looked at once more.
  std::function<bool()> stop;
};

}  // namespace rescind
