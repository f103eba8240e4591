// Crashes, torn files and flipped bits. What was acknowledged is there, or the store is refused.
//
// RocksDB as Debian builds it has assertions and may abort on corrupt input, and its threads do
// not survive a fork: so this program starts itself again, and that child, which has no threads
// yet, forks processes that break one thing after the other until they end of it.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <functional>

#include "runtime/store/byte_codec.h"
#include "runtime/store/database.h"
#include "runtime/store/disk_guard.h"
#include "runtime/store/store_layout.h"
#include "tests/unit/runtime/store/crash_history.h"
#include "tests/unit/runtime/store/store_child.h"
#include "tests/unit/test_seed.h"

namespace rescind {
namespace {

namespace fs = std::filesystem;

constexpr const char* kCrashChild = "Child of the crash tests";
constexpr uint64_t kSweptCommits = 7;
constexpr uint64_t kLittleCommits = 2;
#ifdef RESCIND_SANITIZED
constexpr size_t kEveryByte = 60;
#else
constexpr size_t kEveryByte = 0;
#endif
constexpr uint64_t kSafeCommits = 4;

// ---- What the child does ----

// The logs that are not empty, the one that is being written last.
std::vector<std::string> LogsOf(const std::string& path) {
  std::vector<std::string> logs;
  for (const auto& entry : fs::directory_iterator(path + "/db")) {
    if (entry.path().extension() != ".log" || fs::file_size(entry.path()) == 0) continue;
    logs.push_back("/db/" + entry.path().filename().string());
  }
  std::sort(logs.begin(), logs.end());
  return logs;
}

// Commits one after the other until it is killed; says what was acknowledged.
int WorkUntilKilled(const std::string& path) {
  CrashHistory history(path);
  auto store = history.Open();
  if (!store.ok()) {
    fmt::print(stderr, "{}\n", store.error().message);
    return 3;
  }
  const int acknowledged = open((path + ".acked").c_str(), O_WRONLY | O_CREAT, 0600);
  for (uint64_t n = (*store)->facts_seq() + 1;; ++n) {
    if (!CrashHistory::Write(**store, n)) return 4;
    const std::string text = fmt::format("{:020}", n);
    if (pwrite(acknowledged, text.data(), text.size(), 0) != 20) return 5;
  }
}

// Few bytes: each of them can be broken.
int WriteLittle(const std::string& path) {
  CrashHistory history(path);
  auto store = history.Open();
  if (!store.ok()) return 3;
  for (uint64_t n = 1; n <= kLittleCommits; ++n) {
    if (!CrashHistory::Commit(**store, n)) return 4;
    KeyValueBatch extra;
    extra.Put("journal/other", std::to_string(n));
    if (n == 1 && !(*store)->CommitExtra(extra).ok()) return 4;
  }
  return 0;
}

enum class End { kOneLog, kTwoLogs, kFolded };

int WriteSome(const std::string& path, End end) {
  CrashHistory history(path);
  const bool fold = end == End::kFolded;
  // A staged import flushes two families: a new log begins, and the others still need the old one.
  if (end == End::kOneLog) history.options.staging_rows = 1'000;
  auto store = history.Open();
  if (!store.ok()) return 3;
  for (uint64_t n = 1; n <= kSweptCommits; ++n) {
    if (!fold && (n % 4 == 0 || n % 5 == 2)) {
      KeyValueBatch extra;
      extra.Put("journal/other", std::to_string(n));
      if (!(*store)->CommitExtra(extra).ok()) return 4;
    }
    if (!CrashHistory::Write(**store, n)) return 4;
  }
  if (fold && !(*store)->Close().ok()) return 5;
  const size_t logs = LogsOf(path).size();
  return end == End::kFolded || (logs > 1) == (end == End::kTwoLogs) ? 0 : 6;
}

class Faults final : public StoreFaults {
 public:
  explicit Faults(bool wal) : wal_(wal) {}
  bool FailNextWalSync() override { return armed && wal_; }
  bool FailNextMarkSync() override { return armed && !wal_; }
  bool armed = false;

