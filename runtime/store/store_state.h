// StoreState: everything that the store knows of facts: its tables and its ledger, as the last
// fold left them on disk and as the change log continues them.
//
// It reads the database and writes folds; it commits nothing by itself. Dropping it and loading
// again is how a change that was not committed is undone.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engine/base/result.h"
#include "engine/facts/schema.h"
#include "runtime/store/change_record.h"
#include "runtime/store/database.h"
#include "runtime/store/high_water_mark.h"
#include "runtime/store/key_hash.h"
#include "runtime/store/source_ledger.h"
#include "runtime/store/stored_schema.h"
#include "runtime/store/stored_table.h"

namespace rescind {

class StoreState {
 public:
  // `head`: up to where the log is committed. Removes what an unfinished fold left first, unless
  // the database is only read.
  static Result<std::unique_ptr<StoreState>> Load(Database& database,
                                                  std::shared_ptr<const Schema> schema,
                                                  const SchemaNumbers& numbers,
                                                  std::string_view secret, const MarkState& head);

  Database& database() { return database_; }
  const Schema& schema() const { return *schema_; }
  const std::shared_ptr<const Schema>& shared_schema() const { return schema_; }
  const KeyHasher& hasher() const { return hasher_; }
  SourceLedger& ledger() { return ledger_; }
  StoredTable& table(EntityId entity) { return *tables_[entity.index()]; }
  std::vector<std::unique_ptr<StoredTable>>& tables() { return tables_; }
  // The table that is called so on disk; null when there is none.
  StoredTable* FindTable(uint32_t number);

  uint64_t facts_seq() const { return facts_seq_; }
  Instant last_change() const { return last_change_; }
  void Advance(uint64_t facts_seq, Instant last_change) {
    facts_seq_ = facts_seq;
    last_change_ = last_change;
  }
  // Changes after it are only in the log.
  uint64_t folded_seq() const { return folded_seq_; }
  // What the log held beyond that when it was loaded.
  uint64_t replayed_bytes() const { return replayed_bytes_; }
  // The log reaches back to the state after this commit.
  uint64_t history_start() const { return history_start_; }
  uint64_t next_fold_number() const { return fold_number_ + 1; }

  Result<std::optional<RowId>> Find(EntityId entity, std::string_view id);

  // Writes everything that is not on disk to the sink and finishes it. The caller writes the
  // sink's final batch. `history_start`: older records are deleted with it.
  Status Fold(FoldSink& sink, uint64_t history_start);
  uint64_t resident_bytes() const;
  void Evict();
  std::vector<TextList*> AllLists();

 private:
  StoreState(Database& database, std::shared_ptr<const Schema> schema, const SchemaNumbers& numbers,
             std::string_view secret);
  Status LoadFolded();
  Status RemoveLeftovers(uint64_t facts_seq);
  Status Replay(const MarkState& head);
  Status ReplayRecord(ChangeRecord record);
  TextList* FindList(uint32_t entity, uint32_t list);
  std::string EncodeFolded();

  Database& database_;
  std::shared_ptr<const Schema> schema_;
  KeyHasher hasher_;
  std::vector<std::unique_ptr<StoredTable>> tables_;
  SourceLedger ledger_;
  uint64_t facts_seq_ = 0;
  Instant last_change_;
  uint64_t folded_seq_ = 0;
  uint64_t fold_number_ = 0;
  uint64_t history_start_ = 0;
  uint64_t replayed_bytes_ = 0;
};

}  // namespace rescind
