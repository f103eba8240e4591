// Column: the values of one field for every row of an entity, in one array of a fixed width.
//
// What a field is physically, and the sentinel that says "unknown", in one place. A column has a
// value for every row, mentioned and removed rows included (unknown there when never set).
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <variant>

#include "engine/base/assert.h"
#include "engine/base/large_vector.h"
#include "engine/facts/schema.h"
#include "engine/facts/set_pool.h"
#include "engine/facts/text_dictionary.h"

namespace rescind {

inline constexpr uint32_t kUnknownCode = 0xFFFFFFFF;                          // text
inline constexpr uint32_t kNoRow = 0xFFFFFFFF;                                // reference
inline constexpr uint8_t kUnknownByte = 255;                                  // bool, enum
inline constexpr int32_t kUnknownDay = std::numeric_limits<int32_t>::min();   // date
inline constexpr int64_t kUnknownLong = std::numeric_limits<int64_t>::min();  // the rest
inline constexpr uint32_t kEmptySet = 0;  // a missing set is empty, never unknown

// Stored in column chunks. Never renumber.
enum class Physical : uint8_t {
  kByte = 1,  // bool (0, 1), enum (member number)
  kCode = 2,  // text: code in the column's dictionary
  kDay = 3,   // date
  kLong = 4,  // int; time, duration in microseconds
  kRow = 5,   // reference: row of the referenced entity
  kSet = 6,   // set id in the column's pool
};

// kMany has no column: it is an index.
Physical PhysicalOf(TypeKind kind);

// What a new column holds. kNothing: memory as it is found, for whoever writes every value before
// anybody reads one; large columns are then first touched by the threads that fill them.
enum class Filling : uint8_t { kUnknown, kNothing };

class Column {
 public:
  Column() : Column(Physical::kByte, 0) {}
  // `row_count` values, all unknown (empty, for sets) unless `filling` says otherwise.
  Column(Physical physical, uint32_t row_count, Filling filling = Filling::kUnknown);
  // For the previous values of `other`: same type, dictionary and pool.
  static Column Like(const Column& other, Filling filling = Filling::kUnknown);

  Physical physical() const { return physical_; }
  uint32_t row_count() const;
  // New values are unknown.
  void Resize(uint32_t row_count);

  std::span<const uint8_t> bytes() const { return Get<uint8_t>(Physical::kByte); }
  std::span<const uint32_t> codes() const { return Get<uint32_t>(Physical::kCode); }
  std::span<const int32_t> days() const { return Get<int32_t>(Physical::kDay); }
  std::span<const int64_t> longs() const { return Get<int64_t>(Physical::kLong); }
  std::span<const uint32_t> rows() const { return Get<uint32_t>(Physical::kRow); }
  std::span<const uint32_t> sets() const { return Get<uint32_t>(Physical::kSet); }

  // For whoever fills a column.
  std::span<uint8_t> mutable_bytes() { return Mutable<uint8_t>(); }
  std::span<uint32_t> mutable_words() { return Mutable<uint32_t>(); }  // codes, rows, sets
  std::span<int32_t> mutable_days() { return Mutable<int32_t>(); }
  std::span<int64_t> mutable_longs() { return Mutable<int64_t>(); }

  // kCode, and the members of a set of text.
  const TextDictionary& dictionary() const { return *dictionary_; }
  TextDictionary& mutable_dictionary() { return *dictionary_; }
  // kSet.
  const SetPool& pool() const { return *pool_; }
  SetPool& mutable_pool() { return *pool_; }

  bool IsUnknown(RowId row) const;
  uint64_t memory_bytes() const;

 private:
  template <typename T>
  std::span<const T> Get(Physical wanted) const {
    RESCIND_ASSERT(physical_ == wanted, "a column read as another type");
    return std::get<RawLargeVector<T>>(values_);
  }
  template <typename T>
  std::span<T> Mutable() {
    return std::get<RawLargeVector<T>>(values_);
  }

  Physical physical_;
  std::variant<RawLargeVector<uint8_t>, RawLargeVector<uint32_t>, RawLargeVector<int32_t>,
               RawLargeVector<int64_t>>
      values_;
  std::shared_ptr<TextDictionary> dictionary_;  // kCode, kSet
  std::shared_ptr<SetPool> pool_;               // kSet
};

}  // namespace rescind
