#include "runtime/store/stored_table.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/facts/fact_base.h"
#include "runtime/store/byte_codec.h"

namespace rescind {
namespace {

constexpr uint8_t kHashFormat = 1;
constexpr uint64_t kUnknownLongBits = static_cast<uint64_t>(kUnknownLong);

}  // namespace

CellShape ShapeOf(TypeKind kind) {
  switch (PhysicalOf(kind)) {
    case Physical::kByte: return {1, kUnknownByte};
    case Physical::kCode:
    case Physical::kRow: return {4, kNoRow};
    case Physical::kDay: return {4, static_cast<uint32_t>(kUnknownDay)};
    case Physical::kLong: return {8, kUnknownLongBits};
    case Physical::kSet: return {4, kEmptySet};
  }
  RESCIND_UNREACHABLE("unknown physical type");
}

StoredTable::StoredTable(const EntityDef& definition, uint32_t number,
                         const std::vector<uint32_t>& field_numbers)
    : definition_(definition), number_(number), fields_(definition.fields.size()), texts_(number) {
  const auto add = [&](RowColumn which, uint32_t width, uint64_t unset, bool keeps_history) {
    row_columns_.push_back(std::make_unique<StoredColumn>(number, RowColumnNumber(which), width,
                                                          unset, keeps_history));
    columns_.push_back(row_columns_.back().get());
  };
  add(RowColumn::kPresence, 1, static_cast<uint64_t>(Presence::kAbsent), true);
  add(RowColumn::kIncarnation, 4, 0, true);
  add(RowColumn::kRemovedAt, 8, kUnknownLongBits, true);
  add(RowColumn::kClaims, 8, 0, false);
  add(RowColumn::kDeletionSeen, 8, kUnknownLongBits, false);
  for (size_t i = 0; i < definition.fields.size(); ++i) {
    const FieldDef& field = definition.fields[i];
    if (field.type.kind == TypeKind::kMany) continue;
    FieldColumns& columns = fields_[i];
    const auto [width, unknown] = ShapeOf(field.type.kind);
    const auto make = [&](FieldColumn which, uint32_t cell_width, uint64_t unset, bool history) {
      auto column = std::make_unique<StoredColumn>(
          number, FieldColumnNumber(field_numbers[i], which), cell_width, unset, history);
      columns_.push_back(column.get());
      return column;
    };
    const bool is_set = field.type.kind == TypeKind::kSet;
    columns.value = make(FieldColumn::kValue, width, unknown, true);
    columns.origin = make(FieldColumn::kOrigin, 4, kUnknownCode, true);
    if (field.tracked) {
      columns.previous = make(FieldColumn::kPrevious, width, unknown, true);
      columns.changed_at = make(FieldColumn::kChangedAt, 8, kUnknownLongBits, true);
      // What the next change is judged by; nobody asks for it as of an earlier instant.
      if (!is_set) columns.last_known = make(FieldColumn::kLastKnown, width, unknown, false);
      columns.told_at = make(FieldColumn::kToldAt, 8, kUnknownLongBits, false);
    }
    if (field.type.kind == TypeKind::kText || (is_set && field.type.element == TypeKind::kText)) {
      columns.dictionary = std::make_unique<TextList>(number, DictionaryList(field_numbers[i]));
      lists_.push_back(columns.dictionary.get());
    }
    if (is_set) {
      columns.sets = std::make_unique<TextList>(number, SetList(field_numbers[i]));
      lists_.push_back(columns.sets.get());
    }
  }
}

StoredColumn* StoredTable::Find(uint32_t column_number) {
  const auto found =
      std::find_if(columns_.begin(), columns_.end(),
                   [&](const StoredColumn* column) { return column->number() == column_number; });
  return found == columns_.end() ? nullptr : *found;
}

Status StoredTable::Load(const Database& database, uint32_t folded_row_count) {
  folded_row_count_ = folded_hash_count_ = folded_row_count;
  RESCIND_TRY(texts_.LoadFolded(database, folded_row_count));
  for (StoredColumn* column : columns_) RESCIND_TRY(column->LoadDirectory(database));
  return {};
}

Status StoredTable::ForEachHash(
    const Database& database, const KeyHasher& hasher,
    const std::function<void(uint32_t, const KeyHash&)>& take_hash) const {
  for (uint32_t row = 0; row < folded_hash_count_;) {
    const uint32_t chunk = row >> kChunkShift;
    const auto what = fmt::format("chunk {} of the key hashes of entity {}", chunk, number_);
    const uint32_t wanted = std::min(kChunkRows, folded_hash_count_ - row);
    const auto take = [&](std::string_view bytes) -> Status {
      const auto body = Unseal(bytes);
      if (!body) return CorruptRecord(what);
      ByteReader reader(*body);
      if (reader.Take8() != kHashFormat) return CorruptRecord(what);
      // More than wanted is left from an unfinished fold.
      if (reader.Take32() < wanted) return CorruptRecord(what);
      for (uint32_t i = 0; i < wanted; ++i) {
        const uint64_t low = reader.Take64();
        take_hash(row + i, {low, reader.Take64()});
      }
      return reader.ok() ? Status() : CorruptRecord(what);
    };
    RESCIND_ASSIGN(const bool found, database.Read(Family::kKeys, HashChunkKey(number_, chunk),
                                                   Database::Neighbours::kPassedBy, take));
    if (!found) return CorruptRecord(what + " is missing or");
    row += wanted;
  }
  for (uint32_t row = folded_hash_count_; row < row_count(); ++row) {
    take_hash(row, hasher.Hash(texts_.Recent(row)));
  }
  return {};
}

Status StoredTable::NeedKeys(const Database& database, const KeyHasher& hasher) {
  if (has_keys_) return {};
  KeyTable keys;
  keys.Reserve(row_count());
  RESCIND_TRY(
      ForEachHash(database, hasher, [&](uint32_t, const KeyHash& hash) { keys.Append(hash); }));
  keys_ = std::move(keys);
  has_keys_ = true;
  return {};
}

Result<uint32_t> StoredTable::Find(const Database& database, const KeyHasher& hasher,
                                   std::string_view id) {
  const KeyHash wanted = hasher.Hash(id);
  if (!has_keys_ && scans_ < kMostScans) {
    ++scans_;
    uint32_t found = kNoRow;
    RESCIND_TRY(ForEachHash(database, hasher, [&](uint32_t row, const KeyHash& hash) {
      if (hash == wanted) found = row;
    }));
    return found;
  }
  RESCIND_TRY(NeedKeys(database, hasher));
  return keys_.Find(wanted);
}

Status StoredTable::Fold(FoldSink& sink, const KeyHasher& hasher) {
  if (folded_hash_count_ < row_count()) {
    RESCIND_TRY(NeedKeys(sink.database(), hasher));
    for (uint32_t row = folded_hash_count_ / kChunkRows * kChunkRows; row < row_count();
         row += kChunkRows) {
      const uint32_t count = std::min(kChunkRows, row_count() - row);
      ByteWriter chunk;
      chunk.bytes().reserve(count * 16 + 16);
      chunk.Put8(kHashFormat);
      chunk.Put32(count);
      chunk.PutRaw(&keys_.hash(row), size_t{count} * sizeof(KeyHash));
      Seal(chunk.bytes());
      RESCIND_TRY(
          sink.Put(Family::kKeys, HashChunkKey(number_, row >> kChunkShift), chunk.bytes()));
    }
    folded_hash_count_ = row_count();
  }
  if (folded_row_count_ < row_count()) RESCIND_TRY(texts_.Fold(sink, true));
  folded_row_count_ = row_count();
  for (TextList* list : lists_) RESCIND_TRY(list->Fold(sink));
  for (StoredColumn* column : columns_) RESCIND_TRY(column->Fold(sink, 0, kNoRow));
  return {};
}

Status StoredTable::FoldBehind(FoldSink& sink, uint32_t first_row) {
  const uint32_t from = (first_row + kChunkRows - 1) >> kChunkShift;
  const uint32_t before = row_count() >> kChunkShift;
  RESCIND_TRY(texts_.Fold(sink, false));
  for (StoredColumn* column : columns_) RESCIND_TRY(column->Fold(sink, from, before));
  RESCIND_TRY(sink.WriteStaged());
  for (StoredColumn* column : columns_) column->Evict(from, before);
  return {};
}

void StoredTable::FoldDirectories(FoldSink& sink) {
  for (StoredColumn* column : columns_) column->FoldDirectory(sink);
}

uint64_t StoredTable::resident_bytes() const {
  uint64_t bytes = texts_.memory_bytes();
  for (const StoredColumn* column : columns_) bytes += column->resident_bytes();
  return bytes;
}

void StoredTable::Evict() {
  for (StoredColumn* column : columns_) column->Evict(0, kNoRow);
}

}  // namespace rescind
