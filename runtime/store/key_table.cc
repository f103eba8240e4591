#include "runtime/store/key_table.h"

namespace rescind {
namespace {

constexpr uint64_t kTagBits = 0xFFFFFFFF00000000ULL;

}  // namespace

void KeyTable::PrefetchRow(const KeyHash& hash) const {
  if (slots_.empty()) return;
  const uint64_t slot = slots_[hash.low & mask_];
  if (slot != kEmpty && ((slot ^ hash.high) & kTagBits) == 0) {
    __builtin_prefetch(&hashes_[static_cast<uint32_t>(slot)]);
  }
}

uint32_t KeyTable::Find(const KeyHash& hash) const {
  if (slots_.empty()) return kNoRow;
  for (uint64_t at = hash.low & mask_;; at = (at + 1) & mask_) {
    const uint64_t slot = slots_[at];
    if (slot == kEmpty) return kNoRow;
    if (((slot ^ hash.high) & kTagBits) != 0) continue;
    const auto row = static_cast<uint32_t>(slot);
    if (hashes_[row] == hash) return row;
  }
}

void KeyTable::Insert(const KeyHash& hash, uint32_t row) {
  uint64_t at = hash.low & mask_;
  while (slots_[at] != kEmpty) at = (at + 1) & mask_;
  slots_[at] = SlotValue(hash, row);
}

void KeyTable::Rehash(size_t slot_count) {
  slots_.assign(slot_count, kEmpty);
  mask_ = slot_count - 1;
  constexpr uint32_t kAhead = 16;
  for (uint32_t row = 0; row < row_count(); ++row) {
    if (row + kAhead < row_count()) Prefetch(hashes_[row + kAhead]);
    Insert(hashes_[row], row);
  }
}

void KeyTable::Reserve(uint32_t row_count) {
  size_t slot_count = 64;
  while (slot_count * 3 < size_t{row_count} * 4) slot_count *= 2;
  hashes_.reserve(row_count);
  if (slot_count > slots_.size()) Rehash(slot_count);
}

void KeyTable::Append(const KeyHash& hash) {
  const uint32_t row = row_count();
  // A row of kNoRow would be mistaken for "none".
  RESCIND_ASSERT(row < kNoRow - 1, "more rows than a row number can count");
  if ((size_t{row} + 1) * 4 > slots_.size() * 3) Rehash(slots_.empty() ? 64 : slots_.size() * 2);
  hashes_.push_back(hash);
  Insert(hash, row);
}

}  // namespace rescind
