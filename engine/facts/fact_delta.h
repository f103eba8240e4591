// FactDelta: a batch of row changes as a feed produces it.
//
// Feeds fill it, the store commits it. Rows name each other by id; which RowId that is, and whether
// anything changes at all, is the store's business. Everything lies in a few arrays, so that a
// batch of a hundred thousand rows costs a handful of allocations. Reuse one with Clear().
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/instant.h"
#include "engine/facts/column.h"
#include "engine/facts/schema.h"

namespace rescind {

// A text in a delta's arena.
struct DeltaText {
  uint32_t begin_bytes;
  uint32_t count_bytes;
};

enum class DeltaKind : uint8_t {
  kUnknown,    // `null`: the field becomes unknown (a set becomes empty)
  kNumber,     // bool, enum, int, time, date, duration
  kText,       // text
  kReference,  // the id of the row referred to
  kSet,
};

struct DeltaValue {
  FieldId field;
  DeltaKind kind = DeltaKind::kUnknown;
  union {
    int64_t number = 0;  // kNumber: as in a column, see Physical
    DeltaText text;      // kText, kReference
    struct {
      uint32_t first;
      uint32_t count;
    } members;  // kSet: a range of FactDelta::members()
  };
};

union DeltaMember {
  int64_t number = 0;  // int, enum
  DeltaText text;      // text; id of an entity's row
};

struct DeltaRow {
  EntityId entity;
  DeltaText key{};
  uint32_t first_value = 0;
  uint32_t value_count = 0;
  // When the change took effect in the world, where the feed says so; kUnknownLong: when it is
  // recorded. It dates changed_at of tracked fields and removed_at.
  int64_t effective_micros = kUnknownLong;
  bool deleted = false;   // the row is removed, whoever asserts it
  bool restored = false;  // kRescindSource only: its removal is undone
};

// Who says so and when it was so.
struct FactOrigin {
  std::string source;   // the feed's name; "rescind" for what we verified ourselves
  Instant observed_at;  // when the source was read
};

// What we observed ourselves after an action: feeds that looked earlier do not undo it.
inline constexpr std::string_view kRescindSource = "rescind";

class FactDelta {
 public:
  explicit FactDelta(FactOrigin origin) : origin_(std::move(origin)) {}

  const FactOrigin& origin() const { return origin_; }
  const std::vector<DeltaRow>& rows() const { return rows_; }
  std::span<const DeltaValue> values(const DeltaRow& row) const {
    return std::span(values_).subspan(row.first_value, row.value_count);
  }
  std::span<const DeltaMember> members(const DeltaValue& value) const {
    return std::span(members_).subspan(value.members.first, value.members.count);
  }
  std::string_view text(DeltaText text) const {
    return std::string_view(arena_).substr(text.begin_bytes, text.count_bytes);
  }
  bool empty() const { return rows_.empty(); }
  size_t memory_bytes() const {
    return arena_.size() + rows_.size() * sizeof(DeltaRow) + values_.size() * sizeof(DeltaValue) +
           members_.size() * sizeof(DeltaMember);
  }

  // ---- Filling. What follows BeginRow goes to that row; a field is set at most once a row. ----
  // The row exists: a row that is absent or removed becomes live.
  void BeginRow(EntityId entity, std::string_view key);
  // Drops the row begun last (a bad line that is skipped).
  void DropRow();
  // Drops the rows that are not marked; one mark a row. Their values stay in memory until Clear().
  void KeepRows(const std::vector<bool>& marks);
  void Delete() { rows_.back().deleted = true; }
  // Of kRescindSource: a row that was removed lives on as it was, with its fields.
  void Restore() { rows_.back().restored = true; }
  void SetEffective(Instant at) { rows_.back().effective_micros = at.micros; }
  void SetUnknown(FieldId field) { AddValue(field, DeltaKind::kUnknown); }
  void SetNumber(FieldId field, int64_t number);  // never kUnknownLong
  void SetText(FieldId field, std::string_view text);
  void SetReference(FieldId field, std::string_view id);
  void BeginSet(FieldId field);
  void AddNumber(int64_t number);       // to the set begun last
  void AddText(std::string_view text);  // to the set begun last
  void Clear();

 private:
  DeltaValue& AddValue(FieldId field, DeltaKind kind);
  DeltaText Store(std::string_view text);

  FactOrigin origin_;
  std::string arena_;
  std::vector<DeltaRow> rows_;
  std::vector<DeltaValue> values_;
  std::vector<DeltaMember> members_;
};

}  // namespace rescind
