// Backoff: how long to wait before the next attempt: exponential with full jitter.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>

#include "engine/base/instant.h"
#include "runtime/env/random.h"

namespace rescind {

struct Backoff {
  Duration first{kMicrosPerSecond};
  Duration longest{5 * kMicrosPerMinute};

  // After `failure_count` failures in a row, ≥ 1: uniform between nothing and first · 2^(n-1),
  // at most `longest`; never less than what the system asked for.
  Duration After(uint32_t failure_count, std::optional<Duration> retry_after,
                 Random& random) const {
    int64_t ceiling = first.micros;
    for (uint32_t i = 1; i < failure_count && ceiling < longest.micros; ++i) ceiling *= 2;
    ceiling = std::min(ceiling, longest.micros);
    const auto jitter =
        static_cast<int64_t>(random.Below(static_cast<uint64_t>(std::max<int64_t>(ceiling, 1))));
    return {std::max(jitter, retry_after.value_or(Duration{0}).micros)};
  }
};

}  // namespace rescind
