// FinishedCommands: commands that are done, but whose clients have not read all of it yet.
//
// The server goes on with the next command meanwhile; each of these gets its exit status when it
// has read everything. Its own thread; the rest of the server knows nothing of it.
#pragma once

#include <condition_variable>
#include <list>
#include <memory>
#include <mutex>
#include <thread>

#include "runtime/server/client_output.h"
#include "runtime/server/command_listener.h"

namespace rescind {

class FinishedCommands {
 public:
  FinishedCommands() = default;
  // Gives those who read on a moment; the others are told nothing more.
  ~FinishedCommands();
  FinishedCommands(const FinishedCommands&) = delete;
  FinishedCommands& operator=(const FinishedCommands&) = delete;

  // `out`, `err`: of the streams of the request, which are closed when it is answered.
  void Add(CommandRequest request, std::unique_ptr<ClientOutput> out,
           std::unique_ptr<ClientOutput> err, int exit_status);

 private:
  struct Command {
    CommandRequest request;
    std::unique_ptr<ClientOutput> out;
    std::unique_ptr<ClientOutput> err;
    int exit_status;
  };

  void Loop();
  // Whether it is over: answered, or the client has gone.
  static bool GoOn(Command& command);

  std::mutex mutex_;
  std::condition_variable news_;
  std::list<Command> commands_;
  bool ends_ = false;
  std::thread thread_;  // begun with the first that does not read at once
};

}  // namespace rescind
