#include "engine/eval/deadline_queue.h"

#include <algorithm>
#include <bit>

#include "engine/base/assert.h"
#include "engine/facts/column.h"

namespace rescind::eval {
namespace {

constexpr int64_t kNone = Instant::Never().micros;

// The same order without signs.
uint64_t Ordered(int64_t micros) { return static_cast<uint64_t>(micros) ^ (uint64_t{1} << 63); }
int64_t Micros(uint64_t ordered) { return static_cast<int64_t>(ordered ^ (uint64_t{1} << 63)); }

}  // namespace

DeadlineQueue::DeadlineQueue(Instant now) : now_(Ordered(now.micros)) {
  for (auto& level : heads_) level.fill(kNoRow);
}

void DeadlineQueue::Grow(uint32_t row_count) {
  const size_t before = deadlines_.size();
  RESCIND_ASSERT(row_count >= before, "rows never go");
  deadlines_.resize(row_count);
  next_.resize(row_count);
  previous_.resize(row_count);
  std::fill(deadlines_.begin() + static_cast<ptrdiff_t>(before), deadlines_.end(), kNone);
}

DeadlineQueue::Place DeadlineQueue::PlaceOf(int64_t deadline_micros) const {
  const uint64_t deadline = Ordered(deadline_micros);
  RESCIND_ASSERT(deadline > now_, "a deadline that is past");
  const auto level = static_cast<uint32_t>(std::bit_width(deadline ^ now_) - 1) / kDigitBits;
  return {level, static_cast<uint32_t>(deadline >> (level * kDigitBits)) % kSlots};
}

void DeadlineQueue::Link(uint32_t row) {
  const Place place = PlaceOf(deadlines_[row]);
  uint32_t& head = heads_[place.level][place.slot];
  next_[row] = head;
  previous_[row] = kNoRow;
  if (head != kNoRow) previous_[head] = row;
  head = row;
  used_[place.level] |= uint64_t{1} << place.slot;
}

void DeadlineQueue::Unlink(uint32_t row) {
  if (next_[row] != kNoRow) previous_[next_[row]] = previous_[row];
  if (previous_[row] != kNoRow) {
    next_[previous_[row]] = next_[row];
    return;
  }
  // INVARIANT: no slot that has begun holds rows, so a row's place is the same now as when it was
  // linked.
  const Place place = PlaceOf(deadlines_[row]);
  uint32_t& head = heads_[place.level][place.slot];
  RESCIND_ASSERT(head == row, "a row that is not where its deadline says");
  head = next_[row];
  if (head == kNoRow) used_[place.level] &= ~(uint64_t{1} << place.slot);
}

void DeadlineQueue::Set(RowId row, Instant deadline) {
  int64_t& its = deadlines_[row.index()];
  if (its == deadline.micros) return;
  if (its != kNone) Unlink(row.index());
  its = deadline.micros;
  if (its != kNone) Link(row.index());
}

bool DeadlineQueue::FindFirst(Place& place, uint64_t& begin) const {
  for (uint32_t level = 0; level < kLevels; ++level) {
    if (used_[level] == 0) continue;
    place = {level, static_cast<uint32_t>(std::countr_zero(used_[level]))};
    // Digits above are those of now; below it begins with zeros.
    const uint32_t bits = level * kDigitBits;
    const uint32_t above = bits + kDigitBits;
    const uint64_t high = above >= 64 ? 0 : now_ >> above << above;
    begin = high | (uint64_t{place.slot} << bits);
    return true;
  }
  return false;
}

Instant DeadlineQueue::WakeAt() const {
  Place place{};
  uint64_t begin = 0;
  return FindFirst(place, begin) ? Instant{Micros(begin)} : Instant::Never();
}

void DeadlineQueue::Pop(Instant now, std::vector<RowId>& due) {
  const uint64_t until = Ordered(now.micros);
  if (until <= now_) return;
  Place place{};
  uint64_t begin = 0;
  while (FindFirst(place, begin) && begin <= until) {
    uint32_t row = heads_[place.level][place.slot];
    heads_[place.level][place.slot] = kNoRow;
    used_[place.level] &= ~(uint64_t{1} << place.slot);
    now_ = begin;
    while (row != kNoRow) {
      const uint32_t following = next_[row];
      if (deadlines_[row] <= now.micros) {
        deadlines_[row] = kNone;
        due.push_back(RowId(row));
      } else {
        Link(row);
      }
      row = following;
    }
  }
  now_ = until;
}

}  // namespace rescind::eval
