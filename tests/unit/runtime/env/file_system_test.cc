#include "runtime/env/file_system.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

#include "runtime/env/faulty_file_system.h"
#include "tests/unit/temporary_folder.h"

namespace rescind {
namespace {

size_t FileCount(const std::string& folder) {
  size_t count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(folder)) ++count;
  return count;
}

TEST_CASE("WhatWasWrittenIsReadBackWithTheModeAsked") {
  const TemporaryFolder folder;
  RealFileSystem files;
  umask(0);
  const std::string bytes("a\0b\r\n\xff", 6);
  for (const uint32_t mode : {kPrivateMode, kPublicMode}) {
    REQUIRE(files.WriteAtomically(folder / "f", bytes, mode).ok());
    CHECK(*files.Read(folder / "f", 6) == bytes);
    CHECK(files.Stat(folder / "f")->mode == mode);
  }
  umask(022);
  CHECK(FileCount(folder.path()) == 1);
}

TEST_CASE("AFileLongerThanTheLimitIsRefused") {
  const TemporaryFolder folder;
  RealFileSystem files;
  REQUIRE(files.WriteAtomically(folder / "f", std::string(1000, 'x')).ok());
  CHECK(files.Read(folder / "f", 1000)->size() == 1000);
  const auto refused = files.Read(folder / "f", 999);
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().kind == ErrorKind::kInvalidInput);
  CHECK(refused.error().message == (folder / "f") + " is longer than 999 bytes");
}

// A FIFO in the place of rescind.toml kept every command waiting for ever.
TEST_CASE("WhatIsNoRegularFileIsNotReadWhole") {
  const TemporaryFolder folder;
  RealFileSystem files;
  const auto refuses = [&](const std::string& path, const std::string& what) {
    CAPTURE(path);
    const auto refused = files.Read(path, 0);
    REQUIRE_FALSE(refused.ok());
    CHECK(refused.error().kind == ErrorKind::kInvalidInput);
    CHECK(refused.error().message ==
          "cannot read " + path + ": it is " + what + ", no regular file");
    CHECK(refused.error().help == "put a regular file there, or name another");
  };
  refuses("/dev/zero", "a device");
  const std::string fifo = folder / "fifo";
  REQUIRE(mkfifo(fifo.c_str(), 0600) == 0);
  const int writer = open(fifo.c_str(), O_RDWR | O_CLOEXEC);
  REQUIRE(write(writer, "x", 1) == 1);
  refuses(fifo, "a FIFO");
  close(writer);
  // Nobody writes to it, and nobody waits.
  refuses(fifo, "a FIFO");
  std::filesystem::create_symlink("fifo", folder / "link");
  refuses(folder / "link", "a FIFO");
  const std::string path = folder / "socket";
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof(address.sun_path) - 1);
  const int server = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  REQUIRE(bind(server, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0);
  refuses(path, "a socket");
  close(server);
}

// `--key <(rescind audit key)`: the shell names a pipe that is open already.
TEST_CASE("WhatIsOpenAlreadyIsReadWhole") {
  const TemporaryFolder folder;
  RealFileSystem files;
  for (const bool behind_link : {false, true}) {
    CAPTURE(behind_link);
    int ends[2] = {};
    REQUIRE(pipe2(ends, O_CLOEXEC) == 0);
    std::string path = "/dev/fd/" + std::to_string(ends[0]);
    if (behind_link) {
      std::filesystem::create_symlink(path, folder / "stdin");
      path = folder / "stdin";
    }
    std::thread writer([end = ends[1]] {
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
      CHECK(write(end, "key", 3) == 3);
      close(end);
    });
    const auto bytes = files.Read(path, 3);
    writer.join();
    close(ends[0]);
    REQUIRE_MESSAGE(bytes.ok(), bytes.error().message);
    CHECK(*bytes == "key");
  }
}

TEST_CASE("AnEndlessDeviceStopsAtTheLimit") {
  RealFileSystem files;
  const int zero = open("/dev/zero", O_RDONLY | O_CLOEXEC);
  REQUIRE(zero >= 0);
  const auto refused = files.Read("/dev/fd/" + std::to_string(zero), 1 << 20);
  close(zero);
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().message.find("is longer than") != std::string::npos);
}

TEST_CASE("ErrorsNameThePathAndTheRemedy") {
  const TemporaryFolder folder;
  RealFileSystem files;
  const auto missing = files.Read(folder / "none", 10);
  REQUIRE_FALSE(missing.ok());
  CHECK(missing.error().kind == ErrorKind::kNotFound);
  CHECK(missing.error().message ==
        "cannot read " + (folder / "none") + ": No such file or directory");
  CHECK_FALSE(missing.error().help.empty());
  const auto directory = files.Read(folder.path(), 10);
  REQUIRE_FALSE(directory.ok());
  CHECK(directory.error().help == "name a file, not a folder");
  CHECK_FALSE(files.WriteAtomically(folder / "no/such/folder/f", "x").ok());
  REQUIRE(files.WriteAtomically(folder / "f", "x").ok());
  CHECK_FALSE(files.MakeDirectories(folder / "f/below", 0755).ok());
}

