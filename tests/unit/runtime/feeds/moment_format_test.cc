#include "runtime/feeds/moment_format.h"

#include <doctest/doctest.h>

namespace rescind {
namespace {

std::string ReadAs(const char* pattern, const char* text, const char* zone = "UTC") {
  const auto format = MomentFormat::Parse(pattern);
  REQUIRE(format.ok());
  const auto instant = format->ReadInstant(text, *FindTimeZone(zone));
  return instant ? FormatInstant(*instant) : "(none)";
}

std::string DayAs(const char* pattern, const char* text) {
  const auto format = MomentFormat::Parse(pattern);
  REQUIRE(format.ok());
  const auto day = format->ReadDay(text);
  return day ? FormatDay(*day) : "(none)";
}

TEST_CASE("DaysAreReadAsTheirPatternSays") {
  CHECK(DayAs("%d.%m.%Y", "01.04.2026") == "2026-04-01");
  CHECK(DayAs("%d.%m.%Y", "1.4.2026") == "2026-04-01");
  CHECK(DayAs("%m/%d/%Y", "4/30/2026") == "2026-04-30");
  CHECK(DayAs("%m/%d/%Y", "30/4/2026") == "(none)");
  CHECK(DayAs("%Y%m%d", "20260401") == "2026-04-01");
  CHECK(DayAs("%Y%m%d", "2026041") == "(none)");
  CHECK(DayAs("%d-%b-%Y", "01-APR-2026") == "2026-04-01");
  CHECK(DayAs("%d %b %Y", "1 September 2026") == "2026-09-01");
  CHECK(DayAs("%d %b %Y", "1 Septem 2026") == "(none)");
  CHECK(DayAs("%d.%m.%Y", "30.02.2026") == "(none)");
  CHECK(DayAs("%d.%m.%Y", "29.02.2024") == "2024-02-29");
  CHECK(DayAs("%d.%m.%Y", "01.04.2026 ") == "(none)");
  CHECK(DayAs("%d.%m.%Y", "01.04.0000") == "(none)");
  CHECK(DayAs("%Y-%m-%d %H:%M", "2026-04-01 23:30") == "2026-04-01");
}

TEST_CASE("InstantsWithoutOffsetAreInTheWorkspacesZone") {
  CHECK(ReadAs("%Y-%m-%d %H:%M:%S", "2026-04-01 09:00:00") == "2026-04-01T09:00:00Z");
  CHECK(ReadAs("%Y-%m-%d %H:%M:%S", "2026-04-01 09:00:00", "Europe/Berlin") ==
        "2026-04-01T07:00:00Z");
  CHECK(ReadAs("%Y-%m-%d %H:%M:%S%z", "2026-04-01 09:00:00+0530", "Europe/Berlin") ==
        "2026-04-01T03:30:00Z");
  CHECK(ReadAs("%d.%m.%Y", "01.04.2026", "Europe/Berlin") == "2026-03-31T22:00:00Z");
  CHECK(ReadAs("%m/%d/%Y %I:%M %p", "4/1/2026 12:05 AM") == "2026-04-01T00:05:00Z");
  CHECK(ReadAs("%m/%d/%Y %I:%M %p", "4/1/2026 12:05 pm") == "2026-04-01T12:05:00Z");
  CHECK(ReadAs("%s", "1775034000", "Europe/Berlin") == "2026-04-01T09:00:00Z");
}

// LDAP's generalised time: the Z says UTC although no directive does.
TEST_CASE("ALiteralZMeansUtc") {
  CHECK(ReadAs("%Y%m%d%H%M%SZ", "20260401090000Z", "Europe/Berlin") == "2026-04-01T09:00:00Z");
  CHECK(ReadAs("%Y%m%d%H%M%SZ", "20260401090000.25Z", "Europe/Berlin") ==
        "2026-04-01T09:00:00.25Z");
  CHECK(ReadAs("%Y%m%d%H%M%SZ", "20260401090000", "Europe/Berlin") == "(none)");
}

TEST_CASE("WallClocksThatComeTwiceAreTheLaterOnesAndSkippedOnesMoveOn") {
  CHECK(ReadAs("%Y-%m-%d %H:%M", "2026-10-25 02:30", "Europe/Berlin") == "2026-10-25T01:30:00Z");
  CHECK(ReadAs("%Y-%m-%d %H:%M", "2026-03-29 02:30", "Europe/Berlin") == "2026-03-29T01:30:00Z");
  CHECK(ReadAs("%Y-%m-%d %H:%M", "2026-03-29 03:30", "Europe/Berlin") == "2026-03-29T01:30:00Z");
  CHECK(ReadAs("%Y-%m-%d %H:%M", "2026-10-25 01:30", "Europe/Berlin") == "2026-10-24T23:30:00Z");
  CHECK(ReadAs("%Y-%m-%d %H:%M", "2026-10-25 03:30", "Europe/Berlin") == "2026-10-25T02:30:00Z");
}

TEST_CASE("PatternsThatAreUnclearAreRefused") {
  for (const char* pattern : {"", "%d.%m", "%d.%m.%y", "%Y-%m-%d %", "%Y-%m-%d %d", "%q",
                              "DD.MM.YYYY", "%Y-%m-%d %I:%M", "%H:%M"}) {
    CAPTURE(pattern);
    const auto format = MomentFormat::Parse(pattern);
    REQUIRE_FALSE(format.ok());
    CHECK(format.error().help.find("%d.%m.%Y") != std::string::npos);
  }
}

}  // namespace
}  // namespace rescind
