// The shrink guard of a source's first snapshot, which has no size to be compared with.
//
// Once every declared source of an entity has delivered a snapshot, ids that facts name and none of
// them has listed count as removed. The snapshot that completes this is held to the same limit as
// one that loses rows. Example: accounts name 20 owners, and the first hr.csv has one of them: 19
// of 20 would be gone, so it is refused, as it is when it is only a header.
#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "runtime/store/fact_writer.h"

namespace rescind {

std::optional<uint32_t> FactWriter::FirstClosedRows(EntityId entity,
                                                    const DeclaredSources& all_declared) const {
  const EntityWork& work = works_[entity.index()];
  if (work.source_before && work.source_before->snapshot_observed_at) return std::nullopt;
  const auto declared = all_declared.find(entity);
  if (declared == all_declared.end()) return std::nullopt;
  std::vector<std::string> others = declared->second;
  if (std::erase(others, origin_.source) == 0) return std::nullopt;
  const auto row_count =
      RowsBeforeSnapshots(state_.ledger().states(), state_.table(entity).number(), others);
  return row_count ? std::optional(std::min(work.base_rows, *row_count)) : std::nullopt;
}

Status FactWriter::CheckFirstSnapshot(EntityId entity, const ShrinkLimit& most,
                                      const DeclaredSources& declared) {
  const auto row_count = FirstClosedRows(entity, declared);
  if (!row_count) return {};
  StoredTable& table = state_.table(entity);
  StoredColumn& presence = table.column(RowColumn::kPresence);
  StoredColumn& claims = table.column(RowColumn::kClaims);
  const uint64_t only_this = uint64_t{1} << works_[entity.index()].source->slot;
  std::vector<uint8_t> states(kChunkRows);  // one byte each
  std::vector<uint64_t> claimed(kChunkRows);
  presence.PreparePending();
  claims.PreparePending();
  uint64_t lacking_count = 0, listed_count = 0;
  for (uint32_t first = 0; first < *row_count; first += kChunkRows) {
    const uint32_t chunk = first >> kChunkShift;
    RESCIND_TRY(presence.ReadChunk(state_.database(), chunk, states.data()));
    RESCIND_TRY(
        claims.ReadChunk(state_.database(), chunk, reinterpret_cast<uint8_t*>(claimed.data())));
    for (uint32_t i = 0; i < std::min(kChunkRows, *row_count - first); ++i) {
      if (states[i] == static_cast<uint8_t>(Presence::kAbsent)) {
        ++lacking_count;
      } else if (claimed[i] == only_this && WasGiven(entity, first + i)) {
        ++listed_count;
      }
    }
  }
  const uint64_t expected_count = lacking_count + listed_count;
  if (most.Allows(lacking_count, expected_count)) return {};
  return Error{
      ErrorKind::kInvalidInput,
      fmt::format("this first snapshot of source '{}' lacks {} of the {} {} ids that facts name "
                  "and no other source has listed: more than {} would count as removed, so nothing "
                  "was taken",
                  origin_.source, lacking_count, expected_count, table.definition().name,
                  most.Text()),
      "make sure that the file is complete and writes ids as the other feeds do; if so, repeat "
      "with "
      "--allow-shrink"};
}

}  // namespace rescind
