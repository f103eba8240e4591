// JournalRun: carries out what the journal holds as ready, and finishes what was cut off.
//
// One lane a system: a dead system never delays another. In a lane: judge → observe → judge →
// intent durable → apply → outcome durable → verify. It also is recovery: an action found in flight
// is observed before anything else happens to it. It knows no executors but through ActionRunner,
// and sleeps only through Clock.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "engine/base/result.h"
#include "runtime/env/clock.h"
#include "runtime/env/random.h"
#include "runtime/journal/action_runner.h"
#include "runtime/journal/journal.h"
#include "runtime/journal/run_options.h"

namespace rescind {

struct RunState;
struct RunSurroundings;

struct RunReport {
  uint64_t verified_count = 0;
  uint64_t withdrawn_count = 0;
  uint64_t held_count = 0;
  uint64_t escalated_count = 0;
  uint64_t compensated_count = 0;
  uint64_t open_count = 0;              // none of the above when the run ended: the next goes on
  std::vector<std::string> unfinished;  // keys: escalated ones, then open ones
  // Systems that could not be used when the run ended, with what they last said.
  std::map<std::string, std::string> failing_systems;
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
  class Workers;
  Status Fill(const RunSurroundings& surroundings, RunState& state);
  Status FillHealth(Instant now, RunState& state) const;

  Journal& journal_;
  ActionRunners& runners_;
  ActionGate& gate_;
  Clock& clock_;
  Random& random_;
};

}  // namespace rescind
