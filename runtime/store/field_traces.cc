// The changes of the log, done over the chunks in their order, give the values of now, whether the
// chunks have them already or not.
#include "runtime/store/field_traces.h"

#include <algorithm>

#include "runtime/store/change_record.h"
#include "runtime/store/store_layout.h"
#include "runtime/store/stored_table.h"

namespace rescind {
namespace {

Status ForEachRecord(const Database& database, uint64_t facts_seq, bool whole,
                     const std::function<void(const ChangeRecord&)>& take) {
  std::optional<Error> failure;
  const auto read = [&](std::string_view, std::string_view value) {
    const auto record = ChangeRecord::Decode(value, whole);
    if (!record.ok()) {
      failure = record.error();
    } else {
      take(*record);
    }
    return !failure;
  };
  RESCIND_TRY(database.Scan(Family::kChanges, ChangeKey(1, 0), ChangeKey(facts_seq + 1, 0), read));
  if (failure) return *failure;
  return {};
}

}  // namespace

Result<FieldTraces> FindTraces(const Database& database, uint64_t facts_seq, uint32_t entity,
                               uint32_t field, TypeKind kind) {
  const CellShape shape = ShapeOf(kind);
  const uint32_t number = FieldColumnNumber(field, FieldColumn::kValue);
  StoredColumn values(entity, number, shape.width, shape.unknown, true);
  RESCIND_TRY(values.LoadDirectory(database));
  FieldTraces traces;
  uint32_t chunk_count = values.folded_chunk_count();
  RESCIND_TRY(ForEachRecord(database, facts_seq, true, [&](const ChangeRecord& record) {
    for (const CellGroup& group : record.groups) {
      if (group.entity != entity || group.column != number) continue;
      const auto is_known = [&](uint64_t value) { return value != shape.unknown; };
      const CellLog& cells = group.cells;
      if (std::any_of(cells.news.begin(), cells.news.end(), is_known) ||
          std::any_of(cells.olds.begin(), cells.olds.end(), is_known)) {
        traces.last_seen = record.at;
      }
      for (size_t i = 0; i < cells.rows.size(); ++i) {
        values.AddPending(cells.rows[i], cells.news[i]);
        chunk_count = std::max(chunk_count, (cells.rows[i] >> kChunkShift) + 1);
      }
    }
  }));
  for (uint32_t chunk = 0; chunk < chunk_count; ++chunk) {
    RESCIND_ASSIGN(const ChunkNumbers numbers, values.Numbers(database, chunk));
    if (numbers.AllEqual(shape.unknown)) continue;
    for (uint32_t i = 0; i < kChunkRows; ++i) traces.row_count += numbers.At(i) != shape.unknown;
  }
  return traces;
}

Result<bool> HasRows(const Database& database, uint64_t facts_seq, uint32_t entity) {
  bool any = false;
  const auto found = [&](std::string_view, std::string_view) {
    any = true;
    return false;
  };
  RESCIND_TRY(
      database.Scan(Family::kKeys, HashChunkKey(entity, 0), HashChunkKey(entity + 1, 0), found));
  if (any) return true;
  RESCIND_TRY(ForEachRecord(database, facts_seq, false, [&](const ChangeRecord& record) {
    for (const AddedRows& rows : record.rows) any |= rows.entity == entity;
  }));
  return any;
}

Status EraseField(const Database& database, rocksdb::WriteBatch& batch, uint32_t entity,
                  uint32_t field) {
  for (const auto which :
       {FieldColumn::kValue, FieldColumn::kOrigin, FieldColumn::kPrevious, FieldColumn::kChangedAt,
        FieldColumn::kLastKnown, FieldColumn::kToldAt}) {
    // No number is read, so the width does not matter.
    StoredColumn column(entity, FieldColumnNumber(field, which), 1, 0, false);
    RESCIND_TRY(column.LoadDirectory(database));
    column.Erase(database, batch);
  }
  for (const uint32_t list : {DictionaryList(field), SetList(field)}) {
    const std::string prefix = TextListPrefix(entity, list);
    database.DeleteRange(batch, Family::kKeys, prefix, AfterPrefix(prefix));
  }
  return {};
}

}  // namespace rescind
