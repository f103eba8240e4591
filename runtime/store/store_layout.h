// Where things lie: the keys of every record in the five column families. FORMAT.md in code.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace rescind {

// Raised when an older program could not read what a newer one writes. Never lowered.
// Format 1 overwrote the number under kCommitKey, and had none in the state. Format 2 never let go
// of a field, and saw no change across an unknown value.
inline constexpr uint32_t kStoreFormat = 3;
inline constexpr uint32_t kCountedFormat = 2;

inline constexpr uint32_t kChunkRows = 4096;
inline constexpr uint32_t kChunkShift = 12;
inline constexpr uint32_t kBlockTexts = 256;

// state
inline constexpr std::string_view kFormatKey = "format";      // format number
inline constexpr std::string_view kIdentityKey = "identity";  // id and secret
inline constexpr std::string_view kSchemaKey = "schema";
inline constexpr std::string_view kHeadKey = "head";            // renewed by every commit
inline constexpr std::string_view kFoldedKey = "folded";        // what the chunks hold
inline constexpr std::string_view kCoalescedKey = "coalesced";  // what of the log is
inline constexpr std::string_view kStagingKey = "staging";      // an unfinished fold
std::string DirectoryKey(uint32_t entity, uint32_t column);
std::string SourceKey(uint32_t entity, std::string_view source);
std::string SnapshotSizesKey(uint32_t entity, std::string_view source);
std::string LackedRowsKey(uint32_t entity, uint32_t row_count, std::string_view source);
std::string VerifiedKey(uint32_t entity, uint32_t row, uint32_t field);

// In every family: how many commits it has seen, one added by each. Each family has files and needs
// logs of its own, and RocksDB may come up with an older state of one of them, or without what a
// log held that was cut. Sorts before all other keys.
inline constexpr std::string_view kCommitKey{"\0\0\0\0\0\0\0\0", 8};

// changes. Segment 0 is the commit's record; a staged import's old values lie in later ones.
std::string ChangeKey(uint64_t facts_seq, uint32_t segment);

// columns. A chunk is never overwritten in place: each fold writes under its own number.
std::string ChunkKey(uint64_t fold_number, uint32_t entity, uint32_t column, uint32_t chunk);
std::string FoldPrefix(uint64_t fold_number);

// keys
std::string HashChunkKey(uint32_t entity, uint32_t chunk);
std::string KeyBlockKey(uint32_t entity, uint32_t block);
std::string TextListKey(uint32_t entity, uint32_t list, uint32_t first_code);
std::string TextListPrefix(uint32_t entity, uint32_t list);

// Columns of an entity. What belongs to field f begins at kFirstFieldColumn + 4 f.
// Stored in keys. Never renumber.
enum class RowColumn : uint32_t {
  kPresence = 0,
  kIncarnation = 1,
  kRemovedAt = 2,
  kClaims = 3,
  kDeletionSeen = 0xFFFFFFFF,  // observed_at of the newest `deleted` line
};
// What tracked fields were given later lies beyond all others, from kFirstPastColumn + 2 f on.
enum class FieldColumn : uint32_t {
  kValue = 0,
  kOrigin = 1,
  kPrevious = 2,
  kChangedAt = 3,
  kLastKnown = 4,  // the value before it became unknown, while it is
  kToldAt = 5,     // when the last record that gave the field took effect
};
inline constexpr uint32_t kFirstFieldColumn = 4;
inline constexpr uint32_t kFirstPastColumn = 0x80000000;
inline constexpr uint32_t FieldColumnNumber(uint32_t field, FieldColumn which) {
  const auto place = static_cast<uint32_t>(which);
  return place < 4 ? kFirstFieldColumn + 4 * field + place
                   : kFirstPastColumn + 2 * field + place - 4;
}
inline constexpr uint32_t RowColumnNumber(RowColumn which) { return static_cast<uint32_t>(which); }

// Text lists. Those of the whole store belong to the entity kNoEntity.
inline constexpr uint32_t kNoEntity = 0xFFFFFFFF;
inline constexpr uint32_t kSourceList = 0;
inline constexpr uint32_t kOriginList = 1;
inline constexpr uint32_t DictionaryList(uint32_t field) { return 2 * field; }
inline constexpr uint32_t SetList(uint32_t field) { return 2 * field + 1; }

}  // namespace rescind
