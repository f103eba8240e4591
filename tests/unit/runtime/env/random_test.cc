#include "runtime/env/random.h"

#include <doctest/doctest.h>

#include <array>
#include <set>

#include "runtime/env/clock.h"
#include "tests/unit/test_seed.h"

namespace rescind {
namespace {

TEST_CASE("TheSameSeedGivesTheSameBytes") {
  SeededRandom first(42), second(42), other(43);
  const std::string bytes = first.Hex(100);
  CHECK(bytes.size() == 200);
  CHECK(bytes == second.Hex(100));
  CHECK(bytes != other.Hex(100));
  // Published test vector of SplitMix64 for seed 1234567, little-endian bytes.
  SeededRandom vector(1234567);
  CHECK(vector.Hex(8) == "85fc08fb17d09e59");  // 6457827717110365317
}

TEST_CASE("BelowIsInRangeAndReachesEveryNumber") {
  SeededRandom random(TestSeed());
  std::array<int, 7> hits = {};
  for (int draw = 0; draw < 7000; ++draw) {
    const uint64_t number = random.Below(7);
    REQUIRE(number < 7);
    ++hits[number];
  }
  for (const int count : hits) CHECK(count > 700);
  CHECK(random.Below(1) == 0);
  CHECK(random.Below(~uint64_t{0}) < ~uint64_t{0});
}

TEST_CASE("TheKernelDoesNotRepeatItself") {
  SystemRandom random;
  std::set<std::string> seen;
  for (int draw = 0; draw < 100; ++draw) seen.insert(random.Hex(16));
  CHECK(seen.size() == 100);
}

TEST_CASE("AVirtualClockMovesOnlyWhenTold") {
  VirtualClock clock(Instant{1000});
  CHECK(clock.Now() == Instant{1000});
  clock.Sleep(Duration{500});
  CHECK(clock.Now() == Instant{1500});
  CHECK(clock.Monotonic() == Duration{500});
  clock.Sleep(Duration{-5});
  clock.SetWall(Instant{10});  // a jump back of the wall clock
  CHECK(clock.Now() == Instant{10});
  CHECK(clock.Monotonic() == Duration{500});
}

TEST_CASE("TheSystemClockGoesForward") {
  SystemClock clock;
  const Duration before = clock.Monotonic();
  clock.Sleep(Duration{2000});
  CHECK(clock.Monotonic().micros - before.micros >= 2000);
  CHECK(clock.Now() > *ParseInstant("2020-01-01T00:00Z"));
}

}  // namespace
}  // namespace rescind
