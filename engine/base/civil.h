// Civil lengths of time and what adding them to a day means.
//
// "6 months" and "5 business days" are no fixed number of microseconds: they go with days only.
// Knows no time zone; the workspace's holidays come in as an argument.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "engine/base/instant.h"

namespace rescind {

// Stored in rule programs. Never renumber.
enum class CivilUnit : uint8_t { kDays = 1, kMonths = 2, kYears = 3, kBusinessDays = 4 };

// "-3 months" is {kMonths, -3}.
struct CivilDuration {
  CivilUnit unit = CivilUnit::kDays;
  int64_t count = 0;
  bool operator==(const CivilDuration&) const = default;
};

// a / b, rounded down. `b` is positive.
constexpr int64_t FloorDivide(int64_t a, int64_t b) { return a / b - (a % b < 0 ? 1 : 0); }

// The workspace's calendar: the days on which nobody works, apart from Saturdays and Sundays.
class Holidays {
 public:
  Holidays() = default;
  explicit Holidays(std::vector<Day> days);

  bool IsBusinessDay(Day day) const;
  // Business days in (some fixed far past, day]. Only differences mean anything.
  int64_t BusinessDaysUpTo(Day day) const;
  const std::vector<Day>& days() const { return days_; }

 private:
  std::vector<Day> days_;  // sorted, without duplicates, without Saturdays and Sundays
};

// Months and years clamp to the end of the month (31 January + 1 month = 28 or 29 February).
// n business days after a day is the n-th business day after it; before it, likewise; zero is the
// day itself, even a Sunday. nullopt when the result leaves the years 0001 … 9999.
std::optional<Day> AddCivil(Day day, CivilDuration length, const Holidays& holidays);

// The same, but a sum beyond the calendar is a day earlier or later than any in it, however many
// days are added to that: for questions of before and after. "The contract ends on 9999-12-31" is
// how people write "never", and a month after never is never.
Day AddCivilEndless(Day day, CivilDuration length, const Holidays& holidays);

// The first day d in the years 0001 … 9999 with AddCivilEndless(d, length) >= target; nullopt when
// there is none. The sum never decreases as its day grows, so "d + length >= target" is
// "d >= FirstDayReaching(target, length)".
std::optional<Day> FirstDayReaching(Day target, CivilDuration length, const Holidays& holidays);

}  // namespace rescind
