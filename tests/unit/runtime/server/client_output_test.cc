// What a command prints for a client that may read slowly, or not at all.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>

#include <ostream>

#include "runtime/server/client_output.h"
#include "tests/unit/runtime/server/channel_test_parts.h"
#include "tests/unit/temporary_folder.h"

namespace rescind {
namespace {

// Each line another one, 1 MiB of them.
std::string ManyLines() {
  std::string text;
  for (int i = 0; text.size() < size_t{1} << 20; ++i) text += std::to_string(i) + "\n";
  return text;
}

// Reads what there is while `output` has something left.
std::string ReadAsItComes(ClientOutput& output, int from) {
  std::string text;
  char block[10'000];
  const auto until = std::chrono::steady_clock::now() + kPatience;
  for (;;) {
    output.Flush();
    pollfd entry{from, POLLIN, 0};
    if (poll(&entry, 1, 0) == 1) {
      const ssize_t count = ::read(from, block, sizeof block);
      REQUIRE(count > 0);
      text.append(block, static_cast<size_t>(count));
    } else if (!output.has_rest()) {
      return text;
    }
    REQUIRE(std::chrono::steady_clock::now() < until);
  }
}

TEST_CASE("PipeThatNobodyReadsKeepsNobodyWaiting") {
  const TestPipe pipe;
  ClientOutput output(pipe.write.number());
  std::ostream out(&output);
  const std::string text = ManyLines();
  out << text;
  out.flush();
  CHECK(out.good());
  CHECK(output.has_rest());
  SUBCASE("AndItsReaderGetsAllInOrderLater") {
    CHECK(ReadAsItComes(output, pipe.read.number()) == text);
  }
}

TEST_CASE("ClientsStreamStaysAsItIs") {
  const TestPipe pipe;
  ClientOutput output(pipe.write.number());
  std::ostream out(&output);
  out << ManyLines();
  CHECK((fcntl(pipe.write.number(), F_GETFL) & O_NONBLOCK) == 0);
}

// Another program writes to the same pipe: room that poll has seen may be gone by the time.
TEST_CASE("PipeThatIsAlmostFullKeepsNobodyWaiting") {
  const TestPipe pipe;
  fcntl(pipe.write.number(), F_SETPIPE_SZ, 4096);
  ClientOutput output(pipe.write.number());
  std::ostream out(&output);
  REQUIRE(::write(pipe.write.number(), "x", 1) == 1);
  out << std::string(100'000, 'y');
  out.flush();
  CHECK(output.has_rest());
}

TEST_CASE("ReaderThatHasGoneFailsThePrinting") {
  signal(SIGPIPE, SIG_IGN);
  TestPipe pipe;
  ClientOutput output(pipe.write.number());
  std::ostream out(&output);
  out << "before";
  out.flush();
  CHECK(out.good());
  pipe.read.Close();
  out << "after";
  out.flush();
  CHECK_FALSE(out.good());
  CHECK(output.is_lost());
  CHECK_FALSE(output.has_rest());
}

TEST_CASE("FileGetsAllAtOnce") {
  const TemporaryFolder folder;
  const Descriptor file(open((folder / "out").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  REQUIRE(file.open());
  ClientOutput output(file.number());
  std::ostream out(&output);
  const std::string text = ManyLines();
  out << text;
  out.flush();
  CHECK_FALSE(output.has_rest());
  REQUIRE(lseek(file.number(), 0, SEEK_SET) == 0);
  CHECK(ReadToEnd(file.number()) == text);
}

TEST_CASE("SocketThatNobodyReadsKeepsNobodyWaiting") {
  int ends[2] = {-1, -1};
  REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
  const Descriptor ours(ends[0]);
  const Descriptor theirs(ends[1]);
  ClientOutput output(ours.number());
  std::ostream out(&output);
  const std::string text = ManyLines();
  out << text;
  out.flush();
  CHECK(output.has_rest());
  CHECK(ReadAsItComes(output, theirs.number()) == text);
}

TEST_CASE("StreamThatIsClosedFailsThePrinting") {
  ClientOutput output(999);
  std::ostream out(&output);
  out << "text";
  out.flush();
  CHECK_FALSE(out.good());
}

}  // namespace
}  // namespace rescind
