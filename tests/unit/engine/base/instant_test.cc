#include "engine/base/instant.h"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <rapidcheck.h>

namespace rescind {
namespace {

const int64_t kFirstMicros = int64_t{kFirstDay.days} * kMicrosPerDay;
const int64_t kLastMicros = (int64_t{kLastDay.days} + 1) * kMicrosPerDay - 1;

void CheckProperty(const std::string& name, auto&& property) {
  CHECK_MESSAGE(rc::check(name, property), name);
}

TEST_CASE("EveryInstantReadsBackFromItsText") {
  CheckProperty("instant", [] {
    const Instant instant{*rc::gen::inRange(kFirstMicros, kLastMicros + 1)};
    RC_ASSERT(ParseInstant(FormatInstant(instant)) == instant);
  });
  CheckProperty("whole seconds", [] {
    const Instant instant{*rc::gen::inRange<int64_t>(-60'000'000'000, 60'000'000'000) *
                          kMicrosPerSecond};
    RC_ASSERT(FormatInstant(instant).size() == 20);
    RC_ASSERT(ParseInstant(FormatInstant(instant)) == instant);
  });
}

TEST_CASE("EveryDayReadsBackFromItsText") {
  for (int32_t days = kFirstDay.days; days <= kLastDay.days; days += 13) {
    const Day day{days};
    REQUIRE(ParseDay(FormatDay(day)) == day);
    const CivilDay civil = CivilFromDay(day);
    REQUIRE(DayFromCivil(civil.year, civil.month, civil.day) == day);
  }
}

TEST_CASE("EveryDurationOfWholeSecondsReadsBackFromItsText") {
  CheckProperty("duration", [] {
    const int64_t second_count = *rc::gen::inRange<int64_t>(0, 9'000'000'000'000);
    const Duration duration{second_count * kMicrosPerSecond};
    RC_ASSERT(ParseDuration(FormatDuration(duration)) == duration);
  });
}

TEST_CASE("TheBoundsAreTheFirstAndTheLastYear") {
  CHECK(ParseDay("0001-01-01") == kFirstDay);
  CHECK(ParseDay("9999-12-31") == kLastDay);
  CHECK_FALSE(ParseDay("0000-12-31"));
  CHECK_FALSE(ParseDay("10000-01-01"));
  CHECK(ParseInstant("0001-01-01T00:00Z") == Instant{kFirstMicros});
  CHECK(ParseInstant("9999-12-31T23:59:59.999999Z") == Instant{kLastMicros});
  CHECK(FormatInstant({kFirstMicros}) == "0001-01-01T00:00:00Z");
  CHECK(FormatInstant({kLastMicros}) == "9999-12-31T23:59:59.999999Z");
}

TEST_CASE("AnOffsetMayNotLeadOutOfTheYears") {
  CHECK_FALSE(ParseInstant("0001-01-01T00:30+01:00"));
  CHECK(ParseInstant("0001-01-01T01:00+01:00") == Instant{kFirstMicros});
  CHECK_FALSE(ParseInstant("9999-12-31T23:30-01:00"));
}

TEST_CASE("OffsetsAreAppliedTheRightWayRound") {
  CHECK(ParseInstant("2026-04-01T09:00+02:00") == ParseInstant("2026-04-01T07:00Z"));
  CHECK(ParseInstant("2026-04-01T09:00-0530") == ParseInstant("2026-04-01T14:30Z"));
  CHECK(ParseInstant("1970-01-01t00:00:00z") == Instant{0});
  CHECK(ParseInstant("1970-01-01 00:00:01Z") == Instant{kMicrosPerSecond});
}

TEST_CASE("FractionsAreExactToTheMicrosecond") {
  CHECK(ParseInstant("1970-01-01T00:00:00.000001Z") == Instant{1});
  CHECK(ParseInstant("1970-01-01T00:00:00.5Z") == Instant{500'000});
  CHECK(ParseInstant("1970-01-01T00:00:00.123456000Z") == Instant{123'456});
  CHECK_FALSE(ParseInstant("1970-01-01T00:00:00.1234567Z"));  // finer than can be kept
  CHECK(FormatInstant({-1}) == "1969-12-31T23:59:59.999999Z");
  CHECK(FormatInstant({500'000}) == "1970-01-01T00:00:00.5Z");
}

TEST_CASE("MalformedInstantsAreRefused") {
  for (const char* text : {"",
                           "2026",
                           "2026-04-01",
                           "2026-04-01T",
                           "2026-04-01T09",
                           "2026-04-01T09:00",
                           "2026-04-01T09:00:00",
                           "2026-04-01T24:00Z",
                           "2026-04-01T09:60Z",
                           "2026-04-01T09:00:60Z",
                           "2026-04-01T9:00Z",
                           "2026-04-01T09:00ZZ",
                           " 2026-04-01T09:00Z",
                           "2026-04-01T09:00Z ",
                           "2026-04-01T09:00.5Z",
                           "2026-04-01T09:00:00.Z",
                           "2026-04-01T09:00+2",
                           "2026-04-01T09:00+24:00",
                           "2026-04-01T09:00+02:60",
                           "2026-02-29T00:00Z",
                           "2026-04-31T00:00Z",
                           "2026-13-01T00:00Z",
                           "2026-00-01T00:00Z",
                           "2026-01-00T00:00Z",
                           "-026-01-01T00:00Z",
                           "2026/01/01T00:00Z",
                           "2026-04-01T09:00\xC2\xA0Z",
                           "20260401T0900Z"}) {
    CAPTURE(text);
    CHECK_FALSE(ParseInstant(text));
  }
  CHECK_FALSE(ParseInstant(std::string_view("2026-04-01T09:00Z\0", 18)));
}

TEST_CASE("MalformedDaysAreRefused") {
  for (const char* text : {"", "2026-4-1", "2026-04-01Z", "2026-02-30", "1900-02-29", "26-04-01",
                           "2026-04-1", "+026-04-01", "2026-04-", "\uFEFF2026-04-01"}) {
    CAPTURE(text);
    CHECK_FALSE(ParseDay(text));
  }
  CHECK(ParseDay("2000-02-29"));
}

TEST_CASE("DurationsAddUpTheirUnits") {
  CHECK(ParseDuration("90d") == Duration{90 * kMicrosPerDay});
  CHECK(ParseDuration("2w") == Duration{14 * kMicrosPerDay});
  CHECK(ParseDuration("1h30m") == Duration{90 * kMicrosPerMinute});
  CHECK(ParseDuration("0s") == Duration{0});
  CHECK(FormatDuration({90 * kMicrosPerDay}) == "90d");
  CHECK(FormatDuration({90 * kMicrosPerMinute}) == "1h30m");
  CHECK(FormatDuration({-5 * kMicrosPerSecond}) == "-5s");
  CHECK(FormatDuration({0}) == "0s");
}

TEST_CASE("MalformedDurationsAreRefused") {
  for (const char* text :
       {"", "d", "5", "5 d", "-5d", "+5d", "5y", "5D", "1.5h", "5dd", "d5", "9223372036854775808s",
        "9223372036854775807d", "106751992d", "99999999999999999999999s"}) {
    CAPTURE(text);
    CHECK_FALSE(ParseDuration(text));
  }
  CHECK(ParseDuration("106751991d"));  // the longest in whole days
}

TEST_CASE("TheExtremesOfTheTypePrintWithoutOverflow") {
  CHECK(FormatInstant(Instant::Never()) == "never");
  const int64_t least = std::numeric_limits<int64_t>::min();
  CHECK(FormatDuration({least}) == "-106751991d4h54s775808us");
}

}  // namespace
}  // namespace rescind
