// What the tests of the command channel share: clients in processes of their own, clients that do
// not keep to the rules, and a count of what is open.
#pragma once

#include <doctest/doctest.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <iterator>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "runtime/env/descriptor.h"
#include "runtime/server/channel_socket.h"
#include "runtime/server/command_client.h"
#include "runtime/server/command_listener.h"

namespace rescind {

inline constexpr const char* kTestVersion = "9.9.9";
inline constexpr std::chrono::milliseconds kPatience{20'000};

inline CommandCall TestCall(std::vector<std::string> arguments) {
  CommandCall call;
  call.program_version = kTestVersion;
  call.arguments = std::move(arguments);
  call.working_folder = "/";
  return call;
}

// What this process has open now.
inline size_t OpenDescriptorCount() {
  const std::filesystem::directory_iterator all("/proc/self/fd");
  return static_cast<size_t>(std::distance(begin(all), end(all)));
}

// A process that does `act` and ends with the status that it gives.
template <typename Act>
pid_t InChild(Act act) {
  std::fflush(nullptr);
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child != 0) return child;
  alarm(60);                                                           // what hangs ends
  for (const int number : {SIGINT, SIGTERM}) signal(number, SIG_DFL);  // not doctest's handlers
  _exit(act());
}

// A child's exit status; 1000 and more: the signal that ended it.
inline int EndOf(pid_t child) {
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFSIGNALED(status) ? 1000 + WTERMSIG(status) : WEXITSTATUS(status);
}

// What clients in children end with when they get no exit status from the server.
inline constexpr int kNoServer = 201;
inline constexpr int kRefused = 210;  // and the kind of the error

inline int StatusOfAsking(const std::string& path, const CommandCall& call) {
  const auto status = AskServer(path, call);
  if (!status.ok()) return kRefused + static_cast<int>(status.error().kind);
  return status->has_value() ? **status : kNoServer;
}

inline pid_t ClientInChild(const std::string& path, const CommandCall& call) {
  return InChild([&] { return StatusOfAsking(path, call); });
}

inline CommandListener MustListen(const std::string& path, ListenerLimits limits = {}) {
  auto listener = CommandListener::Open(path, kTestVersion, limits);
  REQUIRE_MESSAGE(listener.ok(), (listener.ok() ? "" : listener.error().message));
  return *std::move(listener);
}

inline CommandRequest MustAccept(CommandListener& listener) {
  auto request = listener.Accept(kPatience);
  REQUIRE(request.ok());
  REQUIRE(request->has_value());
  return **std::move(request);
}

// Serves until `client` has ended, of which no request may come; how it ended.
inline int EndOfRefused(pid_t client, CommandListener& listener) {
  siginfo_t info = {};
  const auto until = std::chrono::steady_clock::now() + kPatience;
  while (info.si_pid == 0 && std::chrono::steady_clock::now() < until) {
    const auto request = listener.Accept(std::chrono::milliseconds(20));
    REQUIRE(request.ok());
    CHECK_FALSE(request->has_value());
    waitid(P_PID, static_cast<id_t>(client), &info, WEXITED | WNOHANG | WNOWAIT);
  }
  return EndOf(client);
}

struct TestPipe {
  Descriptor read;
  Descriptor write;
  TestPipe() {
    int ends[2] = {-1, -1};
    REQUIRE(pipe2(ends, O_CLOEXEC) == 0);
    read = Descriptor(ends[0]);
    write = Descriptor(ends[1]);
  }
};

inline std::string ReadToEnd(int from) {
  std::string text;
  char block[4096];
  for (ssize_t count = 0; (count = ::read(from, block, sizeof block)) > 0;) {
    text.append(block, static_cast<size_t>(count));
  }
  return text;
}

// A client that sends what it likes.
class RawClient {
 public:
  explicit RawClient(const std::string& path) {
    auto address = ChannelAddress::Of(path);
    REQUIRE(address.ok());
    socket_ = Descriptor(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    REQUIRE(connect(socket_.number(), address->get(), address->bytes()) == 0);
  }

  // With so many descriptors. False: the server does not listen to it any more.
  bool Send(const std::string& bytes, size_t descriptor_count = 0) {
    std::vector<char> control(CMSG_SPACE(sizeof(int) * descriptor_count));
    iovec part = {const_cast<char*>(bytes.data()), bytes.size()};
    msghdr message = {};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    if (descriptor_count > 0) {
      message.msg_control = control.data();
      message.msg_controllen = control.size();
      cmsghdr* rights = CMSG_FIRSTHDR(&message);
      rights->cmsg_level = SOL_SOCKET;
      rights->cmsg_type = SCM_RIGHTS;
      rights->cmsg_len = CMSG_LEN(sizeof(int) * descriptor_count);
      const std::vector<int> numbers(descriptor_count, STDERR_FILENO);
      std::memcpy(CMSG_DATA(rights), numbers.data(), sizeof(int) * numbers.size());
    }
    return sendmsg(socket_.number(), &message, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0;
  }
  // What the server says, once it has hung up.
  std::string ReadAll() { return ReadToEnd(socket_.number()); }
  void HangUp() { socket_.Close(); }
  int number() const { return socket_.number(); }

 private:
  Descriptor socket_;
};

}  // namespace rescind
