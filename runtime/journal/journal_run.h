// JournalRun: carries out what the journal holds as ready, and finishes what was cut off.
//
// One lane a system: a dead system never delays another. In a lane: judge → observe → intent
// durable → apply → outcome durable → verify. It also is recovery: an action found in flight is
// observed before anything else happens to it. It knows no executors but through ActionRunner,
// and sleeps only through Clock.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "engine/base/result.h"
#include "runtime/env/clock.h"
#include "runtime/env/random.h"
#include "runtime/journal/action_runner.h"
#include "runtime/journal/journal.h"

namespace rescind {

// Whether an action may still begin, by the facts of now.
struct GateAnswer {
  enum class Kind : uint8_t { kGo = 1, kWithdraw = 2, kHold = 3 };
  Kind kind = Kind::kGo;
  std::string reason;
};

// Asked before every attempt. The service answers from the facts: does it still match, is it
// protected, exempt, used since? Called by one thread at a time.
class ActionGate {
 public:
  virtual ~ActionGate() = default;
  // `seen`: what the target says, which may know of use that no feed has told yet.
  virtual GateAnswer Judge(const JournalEntry& entry, const Observation& seen) = 0;
};

struct RunOptions {
  std::string trigger;  // for the audit leaves
  // Only these actions; empty: all that are ready or in flight.
  std::set<std::string> keys;
  // How long this run waits for retries. What is left then stays open for the next run.
  Duration patience{0};
  // One thread a lane, else everything in the caller's thread in a repeatable order.
  bool threads = false;
  Duration first_backoff{kMicrosPerSecond};
  Duration longest_backoff{5 * kMicrosPerMinute};
  // Actions of one lane whose steps share a commit.
  uint32_t wave_actions = 32;
  // Asked between steps; true ends the run early and leaves the rest open (Ctrl-C).
  std::function<bool()> stop;
};

struct RunReport {
  uint64_t verified_count = 0;
  uint64_t withdrawn_count = 0;
  uint64_t held_count = 0;
  uint64_t escalated_count = 0;
  uint64_t compensated_count = 0;
  uint64_t open_count = 0;              // selected, and neither of the above when the run ended
  std::vector<std::string> unfinished;  // keys: escalated ones, then open ones
};

class JournalRun {
 public:
  // All must outlive it.
  JournalRun(Journal& journal, ActionRunners& runners, ActionGate& gate, Clock& clock,
             Random& random)
      : journal_(journal), runners_(runners), gate_(gate), clock_(clock), random_(random) {}

  // Returns when nothing selected is left to do, patience is spent, or a commit failed: that
  // error is returned, and nothing was executed after it.
  Result<RunReport> Run(const RunOptions& options);

 private:
  Journal& journal_;
  ActionRunners& runners_;
  ActionGate& gate_;
  Clock& clock_;
  Random& random_;
};

}  // namespace rescind
