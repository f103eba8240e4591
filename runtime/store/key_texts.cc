#include "runtime/store/key_texts.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "runtime/store/byte_codec.h"
#include "runtime/store/column_chunk.h"
#include "runtime/store/store_layout.h"

namespace rescind {
namespace {

constexpr uint8_t kBlockFormat = 1;
// Of one entity: what is asked for in a random order by a plan is mostly read once.
constexpr uint32_t kCachedBlocks = 4096;
constexpr uint32_t kLocks = 64;  // each for every 64th place

}  // namespace

struct KeyTexts::Cache {
  std::array<std::mutex, kLocks> locks;
  std::array<Block, kCachedBlocks> blocks;
};

KeyTexts::KeyTexts(uint32_t entity) : entity_(entity) {}
KeyTexts::~KeyTexts() = default;

std::string_view KeyTexts::Block::At(uint32_t index) const {
  const uint32_t begin = begins[index];
  uint32_t length = 0;
  std::memcpy(&length, bytes.data() + begin - 4, 4);
  return std::string_view(bytes).substr(begin, length);
}

Status KeyTexts::ReadBlock(const Database& database, uint32_t number, Block& block) const {
  const auto corrupt = [&](std::string_view how) {
    return CorruptRecord(fmt::format("block {} of the ids of entity {}{}", number, entity_, how));
  };
  block.number = kNoBlock;
  block.begins.clear();
  const auto take = [&](std::string_view bytes) -> Status {
    const auto body = Unseal(bytes);
    if (!body) return corrupt("");
    ByteReader reader(*body);
    if (reader.Take8() != kBlockFormat) return corrupt("");
    const uint32_t count = reader.Take32();
    if (count > kBlockTexts) return corrupt("");
    block.begins.reserve(count);
    for (uint32_t i = 0; i < count; ++i) {
      const std::string_view text = reader.TakeText();
      block.begins.push_back(static_cast<uint32_t>(body->size() - reader.left_bytes()) -
                             static_cast<uint32_t>(text.size()));
    }
    block.bytes = *body;
    return reader.done() ? Status() : corrupt("");
  };
  RESCIND_ASSIGN(const bool found, database.Read(Family::kKeys, KeyBlockKey(entity_, number),
                                                 Database::Neighbours::kReadSoon, take));
  if (!found) return corrupt(" is missing or");
  block.number = number;
  return {};
}

Result<std::string> KeyTexts::FoldedText(const Database& database, uint32_t row) {
  std::call_once(cache_made_, [this] { cache_ = std::make_unique<Cache>(); });
  const uint32_t number = row / kBlockTexts;
  const uint32_t place = number % kCachedBlocks;
  const std::lock_guard lock(cache_->locks[place % kLocks]);
  Block& block = cache_->blocks[place];
  if (block.number != number) {
    RESCIND_TRY(ReadBlock(database, number, block));
    if (block.begins.size() != kBlockTexts) {
      block.number = kNoBlock;
      return CorruptRecord(fmt::format("block {} of the ids of entity {}", number, entity_));
    }
  }
  return std::string(block.At(row % kBlockTexts));
}

void KeyTexts::Append(std::string_view text) {
  recent_blob_.append(text);
  recent_ends_.push_back(recent_blob_.size());
}

std::string_view KeyTexts::Recent(uint32_t row) const {
  const uint32_t i = row - first_;
  const uint64_t begin = i == 0 ? 0 : recent_ends_[i - 1];
  return std::string_view(recent_blob_).substr(begin, recent_ends_[i] - begin);
}

Status KeyTexts::LoadFolded(const Database& database, uint32_t count) {
  first_ = count / kBlockTexts * kBlockTexts;
  if (first_ == count) return {};
  Block block;
  RESCIND_TRY(ReadBlock(database, first_ / kBlockTexts, block));
  // A longer block is left from a fold that did not come to its end.
  if (block.begins.size() < count - first_) return CorruptRecord("the last block of ids");
  for (uint32_t i = 0; i < count - first_; ++i) Append(block.At(i));
  return {};
}

Result<std::string> KeyTexts::Text(const Database& database, uint32_t row) {
  RESCIND_ASSERT(row < count(), "no such row");
  if (row >= first_) return std::string(Recent(row));
  return FoldedText(database, row);
}

Status KeyTexts::ForEach(const Database& database,
                         const std::function<void(uint32_t, std::string_view)>& take) {
  Block block;
  for (uint32_t row = 0; row < first_; row += kBlockTexts) {
    RESCIND_TRY(ReadBlock(database, row / kBlockTexts, block));
    if (block.begins.size() != kBlockTexts) return CorruptRecord("a block of ids");
    for (uint32_t i = 0; i < kBlockTexts; ++i) take(row + i, block.At(i));
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
    const uint64_t cut = kept == end ? recent_blob_.size() : recent_ends_[kept - first_ - 1];
    recent_blob_.erase(0, cut);
    recent_ends_.erase(recent_ends_.begin(), recent_ends_.begin() + (kept - first_));
    for (uint64_t& text_end : recent_ends_) text_end -= cut;
    first_ = kept;
  }
  RESCIND_ASSERT(first_ % kBlockTexts == 0, "ids in memory begin inside a block");
  return {};
}

}  // namespace rescind
