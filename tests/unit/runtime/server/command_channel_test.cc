// Both sides together: a command at the client, done by the server.
#include <doctest/doctest.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>

#include <cstdlib>
#include <fstream>
#include <map>
#include <thread>

#include "runtime/server/command_client.h"
#include "runtime/server/command_listener.h"
#include "tests/unit/runtime/server/channel_test_parts.h"
#include "tests/unit/temporary_folder.h"

namespace rescind {
namespace {

using std::chrono::milliseconds;

bool WriteText(int to, const std::string& text) {
  return write(to, text.data(), text.size()) == static_cast<ssize_t>(text.size());
}

// Until the client's wish has come through, or patience ends.
bool StopComes(CommandRequest& request) {
  const auto until = std::chrono::steady_clock::now() + kPatience;
  while (!request.ClientWantsStop()) {
    if (std::chrono::steady_clock::now() > until) return false;
    std::this_thread::sleep_for(milliseconds(2));
  }
  return true;
}

TEST_CASE("CommandRunsWithTheClientsStreamsAndItsStatusComesBack") {
  const TemporaryFolder folder;
  const std::string path = ChannelPath(folder.path());
  CHECK(path == folder / "command.sock");
  CommandListener listener = MustListen(path);
  TestPipe in;
  TestPipe out;
  TestPipe err;
  const size_t before = OpenDescriptorCount();
  CommandCall call = TestCall({"import", "-", "caf\xE9.csv"});
  call.environment = {{"NO_COLOR", "1"}};
  call.err_is_terminal = true;
  const pid_t client = InChild([&] {
    in.write.Close();  // or the server would wait for more
    dup2(in.read.number(), STDIN_FILENO);
    dup2(out.write.number(), STDOUT_FILENO);
    dup2(err.write.number(), STDERR_FILENO);
    return StatusOfAsking(path, call);
  });
  REQUIRE(WriteText(in.write.number(), "facts"));
  in.write.Close();
  out.write.Close();
  err.write.Close();
  CommandRequest request = MustAccept(listener);
  CHECK(request.call.arguments == call.arguments);
  CHECK(request.call.environment == call.environment);
  CHECK(request.call.working_folder == "/");
  CHECK(request.call.err_is_terminal);
  CHECK_FALSE(request.call.out_is_terminal);
  CHECK_FALSE(request.ClientWantsStop());
  CHECK(ReadToEnd(request.in()) == "facts");
  CHECK(WriteText(request.out(), "rows\n"));
  CHECK(WriteText(request.err(), "warning\n"));
  CHECK(request.Answer(4));
  // The streams end although `request` is still here.
  CHECK(ReadToEnd(out.read.number()) == "rows\n");
  CHECK(ReadToEnd(err.read.number()) == "warning\n");
  CHECK(EndOf(client) == 4);
  CHECK(OpenDescriptorCount() == before - 3);
}

TEST_CASE("WithoutAServerTheClientIsToldSo") {
  const TemporaryFolder folder;
  const std::string path = folder / "command.sock";
  const auto none = [](const std::string& where) {
    const auto status = AskServer(where, TestCall({"status"}));
    return status.ok() && *status == std::nullopt;
  };
  const size_t before = OpenDescriptorCount();
  CHECK(none(path));
  CHECK(none(folder / "missing/command.sock"));
  CHECK(none(folder / std::string(150, 'd') + "/" + std::string(150, 'd') + "/command.sock"));
  std::ofstream(path) << "no socket";
  CHECK(none(path));
  CHECK(OpenDescriptorCount() == before);
}

TEST_CASE("PathsOfAnyLengthWork") {
  const TemporaryFolder folder;
  std::string deep = folder.path();
  for (const size_t length : {60, 70, 200}) {
    deep += "/" + std::string(length, 'd');
    REQUIRE(mkdir(deep.c_str(), 0700) == 0);
    const std::string path = ChannelPath(deep);
    CAPTURE(path.size());
    CommandListener listener = MustListen(path);
    struct stat info = {};
    REQUIRE(lstat(path.c_str(), &info) == 0);
    CHECK((info.st_mode & 07777) == 0600);
    const auto second = CommandListener::Open(path, kTestVersion);
    REQUIRE_FALSE(second.ok());
    CHECK(second.error().kind == ErrorKind::kBusy);
    const pid_t client = ClientInChild(path, TestCall({"status"}));
    MustAccept(listener).Answer(6);
    CHECK(EndOf(client) == 6);
  }
  // The lengths around that of an address.
  for (size_t length = 100; length <= 112; ++length) {
    const std::string start = folder.path() + "/";
    const std::string between(length - ChannelPath(start).size(), 'b');
    REQUIRE(mkdir((start + between).c_str(), 0700) == 0);
    const std::string path = ChannelPath(start + between);
    CHECK(path.size() == length);
    CommandListener listener = MustListen(path);
    const pid_t client = ClientInChild(path, TestCall({"status"}));
    MustAccept(listener).Answer(7);
    CHECK(EndOf(client) == 7);
  }
}

TEST_CASE("RelativePathStartsInTheWorkingFolder") {
  const TemporaryFolder folder;
  CommandListener listener = MustListen(folder / "command.sock");
  const pid_t client = InChild([&] {
    if (chdir(folder.path().c_str()) != 0) return 99;
    return StatusOfAsking("command.sock", TestCall({"status"}));
  });
  MustAccept(listener).Answer(8);
  CHECK(EndOf(client) == 8);
}

TEST_CASE("InterruptIsPassedOnOnceAndTheClientGoesOnWaiting") {
  const TemporaryFolder folder;
  const std::string path = folder / "command.sock";
  CommandListener listener = MustListen(path);
  for (const int signal_number : {SIGINT, SIGTERM}) {
    const pid_t client = ClientInChild(path, TestCall({"apply"}));
    CommandRequest request = MustAccept(listener);
    CHECK_FALSE(request.ClientWantsStop());
    REQUIRE(kill(client, signal_number) == 0);
    CHECK(StopComes(request));
    CHECK_FALSE(request.client_has_gone());
    CHECK(request.Answer(5));
    CHECK(EndOf(client) == 5);
  }
}

TEST_CASE("SecondInterruptEndsTheClientAndTheServerSeesIt") {
  const TemporaryFolder folder;
  const std::string path = folder / "command.sock";
  CommandListener listener = MustListen(path);
  const pid_t client = ClientInChild(path, TestCall({"apply"}));
  CommandRequest request = MustAccept(listener);
  REQUIRE(kill(client, SIGINT) == 0);
  REQUIRE(StopComes(request));
  CHECK_FALSE(request.client_has_gone());
  REQUIRE(kill(client, SIGTERM) == 0);
  CHECK(EndOf(client) == 1000 + SIGTERM);
  CHECK(request.ClientWantsStop());
  CHECK(request.client_has_gone());
  CHECK_FALSE(request.Answer(0));
  const pid_t next = ClientInChild(path, TestCall({"status"}));
  MustAccept(listener).Answer(0);
  CHECK(EndOf(next) == 0);
}

TEST_CASE("ClientThatIsKilledIsSeenToBeGone") {
  const TemporaryFolder folder;
  const std::string path = folder / "command.sock";
  CommandListener listener = MustListen(path);
  const pid_t client = ClientInChild(path, TestCall({"apply"}));
  CommandRequest request = MustAccept(listener);
  REQUIRE(kill(client, SIGKILL) == 0);
  CHECK(EndOf(client) == 1000 + SIGKILL);
  CHECK(request.ClientWantsStop());
  CHECK(request.client_has_gone());
}

TEST_CASE("IgnoredInterruptStaysIgnored") {
  const TemporaryFolder folder;
  const std::string path = folder / "command.sock";
  CommandListener listener = MustListen(path);
  const pid_t client = InChild([&] {
    signal(SIGINT, SIG_IGN);  // as a shell does for what it runs in the background
    return StatusOfAsking(path, TestCall({"apply"}));
  });
  CommandRequest request = MustAccept(listener);
  REQUIRE(kill(client, SIGINT) == 0);
  REQUIRE(kill(client, SIGINT) == 0);
  std::this_thread::sleep_for(milliseconds(50));
  CHECK_FALSE(request.ClientWantsStop());
  request.Answer(3);
  CHECK(EndOf(client) == 3);
}

TEST_CASE("SignalsAreAsBeforeWhenTheClientIsDone") {
  const TemporaryFolder folder;
  sigset_t before;
  sigset_t after;
  pthread_sigmask(SIG_SETMASK, nullptr, &before);
  CHECK(AskServer(folder / "command.sock", TestCall({})).ok());
  pthread_sigmask(SIG_SETMASK, nullptr, &after);
  for (const int number : {SIGINT, SIGTERM}) {
    CHECK(sigismember(&before, number) == sigismember(&after, number));
  }
}

TEST_CASE("ServerThatDiesInTheMiddleIsAClearError") {
  const TemporaryFolder folder;
  const std::string path = folder / "command.sock";
  TestPipe ready;
  const pid_t server = InChild([&] {
    auto listener = CommandListener::Open(path, kTestVersion);
    if (!listener.ok() || !WriteText(ready.write.number(), "x")) return 1;
    auto request = listener->Accept(kPatience);
    _exit(request.ok() && request->has_value() ? 0 : 2);
    return 3;
  });
  char byte = 0;
  REQUIRE(read(ready.read.number(), &byte, 1) == 1);
  const auto status = AskServer(path, TestCall({"apply"}));
  CHECK(EndOf(server) == 0);
  REQUIRE_FALSE(status.ok());
  CHECK(status.error().kind == ErrorKind::kUnavailable);
  CHECK(status.error().message ==
        fmt::format("`rescind serve` (process {}) ended before the command was done", server));
  CHECK(status.error().help.find("rescind status") != std::string::npos);
}

TEST_CASE("RequestThatIsLetGoWithoutAnAnswerIsAnError") {
  const TemporaryFolder folder;
  const std::string path = folder / "command.sock";
  CommandListener listener = MustListen(path);
  const pid_t client = ClientInChild(path, TestCall({"apply"}));
  { const CommandRequest request = MustAccept(listener); }
  CHECK(EndOf(client) == kRefused + static_cast<int>(ErrorKind::kUnavailable));
}

TEST_CASE("RefusalReachesTheClientWithItsWords") {
  const TemporaryFolder folder;
  const std::string path = folder / "command.sock";
  CommandListener listener = MustListen(path);
  const pid_t client = InChild([&] {
    const auto status = AskServer(path, TestCall({"serve"}));
    const bool ok = !status.ok() && status.error().kind == ErrorKind::kBusy &&
                    status.error().message == "no" && status.error().help == "wait";
    return ok ? 0 : 1;
  });
  MustAccept(listener).Refuse({ErrorKind::kBusy, "no", "wait"});
  CHECK(EndOf(client) == 0);
}

TEST_CASE("ClientOfAnotherVersionIsRefused") {
  const TemporaryFolder folder;
  const std::string path = folder / "command.sock";
  CommandListener listener = MustListen(path);
  const pid_t client = InChild([&] {
    CommandCall call = TestCall({"status"});
    call.program_version = "1.0.0";
    const auto status = AskServer(path, call);
    const bool ok = !status.ok() && status.error().kind == ErrorKind::kUnsupported &&
                    status.error().help.find("restart `rescind serve`") != std::string::npos;
    return ok ? 0 : 1;
  });
  CHECK(EndOfRefused(client, listener) == 0);
}

TEST_CASE("LargeRequestGoesThroughWhileTheServerIsBusy") {
  const TemporaryFolder folder;
  const std::string path = folder / "command.sock";
  CommandListener listener = MustListen(path);
  CommandCall call = TestCall(std::vector<std::string>(10, std::string(100'000, 'x')));
  const pid_t client = ClientInChild(path, call);
  std::this_thread::sleep_for(milliseconds(100));  // the socket's buffer is full meanwhile
  CommandRequest request = MustAccept(listener);
  CHECK(request.call.arguments == call.arguments);
  request.Answer(1);
  CHECK(EndOf(client) == 1);
  call.arguments.resize(11, call.arguments[0]);
  CHECK(EndOf(ClientInChild(path, call)) == kRefused + static_cast<int>(ErrorKind::kInvalidInput));
}

// `rescind plan <&- >&-`: a socket of the client's must not take the place of a stream.
TEST_CASE("ClosedStreamsOfTheClientStayClosedToTheServer") {
  const TemporaryFolder folder;
  const std::string path = folder / "command.sock";
  CommandListener listener = MustListen(path);
  const pid_t client = InChild([&] {
    for (const int number : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) close(number);
    return StatusOfAsking(path, TestCall({"plan"}));
  });
  CommandRequest request = MustAccept(listener);
  char byte = 0;
  CHECK(read(request.in(), &byte, 1) == -1);
  CHECK(errno == EBADF);
  CHECK(write(request.out(), "x", 1) == -1);
  CHECK(errno == EBADF);
  CHECK(write(request.err(), "x", 1) == -1);
  request.Answer(2);
  CHECK(EndOf(client) == 2);
}

TEST_CASE("TwoHundredClientsAtOnceGetEachItsOwnAnswer") {
  const TemporaryFolder folder;
  const std::string path = folder / "command.sock";
  CommandListener listener = MustListen(path);
  TestPipe out;
  const size_t before = OpenDescriptorCount();
  std::map<pid_t, int> expected;
  for (int i = 0; i < 200; ++i) {
    const pid_t client = InChild([&] {
      dup2(out.write.number(), STDOUT_FILENO);
      return StatusOfAsking(path, TestCall({std::to_string(i)}));
    });
    expected[client] = i;
  }
  for (int i = 0; i < 200; ++i) {
    CommandRequest request = MustAccept(listener);
    const int number = std::stoi(request.call.arguments.at(0));
    CHECK(expected.at(request.caller.process_id) == number);
    CHECK(WriteText(request.out(), "."));
    CHECK(request.Answer(number));
  }
  out.write.Close();
  CHECK(ReadToEnd(out.read.number()).size() == 200);
  for (const auto& [client, status] : expected) CHECK(EndOf(client) == status);
  CHECK(OpenDescriptorCount() == before - 1);
}

TEST_CASE("ClientsThatAreKilledAtAnyMomentLeaveNothingBehind") {
  const TemporaryFolder folder;
  const std::string path = folder / "command.sock";
  CommandListener listener = MustListen(path);
  const size_t before = OpenDescriptorCount();
  for (int i = 0; i < 60; ++i) {
    const pid_t client = ClientInChild(path, TestCall({"apply"}));
    std::this_thread::sleep_for(std::chrono::microseconds(i * 40));
    kill(client, SIGKILL);
    auto request = listener.Accept(milliseconds(1));
    REQUIRE(request.ok());
    EndOf(client);
    if (!request->has_value()) continue;
    CHECK((*request)->ClientWantsStop());
    CHECK_FALSE((*request)->Answer(0));
  }
  const auto last = listener.Accept(milliseconds(50));
  REQUIRE(last.ok());
  CHECK_FALSE(last->has_value());
  CHECK(OpenDescriptorCount() == before);
}

TEST_CASE("CallOfThisProcessHoldsWhatCommandsRead") {
  const TemporaryFolder folder;
  const pid_t child = InChild([&] {
    clearenv();
    setenv("RESCIND_WORKSPACE", "/srv/w", 1);
    setenv("SUDO_UID", "12", 1);
    setenv("PGPASSWORD", "secret", 1);
    if (chdir(folder.path().c_str()) != 0) return 1;
    const auto call = CallOfThisProcess({"plan"}, "1.2.3");
    if (!call.ok() || call->arguments != std::vector<std::string>{"plan"}) return 2;
    const std::map<std::string, std::string> expected = {{"RESCIND_WORKSPACE", "/srv/w"},
                                                         {"SUDO_UID", "12"}};
    if (call->environment != expected || call->program_version != "1.2.3") return 3;
    if (!std::filesystem::equivalent(call->working_folder, folder.path())) return 4;
    if (rmdir(folder.path().c_str()) != 0) return 5;
    return CallOfThisProcess({"plan"}, "1.2.3").ok() ? 6 : 0;
  });
  CHECK(EndOf(child) == 0);
}

}  // namespace
}  // namespace rescind
