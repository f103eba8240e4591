// StoredTable: one entity in the store: its columns, its dictionaries, its ids.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "engine/facts/schema.h"
#include "runtime/store/key_hash.h"
#include "runtime/store/key_table.h"
#include "runtime/store/key_texts.h"
#include "runtime/store/stored_column.h"
#include "runtime/store/text_list.h"

namespace rescind {

// What a chunk is made of, for a field.
struct FieldColumns {
  std::unique_ptr<StoredColumn> value;  // null for `many` fields
  std::unique_ptr<StoredColumn> origin;
  std::unique_ptr<StoredColumn> previous;    // tracked fields
  std::unique_ptr<StoredColumn> changed_at;  // tracked fields
  std::unique_ptr<StoredColumn> last_known;  // tracked fields that can be unknown
  std::unique_ptr<StoredColumn> told_at;     // tracked fields
  std::unique_ptr<TextList> dictionary;      // text, and sets of text
  // Sets as the bytes of their sorted members; set n is text n - 1, and 0 is the empty set.
  std::unique_ptr<TextList> sets;
};

// How the values of a field lie in its column.
struct CellShape {
  uint32_t width;
  uint64_t unknown;
};
CellShape ShapeOf(TypeKind kind);

class StoredTable {
 public:
  // `number` and `field_numbers`: what entity and fields are called on disk.
  StoredTable(const EntityDef& definition, uint32_t number,
              const std::vector<uint32_t>& field_numbers);

  uint32_t number() const { return number_; }
  const EntityDef& definition() const { return definition_; }
  uint32_t row_count() const { return texts_.count(); }
  uint32_t folded_row_count() const { return folded_row_count_; }

  StoredColumn& column(RowColumn which) {
    return which == RowColumn::kDeletionSeen ? *row_columns_.back()
                                             : *row_columns_[RowColumnNumber(which)];
  }
  FieldColumns& field(FieldId field) { return fields_[field.index()]; }
  // Of all columns, by what they are called on disk; null when there is none.
  StoredColumn* Find(uint32_t column_number);
  const std::vector<StoredColumn*>& columns() { return columns_; }
  const std::vector<TextList*>& lists() { return lists_; }

  Status Load(const Database& database, uint32_t folded_row_count);
  // A row that a commit of the log added.
  void AddPendingRow(std::string_view id) { texts_.Append(id); }

  // The row of that id; kNoRow when there is none. The first few look-ups read all hashes, which
  // costs less than to build the key table for them.
  Result<uint32_t> Find(const Database& database, const KeyHasher& hasher, std::string_view id);
  // The key table is built at its first use.
  Status NeedKeys(const Database& database, const KeyHasher& hasher);
  const KeyTable& keys() const { return keys_; }
  // A new row; the caller knows that the id has none.
  uint32_t AddRow(std::string_view id, const KeyHash& hash) {
    const uint32_t row = row_count();
    texts_.Append(id);
    keys_.Append(hash);
    return row;
  }
  KeyTexts& texts() { return texts_; }

  // Everything that is not on disk yet.
  Status Fold(FoldSink& sink, const KeyHasher& hasher);
  // Stages and lets go of full chunks that hold rows from `first_row` on only, and of ids.
  Status FoldBehind(FoldSink& sink, uint32_t first_row);
  void FoldDirectories(FoldSink& sink);
  uint64_t resident_bytes() const;
  void Evict();

 private:
  static constexpr int kMostScans = 3;
  // Of every row, in order.
  Status ForEachHash(const Database& database, const KeyHasher& hasher,
                     const std::function<void(uint32_t, const KeyHash&)>& take_hash) const;

  const EntityDef definition_;
  const uint32_t number_;
  std::vector<std::unique_ptr<StoredColumn>> row_columns_;
  std::vector<FieldColumns> fields_;
  std::vector<StoredColumn*> columns_;
  std::vector<TextList*> lists_;
  KeyTexts texts_;
  KeyTable keys_;
  bool has_keys_ = false;
  int scans_ = 0;
  uint32_t folded_row_count_ = 0;
  uint32_t folded_hash_count_ = 0;
};

}  // namespace rescind
