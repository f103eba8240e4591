// WatchedFiles: RocksDB's files, with a word to say when one refuses a write.
//
// Debian builds RocksDB with assertions, and one of them aborts the process when a file that has
// refused a write is touched again, be it to close it. So a refused write must not come back to
// RocksDB at all: whoever watches ends the process. Reading is passed through.
#pragma once

#include <rocksdb/env.h>

#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace rescind {

// Called on any thread; must not return. `is_full`: there is no space left.
using WriteRefused =
    std::function<void(const std::string& file, std::string_view reason, bool is_full)>;

// For DBOptions::env; must outlive the database. `fails_next`: where a test makes the disk full;
// called before every creation, write and sync, on any thread; may be empty.
std::unique_ptr<rocksdb::Env> MakeWatchedFiles(WriteRefused refused,
                                               std::function<bool()> fails_next);

}  // namespace rescind
