#include "runtime/env/two_threads.h"

#include <atomic>
#include <mutex>
#include <optional>
#include <thread>

namespace rescind {

Status DoOnTwoThreads(size_t count, const std::function<Status(size_t number)>& task) {
  std::atomic<size_t> next = 0;
  std::mutex mutex;
  std::optional<Error> failure;
  size_t failed = count;
  const auto work = [&] {
    for (size_t number = next++; number < count; number = next++) {
      const Status status = task(number);
      if (status.ok()) continue;
      next = count;
      const std::lock_guard<std::mutex> lock(mutex);
      if (number >= failed) continue;
      failed = number;
      failure = status.error();
    }
  };
  if (count > 1) {
    std::thread second(work);
    work();
    second.join();
  } else {
    work();
  }
  if (failure) return *failure;
  return {};
}

}  // namespace rescind
