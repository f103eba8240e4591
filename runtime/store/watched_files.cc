#include "runtime/store/watched_files.h"

#include <rocksdb/file_system.h>

#include "engine/base/assert.h"

namespace rescind {
namespace {

using rocksdb::FileOptions;
using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using rocksdb::Slice;

struct Watch {
  WriteRefused refused;
  std::function<bool()> fails_next;

  // `write` is not tried where a test says that it fails.
  template <typename Write>
  IOStatus Try(const std::string& file, const Write& write) const {
    IOStatus status = fails_next && fails_next() ? IOStatus::NoSpace() : write();
    if (!status.ok()) Refuse(file, status);
    return status;
  }
  [[noreturn]] void Refuse(const std::string& file, const IOStatus& status) const {
    refused(file, status.ToString(), status.IsNoSpace());
    RESCIND_UNREACHABLE("a refused write was passed over");
  }
};

class WatchedFile final : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  using Checked = rocksdb::DataVerificationInfo;

  WatchedFile(std::unique_ptr<rocksdb::FSWritableFile> file, std::string name, const Watch& watch)
      : FSWritableFileOwnerWrapper(std::move(file)), name_(std::move(name)), watch_(watch) {}

  IOStatus Append(const Slice& data, const IOOptions& options, IODebugContext* debug) override {
    return watch_.Try(name_, [&] { return target()->Append(data, options, debug); });
  }
  IOStatus Append(const Slice& data, const IOOptions& options, const Checked& info,
                  IODebugContext* debug) override {
    return watch_.Try(name_, [&] { return target()->Append(data, options, info, debug); });
  }
  IOStatus PositionedAppend(const Slice& data, uint64_t offset, const IOOptions& options,
                            IODebugContext* debug) override {
    return watch_.Try(name_,
                      [&] { return target()->PositionedAppend(data, offset, options, debug); });
  }
  IOStatus PositionedAppend(const Slice& data, uint64_t offset, const IOOptions& options,
                            const Checked& info, IODebugContext* debug) override {
    return watch_.Try(
        name_, [&] { return target()->PositionedAppend(data, offset, options, info, debug); });
  }
  IOStatus Truncate(uint64_t size, const IOOptions& options, IODebugContext* debug) override {
    return watch_.Try(name_, [&] { return target()->Truncate(size, options, debug); });
  }
  IOStatus Close(const IOOptions& options, IODebugContext* debug) override {
    return watch_.Try(name_, [&] { return target()->Close(options, debug); });
  }
  IOStatus Flush(const IOOptions& options, IODebugContext* debug) override {
    return watch_.Try(name_, [&] { return target()->Flush(options, debug); });
  }
  IOStatus Sync(const IOOptions& options, IODebugContext* debug) override {
    return watch_.Try(name_, [&] { return target()->Sync(options, debug); });
  }
  IOStatus Fsync(const IOOptions& options, IODebugContext* debug) override {
    return watch_.Try(name_, [&] { return target()->Fsync(options, debug); });
  }
  IOStatus RangeSync(uint64_t offset, uint64_t bytes, const IOOptions& options,
                     IODebugContext* debug) override {
    return watch_.Try(name_, [&] { return target()->RangeSync(offset, bytes, options, debug); });
  }

 private:
  const std::string name_;
  const Watch& watch_;
};

class WatchedFileSystem final : public rocksdb::FileSystemWrapper {
 public:
  explicit WatchedFileSystem(Watch watch)
      : FileSystemWrapper(rocksdb::FileSystem::Default()), watch_(std::move(watch)) {}

  const char* Name() const override { return "WatchedFileSystem"; }

  IOStatus NewWritableFile(const std::string& name, const FileOptions& options,
                           std::unique_ptr<rocksdb::FSWritableFile>* file,
                           IODebugContext* debug) override {
    return Wrap(name, file, [&] { return target()->NewWritableFile(name, options, file, debug); });
  }
  IOStatus ReopenWritableFile(const std::string& name, const FileOptions& options,
                              std::unique_ptr<rocksdb::FSWritableFile>* file,
                              IODebugContext* debug) override {
    return Wrap(name, file,
                [&] { return target()->ReopenWritableFile(name, options, file, debug); });
  }
  IOStatus ReuseWritableFile(const std::string& name, const std::string& old_name,
                             const FileOptions& options,
                             std::unique_ptr<rocksdb::FSWritableFile>* file,
                             IODebugContext* debug) override {
    return Wrap(name, file,
                [&] { return target()->ReuseWritableFile(name, old_name, options, file, debug); });
  }

 private:
  // A file that cannot be made for another reason (no such folder, no right) is an ordinary error.
  template <typename Make>
  IOStatus Wrap(const std::string& name, std::unique_ptr<rocksdb::FSWritableFile>* file,
                const Make& make) {
    IOStatus status = watch_.fails_next && watch_.fails_next() ? IOStatus::NoSpace() : make();
    if (status.IsNoSpace()) watch_.Refuse(name, status);
    if (status.ok()) *file = std::make_unique<WatchedFile>(std::move(*file), name, watch_);
    return status;
  }

  const Watch watch_;
};

}  // namespace

std::unique_ptr<rocksdb::Env> MakeWatchedFiles(WriteRefused refused,
                                               std::function<bool()> fails_next) {
  return rocksdb::NewCompositeEnv(
      std::make_shared<WatchedFileSystem>(Watch{std::move(refused), std::move(fails_next)}));
}

}  // namespace rescind
