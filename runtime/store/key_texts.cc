#include "runtime/store/key_texts.h"

#include <fmt/format.h>

#include <algorithm>

#include "runtime/store/byte_codec.h"
#include "runtime/store/column_chunk.h"
#include "runtime/store/store_layout.h"

namespace rescind {
namespace {

constexpr uint8_t kBlockFormat = 1;

}  // namespace

Result<std::vector<std::string>> KeyTexts::ReadBlock(const Database& database,
                                                     uint32_t block) const {
  const auto what = fmt::format("block {} of the ids of entity {}", block, entity_);
  std::vector<std::string> texts;
  RESCIND_ASSIGN(const bool found, database.Read(Family::kKeys, KeyBlockKey(entity_, block),
                                                 [&](std::string_view bytes) -> Status {
                                                   const auto body = Unseal(bytes);
                                                   if (!body) return CorruptRecord(what);
                                                   ByteReader reader(*body);
                                                   if (reader.Take8() != kBlockFormat)
                                                     return CorruptRecord(what);
                                                   const uint32_t count = reader.Take32();
                                                   if (count > kBlockTexts)
                                                     return CorruptRecord(what);
                                                   for (uint32_t i = 0; i < count; ++i) {
                                                     texts.emplace_back(reader.TakeText());
                                                   }
                                                   if (!reader.done()) return CorruptRecord(what);
                                                   return {};
                                                 }));
  if (!found) return CorruptRecord(what + " is missing or");
  return texts;
}

Status KeyTexts::LoadFolded(const Database& database, uint32_t count) {
  first_ = count / kBlockTexts * kBlockTexts;
  if (first_ == count) return {};
  RESCIND_ASSIGN(const auto texts, ReadBlock(database, first_ / kBlockTexts));
  // A longer block is left from a fold that did not come to its end.
  if (texts.size() < count - first_) return CorruptRecord("the last block of ids");
  for (uint32_t i = 0; i < count - first_; ++i) Append(texts[i]);
  return {};
}

void KeyTexts::Append(std::string_view text) {
  blob_.append(text);
  ends_.push_back(blob_.size());
}

std::string_view KeyTexts::Recent(uint32_t row) const {
  const uint32_t i = row - first_;
  const uint64_t begin = i == 0 ? 0 : ends_[i - 1];
  return std::string_view(blob_).substr(begin, ends_[i] - begin);
}

Result<std::string> KeyTexts::Text(const Database& database, uint32_t row) {
  RESCIND_ASSERT(row < count(), "no such row");
  if (row >= first_) return std::string(Recent(row));
  const uint32_t block = row / kBlockTexts;
  if (block != cached_block_) {
    RESCIND_ASSIGN(cached_, ReadBlock(database, block));
    cached_block_ = block;
    if (cached_.size() != kBlockTexts) {
      cached_block_ = 0xFFFFFFFF;
      return CorruptRecord(fmt::format("block {} of the ids of entity {}", block, entity_));
    }
  }
  return cached_[row % kBlockTexts];
}

Status KeyTexts::ForEach(const Database& database,
                         const std::function<void(uint32_t, std::string_view)>& take) {
  for (uint32_t row = 0; row < first_; row += kBlockTexts) {
    RESCIND_ASSIGN(const auto texts, ReadBlock(database, row / kBlockTexts));
    if (texts.size() != kBlockTexts) return CorruptRecord("a block of ids");
    for (uint32_t i = 0; i < kBlockTexts; ++i) take(row + i, texts[i]);
  }
  for (uint32_t row = first_; row < count(); ++row) take(row, Recent(row));
  return {};
}

Status KeyTexts::Fold(FoldSink& sink, bool all) {
  const uint32_t end = count();
  uint32_t row = first_;
  while (row < end && (all || end - row >= kBlockTexts)) {
    const uint32_t block_end = std::min(end, row + kBlockTexts);
    ByteWriter block;
    block.Put8(kBlockFormat);
    block.Put32(block_end - row);
    for (uint32_t i = row; i < block_end; ++i) block.PutText(Recent(i));
    Seal(block.bytes());
    RESCIND_TRY(sink.Put(Family::kKeys, KeyBlockKey(entity_, row / kBlockTexts), block.bytes()));
    row = block_end;
  }
  // INVARIANT: the rows in memory begin a block, so that a partial one can be written again.
  const uint32_t kept = std::min(end, row) / kBlockTexts * kBlockTexts;
  if (kept > first_) {
    const uint64_t cut = kept == end ? blob_.size() : ends_[kept - first_ - 1];
    blob_.erase(0, cut);
    ends_.erase(ends_.begin(), ends_.begin() + (kept - first_));
    for (uint64_t& text_end : ends_) text_end -= cut;
    first_ = kept;
  }
  RESCIND_ASSERT(first_ % kBlockTexts == 0, "ids in memory begin inside a block");
  return {};
}

}  // namespace rescind
