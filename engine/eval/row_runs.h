// Rows that follow each other, of those that a byte array marks with 1.
#pragma once

#include <cstdint>
#include <cstring>

namespace rescind::eval {

// Calls on_run(first, count) for each longest run of ones in marks[0, count), and on_gap(i) for
// each row that is marked with 0.
template <typename OnRun, typename OnGap>
void ForEachRun(const uint8_t* marks, uint32_t count, const OnRun& on_run, const OnGap& on_gap) {
  uint32_t begin = 0;
  while (begin < count) {
    const void* const found = std::memchr(marks + begin, 0, count - begin);
    const uint32_t gap = found == nullptr
                             ? count
                             : static_cast<uint32_t>(static_cast<const uint8_t*>(found) - marks);
    if (gap > begin) on_run(begin, gap - begin);
    if (gap < count) on_gap(gap);
    begin = gap + 1;
  }
}

}  // namespace rescind::eval
