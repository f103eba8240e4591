// The listener reads all its clients at once, so that one who sends half a request and falls silent
// holds up nobody:
//
//   connected ─ uid, at once ─> Client ─ bytes and descriptors ─> whole_ ─ Accept ─> CommandRequest
//        └─ refused               └─ refused: too large, too late, no call, another version
//
// While a command runs nobody is read; that time is not counted against those who wait.
#include "runtime/server/command_listener.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <iterator>
#include <utility>

#include "engine/base/assert.h"
#include "runtime/env/file_system.h"

namespace rescind {
namespace {

using std::chrono::milliseconds;
using ListenerClock = std::chrono::steady_clock;

constexpr size_t kStreamCount = 3;
constexpr int kBacklog = 4096;  // the kernel takes what net.core.somaxconn allows
constexpr mode_t kSocketMode = 0600;
// Where there is no descriptor or memory for a connection, it would be there again at once.
constexpr milliseconds kPauseWithoutRoom{100};

Error AnotherServes(const std::string& path, const std::string& who) {
  return {ErrorKind::kBusy, fmt::format("{} serves commands at {} already", who, path),
          "stop it, or let it serve: other commands reach it by themselves"};
}

// Success: the name is free. Called under the lock of the folder.
Status TakeDeadSocketAway(const ChannelAddress& address, const std::string& path) {
  struct stat info = {};
  if (fstatat(address.folder(), address.name().c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) {
    if (errno == ENOENT) return {};
    return SystemCallError("look at", path, errno);
  }
  if (!S_ISSOCK(info.st_mode)) {
    return Error{ErrorKind::kInvalidInput, fmt::format("{} is not a socket", path),
                 "move it away: `rescind serve` makes its socket there"};
  }
  RESCIND_ASSIGN(const Descriptor probe, NewChannelSocket());
  if (connect(probe.number(), address.get(), address.bytes()) == 0) {
    const auto ids = PeerOf(probe.number());
    return AnotherServes(path, ids.ok() ? fmt::format("process {}", ids->process_id)
                                        : std::string("another process"));
  }
  // EAGAIN: it lives, and so many wait for it that the kernel takes no more.
  if (errno == EAGAIN || errno == EPROTOTYPE) return AnotherServes(path, "another process");
  if (errno != ECONNREFUSED) return SystemCallError("connect to", path, errno);
  if (unlinkat(address.folder(), address.name().c_str(), 0) != 0 && errno != ENOENT) {
    return SystemCallError("remove", path, errno);
  }
  return {};
}

Status Bind(const Descriptor& socket, const ChannelAddress& address, const std::string& path) {
  // Before it has a name: the file of a socket gets the socket's mode, less the umask.
  if (fchmod(socket.number(), kSocketMode) != 0) return SystemCallError("protect", path, errno);
  if (bind(socket.number(), address.get(), address.bytes()) != 0) {
    if (errno == EADDRINUSE) return AnotherServes(path, "another process");
    return SystemCallError("make the socket", path, errno);
  }
  struct stat info = {};
  if (fstatat(address.folder(), address.name().c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) {
    return SystemCallError("look at", path, errno);
  }
  // An umask may have taken the owner's rights too.
  const bool is_right = (info.st_mode & 07777) == kSocketMode;
  if (!is_right && fchmodat(address.folder(), address.name().c_str(), kSocketMode, 0) != 0) {
    return SystemCallError("protect", path, errno);
  }
  if (listen(socket.number(), kBacklog) != 0) return SystemCallError("listen at", path, errno);
  return {};
}

Error StoppedBeforeItBegan() {
  return {ErrorKind::kUnavailable, "stopped before the command began: nothing was done", ""};
}

Error ServerEnds() {
  return {ErrorKind::kUnavailable,
          "`rescind serve` ended before the command began: nothing was done",
          "give the command again: it opens the store itself, or asks the next `rescind serve`"};
}

}  // namespace

// ---- CommandRequest -------------------------------------------------------------------------

CommandRequest::CommandRequest(CommandCall what, PeerIds from, Descriptor socket,
                               std::string unread, std::array<Descriptor, 3> streams)
    : call(std::move(what)),
      caller(from),
      socket_(std::move(socket)),
      unread_(std::move(unread)),
      streams_(std::move(streams)) {}

bool CommandRequest::ClientWantsStop() {
  if (gone_ || !socket_.open()) return wants_stop_ || gone_;
  std::vector<Descriptor> unwanted;
  const Received received =
      Receive(socket_.number(), kLengthBytes + kMaxStopBytes, unread_, unwanted);
  gone_ = received.ended || received.lost_descriptors || !unwanted.empty();
  while (!gone_) {
    const auto message = TakeMessage(unread_, kMaxStopBytes);
    if (message.ok() && !message->has_value()) break;
    // One who sends anything else is none of ours, and is not listened to any more.
    gone_ = !message.ok() || !DecodeStop(**message).ok();
    if (!gone_) wants_stop_ = true;
  }
  return wants_stop_ || gone_;
}

bool CommandRequest::End(const std::string& message) {
  RESCIND_ASSERT(socket_.open(), "a command is answered once");
  for (Descriptor& stream : streams_) stream.Close();
  // INVARIANT: nothing was sent before, so there is room for the whole message.
  const bool sent = SendAtOnce(socket_.number(), message);
  socket_.Close();
  return sent;
}

bool CommandRequest::Answer(int exit_status) {
  RESCIND_ASSERT(exit_status >= 0 && exit_status <= 255, "an exit status is one byte");
  return End(EncodeExitStatus(exit_status));
}

bool CommandRequest::Refuse(const Error& error) { return End(EncodeRefusal(error)); }

// ---- CommandListener ------------------------------------------------------------------------

CommandListener::CommandListener(ChannelAddress address, Descriptor socket,
                                 std::string program_version, ListenerLimits limits)
    : address_(std::move(address)),
      socket_(std::move(socket)),
      program_version_(std::move(program_version)),
      limits_(limits),
      left_at_(ListenerClock::now()),
      accepts_again_at_(left_at_) {}

Result<CommandListener> CommandListener::Open(const std::string& path, std::string program_version,
                                              ListenerLimits limits) {
  RESCIND_ASSIGN(ChannelAddress address, ChannelAddress::Of(path));
  // Two that begin at once would each take the other's new socket for a dead one. The lock ends
  // with `folder`, a description of its own.
  const Descriptor folder(openat(address.folder(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder.open()) return SystemCallError("open the folder of", path, errno);
  if (flock(folder.number(), LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK) {
      return Error{ErrorKind::kBusy,
                   fmt::format("another process begins just now to serve commands at {}", path),
                   "let it serve: other commands reach it by themselves"};
    }
    return SystemCallError("lock the folder of", path, errno);
  }
  RESCIND_TRY(TakeDeadSocketAway(address, path));
  RESCIND_ASSIGN(Descriptor socket, NewChannelSocket());
  RESCIND_TRY(Bind(socket, address, path));
  struct stat info = {};
  if (fstatat(address.folder(), address.name().c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) {
    return SystemCallError("look at", path, errno);
  }
  CommandListener listener(std::move(address), std::move(socket), std::move(program_version),
                           limits);
  listener.device_ = info.st_dev;
  listener.inode_ = info.st_ino;
  return listener;
}

CommandListener::~CommandListener() {
  if (!socket_.open()) return;  // moved from
  struct stat info = {};
  const char* name = address_.name().c_str();
  const bool is_ours = fstatat(address_.folder(), name, &info, AT_SYMLINK_NOFOLLOW) == 0 &&
                       info.st_dev == device_ && info.st_ino == inode_;
  if (is_ours) unlinkat(address_.folder(), name, 0);
  for (CommandRequest& request : whole_) request.Refuse(ServerEnds());
  for (const Client& client : clients_) {
    SendAtOnce(client.socket.number(), EncodeRefusal(ServerEnds()));
  }
  // Nobody new finds the way; those in the queue are told too.
  for (int turns = 0; turns < kBacklog; ++turns) {
    const Descriptor waiting(accept4(socket_.number(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!waiting.open()) break;
    SendAtOnce(waiting.number(), EncodeRefusal(ServerEnds()));
  }
}

void CommandListener::ForgiveTimeAway() {
  const auto away = ListenerClock::now() - left_at_;
  for (Client& client : clients_) client.deadline += away;
}

Result<std::optional<CommandRequest>> CommandListener::Accept(milliseconds timeout) {
  const Time until = ListenerClock::now() + timeout;
  ForgiveTimeAway();
  auto next = NextWhole();
  bool was_interrupted = false;
  do {
    if (next) break;
    RESCIND_TRY(Wait(until, was_interrupted));
    ReadClients();
    RESCIND_TRY(TakeConnections());
    next = NextWhole();
  } while (!was_interrupted && ListenerClock::now() < until);
  left_at_ = ListenerClock::now();
  return next;
}

// Passes over those whose users have changed their minds meanwhile.
std::optional<CommandRequest> CommandListener::NextWhole() {
  while (!whole_.empty()) {
    CommandRequest request = std::move(whole_.front());
    whole_.pop_front();
    if (!request.ClientWantsStop()) return request;
    request.Refuse(StoppedBeforeItBegan());
  }
  return std::nullopt;
}

// Until something is to be read, a client's time is spent, or `until`.
Status CommandListener::Wait(Time until, bool& was_interrupted) {
  const Time now = ListenerClock::now();
  std::vector<pollfd> watched;
  for (const Client& client : clients_) {
    watched.push_back({client.socket.number(), POLLIN, 0});
    until = std::min(until, client.deadline);
  }
  if (has_room() && now >= accepts_again_at_) {
    watched.push_back({socket_.number(), POLLIN, 0});
  } else if (has_room()) {
    until = std::min(until, accepts_again_at_);
  }
  const auto left = std::clamp(std::chrono::ceil<milliseconds>(until - now), milliseconds(0),
                               milliseconds(60'000));
  if (poll(watched.data(), watched.size(), static_cast<int>(left.count())) >= 0) return {};
  was_interrupted = errno == EINTR;
  if (was_interrupted || errno == ENOMEM) return {};
  return Error{ErrorKind::kIo, fmt::format("cannot wait for commands: {}", std::strerror(errno)),
               ""};
}

Status CommandListener::TakeConnections() {
  // Bounded: those who are refused leave their room at once, and others may come as fast.
  for (size_t turns = 0; turns < limits_.most_clients && has_room(); ++turns) {
    if (ListenerClock::now() < accepts_again_at_) return {};
    Descriptor taken(accept4(socket_.number(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (taken.open()) {
      Welcome(std::move(taken));
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      return {};
    } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
      accepts_again_at_ = ListenerClock::now() + kPauseWithoutRoom;
    } else if (errno != EINTR && errno != ECONNABORTED) {
      return Error{ErrorKind::kIo,
                   fmt::format("cannot take commands any more: {}", std::strerror(errno)),
                   "start `rescind serve` again"};
    }
  }
  return {};
}

void CommandListener::Welcome(Descriptor socket) {
  const auto ids = PeerOf(socket.number());
  if (!ids.ok()) {
    SendAtOnce(socket.number(), EncodeRefusal(ids.error()));
    return;
  }
  if (!MayCommand(geteuid(), ids->user_id)) {
    const Error refused{
        ErrorKind::kDenied,
        fmt::format("the store is held by user {}, and commands of user {} are not taken",
                    geteuid(), ids->user_id),
        "give the command as the user that runs `rescind serve`, or as root"};
    SendAtOnce(socket.number(), EncodeRefusal(refused));
    return;
  }
  Client client{std::move(socket), *ids, ListenerClock::now() + limits_.request_time};
  // Most send their request in the moment in which they connect.
  if (ReadClient(client)) clients_.push_back(std::move(client));
}

void CommandListener::ReadClients() {
  std::vector<Client> staying;
  for (Client& client : clients_) {
    if (ReadClient(client)) staying.push_back(std::move(client));
  }
  clients_ = std::move(staying);
}

bool CommandListener::ReadClient(Client& client) {
  const auto refuse = [&](const Error& error) {
    SendAtOnce(client.socket.number(), EncodeRefusal(error));
    return false;
  };
  const Received received = Receive(client.socket.number(), kLengthBytes + kMaxCallBytes,
                                    client.bytes, client.descriptors);
  if (received.lost_descriptors || client.descriptors.size() > kStreamCount) {
    return refuse({ErrorKind::kInvalidInput,
                   "the request came with too many open files: it needs three, its standard "
                   "streams, and `rescind serve` must be allowed to open them",
                   "raise the limit of open files of `rescind serve` (ulimit -n)"});
  }
  auto document = TakeMessage(client.bytes, kMaxCallBytes);
  if (!document.ok()) return refuse(document.error());
  if (document->has_value()) return TakeRequest(client, **document);
  if (received.ended) {
    return refuse({ErrorKind::kInvalidInput, "the request ends in the middle", ""});
  }
  if (ListenerClock::now() < client.deadline) return true;
  return refuse({ErrorKind::kUnavailable,
                 fmt::format("the request was not whole after {} ms", limits_.request_time.count()),
                 "give the command again"});
}

// Its request is whole, and it is no longer one of clients_: always false.
bool CommandListener::TakeRequest(Client& client, const std::string& document) {
  auto call = DecodeCall(document, program_version_);
  if (call.ok() && client.descriptors.size() != kStreamCount) {
    call = Error{ErrorKind::kInvalidInput,
                 fmt::format("the request came with {} open files; it needs three, its standard "
                             "streams",
                             client.descriptors.size()),
                 "runtime/server/README.md describes the requests"};
  }
  if (call.ok() && client.bytes.size() > kLengthBytes + kMaxStopBytes) {
    call = Error{ErrorKind::kInvalidInput, "there is more behind the request than a wish to stop",
                 "runtime/server/README.md describes the requests"};
  }
  if (!call.ok()) {
    SendAtOnce(client.socket.number(), EncodeRefusal(call.error()));
    return false;
  }
  std::array<Descriptor, kStreamCount> streams;
  std::move(client.descriptors.begin(), client.descriptors.end(), streams.begin());
  whole_.emplace_back(*std::move(call), client.ids, std::move(client.socket),
                      std::move(client.bytes), std::move(streams));
  return false;
}

}  // namespace rescind