 private:
  const bool wal_;
};

int FailOneSync(const std::string& path, bool wal) {
  Faults faults(wal);
  CrashHistory history(path);
  history.options.faults = &faults;
  auto store = history.Open();
  if (!store.ok()) return 3;
  for (uint64_t n = 1; n <= kSafeCommits; ++n) {
    if (!CrashHistory::Write(**store, n)) return 4;
  }
  WriteFile(path + ".log_bytes", std::to_string(fs::file_size(path + LogsOf(path).back())));
  faults.armed = true;
  (void)CrashHistory::Write(**store, kSafeCommits + 1);  // ends the process
  return 5;
}

// Opens what was broken. 0: whole, 1: refused, 2: opened, and something is missing or wrong.
int Judge(const std::string& path, uint64_t acknowledged) {
  CrashHistory history(path);
  auto store = history.Open();
  if (!store.ok()) return 1;
  if ((*store)->facts_seq() < acknowledged) return 2;
  const std::string wrong = CrashHistory::Check(**store);
  if (wrong.empty()) return 0;
  // A checksum that is found wrong while reading is a refusal; other contents are not.
  return wrong.find("checksum") != std::string::npos || wrong.find("orruption") != std::string::npos
             ? 1
             : 2;
}

struct Verdicts {
  int whole = 0, refused = 0, wrong = 0, aborted = 0;

  std::string Text() const {
    return fmt::format("{} whole, {} refused, {} aborted, {} wrong\n", whole, refused, aborted,
                       wrong);
  }
};

// One file of a store with other bytes.
struct Breakage {
  std::string file;
  std::string bytes;
  std::string what;
};

// Breaks copies of one store in many ways, each numbered. The processes that do it take one after
// the other until one of them aborts; the next goes on behind it.
class Breaker {
 public:
  using Make = std::function<Breakage(size_t number)>;

  Breaker(std::string path, uint64_t acknowledged, size_t count, Make make)
      : path_(std::move(path)),
        acknowledged_(acknowledged),
        count_(count),
        make_(std::move(make)),
        verdicts_(
            static_cast<uint8_t*>(mmap(nullptr, std::max<size_t>(count, 1), PROT_READ | PROT_WRITE,
                                       MAP_SHARED | MAP_ANONYMOUS, -1, 0))) {
    std::fill_n(verdicts_, count_, kNotTried);
  }
  ~Breaker() { munmap(verdicts_, std::max<size_t>(count_, 1)); }
  Breaker(const Breaker&) = delete;
  Breaker& operator=(const Breaker&) = delete;

  Verdicts Run() {
    const std::array<size_t, 3> borders = {0, count_ / 2, count_};
    std::array<pid_t, 2> children{};
    for (size_t half = 0; half < 2; ++half) {
      children[half] = fork();
      if (children[half] == 0) TryAll(borders[half], borders[half + 1], half);
    }
    for (const pid_t child : children) waitpid(child, nullptr, 0);
    return Count();
  }

 private:
  static constexpr uint8_t kWhole = 0, kRefused = 1, kWrong = 2, kAborted = 3, kNotTried = 4;

  // In a process without threads.
  [[noreturn]] void TryAll(size_t begin, size_t end, size_t half) {
    while (begin < end) {
      const pid_t child = fork();
      if (child == 0) Try(begin, end, fmt::format("{}.broken{}", path_, half));
      waitpid(child, nullptr, 0);
      while (begin < end && verdicts_[begin] != kNotTried) ++begin;
      if (begin < end) verdicts_[begin] = kAborted;
    }
    std::_Exit(0);
  }

  [[noreturn]] void Try(size_t begin, size_t end, const std::string& copy) {
    const int silent = open("/dev/null", O_WRONLY);
    dup2(silent, 2);
    for (size_t number = begin; number < end; ++number) {
      if (verdicts_[number] != kNotTried) continue;
      const Breakage breakage = make_(number);
      fs::remove_all(copy);
      fs::copy(path_, copy, fs::copy_options::recursive);
      WriteFile(copy + breakage.file, breakage.bytes);
      verdicts_[number] = static_cast<uint8_t>(Judge(copy, acknowledged_));
    }
    std::_Exit(0);
  }

