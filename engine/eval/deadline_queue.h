// DeadlineQueue: at most one pending instant a row of an entity, the next ones first.
//
// A hierarchical calendar: instants are numbers of 11 digits to the base 64, and a row lies in the
// bucket of the first digit in which its instant differs from the current one. Only when that digit
// comes does the row move, to a bucket of smaller steps. Setting an instant and moving it cost the
// same whatever the population; nothing happens until WakeAt(). 16 bytes a row.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "engine/base/assert.h"
#include "engine/base/instant.h"
#include "engine/base/large_vector.h"
#include "engine/facts/schema.h"

namespace rescind::eval {

class DeadlineQueue {
 public:
  // No row has a deadline; all that are set are later than `now`.
  explicit DeadlineQueue(Instant now);

  uint32_t row_count() const { return static_cast<uint32_t>(deadlines_.size()); }
  // More rows, without deadlines.
  void Grow(uint32_t row_count);
  // Instant::Never(): none.
  Instant deadline(RowId row) const {
    RESCIND_ASSERT(row.index() < deadlines_.size(), "a row that the queue does not know yet");
    return {deadlines_[row.index()]};
  }
  // Later than the latest Pop(), or Instant::Never().
  void Set(RowId row, Instant deadline);
  // Time passes, never backwards: appends the rows whose deadline is not after `now`, in no order.
  // They have none then.
  void Pop(Instant now, std::vector<RowId>& due);
  // No deadline comes before it. At the latest then Pop() should be called, though it may find
  // nothing: a few times before each deadline. Instant::Never() when none is pending.
  Instant WakeAt() const;
  uint64_t memory_bytes() const { return deadlines_.size() * 16; }

 private:
  static constexpr uint32_t kDigitBits = 6;
  static constexpr uint32_t kSlots = 1U << kDigitBits;
  static constexpr uint32_t kLevels = (64 + kDigitBits - 1) / kDigitBits;
  struct Place {
    uint32_t level;
    uint32_t slot;
  };

  Place PlaceOf(int64_t deadline_micros) const;
  void Link(uint32_t row);
  void Unlink(uint32_t row);
  // Of the lowest slot that is not empty: when it begins.
  bool FindFirst(Place& place, uint64_t& begin) const;

  uint64_t now_;  // see Ordered() in the .cc
  RawLargeVector<int64_t> deadlines_;
  RawLargeVector<uint32_t> next_;  // in the same bucket; kNoRow: the last
  RawLargeVector<uint32_t> previous_;
  std::array<std::array<uint32_t, kSlots>, kLevels> heads_;
  std::array<uint64_t, kLevels> used_{};  // one bit a slot
};

}  // namespace rescind::eval
