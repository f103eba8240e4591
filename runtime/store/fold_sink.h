// FoldSink: collects what a fold writes, in one batch while it is small, staged when it is not.
//
// Staged writes go to files without the log, under a fold number that nothing refers to until the
// final batch says so. A marker written first lets the next opening remove what a crash left.
#pragma once

#include <rocksdb/write_batch.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/store/database.h"

namespace rescind {

class FoldSink {
 public:
  FoldSink(Database& database, uint64_t fold_number, uint64_t facts_seq)
      : database_(database), fold_number_(fold_number), facts_seq_(facts_seq) {}

  uint64_t fold_number() const { return fold_number_; }
  uint64_t facts_seq() const { return facts_seq_; }  // up to which chunks are folded
  bool staging() const { return staging_; }
  Database& database() { return database_; }

  // Invisible until the final batch is written.
  Status Put(Family family, std::string_view key, std::string_view value);
  // A chunk that the fold supersedes: deleted when the fold becomes visible, not before.
  void Replace(std::string key) { replaced_.push_back(std::move(key)); }
  // From here on everything is staged.
  Status Stage();
  // What was put so far can be read.
  Status WriteStaged();
  // The batch that makes the fold visible; for changes that must be part of it.
  rocksdb::WriteBatch& final_batch() { return final_batch_; }
  // What was staged is durable, and what was not is in the final batch. The caller writes that.
  Status Finish();

 private:
  Database& database_;
  const uint64_t fold_number_;
  const uint64_t facts_seq_;
  bool staging_ = false;
  rocksdb::WriteBatch staged_;
  rocksdb::WriteBatch final_batch_;
  std::vector<std::string> replaced_;
};

}  // namespace rescind
