// FaultyFileSystem: a real file system that fails where a test wants it.
//
// Counts the changing steps (create, append, sync, close, rename, sync directory, remove, make
// directory) from 1. At step `fail_at` it returns the error number and does nothing, except that
// an append first writes half of its bytes, as a full disk does. Later steps work again, unless
// `stays_broken`.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "runtime/env/file_system.h"

namespace rescind {

class FaultyFileSystem final : public FileSystem {
 public:
  // `below` must outlive this. `fail_at` 0: never, only count.
  FaultyFileSystem(FileSystem& below, uint64_t fail_at, int error_number, bool stays_broken = false)
      : below_(below),
        fail_at_(fail_at),
        error_number_(error_number),
        stays_broken_(stays_broken) {}

  uint64_t step_count() const { return step_count_; }
  // From here on the disk claims to have so much left, or says again what it has.
  void ClaimFree(std::optional<uint64_t> bytes) { claimed_free_bytes_ = bytes; }
  // It claims to be full as soon as there is a file of that name.
  void FillWith(std::string path) { filled_with_ = std::move(path); }

  Result<std::unique_ptr<ReadableFile>> OpenForReading(const std::string& path) override;
  Result<std::unique_ptr<ReadableFile>> OpenRegular(const std::string& path) override;
  Result<std::unique_ptr<WritableFile>> Create(const std::string& path, uint32_t mode) override;
  Status Rename(const std::string& from, const std::string& to) override;
  Result<bool> RenameToFree(const std::string& from, const std::string& to) override;
  Status SyncDirectory(const std::string& directory) override;
  Status Remove(const std::string& path) override;
  Result<OutputPlace> FindOutput(const std::string& path) override;
  Result<std::unique_ptr<WritableFile>> OpenForWriting(const OutputPlace& place) override;
  Status RemoveRecursively(const std::string& path) override;
  Status MakeDirectories(const std::string& path, uint32_t mode) override;
  Result<FileInfo> Stat(const std::string& path) override;
  Result<std::vector<TreeEntry>> ListTree(const std::string& directory) override;
  Result<std::vector<OddEntry>> FindOdd(const std::string& path) override;
  Result<std::unique_ptr<FileLock>> Lock(const std::string& path) override;
  Result<std::unique_ptr<FileLock>> LockShared(const std::string& path) override;
  Result<uint64_t> FreeBytes(const std::string& path) override;

  // Counts one step; the injected error when it is the one to fail.
  Status Step(std::string_view verb, const std::string& path);

 private:
  FileSystem& below_;
  const uint64_t fail_at_;
  const int error_number_;
  const bool stays_broken_;
  uint64_t step_count_ = 0;
  std::optional<uint64_t> claimed_free_bytes_;
  std::string filled_with_;  // empty: by nothing
};

}  // namespace rescind
