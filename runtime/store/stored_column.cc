#include "runtime/store/stored_column.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/base/assert.h"
#include "runtime/store/byte_codec.h"

namespace rescind {
namespace {

constexpr uint8_t kDirectoryFormat = 1;

}  // namespace

std::string StoredColumn::Name(uint32_t chunk) const {
  return fmt::format("chunk {} of column {} of entity {}", chunk, number_, entity_);
}

Status StoredColumn::LoadDirectory(const Database& database) {
  RESCIND_ASSIGN(const auto bytes, database.Get(Family::kState, DirectoryKey(entity_, number_)));
  if (!bytes) return {};
  const auto body = Unseal(*bytes);
  const auto what = fmt::format("the directory of column {} of entity {}", number_, entity_);
  if (!body) return CorruptRecord(what);
  ByteReader reader(*body);
  if (reader.Take8() != kDirectoryFormat) return CorruptRecord(what);
  const uint32_t count = reader.Take32();
  if (reader.left_bytes() != uint64_t{count} * 8) return CorruptRecord(what);
  versions_.resize(count);
  for (uint64_t& version : versions_) version = reader.Take64();
  return {};
}

void StoredColumn::Erase(const Database& database, rocksdb::WriteBatch& batch) const {
  if (versions_.empty()) return;
  for (uint32_t chunk = 0; chunk < versions_.size(); ++chunk) {
    if (versions_[chunk] == 0) continue;
    database.Delete(batch, Family::kColumns, ChunkKey(versions_[chunk], entity_, number_, chunk));
  }
  database.Delete(batch, Family::kState, DirectoryKey(entity_, number_));
}

void StoredColumn::AddPending(uint32_t row, uint64_t number) {
  pending_.push_back({row, number});
  pending_sorted_ = false;
}

void StoredColumn::PreparePending() {
  if (pending_sorted_) return;
  std::stable_sort(pending_.begin(), pending_.end(), [](const auto& left, const auto& right) {
    return (left.row >> kChunkShift) < (right.row >> kChunkShift);
  });
  pending_sorted_ = true;
}

Status StoredColumn::ReadChunk(const Database& database, uint32_t chunk, uint8_t* values) const {
  if (chunk < chunks_.size() && chunks_[chunk].values) {
    std::memcpy(values, chunks_[chunk].values.get(), size_t{kChunkRows} * width_);
    return {};
  }
  if (chunk < versions_.size() && versions_[chunk] != 0) {
    RESCIND_ASSIGN(
        const bool found,
        database.Read(Family::kColumns, ChunkKey(versions_[chunk], entity_, number_, chunk),
                      Database::Neighbours::kPassedBy, [&](std::string_view bytes) {
                        return DecodeChunk(bytes, width_, values, Name(chunk));
                      }));
    if (!found) return CorruptRecord(Name(chunk) + " is missing or");
  } else {
    FillNumbers(values, width_, kChunkRows, default_);
  }
  for (auto cell = FirstPending(chunk); cell != pending_.end() && cell->row >> kChunkShift == chunk;
       ++cell) {
    WriteNumber(values, width_, cell->row & (kChunkRows - 1), cell->number);
  }
  return {};
}

Result<uint64_t> StoredColumn::Read(const Database& database, uint32_t row) {
  const uint32_t chunk = row >> kChunkShift;
  if (chunk < chunks_.size() && chunks_[chunk].values) return Get(row);
  if (const auto known = constants_.find(chunk); known != constants_.end()) return known->second;
  // Not zeroed: it is filled or let go of.
  std::unique_ptr<uint8_t[]> values(new uint8_t[size_t{kChunkRows} * width_]);
  RESCIND_ASSIGN(const auto constant, ReadConstant(database, chunk, values.get()));
  if (constant) return *constant;
  MakeResident(chunk, std::move(values));
  return Get(row);
}

Result<ChunkNumbers> StoredColumn::Numbers(const Database& database, uint32_t chunk) {
  ChunkNumbers numbers;
  numbers.width = width_;
  numbers.values.resize(size_t{kChunkRows} * width_);
  if (chunk < chunks_.size() && chunks_[chunk].values) {
    RESCIND_TRY(ReadChunk(database, chunk, numbers.values.data()));
    return numbers;
  }
  RESCIND_ASSIGN(const auto constant, ReadConstant(database, chunk, numbers.values.data()));
  if (constant) {
    numbers.constant = *constant;
    numbers.values.clear();
  }
  return numbers;
}

Result<std::optional<uint64_t>> StoredColumn::ReadConstant(const Database& database, uint32_t chunk,
                                                           uint8_t* values) {
  PreparePending();
  if (const auto known = constants_.find(chunk); known != constants_.end()) {
    return std::optional(known->second);
  }
  std::optional<uint64_t> number;
  const bool on_disk = chunk < versions_.size() && versions_[chunk] != 0;
  if (HasPending(chunk)) {
    RESCIND_TRY(ReadChunk(database, chunk, values));
  } else if (!on_disk) {
    number = default_;
  } else {
    const auto take = [&](std::string_view bytes) -> Status {
      number = ConstantOf(bytes, width_);
      return number ? Status() : DecodeChunk(bytes, width_, values, Name(chunk));
    };
    RESCIND_ASSIGN(
        const bool found,
        database.Read(Family::kColumns, ChunkKey(versions_[chunk], entity_, number_, chunk),
                      Database::Neighbours::kReadSoon, take));
    if (!found) return CorruptRecord(Name(chunk) + " is missing or");
  }
  if (number) constants_[chunk] = *number;
  return number;
}

std::vector<StoredColumn::PendingCell>::const_iterator StoredColumn::FirstPending(
    uint32_t chunk) const {
  RESCIND_ASSERT(pending_sorted_, "a column read before its pending changes are in order");
  return std::lower_bound(
      pending_.begin(), pending_.end(), chunk,
      [](const PendingCell& left, uint32_t number) { return (left.row >> kChunkShift) < number; });
}

bool StoredColumn::HasPending(uint32_t chunk) const {
  const auto first = FirstPending(chunk);
  return first != pending_.end() && first->row >> kChunkShift == chunk;
}

void StoredColumn::MakeResident(uint32_t chunk, std::unique_ptr<uint8_t[]> values) {
  if (chunk >= chunks_.size()) chunks_.resize(size_t{chunk} + 1);
  chunks_[chunk].values = std::move(values);
  constants_.erase(chunk);  // from now on it may change
  // INVARIANT: a resident chunk that differs from the one on disk is dirty.
  chunks_[chunk].dirty = HasPending(chunk);
  ++resident_count_;
}

Status StoredColumn::LoadChunk(const Database& database, uint32_t chunk) {
  PreparePending();
  // Not zeroed: it is filled right away.
  std::unique_ptr<uint8_t[]> values(new uint8_t[size_t{kChunkRows} * width_]);
  RESCIND_TRY(ReadChunk(database, chunk, values.get()));
  MakeResident(chunk, std::move(values));
  return {};
}

Status StoredColumn::Fold(FoldSink& sink, uint32_t from_chunk, uint32_t before_chunk) {
  PreparePending();
  // Chunks that only the log changed.
  for (size_t i = 0; i < pending_.size(); ++i) {
    const uint32_t chunk = pending_[i].row >> kChunkShift;
    if (i == 0 || chunk != pending_[i - 1].row >> kChunkShift) {
      RESCIND_TRY(Need(sink.database(), pending_[i].row));
    }
  }
  pending_.clear();
  const auto end = static_cast<uint32_t>(std::min<size_t>(chunks_.size(), before_chunk));
  for (uint32_t chunk = from_chunk; chunk < end; ++chunk) {
    if (!chunks_[chunk].dirty) continue;
    if (chunk >= versions_.size()) versions_.resize(size_t{chunk} + 1, 0);
    const uint64_t replaced = versions_[chunk];
    RESCIND_TRY(sink.Put(Family::kColumns, ChunkKey(sink.fold_number(), entity_, number_, chunk),
                         EncodeChunk(chunks_[chunk].values.get(), width_, sink.facts_seq())));
    if (replaced != 0 && replaced != sink.fold_number()) {
      sink.Replace(ChunkKey(replaced, entity_, number_, chunk));
    }
    versions_[chunk] = sink.fold_number();
    chunks_[chunk].dirty = false;
    directory_changed_ = true;
  }
  return {};
}

void StoredColumn::FoldDirectory(FoldSink& sink) {
  if (!directory_changed_) return;
  ByteWriter writer;
  writer.Put8(kDirectoryFormat);
  writer.Put32(static_cast<uint32_t>(versions_.size()));
  writer.PutRaw(versions_.data(), versions_.size() * 8);
  Seal(writer.bytes());
  sink.database().Put(sink.final_batch(), Family::kState, DirectoryKey(entity_, number_),
                      writer.bytes());
  directory_changed_ = false;
}

void StoredColumn::Evict(uint32_t from_chunk, uint32_t before_chunk) {
  const auto end = static_cast<uint32_t>(std::min<size_t>(chunks_.size(), before_chunk));
  for (uint32_t chunk = from_chunk; chunk < end; ++chunk) {
    if (!chunks_[chunk].values || chunks_[chunk].dirty) continue;
    chunks_[chunk].values.reset();
    --resident_count_;
  }
}

}  // namespace rescind
