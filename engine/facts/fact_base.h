// FactBase: all facts that a program reads, as columns in memory.
//
// Loaded from the store (or built by FactBaseBuilder in tests), read by the evaluators. Every
// entity is a table, every row has a dense RowId, a reference is a RowId: a join is an array
// look-up. Once Derive() has run, only a FactEditor changes it. It knows neither policies nor
// RocksDB nor the clock.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

#include "engine/base/instant.h"
#include "engine/base/large_vector.h"
#include "engine/facts/column.h"
#include "engine/facts/column_set.h"
#include "engine/facts/inverse_index.h"
#include "engine/facts/presence.h"
#include "engine/facts/row_texts.h"
#include "engine/facts/schema.h"

namespace rescind {

// Rows of a closed entity that no source has ever listed are lacked by all of them, but not from
// the same instant on: a source lacks a row from its first complete snapshot on that came when the
// row was known. Rows below `row_count`, and not below that of the one before, count as removed
// `since`; nothing: it is not known since when.
struct LackedRows {
  uint32_t row_count = 0;
  std::optional<Instant> since;
  bool operator==(const LackedRows&) const = default;
};

// A tracked field's past.
struct TrackedColumn {
  Column previous;                     // same type and dictionary as the field's column
  RawLargeVector<int64_t> changed_at;  // kUnknownLong: never changed between two known values
};

class Table {
 public:
  uint32_t row_count() const { return static_cast<uint32_t>(presence_.size()); }
  uint32_t live_count() const { return live_count_; }
  uint32_t complete_count() const { return complete_count_; }

  std::span<const uint8_t> presence() const { return presence_; }  // Presence values
  // 1: live, and every required reference names a complete row; else 0.
  std::span<const uint8_t> complete() const { return complete_; }
  Presence presence(RowId row) const { return static_cast<Presence>(presence_[row.index()]); }
  bool complete(RowId row) const { return complete_[row.index()] != 0; }
  // 1 for a row's first life, one more for each return; 0 while it never lived.
  uint32_t incarnation(RowId row) const;
  // Of a removed row, where known. Of one that never lived: since when it counts as removed.
  std::optional<Instant> removed_at(RowId row) const;

  // See FactBase::Close.
  uint32_t closed_row_count() const { return closed_row_count_; }
  const std::vector<LackedRows>& lacked() const { return lacked_; }

  bool has(FieldId field) const { return columns_.count(field) > 0; }
  const Column& column(FieldId field) const;
  // Only where the ColumnSet asked for history.
  const TrackedColumn& tracked(FieldId field) const;
  // Of a `many` field of this entity.
  const InverseIndex& inverse(FieldId many_field) const;
  // Which rows refer to a row by that reference of this entity. Only where a `many` field needs
  // it, or somebody has asked for it (FactBase::IndexReference).
  const InverseIndex& referrers(FieldId reference) const;
  bool is_indexed(FieldId reference) const { return referrers_.count(reference) > 0; }
  // Only where the ColumnSet asked for ids; every row has one.
  bool has_ids() const { return ids_.has_value(); }
  const Column& ids() const;

 private:
  friend class FactBase;
  friend class FactEditor;
  LargeVector<uint8_t> presence_;
  LargeVector<uint8_t> complete_;
  std::unordered_map<uint32_t, uint32_t> incarnations_;  // where not 1 (live) and not 0 (absent)
  std::unordered_map<uint32_t, int64_t> removed_at_;
  std::unordered_map<FieldId, Column> columns_;
  std::unordered_map<FieldId, TrackedColumn> tracked_;
  std::unordered_map<FieldId, InverseIndex> referrers_;        // by reference of this entity
  std::unordered_map<FieldId, const InverseIndex*> inverses_;  // by `many` field of this entity
  std::optional<Column> ids_;
  uint32_t live_count_ = 0;
  uint32_t complete_count_ = 0;
  uint32_t closed_row_count_ = 0;
  std::vector<LackedRows> lacked_;
  bool closed_ = false;
};

class FactBase {
 public:
  explicit FactBase(std::shared_ptr<const Schema> schema);

  const Schema& schema() const { return *schema_; }
  const std::shared_ptr<const Schema>& shared_schema() const { return schema_; }
  const Table& table(EntityId entity) const { return tables_[entity.index()]; }
  // Every declared source of the entity has delivered a complete snapshot.
  bool closed(EntityId entity) const { return tables_[entity.index()].closed_; }

  // The number of the last commit that changed facts, and its instant (0 in an empty store).
  uint64_t facts_seq() const { return facts_seq_; }
  Instant last_change() const { return last_change_; }

  // Ids and texts for rows that are shown. Never null after Derive().
  const RowTexts& texts() const { return *texts_; }
  const std::shared_ptr<const RowTexts>& shared_texts() const { return texts_; }
  uint64_t memory_bytes() const;

  // ---- For whoever fills it. After Derive() nothing below may be called. ----
  void Resize(EntityId entity, uint32_t row_count);
  std::span<uint8_t> mutable_presence(EntityId entity) { return at(entity).presence_; }
  void SetIncarnation(EntityId entity, RowId row, uint32_t incarnation);
  void SetRemovedAt(EntityId entity, RowId row, Instant at);
  // Sized as the table.
  Column& AddColumn(EntityId entity, FieldId field, Filling filling = Filling::kUnknown);
  // After AddColumn.
  TrackedColumn& AddTracked(EntityId entity, FieldId field, Filling filling = Filling::kUnknown);
  Column& AddIds(EntityId entity);
  Column& mutable_column(EntityId entity, FieldId field);
  TrackedColumn& mutable_tracked(EntityId entity, FieldId field);
  // `closed_row_count`: rows below it were known when the oldest of the latest snapshots of the
  // entity's sources came; those still absent count as removed. `lacked`: ascending.
  void Close(EntityId entity, uint32_t closed_row_count, std::vector<LackedRows> lacked = {});
  void SetVersion(uint64_t facts_seq, Instant last_change);
  void SetTexts(std::shared_ptr<const RowTexts> texts) { texts_ = std::move(texts); }
  // Closed entities, inverse indexes of the `many` fields whose reference column is here, and
  // completeness, which needs the columns of all required references (ColumnSet::Closure).
  // `run` may run its tasks, which are independent of one another, on several threads.
  using Tasks = std::vector<std::function<void()>>;
  void Derive(const std::function<void(const Tasks&)>& run = RunInOrder);

  // ---- After Derive() ----
  // Makes Table::referrers of a reference whose column is here.
  void IndexReference(EntityId entity, FieldId reference);

 private:
  friend class FactEditor;
  static void RunInOrder(const Tasks& tasks);
  Table& at(EntityId entity) { return tables_[entity.index()]; }
  void DeriveComplete();
  bool RefuteReferences(EntityId entity);

  std::shared_ptr<const Schema> schema_;
  std::vector<Table> tables_;
  uint64_t facts_seq_ = 0;
  Instant last_change_{};
  std::shared_ptr<const RowTexts> texts_;
};

}  // namespace rescind
