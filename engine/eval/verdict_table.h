// VerdictTable: what a rule last said of each row, in two bits a row.
#pragma once

#include <cstdint>

#include "engine/base/large_vector.h"
#include "engine/eval/sweep.h"
#include "engine/facts/schema.h"

namespace rescind::eval {

class VerdictTable {
 public:
  // More rows, of which nothing was said: kNoMatch.
  void Grow(uint32_t row_count) {
    words_.resize((size_t{row_count} + kRowsPerWord - 1) / kRowsPerWord, 0);
  }
  Verdict Of(RowId row) const {
    return static_cast<Verdict>(words_[row.index() / kRowsPerWord] >> ShiftOf(row) & 3);
  }
  void Set(RowId row, Verdict verdict) {
    uint64_t& word = words_[row.index() / kRowsPerWord];
    word =
        (word & ~(uint64_t{3} << ShiftOf(row))) | (static_cast<uint64_t>(verdict) << ShiftOf(row));
  }
  uint64_t memory_bytes() const { return words_.size() * sizeof(uint64_t); }

 private:
  static constexpr uint32_t kRowsPerWord = 32;
  static uint32_t ShiftOf(RowId row) { return row.index() % kRowsPerWord * 2; }

  LargeVector<uint64_t> words_;
};

}  // namespace rescind::eval
