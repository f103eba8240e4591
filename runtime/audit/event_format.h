// Leaves in the formats of others: OCSF and CloudEvents for pipelines of security events, RFC 5424
// for syslog. One line an entry. They are copies for reading: only the log itself is proved, and
// every line carries the entry's index to find it there.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "engine/base/result.h"

namespace rescind {

enum class EventFormat : uint8_t { kOcsf = 1, kCloudEvents = 2, kSyslog = 3 };

std::optional<EventFormat> ParseEventFormat(std::string_view name);  // "ocsf", "cloudevents", …

// One entry as one line without its line break. `origin`: the log's name. kCorrupt when `leaf` is
// no entry of a log.
Result<std::string> FormatEvent(EventFormat format, std::string_view origin, uint64_t index,
                                std::string_view leaf);

}  // namespace rescind
