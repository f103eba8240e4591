// The server's side of the command channel: the process that holds the store takes commands of
// others here, one after the other.
//
//   RESCIND_ASSIGN(CommandListener listener, CommandListener::Open(path, version));
//   RESCIND_ASSIGN(auto request, listener.Accept(1s));
//   if (request) request->Answer(Run(*request));
//
// Nothing that a client does blocks or ends the server or stays behind in it: nobody is waited for
// alone, and everything has a bound. One thread. It does not know what a command does, and what the
// command writes to the client's streams is its own matter (README.md, "Streams").
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/result.h"
#include "runtime/env/descriptor.h"
#include "runtime/server/channel_socket.h"
#include "runtime/server/command_message.h"

namespace rescind {

// A command that a client waits for. Whoever lets it go without an answer lets the client believe
// that the server has died.
class CommandRequest {
 public:
  CommandRequest(CommandCall what, PeerIds from, Descriptor socket, std::string unread,
                 std::array<Descriptor, 3> streams);

  CommandCall call;
  PeerIds caller;
  // The client's own; closed by Answer and Refuse. Valid until then.
  int in() const { return streams_[0].number(); }
  int out() const { return streams_[1].number(); }
  int err() const { return streams_[2].number(); }

  // The client has gone, or its user wants it to end. Asks without waiting; once true, always true.
  bool ClientWantsStop();
  bool client_has_gone() const { return gone_; }

  // The last act: closes the streams, so that who reads them sees their end, and tells the client.
  // False: it has gone. `exit_status` is 0 to 255. At most once.
  bool Answer(int exit_status);
  bool Refuse(const Error& error);

 private:
  bool End(const std::string& message);

  Descriptor socket_;
  std::string unread_;
  std::array<Descriptor, 3> streams_;
  bool wants_stop_ = false;
  bool gone_ = false;
};

// What clients are held to.
struct ListenerLimits {
  // From its connection to its whole request, while the server listens.
  std::chrono::milliseconds request_time{5'000};
  // Who is read at the same time. Others wait in the kernel's queue.
  size_t most_clients = 64;
};

class CommandListener {
 public:
  // Takes the place of a server that has died. kBusy: another one lives, or is just beginning.
  // kInvalidInput: what lies there is no socket. The socket has mode 0600 from its first moment.
  static Result<CommandListener> Open(const std::string& path, std::string program_version,
                                      ListenerLimits limits = {});
  CommandListener(CommandListener&&) noexcept = default;
  CommandListener& operator=(CommandListener&&) = delete;
  ~CommandListener();  // takes the socket away; who has not been answered is told so

  // The next whole request, in the order in which they became whole; nullopt after `timeout`, and
  // when a signal came. Requests that cannot be taken are answered here. An Error means that the
  // socket itself is of no more use.
  Result<std::optional<CommandRequest>> Accept(std::chrono::milliseconds timeout);

  // For poll: readable when somebody connects. Accept also looks after those who are connected.
  int number() const { return socket_.number(); }

 private:
  using Time = std::chrono::steady_clock::time_point;

  // A client whose request is not whole yet.
  struct Client {
    Descriptor socket;
    PeerIds ids;
    Time deadline;
    std::string bytes = {};
    std::vector<Descriptor> descriptors = {};
  };

  CommandListener(ChannelAddress address, Descriptor socket, std::string program_version,
                  ListenerLimits limits);

  void ForgiveTimeAway();
  std::optional<CommandRequest> NextWhole();
  Status Wait(Time until, bool& was_interrupted);
  Status TakeConnections();
  void Welcome(Descriptor socket);
  void ReadClients();
  // False: it is done with; it was refused, it has gone, or its request is whole.
  bool ReadClient(Client& client);
  bool TakeRequest(Client& client, const std::string& document);
  bool has_room() const { return clients_.size() + whole_.size() < limits_.most_clients; }

  ChannelAddress address_;
  Descriptor socket_;
  std::string program_version_;
  ListenerLimits limits_;
  uint64_t device_ = 0;  // of the socket's file
  uint64_t inode_ = 0;
  std::vector<Client> clients_;
  std::deque<CommandRequest> whole_;
  Time left_at_;  // when the last Accept returned
  Time accepts_again_at_;
};

}  // namespace rescind
