// ServedCommands: the commands of clients, run one after the other by the process that holds the
// store, with what they print going to their clients.
//
// A client's standard input is read only where it is a file; nobody can be asked anything, as
// without a terminal. It knows neither which command is run nor what the store is.
#pragma once

#include <functional>
#include <string>

#include "runtime/cli/command.h"
#include "runtime/server/command_listener.h"
#include "runtime/server/finished_commands.h"

namespace rescind {

class ServedCommands {
 public:
  // `server`: of the process; its streams, terminals and folder are those of the process. All that
  // it names outlives this.
  ServedCommands(const Invocation& server, StoreLender& lender)
      : server_(server), lender_(lender) {}

  // Runs it and answers, now or when the client has read what was printed. Returns what was run,
  // such as "exempt add"; empty: nothing. It is asked to stop when the process is.
  std::string Run(CommandRequest request, const std::function<bool()>& process_stops);

 private:
  const Invocation& server_;
  StoreLender& lender_;
  FinishedCommands finished_;
};

}  // namespace rescind
