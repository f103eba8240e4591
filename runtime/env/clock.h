// Clock: the only way for the runtime to learn what time it is, and to wait.
//
// SystemClock is the real one; VirtualClock stands still until a test moves it. The engine
// itself never sees a clock: it is handed `now`.
#pragma once

#include <atomic>

#include "engine/base/instant.h"

namespace rescind {

class Clock {
 public:
  virtual ~Clock() = default;

  // The wall clock: may jump in either direction. For facts, deadlines and audit records.
  virtual Instant Now() const = 0;
  // Never runs backwards, starts anywhere. For time limits and measurements.
  virtual Duration Monotonic() const = 0;
  // Returns once `length` of monotonic time has passed; at once when it is not positive.
  virtual void Sleep(Duration length) = 0;
};

class SystemClock final : public Clock {
 public:
  Instant Now() const override;
  Duration Monotonic() const override;
  void Sleep(Duration length) override;
};

// Stands still. Sleeping moves it forward without waiting. Safe for several threads.
class VirtualClock final : public Clock {
 public:
  explicit VirtualClock(Instant start) : now_micros_(start.micros) {}

  Instant Now() const override { return {now_micros_.load()}; }
  Duration Monotonic() const override { return {monotonic_micros_.load()}; }
  void Sleep(Duration length) override;

  // Both clocks move forward. `length` must not be negative.
  void Advance(Duration length);
  // The wall clock jumps, as after a correction; monotonic time goes on.
  void SetWall(Instant now) { now_micros_.store(now.micros); }

 private:
  std::atomic<int64_t> now_micros_;
  std::atomic<int64_t> monotonic_micros_ = 0;
};

}  // namespace rescind
