// The tz database's files list transitions (most up to 2037) and end with a rule in POSIX form for
// what follows ("CET-1CEST,M3.5.0,M10.5.0/3"). The table takes the first from the date library,
// continues by the rule for 401 years, and folds later times back: the Gregorian calendar repeats
// every 400 years, which are a whole number of weeks.
//
//   America/Sao_Paulo, 2018-11-04: at 00:00 clocks went to 01:00. StartOf is 01:00 local, the
//   first instant at which the wall shows that date.
#include "engine/base/time_zone.h"

#include <date/tz.h>

#include <algorithm>
#include <fstream>
#include <limits>
#include <map>
#include <memory>
#include <mutex>

#include "engine/base/assert.h"
#include "engine/base/diagnostic.h"
#include "engine/base/letter_case.h"
#include "engine/base/posix_rule.h"

namespace rescind {
namespace {

constexpr int kBucketBits = 42;  // 51 days: a bucket rarely holds more than one transition
constexpr int64_t kCycleMicros = int64_t{146097} * kMicrosPerDay;
constexpr int64_t kMinMicros = std::numeric_limits<int64_t>::min();
constexpr int64_t kMaxMicros = std::numeric_limits<int64_t>::max();
constexpr int64_t kLargestOffsetMicros = 26 * kMicrosPerHour;
// Times further out than this are treated as this: far beyond any fact, safe to add to.
constexpr int64_t kFarMicros = int64_t{100'000'000} * kMicrosPerDay;

int64_t FloorDay(int64_t micros) {
  return micros / kMicrosPerDay - (micros % kMicrosPerDay < 0 ? 1 : 0);
}

int64_t ToMicros(date::sys_seconds time) {
  return time.time_since_epoch().count() * kMicrosPerSecond;
}

// The POSIX rule at the end of the zone's file, empty when it cannot be read.
std::string ReadPosixRule(const std::string& name) {
  std::ifstream file("/usr/share/zoneinfo/" + name, std::ios::binary);
  std::string content((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  if (content.size() < 2 || content.back() != '\n') return {};
  content.pop_back();
  const size_t start = content.rfind('\n');
  return start == std::string::npos ? std::string() : content.substr(start + 1);
}

void AppendSegment(int64_t begin_micros, int64_t offset_micros,
                   std::vector<ZoneSegment>& segments) {
  if (!segments.empty() && segments.back().offset_micros == offset_micros) return;
  segments.push_back({segments.empty() ? kMinMicros : begin_micros, offset_micros});
}

// Appends what the database lists; throws when it has no such zone.
void AppendListed(const std::string& name, std::vector<ZoneSegment>& segments) {
  const date::time_zone* zone = date::locate_zone(name);
  date::sys_seconds at = date::sys_days(date::year(1) / 1 / 1) - date::days(2);
  while (at < date::sys_days(date::year(2400) / 1 / 1)) {
    const date::sys_info info = zone->get_info(at);
    AppendSegment(ToMicros(at), info.offset.count() * kMicrosPerSecond, segments);
    RESCIND_ASSERT(info.end > at, "the tz database yields an empty period");
    at = info.end;
  }
}

std::unique_ptr<TimeZone> LoadZone(const std::string& name) {
  std::vector<ZoneSegment> segments;
  try {
    AppendListed(name, segments);
  } catch (const std::exception&) {
    return nullptr;  // the library's way of saying that there is no such zone
  }
  const auto rule = ParsePosixRule(ReadPosixRule(name));
  if (!rule) return std::make_unique<TimeZone>(name, std::move(segments), kMaxMicros);
  const int64_t listed_until_micros = std::max<int64_t>(segments.back().begin_micros, 0);
  const int first_year = CivilFromDay({static_cast<int32_t>(FloorDay(listed_until_micros))}).year;
  for (int year = first_year; year < first_year + 404; ++year) {
    for (const ClockChange& change : ClockChangesOf(*rule, year)) {
      if (change.at_micros <= listed_until_micros) continue;
      AppendSegment(change.at_micros, change.offset_micros, segments);
    }
  }
  const Day periodic_after = DayFromCivil(first_year + 2, 1, 1);
  return std::make_unique<TimeZone>(name, std::move(segments), periodic_after.days * kMicrosPerDay);
}

// Empty when the database cannot be read: then no name is near.
std::vector<std::string> ListedZoneNames() {
  std::vector<std::string> names;
  try {
    for (const date::time_zone& zone : date::get_tzdb().zones) {
      const std::string& name = zone.name();
      // The same zones once more, by other clocks.
      if (name.starts_with("posix/") || name.starts_with("right/")) continue;
      names.push_back(name);
    }
  } catch (const std::exception&) {
    names.clear();
  }
  return names;
}

}  // namespace

TimeZone::TimeZone(std::string name, std::vector<ZoneSegment> segments,
                   int64_t periodic_after_micros)
    : name_(std::move(name)),
      segments_(std::move(segments)),
      periodic_after_micros_(periodic_after_micros) {
  RESCIND_ASSERT(!segments_.empty() && segments_[0].begin_micros == kMinMicros,
                 "a zone covers all time");
  int64_t local_end_max = kMinMicros;
  int64_t day_floor = std::numeric_limits<int32_t>::min();
  for (size_t i = 0; i < segments_.size(); ++i) {
    day_floor_.push_back(static_cast<int32_t>(day_floor));
    local_end_max = std::max(local_end_max, LocalEnd(i));
    local_end_max_.push_back(local_end_max);
    if (i + 1 < segments_.size()) day_floor = std::max(day_floor, FloorDay(LocalEnd(i) - 1));
  }
  if (segments_.size() < 2) return;
  bucket_base_micros_ = segments_[1].begin_micros;
  size_t segment = 1;
  for (int64_t begin = bucket_base_micros_;; begin += int64_t{1} << kBucketBits) {
    while (segment + 1 < segments_.size() && segments_[segment + 1].begin_micros <= begin) {
      ++segment;
    }
    bucket_first_.push_back(static_cast<uint32_t>(segment));
    if (begin > segments_.back().begin_micros) break;
  }
}

int64_t TimeZone::LocalEnd(size_t segment) const {
  if (segment + 1 == segments_.size()) return kMaxMicros;
  return segments_[segment + 1].begin_micros + segments_[segment].offset_micros;
}

size_t TimeZone::SegmentAt(int64_t micros) const {
  if (bucket_first_.empty() || micros < bucket_base_micros_) return 0;
  const auto bucket = static_cast<size_t>((micros - bucket_base_micros_) >> kBucketBits);
  size_t segment = bucket_first_[std::min(bucket, bucket_first_.size() - 1)];
  while (segment + 1 < segments_.size() && segments_[segment + 1].begin_micros <= micros) {
    ++segment;
  }
  // INVARIANT: the segment found holds the instant.
  RESCIND_ASSERT(segments_[segment].begin_micros <= micros, "bucket index past its instant");
  return segment;
}

int64_t TimeZone::FoldCycles(int64_t& micros) const {
  if (periodic_after_micros_ == kMaxMicros) return 0;
  const int64_t beyond = micros - periodic_after_micros_ - kCycleMicros;
  if (beyond < 0) return 0;
  const int64_t cycles = beyond / kCycleMicros + 1;
  micros -= cycles * kCycleMicros;
  return cycles;
}

int64_t TimeZone::OffsetMicros(Instant instant) const {
  int64_t micros = std::clamp(instant.micros, -kFarMicros, kFarMicros);
  FoldCycles(micros);
  return segments_[SegmentAt(micros)].offset_micros;
}

Day TimeZone::DayOf(Instant instant) const {
  int64_t micros = std::clamp(instant.micros, -kFarMicros, kFarMicros);
  const int64_t cycles = FoldCycles(micros);
  const size_t segment = SegmentAt(micros);
  const int64_t day =
      std::max<int64_t>(FloorDay(micros + segments_[segment].offset_micros), day_floor_[segment]);
  return {static_cast<int32_t>(day + cycles * (kCycleMicros / kMicrosPerDay))};
}

Instant TimeZone::StartOf(Day day) const {
  RESCIND_ASSERT(day >= kFirstDay && day.days <= kLastDay.days + 1, "a day beyond the calendar");
  int64_t local_micros = day.days * kMicrosPerDay;
  const int64_t cycles = FoldCycles(local_micros);
  // Segments that ended more than an offset before cannot show this day: start there.
  size_t segment = SegmentAt(local_micros - kLargestOffsetMicros);
  while (local_end_max_[segment] <= local_micros) ++segment;
  const int64_t begin = segments_[segment].begin_micros;
  const int64_t micros = std::max(begin, local_micros - segments_[segment].offset_micros);
  return {micros + cycles * kCycleMicros};
}

const TimeZone* FindTimeZone(std::string_view name) {
  // A cache of immutable data that the date library holds for the whole process anyway. Unknown
  // names are not kept, so hostile facts cannot fill it.
  static std::mutex mutex;
  static std::map<std::string, std::unique_ptr<TimeZone>, std::less<>> zones;
  const std::lock_guard lock(mutex);
  if (const auto found = zones.find(name); found != zones.end()) return found->second.get();
  std::unique_ptr<TimeZone> zone = LoadZone(std::string(name));
  if (zone == nullptr) return nullptr;
  return zones.emplace(std::string(name), std::move(zone)).first->second.get();
}

const TimeZone& UtcTimeZone() {
  static const TimeZone zone("UTC", {{kMinMicros, 0}}, kMaxMicros);
  return zone;
}

std::optional<std::string> NearestTimeZone(std::string_view name) {
  static const std::vector<std::string> names = ListedZoneNames();
  const std::string wanted = LowerCase(name);
  const std::string* of_city = nullptr;
  for (const std::string& candidate : names) {
    const std::string lower = LowerCase(candidate);
    if (lower == wanted) return candidate;
    const size_t slash = lower.rfind('/');
    const bool is_city = slash != std::string::npos && lower.substr(slash + 1) == wanted;
    if (is_city && of_city == nullptr) of_city = &candidate;
  }
  if (of_city != nullptr) return *of_city;
  return DidYouMean(name, names);
}

}  // namespace rescind
