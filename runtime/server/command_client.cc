// One poll loop over the socket and a signalfd. There is no signal handler, hence nothing global:
// both signals are blocked while the loop runs, and are read like any other input.
#include "runtime/server/command_client.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <utility>

#include "runtime/env/descriptor.h"
#include "runtime/env/file_system.h"
#include "runtime/server/channel_socket.h"

extern char** environ;

namespace rescind {
namespace {

using AskerClock = std::chrono::steady_clock;

// How long the server's queue may be full.
constexpr std::chrono::milliseconds kConnectTime{5'000};
constexpr std::chrono::milliseconds kConnectPause{20};

// This process's standard streams. One that is closed is replaced by one that refuses like it,
// before a socket of ours takes its number.
class StandardStreams {
 public:
  static Result<StandardStreams> Find() {
    StandardStreams streams;
    for (int number = 0; number < 3; ++number) {
      if (fcntl(number, F_GETFD) >= 0) {
        streams.numbers_[number] = number;
        continue;
      }
      // Written to, it cannot be read; or the other way round.
      const int access = number == STDIN_FILENO ? O_WRONLY : O_RDONLY;
      const Descriptor opened(open("/dev/null", access | O_CLOEXEC));
      if (opened.open()) {
        streams.substitutes_[number] =
            Descriptor(fcntl(opened.number(), F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
      }
      if (!streams.substitutes_[number].open()) return SystemCallError("open", "/dev/null", errno);
      streams.numbers_[number] = streams.substitutes_[number].number();
    }
    return streams;
  }

  const std::array<int, 3>& numbers() const { return numbers_; }

 private:
  std::array<int, 3> numbers_{};
  std::array<Descriptor, 3> substitutes_;
};

// While it lives, SIGINT and SIGTERM wait in a descriptor.
class StopSignals {
 public:
  static Result<StopSignals> Watch() {
    StopSignals signals;
    for (const int number : {SIGINT, SIGTERM}) {
      struct sigaction action = {};
      sigaction(number, nullptr, &action);
      if (action.sa_handler != SIG_IGN) sigaddset(&signals.watched_, number);
    }
    signals.descriptor_ = Descriptor(signalfd(-1, &signals.watched_, SFD_CLOEXEC | SFD_NONBLOCK));
    if (!signals.descriptor_.open()) {
      return Error{ErrorKind::kIo,
                   fmt::format("cannot watch for signals: {}", std::strerror(errno)), ""};
    }
    pthread_sigmask(SIG_BLOCK, &signals.watched_, &signals.before_);
    signals.blocks_ = true;
    return signals;
  }
  StopSignals(StopSignals&& other) noexcept
      : watched_(other.watched_),
        before_(other.before_),
        descriptor_(std::move(other.descriptor_)),
        blocks_(std::exchange(other.blocks_, false)) {}
  StopSignals& operator=(StopSignals&&) = delete;
  ~StopSignals() { Restore(); }

  int number() const { return descriptor_.number(); }
  // The next one that came; 0: none.
  int Take() const {
    signalfd_siginfo info = {};
    const ssize_t count = read(descriptor_.number(), &info, sizeof info);
    return count == sizeof info ? static_cast<int>(info.ssi_signo) : 0;
  }
  // Lets it do what it would do without us. Returns only if that is not the end of the process.
  void Deliver(int signal_number) {
    Restore();
    raise(signal_number);
  }

 private:
  StopSignals() { sigemptyset(&watched_); }
  void Restore() {
    if (std::exchange(blocks_, false)) pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }

  sigset_t watched_ = {};
  sigset_t before_ = {};
  Descriptor descriptor_;
  bool blocks_ = false;
};

Error Interrupted() {
  return {ErrorKind::kUnavailable, "stopped while a running `rescind serve` was at the command",
          "`rescind status` says what was done"};
}

// Who connects is in the server's queue; nullopt: there is no server.
Result<std::optional<Descriptor>> ConnectTo(const std::string& path, StopSignals& signals) {
  auto address = ChannelAddress::Of(path);
  if (!address.ok()) {
    if (address.error().kind == ErrorKind::kNotFound) return std::optional<Descriptor>();
    return std::move(address).error();
  }
  RESCIND_ASSIGN(Descriptor socket, NewChannelSocket());
  const auto until = AskerClock::now() + kConnectTime;
  while (connect(socket.number(), address->get(), address->bytes()) != 0) {
    if (errno == EINTR) continue;
    if (errno == ENOENT || errno == ECONNREFUSED) return std::optional<Descriptor>();
    if (errno != EAGAIN) return SystemCallError("connect to", path, errno);
    if (AskerClock::now() >= until) {
      return Error{ErrorKind::kUnavailable,
                   fmt::format("too many commands wait for the `rescind serve` at {}", path),
                   "try again later; if that does not help, look at whether it still works"};
    }
    pollfd watched = {signals.number(), POLLIN, 0};
    poll(&watched, 1, static_cast<int>(kConnectPause.count()));
    if (const int signal_number = signals.Take(); signal_number != 0) {
      signals.Deliver(signal_number);
      return Interrupted();
    }
  }
  return std::optional<Descriptor>(std::move(socket));
}

// The talk of one command with its server, from the request to the answer.
class Conversation {
 public:
  Conversation(Descriptor socket, PeerIds server, std::string request,
               const std::array<int, 3>& streams)
      : socket_(std::move(socket)),
        server_(server),
        outgoing_(std::move(request)),
        streams_(streams) {}

  Result<int> Finish(StopSignals& signals) {
    while (true) {
      RESCIND_TRY(Send());
      std::array<pollfd, 2> watched = {
          {{socket_.number(), static_cast<short>(outgoing_.empty() ? POLLIN : POLLIN | POLLOUT), 0},
           {signals.number(), POLLIN, 0}}};
      if (poll(watched.data(), watched.size(), -1) < 0 && errno != EINTR) {
        return Error{ErrorKind::kIo,
                     fmt::format("cannot wait for the server: {}", std::strerror(errno)), ""};
      }
      // The answer first: a command that is done is done.
      RESCIND_ASSIGN(const auto answer, ReadAnswer());
      if (answer) return DecodeAnswer(*answer);
      if (const int signal_number = signals.Take(); signal_number != 0) {
        if (std::exchange(asked_to_stop_, true)) {
          signals.Deliver(signal_number);
          return Interrupted();
        }
        if (is_heard_) outgoing_ += EncodeStop();
      }
    }
  }

 private:
  Status Send() {
    while (!outgoing_.empty()) {
      const ssize_t count = gave_streams_ ? SendBytes() : SendBytesAndStreams();
      if (count > 0) {
        gave_streams_ = true;
        outgoing_.erase(0, static_cast<size_t>(count));
      } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
        return {};
      } else if (errno == EPIPE || errno == ECONNRESET) {
        // It does not listen to us any more; its reason may be there to read.
        is_heard_ = false;
        outgoing_.clear();
      } else if (errno != EINTR) {
        return Error{ErrorKind::kIo,
                     fmt::format("cannot give the command to the running `rescind serve`: {}",
                                 std::strerror(errno)),
                     ""};
      }
    }
    return {};
  }
  ssize_t SendBytes() const {
    return send(socket_.number(), outgoing_.data(), outgoing_.size(), MSG_NOSIGNAL);
  }
  ssize_t SendBytesAndStreams() {
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int) * 3)> control{};
    iovec part = {outgoing_.data(), outgoing_.size()};
    msghdr message = {};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    cmsghdr* rights = CMSG_FIRSTHDR(&message);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(sizeof(int) * streams_.size());
    std::memcpy(CMSG_DATA(rights), streams_.data(), sizeof(int) * streams_.size());
    return sendmsg(socket_.number(), &message, MSG_NOSIGNAL);
  }

  // nullopt: it is not there yet.
  Result<std::optional<std::string>> ReadAnswer() {
    std::vector<Descriptor> unwanted;
    const Received received =
        Receive(socket_.number(), kLengthBytes + kMaxAnswerBytes, incoming_, unwanted);
    auto answer = TakeMessage(incoming_, kMaxAnswerBytes);
    if (!answer.ok()) {
      return Error{ErrorKind::kCorrupt, "the answer of `rescind serve` is too long",
                   "restart `rescind serve` with this program"};
    }
    if (answer->has_value() || !received.ended) return answer;
    return Error{ErrorKind::kUnavailable,
                 fmt::format("`rescind serve` (process {}) ended before the command was done",
                             server_.process_id),
                 "`rescind status` says what was done; the command may be given again"};
  }

  Descriptor socket_;
  PeerIds server_;
  std::string outgoing_;
  std::string incoming_;
  std::array<int, 3> streams_;
  bool gave_streams_ = false;
  bool is_heard_ = true;
  bool asked_to_stop_ = false;
};

}  // namespace

Result<CommandCall> CallOfThisProcess(std::vector<std::string> arguments,
                                      std::string program_version) {
  CommandCall call;
  call.program_version = std::move(program_version);
  call.arguments = std::move(arguments);
  char* folder = getcwd(nullptr, 0);
  if (folder == nullptr) return SystemCallError("find the working folder", ".", errno);
  call.working_folder = folder;
  free(folder);
  for (char** line = environ; line != nullptr && *line != nullptr; ++line) {
    const std::string_view text(*line);
    const size_t equals = text.find('=');
    if (equals == std::string_view::npos || !IsCommandVariable(text.substr(0, equals))) continue;
    // The first one counts, as with getenv.
    call.environment.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  call.in_is_terminal = isatty(STDIN_FILENO) == 1;
  call.out_is_terminal = isatty(STDOUT_FILENO) == 1;
  call.err_is_terminal = isatty(STDERR_FILENO) == 1;
  return call;
}

bool ServerListens(const std::string& path) {
  const auto address = ChannelAddress::Of(path);
  if (!address.ok()) return false;
  const auto probe = NewChannelSocket();
  if (!probe.ok()) return false;
  // EAGAIN: so many wait for it that the kernel takes no more.
  return connect(probe->number(), address->get(), address->bytes()) == 0 || errno == EAGAIN;
}

Result<std::optional<int>> AskServer(const std::string& path, const CommandCall& call) {
  RESCIND_ASSIGN(const StandardStreams streams, StandardStreams::Find());
  RESCIND_ASSIGN(StopSignals signals, StopSignals::Watch());
  RESCIND_ASSIGN(auto socket, ConnectTo(path, signals));
  if (!socket) return std::optional<int>();
  RESCIND_ASSIGN(const PeerIds server, PeerOf(socket->number()));
  if (!MayServe(geteuid(), server.user_id)) {
    return Error{
        ErrorKind::kDenied,
        fmt::format("{} is served by user {}, who is neither you nor root", path, server.user_id),
        "look at who may write to that folder"};
  }
  RESCIND_ASSIGN(std::string request, EncodeCall(call));
  Conversation conversation(*std::move(socket), server, std::move(request), streams.numbers());
  RESCIND_ASSIGN(const int status, conversation.Finish(signals));
  return std::optional<int>(status);
}

}  // namespace rescind
