#include "engine/base/time_zone.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <random>
#include <thread>
#include <vector>

#include "tests/unit/test_seed.h"

namespace rescind {
namespace {

const TimeZone& Zone(std::string_view name) {
  const TimeZone* zone = FindTimeZone(name);
  REQUIRE_MESSAGE(zone != nullptr, name);
  return *zone;
}

std::string StartOf(std::string_view zone, std::string_view day) {
  return FormatInstant(Zone(zone).StartOf(*ParseDay(day)));
}

std::string DayOf(std::string_view zone, std::string_view instant) {
  return FormatDay(Zone(zone).DayOf(*ParseInstant(instant)));
}

TEST_CASE("UnknownZoneNamesAreRefused") {
  CHECK(FindTimeZone("Mars/Olympus") == nullptr);
  CHECK(FindTimeZone("") == nullptr);
  CHECK(FindTimeZone("europe/berlin") == nullptr);
  CHECK(FindTimeZone("../../../etc/passwd") == nullptr);
  CHECK(FindTimeZone("/usr/share/zoneinfo/UTC") == nullptr);
  CHECK(FindTimeZone(std::string_view("UTC\0", 4)) == nullptr);
}

TEST_CASE("TheSameZoneIsBuiltOnce") {
  CHECK(FindTimeZone("Europe/Berlin") == FindTimeZone("Europe/Berlin"));
  CHECK(Zone("Europe/Berlin").name() == "Europe/Berlin");
}

TEST_CASE("DaysStartAtLocalMidnight") {
  CHECK(StartOf("UTC", "2026-11-23") == "2026-11-23T00:00:00Z");
  CHECK(StartOf("Europe/Berlin", "2026-11-23") == "2026-11-22T23:00:00Z");
  CHECK(StartOf("Europe/Berlin", "2026-07-01") == "2026-06-30T22:00:00Z");
  CHECK(StartOf("Asia/Kathmandu", "2026-07-01") == "2026-06-30T18:15:00Z");
  CHECK(StartOf("Pacific/Kiritimati", "2026-07-01") == "2026-06-30T10:00:00Z");
}

TEST_CASE("AnInstantBelongsToItsLocalDay") {
  CHECK(DayOf("Europe/Berlin", "2026-11-22T22:59:59.999999Z") == "2026-11-22");
  CHECK(DayOf("Europe/Berlin", "2026-11-22T23:00Z") == "2026-11-23");
  CHECK(DayOf("America/New_York", "2026-11-23T04:59Z") == "2026-11-22");
  CHECK(DayOf("UTC", "1969-12-31T23:59:59.999999Z") == "1969-12-31");
}

TEST_CASE("ADayWhoseMidnightIsSkippedStartsAfterTheGap") {
  // Clocks go from 00:00 to 01:00.
  CHECK(StartOf("America/Sao_Paulo", "2018-11-04") == "2018-11-04T03:00:00Z");
  CHECK(DayOf("America/Sao_Paulo", "2018-11-04T02:59:59Z") == "2018-11-03");
  CHECK(StartOf("Asia/Beirut", "2022-03-27") == "2022-03-26T22:00:00Z");
  CHECK(DayOf("Asia/Beirut", "2022-03-26T21:59:59Z") == "2022-03-26");
}

TEST_CASE("ARepeatedMidnightStartsTheDayOnce") {
  // Sao Paulo: at 24:00 clocks go back to 23:00, so the new day starts after the repeated hour.
  CHECK(StartOf("America/Sao_Paulo", "2018-02-18") == "2018-02-18T03:00:00Z");
  // Havana: at 01:00 clocks go back to 00:00; the first of the two midnights counts.
  CHECK(StartOf("America/Havana", "2026-11-01") == "2026-11-01T04:00:00Z");
}

TEST_CASE("ADayThatHasBegunDoesNotEndAgain") {
  // St John's, 2010-11-07: at 00:01 clocks went back to 23:01 of the day before.
  CHECK(StartOf("America/St_Johns", "2010-11-07") == "2010-11-07T02:30:00Z");
  CHECK(DayOf("America/St_Johns", "2010-11-07T02:30Z") == "2010-11-07");
  CHECK(DayOf("America/St_Johns", "2010-11-07T02:45Z") == "2010-11-07");
  CHECK(DayOf("America/St_Johns", "2010-11-07T03:31Z") == "2010-11-07");
}

TEST_CASE("ASkippedDayStartsWhenTheNextOneDoes") {
  CHECK(StartOf("Pacific/Apia", "2011-12-30") == "2011-12-30T10:00:00Z");
  CHECK(StartOf("Pacific/Apia", "2011-12-31") == "2011-12-30T10:00:00Z");
  CHECK(DayOf("Pacific/Apia", "2011-12-30T09:59:59Z") == "2011-12-29");
  CHECK(DayOf("Pacific/Apia", "2011-12-30T10:00Z") == "2011-12-31");
}

TEST_CASE("RulesGoOnAfterTheDatabasesLastListedYear") {
  CHECK(StartOf("America/New_York", "2050-07-01") == "2050-07-01T04:00:00Z");
  CHECK(StartOf("America/New_York", "2050-12-01") == "2050-12-01T05:00:00Z");
  CHECK(StartOf("Australia/Sydney", "2100-01-01") == "2099-12-31T13:00:00Z");
  CHECK(StartOf("America/New_York", "2450-07-01") == "2450-07-01T04:00:00Z");
  CHECK(StartOf("Europe/Berlin", "9999-12-31") == "9999-12-30T23:00:00Z");
  CHECK(DayOf("Europe/Berlin", "9999-07-01T22:00Z") == "9999-07-02");
  CHECK(DayOf("Europe/Berlin", "9999-07-01T21:59Z") == "9999-07-01");
}

TEST_CASE("UnusualRulesAreRead") {
  // Clocks change the evening before ("/-1"), and two changes listed one by one until 2086.
  CHECK(StartOf("America/Nuuk", "2060-07-01") == "2060-07-01T01:00:00Z");
  CHECK(StartOf("America/Nuuk", "2060-01-01") == "2060-01-01T02:00:00Z");
  CHECK(Zone("Asia/Gaza").OffsetMicros({2171911029 * kMicrosPerSecond}) == 2 * kMicrosPerHour);
}

TEST_CASE("LongAgoUsesLocalMeanTime") {
  CHECK(StartOf("Europe/Berlin", "0001-01-01") == "0000-12-31T23:06:32Z");
  CHECK(StartOf("Europe/Berlin", "1800-01-01") == "1799-12-31T23:06:32Z");
  CHECK(DayOf("Europe/Berlin", "1799-12-31T23:06:31Z") == "1799-12-31");
}

TEST_CASE("BeyondAllFactsNothingBreaks") {
  for (const std::string_view name : {"UTC", "Europe/Berlin", "Pacific/Apia"}) {
    const TimeZone& zone = Zone(name);
    CHECK(zone.DayOf(Instant::Never()) > kLastDay);
    CHECK(zone.DayOf({std::numeric_limits<int64_t>::min()}) < kFirstDay);
    CHECK(zone.StartOf({kLastDay.days + 1}) > zone.StartOf(kLastDay));
  }
}

// DayOf(t) >= d exactly when t >= StartOf(d): what makes `today > d` cross once, exactly.
TEST_CASE("DayOfAndStartOfAreTwoViewsOfOneBoundary") {
  const uint64_t seed = TestSeed();
  CAPTURE(seed);
  std::mt19937_64 random(seed);
  for (const std::string_view name :
       {"UTC", "Europe/Berlin", "America/St_Johns", "America/Sao_Paulo", "Pacific/Apia",
        "Africa/Casablanca", "America/Nuuk", "Australia/Lord_Howe", "Asia/Manila", "Asia/Gaza",
        "Africa/Monrovia", "America/Juneau", "Pacific/Kwajalein", "Africa/Cairo"}) {
    const TimeZone& zone = Zone(name);
    CAPTURE(name);
    for (int round = 0; round < 3000; ++round) {
      // Half of the days where clocks have actually been changed.
      const bool recent = round % 2 == 0;
      std::uniform_int_distribution<int32_t> days(recent ? -40000 : kFirstDay.days,
                                                  recent ? 30000 : kLastDay.days);
      const Day day{days(random)};
      const Instant start = zone.StartOf(day);
      CAPTURE(FormatDay(day));
      CHECK(zone.DayOf(start) >= day);
      CHECK(zone.DayOf({start.micros - 1}) < day);
      CHECK(zone.StartOf({day.days + 1}) >= start);
    }
  }
}

TEST_CASE("AWrongNameLeadsToTheZoneThatWasMeant") {
  CHECK(NearestTimeZone("Europe/Berlim") == "Europe/Berlin");
  CHECK(NearestTimeZone("europe/berlin") == "Europe/Berlin");
  CHECK(NearestTimeZone("berlin") == "Europe/Berlin");
  CHECK(NearestTimeZone("Buenos_Aires") == "America/Argentina/Buenos_Aires");
  CHECK(NearestTimeZone("utc") == "UTC");
  CHECK(NearestTimeZone("Mars/Olympus_Mons") == std::nullopt);
  CHECK(NearestTimeZone("") == std::nullopt);
}

TEST_CASE("ManyThreadsMayAskAtOnce") {
  std::vector<std::thread> threads;
  std::vector<const TimeZone*> found(4);
  for (size_t i = 0; i < found.size(); ++i) {
    threads.emplace_back([&found, i] {
      for (const char* name : {"Asia/Tokyo", "Asia/Seoul", "Asia/Tokyo", "No/Where"}) {
        if (const TimeZone* zone = FindTimeZone(name)) found[i] = zone;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(std::count(found.begin(), found.end(), FindTimeZone("Asia/Tokyo")) == 4);
}

}  // namespace
}  // namespace rescind
