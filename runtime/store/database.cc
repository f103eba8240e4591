#include "runtime/store/database.h"

#include <fmt/format.h>
#include <rocksdb/cache.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/merge_operator.h>
#include <rocksdb/table.h>
#include <rocksdb/utilities/checkpoint.h>

#include <algorithm>
#include <array>
#include <cstdarg>

#include "runtime/store/byte_codec.h"
#include "runtime/store/restore_help.h"
#include "runtime/store/watched_files.h"

namespace rescind {
namespace {

constexpr std::array<const char*, kFamilyCount> kFamilyNames = {"default", "changes", "columns",
                                                                "keys", "extra"};

rocksdb::Slice SliceOf(std::string_view text) { return {text.data(), text.size()}; }
std::string_view ViewOf(const rocksdb::Slice& slice) { return {slice.data(), slice.size()}; }

// The sum of all memtables.
constexpr uint64_t kMemoryBytes = 128 << 20;

// What goes wrong comes as a status; a log file would be one more thing that a full disk breaks.
class NoLog final : public rocksdb::Logger {
 public:
  using Logger::Logv;
  void Logv(const char*, va_list) override {}
};

// Adds numbers of 64 bits, big-endian.
class Adder final : public rocksdb::AssociativeMergeOperator {
 public:
  bool Merge(const rocksdb::Slice&, const rocksdb::Slice* sum, const rocksdb::Slice& more,
             std::string* result, rocksdb::Logger*) const override {
    if (more.size() != 8 || (sum != nullptr && sum->size() != 8)) return false;
    result->clear();
    AppendBigEndian64(*result,
                      BigEndian64(ViewOf(more)) + (sum != nullptr ? BigEndian64(ViewOf(*sum)) : 0));
    return true;
  }
  const char* Name() const override { return "rescind.Adder"; }
};

// The sum of all memtables and the log bound what a crash leaves to be replayed.
rocksdb::DBOptions DatabaseOptions(rocksdb::Env* files, bool create) {
  rocksdb::DBOptions options;
  options.env = files;
  options.info_log = std::make_shared<NoLog>();
  options.create_if_missing = create;
  options.create_missing_column_families = create;
  options.paranoid_checks = true;
  options.wal_recovery_mode = rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
  options.max_total_wal_size = 64 << 20;
  options.db_write_buffer_size = kMemoryBytes;
  options.max_background_jobs = 2;
  options.bytes_per_sync = 1 << 20;
  // What was written without the log is invisible until a fold has flushed it itself.
  options.avoid_flush_during_shutdown = true;
  options.stats_dump_period_sec = 0;
  options.stats_persist_period_sec = 0;
  options.max_open_files = 512;
  return options;
}

rocksdb::ColumnFamilyOptions FamilyOptions(Family family,
                                           const std::shared_ptr<rocksdb::Cache>& cache) {
  rocksdb::ColumnFamilyOptions options;
  const bool bulky = family == Family::kColumns || family == Family::kKeys;
  options.write_buffer_size = bulky ? 32 << 20 : 16 << 20;
  options.max_write_buffer_number = 3;
  options.merge_operator = std::make_shared<Adder>();
  // A sum in memory is never longer, so that whoever scans past it does not add up for long.
  options.max_successive_merges = 256;
  options.compression = rocksdb::CompressionType::kLZ4Compression;
  options.target_file_size_base = 64 << 20;
  options.max_bytes_for_level_base = 512 << 20;
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = cache;
  table.format_version = 5;
  table.checksum = rocksdb::ChecksumType::kXXH3;
  table.block_size = bulky ? 32 << 10 : 8 << 10;
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10, false));
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return options;
}

}  // namespace

std::string AfterPrefix(std::string_view prefix) {
  std::string next(prefix);
  while (!next.empty() && static_cast<uint8_t>(next.back()) == 0xFF) next.pop_back();
  if (!next.empty()) next.back() = static_cast<char>(static_cast<uint8_t>(next.back()) + 1);
  return next;
}

