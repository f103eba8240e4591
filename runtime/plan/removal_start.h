// RemovalStart: a stage begins to remove something, or something more; what rolling limits count.
//
// Kept under "finding/start/" for a day and a bit, then dropped. One record each time.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/instant.h"
#include "engine/base/result.h"
#include "engine/facts/schema.h"
#include "runtime/store/key_value.h"

namespace rescind {

inline constexpr std::string_view kRemovalStartPrefix = "finding/start/";
inline constexpr Duration kRemovalStartKept{26 * kMicrosPerHour};

// What one limit counted of it.
struct CountedUnits {
  std::string entity;          // of the limit
  std::string group;           // as printed; empty without `per`
  std::vector<uint32_t> rows;  // distinct rows of `entity`, ascending
  bool operator==(const CountedUnits&) const = default;
};

struct RemovalStart {
  Instant at;
  std::string policy;
  std::string finding_id;
  uint32_t stage = 0;
  bool first = false;               // the finding's first stage that removes something
  uint32_t action_count = 0;        // for the workspace's cap: those that no other start counts
  std::vector<CountedUnits> units;  // by the policy's share limits, in their order
  bool operator==(const RemovalStart&) const = default;
};

std::string EncodeRemovalStart(const RemovalStart& start);
Result<RemovalStart> DecodeRemovalStart(std::string_view bytes);
// `action`: the key of one that starts; what joins a stage may start in the same instant as it.
void PutRemovalStart(KeyValueBatch& batch, const RemovalStart& start, std::string_view action);
// Writes those of policies that `name_now` calls otherwise anew, each in its place.
Status RenameRemovalStarts(const KeyValueReader& reader,
                           const std::function<std::string(const std::string& policy)>& name_now,
                           KeyValueBatch& batch);
// Those at or after `since`, by instant.
Result<std::vector<RemovalStart>> ListRemovalStarts(const KeyValueReader& reader, Instant since);
// Deletes what is older than kRemovalStartKept.
Status DropOldRemovalStarts(const KeyValueReader& reader, Instant now, KeyValueBatch& batch);

}  // namespace rescind
