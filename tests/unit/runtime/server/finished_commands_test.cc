// Commands that are done, and the clients that have not read all of it yet.
#include <doctest/doctest.h>

#include <memory>
#include <ostream>
#include <thread>

#include "runtime/server/finished_commands.h"
#include "tests/unit/runtime/server/channel_test_parts.h"
#include "tests/unit/temporary_folder.h"

namespace rescind {
namespace {

// A client in a child that prints to `out`, and what the server does for it.
struct Served {
  TemporaryFolder folder;
  CommandListener listener = MustListen(ChannelPath(folder.path()));
  TestPipe out;
  pid_t client = -1;

  Served() {
    client = InChild([&] {
      dup2(out.write.number(), STDOUT_FILENO);
      out.read.Close();
      return StatusOfAsking(ChannelPath(folder.path()), TestCall({"plan"}));
    });
    out.write.Close();
  }
  void Finish(FinishedCommands& finished, const std::string& text, int exit_status) {
    CommandRequest request = MustAccept(listener);
    auto printed = std::make_unique<ClientOutput>(request.out());
    auto complained = std::make_unique<ClientOutput>(request.err());
    std::ostream(printed.get()) << text << std::flush;
    finished.Add(std::move(request), std::move(printed), std::move(complained), exit_status);
  }
  bool has_ended() const {
    siginfo_t info = {};
    waitid(P_PID, static_cast<id_t>(client), &info, WEXITED | WNOHANG | WNOWAIT);
    return info.si_pid != 0;
  }
};

TEST_CASE("ClientThatReadsAtOnceIsAnsweredAtOnce") {
  Served served;
  FinishedCommands finished;
  served.Finish(finished, "few words", 3);
  CHECK(EndOf(served.client) == 3);
  CHECK(ReadToEnd(served.out.read.number()) == "few words");
}

TEST_CASE("SlowReaderGetsAllAndThenTheStatus") {
  Served served;
  FinishedCommands finished;
  const std::string text(size_t{3} << 20, 'x');
  served.Finish(finished, text, 4);  // comes back, though nobody has read
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  CHECK_FALSE(served.has_ended());
  CHECK(ReadToEnd(served.out.read.number()) == text);
  CHECK(EndOf(served.client) == 4);
}

TEST_CASE("ClientThatGoesWhileItIsToReadIsForgotten") {
  Served served;
  const auto begun = std::chrono::steady_clock::now();
  {
    FinishedCommands finished;
    served.Finish(finished, std::string(size_t{3} << 20, 'x'), 0);
    kill(served.client, SIGKILL);
    CHECK(EndOf(served.client) == 1000 + SIGKILL);
  }
  // Not as long as one who might still read is waited for.
  CHECK(std::chrono::steady_clock::now() - begun < std::chrono::milliseconds(1900));
}

TEST_CASE("ReaderThatHasGoneLeavesItsClientTheStatus") {
  Served served;
  FinishedCommands finished;
  served.Finish(finished, std::string(size_t{3} << 20, 'x'), 1);
  served.out.read.Close();
  CHECK(EndOf(served.client) == 1);
}

TEST_CASE("EndOfTheServerWaitsForNoReaderForLong") {
  Served served;
  const auto begun = std::chrono::steady_clock::now();
  {
    FinishedCommands finished;
    served.Finish(finished, std::string(size_t{3} << 20, 'x'), 0);
  }
  CHECK(std::chrono::steady_clock::now() - begun < std::chrono::seconds(5));
  // It was not done with, so it has no status of the command.
  CHECK(EndOf(served.client) == kRefused + static_cast<int>(ErrorKind::kUnavailable));
}

}  // namespace
}  // namespace rescind
