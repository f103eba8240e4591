// Business days are counted by an index that grows by one on each of them:
// BusinessDaysUpTo(Friday) = k, Saturday = k, Sunday = k, Monday = k + 1. Adding n business days
// is then "the first day whose index is k + n", a closed formula for Monday to Friday that is
// corrected by the holidays passed on the way until it no longer moves.
#include "engine/base/civil.h"

#include <algorithm>

#include "engine/base/assert.h"

namespace rescind {
namespace {

// 1970-01-01 was a Thursday; 1969-12-29 the Monday before it.
constexpr int64_t kMonday = -3;
constexpr int64_t kMonthsPerYear = 12;
// More than all days between the years 0001 and 9999: any larger count leaves the range.
constexpr int64_t kLargestCount = 4'000'000;

bool IsWeekday(Day day) {
  const int64_t since_monday = day.days - kMonday;
  return since_monday - FloorDivide(since_monday, 7) * 7 < 5;
}

// Weekdays in [kMonday, day], negative before it.
int64_t WeekdaysUpTo(int64_t days) {
  const int64_t since_monday = days - kMonday;
  const int64_t weeks = FloorDivide(since_monday, 7);
  return weeks * 5 + std::min<int64_t>(since_monday - weeks * 7 + 1, 5);
}

// The first day whose WeekdaysUpTo is `count`.
int64_t DayOfWeekday(int64_t count) {
  const int64_t weeks = FloorDivide(count - 1, 5);
  return kMonday + weeks * 7 + (count - 1 - weeks * 5);
}

std::optional<Day> InRange(int64_t days) {
  if (days < kFirstDay.days || days > kLastDay.days) return std::nullopt;
  return Day{static_cast<int32_t>(days)};
}

unsigned LastDayOfMonth(int64_t year, unsigned month) {
  constexpr unsigned kDays[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  return month == 2 && leap ? 29 : kDays[month - 1];
}

std::optional<Day> AddMonths(Day day, int64_t months) {
  const CivilDay civil = CivilFromDay(day);
  const int64_t total = civil.year * kMonthsPerYear + (civil.month - 1) + months;
  const int64_t year = FloorDivide(total, kMonthsPerYear);
  if (year < 1 || year > 9999) return std::nullopt;
  const unsigned month = static_cast<unsigned>(total - year * kMonthsPerYear) + 1;
  return DayFromCivil(static_cast<int>(year), month,
                      std::min(civil.day, LastDayOfMonth(year, month)));
}

std::optional<Day> AddBusinessDays(Day day, int64_t count, const Holidays& holidays) {
  if (count == 0) return day;
  // Forward: the first day whose index is larger by `count`. Backward: the first day r such that
  // [r, day) holds -count business days, which is again the first day of one index.
  const int64_t index = count > 0 ? holidays.BusinessDaysUpTo(day) + count
                                  : holidays.BusinessDaysUpTo({day.days - 1}) + count + 1;
  int64_t result = DayOfWeekday(index);
  for (;;) {
    if (!InRange(result)) return std::nullopt;
    const int64_t missing = index - holidays.BusinessDaysUpTo({static_cast<int32_t>(result)});
    if (missing == 0) break;
    result = DayOfWeekday(WeekdaysUpTo(result) + missing);
  }
  // A holiday has the index of the business day before it: step back to the first of the index.
  while (!holidays.IsBusinessDay({static_cast<int32_t>(result)})) {
    --result;
    if (!InRange(result)) return std::nullopt;
  }
  return InRange(result);
}

}  // namespace

Holidays::Holidays(std::vector<Day> days) : days_(std::move(days)) {
  std::erase_if(days_, [](Day day) { return !IsWeekday(day); });
  std::sort(days_.begin(), days_.end());
  days_.erase(std::unique(days_.begin(), days_.end()), days_.end());
}

bool Holidays::IsBusinessDay(Day day) const {
  return IsWeekday(day) && !std::binary_search(days_.begin(), days_.end(), day);
}

int64_t Holidays::BusinessDaysUpTo(Day day) const {
  const auto passed = std::upper_bound(days_.begin(), days_.end(), day) - days_.begin();
  return WeekdaysUpTo(day.days) - passed;
}

std::optional<Day> AddCivil(Day day, CivilDuration length, const Holidays& holidays) {
  if (length.count > kLargestCount || length.count < -kLargestCount) return std::nullopt;
  switch (length.unit) {
    case CivilUnit::kDays: return InRange(day.days + length.count);
    case CivilUnit::kMonths: return AddMonths(day, length.count);
    case CivilUnit::kYears: return AddMonths(day, length.count * kMonthsPerYear);
    case CivilUnit::kBusinessDays: return AddBusinessDays(day, length.count, holidays);
  }
  RESCIND_UNREACHABLE("a civil unit beyond the enumeration");
}

Day AddCivilEndless(Day day, CivilDuration length, const Holidays& holidays) {
  constexpr int32_t kBeyond = 1 << 30;
  if (const auto sum = AddCivil(day, length, holidays)) return *sum;
  return {length.count < 0 ? -kBeyond : kBeyond};
}

std::optional<Day> FirstDayReaching(Day target, CivilDuration length, const Holidays& holidays) {
  int64_t low = kFirstDay.days;
  int64_t high = int64_t{kLastDay.days} + 1;
  while (low < high) {
    const int64_t middle = low + (high - low) / 2;
    if (AddCivilEndless({static_cast<int32_t>(middle)}, length, holidays) >= target) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  return InRange(low);
}

}  // namespace rescind
