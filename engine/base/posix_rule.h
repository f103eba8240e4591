// PosixRule: the clock changes that a rule such as "CET-1CEST,M3.5.0,M10.5.0/3" goes on making.
//
// Stands at the end of every file of the tz database and says what follows the listed years. The
// date library's own reader refuses the negative hours of Greenland, hence this one.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "engine/base/instant.h"

namespace rescind {

struct PosixRule {
  // One of the two changes of a year, by the wall clock in force before it.
  struct Change {
    enum class Form { kMonthWeekDay, kJulianWithoutLeapDay, kDayOfYear };
    Form form = Form::kMonthWeekDay;
    int month = 0, week = 0, weekday = 0;  // kMonthWeekDay; week 5 is the last, weekday 0 Sunday
    int day = 0;                           // the other forms
    int64_t wall_micros = 0;               // since that day's midnight; may be negative
  };

  int64_t standard_offset_micros = 0;  // to add to UTC
  int64_t summer_offset_micros = 0;
  Change to_summer;
  Change to_standard;
};

// The rule in `text`; nullopt when it is malformed or names no summer time.
std::optional<PosixRule> ParsePosixRule(std::string_view text);

struct ClockChange {
  int64_t at_micros = 0;      // UTC
  int64_t offset_micros = 0;  // from then on
};
// The changes of one year in the order in which they happen.
std::array<ClockChange, 2> ClockChangesOf(const PosixRule& rule, int year);

}  // namespace rescind
