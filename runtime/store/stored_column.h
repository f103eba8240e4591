// StoredColumn: one column of one entity as the store holds it: chunks on disk, those in use in
// memory, and the changes of the log that chunks on disk do not have yet.
//
// Numbers are unsigned and at most 64 bits wide; what they mean is the owner's business. A chunk
// is resident from the first change or single read on; whole columns are read past that. Reading
// whole chunks is safe for several threads once PreparePending() has run.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "engine/base/result.h"
#include "runtime/store/column_chunk.h"
#include "runtime/store/database.h"
#include "runtime/store/fold_sink.h"
#include "runtime/store/store_layout.h"

namespace rescind {

// Cells changed by one commit, in order: a cell may occur more than once.
struct CellLog {
  std::vector<uint32_t> rows;
  std::vector<uint64_t> olds;
  std::vector<uint64_t> news;
  void Clear() {
    rows.clear();
    olds.clear();
    news.clear();
  }
};

// The numbers of one chunk, unpacked or all the same.
struct ChunkNumbers {
  std::vector<uint8_t> values;  // empty: all are `constant`
  uint32_t width = 0;
  uint64_t constant = 0;

  bool AllEqual(uint64_t number) const { return values.empty() && constant == number; }
  uint64_t At(uint32_t index) const {
    return values.empty() ? constant : ReadNumber(values.data(), width, index);
  }
};

class StoredColumn {
 public:
  // `entity` and `number` as in keys. `keeps_history`: old values can be asked for later.
  StoredColumn(uint32_t entity, uint32_t number, uint32_t width, uint64_t default_number,
               bool keeps_history)
      : entity_(entity),
        number_(number),
        width_(width),
        default_(default_number),
        keeps_history_(keeps_history) {}

  uint32_t number() const { return number_; }
  uint32_t width() const { return width_; }
  uint64_t default_number() const { return default_; }
  bool keeps_history() const { return keeps_history_; }

  Status LoadDirectory(const Database& database);
  uint32_t folded_chunk_count() const { return static_cast<uint32_t>(versions_.size()); }
  // All that the directory names, and itself.
  void Erase(const Database& database, rocksdb::WriteBatch& batch) const;
  // A change of the log that no chunk on disk has; in the order of the log, before any read.
  void AddPending(uint32_t row, uint64_t number);

  // Makes the row's chunk resident. Get and Set need that.
  Status Need(const Database& database, uint32_t row) {
    const uint32_t chunk = row >> kChunkShift;
    if (chunk < chunks_.size() && chunks_[chunk].values) [[likely]]
      return {};
    return LoadChunk(database, chunk);
  }
  // One number, whether its chunk is resident or not. A chunk of one value does not become so.
  Result<uint64_t> Read(const Database& database, uint32_t row);
  Result<ChunkNumbers> Numbers(const Database& database, uint32_t chunk);
  uint64_t Get(uint32_t row) const {
    return ReadNumber(chunks_[row >> kChunkShift].values.get(), width_, row & (kChunkRows - 1));
  }
  void Set(uint32_t row, uint64_t number) {
    Chunk& chunk = chunks_[row >> kChunkShift];
    chunk.dirty = true;
    WriteNumber(chunk.values.get(), width_, row & (kChunkRows - 1), number);
  }
  CellLog& log() { return log_; }

  // For readers of whole chunks.
  void PreparePending();
  // Fills kChunkRows numbers; a chunk that nobody wrote has the default.
  Status ReadChunk(const Database& database, uint32_t chunk, uint8_t* values) const;

  // Writes dirty chunks in [from_chunk, before_chunk) to the sink; they stay resident and become
  // clean. Replaced versions are deleted with the sink's final batch.
  Status Fold(FoldSink& sink, uint32_t from_chunk, uint32_t before_chunk);
  // After all has been folded: the directory, into the final batch if it changed.
  void FoldDirectory(FoldSink& sink);
  // Lets go of clean chunks in [from_chunk, before_chunk), whose fold has been written.
  void Evict(uint32_t from_chunk, uint32_t before_chunk);
  uint64_t resident_bytes() const { return uint64_t{resident_count_} * kChunkRows * width_; }

 private:
  struct Chunk {
    std::unique_ptr<uint8_t[]> values;
    bool dirty = false;
  };
  struct PendingCell {
    uint32_t row;
    uint64_t number;
  };
  Status LoadChunk(const Database& database, uint32_t chunk);
  // The one value of a chunk that is not resident; where it has several, none, and `values` (room
  // for kChunkRows) has them all.
  Result<std::optional<uint64_t>> ReadConstant(const Database& database, uint32_t chunk,
                                               uint8_t* values);
  // The first change in that chunk or a later one.
  std::vector<PendingCell>::const_iterator FirstPending(uint32_t chunk) const;
  bool HasPending(uint32_t chunk) const;
  void MakeResident(uint32_t chunk, std::unique_ptr<uint8_t[]> values);
  std::string Name(uint32_t chunk) const;

  const uint32_t entity_;
  const uint32_t number_;
  const uint32_t width_;
  const uint64_t default_;
  const bool keeps_history_;
  std::vector<uint64_t> versions_;  // fold number of each chunk on disk; 0: none
  bool directory_changed_ = false;
  std::vector<Chunk> chunks_;
  uint32_t resident_count_ = 0;
  // The one value of chunks that were asked for one row and are not resident.
  std::unordered_map<uint32_t, uint64_t> constants_;
  std::vector<PendingCell> pending_;
  bool pending_sorted_ = true;
  CellLog log_;
};

}  // namespace rescind
