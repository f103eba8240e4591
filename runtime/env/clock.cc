#include "runtime/env/clock.h"

#include <chrono>
#include <thread>

#include "engine/base/assert.h"

namespace rescind {

Instant SystemClock::Now() const {
  const auto since_epoch = std::chrono::system_clock::now().time_since_epoch();
  return {std::chrono::duration_cast<std::chrono::microseconds>(since_epoch).count()};
}

Duration SystemClock::Monotonic() const {
  const auto since_start = std::chrono::steady_clock::now().time_since_epoch();
  return {std::chrono::duration_cast<std::chrono::microseconds>(since_start).count()};
}

void SystemClock::Sleep(Duration length) {
  if (length.micros > 0) std::this_thread::sleep_for(std::chrono::microseconds(length.micros));
}

void VirtualClock::Sleep(Duration length) {
  if (length.micros > 0) Advance(length);
}

void VirtualClock::Advance(Duration length) {
  RESCIND_ASSERT(length.micros >= 0, "time only advances; use SetWall for a jump back");
  now_micros_ += length.micros;
  monotonic_micros_ += length.micros;
}

}  // namespace rescind
