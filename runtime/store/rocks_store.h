// RocksStore: the Store on RocksDB. Here commits become durable.
//
// A commit is applied in memory, written as one batch with its change record, synced, and marked;
// only then does the caller hear of it. What fails before the batch is written is undone by
// loading the state again; what fails while it is written ends the process.
#pragma once

#include <memory>
#include <string>

#include "runtime/store/database.h"
#include "runtime/store/extra_reader.h"
#include "runtime/store/fact_writer.h"
#include "runtime/store/high_water_mark.h"
#include "runtime/store/history_coalescer.h"
#include "runtime/store/store.h"
#include "runtime/store/store_state.h"

namespace rescind {

class LiveFacts;

class RocksStore final : public Store {
 public:
  static Result<std::unique_ptr<RocksStore>> Open(const std::string& path,
                                                  std::shared_ptr<const Schema> schema,
                                                  StoreEnvironment environment,
                                                  StoreOptions options);
  ~RocksStore() override;

  Status Close() override;
  void SetLastWords(const LastWords& words) override { guard_.SetLastWords(words); }
  const Schema& schema() const override { return *schema_; }
  const std::string& id() const override { return head_.store_id; }
  const std::string& secret() const override { return secret_; }
  uint64_t epoch() const override { return head_.epoch; }
  uint64_t facts_seq() const override { return head_.facts_seq; }
  Instant last_change() const override { return head_.last_change; }

  Result<CommitReport> Commit(const FactDelta& delta, const CommitOptions& options) override;
  Status CommitExtra(const KeyValueBatch& extra) override;
  Result<std::unique_ptr<Import>> BeginImport(ImportOptions options) override;

  Result<FactBase> LoadFacts(const ColumnSet& columns, const DeclaredSources& declared) override;
  Result<std::unique_ptr<FollowedFacts>> FollowFacts(const ColumnSet& columns,
                                                     const DeclaredSources& declared) override;
  Result<LoadedFacts> LoadFactsAsOf(Instant instant, const ColumnSet& columns,
                                    const DeclaredSources& declared) override;
  Result<std::optional<RowId>> Find(EntityId entity, std::string_view id) override;
  Result<std::optional<RowFacts>> Show(EntityId entity, std::string_view id) override;
  std::vector<SourceStatus> Sources() const override;
  const KeyValueReader& key_values() const override { return *extra_reader_; }
  Status Checkpoint() override;
  Status Backup(const std::string& directory) override;

 private:
  friend class RocksImport;

  RocksStore(std::string path, std::shared_ptr<const Schema> schema, StoreEnvironment environment,
             StoreOptions options)
      : path_(std::move(path)),
        schema_(std::move(schema)),
        environment_(environment),
        options_(options),
        guard_(path_, environment.files) {}

  // Whether opening makes a store where there is none.
  bool creates() const {
    return options_.create_if_missing && !options_.read_only && !options_.without_facts;
  }
  // Opening, in this order.
  Status NeedRoomToOpen() const;
  Status OpenDatabase();
  Status CheckHead(const std::optional<MarkState>& mark, bool existed);
  Status CheckFamilies(uint32_t format) const;
  Result<uint32_t> ReadFormat() const;
  void PutFormat(rocksdb::WriteBatch& batch) const;
  void RaiseFormat(rocksdb::WriteBatch& batch, uint32_t format) const;
  Status CreateIdentity(rocksdb::WriteBatch& batch);
  Status LoadIdentity();
  Status AdmitSchema(rocksdb::WriteBatch& batch);
  Status LetGo(const StoredSchema::Orphan& orphan, rocksdb::WriteBatch& batch) const;
  Status BecomeOwner(rocksdb::WriteBatch& batch, const std::optional<MarkState>& mark);

  std::vector<SourceStatus> StatusesOf(const SourceLedger::States& states) const;
  // The instant of a commit; kInvalidInput when `wanted` lies before the last change.
  Result<Instant> CommitInstant(const std::optional<Instant>& wanted) const;
  void AddExtra(rocksdb::WriteBatch& batch, const KeyValueBatch& extra, MarkState& head) const;
  // Writes, syncs, marks. `next` becomes the head. An error when there is no room for it: nothing
  // was written. A failing disk ends the process.
  Status WriteDurably(rocksdb::WriteBatch& batch, MarkState next);
  Result<CommitReport> CommitWriter(FactWriter& writer, const KeyValueBatch* extra);
  Status RefuseWhileImporting(std::string_view what) const;
  Status RefuseChange(std::string_view what) const;
  // Where the store was opened without them.
  Status RefuseFacts(std::string_view what) const;
  // Folding can wait: what is committed stands in the log.
  Status FoldIfThereIsRoom();
  // Drops what was not committed.
  void Reload();

  // The past, in rocks_history.cc.
  struct CoalescedBatch {
    uint64_t facts_seq = 0;  // up to which it has been done
    uint64_t read_bytes = 0;
  };
  // What `history_start` becomes with the next fold.
  Result<uint64_t> PrunedHistoryStart() const;
  // Up to where `latest` fields are coalesced.
  Result<uint64_t> CoalescedSeq() const;
  void PutCoalescedSeq(rocksdb::WriteBatch& batch, uint64_t facts_seq) const;
  // Goes on behind that commit, as far as one batch reaches.
  Result<CoalescedBatch> CoalesceBatch(const HistoryCoalescer& coalescer, uint64_t after);
  // Without room on the disk it waits for the next fold.
  Status CoalesceHistory();

  const std::string path_;
  std::shared_ptr<const Schema> schema_;
  StoreEnvironment environment_;
  const StoreOptions options_;
  DiskGuard guard_;
  std::string secret_;
  SchemaNumbers numbers_;
  MarkState head_;
  std::unique_ptr<FileLock> lock_;
  std::unique_ptr<Database> database_;
  std::unique_ptr<HighWaterMark> mark_;
  std::unique_ptr<ExtraReader> extra_reader_;
  std::unique_ptr<StoreState> state_;  // null: opened without facts, or closed
  std::vector<LiveFacts*> followers_;
  uint64_t unfolded_bytes_ = 0;
  bool importing_ = false;
  bool staging_ = false;  // the state holds an import that nobody may see
};

}  // namespace rescind
