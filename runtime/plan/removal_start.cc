#include "runtime/plan/removal_start.h"

#include <fmt/format.h>

#include "runtime/store/record_bytes.h"

namespace rescind {
namespace {

constexpr uint8_t kRemovalStartVersion = 1;
constexpr size_t kActionDigits = 16;

// Instants of facts are after the year 0001: shifted, their hex digits sort as they do.
std::string TimeKey(Instant at) {
  return fmt::format("{}{:016x}", kRemovalStartPrefix,
                     static_cast<uint64_t>(at.micros) ^ (uint64_t{1} << 63));
}

Instant Earlier(Instant instant, Duration by) { return {instant.micros - by.micros}; }

}  // namespace

std::string EncodeRemovalStart(const RemovalStart& start) {
  RecordWriter writer(kRemovalStartVersion);
  writer.Time(start.at);
  writer.Text(start.policy);
  writer.Text(start.finding_id);
  writer.Number32(start.stage);
  writer.Bool(start.first);
  writer.Number32(start.action_count);
  writer.List(start.units, [&](const CountedUnits& units) {
    writer.Text(units.entity);
    writer.Text(units.group);
    writer.List(units.rows, [&](uint32_t row) { writer.Number32(row); });
  });
  return writer.Take();
}

Result<RemovalStart> DecodeRemovalStart(std::string_view bytes) {
  RecordReader reader(bytes, kRemovalStartVersion, "the start of a removal");
  RemovalStart start;
  start.at = reader.Time();
  start.policy = reader.Text();
  start.finding_id = reader.Text();
  start.stage = reader.Number32();
  start.first = reader.Bool();
  start.action_count = reader.Number32();
  start.units = reader.List<CountedUnits>(12, [&] {
    CountedUnits units;
    units.entity = reader.Text();
    units.group = reader.Text();
    units.rows = reader.List<uint32_t>(4, [&] { return reader.Number32(); });
    return units;
  });
  RESCIND_TRY(reader.Check());
  return start;
}

void PutRemovalStart(KeyValueBatch& batch, const RemovalStart& start, std::string_view action) {
  batch.Put(fmt::format("{}/{}/{}/{}", TimeKey(start.at), start.finding_id, start.stage,
                        action.substr(0, kActionDigits)),
            EncodeRemovalStart(start));
}

Result<std::vector<RemovalStart>> ListRemovalStarts(const KeyValueReader& reader, Instant since) {
  std::vector<RemovalStart> starts;
  Status failure;
  RESCIND_TRY(reader.Scan(kRemovalStartPrefix, TimeKey(since),
                          [&](std::string_view key, std::string_view value) {
                            auto start = DecodeRemovalStart(value);
                            if (!start) {
                              failure = std::move(start).error().In(key);
                              return false;
                            }
                            starts.push_back(*std::move(start));
                            return true;
                          }));
  RESCIND_TRY(std::move(failure));
  return starts;
}

Status RenameRemovalStarts(const KeyValueReader& reader,
                           const std::function<std::string(const std::string& policy)>& name_now,
                           KeyValueBatch& batch) {
  Status failure;
  RESCIND_TRY(
      reader.Scan(kRemovalStartPrefix, "", [&](std::string_view key, std::string_view value) {
        auto start = DecodeRemovalStart(value);
        if (!start) {
          failure = std::move(start).error().In(key);
          return false;
        }
        std::string name = name_now(start->policy);
        if (name == start->policy) return true;
        start->policy = std::move(name);
        batch.Put(std::string(key), EncodeRemovalStart(*start));
        return true;
      }));
  return failure;
}

Status DropOldRemovalStarts(const KeyValueReader& reader, Instant now, KeyValueBatch& batch) {
  const std::string end = TimeKey(Earlier(now, kRemovalStartKept));
  return reader.Scan(kRemovalStartPrefix, "", [&](std::string_view key, std::string_view) {
    if (key >= end) return false;
    batch.Delete(key);
    return true;
  });
}

}  // namespace rescind
