#include "runtime/feeds/moment_format.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace rescind {
namespace {

constexpr std::string_view kDirectives = "YmdbHIpMSzs";

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

std::optional<int64_t> TakeNumber(std::string_view& text, size_t least, size_t most) {
  int64_t number = 0;
  size_t digits = 0;
  while (digits < most && digits < text.size() && IsDigit(text[digits])) {
    number = number * 10 + (text[digits] - '0');
    ++digits;
  }
  if (digits < least) return std::nullopt;
  text.remove_prefix(digits);
  return number;
}

bool TakeInto(std::string_view& text, bool fixed_width, int64_t lowest, int64_t highest,
              int64_t& into) {
  const auto number = TakeNumber(text, fixed_width ? 2 : 1, 2);
  if (!number || *number < lowest || *number > highest) return false;
  into = *number;
  return true;
}

// "Jan" or "January", in any case.
bool TakeMonthName(std::string_view& text, int64_t& month) {
  constexpr std::array<std::string_view, 12> kNames = {
      "january", "february", "march",     "april",   "may",      "june",
      "july",    "august",   "september", "october", "november", "december"};
  size_t letters = 0;
  std::string word;
  while (letters < text.size() && Lower(text[letters]) >= 'a' && Lower(text[letters]) <= 'z') {
    word += Lower(text[letters++]);
  }
  for (size_t i = 0; i < kNames.size(); ++i) {
    if (word != kNames[i] && word != kNames[i].substr(0, 3)) continue;
    text.remove_prefix(letters);
    month = static_cast<int64_t>(i) + 1;
    return true;
  }
  return false;
}

// "Z", "+02", "+0200", "+02:00".
bool TakeOffset(std::string_view& text, int64_t& micros) {
  if (text.empty()) return false;
  const char sign = text.front();
  text.remove_prefix(1);
  micros = 0;
  if (sign == 'Z' || sign == 'z') return true;
  if (sign != '+' && sign != '-') return false;
  const auto hours = TakeNumber(text, 2, 2);
  if (!hours || *hours > 23) return false;
  if (!text.empty() && text.front() == ':') text.remove_prefix(1);
  int64_t minutes = 0;
  if (!text.empty() && IsDigit(text.front()) && !TakeInto(text, true, 0, 59, minutes)) return false;
  micros = (*hours * kMicrosPerHour + minutes * kMicrosPerMinute) * (sign == '-' ? -1 : 1);
  return true;
}

bool TakeSecond(std::string_view& text, bool fixed_width, int64_t& micros) {
  int64_t second = 0;
  if (!TakeInto(text, fixed_width, 0, 59, second)) return false;
  micros = second * kMicrosPerSecond;
  if (text.size() < 2 || text[0] != '.' || !IsDigit(text[1])) return true;
  text.remove_prefix(1);
  // Finer than a microsecond is cut off.
  for (int64_t unit = kMicrosPerSecond / 10; !text.empty() && IsDigit(text.front()); unit /= 10) {
    micros += unit * (text.front() - '0');
    text.remove_prefix(1);
  }
  return true;
}

Instant FromWallClock(int64_t local_micros, const TimeZone& zone) {
  // The offsets in force before and after any change near this time.
  const int64_t before = zone.OffsetMicros({local_micros - kMicrosPerDay});
  const int64_t after = zone.OffsetMicros({local_micros + kMicrosPerDay});
  const int64_t earlier = local_micros - std::max(before, after);
  const int64_t later = local_micros - std::min(before, after);
  if (zone.OffsetMicros({later}) == std::min(before, after)) return {later};
  if (zone.OffsetMicros({earlier}) == std::max(before, after)) return {earlier};
  return {later};
}

bool InRange(int64_t micros) {
  return micros >= kFirstDay.days * kMicrosPerDay && micros < (kLastDay.days + 1) * kMicrosPerDay;
}

}  // namespace

struct MomentFormat::Parts {
  int64_t year = 0, month = 0, day = 0;
  int64_t hour = 0, minute = 0, second_micros = 0;
  std::optional<bool> afternoon;
  std::optional<int64_t> offset_micros;
  std::optional<int64_t> epoch_seconds;

  std::optional<Day> Date() const {
    if (year < 1) return std::nullopt;
    const Day date = DayFromCivil(static_cast<int>(year), static_cast<unsigned>(month),
                                  static_cast<unsigned>(day));
    const CivilDay civil = CivilFromDay(date);
    const bool exists = civil.month == month && civil.day == day;
    return exists ? std::optional(date) : std::nullopt;
  }
};

