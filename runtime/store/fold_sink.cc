#include "runtime/store/fold_sink.h"

#include "runtime/store/byte_codec.h"
#include "runtime/store/store_layout.h"

namespace rescind {
namespace {

constexpr size_t kStageBytes = 8 << 20;  // more than this does not go through the log
constexpr size_t kWriteBytes = 4 << 20;
constexpr const char* kStanding = "nothing of this change was kept";

}  // namespace

Status FoldSink::Put(Family family, std::string_view key, std::string_view value) {
  if (!staging_) {
    database_.Put(final_batch_, family, key, value);
    if (final_batch_.GetDataSize() < kStageBytes) return {};
    return Stage();
  }
  database_.Put(staged_, family, key, value);
  if (staged_.GetDataSize() < kWriteBytes) return {};
  return WriteStaged();
}

Status FoldSink::Stage() {
  if (staging_) return {};
  // The marker must reach the disk before the first thing that it is to clean up.
  std::string value;
  AppendBigEndian64(value, fold_number_);
  RESCIND_TRY(database_.NeedRoom(final_batch_.GetDataSize(), kStanding));
  rocksdb::WriteBatch marker;
  database_.Put(marker, Family::kState, kStagingKey, value);
  RESCIND_TRY(database_.Write(marker, Database::Durability::kSynced));
  staging_ = true;
  std::swap(staged_, final_batch_);
  return WriteStaged();
}

Status FoldSink::WriteStaged() {
  if (staged_.Count() == 0) return {};
  RESCIND_TRY(database_.NeedRoom(staged_.GetDataSize(), kStanding));
  RESCIND_TRY(database_.Write(staged_, Database::Durability::kUnlogged));
  staged_.Clear();
  return {};
}

Status FoldSink::Finish() {
  for (const std::string& key : replaced_) {
    database_.Delete(final_batch_, Family::kColumns, key);
  }
  replaced_.clear();
  if (!staging_) return {};
  RESCIND_TRY(WriteStaged());
  RESCIND_TRY(database_.FlushFolded());
  database_.Delete(final_batch_, Family::kState, kStagingKey);
  return {};
}

}  // namespace rescind
