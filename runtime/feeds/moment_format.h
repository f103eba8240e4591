// MomentFormat: how a feed writes days and instants, where it is not ISO 8601 (`--date-format`).
//
// A pattern as strptime knows them: %Y %m %d %b %H %I %p %M %S %z %s %%; what else stands in it
// must stand in the text. A time of day without offset is in the workspace's time zone. Immutable
// once made.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/instant.h"
#include "engine/base/result.h"
#include "engine/base/time_zone.h"

namespace rescind {

class MomentFormat {
 public:
  // kInvalidInput when the pattern has a directive that is not in the list above, or leaves the
  // day open. A `Z` that follows a time of day means UTC.
  static Result<MomentFormat> Parse(std::string_view pattern);

  const std::string& pattern() const { return pattern_; }
  // The civil day as written. nullopt: the text does not follow the pattern, or is no day.
  std::optional<Day> ReadDay(std::string_view text) const;
  // Without a time of day in the pattern: the start of the day in `zone`. A wall clock time that
  // comes twice is the later one, one that is skipped is moved on by what was skipped.
  std::optional<Instant> ReadInstant(std::string_view text, const TimeZone& zone) const;

 private:
  struct Step {
    char directive = 0;  // 0: `literal`
    char literal = 0;
    bool fixed_width = false;  // digits follow at once: take exactly two
  };
  struct Parts;

  bool Read(std::string_view text, Parts& parts) const;
  static bool ReadStep(const Step& step, std::string_view& text, Parts& parts);

  std::string pattern_;
  std::vector<Step> steps_;
  bool has_clock_ = false;
};

}  // namespace rescind