Result<MomentFormat> MomentFormat::Parse(std::string_view pattern) {
  MomentFormat format;
  format.pattern_ = pattern;
  std::string seen;
  const auto fail = [&](std::string_view why) {
    return Error{ErrorKind::kInvalidInput, fmt::format("the date format \"{}\" {}", pattern, why),
                 "write it like %d.%m.%Y or \"%Y-%m-%d %H:%M:%S\"; known are %Y %m %d %b %H %I "
                 "%p %M %S %z and %s (seconds since 1970)"};
  };
  for (size_t i = 0; i < pattern.size(); ++i) {
    Step step;
    if (pattern[i] != '%') {
      const bool is_utc = pattern[i] == 'Z' && !seen.empty() &&
                          std::string_view("HIMS").find(seen.back()) != std::string_view::npos;
      step.directive = is_utc ? 'z' : '\0';
      step.literal = pattern[i];
    } else if (++i < pattern.size() && pattern[i] == '%') {
      step.literal = '%';
    } else {
      if (i == pattern.size() || kDirectives.find(pattern[i]) == std::string_view::npos) {
        return fail(i == pattern.size() ? "ends with %"
                                        : fmt::format("has the unknown part %{}", pattern[i]));
      }
      step.directive = pattern[i];
      // Without anything between them, numbers are told apart by their width only.
      step.fixed_width = (i + 2 < pattern.size() && pattern[i + 1] == '%') ||
                         (!format.steps_.empty() && format.steps_.back().directive != 0);
    }
    if (step.directive != 0) {
      if (seen.find(step.directive) != std::string::npos) return fail("says something twice");
      seen += step.directive;
    }
    format.steps_.push_back(step);
  }
  const auto has = [&](char directive) { return seen.find(directive) != std::string::npos; };
  if (!has('s') && !(has('Y') && (has('m') || has('b')) && has('d'))) {
    return fail("leaves the day open");
  }
  if (has('I') != has('p')) return fail("needs %I and %p together");
  format.has_clock_ = has('H') || has('I');
  return format;
}

bool MomentFormat::ReadStep(const Step& step, std::string_view& text, Parts& parts) {
  switch (step.directive) {
    case 'Y': {
      const auto year = TakeNumber(text, 4, 4);
      parts.year = year.value_or(0);
      return year.has_value();
    }
    case 'm': return TakeInto(text, step.fixed_width, 1, 12, parts.month);
    case 'd': return TakeInto(text, step.fixed_width, 1, 31, parts.day);
    case 'b': return TakeMonthName(text, parts.month);
    case 'H': return TakeInto(text, step.fixed_width, 0, 23, parts.hour);
    case 'I': return TakeInto(text, step.fixed_width, 1, 12, parts.hour);
    case 'M': return TakeInto(text, step.fixed_width, 0, 59, parts.minute);
    case 'S': return TakeSecond(text, step.fixed_width, parts.second_micros);
    case 'p': {
      if (text.size() < 2 || Lower(text[1]) != 'm') return false;
      parts.afternoon = Lower(text[0]) == 'p';
      const bool known = *parts.afternoon || Lower(text[0]) == 'a';
      text.remove_prefix(2);
      return known;
    }
    case 'z': {
      int64_t offset = 0;
      if (!TakeOffset(text, offset)) return false;
      parts.offset_micros = offset;
      return true;
    }
    case 's': parts.epoch_seconds = TakeNumber(text, 1, 12); return parts.epoch_seconds.has_value();
    default: break;
  }
  if (text.empty() || text.front() != step.literal) return false;
  text.remove_prefix(1);
  return true;
}

bool MomentFormat::Read(std::string_view text, Parts& parts) const {
  for (const Step& step : steps_) {
    if (!ReadStep(step, text, parts)) return false;
  }
  if (parts.afternoon) parts.hour = parts.hour % 12 + (*parts.afternoon ? 12 : 0);
  return text.empty();
}

std::optional<Day> MomentFormat::ReadDay(std::string_view text) const {
  Parts parts;
  if (!Read(text, parts)) return std::nullopt;
  if (!parts.epoch_seconds) return parts.Date();
  const int64_t micros = *parts.epoch_seconds * kMicrosPerSecond;
  if (!InRange(micros)) return std::nullopt;
  return UtcTimeZone().DayOf({micros});
}

std::optional<Instant> MomentFormat::ReadInstant(std::string_view text,
                                                 const TimeZone& zone) const {
  Parts parts;
  if (!Read(text, parts)) return std::nullopt;
  int64_t micros = 0;
  if (parts.epoch_seconds) {
    micros = *parts.epoch_seconds * kMicrosPerSecond;
  } else {
    const auto day = parts.Date();
    if (!day) return std::nullopt;
    if (!has_clock_) {
      micros = zone.StartOf(*day).micros;
    } else {
      const int64_t local = day->days * kMicrosPerDay + parts.hour * kMicrosPerHour +
                            parts.minute * kMicrosPerMinute + parts.second_micros;
      micros =
          parts.offset_micros ? local - *parts.offset_micros : FromWallClock(local, zone).micros;
    }
  }
  if (!InRange(micros)) return std::nullopt;
  return Instant{micros};
}

}  // namespace rescind
