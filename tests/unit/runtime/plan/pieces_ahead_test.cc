#include "runtime/plan/pieces_ahead.h"

#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <thread>

namespace rescind {
namespace {

TEST_CASE("Pieces come in order, each made once, and few ahead") {
  for (const size_t count : {0, 1, 2, 500}) {
    std::vector<std::atomic<int>> made(count);
    std::atomic<size_t> taken = 0;
    std::atomic<size_t> farthest = 0;
    PiecesAhead pieces(count, [&](size_t number) {
      ++made[number];
      const size_t before = taken;  // once: it grows meanwhile
      if (number > before && number - before > farthest) farthest = number - before;
      return std::to_string(number);
    });
    for (size_t i = 0; i < count; ++i) {
      CHECK(pieces.Take(i) == std::to_string(i));
      taken = i + 1;
    }
    for (const auto& times : made) CHECK(times == 1);
    CHECK(farthest < 20);
  }
}

// While the other thread was held up in a piece, the one that takes made all the rest.
TEST_CASE("A thread that is held up lets nobody run far ahead") {
  constexpr size_t kCount = 500;
  const auto taker = std::this_thread::get_id();
  std::atomic<bool> begun = false;
  std::atomic<bool> over = false;
  std::atomic<size_t> farthest = 0;  // of what is made meanwhile
  PiecesAhead pieces(kCount, [&](size_t number) {
    if (std::this_thread::get_id() != taker && !begun.exchange(true)) {
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
      over = true;
    } else if (!over) {
      farthest = number;  // numbers ascend, and only the taker is here
    }
    return std::to_string(number);
  });
  while (!begun) std::this_thread::yield();
  for (size_t i = 0; i < kCount; ++i) CHECK(pieces.Take(i) == std::to_string(i));
  CHECK(farthest < 20);
}

TEST_CASE("Pieces that nobody takes are abandoned") {
  PiecesAhead pieces(1'000, [](size_t number) { return std::to_string(number); });
  CHECK(pieces.Take(0) == "0");
}

}  // namespace
}  // namespace rescind
