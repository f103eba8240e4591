#include "engine/base/civil.h"

#include <doctest/doctest.h>

#include <random>

#include "tests/unit/test_seed.h"

namespace rescind {
namespace {

const Holidays kNone;

std::string Add(std::string_view day, CivilUnit unit, int64_t count,
                const Holidays& holidays = kNone) {
  const auto sum = AddCivil(*ParseDay(day), {unit, count}, holidays);
  return sum ? FormatDay(*sum) : "out of range";
}

TEST_CASE("MonthsClampToTheEndOfTheMonth") {
  CHECK(Add("2026-01-31", CivilUnit::kMonths, 1) == "2026-02-28");
  CHECK(Add("2024-01-31", CivilUnit::kMonths, 1) == "2024-02-29");
  CHECK(Add("2026-03-31", CivilUnit::kMonths, -1) == "2026-02-28");
  CHECK(Add("2026-12-15", CivilUnit::kMonths, 1) == "2027-01-15");
  CHECK(Add("2026-01-15", CivilUnit::kMonths, -13) == "2024-12-15");
  CHECK(Add("2024-02-29", CivilUnit::kYears, 1) == "2025-02-28");
  CHECK(Add("2024-02-29", CivilUnit::kYears, 4) == "2028-02-29");
  CHECK(Add("1900-01-31", CivilUnit::kMonths, 1) == "1900-02-28");
  CHECK(Add("2000-01-31", CivilUnit::kMonths, 1) == "2000-02-29");
}

TEST_CASE("BusinessDaysSkipWeekends") {
  // 2026-11-23 is a Monday.
  CHECK(Add("2026-11-23", CivilUnit::kBusinessDays, 1) == "2026-11-24");
  CHECK(Add("2026-11-23", CivilUnit::kBusinessDays, 5) == "2026-11-30");
  CHECK(Add("2026-11-27", CivilUnit::kBusinessDays, 1) == "2026-11-30");
  CHECK(Add("2026-11-28", CivilUnit::kBusinessDays, 1) == "2026-11-30");
  CHECK(Add("2026-11-28", CivilUnit::kBusinessDays, -1) == "2026-11-27");
  CHECK(Add("2026-11-23", CivilUnit::kBusinessDays, -1) == "2026-11-20");
  CHECK(Add("2026-11-29", CivilUnit::kBusinessDays, 0) == "2026-11-29");
}

TEST_CASE("BusinessDaysSkipHolidays") {
  const Holidays holidays({*ParseDay("2026-12-25"), *ParseDay("2026-12-26"),
                           *ParseDay("2026-12-28"), *ParseDay("2027-01-01")});
  CHECK(Add("2026-12-24", CivilUnit::kBusinessDays, 1, holidays) == "2026-12-29");
  CHECK(Add("2026-12-25", CivilUnit::kBusinessDays, 1, holidays) == "2026-12-29");
  CHECK(Add("2026-12-29", CivilUnit::kBusinessDays, -1, holidays) == "2026-12-24");
  CHECK(Add("2026-12-31", CivilUnit::kBusinessDays, 1, holidays) == "2027-01-04");
}

TEST_CASE("ResultsOutsideTheCalendarAreRefused") {
  CHECK(Add("9999-12-31", CivilUnit::kDays, 1) == "out of range");
  CHECK(Add("0001-01-01", CivilUnit::kDays, -1) == "out of range");
  CHECK(Add("9999-12-31", CivilUnit::kMonths, 1) == "out of range");
  CHECK(Add("0001-01-31", CivilUnit::kMonths, -1) == "out of range");
  CHECK(Add("9999-12-31", CivilUnit::kBusinessDays, 1) == "out of range");
  CHECK(Add("0001-01-01", CivilUnit::kBusinessDays, -1) == "out of range");
  for (const int64_t huge : {INT64_MAX, INT64_MIN, INT64_MAX / 12, INT64_MIN / 12}) {
    for (const auto unit :
         {CivilUnit::kDays, CivilUnit::kMonths, CivilUnit::kYears, CivilUnit::kBusinessDays}) {
      CHECK(Add("2026-11-23", unit, huge) == "out of range");
    }
  }
}

std::optional<Day> WalkBusinessDays(Day day, int64_t count, const Holidays& holidays) {
  const int step = count < 0 ? -1 : 1;
  while (count != 0) {
    day.days += step;
    if (holidays.IsBusinessDay(day)) count -= step;
  }
  return day;
}

TEST_CASE("BusinessDaysAgreeWithWalkingDayByDay") {
  const uint64_t seed = TestSeed();
  CAPTURE(seed);
  std::mt19937_64 random(seed);
  std::uniform_int_distribution<int32_t> days(-1000, 40000);
  std::uniform_int_distribution<int64_t> counts(-60, 60);
  for (int round = 0; round < 300; ++round) {
    const Day start{days(random)};
    std::vector<Day> off;
    for (int i = 0; i < round % 40; ++i) {
      off.push_back({start.days + static_cast<int32_t>(counts(random))});
    }
    const Holidays holidays(off);
    for (int i = 0; i < 20; ++i) {
      const int64_t count = counts(random);
      CAPTURE(FormatDay(start));
      CAPTURE(count);
      CHECK(AddCivil(start, {CivilUnit::kBusinessDays, count}, holidays) ==
            WalkBusinessDays(start, count, holidays));
    }
  }
}

TEST_CASE("FirstDayReachingIsTheExactBoundary") {
  const uint64_t seed = TestSeed();
  CAPTURE(seed);
  std::mt19937_64 random(seed);
  std::uniform_int_distribution<int32_t> days(kFirstDay.days + 4000, kLastDay.days - 4000);
  std::uniform_int_distribution<int64_t> counts(-50, 50);
  for (int round = 0; round < 500; ++round) {
    const Day target{days(random)};
    for (const auto unit :
         {CivilUnit::kDays, CivilUnit::kMonths, CivilUnit::kYears, CivilUnit::kBusinessDays}) {
      const CivilDuration length{unit, counts(random) / (unit == CivilUnit::kYears ? 8 : 1)};
      const auto first = FirstDayReaching(target, length, kNone);
      REQUIRE(first.has_value());
      CHECK(*AddCivil(*first, length, kNone) >= target);
      CHECK(*AddCivil({first->days - 1}, length, kNone) < target);
    }
  }
  CHECK_FALSE(FirstDayReaching(kLastDay, {CivilUnit::kDays, -1}, kNone).has_value());
  CHECK(FirstDayReaching(kFirstDay, {CivilUnit::kDays, 1}, kNone) == kFirstDay);
  // What lies beyond the calendar is later than all of it.
  CHECK(FirstDayReaching(kLastDay, {CivilUnit::kYears, 9000}, kNone) == ParseDay("0999-12-31"));
  CHECK(FirstDayReaching({kLastDay.days + 1}, {CivilUnit::kYears, 9000}, kNone) ==
        ParseDay("1000-01-01"));
  CHECK_FALSE(FirstDayReaching(kFirstDay, {CivilUnit::kYears, -9999}, kNone).has_value());
  CHECK(FirstDayReaching(kFirstDay, {CivilUnit::kDays, -1}, kNone) == Day{kFirstDay.days + 1});
}

}  // namespace
}  // namespace rescind
