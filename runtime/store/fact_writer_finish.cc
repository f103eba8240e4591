// How a commit of facts begins and ends: the check of what is given, and the record of what came
// of it.
#include <fmt/format.h>

#include "runtime/store/byte_codec.h"
#include "runtime/store/fact_writer.h"

namespace rescind {
namespace {

bool NumberFits(const Schema& schema, TypeKind kind, EnumId enumeration, int64_t number) {
  switch (kind) {
    case TypeKind::kBool: return number == 0 || number == 1;
    case TypeKind::kEnum:
      return number >= 0 &&
             number < static_cast<int64_t>(schema.enumeration(enumeration).members.size());
    case TypeKind::kDate: return number >= kFirstDay.days && number <= kLastDay.days;
    case TypeKind::kInt:
    case TypeKind::kTime:
    case TypeKind::kDuration: return number != kUnknownLong;
    default: return false;
  }
}

bool ValueFits(const Schema& schema, const FactDelta& delta, const FieldType& type,
               const DeltaValue& value) {
  switch (value.kind) {
    case DeltaKind::kUnknown: return type.kind != TypeKind::kMany;
    case DeltaKind::kNumber: return NumberFits(schema, type.kind, type.enumeration, value.number);
    case DeltaKind::kText: return type.kind == TypeKind::kText;
    case DeltaKind::kReference: return type.kind == TypeKind::kReference;
    case DeltaKind::kSet: break;
  }
  if (type.kind != TypeKind::kSet) return false;
  if (type.element == TypeKind::kText || type.element == TypeKind::kReference) return true;
  for (const DeltaMember& member : delta.members(value)) {
    if (!NumberFits(schema, type.element, type.enumeration, member.number)) return false;
  }
  return true;
}

}  // namespace

Status FactWriter::Check(const Schema& schema, const FactDelta& delta) {
  for (const DeltaRow& row : delta.rows()) {
    if (!row.entity.valid() || row.entity.index() >= schema.entities().size()) {
      return Error{ErrorKind::kInvalidInput, "a fact of an entity that the schema lacks",
                   "declare the entity, or leave the fact out"};
    }
    const EntityDef& entity = schema.entity(row.entity);
    for (const DeltaValue& value : delta.values(row)) {
      const bool known = value.field.valid() && value.field.index() < entity.fields.size();
      if (known && ValueFits(schema, delta, entity.field(value.field).type, value)) continue;
      const std::string name = known ? entity.field(value.field).name : "a field it lacks";
      return Error{ErrorKind::kInvalidInput,
                   fmt::format("{} '{}': {} cannot have such a value", entity.name,
                               delta.text(row.key), name),
                   known ? "it must be " + FormatType(schema, entity.field(value.field).type)
                         : "declare the field"};
    }
  }
  return {};
}

ChangeRecord FactWriter::Finish(uint64_t facts_seq, rocksdb::WriteBatch& batch) {
  const Database& database = state_.database();
  ChangeRecord record = TakeSegment();
  record.facts_seq = facts_seq;
  report_.facts_seq = facts_seq;
  for (size_t e = 0; e < works_.size(); ++e) {
    StoredTable& table = *state_.tables()[e];
    EntityWork& work = works_[e];
    if (table.row_count() > work.base_rows) {
      AddedRows& added = record.rows.emplace_back();
      added.entity = table.number();
      added.first_row = work.base_rows;
      added.count = table.row_count() - work.base_rows;
      for (uint32_t row = work.base_rows; !staged_ && row < table.row_count(); ++row) {
        added.ids.emplace_back(table.texts().Recent(row));
      }
    }
    if (work.source == nullptr) continue;
    SourceState& source = *work.source;
    source.observed_at = std::max(source.observed_at, origin_.observed_at);
    source.committed_at = at_;
    if (work.snapshot) {
      source.snapshot_observed_at =
          std::max(source.snapshot_observed_at.value_or(origin_.observed_at), origin_.observed_at);
      source.snapshot_row_count = work.base_rows;
      for (const LackedRows& rows : state_.ledger().AddSnapshot(
               table.number(), origin_.source, work.source_before, work.base_rows, at_)) {
        ByteWriter writer;
        writer.PutMicros(rows.since ? rows.since->micros : kUnknownLong);
        Seal(writer.bytes());
        database.Put(batch, Family::kState,
                     LackedRowsKey(table.number(), rows.row_count, origin_.source), writer.bytes());
      }
    }
    record.sources.push_back({table.number(), origin_.source, work.source_before, source});
  }
  for (const auto& [key, state] : state_.ledger().states()) {
    // Others may have lost claims: a deleted row is deleted whoever asserts it.
    ByteWriter writer;
    state.Encode(writer);
    Seal(writer.bytes());
    database.Put(batch, Family::kState, SourceKey(key.first, key.second), writer.bytes());
  }
  for (const auto& [number, source] : resized_) {
    database.Put(batch, Family::kState, SnapshotSizesKey(number, source),
                 state_.ledger().snapshot_sizes(number, source).Encode());
  }
  for (const VerifiedCell& cell : verified_) {
    ByteWriter writer;
    writer.PutMicros(state_.ledger().VerifiedAt(cell.entity, cell.row, cell.field));
    Seal(writer.bytes());
    database.Put(batch, Family::kState, VerifiedKey(cell.entity, cell.row, cell.field),
                 writer.bytes());
  }
  for (TextList* list : state_.AllLists()) {
    if (list->unlogged_first() == list->count()) continue;
    if (!staged_) {
      AddedTexts& added = record.texts.emplace_back();
      added.entity = list->entity();
      added.list = list->list();
      for (uint32_t code = list->unlogged_first(); code < list->count(); ++code) {
        added.texts.emplace_back(list->Text(code));
      }
    }
    list->MarkLogged();
  }
  return record;
}

}  // namespace rescind
