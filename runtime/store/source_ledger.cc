#include "runtime/store/source_ledger.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <set>

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
  return LoadLackedRows(database);
}

Status SourceLedger::LoadLackedRows(const Database& database) {
  bool sound = true;
  RESCIND_TRY(
      database.Scan(Family::kState, "R", "S", [&](std::string_view key, std::string_view value) {
        const auto body = Unseal(value);
        if (!body || key.size() < 9) return sound = false;
        ByteReader reader(*body);
        const int64_t since = reader.TakeMicros();
        // Keys ascend by the number of rows within an entity.
        lacked_[{BigEndian32(key.substr(1)), std::string(key.substr(9))}].push_back(
            {BigEndian32(key.substr(5)),
             since == kUnknownLong ? std::nullopt : std::optional(Instant{since})});
        return sound = reader.done();
      }));
  if (!sound) return CorruptRecord("the record of what a source lacks");
  return {};
}

// A program that does not keep them may have taken the snapshot before.
std::vector<LackedRows> SourceLedger::AddSnapshot(uint32_t entity, const std::string& source,
                                                  const std::optional<SourceState>& before,
                                                  uint32_t row_count, Instant at) {
  std::vector<LackedRows>& lacked = lacked_[{entity, source}];
  std::vector<LackedRows> added;
  const auto add = [&](LackedRows rows) {
    if (rows.row_count <= (lacked.empty() ? 0 : lacked.back().row_count)) return;
    lacked.push_back(rows);
    added.push_back(rows);
  };
  if (before && before->snapshot_observed_at) add({before->snapshot_row_count, std::nullopt});
  add({row_count, at});
  return added;
}

// Between two numbers of rows at which one of the sources changes, each lacks all rows since one
// instant, and all of them do since the last of these.
std::vector<LackedRows> SourceLedger::LackedByAll(uint32_t entity,
                                                  std::span<const std::string> names,
                                                  std::optional<Instant> until) const {
  std::vector<std::vector<LackedRows>> by_source;
  std::set<uint32_t> bounds;
  for (const std::string& name : names) {
    std::vector<LackedRows>& lacked = by_source.emplace_back();
    if (const auto found = lacked_.find({entity, name}); found != lacked_.end()) {
      lacked = found->second;
    }
    std::erase_if(lacked, [&](const LackedRows& rows) {
      return until && rows.since && *rows.since > *until;
    });
    for (const LackedRows& rows : lacked) bounds.insert(rows.row_count);
  }
  std::vector<LackedRows> by_all;
  std::vector<size_t> next(by_source.size(), 0);
  for (const uint32_t bound : bounds) {
    LackedRows all = {bound, Instant{std::numeric_limits<int64_t>::min()}};
    for (size_t i = 0; i < by_source.size(); ++i) {
      while (next[i] < by_source[i].size() && by_source[i][next[i]].row_count < bound) ++next[i];
      if (next[i] == by_source[i].size()) return by_all;  // it lacks no more
      const auto& since = by_source[i][next[i]].since;
      all.since = since && all.since ? std::optional(std::max(*since, *all.since)) : std::nullopt;
    }
    by_all.push_back(all);
  }
  return by_all;
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