Error Database::Failure(const char* verb, const rocksdb::Status& status) const {
  ErrorKind kind = ErrorKind::kIo;
  std::string help = "look at free space and at the health of the disk";
  if (status.IsCorruption()) {
    kind = ErrorKind::kCorrupt;
    help = kRestoreHelp;
  } else if (status.IsBusy()) {
    kind = ErrorKind::kBusy;
    help = "wait until the other process has ended";
  }
  return Error{kind, fmt::format("cannot {} store {}: {}", verb, path_, status.ToString()), help};
}

Database::Database(std::string path, Access access, Disk disk)
    : path_(std::move(path)),
      access_(access),
      guard_(disk.guard),
      files_(MakeWatchedFiles(
          [&guard = disk.guard](const std::string& file, std::string_view reason, bool is_full) {
            guard.EndProcess(file, reason, is_full);
          },
          std::move(disk.fails_next))) {}

rocksdb::Status Database::OpenFamilies() {
  const auto cache = rocksdb::NewLRUCache(32 << 20);
  std::vector<rocksdb::ColumnFamilyDescriptor> families;
  for (size_t i = 0; i < kFamilyCount; ++i) {
    families.emplace_back(kFamilyNames[i], FamilyOptions(static_cast<Family>(i), cache));
  }
  const auto options = DatabaseOptions(files_.get(), access_ == Access::kCreate);
  rocksdb::DB* raw = nullptr;
  rocksdb::Status status =
      read_only() ? rocksdb::DB::OpenForReadOnly(options, path_, families, &handles_, &raw)
                  : rocksdb::DB::Open(options, path_, families, &handles_, &raw);
  db_.reset(raw);
  return status;
}

Result<std::unique_ptr<Database>> Database::Open(const std::string& path, Access access,
                                                 Disk disk) {
  std::unique_ptr<Database> database(new Database(path, access, std::move(disk)));
  const rocksdb::Status status = database->OpenFamilies();
  if (!status.ok()) {
    // An unreadable manifest and the like come as other kinds of status than Corruption.
    Error error = database->Failure("open", status);
    if (error.kind == ErrorKind::kIo && access != Access::kCreate) {
      error.kind = ErrorKind::kCorrupt;
    }
    return error;
  }
  return database;
}

Database::~Database() {
  if (!db_) return;
  for (auto* family : handles_) db_->DestroyColumnFamilyHandle(family);
  db_->Close();
}

Result<std::optional<std::string>> Database::Get(Family family, std::string_view key) const {
  std::string value;
  const rocksdb::Status status = db_->Get({}, handle(family), SliceOf(key), &value);
  if (status.IsNotFound()) return std::optional<std::string>();
  if (!status.ok()) return Failure("read", status);
  return std::optional(std::move(value));
}

Result<bool> Database::Read(Family family, std::string_view key, Neighbours neighbours,
                            const std::function<Status(std::string_view)>& take) const {
  rocksdb::ReadOptions options;
  options.fill_cache = neighbours == Neighbours::kReadSoon;
  rocksdb::PinnableSlice value;
  const rocksdb::Status status = db_->Get(options, handle(family), SliceOf(key), &value);
  if (status.IsNotFound()) return false;
  if (!status.ok()) return Failure("read", status);
  RESCIND_TRY(take(ViewOf(value)));
  return true;
}

Status Database::Scan(Family family, std::string_view from, std::string_view until,
                      const std::function<bool(std::string_view, std::string_view)>& take) const {
  rocksdb::ReadOptions options;
  const rocksdb::Slice upper = SliceOf(until);
  if (!until.empty()) options.iterate_upper_bound = &upper;
  const std::unique_ptr<rocksdb::Iterator> it(db_->NewIterator(options, handle(family)));
  for (it->Seek(SliceOf(from)); it->Valid(); it->Next()) {
    if (!take(ViewOf(it->key()), ViewOf(it->value()))) break;
  }
  if (!it->status().ok()) return Failure("read", it->status());
  return {};
}

