// SpinLock: a mutex for what is over in less time than a thread takes to fall asleep and be woken.
//
// BasicLockable: std::lock_guard takes it. Whoever waits tries again and again, and lets others run
// when that takes long (the owner may have lost its processor). Not recursive, and not fair.
#pragma once

#include <atomic>
#include <cstdint>
#include <thread>

namespace rescind {

class SpinLock {
 public:
  void lock() {
    while (taken_.test_and_set(std::memory_order_acquire)) {
      // Reading alone does not take the cache line from its owner.
      for (uint32_t attempt = 0; taken_.test(std::memory_order_relaxed); ++attempt) {
        if (attempt >= kAttempts) std::this_thread::yield();
      }
    }
  }
  void unlock() { taken_.clear(std::memory_order_release); }

 private:
  static constexpr uint32_t kAttempts = 2'000;  // some microseconds
  std::atomic_flag taken_ = ATOMIC_FLAG_INIT;
};

}  // namespace rescind
