// SpinLock: a mutex for what is over in less time than a thread takes to fall asleep and be woken.
//
// Lockable: std::lock_guard takes it. Whoever waits tries again and again, and lets others run when
// that takes long (the owner may have lost its processor). Not recursive, and not fair.
#pragma once

#include <atomic>
#include <cstdint>
#include <thread>

namespace rescind {

class SpinLock {
 public:
  void lock() {
    for (uint32_t attempt = 0; taken_.test_and_set(std::memory_order_acquire); ++attempt) {
      // Reading alone does not take the cache line from its owner.
      while (taken_.test(std::memory_order_relaxed) && attempt < kAttempts) ++attempt;
      if (attempt >= kAttempts) {
        std::this_thread::yield();
        attempt = 0;
      }
    }
  }
  bool try_lock() { return !taken_.test_and_set(std::memory_order_acquire); }
  void unlock() { taken_.clear(std::memory_order_release); }

 private:
  static constexpr uint32_t kAttempts = 2'000;  // some microseconds
  std::atomic_flag taken_ = ATOMIC_FLAG_INIT;
};

}  // namespace rescind
