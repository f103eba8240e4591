// Instants, civil days and durations as integers with distinct types.
//
// The text forms are ISO 8601. Time zones live in time_zone.h.
#pragma once

#include <compare>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

namespace rescind {

// Microseconds since 1970-01-01T00:00:00Z.
struct Instant {
  int64_t micros = 0;
  auto operator<=>(const Instant&) const = default;
  static constexpr Instant Never() { return {std::numeric_limits<int64_t>::max()}; }
};

// Days since 1970-01-01, a civil day without zone.
struct Day {
  int32_t days = 0;
  auto operator<=>(const Day&) const = default;
};

// Exact length in microseconds.
struct Duration {
  int64_t micros = 0;
  auto operator<=>(const Duration&) const = default;
};

inline constexpr int64_t kMicrosPerSecond = 1'000'000;
inline constexpr int64_t kMicrosPerMinute = 60 * kMicrosPerSecond;
inline constexpr int64_t kMicrosPerHour = 60 * kMicrosPerMinute;
inline constexpr int64_t kMicrosPerDay = 24 * kMicrosPerHour;

// Facts and literals lie in years 0001 … 9999; what is outside is refused where it enters.
inline constexpr Day kFirstDay{-719162};  // 0001-01-01
inline constexpr Day kLastDay{2932896};   // 9999-12-31

// "2026-04-01T09:00Z", seconds and up to six fraction digits optional, offset "+02:00" or "Z"
// required. nullopt when malformed, not a real day, or out of range.
std::optional<Instant> ParseInstant(std::string_view text);
// "2026-04-01".
std::optional<Day> ParseDay(std::string_view text);
// "90d", "12h", "15m", "30s", "2w", and sums such as "1h30m". No sign. nullopt on overflow.
std::optional<Duration> ParseDuration(std::string_view text);

// Seconds always, fraction only when there is one: "2026-04-01T09:00:00Z". Never() is "never".
std::string FormatInstant(Instant instant);
std::string FormatDay(Day day);
// The largest exact units: "90d", "1h30m", "-5s", "0s".
std::string FormatDuration(Duration duration);

Day DayFromCivil(int year, unsigned month, unsigned day);
struct CivilDay {
  int year;
  unsigned month;
  unsigned day;
};
CivilDay CivilFromDay(Day day);

}  // namespace rescind
