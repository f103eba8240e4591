#include "engine/eval/deadline_queue.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <random>
#include <vector>

#include "engine/base/civil.h"
#include "tests/unit/test_seed.h"

namespace rescind::eval {
namespace {

std::vector<uint32_t> PopAt(DeadlineQueue& queue, int64_t micros) {
  std::vector<RowId> due;
  queue.Pop({micros}, due);
  std::vector<uint32_t> rows;
  for (const RowId row : due) rows.push_back(row.index());
  std::sort(rows.begin(), rows.end());
  return rows;
}

TEST_CASE("ARowIsDueAtItsDeadlineNotBefore") {
  DeadlineQueue queue({1000});
  queue.Grow(3);
  CHECK(queue.WakeAt() == Instant::Never());
  queue.Set(RowId(0), {5000});
  queue.Set(RowId(1), {5000});
  queue.Set(RowId(2), {900'000});
  CHECK(queue.WakeAt() <= Instant{5000});
  CHECK(PopAt(queue, 4999).empty());
  CHECK(PopAt(queue, 5000) == std::vector<uint32_t>{0, 1});
  CHECK(queue.deadline(RowId(0)) == Instant::Never());
  CHECK(PopAt(queue, 5000).empty());
  CHECK(PopAt(queue, 1'000'000) == std::vector<uint32_t>{2});
  CHECK(queue.WakeAt() == Instant::Never());
}

TEST_CASE("ADeadlineThatMovesOrGoesIsForgotten") {
  DeadlineQueue queue({-5});
  queue.Grow(2);
  queue.Set(RowId(0), {-1});
  queue.Set(RowId(0), {70});
  queue.Set(RowId(1), {60});
  queue.Set(RowId(1), Instant::Never());
  CHECK(PopAt(queue, 69).empty());
  CHECK(PopAt(queue, 70) == std::vector<uint32_t>{0});
}

// Waking when it says so, and only then, is enough to find every row at its instant.
TEST_CASE("WakingWhenToldFindsEachRowAtItsInstantAfterAFewCalls") {
  DeadlineQueue queue({0});
  queue.Grow(1);
  const int64_t far = 40 * 365 * kMicrosPerDay + 123'456;
  queue.Set(RowId(0), {far});
  int calls = 0;
  for (;; ++calls) {
    const Instant at = queue.WakeAt();
    REQUIRE(at.micros <= far);
    if (!PopAt(queue, at.micros).empty()) {
      CHECK(at.micros == far);
      break;
    }
  }
  CHECK(calls <= 11);
}

TEST_CASE("ItSaysWhatASortedMapSays") {
  std::mt19937_64 dice(TestSeed());
  for (int round = 0; round < 50; ++round) {
    int64_t now = round % 2 == 0 ? -1000 : kFirstDay.days * kMicrosPerDay;
    DeadlineQueue queue({now});
    constexpr uint32_t kRows = 40;
    queue.Grow(kRows);
    std::map<uint32_t, int64_t> expected;
    for (int step = 0; step < 400; ++step) {
      const auto row = static_cast<uint32_t>(dice() % kRows);
      const int shift = static_cast<int>(dice() % 56);
      const int64_t later = now + 1 + static_cast<int64_t>(dice() % (uint64_t{1} << shift));
      switch (dice() % 4) {
        case 0:
        case 1:
          queue.Set(RowId(row), {later});
          expected[row] = later;
          break;
        case 2:
          queue.Set(RowId(row), Instant::Never());
          expected.erase(row);
          break;
        default: {
          now = dice() % 8 == 0 || expected.empty() ? later : expected.begin()->second;
          std::vector<uint32_t> due;
          for (const auto& [its_row, deadline] : expected) {
            if (deadline <= now) due.push_back(its_row);
          }
          for (const uint32_t its_row : due) expected.erase(its_row);
          CHECK(PopAt(queue, now) == due);
        }
      }
      int64_t soonest = Instant::Never().micros;
      for (const auto& [its_row, deadline] : expected) {
        CHECK(queue.deadline(RowId(its_row)).micros == deadline);
        soonest = std::min(soonest, deadline);
      }
      CHECK(queue.WakeAt().micros <= soonest);
      if (!expected.empty()) CHECK(queue.WakeAt().micros > now);
    }
  }
}

}  // namespace
}  // namespace rescind::eval
