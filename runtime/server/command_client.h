// The client's side of the command channel: a command asks whether a server holds the store, and
// if so lets it do the work.
//
//   RESCIND_ASSIGN(const CommandCall call, CallOfThisProcess(arguments, version));
//   RESCIND_ASSIGN(const auto status, AskServer(ChannelPath(store), call));
//   if (status) return *status;  // else there is no server: open the store
//
// The server writes to this process's own standard output and error and reads its standard input,
// so what a person sees is the same. It does not know what the command means.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/base/result.h"
#include "runtime/server/command_message.h"

namespace rescind {

// The command `arguments` as this process would run it: its folder, variables and terminals.
// kNotFound: the working folder is gone.
Result<CommandCall> CallOfThisProcess(std::vector<std::string> arguments,
                                      std::string program_version);

// Whether somebody listens there now. No command is begun.
bool ServerListens(const std::string& path);

// The exit status that the server gives for `call`; nullopt when there is no server: no socket, or
// nobody listens at it any more. Waits as long as the command takes, and before it others.
//
// The first SIGINT or SIGTERM meanwhile is passed on as the wish to stop, and waiting goes on; a
// second one does what it would do without us, which is to end the process. Signals that are
// ignored stay ignored. For one thread: the signals are blocked in the calling one.
//
// An Error is the server's refusal, with the server's words; or kUnavailable, when the server ends
// in the middle: what the command had done by then is unknown.
Result<std::optional<int>> AskServer(const std::string& path, const CommandCall& call);

}  // namespace rescind