TEST_CASE("ANameThatIsTakenStaysWithWhoHasIt") {
  const TemporaryFolder folder;
  RealFileSystem files;
  REQUIRE(files.WriteAtomically(folder / "new", "new").ok());
  REQUIRE(files.WriteAtomically(folder / "old", "old").ok());
  std::filesystem::create_symlink("nowhere", folder / "link");
  std::filesystem::create_directory(folder / "d");
  for (const char* taken : {"old", "link", "d"}) {
    CAPTURE(taken);
    const auto renamed = files.RenameToFree(folder / "new", folder / taken);
    REQUIRE(renamed.ok());
    CHECK_FALSE(*renamed);
  }
  CHECK(*files.Read(folder / "old", 9) == "old");
  CHECK(*files.Read(folder / "new", 9) == "new");
  CHECK(std::filesystem::is_symlink(folder / "link"));
  CHECK(*files.RenameToFree(folder / "new", folder / "free"));
  CHECK(*files.Read(folder / "free", 9) == "new");
  CHECK(files.RenameToFree(folder / "new", folder / "more").error().kind == ErrorKind::kNotFound);
  REQUIRE(files.WriteAtomically(folder / "new", "new").ok());
  FaultyFileSystem full(files, 1, ENOSPC);
  CHECK_FALSE(full.RenameToFree(folder / "new", folder / "more").ok());
  CHECK_FALSE(files.Exists(folder / "more"));
  CHECK(*full.RenameToFree(folder / "new", folder / "more"));
}

// At every step that can fail, with every way of failing: the old content or the new, whole, and
// nothing left beside it.
// As root, `plan --out /dev/full` put a file in the place of the device.
TEST_CASE("OutputReplacesRegularFilesAndNothingElse") {
  const TemporaryFolder folder;
  RealFileSystem files;
  std::filesystem::create_directory(folder / "d");
  REQUIRE(files.WriteOutput(folder / "d/new", "1").ok());
  REQUIRE(files.WriteOutput(folder / "d/new", "2").ok());
  CHECK(*files.Read(folder / "d/new", 9) == "2");
  // Through one link and the next, also where there is nothing yet.
  std::filesystem::create_symlink("d/new", folder / "near");
  std::filesystem::create_symlink(folder / "near", folder / "far");
  std::filesystem::create_symlink("d/later", folder / "dangling");
  REQUIRE(files.WriteOutput(folder / "far", "3").ok());
  CHECK(*files.Read(folder / "d/new", 9) == "3");
  REQUIRE(files.WriteOutput(folder / "dangling", "4").ok());
  CHECK(*files.Read(folder / "d/later", 9) == "4");
  for (const char* name : {"near", "far", "dangling"}) {
    CHECK(std::filesystem::is_symlink(folder / name));
  }
  CHECK(FileCount(folder / "d") == 2);
  std::filesystem::create_symlink("round", folder / "round");
  CHECK(files.WriteOutput(folder / "round", "5").error().kind == ErrorKind::kInvalidInput);
  const Status refused = files.WriteOutput(folder / "d", "5");
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().message == "cannot write " + (folder / "d") + ": Is a directory");
  CHECK(refused.error().help == "name a file, not a folder");
}

