// TimeZone: what day it is at an instant, and when a day begins, in one zone of the tz database.
//
// Built once per zone from the system's tz database and kept for the life of the process, because
// ten million rows may ask. Immutable, so every thread may share it. It knows nothing of policies.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/instant.h"

namespace rescind {

// A stretch of time with one offset from UTC. It ends where the next begins.
struct ZoneSegment {
  int64_t begin_micros = 0;  // the first segment's is INT64_MIN
  int64_t offset_micros = 0;
};

// A day that has begun does not end again: where clocks go back over midnight, the repeated hour
// belongs to the day that had begun. So the day never decreases as time passes, and
//   DayOf(t) >= d  exactly when  t >= StartOf(d).
// A day that the zone skipped (Pacific/Apia, 2011-12-30) starts when the next one does.
class TimeZone {
 public:
  // `segments` ascend. From `periodic_after_micros` on, the Gregorian cycle of 400 years repeats;
  // segments then reach at least 401 years beyond it. INT64_MAX: the last segment lasts for ever.
  TimeZone(std::string name, std::vector<ZoneSegment> segments, int64_t periodic_after_micros);

  const std::string& name() const { return name_; }
  Day DayOf(Instant instant) const;
  // The first instant of the civil day. `day` from 0001-01-01 to 10000-01-01.
  Instant StartOf(Day day) const;
  // What must be added to UTC to get the zone's wall clock.
  int64_t OffsetMicros(Instant instant) const;

 private:
  size_t SegmentAt(int64_t micros) const;
  // Moves a time beyond the table back by whole cycles of 400 years; returns the cycles.
  int64_t FoldCycles(int64_t& micros) const;
  int64_t LocalEnd(size_t segment) const;

  std::string name_;
  std::vector<ZoneSegment> segments_;
  std::vector<int64_t> local_end_max_;  // running maximum of end + offset
  std::vector<int32_t> day_floor_;      // the largest day begun before the segment
  std::vector<uint32_t> bucket_first_;  // segment at the start of each bucket of kBucketMicros
  int64_t bucket_base_micros_ = 0;
  int64_t periodic_after_micros_;
};

// The zone of that name ("Europe/Berlin", "UTC"), or nullptr when the database has none. Names
// are case-sensitive, as in the database. The zone lives as long as the process. Thread-safe.
const TimeZone* FindTimeZone(std::string_view name);
const TimeZone& UtcTimeZone();
// The database's zone that somebody who wrote `name` most likely meant: other letter case, the
// city alone ("Berlin"), a slip of the pen; nullopt when none is near. Thread-safe.
std::optional<std::string> NearestTimeZone(std::string_view name);

}  // namespace rescind
