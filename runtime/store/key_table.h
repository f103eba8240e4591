// KeyTable: from the hash of an id to its row, for one entity, in memory.
//
// 16 bytes a row for the hashes and a table of 8-byte slots, each with 32 bits of the hash beside
// the row, so that a miss costs one cache line. Callers look up in batches: Prefetch first.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/facts/column.h"
#include "runtime/store/key_hash.h"

namespace rescind {

class KeyTable {
 public:
  uint32_t row_count() const { return static_cast<uint32_t>(hashes_.size()); }
  const KeyHash& hash(uint32_t row) const { return hashes_[row]; }

  void Prefetch(const KeyHash& hash) const {
    if (!slots_.empty()) __builtin_prefetch(&slots_[hash.low & mask_]);
  }
  // Second step, once the slot has arrived: the row's whole hash.
  void PrefetchRow(const KeyHash& hash) const;
  uint32_t Find(const KeyHash& hash) const;  // kNoRow when absent
  // The hash of the next row. The caller knows that it is not there yet.
  void Append(const KeyHash& hash);
  void Reserve(uint32_t row_count);

 private:
  static constexpr uint64_t kEmpty = ~uint64_t{0};
  static uint64_t SlotValue(const KeyHash& hash, uint32_t row) {
    return (hash.high & 0xFFFFFFFF00000000ULL) | row;
  }
  void Rehash(size_t slot_count);
  void Insert(const KeyHash& hash, uint32_t row);

  std::vector<KeyHash> hashes_;
  std::vector<uint64_t> slots_;  // a power of two
  uint64_t mask_ = 0;
};

}  // namespace rescind
