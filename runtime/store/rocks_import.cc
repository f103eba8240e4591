// Staged: the log is folded first, so that nothing but the import distinguishes memory from disk.
// Then rows are applied in memory; full chunks of new rows go to disk as they fill, under a fold
// number that nothing refers to; old values of rows that were there go to the log in segments.
// The last batch makes all of it visible. To abandon it is to load the state again.
#include "runtime/store/rocks_import.h"

#include <fmt/format.h>

#include <algorithm>

#include "runtime/store/live_facts.h"
#include "runtime/store/store_layout.h"

namespace rescind {
namespace {

constexpr uint64_t kStagedResidentBytes = 512ull << 20;
constexpr size_t kSegmentCells = 256 << 10;

}  // namespace

Status RocksImport::Add(const FactDelta& delta) {
  if (ended_) {
    return Error{ErrorKind::kInvalidInput, "this import has ended", "begin another one"};
  }
  Status status = AddChecked(delta);
  if (!status.ok()) Abandon();
  return status;
}

Status RocksImport::AddChecked(const FactDelta& delta) {
  RESCIND_TRY(FactWriter::Check(store_.schema(), delta));
  if (writer_) return ApplyStaged(delta);
  if (kept_rows_ + delta.rows().size() <= store_.options_.staging_rows) {
    kept_rows_ += delta.rows().size();
    for (const DeltaRow& row : delta.rows()) {
      given_[row.entity.index()].insert(store_.state_->hasher().Hash(delta.text(row.key)));
    }
    kept_.push_back(delta);
    return {};
  }
  RESCIND_TRY(BeginStaging());
  return ApplyStaged(delta);
}

Status RocksImport::BeginStaging() {
  store_.importing_ = false;  // our own checkpoint
  const Status folded = store_.Checkpoint();
  store_.importing_ = true;
  RESCIND_TRY(folded);
  StoreState& state = *store_.state_;
  sink_ = std::make_unique<FoldSink>(*store_.database_, state.next_fold_number(),
                                     store_.head_.facts_seq + 1);
  store_.staging_ = true;
  writer_ = std::make_unique<FactWriter>(state, options_.origin, at_, true);
  coalescer_.emplace(state.tables(), store_.options_.history_step);
  RESCIND_TRY(sink_->Stage());
  RESCIND_TRY(ApplyKept());
  given_.clear();
  return {};
}

Status RocksImport::ApplyKept() {
  for (const FactDelta& delta : kept_) {
    RESCIND_TRY(writer_->Apply(delta));
    if (sink_) RESCIND_TRY(WriteSegment());
  }
  kept_.clear();
  return {};
}

Status RocksImport::ApplyStaged(const FactDelta& delta) {
  RESCIND_TRY(writer_->Apply(delta));
  if (writer_->logged_cells() >= kSegmentCells) RESCIND_TRY(WriteSegment());
  StoreState& state = *store_.state_;
  if (state.resident_bytes() < kStagedResidentBytes) return {};
  for (uint32_t e = 0; e < store_.schema().entities().size(); ++e) {
    const EntityId entity(e);
    RESCIND_TRY(state.table(entity).FoldBehind(*sink_, writer_->base_row_count(entity)));
  }
  return {};
}

Status RocksImport::WriteSegment() {
  if (writer_->logged_cells() == 0) return {};
  ChangeRecord record = writer_->TakeSegment();
  coalescer_->Coalesce(record);
  if (record.groups.empty()) return {};
  record.facts_seq = store_.head_.facts_seq + 1;
  rocksdb::WriteBatch batch;
  store_.database_->Put(batch, Family::kChanges, ChangeKey(record.facts_seq, ++segment_),
                        record.Encode());
  RESCIND_TRY(store_.database_->NeedRoom(batch.GetDataSize(), "nothing of this change was kept"));
  return store_.database_->Write(batch, Database::Durability::kLogged);
}

bool RocksImport::WasGiven(EntityId entity, std::string_view id) const {
  if (ended_) return false;
  const KeyHash hash = store_.state_->hasher().Hash(id);
  if (!writer_) return given_[entity.index()].count(hash) > 0;
  const uint32_t row = store_.state_->table(entity).keys().Find(hash);
  return row != kNoRow && writer_->WasGiven(entity, row);
}

Result<CommitReport> RocksImport::FinishStaged() {
  if (options_.snapshot) {
    RESCIND_TRY(writer_->Withdraw(options_.snapshot_entities, MostShrink(), options_.declared));
  }
  RESCIND_TRY(WriteSegment());
  StoreState& state = *store_.state_;
  const uint64_t facts_seq = store_.head_.facts_seq + 1;
  rocksdb::WriteBatch& batch = sink_->final_batch();
  const ChangeRecord record = writer_->Finish(facts_seq, batch);
  RESCIND_ASSERT(record.groups.empty(), "a staged import logs its cells in segments");
  state.Advance(facts_seq, at_);
  RESCIND_ASSIGN(const uint64_t history_start, store_.PrunedHistoryStart());
  RESCIND_ASSIGN(const uint64_t coalesced_seq, store_.CoalescedSeq());
  if (coalesced_seq == store_.head_.facts_seq) store_.PutCoalescedSeq(batch, facts_seq);
  RESCIND_TRY(state.Fold(*sink_, history_start));
  store_.database_->Put(batch, Family::kChanges, ChangeKey(facts_seq, 0), record.Encode());
  MarkState next = store_.head_;
  next.facts_seq = facts_seq;
  next.last_change = at_;
  RESCIND_TRY(store_.WriteDurably(batch, next));
  for (LiveFacts* follower : store_.followers_) follower->LoseTrack();
  state.Evict();
  return writer_->report();
}

Result<CommitReport> RocksImport::Finish() {
  if (ended_) {
    return Error{ErrorKind::kInvalidInput, "this import has ended", "begin another one"};
  }
  const auto finish = [&]() -> Result<CommitReport> {
    if (sink_) return FinishStaged();
    writer_ = std::make_unique<FactWriter>(*store_.state_, options_.origin, at_, false);
    store_.staging_ = true;
    RESCIND_TRY(ApplyKept());
    if (options_.snapshot) {
      RESCIND_TRY(writer_->Withdraw(options_.snapshot_entities, MostShrink(), options_.declared));
    }
    return store_.CommitWriter(*writer_, nullptr);
  };
  Result<CommitReport> report = finish();
  if (!report.ok()) {
    Abandon();
    return report;
  }
  ended_ = true;
  store_.importing_ = store_.staging_ = false;
  writer_.reset();
  sink_.reset();
  // The fold of a long log is not part of the commit, which stands.
  if (store_.unfolded_bytes_ > store_.options_.checkpoint_bytes) {
    RESCIND_TRY(store_.FoldIfThereIsRoom());
  }
  return report;
}

void RocksImport::Abandon() {
  if (ended_) return;
  ended_ = true;
  kept_.clear();
  writer_.reset();
  sink_.reset();
  store_.importing_ = false;
  if (store_.staging_) store_.Reload();
  store_.staging_ = false;
}

}  // namespace rescind