  Verdicts Count() const {
    Verdicts verdicts;
    for (size_t number = 0; number < count_; ++number) {
      switch (verdicts_[number]) {
        case kWhole: ++verdicts.whole; break;
        case kRefused: ++verdicts.refused; break;
        case kAborted: ++verdicts.aborted; break;
        default: ++verdicts.wrong; fmt::print("WRONG after {}\n", make_(number).what);
      }
    }
    return verdicts;
  }

  const std::string path_;
  const uint64_t acknowledged_;
  const size_t count_;
  const Make make_;
  uint8_t* const verdicts_;  // by number, shared by all processes
};

// RESCIND_FULL_SWEEP=1 breaks every byte, =10 each tenth; without it about `wanted` of so many.
size_t StrideOf(size_t bytes, size_t wanted) {
  const char* stride = std::getenv("RESCIND_FULL_SWEEP");
  if (stride != nullptr) return std::max<size_t>(1, std::strtoull(stride, nullptr, 10));
#ifdef RESCIND_SANITIZED
  wanted = std::max<size_t>(6, wanted / 5);  // a process each, and those start slowly
#endif
  return std::max<size_t>(1, bytes / wanted);
}

// Flips a bit in, and with `cut` cuts the file at, every byte (or one in so many; `wanted` 0:
// every).
Verdicts Sweep(const std::string& path, const std::string& extension, uint64_t acknowledged,
               size_t wanted, bool cut) {
  Verdicts all;
  SeededRandom dice(TestSeed());
  for (const auto& entry : fs::recursive_directory_iterator(path)) {
    const std::string file = entry.path().string().substr(path.size());
    const bool chosen = extension.empty() ? file.find("MANIFEST") != std::string::npos
                                          : entry.path().extension() == extension;
    if (!chosen || !entry.is_regular_file()) continue;
    const std::string bytes = ReadFile(path + file);
    if (bytes.empty()) continue;
    const size_t stride = wanted == 0 ? 1 : StrideOf(bytes.size(), wanted);
    const size_t first = dice.Below(stride);
    const size_t places = (bytes.size() - first + stride - 1) / stride;
    const auto make = [&](size_t number) -> Breakage {
      const size_t at = first + number % places * stride;
      if (number >= places) return {file, bytes.substr(0, at), fmt::format("a cut at {}", at)};
      std::string flipped = bytes;
      flipped[at] = static_cast<char>(flipped[at] ^ (1 << SeededRandom(TestSeed() + at).Below(8)));
      return {file, flipped, fmt::format("a flip at {} of {}", at, file)};
    };
    const Verdicts of_file = Breaker(path, acknowledged, cut ? 2 * places : places, make).Run();
    all.whole += of_file.whole;
    all.refused += of_file.refused;
    all.aborted += of_file.aborted;
    all.wrong += of_file.wrong;
  }
  return all;
}

int SweepAll(const std::string& path, const std::string& extension, size_t wanted, bool cut,
             uint64_t commits = kSweptCommits) {
  const Verdicts verdicts = Sweep(path, extension, commits, wanted, cut);
  fmt::print("{}", verdicts.Text());
  std::fflush(stdout);
  // A sweep that never broke anything proves nothing.
  if (verdicts.refused + verdicts.aborted == 0) return 6;
  return verdicts.wrong == 0 ? 0 : 2;
}

// The tail that nobody was told of, cut at every byte: what was acknowledged opens.
int SweepTail(const std::string& path) {
  const uint64_t safe_bytes = ReadNumberFile(path + ".log_bytes");
  const auto logs = LogsOf(path);
  if (logs.empty() || fs::file_size(path + logs.back()) <= safe_bytes) return 3;
  const std::string& file = logs.back();
  const std::string bytes = ReadFile(path + file);
  const size_t left = bytes.size() - safe_bytes;
  const size_t stride = StrideOf(left, 20);
  const auto make = [&](size_t number) -> Breakage {
    const size_t end = safe_bytes + number * stride;
    return {file, bytes.substr(0, end), fmt::format("a tail cut at {}", end)};
  };
  const Verdicts verdicts = Breaker(path, kSafeCommits, left / stride + 1, make).Run();
  fmt::print("{}", verdicts.Text());
  std::fflush(stdout);
  return verdicts.refused + verdicts.aborted + verdicts.wrong == 0 && verdicts.whole > 5 ? 0 : 2;
}

int DoTask(const std::string& task, const std::string& path) {
  if (task == "work") return WorkUntilKilled(path);
  if (task == "write") return WriteSome(path, End::kOneLog);
  if (task == "write little") return WriteLittle(path);
  if (task == "write and stage") return WriteSome(path, End::kTwoLogs);
  if (task == "write and fold") return WriteSome(path, End::kFolded);
  if (task == "fail log sync") return FailOneSync(path, true);
  if (task == "fail mark sync") return FailOneSync(path, false);
  if (task == "sweep log") return SweepAll(path, ".log", 60, true);
  if (task == "sweep every byte") return SweepAll(path, ".log", kEveryByte, true, kLittleCommits);
  if (task == "sweep tables") return SweepAll(path, ".sst", 8, false);
  if (task == "sweep manifest") return SweepAll(path, "", 40, true);
  if (task == "sweep tail") return SweepTail(path);
  return 100;
}

void Do(const std::string& task, const std::string& path) {
  const int code = ExitOf(Spawn(kCrashChild, task, path));
  INFO(task, ": ", ReadFile(path + ".out"));
  CHECK(code == 0);
}

}  // namespace

TEST_CASE("Child of the crash tests" * doctest::skip()) {
  const char* task = std::getenv("RESCIND_STORE_TASK");
  const char* path = std::getenv("RESCIND_STORE_PATH");
  if (task == nullptr || path == nullptr) return;
  std::_Exit(DoTask(task, path));
}

TEST_CASE("A store killed at any moment has all that was acknowledged and nothing in part") {
  const CrashFolder folder;
  const std::string path = folder / "store";
  SeededRandom dice(TestSeed());
  uint64_t acknowledged = 0;
  for (int round = 0; round < 8; ++round) {
    const pid_t child = Spawn(kCrashChild, "work", path);
    // Into the work, or into the recovery from the last kill.
    for (int tries = 0; tries < 200 && round % 3 != 2; ++tries) {
      if (ReadNumberFile(path + ".acked") > acknowledged) break;
      usleep(5'000);
    }
    usleep(static_cast<useconds_t>(dice.Below(60'000)));
    REQUIRE(kill(child, SIGKILL) == 0);
    INFO("seed ", TestSeed(), ": ", ReadFile(path + ".out"));
    REQUIRE(ExitOf(child) == -SIGKILL);
    acknowledged = ReadNumberFile(path + ".acked");
    // The next child recovers after every other kill, so that recoveries are killed too.
    if (round % 2 == 0 || !fs::exists(path)) continue;
    CrashHistory history(path);
    auto store = history.Open();
    if (!store.ok()) FAIL(store.error().message);
    CHECK((*store)->facts_seq() >= acknowledged);
    CHECK((*store)->facts_seq() <= acknowledged + 1);
    CHECK(CrashHistory::Check(**store) == "");
  }
  CHECK(acknowledged > 0);
}

TEST_CASE("A log with a flipped bit, or cut anywhere, is refused or mended, never opened short") {
  const CrashFolder folder;
  Do("write", folder / "store");
  Do("sweep log", folder / "store");
}

TEST_CASE("A short log with any byte flipped, or cut at any byte, is refused or mended") {
  const CrashFolder folder;
  Do("write little", folder / "store");
  Do("sweep every byte", folder / "store");
}

// Once a store whose older log was cut came up without the commits that it had held.
TEST_CASE("A log that others came after is refused or mended too, never opened short") {
  const CrashFolder folder;
  Do("write and stage", folder / "store");
  Do("sweep log", folder / "store");
  Do("sweep manifest", folder / "store");
}

TEST_CASE("A table or manifest with a flipped bit is refused or read right") {
  const CrashFolder folder;
  Do("write and fold", folder / "store");
  Do("sweep tables", folder / "store");
  Do("sweep manifest", folder / "store");
}

TEST_CASE("The first failed sync ends the process, and the tail may be lost at any byte") {
  for (const char* task : {"fail log sync", "fail mark sync"}) {
    const CrashFolder folder;
    const std::string path = folder / "store";
    CHECK(ExitOf(Spawn(kCrashChild, task, path)) == 1);
    CHECK(ReadFile(path + ".out").find("fatal: cannot sync the") != std::string::npos);
    Do("sweep tail", path);
  }
}

TEST_CASE("A torn slot of the mark leaves the other; without any the store is refused") {
  const CrashFolder folder;
  const std::string path = folder / "store";
  {
    CrashHistory history(path);
    auto store = history.Open();
    REQUIRE(store.ok());
    for (uint64_t n = 1; n <= 3; ++n) REQUIRE(CrashHistory::Write(**store, n));
  }
  const std::string whole = ReadFile(path + "/MARK");
  REQUIRE(whole.size() == 8192);
  const auto break_slot = [](std::string bytes, size_t slot) {
    bytes[slot * 4096 + 40] = static_cast<char>(bytes[slot * 4096 + 40] ^ 1);
    return bytes;
  };
  for (size_t slot = 0; slot < 2; ++slot) {
    WriteFile(path + "/MARK", break_slot(whole, slot));
    CrashHistory history(path);
    auto store = history.Open();
    if (!store.ok()) FAIL(store.error().message);
    CHECK(CrashHistory::Check(**store) == "");
  }
  WriteFile(path + "/MARK", break_slot(break_slot(whole, 0), 1));
  CHECK(CrashHistory(path).Open().error().kind == ErrorKind::kCorrupt);
  fs::remove(path + "/MARK");
  CHECK(CrashHistory(path).Open().error().kind == ErrorKind::kCorrupt);
}

TEST_CASE("A store behind its mark is refused and says by how much; a newer format is refused") {
  const CrashFolder folder;
  const std::string path = folder / "store";
  {
    CrashHistory history(path);
    auto store = history.Open();
    REQUIRE(store.ok());
    REQUIRE(CrashHistory::Write(**store, 1));
    REQUIRE((*store)->Backup(folder / "old").ok());
    REQUIRE(CrashHistory::Write(**store, 2));
  }
  fs::copy_file(path + "/MARK", folder / "old/MARK", fs::copy_options::overwrite_existing);
  const auto behind = CrashHistory(folder / "old").Open();
  REQUIRE_FALSE(behind.ok());
  CHECK(behind.error().kind == ErrorKind::kCorrupt);
  CHECK(behind.error().message.find("has lost commits") != std::string::npos);
  fs::remove_all(folder / "old/db");
  CHECK(CrashHistory(folder / "old").Open().error().kind == ErrorKind::kCorrupt);

  // As a later version would write it: the format is part of what the checksum covers.
  std::string mark = ReadFile(path + "/MARK");
  for (size_t slot = 0; slot < 2; ++slot) {
    std::string bytes = mark.substr(slot * 4096, 4096);
    const uint32_t body_bytes = static_cast<uint8_t>(bytes[20]);
    bytes[8] = static_cast<char>(kStoreFormat + 1);
    bytes.resize(24 + body_bytes);
    Seal(bytes);
    mark.replace(slot * 4096, bytes.size(), bytes);
  }
  WriteFile(path + "/MARK", mark);
  const auto newer = CrashHistory(path).Open();
  REQUIRE_FALSE(newer.ok());
  CHECK(newer.error().kind == ErrorKind::kUnsupported);
}

// Of a store that nobody has open. `fill`: puts into the batch, of the database.
template <typename Fill>
void ChangeDatabase(const std::string& path, const Fill& fill) {
  RealFileSystem files;
  const DiskGuard guard(path, files);
  auto database = Database::Open(path + "/db", Database::Access::kChange, {guard});
  REQUIRE(database.ok());
  rocksdb::WriteBatch batch;
  fill(**database, batch);
  REQUIRE((*database)->Write(batch, Database::Durability::kSynced).ok());
}

// Format 1 had the number of the newest commit where there is a sum now, and none in the state.
void MakeFormatOne(const std::string& path, uint64_t commits) {
  ChangeDatabase(path, [&](const Database& database, rocksdb::WriteBatch& batch) {
    std::string number;
    AppendBigEndian64(number, commits);
    for (const Family family : kFamilies) database.Put(batch, family, kCommitKey, number);
    database.Delete(batch, Family::kState, kCommitKey);
    database.Put(batch, Family::kState, kFormatKey, std::string("\1\0\0\0", 4));
  });
}

// A new store with so many commits of a CrashHistory.
void MakeHistory(const std::string& path, uint64_t count) {
  CrashHistory history(path);
  auto store = history.Open();
  REQUIRE(store.ok());
  for (uint64_t n = 1; n <= count; ++n) REQUIRE(CrashHistory::Write(**store, n));
}

// The n-th commit, on what is there.
void GoOn(const std::string& path, uint64_t n) {
  CrashHistory history(path);
  auto store = history.Open();
  if (!store.ok()) FAIL(store.error().message);
  REQUIRE(CrashHistory::Write(**store, n));
  CHECK(CrashHistory::Check(**store) == "");
}

uint64_t CommitsIn(const std::string& path, Family family) {
  RealFileSystem files;
  const DiskGuard guard(path, files);
  auto database = Database::Open(path + "/db", Database::Access::kRead, {guard});
  REQUIRE(database.ok());
  const auto bytes = (*database)->Get(family, kCommitKey);
  REQUIRE(bytes.ok());
  return *bytes && (*bytes)->size() == 8 ? BigEndian64(**bytes) : 0;
}

TEST_CASE("A store of format 1 is raised, and what it loses afterwards is noticed") {
  const CrashFolder folder;
  const std::string path = folder / "store";
  MakeHistory(path, 300);
  const uint64_t commits = CommitsIn(path, Family::kExtra);
  CHECK(commits > 300);
  MakeFormatOne(path, commits);
  CHECK(CommitsIn(path, Family::kState) == 0);
  {
    CrashHistory history(path);
    history.options.read_only = true;
    auto reader = history.Open();
    if (!reader.ok()) FAIL(reader.error().message);
    CHECK(CrashHistory::Check(**reader) == "");
  }
  CHECK(CommitsIn(path, Family::kState) == 0);  // a reader changes nothing
  GoOn(path, 301);
  for (const Family family : kFamilies) CHECK(CommitsIn(path, family) == commits + 2);
  CHECK(CrashHistory(path).Open().ok());

  MakeFormatOne(path, commits + 1);
  const auto short_of_one = CrashHistory(path).Open();
  REQUIRE_FALSE(short_of_one.ok());
  CHECK(short_of_one.error().message.find("has lost commits: one part has") != std::string::npos);
}

// Format 2 lacked columns alone: raising it leaves the sums as they are.
TEST_CASE("A store of format 2 is raised, and counts its commits on") {
  const CrashFolder folder;
  const std::string path = folder / "store";
  MakeHistory(path, 3);
  const uint64_t commits = CommitsIn(path, Family::kState);
  ChangeDatabase(path, [](const Database& database, rocksdb::WriteBatch& batch) {
    database.Put(batch, Family::kState, kFormatKey, std::string("\2\0\0\0", 4));
  });
  GoOn(path, 4);
  const uint64_t raised = CommitsIn(path, Family::kState);
  CHECK(raised >= commits + 2);
  for (const Family family : kFamilies) CHECK(CommitsIn(path, family) == raised);
  CHECK(CrashHistory(path).Open().ok());
}

}  // namespace rescind
