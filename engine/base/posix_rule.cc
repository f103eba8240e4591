#include "engine/base/posix_rule.h"

#include <algorithm>
#include <utility>

#include "engine/base/take_char.h"

namespace rescind {
namespace {

std::optional<int> TakeNumber(std::string_view& text, int largest) {
  int number = 0;
  size_t digits = 0;
  while (digits < text.size() && digits < 4 && text[digits] >= '0' && text[digits] <= '9') {
    number = number * 10 + (text[digits++] - '0');
  }
  if (digits == 0 || number > largest) return std::nullopt;
  text.remove_prefix(digits);
  return number;
}

// "CET" or "<-02>".
bool TakeName(std::string_view& text) {
  size_t size = 0;
  if (TakeChar(text, '<')) {
    size = text.find('>');
    if (size == std::string_view::npos || size == 0) return false;
    text.remove_prefix(size + 1);
    return true;
  }
  while (size < text.size() && ((text[size] | 0x20) >= 'a' && (text[size] | 0x20) <= 'z')) ++size;
  text.remove_prefix(size);
  return size >= 3;
}

// "[+-]hh[:mm[:ss]]".
std::optional<int64_t> TakeTimeMicros(std::string_view& text) {
  const bool negative = TakeChar(text, '-');
  if (!negative) TakeChar(text, '+');
  const auto hours = TakeNumber(text, 167);
  if (!hours) return std::nullopt;
  int64_t micros = *hours * kMicrosPerHour;
  for (const int64_t unit : {kMicrosPerMinute, kMicrosPerSecond}) {
    if (!TakeChar(text, ':')) break;
    const auto number = TakeNumber(text, 59);
    if (!number) return std::nullopt;
    micros += *number * unit;
  }
  return negative ? -micros : micros;
}

std::optional<PosixRule::Change> TakeChange(std::string_view& text) {
  using Form = PosixRule::Change::Form;
  PosixRule::Change change;
  if (!TakeChar(text, ',')) return std::nullopt;
  if (TakeChar(text, 'M')) {
    const auto month = TakeNumber(text, 12);
    if (!month || *month < 1 || !TakeChar(text, '.')) return std::nullopt;
    const auto week = TakeNumber(text, 5);
    if (!week || *week < 1 || !TakeChar(text, '.')) return std::nullopt;
    const auto weekday = TakeNumber(text, 6);
    if (!weekday) return std::nullopt;
    change.month = *month;
    change.week = *week;
    change.weekday = *weekday;
  } else {
    const bool julian = TakeChar(text, 'J');
    const auto day = TakeNumber(text, 365);
    if (!day || (julian && *day < 1)) return std::nullopt;
    change.form = julian ? Form::kJulianWithoutLeapDay : Form::kDayOfYear;
    change.day = *day;
  }
  change.wall_micros = 2 * kMicrosPerHour;
  if (TakeChar(text, '/')) {
    const auto micros = TakeTimeMicros(text);
    if (!micros) return std::nullopt;
    change.wall_micros = *micros;
  }
  return change;
}

int64_t DayOfChange(const PosixRule::Change& change, int year) {
  const Day new_year = DayFromCivil(year, 1, 1);
  switch (change.form) {
    case PosixRule::Change::Form::kDayOfYear: return new_year.days + change.day;
    case PosixRule::Change::Form::kJulianWithoutLeapDay: {
      const bool leap = DayFromCivil(year, 3, 1).days - new_year.days == 60;
      return new_year.days + change.day - 1 + (leap && change.day >= 60 ? 1 : 0);
    }
    case PosixRule::Change::Form::kMonthWeekDay: break;
  }
  const Day first = DayFromCivil(year, static_cast<unsigned>(change.month), 1);
  // 1970-01-01 was a Thursday, weekday 4.
  const int first_weekday = ((first.days + 4) % 7 + 7) % 7;
  int64_t day = first.days + (change.weekday - first_weekday + 7) % 7 + (change.week - 1) * 7;
  while (CivilFromDay({static_cast<int32_t>(day)}).month != static_cast<unsigned>(change.month)) {
    day -= 7;  // there is no fifth one: the last
  }
  return day;
}

}  // namespace

std::optional<PosixRule> ParsePosixRule(std::string_view text) {
  PosixRule rule;
  if (!TakeName(text)) return std::nullopt;
  const auto standard = TakeTimeMicros(text);
  if (!standard || !TakeName(text)) return std::nullopt;
  rule.standard_offset_micros = -*standard;  // POSIX counts westward
  rule.summer_offset_micros = rule.standard_offset_micros + kMicrosPerHour;
  if (!text.empty() && text.front() != ',') {
    const auto summer = TakeTimeMicros(text);
    if (!summer) return std::nullopt;
    rule.summer_offset_micros = -*summer;
  }
  const auto to_summer = TakeChange(text);
  if (!to_summer) return std::nullopt;
  const auto to_standard = TakeChange(text);
  if (!to_standard || !text.empty()) return std::nullopt;
  rule.to_summer = *to_summer;
  rule.to_standard = *to_standard;
  return rule;
}

std::array<ClockChange, 2> ClockChangesOf(const PosixRule& rule, int year) {
  std::array<ClockChange, 2> changes = {{
      {DayOfChange(rule.to_summer, year) * kMicrosPerDay + rule.to_summer.wall_micros -
           rule.standard_offset_micros,
       rule.summer_offset_micros},
      {DayOfChange(rule.to_standard, year) * kMicrosPerDay + rule.to_standard.wall_micros -
           rule.summer_offset_micros,
       rule.standard_offset_micros},
  }};
  if (changes[1].at_micros < changes[0].at_micros) std::swap(changes[0], changes[1]);
  return changes;
}

}  // namespace rescind