Status Database::ScanBack(
    Family family, std::string_view from, std::string_view until,
    const std::function<bool(std::string_view, std::string_view)>& take) const {
  rocksdb::ReadOptions options;
  const rocksdb::Slice lower = SliceOf(from);
  const rocksdb::Slice upper = SliceOf(until);
  options.iterate_lower_bound = &lower;
  if (!until.empty()) options.iterate_upper_bound = &upper;
  const std::unique_ptr<rocksdb::Iterator> it(db_->NewIterator(options, handle(family)));
  for (it->SeekToLast(); it->Valid(); it->Prev()) {
    if (!take(ViewOf(it->key()), ViewOf(it->value()))) break;
  }
  if (!it->status().ok()) return Failure("read", it->status());
  return {};
}

Result<std::optional<std::pair<std::string, std::string>>> Database::Last(
    Family family, std::string_view from, std::string_view until) const {
  std::optional<std::pair<std::string, std::string>> last;
  RESCIND_TRY(ScanBack(family, from, until, [&](std::string_view key, std::string_view value) {
    last.emplace(key, value);
    return false;
  }));
  return last;
}

void Database::Put(rocksdb::WriteBatch& batch, Family family, std::string_view key,
                   std::string_view value) const {
  const rocksdb::Status status = batch.Put(handle(family), SliceOf(key), SliceOf(value));
  RESCIND_ASSERT(status.ok(), "a batch refuses a change");
}

void Database::Delete(rocksdb::WriteBatch& batch, Family family, std::string_view key) const {
  const rocksdb::Status status = batch.Delete(handle(family), SliceOf(key));
  RESCIND_ASSERT(status.ok(), "a batch refuses a change");
}

void Database::DeleteRange(rocksdb::WriteBatch& batch, Family family, std::string_view from,
                           std::string_view until) const {
  const rocksdb::Status status = batch.DeleteRange(handle(family), SliceOf(from), SliceOf(until));
  RESCIND_ASSERT(status.ok(), "a batch refuses a change");
}

void Database::AddOne(rocksdb::WriteBatch& batch, Family family, std::string_view key) const {
  std::string one;
  AppendBigEndian64(one, 1);
  const rocksdb::Status status = batch.Merge(handle(family), SliceOf(key), SliceOf(one));
  RESCIND_ASSERT(status.ok(), "a batch refuses a change");
}

Status Database::NeedRoom(uint64_t bytes, std::string_view standing) const {
  // To the log, and to the files that it is turned into.
  return guard_.NeedRoom(2 * bytes + std::min(unlogged_bytes_, kMemoryBytes), standing);
}

Status Database::Write(rocksdb::WriteBatch& batch, Durability durability) {
  rocksdb::WriteOptions options;
  options.sync = durability == Durability::kSynced;
  options.disableWAL = durability == Durability::kUnlogged;
  options.protection_bytes_per_key = 8;
  const rocksdb::Status status = db_->Write(options, &batch);
  if (!status.ok()) return Failure("write", status);
  if (options.disableWAL) unlogged_bytes_ += batch.GetDataSize();
  return {};
}

Status Database::FlushFolded() {
  rocksdb::FlushOptions options;
  options.wait = true;
  const rocksdb::Status status =
      db_->Flush(options, {handle(Family::kColumns), handle(Family::kKeys)});
  if (!status.ok()) return Failure("flush", status);
  unlogged_bytes_ = 0;
  return {};
}

uint64_t Database::ApproximateBytes(Family family, std::string_view from,
                                    std::string_view until) const {
  const rocksdb::Range range(SliceOf(from), SliceOf(until));
  uint64_t bytes = 0;
  const rocksdb::Status status = db_->GetApproximateSizes({}, handle(family), &range, 1, &bytes);
  return status.ok() ? bytes : 0;
}

Status Database::CopyTo(const std::string& directory) {
  rocksdb::Checkpoint* raw = nullptr;
  rocksdb::Status status = rocksdb::Checkpoint::Create(db_.get(), &raw);
  const std::unique_ptr<rocksdb::Checkpoint> checkpoint(raw);
  if (status.ok()) status = checkpoint->CreateCheckpoint(directory);
  if (!status.ok()) return Failure("copy", status);
  return {};
}

}  // namespace rescind
