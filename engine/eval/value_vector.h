// ValueVector: the values of one node for the rows of a batch, one array of a fixed width.
//
// Statuses and instants have arrays of their own, which exist only when some row needs one. Rows
// outside the selection that a vector was computed for hold nothing that may be read.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "engine/base/instant.h"
#include "engine/eval/selection.h"
#include "engine/eval/value.h"
#include "engine/ir/node.h"

namespace rescind::eval {

enum class Width : uint8_t {
  kByte,  // bool, enum
  kWord,  // text: code; row; table row
  kDay,   // date
  kLong,  // int; time and duration in microseconds; set: see SweepPlan::SetSource
};

inline Width WidthOf(ir::Type::Kind kind) {
  switch (kind) {
    case ir::Type::Kind::kBool:
    case ir::Type::Kind::kEnum: return Width::kByte;
    case ir::Type::Kind::kText:
    case ir::Type::Kind::kRow:
    case ir::Type::Kind::kTableRow: return Width::kWord;
    case ir::Type::Kind::kDate: return Width::kDay;
    case ir::Type::Kind::kInt:
    case ir::Type::Kind::kTime:
    case ir::Type::Kind::kDuration:
    case ir::Type::Kind::kSet: return Width::kLong;
  }
  RESCIND_UNREACHABLE("a type of no width");
}

inline size_t BytesOf(Width width) {
  switch (width) {
    case Width::kByte: return 1;
    case Width::kWord:
    case Width::kDay: return 4;
    case Width::kLong: return 8;
  }
  RESCIND_UNREACHABLE("a width of no size");
}

__extension__ using Wide = __int128;  // exact sums of numbers of 64 bits

// A row's status, ordered by what prevails in an operation. From kFirstError on: which error.
inline constexpr uint8_t kIsKnown = 0;
inline constexpr uint8_t kIsUnknown = 1;
inline constexpr uint8_t kIsUndecided = 2;
inline constexpr uint8_t kFirstError = 3;
inline uint8_t StatusOf(EvaluationError error) {
  return static_cast<uint8_t>(kFirstError - 1 + static_cast<uint8_t>(error));
}
inline EvaluationError ErrorOf(uint8_t status) {
  return status < kFirstError ? EvaluationError::kNone
                              : static_cast<EvaluationError>(status - kFirstError + 1);
}
// The first error; else the larger.
inline uint8_t Worse(uint8_t first, uint8_t second) {
  return first >= kFirstError ? first : std::max(first, second);
}

inline constexpr int64_t kNeverMicros = Instant::Never().micros;

// Whether a time lies in the years 0001 to 9999.
inline bool IsTimeInRange(int64_t micros) {
  return micros >= kFirstDay.days * kMicrosPerDay &&
         micros < (kLastDay.days + int64_t{1}) * kMicrosPerDay;
}

// Memory that grows and is never given back; zero at first, so that rows outside the selection
// hold something.
template <typename T>
class GrowingArray {
 public:
  T* Reserve(size_t count) {
    if (count > capacity_) {
      capacity_ = std::max(count, capacity_ * 2);
      items_ = std::make_unique<T[]>(capacity_);
    }
    return items_.get();
  }
  T* get() { return items_.get(); }

 private:
  std::unique_ptr<T[]> items_;
  size_t capacity_ = 0;
};

class ValueVector {
 public:
  template <typename T>
  const T* values() const {
    return static_cast<const T*>(data_);
  }
  const uint8_t* status() const { return status_; }  // null: all are known
  const int64_t* until() const { return until_; }    // null: all stay for ever
  uint8_t status(uint32_t i) const { return status_ == nullptr ? kIsKnown : status_[i]; }
  int64_t until(uint32_t i) const { return until_ == nullptr ? kNeverMicros : until_[i]; }

  // ---- Whether it was computed already ----
  bool Covers(const Selection& selection, uint64_t generation) const {
    if (generation != generation_) return false;
    if (valid_for_ == 0) return true;
    for (const Selection* at = &selection; at != nullptr; at = at->parent) {
      if (at->id == valid_for_) return true;
    }
    return false;
  }
  void BeginFor(const Selection& selection, uint64_t generation) {
    generation_ = generation;
    valid_for_ = selection.id;
    status_ = nullptr;
    until_ = nullptr;
  }
  void CoverAll() { valid_for_ = 0; }

  // ---- Filling ----
  template <typename T>
  T* Write(uint32_t count) {
    auto* values = reinterpret_cast<T*>(storage_.Reserve(size_t{count} * sizeof(T)));
    data_ = values;
    return values;
  }
  // Known for the selected rows, until somebody says otherwise.
  uint8_t* WriteStatus(const Selection& selection, uint32_t count) {
    return WriteArray(selection, count, kIsKnown, own_status_, status_);
  }
  int64_t* WriteUntil(const Selection& selection, uint32_t count) {
    return WriteArray(selection, count, kNeverMicros, own_until_, until_);
  }
  // Likewise, for whoever writes all selected rows: what was there is lost.
  uint8_t* OverwriteStatus(uint32_t count) { return Overwrite(count, own_status_, status_); }
  int64_t* OverwriteUntil(uint32_t count) { return Overwrite(count, own_until_, until_); }
  // Points to values that lie elsewhere and stay until the batch changes.
  void Borrow(const void* data) { data_ = data; }
  void ForgetStatus() { status_ = nullptr; }
  void BorrowStatus(const ValueVector& other) { status_ = other.status_; }
  void BorrowUntil(const ValueVector& other) { until_ = other.until_; }
  void BorrowAll(const ValueVector& other) {
    data_ = other.data_;
    status_ = other.status_;
    until_ = other.until_;
  }

 private:
  // What was there before (nothing, or what was borrowed) is kept for the selected rows.
  template <typename T>
  static T* WriteArray(const Selection& selection, uint32_t count, T nothing, GrowingArray<T>& own,
                       const T*& current) {
    if (current != nullptr && current == own.get()) return own.get();
    T* items = own.Reserve(count);
    const T* before = current;
    if (before == nullptr) {
      ForEach(selection, [&](uint32_t i) { items[i] = nothing; });
    } else {
      ForEach(selection, [&](uint32_t i) { items[i] = before[i]; });
    }
    current = items;
    return items;
  }

  template <typename T>
  static T* Overwrite(uint32_t count, GrowingArray<T>& own, const T*& current) {
    T* items = own.Reserve(count);
    current = items;
    return items;
  }

  const void* data_ = nullptr;
  const uint8_t* status_ = nullptr;
  const int64_t* until_ = nullptr;
  GrowingArray<std::byte> storage_;
  GrowingArray<uint8_t> own_status_;
  GrowingArray<int64_t> own_until_;
  uint64_t generation_ = 0;
  uint64_t valid_for_ = 0;
};

}  // namespace rescind::eval