TEST_CASE("OutputGoesIntoDevicesFifosAndWhatIsOpenAlready") {
  const TemporaryFolder folder;
  RealFileSystem files;
  REQUIRE(files.WriteOutput("/dev/null", "gone").ok());
  std::filesystem::create_symlink("/dev/null", folder / "null");
  REQUIRE(files.WriteOutput(folder / "null", "gone").ok());
  CHECK(std::filesystem::is_character_file("/dev/null"));
  const std::string fifo = folder / "fifo";
  REQUIRE(mkfifo(fifo.c_str(), 0600) == 0);
  const int reader = open(fifo.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  REQUIRE(reader >= 0);
  REQUIRE(files.WriteOutput(fifo, "through").ok());
  char got[16] = {};
  CHECK(read(reader, got, sizeof(got)) == 7);
  CHECK(std::string(got) == "through");
  close(reader);
  CHECK(std::filesystem::is_fifo(fifo));
  // As /dev/stdout is where it leads into a file: what stands there stays.
  const int file = open((folder / "log").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  REQUIRE(file >= 0);
  REQUIRE(write(file, "a", 1) == 1);
  std::filesystem::create_symlink("/proc/self/fd/" + std::to_string(file), folder / "stdout");
  REQUIRE(files.WriteOutput(folder / "stdout", "b").ok());
  REQUIRE(files.WriteOutput("/dev/fd/" + std::to_string(file), "c").ok());
  REQUIRE(write(file, "d", 1) == 1);
  close(file);
  CHECK(*files.Read(folder / "log", 9) == "abcd");
}

TEST_CASE("AFailedWriteLeavesTheOldFileWhole") {
  RealFileSystem real;
  FaultyFileSystem counter(real, 0, 0);
  {
    const TemporaryFolder folder;
    REQUIRE(counter.WriteAtomically(folder / "f", "new").ok());
  }
  const uint64_t step_count = counter.step_count();
  REQUIRE(step_count == 6);  // create, append, sync, close, rename, sync directory
  for (uint64_t fail_at = 1; fail_at <= step_count; ++fail_at) {
    for (const int error_number : {ENOSPC, EIO}) {
      CAPTURE(fail_at);
      const TemporaryFolder folder;
      REQUIRE(real.WriteAtomically(folder / "f", "old").ok());
      FaultyFileSystem files(real, fail_at, error_number);
      const Status failed = files.WriteAtomically(folder / "f", "new bytes");
      REQUIRE_FALSE(failed.ok());
      CHECK(failed.error().kind == ErrorKind::kIo);
      // Only the last step comes after the rename: content replaced, durability unknown.
      const std::string expected = fail_at == step_count ? "new bytes" : "old";
      CHECK(*real.Read(folder / "f", 100) == expected);
      CHECK(FileCount(folder.path()) == 1);
    }
  }
}

TEST_CASE("ADiskThatStaysBrokenStillKeepsTheOldFile") {
  const TemporaryFolder folder;
  RealFileSystem real;
  REQUIRE(real.WriteAtomically(folder / "f", "old").ok());
  FaultyFileSystem files(real, 2, ENOSPC, /*stays_broken=*/true);
  const Status failed = files.WriteAtomically(folder / "f", "new");
  REQUIRE_FALSE(failed.ok());
  CHECK(failed.error().message.find("No space left on device") != std::string::npos);
  CHECK(failed.error().help == "free space on this disk and run the command again");
  CHECK(*real.Read(folder / "f", 100) == "old");
}

TEST_CASE("ListingIsSortedAndSkipsHiddenNamesAndCircles") {
  const TemporaryFolder folder;
  RealFileSystem files;
  REQUIRE(files.MakeDirectories(folder / "b/deep", 0755).ok());
  REQUIRE(files.MakeDirectories(folder / ".git", 0755).ok());
  for (const char* name : {"z.rescind", "a.rescind", "b/m.rescind", "b/deep/n.rescind", "note.txt",
                           ".hidden.rescind", ".git/x.rescind"}) {
    REQUIRE(files.WriteAtomically(folder / name, "").ok());
  }
  std::filesystem::create_directory_symlink(folder.path(), folder / "b/circle");
  std::filesystem::create_symlink(folder / "a.rescind", folder / "b/link.rescind");
  std::filesystem::create_symlink(folder / "gone", folder / "b/dangling.rescind");
  const auto found = files.ListRecursively(folder.path(), ".rescind");
  REQUIRE(found.ok());
  const std::vector<std::string> expected = {folder / "a.rescind", folder / "b/deep/n.rescind",
                                             folder / "b/link.rescind", folder / "b/m.rescind",
                                             folder / "z.rescind"};
  CHECK(*found == expected);
  CHECK_FALSE(files.ListRecursively(folder / "none", "").ok());
}

// What lay in a folder that may be listed and not entered was passed over.
TEST_CASE("AFolderThatCannotBeReadIsNoEmptyOne") {
  const TemporaryFolder folder;
  RealFileSystem files;
  REQUIRE(files.MakeDirectories(folder / "closed", 0755).ok());
  REQUIRE(files.WriteAtomically(folder / "closed/a.rescind", "").ok());
  REQUIRE(chmod(folder.path().c_str(), 0755) == 0);
  for (const mode_t mode : {0000, 0444}) {
    CAPTURE(mode);
    REQUIRE(chmod((folder / "closed").c_str(), mode) == 0);
    const pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      constexpr uid_t kNobody = 65534;  // root may read everything
      if (geteuid() == 0 && setuid(kNobody) != 0) std::_Exit(3);
      const auto found = files.ListRecursively(folder.path(), ".rescind");
      std::_Exit(found.ok() ? 1 : found.error().kind == ErrorKind::kDenied ? 0 : 2);
    }
    int status = 0;
    REQUIRE(waitpid(child, &status, 0) == child);
    REQUIRE(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 0);
  }
  REQUIRE(chmod((folder / "closed").c_str(), 0755) == 0);
}

TEST_CASE("WhatIsNeitherFileNorFolderIsFoundWithoutFollowingIt") {
  const TemporaryFolder folder;
  RealFileSystem files;
  REQUIRE(files.MakeDirectories(folder / "b/.deep", 0755).ok());
  REQUIRE(files.WriteAtomically(folder / "b/.deep/file", "").ok());
  std::filesystem::create_directory_symlink(folder.path(), folder / "b/circle");
  std::filesystem::create_symlink(folder / "gone", folder / "b/.deep/dangling");
  REQUIRE(mkfifo((folder / "b/pipe").c_str(), 0644) == 0);
  const auto found = files.FindOdd(folder.path()).value();
  REQUIRE(found.size() == 3);
  CHECK(found[0].path == folder / "b/.deep/dangling");
  CHECK(found[0].is_link);
  CHECK(found[1].path == folder / "b/circle");
  CHECK(found[2].path == folder / "b/pipe");
  CHECK_FALSE(found[2].is_link);
  CHECK(files.FindOdd(folder / "b/circle").value().size() == 1);
  CHECK(files.FindOdd(folder / "b/.deep/file").value().empty());
  CHECK(files.FindOdd(folder / "none").value().empty());
}

TEST_CASE("ALockHasOneHolderAndNamesIt") {
  const TemporaryFolder folder;
  RealFileSystem files;
  {
    const auto held = files.Lock(folder / "lock");
    REQUIRE(held.ok());
    const auto second = files.Lock(folder / "lock");
    REQUIRE_FALSE(second.ok());
    CHECK(second.error().kind == ErrorKind::kBusy);
    CHECK(second.error().message ==
          (folder / "lock") + " is locked by process " + std::to_string(getpid()));
  }
  CHECK(files.Lock(folder / "lock").ok());
}

TEST_CASE("ASharedLockKeepsOutWhoWantsItAloneAndNamesAHolder") {
  const TemporaryFolder folder;
  RealFileSystem files;
  {
    const auto one = files.LockShared(folder / "lock");
    REQUIRE(one.ok());
    CHECK(files.LockShared(folder / "lock").ok());
    CHECK(files.Stat(folder / "lock")->size_bytes == 0);
    const auto owner = files.Lock(folder / "lock");
    REQUIRE_FALSE(owner.ok());
    CHECK(owner.error().kind == ErrorKind::kBusy);
    CHECK(owner.error().message.ends_with(" is locked by process " + std::to_string(getpid())));
  }
  const auto owner = files.Lock(folder / "lock");
  REQUIRE(owner.ok());
  CHECK(files.LockShared(folder / "lock").error().kind == ErrorKind::kBusy);
}

// It said "cannot read : No such file or directory".
TEST_CASE("AnEmptyNameIsSaid") {
  RealFileSystem files;
  const Error error = files.Stat("").error();
  CHECK(error.kind == ErrorKind::kNotFound);
  CHECK(error.message == "cannot read \"\": the name is empty");
  CHECK(error.help == "give the name of a file or folder");
}

// A file of 2 GiB was read to the end before it was refused.
TEST_CASE("AFileThatIsTooLongIsNotRead") {
  const TemporaryFolder folder;
  RealFileSystem files;
  REQUIRE(files.WriteAtomically(folder / "long", "x").ok());
  std::filesystem::resize_file(folder / "long", uint64_t{1} << 40);  // a hole takes no space
  const Error error = files.Read(folder / "long", uint64_t{1} << 39).error();
  CHECK(error.kind == ErrorKind::kInvalidInput);
  CHECK(error.message.ends_with(" is longer than 549755813888 bytes"));
}

TEST_CASE("ADiskSaysHowMuchIsFree") {
  const TemporaryFolder folder;
  RealFileSystem files;
  CHECK(files.FreeBytes(folder.path()).value() > 0);
  CHECK(files.FreeBytes(folder / "none").error().kind == ErrorKind::kNotFound);
}

TEST_CASE("RemovingSaysWhatIsMissing") {
  const TemporaryFolder folder;
  RealFileSystem files;
  REQUIRE(files.MakeDirectories(folder / "a/b", 0700).ok());
  REQUIRE(files.WriteAtomically(folder / "a/b/f", "x").ok());
  CHECK_FALSE(files.Remove(folder / "a").ok());  // not empty
  REQUIRE(files.RemoveRecursively(folder / "a").ok());
  CHECK_FALSE(files.Exists(folder / "a"));
  CHECK(files.Remove(folder / "a").error().kind == ErrorKind::kNotFound);
}

}  // namespace
}  // namespace rescind
