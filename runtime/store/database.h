// Database: the one place that opens RocksDB, with the settings that this store depends on.
//
// Five column families, see FORMAT.md. It turns RocksDB's errors into ours; it does not know what
// the bytes mean. Readers may be several threads; writers are one.
#pragma once

#include <rocksdb/db.h>
#include <rocksdb/write_batch.h>

#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "runtime/store/disk_guard.h"

namespace rescind {

enum class Family : uint8_t { kState = 0, kChanges = 1, kColumns = 2, kKeys = 3, kExtra = 4 };
inline constexpr size_t kFamilyCount = 5;
inline constexpr std::array<Family, kFamilyCount> kFamilies = {
    Family::kState, Family::kChanges, Family::kColumns, Family::kKeys, Family::kExtra};

class Database {
 public:
  enum class Access { kCreate, kChange, kRead };
  // What a database borrows: `guard` must outlive it. `fails_next` is a test's (watched_files.h).
  struct Disk {
    const DiskGuard& guard;
    std::function<bool()> fails_next = {};
  };
  // kCreate: make it when it is not there. kRead changes nothing on disk: what the log holds is
  // read into memory, and every write is refused.
  static Result<std::unique_ptr<Database>> Open(const std::string& path, Access access, Disk disk);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  Result<std::optional<std::string>> Get(Family family, std::string_view key) const;
  // Whether what lies beside a value will be read soon, so that it is worth keeping unpacked.
  enum class Neighbours { kPassedBy, kReadSoon };
  // A large value without copying it twice; `take` is called at most once. False: no such key.
  Result<bool> Read(Family family, std::string_view key, Neighbours neighbours,
                    const std::function<Status(std::string_view)>& take) const;
  // Keys from `from` (inclusive) to `until` (exclusive) ascending, while `take` returns true.
  Status Scan(Family family, std::string_view from, std::string_view until,
              const std::function<bool(std::string_view, std::string_view)>& take) const;
  // The same keys descending.
  Status ScanBack(Family family, std::string_view from, std::string_view until,
                  const std::function<bool(std::string_view, std::string_view)>& take) const;
  // The greatest key in [from, until), if any.
  Result<std::optional<std::pair<std::string, std::string>>> Last(Family family,
                                                                  std::string_view from,
                                                                  std::string_view until) const;

  void Put(rocksdb::WriteBatch& batch, Family family, std::string_view key,
           std::string_view value) const;
  void Delete(rocksdb::WriteBatch& batch, Family family, std::string_view key) const;
  void DeleteRange(rocksdb::WriteBatch& batch, Family family, std::string_view from,
                   std::string_view until) const;

  // Adds one to the number under the key (64 bits, big-endian; none is zero). What is added counts
  // every batch that RocksDB has kept: one that is lost on the way is missing in the sum.
  void AddOne(rocksdb::WriteBatch& batch, Family family, std::string_view key) const;

  enum class Durability { kSynced, kLogged, kUnlogged };
  // kUnlogged is lost in a crash until FlushFolded(). Room for it is the caller's business.
  Status Write(rocksdb::WriteBatch& batch, Durability durability);
  // What was written to columns and keys is in files, durable.
  Status FlushFolded();
  // Roughly, on disk.
  uint64_t ApproximateBytes(Family family, std::string_view from, std::string_view until) const;
  // A copy in a folder that must not exist; durable.
  Status CopyTo(const std::string& directory);

  bool read_only() const { return access_ == Access::kRead; }
  // kIo when the disk lacks room for a batch of that size and all that waits in memory for files.
  Status NeedRoom(uint64_t bytes, std::string_view standing) const;

 private:
  Database(std::string path, Access access, Disk disk);
  rocksdb::Status OpenFamilies();
  rocksdb::ColumnFamilyHandle* handle(Family family) const {
    return handles_[static_cast<size_t>(family)];
  }
  Error Failure(const char* verb, const rocksdb::Status& status) const;

  const std::string path_;
  const Access access_;
  const DiskGuard& guard_;
  const std::unique_ptr<rocksdb::Env> files_;
  uint64_t unlogged_bytes_ = 0;  // since the last FlushFolded
  std::unique_ptr<rocksdb::DB> db_;
  std::vector<rocksdb::ColumnFamilyHandle*> handles_;
};

// The first key after all that begin with `prefix`; empty when there is none.
std::string AfterPrefix(std::string_view prefix);

}  // namespace rescind
