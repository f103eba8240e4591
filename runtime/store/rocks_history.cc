// How much of the past is kept: the log is cut off at its old end when it is folded, and what moves
// a `latest` field on within a step of time is left out of records that need not be replayed.
//
// Both only ever drop what nobody replays, so a kill between any two writes does no harm. Records
// are written again in batches, each with the number up to which that has been done.
#include <algorithm>

#include "runtime/store/byte_codec.h"
#include "runtime/store/column_chunk.h"
#include "runtime/store/history_coalescer.h"
#include "runtime/store/rocks_store.h"
#include "runtime/store/store_layout.h"

namespace rescind {
namespace {

constexpr uint8_t kCoalescedFormat = 1;
// Records read for one batch; one of more is a batch alone.
constexpr uint64_t kBatchBytes = 4 << 20;
// Read after one fold; the rest of a longer log waits for the next.
constexpr uint64_t kMostBytes = 256ull << 20;

}  // namespace

// Older records are those of smaller numbers: the instants of commits never run backwards.
Result<uint64_t> RocksStore::PrunedHistoryStart() const {
  const Instant oldest{environment_.clock.Now().micros - options_.history_age.micros};
  const std::string end = ChangeKey(head_.facts_seq + 1, 0);
  uint64_t start = state_->history_start();
  std::optional<Error> failure;
  RESCIND_TRY(database_->Scan(Family::kChanges, ChangeKey(start + 1, 0), end,
                              [&](std::string_view key, std::string_view value) {
                                if (BigEndian64(key) == start) return true;  // further segments
                                const auto record = ChangeRecord::Decode(value, false);
                                if (!record.ok()) {
                                  failure = record.error();
                                  return false;
                                }
                                if (record->at >= oldest) return false;
                                start = BigEndian64(key);
                                return true;
                              }));
  if (failure) return *failure;
  const auto fits = [&](uint64_t first_dropped) {
    return database_->ApproximateBytes(Family::kChanges, ChangeKey(first_dropped + 1, 0), end) <=
           options_.history_bytes;
  };
  // What is left without the records up to `most` fits.
  uint64_t least = start;
  for (uint64_t most = head_.facts_seq; least < most;) {
    const uint64_t middle = least + (most - least) / 2;
    if (fits(middle)) {
      most = middle;
    } else {
      least = middle + 1;
    }
  }
  return least;
}

Result<uint64_t> RocksStore::CoalescedSeq() const {
  RESCIND_ASSIGN(const auto bytes, database_->Get(Family::kState, kCoalescedKey));
  if (!bytes) return state_->history_start();
  const auto body = Unseal(*bytes);
  ByteReader reader(body ? *body : std::string_view());
  const bool sound = body && reader.Take8() == kCoalescedFormat;
  const uint64_t facts_seq = reader.Take64();
  if (!sound || !reader.done() || facts_seq > head_.facts_seq) {
    return CorruptRecord("how far the history is coalesced");
  }
  return std::max(facts_seq, state_->history_start());
}

void RocksStore::PutCoalescedSeq(rocksdb::WriteBatch& batch, uint64_t facts_seq) const {
  ByteWriter number;
  number.Put8(kCoalescedFormat);
  number.Put64(facts_seq);
  Seal(number.bytes());
  database_->Put(batch, Family::kState, kCoalescedKey, number.bytes());
}

Result<RocksStore::CoalescedBatch> RocksStore::CoalesceBatch(const HistoryCoalescer& coalescer,
                                                             uint64_t after) {
  CoalescedBatch done;
  done.facts_seq = after;
  rocksdb::WriteBatch batch;
  std::optional<Error> failure;
  // INVARIANT: only records that no opening replays are written again.
  const uint64_t end = state_->folded_seq();
  const auto take = [&](std::string_view key, std::string_view value) {
    RESCIND_ASSERT(BigEndian64(key) <= end, "a change is needed for replay");
    done.read_bytes += value.size();
    done.facts_seq = BigEndian64(key);
    // What a staged import wrote was coalesced then.
    if (!ChangeRecord::IsFolded(value)) {
      auto record = ChangeRecord::Decode(value, true);
      if (!record.ok()) {
        failure = record.error();
        return false;
      }
      if (coalescer.Coalesce(*record)) {
        record->ForgetReplay();
        if (coalescer.SaysNothing(*record)) {
          database_->Delete(batch, Family::kChanges, key);
        } else {
          database_->Put(batch, Family::kChanges, key, record->Encode());
        }
      }
    }
    return done.read_bytes < kBatchBytes;
  };
  RESCIND_TRY(
      database_->Scan(Family::kChanges, ChangeKey(after + 1, 0), ChangeKey(end + 1, 0), take));
  if (failure) return *failure;
  if (done.read_bytes < kBatchBytes) done.facts_seq = std::max(done.facts_seq, end);
  if (done.facts_seq == after) return done;
  PutCoalescedSeq(batch, done.facts_seq);
  RESCIND_TRY(database_->NeedRoom(batch.GetDataSize(), "the history was left as it is"));
  // Lost in a crash, it is done again.
  RESCIND_TRY(database_->Write(batch, Database::Durability::kLogged));
  return done;
}

Status RocksStore::CoalesceHistory() {
  const HistoryCoalescer coalescer(state_->tables(), options_.history_step);
  if (coalescer.idle()) return {};
  RESCIND_ASSIGN(uint64_t done, CoalescedSeq());
  for (uint64_t read_bytes = 0; done < state_->folded_seq() && read_bytes < kMostBytes;) {
    const auto batch = CoalesceBatch(coalescer, done);
    if (!batch.ok() && batch.error().kind == ErrorKind::kIo) return {};  // it can wait
    RESCIND_TRY(batch);
    done = batch->facts_seq;
    read_bytes += batch->read_bytes;
  }
  return {};
}

}  // namespace rescind
