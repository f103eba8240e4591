// SourceLedger: who says what: the sources, what each has delivered for an entity, where fields
// come from, and what we verified ourselves.
//
// It knows neither rows' values nor which sources a workspace declares.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "engine/base/instant.h"
#include "engine/base/result.h"
#include "engine/facts/fact_base.h"
#include "engine/facts/fact_delta.h"
#include "engine/facts/row_texts.h"
#include "runtime/store/byte_codec.h"
#include "runtime/store/database.h"
#include "runtime/store/snapshot_sizes.h"
#include "runtime/store/text_list.h"

namespace rescind {

// One source's standing with one entity.
struct SourceState {
  uint32_t slot = 0;  // its bit in the claims of the entity's rows
  uint64_t claimed_rows = 0;
  Instant observed_at;
  Instant committed_at;
  std::optional<Instant> snapshot_observed_at;
  uint32_t snapshot_row_count = 0;  // rows known before its last snapshot came

  void Encode(ByteWriter& writer) const;
  static SourceState Decode(ByteReader& reader);
};
inline constexpr uint32_t kMaxSources = 64;  // of one entity: one bit each

// Instead of a field: the row itself.
inline constexpr uint32_t kWholeRow = 0xFFFFFFFF;

class SourceLedger {
 public:
  using States = std::map<std::pair<uint32_t, std::string>, SourceState>;  // by entity and name
  using VerifiedRows = std::unordered_map<uint64_t, int64_t>;

  SourceLedger();

  Status Load(const Database& database);

  const States& states() const { return states_; }
  SourceState* Find(uint32_t entity, const std::string& source);
  // Gives it a slot. kInvalidInput when the entity has kMaxSources already.
  Result<SourceState*> FindOrAdd(uint32_t entity, const std::string& source);
  std::vector<std::string> NamesOf(uint32_t entity, uint64_t claims) const;

  // Of the source's snapshots of the entity.
  SnapshotSizes& snapshot_sizes(uint32_t entity, const std::string& source) {
    return snapshot_sizes_[{entity, source}];
  }

  // A snapshot of the source came when so many rows were known. Returns what is to be stored of it:
  // nothing when an earlier one had known of as many.
  std::vector<LackedRows> AddSnapshot(uint32_t entity, const std::string& source,
                                      const std::optional<SourceState>& before, uint32_t row_count,
                                      Instant at);
  // Since when all the sources of `names` have lacked what none of them has listed, as far as it
  // had come by `until`. Ascending; empty where it is not known.
  std::vector<LackedRows> LackedByAll(uint32_t entity, std::span<const std::string> names,
                                      std::optional<Instant> until) const;

  // The code of an origin, added when new.
  Result<uint32_t> InternOrigin(const Database& database, const FactOrigin& origin);
  Result<std::optional<FieldOrigin>> Origin(const Database& database, uint32_t code);

  // When we verified the field (or kWholeRow) ourselves; kUnknownLong when never.
  int64_t VerifiedAt(uint32_t entity, uint32_t row, uint32_t field) const;
  bool AnyVerified(uint32_t entity) const { return verified_.count(entity) > 0; }
  void SetVerified(uint32_t entity, uint32_t row, uint32_t field, int64_t micros);

  const std::vector<TextList*>& lists() { return lists_; }

 private:
  Status LoadLackedRows(const Database& database);

  States states_;
  std::map<std::pair<uint32_t, std::string>, SnapshotSizes> snapshot_sizes_;
  // Ascending: of its snapshots those that knew of more rows than all before.
  std::map<std::pair<uint32_t, std::string>, std::vector<LackedRows>> lacked_;
  TextList sources_;
  TextList origins_;  // number of the source and instant, as bytes
  std::vector<TextList*> lists_;
  std::unordered_map<uint32_t, VerifiedRows> verified_;  // by entity
};

// How many rows of the entity were known before the last snapshot of each source of `names` came:
// rows below it that are absent still count as removed. nullopt while one of them has delivered
// none; kNoRow for no names.
std::optional<uint32_t> RowsBeforeSnapshots(const SourceLedger::States& states, uint32_t entity,
                                            std::span<const std::string> names);

}  // namespace rescind
