// FactWriter: applies fact deltas to the tables in memory and gathers what the commit must write.
//
// One writer is one commit. It resolves ids in prefetched batches, decides what changes, counts,
// and leaves the record of the change. Whoever owns it writes that, or drops the whole state.
// Small commits log every cell; a staged import logs only old values of rows that were there
// before it, because its chunks are written with it.
#pragma once

#include <rocksdb/write_batch.h>

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "engine/base/result.h"
#include "engine/facts/fact_delta.h"
#include "runtime/store/change_record.h"
#include "runtime/store/store.h"
#include "runtime/store/store_state.h"

namespace rescind {

class FactWriter {
 public:
  // `at`: the instant of the commit. The state must outlive it.
  FactWriter(StoreState& state, FactOrigin origin, Instant at, bool staged);

  // Fields exist and values have their types. Nothing has changed when it fails.
  static Status Check(const Schema& schema, const FactDelta& delta);
  // `delta` has been checked. After an error the state is half changed: drop it.
  Status Apply(const FactDelta& delta);
  // The source lists nothing else: it lets go of what it claimed and did not give now, nor in a
  // delivery that it observed later, in `entities` and in every entity that was given.
  // `most`: nullptr lets every number of rows go, and counts anew from there. `declared`: the
  // sources without whose snapshots an id that is only named does not count as removed.
  Status Withdraw(const std::vector<EntityId>& entities, const ShrinkLimit* most,
                  const DeclaredSources& declared);
  bool WasGiven(EntityId entity, uint32_t row) const;

  // Old values gathered so far; a staged import writes them out from time to time.
  size_t logged_cells() const { return logged_cells_; }
  ChangeRecord TakeSegment();
  // Ends the commit: sources are brought up to date, and go to `batch` with what we verified.
  ChangeRecord Finish(uint64_t facts_seq, rocksdb::WriteBatch& batch);
  CommitReport& report() { return report_; }
  // Rows of the entity before this commit.
  uint32_t base_row_count(EntityId entity) const { return works_[entity.index()].base_rows; }

 private:
  struct Probe {
    EntityId entity;
    KeyHash hash;
    std::string_view id;
  };
  // What this commit does to one entity.
  struct EntityWork {
    uint32_t base_rows = 0;
    SourceState* source = nullptr;
    std::optional<SourceState> source_before;
    bool given = false;
    bool snapshot = false;
    std::vector<uint64_t> given_rows;  // one bit a row
  };
  struct VerifiedCell {
    uint32_t entity;
    uint32_t row;
    uint32_t field;
  };

  Status Begin(EntityId entity);
  Status HashBatch(const FactDelta& delta, size_t first, size_t end);
  uint32_t Resolve(const Probe& probe);
  Status ApplyRow(const FactDelta& delta, const DeltaRow& given, size_t probe);
  // Who said something last, as far as it bears on what this commit says.
  struct Said {
    int64_t observed_micros = kUnknownLong;
    bool by_this_source = false;
    bool by_us = false;  // kRescindSource
  };
  Result<Said> SaidBy(uint32_t origin_code);
  Result<bool> WasListedSince(EntityId entity, uint32_t row);
  Result<bool> WasDroppedSince(EntityId entity, uint32_t row);
  Result<bool> IsLate(const DeltaRow& given, uint32_t row);
  Status NoteDeletion(EntityId entity, uint32_t row);
  Status RemoveRow(EntityId entity, uint32_t row, int64_t effective_micros);
  Status RestoreRow(EntityId entity, uint32_t row);
  Status BeginLife(EntityId entity, uint32_t row);
  Status ForgetFormerLife(EntityId entity, uint32_t row);
  // The field is tracked and becomes `number`, which it is not yet.
  Status NoteChange(const DeltaRow& given, uint32_t row, FieldColumns& field, uint64_t number);
  // Once the values of a row are there. `changed`: so far, and whether an instant was corrected.
  Status NoteEffective(const DeltaRow& given, uint32_t row, bool added, bool& changed);
  void Claim(EntityId entity, uint32_t row);
  void DropClaims(EntityId entity, uint32_t row, uint64_t dropped);
  Status ApplyValue(const FactDelta& delta, const DeltaRow& given, uint32_t row,
                    const DeltaValue& value, size_t& probe, bool& changed);
  Result<uint64_t> Encode(const FactDelta& delta, EntityId entity, const DeltaValue& value,
                          size_t& probe);
  Result<uint64_t> EncodeSet(const FactDelta& delta, EntityId entity, const DeltaValue& value,
                             size_t& probe);
  void SetCell(EntityId entity, StoredColumn& column, uint32_t row, uint64_t number);
  Result<bool> IsOutdated(EntityId entity, FieldId field, uint32_t row);
  Result<bool> IsBeforeSeenUse(EntityId entity, const DeltaValue& value, uint32_t row);
  void SetOrigin(EntityId entity, StoredColumn& origin, uint32_t row, bool changed);
  Status SetVerified(EntityId entity, uint32_t row, uint32_t field);
  Result<std::vector<uint32_t>> Unlisted(EntityId entity);
  // Whether the source may lose so many rows, now and against its larger recent snapshots.
  Status CheckShrink(EntityId entity, uint64_t lost_count, const ShrinkLimit& most);
  // Whether its first snapshot may be the last word on ids that are named and were never listed.
  Status CheckFirstSnapshot(EntityId entity, const ShrinkLimit& most,
                            const DeclaredSources& declared);
  // The rows on which this commit is the last word, if it is the snapshot that closes the entity.
  std::optional<uint32_t> FirstClosedRows(EntityId entity, const DeclaredSources& declared) const;
  Status WithdrawRows(EntityId entity, const std::vector<uint32_t>& rows);
  uint32_t FieldNumber(EntityId entity, FieldId field);

  StoreState& state_;
  const FactOrigin origin_;
  const Instant at_;
  const bool staged_;
  const bool own_;  // what we verified ourselves: asserts no rows, but can restore them
  std::optional<uint32_t> origin_code_;
  std::unordered_map<uint32_t, Said> said_by_origin_;  // by code
  std::vector<EntityWork> works_;
  std::vector<Probe> probes_;
  std::vector<size_t> first_probes_;   // of each row of the batch
  bool row_is_new_ = false;            // the row in hand came with this commit, and lives now
  std::vector<FieldId> dated_fields_;  // that the row in hand gives, those passed over apart
  std::vector<uint32_t> members_;
  std::vector<int64_t> integers_;
  std::vector<VerifiedCell> verified_;
  // Entities and sources whose snapshots are to be remembered otherwise.
  std::set<std::pair<uint32_t, std::string>> resized_;
  size_t logged_cells_ = 0;
  CommitReport report_;
};

}  // namespace rescind
