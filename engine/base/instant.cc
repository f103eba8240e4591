#include "engine/base/instant.h"

#include <fmt/format.h>

#include <array>
#include <chrono>

#include "engine/base/take_char.h"

namespace rescind {
namespace {

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// Reads exactly `digits` digits from the front of `text`.
std::optional<int> TakeNumber(std::string_view& text, size_t digits) {
  if (text.size() < digits) return std::nullopt;
  int number = 0;
  for (size_t i = 0; i < digits; ++i) {
    if (!IsDigit(text[i])) return std::nullopt;
    number = number * 10 + (text[i] - '0');
  }
  text.remove_prefix(digits);
  return number;
}

std::optional<Day> TakeDay(std::string_view& text) {
  const auto year = TakeNumber(text, 4);
  if (!year || !TakeChar(text, '-')) return std::nullopt;
  const auto month = TakeNumber(text, 2);
  if (!month || !TakeChar(text, '-')) return std::nullopt;
  const auto day = TakeNumber(text, 2);
  if (!day || *year < 1) return std::nullopt;
  const std::chrono::year_month_day civil{std::chrono::year(*year),
                                          std::chrono::month(static_cast<unsigned>(*month)),
                                          std::chrono::day(static_cast<unsigned>(*day))};
  if (!civil.ok()) return std::nullopt;
  return DayFromCivil(*year, static_cast<unsigned>(*month), static_cast<unsigned>(*day));
}

// "Z", "+02:00" or "-0530": what must be subtracted to get UTC.
std::optional<int64_t> TakeOffsetMicros(std::string_view& text) {
  if (TakeChar(text, 'Z') || TakeChar(text, 'z')) return 0;
  if (text.empty() || (text.front() != '+' && text.front() != '-')) return std::nullopt;
  const int sign = text.front() == '+' ? 1 : -1;
  text.remove_prefix(1);
  const auto hours = TakeNumber(text, 2);
  if (!hours || *hours > 23) return std::nullopt;
  TakeChar(text, ':');
  const auto minutes = TakeNumber(text, 2);
  if (!minutes || *minutes > 59) return std::nullopt;
  return sign * (*hours * kMicrosPerHour + *minutes * kMicrosPerMinute);
}

}  // namespace

Day DayFromCivil(int year, unsigned month, unsigned day) {
  const std::chrono::sys_days days =
      std::chrono::year(year) / std::chrono::month(month) / std::chrono::day(day);
  return {static_cast<int32_t>(days.time_since_epoch().count())};
}

CivilDay CivilFromDay(Day day) {
  const std::chrono::year_month_day civil{std::chrono::sys_days(std::chrono::days(day.days))};
  return {static_cast<int>(civil.year()), static_cast<unsigned>(civil.month()),
          static_cast<unsigned>(civil.day())};
}

std::optional<Day> ParseDay(std::string_view text) {
  const auto day = TakeDay(text);
  if (!day || !text.empty()) return std::nullopt;
  return day;
}

std::optional<Instant> ParseInstant(std::string_view text) {
  const auto day = TakeDay(text);
  if (!day || !(TakeChar(text, 'T') || TakeChar(text, 't') || TakeChar(text, ' '))) {
    return std::nullopt;
  }
  const auto hour = TakeNumber(text, 2);
  if (!hour || *hour > 23 || !TakeChar(text, ':')) return std::nullopt;
  const auto minute = TakeNumber(text, 2);
  if (!minute || *minute > 59) return std::nullopt;
  int64_t micros = day->days * kMicrosPerDay + *hour * kMicrosPerHour + *minute * kMicrosPerMinute;
  if (TakeChar(text, ':')) {
    const auto second = TakeNumber(text, 2);
    if (!second || *second > 59) return std::nullopt;
    micros += *second * kMicrosPerSecond;
    if (TakeChar(text, '.')) {
      int64_t unit = kMicrosPerSecond / 10;
      if (text.empty() || !IsDigit(text.front())) return std::nullopt;
      while (!text.empty() && IsDigit(text.front())) {
        if (unit == 0 && text.front() != '0') return std::nullopt;  // finer than a microsecond
        micros += unit * (text.front() - '0');
        unit /= 10;
        text.remove_prefix(1);
      }
    }
  }
  const auto offset_micros = TakeOffsetMicros(text);
  if (!offset_micros || !text.empty()) return std::nullopt;
  micros -= *offset_micros;
  if (micros < kFirstDay.days * kMicrosPerDay || micros >= (kLastDay.days + 1) * kMicrosPerDay) {
    return std::nullopt;
  }
  return Instant{micros};
}

std::optional<Duration> ParseDuration(std::string_view text) {
  if (text.empty()) return std::nullopt;
  int64_t total = 0;
  while (!text.empty()) {
    int64_t number = 0;
    size_t digits = 0;
    while (digits < text.size() && IsDigit(text[digits])) {
      if (__builtin_mul_overflow(number, int64_t{10}, &number) ||
          __builtin_add_overflow(number, int64_t{text[digits] - '0'}, &number)) {
        return std::nullopt;
      }
      ++digits;
    }
    if (digits == 0 || digits == text.size()) return std::nullopt;
    int64_t unit = 0;
    switch (text[digits]) {
      case 's': unit = kMicrosPerSecond; break;
      case 'm': unit = kMicrosPerMinute; break;
      case 'h': unit = kMicrosPerHour; break;
      case 'd': unit = kMicrosPerDay; break;
      case 'w': unit = 7 * kMicrosPerDay; break;
      default: return std::nullopt;
    }
    if (__builtin_mul_overflow(number, unit, &number) ||
        __builtin_add_overflow(total, number, &total)) {
      return std::nullopt;
    }
    text.remove_prefix(digits + 1);
  }
  return Duration{total};
}

namespace {

// `number` below 10 ^ count, with zeros in front.
void AppendDigits(std::string& text, uint32_t number, size_t count) {
  const size_t begin = text.size();
  text.append(count, '0');
  for (size_t i = begin + count; i > begin; number /= 10) {
    text[--i] = static_cast<char>('0' + number % 10);
  }
}

void AppendDay(std::string& text, Day day) {
  const CivilDay civil = CivilFromDay(day);
  if (civil.year < 0 || civil.year > 9999) {
    text += fmt::format("{:04}-{:02}-{:02}", civil.year, civil.month, civil.day);
    return;
  }
  AppendDigits(text, static_cast<uint32_t>(civil.year), 4);
  text += '-';
  AppendDigits(text, static_cast<uint32_t>(civil.month), 2);
  text += '-';
  AppendDigits(text, static_cast<uint32_t>(civil.day), 2);
}

}  // namespace

std::string FormatDay(Day day) {
  std::string text;
  AppendDay(text, day);
  return text;
}

std::string FormatInstant(Instant instant) {
  if (instant == Instant::Never()) return "never";
  int64_t days = instant.micros / kMicrosPerDay;
  int64_t rest = instant.micros % kMicrosPerDay;
  if (rest < 0) {
    rest += kMicrosPerDay;
    --days;
  }
  std::string text;
  text.reserve(sizeof "2026-04-01T00:00:00.000000Z");
  AppendDay(text, {static_cast<int32_t>(days)});
  const auto seconds = static_cast<uint32_t>(rest / kMicrosPerSecond);
  text += 'T';
  AppendDigits(text, seconds / 3600, 2);
  text += ':';
  AppendDigits(text, seconds / 60 % 60, 2);
  text += ':';
  AppendDigits(text, seconds % 60, 2);
  if (const auto fraction = static_cast<uint32_t>(rest % kMicrosPerSecond); fraction != 0) {
    text += '.';
    AppendDigits(text, fraction, 6);
    while (text.back() == '0') text.pop_back();
  }
  text += 'Z';
  return text;
}

std::string FormatDuration(Duration duration) {
  struct Unit {
    uint64_t micros;
    char letter;
  };
  constexpr std::array<Unit, 4> kUnits = {{{kMicrosPerDay, 'd'},
                                           {kMicrosPerHour, 'h'},
                                           {kMicrosPerMinute, 'm'},
                                           {kMicrosPerSecond, 's'}}};
  const bool negative = duration.micros < 0;
  uint64_t rest =
      negative ? -static_cast<uint64_t>(duration.micros) : static_cast<uint64_t>(duration.micros);
  std::string text;
  for (const Unit& unit : kUnits) {
    if (const uint64_t count = rest / unit.micros; count != 0) {
      text += fmt::format("{}{}", count, unit.letter);
      rest %= unit.micros;
    }
  }
  if (rest != 0) text += fmt::format("{}us", rest);
  if (text.empty()) text = "0s";
  return negative ? "-" + text : text;
}

}  // namespace rescind
