// DiskGuard: whether the store's disk has room for what is about to be written, and the end of
// the process when the disk has refused a write all the same.
//
// Room is asked for before anything is written, so that a full disk is an ordinary error that
// leaves everything as it was. A write that has begun and fails ends the process: what is on disk
// is then what a kill leaves, which the next opening knows how to mend. It knows no RocksDB.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>

#include "engine/base/result.h"
#include "runtime/env/file_system.h"
#include "runtime/store/last_words.h"

namespace rescind {

// What opening a store for changes writes before the first change, beside what its log holds.
inline constexpr uint64_t kOpenRoomBytes = 16 << 20;

class DiskGuard {
 public:
  // `path`: the store's folder, which may not exist yet. `files` must outlive this.
  DiskGuard(std::string path, FileSystem& files) : path_(std::move(path)), files_(files) {}

  // kIo when less than `bytes`, and a little for what RocksDB writes beside them, is free.
  // `standing`: what is true then, such as "nothing was changed".
  Status NeedRoom(uint64_t bytes, std::string_view standing) const;

  // Around every commit: the end of the process says what became of it.
  void BeginCommit() { commit_is_open_ = true; }
  void EndCommit() {
    has_committed_ = true;
    commit_is_open_ = false;
  }

  // What EndProcess says and returns from now on. Any thread.
  void SetLastWords(LastWords words);

  // What was acknowledged and what the disk holds may differ from here on, and a second sync would
  // report success for pages that the kernel has dropped: only the next opening can tell. Any
  // thread.
  [[noreturn]] void EndProcess(const Error& error) const;
  // The same for a file that refused a write; `is_full`: for want of space.
  [[noreturn]] void EndProcess(const std::string& file, std::string_view reason,
                               bool is_full) const;

 private:
  std::string NearestFolder() const;
  std::string_view Standing() const;

  const std::string path_;
  FileSystem& files_;
  std::atomic<bool> commit_is_open_ = false;
  std::atomic<bool> has_committed_ = false;
  mutable std::mutex mutex_;
  LastWords last_words_;  // guarded by mutex_
};

}  // namespace rescind
