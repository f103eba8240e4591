// The server's side, against clients that do not keep to the rules: nothing blocks it, nothing
// stays behind in it, and who keeps to them is served all the same.
#include "runtime/server/command_listener.h"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>

#include <algorithm>
#include <ctime>
#include <fstream>
#include <memory>
#include <random>
#include <thread>

#include "tests/unit/runtime/server/channel_test_parts.h"
#include "tests/unit/temporary_folder.h"
#include "tests/unit/test_seed.h"

namespace rescind {
namespace {

using std::chrono::milliseconds;
using TestClock = std::chrono::steady_clock;

std::string GoodRequest() {
  auto message = EncodeCall(TestCall({"status"}));
  REQUIRE(message.ok());
  return *message;
}

// Lets the listener see all that has been sent to it; no request may come of it.
void ExpectNoRequest(CommandListener& listener, milliseconds timeout = milliseconds(30)) {
  const auto request = listener.Accept(timeout);
  REQUIRE(request.ok());
  CHECK_FALSE(request->has_value());
}

// A client in a process of its own gets its status: the listener still works.
void ExpectService(CommandListener& listener, const std::string& path) {
  const pid_t client = ClientInChild(path, TestCall({"status"}));
  MustAccept(listener).Answer(42);
  CHECK(EndOf(client) == 42);
}

TEST_CASE("SocketIsItsOwnersFromItsFirstMoment") {
  const TemporaryFolder folder;
  const std::string path = folder / "command.sock";
  for (const mode_t mask : {0, 0777, 022}) {
    CAPTURE(mask);
    const mode_t before = umask(mask);
    auto listener = CommandListener::Open(path, kTestVersion);
    umask(before);
    REQUIRE(listener.ok());
    struct stat info = {};
    REQUIRE(lstat(path.c_str(), &info) == 0);
    CHECK(S_ISSOCK(info.st_mode));
    CHECK((info.st_mode & 07777) == 0600);
    CHECK(info.st_uid == geteuid());
    ExpectService(*listener, path);
  }
  CHECK_FALSE(std::filesystem::exists(path));  // it leaves nothing
}

// The mode that it is made with is seen by what changes it later.
TEST_CASE("SocketIsNotMadeWithAWiderModeFirst") {
  const TemporaryFolder folder;
  const Descriptor watch(inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  REQUIRE(inotify_add_watch(watch.number(), folder.path().c_str(), IN_CREATE | IN_ATTRIB) >= 0);
  const mode_t before = umask(0);
  const auto listener = CommandListener::Open(folder / "command.sock", kTestVersion);
  umask(before);
  REQUIRE(listener.ok());
  alignas(inotify_event) char events[4096];
  const ssize_t bytes = read(watch.number(), events, sizeof events);
  REQUIRE(bytes > 0);
  size_t count = 0;
  for (ssize_t at = 0; at < bytes; ++count) {
    inotify_event event;
    std::memcpy(&event, events + at, sizeof event);
    CHECK(event.mask == IN_CREATE);
    at += static_cast<ssize_t>(sizeof event + event.len);
  }
  CHECK(count == 1);
}

TEST_CASE("SocketOfADeadServerIsReplaced") {
  const TemporaryFolder folder;
  const std::string path = folder / "command.sock";
  CHECK(EndOf(InChild([&] {
          const auto dead = CommandListener::Open(path, kTestVersion);
          _exit(dead.ok() ? 0 : 1);
          return 2;
        })) == 0);
  REQUIRE(std::filesystem::exists(path));
  CHECK(*AskServer(path, TestCall({})) == std::nullopt);
  CommandListener listener = MustListen(path);
  ExpectService(listener, path);
}

TEST_CASE("SecondServerIsToldWhoServes") {
  const TemporaryFolder folder;
  const std::string path = folder / "command.sock";
  CommandListener listener = MustListen(path);
  const auto second = CommandListener::Open(path, kTestVersion);
  REQUIRE_FALSE(second.ok());
  CHECK(second.error().kind == ErrorKind::kBusy);
  CHECK(second.error().message.find(fmt::format("process {}", getpid())) != std::string::npos);
  ExpectNoRequest(listener);  // its probe is none
  ExpectService(listener, path);
}

TEST_CASE("OfServersThatBeginAtOnceOneServes") {
  const TemporaryFolder folder;
  const std::string path = folder / "command.sock";
  for (int turn = 0; turn < 20; ++turn) {
    const TestPipe begin;
    const TestPipe results;
    std::vector<pid_t> servers;
    for (int i = 0; i < 4; ++i) {
      servers.push_back(InChild([&]() -> int {
        char byte = 0;
        if (read(begin.read.number(), &byte, 1) != 1) return 1;
        const auto listener = CommandListener::Open(path, kTestVersion);
        byte = listener.ok() ? 's' : listener.error().kind == ErrorKind::kBusy ? 'b' : 'x';
        if (write(results.write.number(), &byte, 1) != 1) return 1;
        while (true) pause();
      }));
    }
    REQUIRE(write(begin.write.number(), "abcd", 4) == 4);
    std::string seen;
    for (char byte = 0; seen.size() < 4; seen += byte) {
      REQUIRE(read(results.read.number(), &byte, 1) == 1);
    }
    std::sort(seen.begin(), seen.end());
    CHECK(seen == "bbbs");
    // They die with their socket in place: the next ones find a dead one.
    for (const pid_t server : servers) {
      kill(server, SIGKILL);
      EndOf(server);
    }
    CHECK(std::filesystem::exists(path));
  }
}

TEST_CASE("FolderIsLockedOnlyWhileAServerBegins") {
  const TemporaryFolder folder;
  const std::string path = folder / "command.sock";
  const Descriptor other(open(folder.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  REQUIRE(flock(other.number(), LOCK_EX | LOCK_NB) == 0);
  const auto refused = CommandListener::Open(path, kTestVersion);
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().kind == ErrorKind::kBusy);
  CHECK_FALSE(std::filesystem::exists(path));
  REQUIRE(flock(other.number(), LOCK_UN) == 0);
  const CommandListener listener = MustListen(path);
  CHECK(flock(other.number(), LOCK_EX | LOCK_NB) == 0);
}

TEST_CASE("WhatIsNoSocketIsLeftAlone") {
  const TemporaryFolder folder;
  const std::string path = folder / "command.sock";
  std::ofstream(path) << "precious";
  const auto listener = CommandListener::Open(path, kTestVersion);
  REQUIRE_FALSE(listener.ok());
  CHECK(listener.error().kind == ErrorKind::kInvalidInput);
  CHECK(std::filesystem::file_size(path) == 8);
  CHECK_FALSE(CommandListener::Open(folder / "missing/command.sock", kTestVersion).ok());
  CHECK_FALSE(CommandListener::Open(folder.path() + "/", kTestVersion).ok());
  CHECK_FALSE(CommandListener::Open(folder / std::string(200, 'x'), kTestVersion).ok());
}

TEST_CASE("ServerTakesAwayOnlyItsOwnSocket") {
  const TemporaryFolder folder;
  const std::string path = folder / "command.sock";
  std::optional<CommandListener> first(MustListen(path));
  std::filesystem::rename(path, path + ".old");
  CommandListener second = MustListen(path);
  first.reset();
  ExpectService(second, path);
}

TEST_CASE("OnlyTheServersUserAndRootMayCommand") {
  CHECK(MayCommand(1000, 1000));
  CHECK(MayCommand(1000, 0));
  CHECK(MayCommand(0, 0));
  CHECK_FALSE(MayCommand(1000, 1001));
  CHECK_FALSE(MayCommand(0, 1000));
  CHECK(MayServe(1000, 1000));
  CHECK(MayServe(1000, 0));
  CHECK(MayServe(0, 1000));
  CHECK_FALSE(MayServe(1000, 1001));
}

TEST_CASE("AnotherUserIsRefusedWithTheReason") {
  if (geteuid() != 0) return;  // only root can be another user
  const TemporaryFolder folder;
  const std::string path = folder / "command.sock";
  CommandListener listener = MustListen(path);
  // As if somebody had opened what is closed.
  REQUIRE(chmod(folder.path().c_str(), 0755) == 0);
  REQUIRE(chmod(path.c_str(), 0666) == 0);
  const pid_t client = InChild([&] {
    if (setgid(65534) != 0 || setuid(65534) != 0) return 99;
    // Too large for the socket's buffer: the refusal comes while it is still being sent.
    const auto status = AskServer(path, TestCall({std::string(900'000, 'x')}));
    if (status.ok() || status.error().kind != ErrorKind::kDenied) return 98;
    return status.error().message.find("user 65534") == std::string::npos ? 97 : 0;
  });
  CHECK(EndOfRefused(client, listener) == 0);
  ExpectService(listener, path);
}

TEST_CASE("CallerIsWhomTheKernelNames") {
  const TemporaryFolder folder;
  const std::string path = folder / "command.sock";
  CommandListener listener = MustListen(path);
  const pid_t client = ClientInChild(path, TestCall({"status"}));
  CommandRequest request = MustAccept(listener);
  CHECK(request.caller.process_id == client);
  CHECK(request.caller.user_id == geteuid());
  CHECK(request.caller.group_id == getegid());
  request.Answer(0);
  CHECK(EndOf(client) == 0);
}

TEST_CASE("MalformedRequestsAreAnsweredAndLeaveNothingOpen") {
  const TemporaryFolder folder;
  const std::string path = folder / "command.sock";
  CommandListener listener = MustListen(path);
  const std::string good = GoodRequest();
  struct Misuse {
    std::string bytes;
    size_t descriptors;
    std::string answer;
  };
  const std::vector<Misuse> misuses = {
      {good, 0, "came with 0 open files"},
      {good, 2, "came with 2 open files"},
      {good, 4, "too many open files"},
      {good, 5, "too many open files"},
      {good, 253, "too many open files"},
      {"GET / HTTP/1.1\r\n\r\n", 0, "at most 1048576 are taken"},
      {std::string("\x00\x10\x00\x01", 4), 3, "at most 1048576 are taken"},
      {std::string("\xFF\xFF\xFF\xFF", 4), 3, "at most 1048576 are taken"},
      {std::string(4, '\0'), 3, "is not one JSON document"},
      {std::string("\x00\x00\x00\x02[]", 6), 3, "is not a JSON object"},
      {good + std::string(1000, 'x'), 3, "more behind the request"},
  };
  const size_t before = OpenDescriptorCount();
  for (const Misuse& misuse : misuses) {
    CAPTURE(misuse.answer);
    RawClient client(path);
    REQUIRE(client.Send(misuse.bytes, misuse.descriptors));
    ExpectNoRequest(listener);
    CHECK(client.ReadAll().find(misuse.answer) != std::string::npos);
  }
  CHECK(OpenDescriptorCount() == before);
  ExpectService(listener, path);
}

TEST_CASE("DescriptorsThatComeLaterAreTooMany") {
  const TemporaryFolder folder;
  const std::string path = folder / "command.sock";
  CommandListener listener = MustListen(path);
  const size_t before = OpenDescriptorCount();
  {
    RawClient client(path);
    REQUIRE(client.Send(GoodRequest().substr(0, 10), 3));
    ExpectNoRequest(listener);
    REQUIRE(client.Send(GoodRequest().substr(10), 1));
    ExpectNoRequest(listener);
    CHECK(client.ReadAll().find("too many open files") != std::string::npos);
  }
  {
    RawClient client(path);
    REQUIRE(client.Send(GoodRequest(), 3));
    CommandRequest request = MustAccept(listener);
    CHECK_FALSE(request.ClientWantsStop());
    REQUIRE(client.Send(EncodeStop(), 3));
    CHECK(request.ClientWantsStop());
    CHECK(request.client_has_gone());  // it is not listened to any more
    request.Answer(0);
  }
  CHECK(OpenDescriptorCount() == before);
}

TEST_CASE("RequestMayComeInPieces") {
  const TemporaryFolder folder;
  const std::string path = folder / "command.sock";
  CommandListener listener = MustListen(path);
  const std::string good = GoodRequest();
  RawClient client(path);
  REQUIRE(client.Send(good.substr(0, 1), 3));
  for (size_t at = 1; at < good.size(); ++at) {
    ExpectNoRequest(listener, milliseconds(0));
    REQUIRE(client.Send(good.substr(at, 1)));
  }
  CommandRequest request = MustAccept(listener);
  CHECK(request.call.arguments == std::vector<std::string>{"status"});
  CHECK(request.Answer(5));
  CHECK(client.ReadAll() == EncodeExitStatus(5));
}

TEST_CASE("HalfARequestHoldsUpNobodyAndEndsInTime") {
  const TemporaryFolder folder;
  const std::string path = folder / "command.sock";
  ListenerLimits limits;
  limits.request_time = milliseconds(300);
  CommandListener listener = MustListen(path, limits);
  RawClient silent(path);
  RawClient half(path);
  RawClient gone(path);
  REQUIRE(half.Send(GoodRequest().substr(0, 20), 3));
  REQUIRE(gone.Send(GoodRequest().substr(0, 20), 3));
  gone.HangUp();
  ExpectService(listener, path);
  ExpectNoRequest(listener, milliseconds(600));
  CHECK(silent.ReadAll().find("not whole after 300 ms") != std::string::npos);
  CHECK(half.ReadAll().find("not whole after 300 ms") != std::string::npos);
}

TEST_CASE("DrippingClientIsNotWaitedForLonger") {
  const TemporaryFolder folder;
  const std::string path = folder / "command.sock";
  ListenerLimits limits;
  limits.request_time = milliseconds(200);
  CommandListener listener = MustListen(path, limits);
  RawClient client(path);
  const auto began = TestClock::now();
  REQUIRE(client.Send(std::string("\x00\x0F\x00\x00", 4), 3));
  while (client.Send("x") && TestClock::now() - began < kPatience) {
    ExpectNoRequest(listener, milliseconds(5));
  }
  CHECK(TestClock::now() - began < milliseconds(5'000));
  CHECK(client.ReadAll().find("not whole") != std::string::npos);
}

// While a command ran for a minute, who was in the middle of sending could not go on.
TEST_CASE("TimeInWhichTheServerWasAwayIsNotCounted") {
  const TemporaryFolder folder;
  const std::string path = folder / "command.sock";
  ListenerLimits limits;
  limits.request_time = milliseconds(2'000);
  CommandListener listener = MustListen(path, limits);
  RawClient client(path);
  REQUIRE(client.Send(GoodRequest().substr(0, 20), 3));
  ExpectNoRequest(listener, milliseconds(10));
  std::this_thread::sleep_for(milliseconds(2'500));
  ExpectNoRequest(listener, milliseconds(10));
  REQUIRE(client.Send(GoodRequest().substr(20)));
  MustAccept(listener).Answer(0);
}

TEST_CASE("RandomBytesNeitherStopNorFillTheServer") {
  const TemporaryFolder folder;
  const std::string path = folder / "command.sock";
  ListenerLimits limits;
  limits.request_time = milliseconds(50);
  CommandListener listener = MustListen(path, limits);
  std::mt19937_64 random(TestSeed());
  const std::string good = GoodRequest();
  const size_t before = OpenDescriptorCount();
  for (int turn = 0; turn < 400; ++turn) {
    std::string bytes = good.substr(0, random() % 3 == 0 ? good.size() : random() % good.size());
    if (random() % 2 == 0) {
      bytes.resize(1 + random() % 3000);
      for (char& byte : bytes) byte = static_cast<char>(random());
    } else if (!bytes.empty()) {
      bytes[random() % bytes.size()] ^= static_cast<char>(1 << random() % 8);
    } else {
      bytes = "x";
    }
    // Small lengths too: the top bytes decide whether more is waited for.
    if (random() % 2 == 0) bytes[0] = 0;
    RawClient client(path);
    client.Send(bytes, random() % 6);
    if (random() % 2 == 0) client.HangUp();
    auto request = listener.Accept(milliseconds(random() % 3));
    REQUIRE(request.ok());
    if (request->has_value() && random() % 2 == 0) (*request)->Answer(1);
  }
  ExpectNoRequest(listener, milliseconds(200));
  CHECK(OpenDescriptorCount() == before);
  ExpectService(listener, path);
}

TEST_CASE("FloodOfSilentConnectionsDoesNotKeepOthersOut") {
  const TemporaryFolder folder;
  const std::string path = folder / "command.sock";
  ListenerLimits limits;
  limits.request_time = milliseconds(100);
  limits.most_clients = 16;
  CommandListener listener = MustListen(path, limits);
  const size_t before = OpenDescriptorCount();
  {
    std::vector<std::unique_ptr<RawClient>> flood;
    for (int i = 0; i < 100; ++i) flood.push_back(std::make_unique<RawClient>(path));
    const auto began = TestClock::now();
    ExpectNoRequest(listener, milliseconds(50));
    CHECK(TestClock::now() - began < milliseconds(5'000));
    CHECK(OpenDescriptorCount() <= before + 100 + limits.most_clients);
    ExpectService(listener, path);
  }
  ExpectNoRequest(listener, milliseconds(300));
  CHECK(OpenDescriptorCount() == before);
}

TEST_CASE("ServerWithoutRoomForDescriptorsGoesOnLater") {
  const TemporaryFolder folder;
  const std::string path = folder / "command.sock";
  CommandListener listener = MustListen(path);
  rlimit before = {};
  REQUIRE(getrlimit(RLIMIT_NOFILE, &before) == 0);
  RawClient client(path);
  RawClient second(path);
  REQUIRE(client.Send(GoodRequest(), 3));
  const int next_number = dup(STDERR_FILENO);
  close(next_number);
  rlimit tight = before;
  tight.rlim_cur = static_cast<rlim_t>(next_number);
  REQUIRE(setrlimit(RLIMIT_NOFILE, &tight) == 0);  // none
  const clock_t cpu_before = clock();
  const auto none = listener.Accept(milliseconds(250));
  const clock_t cpu_after = clock();
  tight.rlim_cur = static_cast<rlim_t>(next_number) + 2;
  REQUIRE(setrlimit(RLIMIT_NOFILE, &tight) == 0);  // the connection and one stream of three
  const auto some = listener.Accept(milliseconds(250));
  REQUIRE(setrlimit(RLIMIT_NOFILE, &before) == 0);
  CHECK(cpu_after - cpu_before < CLOCKS_PER_SEC / 8);  // it waits, and does not try all the time
  REQUIRE(none.ok());
  CHECK_FALSE(none->has_value());
  REQUIRE(some.ok());
  CHECK_FALSE(some->has_value());
  CHECK(client.ReadAll().find("raise the limit of open files") != std::string::npos);
  ExpectService(listener, path);
}

// `serve` itself is asked to end.
TEST_CASE("SignalEndsTheWaitForCommands") {
  const TemporaryFolder folder;
  CommandListener listener = MustListen(folder / "command.sock");
  struct sigaction before = {};
  struct sigaction nothing = {};
  nothing.sa_handler = [](int) {};
  sigaction(SIGALRM, &nothing, &before);
  itimerval soon = {{0, 20'000}, {0, 20'000}};
  setitimer(ITIMER_REAL, &soon, nullptr);
  const auto began = TestClock::now();
  const auto request = listener.Accept(kPatience);
  soon = {};
  setitimer(ITIMER_REAL, &soon, nullptr);
  sigaction(SIGALRM, &before, nullptr);
  REQUIRE(request.ok());
  CHECK_FALSE(request->has_value());
  CHECK(TestClock::now() - began < kPatience / 2);
}

TEST_CASE("CommandOfAClientThatHasGoneIsNotBegun") {
  const TemporaryFolder folder;
  const std::string path = folder / "command.sock";
  CommandListener listener = MustListen(path);
  RawClient gone(path);
  REQUIRE(gone.Send(GoodRequest(), 3));
  gone.HangUp();
  RawClient stopped(path);
  REQUIRE(stopped.Send(GoodRequest() + EncodeStop(), 3));
  ExpectNoRequest(listener);
  CHECK(stopped.ReadAll().find("nothing was done") != std::string::npos);
}

TEST_CASE("WhoWaitsWhenTheServerEndsIsToldThatNothingWasDone") {
  const TemporaryFolder folder;
  const std::string path = folder / "command.sock";
  std::optional<CommandListener> listener(MustListen(path));
  RawClient first(path);
  RawClient second(path);
  RawClient half(path);
  REQUIRE(first.Send(GoodRequest(), 3));
  REQUIRE(second.Send(GoodRequest(), 3));
  REQUIRE(half.Send("x"));
  MustAccept(*listener).Answer(0);
  RawClient unseen(path);
  REQUIRE(unseen.Send(GoodRequest(), 3));
  listener.reset();
  CHECK(second.ReadAll().find("nothing was done") != std::string::npos);
  CHECK(half.ReadAll().find("nothing was done") != std::string::npos);
  CHECK(unseen.ReadAll().find("nothing was done") != std::string::npos);
}

}  // namespace
}  // namespace rescind
