#include "runtime/store/key_texts.h"

#include <fmt/format.h>

#include <algorithm>

#include "runtime/store/byte_codec.h"
#include "runtime/store/column_chunk.h"
#include "runtime/store/store_layout.h"

namespace rescind {
namespace {

constexpr uint8_t kBlockFormat = 1;
// Of one entity: what is asked for in a random order by a plan is mostly read once.
constexpr uint32_t kCachedBlocks = 4096;

}  // namespace

void KeyTexts::Texts::Append(std::string_view text) {
  blob.append(text);
  ends.push_back(blob.size());
}

std::string_view KeyTexts::Texts::At(uint32_t index) const {
  const uint64_t begin = index == 0 ? 0 : ends[index - 1];
  return std::string_view(blob).substr(begin, ends[index] - begin);
}

Result<KeyTexts::Texts> KeyTexts::ReadBlock(const Database& database, uint32_t block) const {
  const auto corrupt = [&](std::string_view how) {
    return CorruptRecord(fmt::format("block {} of the ids of entity {}{}", block, entity_, how));
  };
  Texts texts;
  const auto take = [&](std::string_view bytes) -> Status {
    const auto body = Unseal(bytes);
    if (!body) return corrupt("");
    ByteReader reader(*body);
    if (reader.Take8() != kBlockFormat) return corrupt("");
    const uint32_t count = reader.Take32();
    if (count > kBlockTexts) return corrupt("");
    texts.blob.reserve(body->size());
    texts.ends.reserve(count);
    for (uint32_t i = 0; i < count; ++i) texts.Append(reader.TakeText());
    return reader.done() ? Status() : corrupt("");
  };
  RESCIND_ASSIGN(const bool found, database.Read(Family::kKeys, KeyBlockKey(entity_, block),
                                                 Database::Neighbours::kReadSoon, take));
  if (!found) return corrupt(" is missing or");
  return texts;
}

Result<const KeyTexts::Texts*> KeyTexts::FullBlock(const Database& database, uint32_t block) {
  const uint32_t place = block % kCachedBlocks;
  if (place >= cache_.size()) cache_.resize(place + 1);
  CachedBlock& cached = cache_[place];
  if (cached.number == block) return &cached.texts;
  cached.number = kNoBlock;
  RESCIND_ASSIGN(cached.texts, ReadBlock(database, block));
  if (cached.texts.ends.size() != kBlockTexts) {
    return CorruptRecord(fmt::format("block {} of the ids of entity {}", block, entity_));
  }
  cached.number = block;
  return &cached.texts;
}

Status KeyTexts::LoadFolded(const Database& database, uint32_t count) {
  first_ = count / kBlockTexts * kBlockTexts;
  if (first_ == count) return {};
  RESCIND_ASSIGN(const Texts texts, ReadBlock(database, first_ / kBlockTexts));
  // A longer block is left from a fold that did not come to its end.
  if (texts.ends.size() < count - first_) return CorruptRecord("the last block of ids");
  for (uint32_t i = 0; i < count - first_; ++i) Append(texts.At(i));
  return {};
}

Result<std::string> KeyTexts::Text(const Database& database, uint32_t row) {
  RESCIND_ASSERT(row < count(), "no such row");
  if (row >= first_) return std::string(Recent(row));
  RESCIND_ASSIGN(const Texts* texts, FullBlock(database, row / kBlockTexts));
  return std::string(texts->At(row % kBlockTexts));
}

Status KeyTexts::ForEach(const Database& database,
                         const std::function<void(uint32_t, std::string_view)>& take) {
  for (uint32_t row = 0; row < first_; row += kBlockTexts) {
    RESCIND_ASSIGN(const Texts texts, ReadBlock(database, row / kBlockTexts));
    if (texts.ends.size() != kBlockTexts) return CorruptRecord("a block of ids");
    for (uint32_t i = 0; i < kBlockTexts; ++i) take(row + i, texts.At(i));
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
    auto& [blob, ends] = recent_;
    const uint64_t cut = kept == end ? blob.size() : ends[kept - first_ - 1];
    blob.erase(0, cut);
    ends.erase(ends.begin(), ends.begin() + (kept - first_));
    for (uint64_t& text_end : ends) text_end -= cut;
    first_ = kept;
  }
  RESCIND_ASSERT(first_ % kBlockTexts == 0, "ids in memory begin inside a block");
  return {};
}

}  // namespace rescind
