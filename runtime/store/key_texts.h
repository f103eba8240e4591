// KeyTexts: the ids of one entity's rows, in blocks of 256 on disk; in memory only those that are
// not folded yet, and blocks that were read lately.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "runtime/store/database.h"
#include "runtime/store/fold_sink.h"

namespace rescind {

class KeyTexts {
 public:
  explicit KeyTexts(uint32_t entity) : entity_(entity) {}

  uint32_t count() const { return first_ + static_cast<uint32_t>(recent_.ends.size()); }
  // The first `count` rows are on disk. The last, partial block is read.
  Status LoadFolded(const Database& database, uint32_t count);
  void Append(std::string_view text) { recent_.Append(text); }
  Result<std::string> Text(const Database& database, uint32_t row);
  // Every id in order of rows.
  Status ForEach(const Database& database,
                 const std::function<void(uint32_t, std::string_view)>& take);
  // A text that is still in memory.
  std::string_view Recent(uint32_t row) const { return recent_.At(row - first_); }
  uint32_t first_recent() const { return first_; }
  uint64_t memory_bytes() const { return recent_.blob.size() + recent_.ends.size() * 8; }

  // Writes full blocks, with `all` also the last one. Full blocks leave the memory.
  Status Fold(FoldSink& sink, bool all);

 private:
  static constexpr uint32_t kNoBlock = 0xFFFFFFFF;
  struct Texts {
    std::string blob;
    std::vector<uint64_t> ends;  // of each text in the blob
    void Append(std::string_view text);
    std::string_view At(uint32_t index) const;
  };
  struct CachedBlock {
    uint32_t number = kNoBlock;
    Texts texts;
  };

  Result<Texts> ReadBlock(const Database& database, uint32_t block) const;
  // Valid until another block is asked for.
  Result<const Texts*> FullBlock(const Database& database, uint32_t block);

  const uint32_t entity_;
  uint32_t first_ = 0;  // of the rows in memory; begins a block
  Texts recent_;
  std::vector<CachedBlock> cache_;  // a block has one place, its number modulo kCachedBlocks
};

}  // namespace rescind
