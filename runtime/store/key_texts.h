// KeyTexts: the ids of one entity's rows, in blocks of 256 on disk; in memory only those that are
// not folded yet, and blocks that were read lately. Several threads may ask for texts at once,
// while nobody appends or folds.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "runtime/store/database.h"
#include "runtime/store/fold_sink.h"

namespace rescind {

class KeyTexts {
 public:
  explicit KeyTexts(uint32_t entity);
  ~KeyTexts();

  uint32_t count() const { return first_ + static_cast<uint32_t>(recent_ends_.size()); }
  // The first `count` rows are on disk. The last, partial block is read.
  Status LoadFolded(const Database& database, uint32_t count);
  void Append(std::string_view text);
  Result<std::string> Text(const Database& database, uint32_t row);
  // Every id in order of rows.
  Status ForEach(const Database& database,
                 const std::function<void(uint32_t, std::string_view)>& take);
  // A text that is still in memory.
  std::string_view Recent(uint32_t row) const;
  uint32_t first_recent() const { return first_; }
  uint64_t memory_bytes() const { return recent_blob_.size() + recent_ends_.size() * 8; }

  // Writes full blocks, with `all` also the last one. Full blocks leave the memory.
  Status Fold(FoldSink& sink, bool all);

 private:
  static constexpr uint32_t kNoBlock = 0xFFFFFFFF;
  // A block as it lies on disk: lengths and texts, one after the other.
  struct Block {
    uint32_t number = kNoBlock;
    std::string bytes;
    std::vector<uint32_t> begins;  // of each text in the bytes; its length stands before it
    std::string_view At(uint32_t index) const;
  };

  Status ReadBlock(const Database& database, uint32_t number, Block& block) const;
  // The blocks that were read lately: a block has one place, its number modulo their count.
  struct Cache;
  // In a block on disk that is full.
  Result<std::string> FoldedText(const Database& database, uint32_t row);

  const uint32_t entity_;
  uint32_t first_ = 0;  // of the rows in memory; begins a block
  std::string recent_blob_;
  std::vector<uint64_t> recent_ends_;  // of each text in the blob
  std::once_flag cache_made_;
  std::unique_ptr<Cache> cache_;
};

}  // namespace rescind
