#include "runtime/store/rocks_store.h"

#include <fmt/format.h>

#include <algorithm>

#include "runtime/store/byte_codec.h"
#include "runtime/store/fact_loader.h"
#include "runtime/store/live_facts.h"
#include "runtime/store/rocks_import.h"
#include "runtime/store/store_layout.h"
#include "runtime/store/store_texts.h"

namespace rescind {
namespace {

constexpr uint64_t kResidentBytes = 256ull << 20;

}  // namespace

RocksStore::~RocksStore() = default;

Status RocksStore::Close() {
  RESCIND_TRY(RefuseWhileImporting("close the store"));
  if (!options_.read_only && state_ != nullptr) RESCIND_TRY(FoldIfThereIsRoom());
  state_.reset();
  extra_reader_.reset();
  database_.reset();
  mark_.reset();
  lock_.reset();
  return {};
}

Status RocksStore::RefuseWhileImporting(std::string_view what) const {
  if (!importing_) return {};
  return Error{ErrorKind::kBusy, fmt::format("cannot {} while an import runs", what),
               "finish or abandon the import first"};
}

Status RocksStore::RefuseChange(std::string_view what) const {
  if (options_.read_only) {
    return Error{ErrorKind::kUnsupported,
                 fmt::format("cannot {}: store {} was opened for reading", what, path_), ""};
  }
  return RefuseWhileImporting(what);
}

Status RocksStore::RefuseFacts(std::string_view what) const {
  if (!options_.without_facts) return {};
  return Error{ErrorKind::kUnsupported,
               fmt::format("cannot {}: store {} was opened without its facts", what, path_), ""};
}

Result<Instant> RocksStore::CommitInstant(const std::optional<Instant>& wanted) const {
  // The clock of the machine may have been set back; the facts' does not run backwards.
  if (!wanted) return std::max(environment_.clock.Now(), head_.last_change);
  if (*wanted >= head_.last_change) return *wanted;
  return Error{ErrorKind::kInvalidInput,
               fmt::format("{} lies before the store's last change at {}", FormatInstant(*wanted),
                           FormatInstant(head_.last_change)),
               "load history in the order in which it happened"};
}

void RocksStore::AddExtra(rocksdb::WriteBatch& batch, const KeyValueBatch& extra,
                          MarkState& head) const {
  for (const auto& change : extra.changes()) {
    if (change.value) {
      database_->Put(batch, Family::kExtra, change.key, *change.value);
    } else {
      database_->Delete(batch, Family::kExtra, change.key);
    }
  }
  if (extra.audit_mark()) head.audit = *extra.audit_mark();
}

Status RocksStore::WriteDurably(rocksdb::WriteBatch& batch, MarkState next) {
  RESCIND_TRY(database_->NeedRoom(batch.GetDataSize(), "nothing of this change was kept"));
  ++next.commit_number;
  std::string head = next.Encode();
  Seal(head);
  database_->Put(batch, Family::kState, kHeadKey, head);
  for (const Family family : kFamilies) database_->AddOne(batch, family, kCommitKey);
  guard_.BeginCommit();
  StoreFaults* faults = options_.faults;
  if (faults != nullptr && faults->FailNextWalSync()) {
    // The batch gets as far as the log, and nobody knows whether it is there.
    (void)database_->Write(batch, Database::Durability::kLogged);
    guard_.EndProcess({ErrorKind::kIo, "cannot sync the log of store " + path_, ""});
  }
  if (const Status status = database_->Write(batch, Database::Durability::kSynced); !status.ok()) {
    guard_.EndProcess(status.error());
  }
  if (faults != nullptr && faults->FailNextMarkSync()) {
    guard_.EndProcess({ErrorKind::kIo, "cannot sync the mark of store " + path_, ""});
  }
  if (const Status status = mark_->Write(next); !status.ok()) guard_.EndProcess(status.error());
  guard_.EndCommit();
  head_ = std::move(next);
  return {};
}

void RocksStore::Reload() {
  state_.reset();
  auto loaded = StoreState::Load(*database_, schema_, numbers_, secret_, head_);
  if (!loaded.ok()) guard_.EndProcess(loaded.error());
  state_ = std::move(*loaded);
}

Result<CommitReport> RocksStore::CommitWriter(FactWriter& writer, const KeyValueBatch* extra) {
  CommitReport& report = writer.report();
  rocksdb::WriteBatch batch;
  MarkState next = head_;
  ++next.facts_seq;
  next.last_change = report.at;
  const ChangeRecord record = writer.Finish(next.facts_seq, batch);
  const std::string bytes = record.Encode();
  // RocksDB counts a batch in 32 bits.
  if (bytes.size() > (1ull << 30)) {
    return Error{ErrorKind::kInvalidInput, "a commit of more than 1 GB",
                 "load that much with an import"};
  }
  database_->Put(batch, Family::kChanges, ChangeKey(next.facts_seq, 0), bytes);
  if (extra != nullptr) AddExtra(batch, *extra, next);
  RESCIND_TRY(WriteDurably(batch, next));
  state_->Advance(head_.facts_seq, head_.last_change);
  unfolded_bytes_ += bytes.size();
  for (LiveFacts* follower : followers_) follower->Follow(record);
  return report;
}

Result<CommitReport> RocksStore::Commit(const FactDelta& delta, const CommitOptions& options) {
  RESCIND_TRY(RefuseChange("commit facts"));
  RESCIND_TRY(RefuseFacts("commit facts"));
  RESCIND_ASSIGN(const Instant at, CommitInstant(options.at));
  if (delta.empty()) {
    if (options.extra != nullptr) RESCIND_TRY(CommitExtra(*options.extra));
    CommitReport report;
    report.facts_seq = head_.facts_seq;
    report.at = at;
    return report;
  }
  RESCIND_TRY(FactWriter::Check(*schema_, delta));
  FactWriter writer(*state_, delta.origin(), at, false);
  if (const Status status = writer.Apply(delta); !status.ok()) {
    Reload();
    return status.error();
  }
  Result<CommitReport> report = CommitWriter(writer, options.extra);
  if (!report.ok()) {
    Reload();
    return report;
  }
  if (unfolded_bytes_ > options_.checkpoint_bytes) RESCIND_TRY(FoldIfThereIsRoom());
  return report;
}

Status RocksStore::CommitExtra(const KeyValueBatch& extra) {
  if (extra.empty()) return {};
  if (options_.read_only) RESCIND_TRY(RefuseChange("commit"));
  rocksdb::WriteBatch batch;
  MarkState next = head_;
  AddExtra(batch, extra, next);
  RESCIND_TRY(WriteDurably(batch, next));
  return {};
}

Result<std::unique_ptr<Import>> RocksStore::BeginImport(ImportOptions options) {
  RESCIND_TRY(RefuseChange("begin an import"));
  RESCIND_TRY(RefuseFacts("begin an import"));
  RESCIND_ASSIGN(const Instant at, CommitInstant(options.at));
  if (options.snapshot && options.origin.source == kRescindSource) {
    return Error{ErrorKind::kInvalidInput, "what we verify ourselves is never a snapshot",
                 "give the import the name of its source"};
  }
  return std::unique_ptr<Import>(std::make_unique<RocksImport>(*this, std::move(options), at));
}

Result<FactBase> RocksStore::LoadFacts(const ColumnSet& columns, const DeclaredSources& declared) {
  if (staging_) RESCIND_TRY(RefuseWhileImporting("load facts"));
  RESCIND_TRY(RefuseFacts("load facts"));
  return FactLoader(state_).Load(columns, declared);
}

Result<std::unique_ptr<FollowedFacts>> RocksStore::FollowFacts(const ColumnSet& columns,
                                                               const DeclaredSources& declared) {
  RESCIND_ASSIGN(FactBase facts, LoadFacts(columns, declared));
  return std::unique_ptr<FollowedFacts>(
      std::make_unique<LiveFacts>(std::move(facts), state_, columns, declared, followers_));
}

Result<LoadedFacts> RocksStore::LoadFactsAsOf(Instant instant, const ColumnSet& columns,
                                              const DeclaredSources& declared) {
  if (staging_) RESCIND_TRY(RefuseWhileImporting("load facts"));
  RESCIND_TRY(RefuseFacts("load facts"));
  SourceLedger::States sources;
  RESCIND_ASSIGN(FactBase facts, FactLoader(state_).LoadAsOf(instant, columns, declared, sources));
  return LoadedFacts{std::move(facts), StatusesOf(sources)};
}

Result<std::optional<RowId>> RocksStore::Find(EntityId entity, std::string_view id) {
  if (staging_) RESCIND_TRY(RefuseWhileImporting("look up facts"));
  RESCIND_TRY(RefuseFacts("look up facts"));
  return state_->Find(entity, id);
}

Result<std::optional<RowFacts>> RocksStore::Show(EntityId entity, std::string_view id) {
  RESCIND_ASSIGN(const auto row, Find(entity, id));
  if (!row) return std::optional<RowFacts>();
  RESCIND_ASSIGN(RowFacts facts, ShowRow(*state_, entity, row->index()));
  return std::optional(std::move(facts));
}

std::vector<SourceStatus> RocksStore::Sources() const {
  if (state_ == nullptr) return {};  // opened without facts
  return StatusesOf(state_->ledger().states());
}

std::vector<SourceStatus> RocksStore::StatusesOf(const SourceLedger::States& states) const {
  std::vector<SourceStatus> statuses;
  for (const auto& [key, state] : states) {
    for (uint32_t e = 0; e < schema_->entities().size(); ++e) {
      if (numbers_.entities[e] != key.first) continue;
      statuses.push_back({key.second, EntityId(e), state.claimed_rows, state.observed_at,
                          state.committed_at, state.snapshot_observed_at});
    }
  }
  return statuses;
}

Status RocksStore::Checkpoint() {
  RESCIND_TRY(RefuseChange("fold the change log"));
  RESCIND_TRY(RefuseFacts("fold the change log"));
  if (state_->folded_seq() == head_.facts_seq) return {};
  RESCIND_ASSIGN(const uint64_t history_start, PrunedHistoryStart());
  FoldSink sink(*database_, state_->next_fold_number(), head_.facts_seq);
  const auto fold = [&]() -> Status {
    RESCIND_TRY(state_->Fold(sink, history_start));
    return WriteDurably(sink.final_batch(), head_);
  };
  if (Status status = fold(); !status.ok()) {
    Reload();
    return status;
  }
  unfolded_bytes_ = 0;
  if (state_->resident_bytes() > kResidentBytes) state_->Evict();
  return CoalesceHistory();
}

Status RocksStore::FoldIfThereIsRoom() {
  if (!database_->NeedRoom(unfolded_bytes_, "").ok()) return {};
  Status folded = Checkpoint();
  if (!folded.ok() && folded.error().kind == ErrorKind::kIo) return {};
  return folded;
}

Status RocksStore::Backup(const std::string& directory) {
  RESCIND_TRY(RefuseChange("back up the store"));
  FileSystem& files = environment_.files;
  if (files.Exists(directory)) {
    return Error{ErrorKind::kInvalidInput, fmt::format("{} exists already", directory),
                 "name a folder that does not exist"};
  }
  RESCIND_TRY(files.MakeDirectories(directory, 0700));
  RESCIND_TRY(database_->CopyTo(directory + "/db"));
  RESCIND_ASSIGN(const auto mark, HighWaterMark::Open(directory + "/MARK"));
  RESCIND_TRY(mark->Write(head_));
  return files.SyncDirectory(directory);
}

}  // namespace rescind
