// A full disk. Readers did not work on it, and whatever RocksDB wrote last aborted the process
// with an assertion: Debian builds it so.
#include <doctest/doctest.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <atomic>
#include <cstdlib>
#include <map>

#include "runtime/env/faulty_file_system.h"
#include "tests/unit/runtime/store/crash_history.h"
#include "tests/unit/runtime/store/store_child.h"
#include "tests/unit/test_seed.h"
#include "tests/unit/writing_ban.h"

namespace rescind {
namespace {

namespace fs = std::filesystem;

constexpr const char* kFullDiskChild = "Child of the tests of a full disk";
constexpr uint64_t kBefore = 3;
constexpr uint64_t kAfter = 7;  // a staged import, commits, folds

// Lets `left` writes through.
class FullDisk final : public StoreFaults {
 public:
  explicit FullDisk(uint64_t left) : left_(left) {}
  bool FailNextWrite() override { return ++count_ > left_; }
  uint64_t count() const { return count_; }

 private:
  const uint64_t left_;
  std::atomic<uint64_t> count_ = 0;
};

// Commits up to `end`, noting beside the store what was acknowledged. 0 when all went well.
int Work(const std::string& path, uint64_t end, FullDisk& disk) {
  CrashHistory history(path);
  history.options.faults = &disk;
  auto store = history.Open();
  if (!store.ok()) return 3;
  for (uint64_t n = (*store)->facts_seq() + 1; n <= end; ++n) {
    if (!CrashHistory::Write(**store, n)) return 4;
    WriteFile(path + ".acked", std::to_string(n));
  }
  return (*store)->Close().ok() ? 0 : 5;
}

// What a full disk left: readable as it is, and once there is space everything goes on.
std::string Judge(const std::string& path) {
  const uint64_t acknowledged = ReadNumberFile(path + ".acked");
  CrashHistory reading(path);
  reading.options.read_only = true;
  if (auto read = reading.Open(); read.ok()) {
    if ((*read)->facts_seq() < acknowledged) return "a reader misses commits";
    if (const auto wrong = CrashHistory::Check(**read); !wrong.empty()) return "read: " + wrong;
  } else if (acknowledged > 0) {
    return "not readable: " + read.error().message;
  }
  CrashHistory history(path);
  auto store = history.Open();
  if (!store.ok()) return store.error().message;
  if ((*store)->facts_seq() < acknowledged) return "lost";
  if ((*store)->facts_seq() > acknowledged + 1) return "more than was begun";
  if (auto wrong = CrashHistory::Check(**store); !wrong.empty()) return wrong;
  for (uint64_t n = (*store)->facts_seq() + 1; n <= kAfter + 1; ++n) {
    if (!CrashHistory::Write(**store, n)) return "does not go on";
  }
  if (const auto wrong = CrashHistory::Check(**store); !wrong.empty()) return "later: " + wrong;
  return (*store)->Close().ok() ? "" : "does not close";
}

// RocksDB needs threads, so each in a process of its own. Returns the exit status.
template <typename Do>
int InFork(const std::string& output, const Do& todo) {
  const pid_t child = fork();
  if (child == 0) {
    dup2(open(output.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600), 2);
    std::_Exit(todo());
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

// Fills the disk before every one of about `wanted` writes, chosen over all that there are.
int FillEverywhere(const std::string& path, bool from_nothing, uint64_t wanted) {
  if (!from_nothing && InFork(path + ".err", [&] {
                         FullDisk none(~uint64_t{0});
                         return Work(path, kBefore, none);
                       }) != 0) {
    return 10;
  }
  const std::string copy = path + ".copy";
  const auto begin = [&] {
    fs::remove_all(copy);
    if (!from_nothing) fs::copy(path, copy, fs::copy_options::recursive);
    WriteFile(copy + ".acked", from_nothing ? "0" : std::to_string(kBefore));
  };
  begin();
  const int done = InFork(path + ".err", [&] {
    FullDisk counted(~uint64_t{0});
    const int code = Work(copy, from_nothing ? 1 : kAfter, counted);
    WriteFile(copy + ".count", std::to_string(counted.count()));
    return code;
  });
  const uint64_t count = ReadNumberFile(copy + ".count");
  fmt::print("{} writes\n", count);
  if (done != 0 || count < 20) return 11;
  int wrong_count = 0;
  SeededRandom dice(TestSeed());
  const uint64_t stride = std::max<uint64_t>(1, count / wanted);
  for (uint64_t left = dice.Below(stride); left < count; left += stride) {
    begin();
    const int code = InFork(path + ".err", [&] {
      FullDisk disk(left);
      return Work(copy, from_nothing ? 1 : kAfter, disk);
    });
    const std::string said = ReadFile(path + ".err");
    const bool is_clear = said.find("fatal: no space left to write") != std::string::npos &&
                          said.find("free some and run again") != std::string::npos;
    // How often the background writes differs a little.
    const bool is_fine = (code == 1 && is_clear) || (code == 0 && left + 10 > count);
    const int judged = InFork(path + ".err", [&] {
      const std::string wrong = Judge(copy);
      fmt::print(stderr, "{}", wrong);
      return wrong.empty() ? 0 : 1;
    });
    if (is_fine && judged == 0) continue;
    ++wrong_count;
    fmt::print("after {} of {} writes: exit {}: {}; then {}: {}\n", left, count, code, said, judged,
               ReadFile(path + ".err"));
  }
  std::fflush(stdout);
  return wrong_count == 0 ? 0 : 12;
}

int DoOnFullDisk(const std::string& task, const std::string& path) {
  if (task == "fill") return FillEverywhere(path, false, 40);
  if (task == "fill new") return FillEverywhere(path, true, 15);
  return 100;
}

// Every file with its size and when it was changed, in nanoseconds.
std::map<std::string, std::pair<int64_t, int64_t>> FilesBelow(const std::string& path) {
  std::map<std::string, std::pair<int64_t, int64_t>> files;
  for (const auto& entry : fs::recursive_directory_iterator(path)) {
    struct stat info = {};
    REQUIRE(stat(entry.path().c_str(), &info) == 0);
    files[entry.path().string()] = {info.st_size,
                                    info.st_mtim.tv_sec * 1'000'000'000 + info.st_mtim.tv_nsec};
  }
  return files;
}

FactDelta OneAccount(const std::string& id, int64_t score = 1) {
  FactDelta delta({"hr", kStart});
  delta.BeginRow(kAccount, id);
  delta.SetNumber(kScore, score);
  return delta;
}

// A store whose disk has as much room as the test says.
struct RoomFixture {
  RoomFixture() { store = Open().value(); }
  Result<std::unique_ptr<Store>> Open(const std::string& name = "store") {
    return Store::Open(folder / name, std::make_shared<Schema>(StoreSchema()),
                       {disk, clock, random}, options);
  }
  static StoreOptions SmallStaging() {
    StoreOptions options;
    options.staging_rows = 8;
    return options;
  }
  void CheckFull(const Error& error) const {
    CHECK(error.kind == ErrorKind::kIo);
    CHECK(error.message.find("no space left on the disk of store") != std::string::npos);
    CHECK(error.message.find(" free, at least ") != std::string::npos);
    CHECK(error.help.find("free some and run again; nothing") != std::string::npos);
  }

  TemporaryFolder folder;
  RealFileSystem files;
  FaultyFileSystem disk{files, 0, 0};
  VirtualClock clock{kStart};
  SeededRandom random{7};
  StoreOptions options = SmallStaging();
  std::unique_ptr<Store> store;
};

}  // namespace

TEST_CASE("Child of the tests of a full disk" * doctest::skip()) {
  const char* task = std::getenv("RESCIND_STORE_TASK");
  const char* path = std::getenv("RESCIND_STORE_PATH");
  if (task == nullptr || path == nullptr) return;
  std::_Exit(DoOnFullDisk(task, path));
}

TEST_CASE("A disk that fills up at any write ends the process with a clear word and no harm") {
  for (const char* task : {"fill", "fill new"}) {
    const CrashFolder folder;
    const int code = ExitOf(Spawn(kFullDiskChild, task, folder / "store"));
    INFO(task, ": seed ", TestSeed(), ": ", ReadFile(folder / "store.out"));
    CHECK(code == 0);
  }
}

TEST_CASE("Reading a store writes nothing, whatever its last owner left") {
  const CrashFolder folder;
  const std::string path = folder / "store";
  {
    CrashHistory history(path);
    auto store = history.Open();
    REQUIRE(store.ok());
    for (uint64_t n = 1; n <= 6; ++n) REQUIRE(CrashHistory::Write(**store, n));
  }  // not closed: the log is not folded
  const auto before = FilesBelow(path);
  CrashHistory history(path);
  history.options.read_only = true;
  {
    const WritingBan ban;
    auto store = history.Open();
    REQUIRE(store.ok());
    CHECK((*store)->facts_seq() == 6);
    CHECK(CrashHistory::Check(**store) == "");
    // Readers do not keep each other out, but owners.
    CHECK(history.Open().ok());
    const auto owner = CrashHistory(path).Open();
    REQUIRE_FALSE(owner.ok());
    CHECK(owner.error().kind == ErrorKind::kBusy);
    CHECK(owner.error().message.find(fmt::format("process {}", getpid())) != std::string::npos);

    CHECK((*store)->Commit(OneAccount("new"), {}).error().kind == ErrorKind::kUnsupported);
    KeyValueBatch extra;
    extra.Put("journal/x", "y");
    CHECK((*store)->CommitExtra(extra).error().kind == ErrorKind::kUnsupported);
    CHECK((*store)->BeginImport({}).error().kind == ErrorKind::kUnsupported);
    CHECK((*store)->Checkpoint().error().kind == ErrorKind::kUnsupported);
    CHECK(CrashHistory::Check(**store) == "");
    CHECK((*store)->Close().ok());
  }
  CHECK(FilesBelow(path) == before);
  // A reader refuses what an owner refuses.
  {
    CrashHistory owner(path);
    auto store = owner.Open();
    REQUIRE(store.ok());
    REQUIRE((*store)->Backup(folder / "old").ok());
    REQUIRE(CrashHistory::Write(**store, 7));
  }
  fs::copy_file(path + "/MARK", folder / "old/MARK", fs::copy_options::overwrite_existing);
  CrashHistory behind(folder / "old");
  behind.options.read_only = true;
  CHECK(behind.Open().error().message.find("has lost commits") != std::string::npos);
  CrashHistory nothing(folder / "none");
  nothing.options.read_only = true;
  CHECK(nothing.Open().error().kind == ErrorKind::kNotFound);
  CHECK_FALSE(fs::exists(folder / "none"));
}

TEST_CASE("Without room a store is neither made nor opened for changes") {
  RoomFixture fixture;
  fixture.store.reset();
  fixture.disk.ClaimFree(15 << 20);
  fixture.CheckFull(fixture.Open("another").error());
  CHECK_FALSE(fs::exists(fixture.folder / "another"));
  fixture.CheckFull(fixture.Open().error());
  fixture.options.read_only = true;
  CHECK(fixture.Open().ok());
  fixture.options.read_only = false;
  fixture.disk.ClaimFree({});
  CHECK(fixture.Open().ok());
}

TEST_CASE("Without room a commit is refused whole, and the next one works once there is") {
  RoomFixture fixture;
  Store& store = *fixture.store;
  REQUIRE(store.Commit(OneAccount("ann"), {}).ok());
  fixture.disk.ClaimFree(100 << 10);
  fixture.CheckFull(store.Commit(OneAccount("bob"), {}).error());
  KeyValueBatch extra;
  extra.Put("journal/x", "y");
  fixture.CheckFull(store.CommitExtra(extra).error());
  CHECK(store.facts_seq() == 1);
  CHECK_FALSE(store.Find(kAccount, "bob").value().has_value());
  CHECK_FALSE(store.key_values().Get("journal/x").value().has_value());
  // The commits stand: that they cannot be folded now is no error.
  CHECK(store.Close().ok());
  fixture.disk.ClaimFree({});
  fixture.store = fixture.Open().value();
  REQUIRE(fixture.store->Commit(OneAccount("bob"), {}).ok());
  CHECK(fixture.store->Find(kAccount, "bob").value().has_value());
}

TEST_CASE("An import that runs out of room on the way leaves nothing behind") {
  RoomFixture fixture;
  Store& store = *fixture.store;
  REQUIRE(store.Commit(OneAccount("ann"), {}).ok());
  for (const int full_at : {0, 3, 6}) {
    fixture.disk.ClaimFree({});
    ImportOptions options;
    options.origin = {"hr", kStart};
    const auto import = store.BeginImport(options).value();
    Status status;
    for (int piece = 0; piece < 6 && status.ok(); ++piece) {
      if (piece == full_at) fixture.disk.ClaimFree(100 << 10);
      FactDelta delta({"hr", kStart});
      for (int i = 0; i < 5; ++i) {
        delta.BeginRow(kAccount, fmt::format("row {}", piece * 5 + i));
        delta.SetNumber(kScore, i);
      }
      status = import->Add(delta);
    }
    if (full_at == 6) fixture.disk.ClaimFree(100 << 10);
    fixture.CheckFull(status.ok() ? import->Finish().error() : status.error());
    CHECK(store.facts_seq() == 1);
    CHECK_FALSE(store.Find(kAccount, "row 0").value().has_value());
    CHECK(store.Find(kAccount, "ann").value().has_value());
  }
  fixture.disk.ClaimFree({});
  REQUIRE(store.Commit(OneAccount("row 0"), {}).ok());
  fixture.store.reset();
  fixture.store = fixture.Open().value();
  CHECK(fixture.store->facts_seq() == 2);
  CHECK_FALSE(fixture.store->Find(kAccount, "row 1").value().has_value());
}

}  // namespace rescind
