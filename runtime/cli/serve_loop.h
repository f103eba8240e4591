// ServeLoop: what `rescind serve` does until it is stopped.
//
//   a command of a client, or nothing until something is due ─> a step, where that changes anything
//
// Commands and steps take turns, so that each sees all or nothing of the other. A step that fails
// is tried again, later each time; a client can stop nothing. What is changed in policies and
// rescind.toml is in force before the next command. It knows neither signals nor what a step does.
// One thread.
#pragma once

#include <functional>
#include <map>
#include <string>

#include "engine/base/result.h"
#include "runtime/cli/command.h"
#include "runtime/cli/served_command.h"
#include "runtime/server/command_listener.h"
#include "runtime/service/continuous_run.h"

namespace rescind {

// What the process is told from outside; both may come at any time.
struct ServeSignals {
  std::function<bool()> stop;
  // Whether rescind.toml and policies are to be read again, changed or not; says so once.
  std::function<bool()> reload;
};

struct ServeVoice {
  std::function<void(const std::string&)> tell;
  std::function<void(const std::string&)> warn;
};

class ServeLoop {
 public:
  // All outlive it. `server`: the invocation of the serving process.
  ServeLoop(ContinuousRun& run, CommandListener& listener, Invocation& server, ServeSignals signals,
            ServeVoice voice);

  ~ServeLoop();
  ServeLoop(const ServeLoop&) = delete;
  ServeLoop& operator=(const ServeLoop&) = delete;

  // Until `signals.stop`. Error: the socket is of no more use, or the store was lost.
  Status Run();
  // What is due, and then one command, for which it waits no longer than until something is due.
  Status Turn();

  const ServerState& state() const { return state_; }

 private:
  void Step();
  void NoteStep(const StepAnswer& answer);
  Status ReadAgain(bool always);
  Status TakeCommands();
  Status RunCommand(CommandRequest request);
  Instant Now() const { return server_.clock.Now(); }

  ContinuousRun& run_;
  CommandListener& listener_;
  Invocation& server_;
  ServeSignals signals_;
  ServeVoice voice_;
  ServerState state_;
  ServedCommands commands_;
  bool looks_ = true;           // something has changed
  uint32_t failure_count_ = 0;  // of steps, in a row
  Duration read_at_;            // when policies were looked at last
  // What the last step left, by reason: it is said when it becomes another number.
  std::map<std::string, uint64_t> held_;
};

}  // namespace rescind
