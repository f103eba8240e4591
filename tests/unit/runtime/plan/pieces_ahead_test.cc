#include "runtime/plan/pieces_ahead.h"

#include <doctest/doctest.h>

#include <atomic>

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

TEST_CASE("Pieces that nobody takes are abandoned") {
  PiecesAhead pieces(1'000, [](size_t number) { return std::to_string(number); });
  CHECK(pieces.Take(0) == "0");
}

}  // namespace
}  // namespace rescind
