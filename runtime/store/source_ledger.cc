#include "runtime/store/source_ledger.h"

#include <fmt/format.h>

#include "engine/facts/column.h"
#include "runtime/store/column_chunk.h"
#include "runtime/store/store_layout.h"

namespace rescind {
namespace {

constexpr uint8_t kSourceFormat = 1;

uint64_t CellKey(uint32_t row, uint32_t field) { return (uint64_t{row} << 32) | field; }

}  // namespace

void SourceState::Encode(ByteWriter& writer) const {
  writer.Put8(kSourceFormat);
  writer.Put32(slot);
  writer.Put64(claimed_rows);
  writer.PutMicros(observed_at.micros);
  writer.PutMicros(committed_at.micros);
  writer.PutMicros(snapshot_observed_at ? snapshot_observed_at->micros : kUnknownLong);
  writer.Put32(snapshot_row_count);
}

SourceState SourceState::Decode(ByteReader& reader) {
  SourceState state;
  // An unknown format fails the record that it stands in.
  if (reader.Take8() != kSourceFormat) reader.TakeRaw(~uint64_t{0});
  state.slot = reader.Take32();
  state.claimed_rows = reader.Take64();
  state.observed_at = {reader.TakeMicros()};
  state.committed_at = {reader.TakeMicros()};
  const int64_t snapshot = reader.TakeMicros();
  if (snapshot != kUnknownLong) state.snapshot_observed_at = Instant{snapshot};
  state.snapshot_row_count = reader.Take32();
  return state;
}

SourceLedger::SourceLedger()
    : sources_(kNoEntity, kSourceList),
      origins_(kNoEntity, kOriginList),
      lists_{&sources_, &origins_} {}

Status SourceLedger::Load(const Database& database) {
  bool sound = true;
  RESCIND_TRY(
      database.Scan(Family::kState, "S", "T", [&](std::string_view key, std::string_view value) {
        const auto body = Unseal(value);
        if (!body || key.size() < 5) return sound = false;
        ByteReader reader(*body);
        states_[{BigEndian32(key.substr(1)), std::string(key.substr(5))}] =
            SourceState::Decode(reader);
        return sound = reader.done();
      }));
  RESCIND_TRY(
      database.Scan(Family::kState, "P", "Q", [&](std::string_view key, std::string_view value) {
        auto sizes = SnapshotSizes::Decode(value);
        if (!sizes || key.size() < 5) return sound = false;
        snapshot_sizes_[{BigEndian32(key.substr(1)), std::string(key.substr(5))}] =
            std::move(*sizes);
        return true;
      }));
  RESCIND_TRY(
      database.Scan(Family::kState, "V", "W", [&](std::string_view key, std::string_view value) {
        const auto body = Unseal(value);
        if (!body || key.size() != 13) return sound = false;
        ByteReader reader(*body);
        SetVerified(BigEndian32(key.substr(1)), BigEndian32(key.substr(5)),
                    BigEndian32(key.substr(9)), reader.TakeMicros());
        return sound = reader.done();
      }));
  if (!sound) return CorruptRecord("the record of a source");
  return {};
}

SourceState* SourceLedger::Find(uint32_t entity, const std::string& source) {
  const auto found = states_.find({entity, source});
  return found == states_.end() ? nullptr : &found->second;
}

Result<SourceState*> SourceLedger::FindOrAdd(uint32_t entity, const std::string& source) {
  if (SourceState* known = Find(entity, source)) return known;
  uint32_t slot = 0;
  for (auto it = states_.lower_bound({entity, ""}); it != states_.end(); ++it) {
    if (it->first.first != entity) break;
    ++slot;
  }
  if (slot >= kMaxSources) {
    return Error{ErrorKind::kInvalidInput,
                 fmt::format("source '{}' would be the {}th of its entity", source, slot + 1),
                 fmt::format("at most {} sources can assert rows of one entity: import under a "
                             "source that exists",
                             kMaxSources)};
  }
  SourceState& added = states_[{entity, source}];
  added.slot = slot;
  return &added;
}

std::vector<std::string> SourceLedger::NamesOf(uint32_t entity, uint64_t claims) const {
  std::vector<std::string> names;
  for (auto it = states_.lower_bound({entity, ""}); it != states_.end(); ++it) {
    if (it->first.first != entity) break;
    if ((claims >> it->second.slot) & 1) names.push_back(it->first.second);
  }
  return names;
}

Result<uint32_t> SourceLedger::InternOrigin(const Database& database, const FactOrigin& origin) {
  RESCIND_TRY(sources_.Need(database));
  RESCIND_TRY(origins_.Need(database));
  ByteWriter writer;
  writer.Put32(sources_.Intern(origin.source));
  writer.PutMicros(origin.observed_at.micros);
  return origins_.Intern(writer.bytes());
}

Result<std::optional<FieldOrigin>> SourceLedger::Origin(const Database& database, uint32_t code) {
  if (code == kUnknownCode) return std::optional<FieldOrigin>();
  RESCIND_TRY(sources_.Need(database));
  RESCIND_TRY(origins_.Need(database));
  if (code >= origins_.count()) return CorruptRecord("the origin of a field");
  ByteReader reader(origins_.Text(code));
  const uint32_t source = reader.Take32();
  const Instant observed_at{reader.TakeMicros()};
  if (!reader.done() || source >= sources_.count()) return CorruptRecord("the origin of a field");
  return std::optional(FieldOrigin{std::string(sources_.Text(source)), observed_at});
}

int64_t SourceLedger::VerifiedAt(uint32_t entity, uint32_t row, uint32_t field) const {
  const auto rows = verified_.find(entity);
  if (rows == verified_.end()) return kUnknownLong;
  const auto found = rows->second.find(CellKey(row, field));
  return found == rows->second.end() ? kUnknownLong : found->second;
}

void SourceLedger::SetVerified(uint32_t entity, uint32_t row, uint32_t field, int64_t micros) {
  verified_[entity][CellKey(row, field)] = micros;
}

std::optional<uint32_t> RowsBeforeSnapshots(const SourceLedger::States& states, uint32_t entity,
                                            std::span<const std::string> names) {
  uint32_t row_count = kNoRow;
  for (const std::string& name : names) {
    const auto found = states.find({entity, name});
    if (found == states.end() || !found->second.snapshot_observed_at) return std::nullopt;
    row_count = std::min(row_count, found->second.snapshot_row_count);
  }
  return row_count;
}

}  // namespace rescind
