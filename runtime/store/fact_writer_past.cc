// What a row was before: the value that a tracked field had, since when it has another, and that a
// new life knows of no former one.
//
//   A ─ B                  a change from A to B, at B's instant
//   A ─ unknown ─ B        the same: a feed that was blank for a delivery hides nobody who moved
//   A ─ unknown ─ A        no change
//   unknown ─ B            no change: nothing is known that it could have been
#include "runtime/store/fact_writer.h"

namespace rescind {

Status FactWriter::BeginLife(EntityId entity, uint32_t row) {
  StoredTable& table = state_.table(entity);
  StoredColumn& incarnation = table.column(RowColumn::kIncarnation);
  if (incarnation.Get(row) > 0) RESCIND_TRY(ForgetFormerLife(entity, row));
  SetCell(entity, table.column(RowColumn::kPresence), row, static_cast<uint64_t>(Presence::kLive));
  SetCell(entity, incarnation, row, incarnation.Get(row) + 1);
  StoredColumn& removed_at = table.column(RowColumn::kRemovedAt);
  if (removed_at.Get(row) != removed_at.default_number()) {
    SetCell(entity, removed_at, row, removed_at.default_number());
  }
  return {};
}

// Access that was taken away and is given anew has no past: neither when it was last used, nor
// until when it was meant, nor what a person was before.
Status FactWriter::ForgetFormerLife(EntityId entity, uint32_t row) {
  StoredTable& table = state_.table(entity);
  for (uint32_t f = 0; f < table.definition().fields.size(); ++f) {
    FieldColumns& field = table.field(FieldId(f));
    for (StoredColumn* column :
         {field.value.get(), field.origin.get(), field.previous.get(), field.changed_at.get(),
          field.last_known.get(), field.told_at.get()}) {
      if (column == nullptr) continue;
      RESCIND_TRY(column->Need(state_.database(), row));
      if (column->Get(row) == column->default_number()) continue;
      SetCell(entity, *column, row, column->default_number());
    }
  }
  return {};
}

Status FactWriter::NoteChange(const DeltaRow& given, uint32_t row, FieldColumns& field,
                              uint64_t number) {
  const Database& database = state_.database();
  uint64_t before = field.value->Get(row);
  // A set is never unknown: a missing one is empty.
  if (field.last_known) {
    const uint64_t unknown = field.value->default_number();
    // Millions of them come in one import, and their columns need not be touched.
    if (row_is_new_ && before == unknown) return {};
    RESCIND_TRY(field.last_known->Need(database, row));
    if (number == unknown) {
      SetCell(given.entity, *field.last_known, row, before);
      return {};
    }
    if (before == unknown) {
      before = field.last_known->Get(row);
      if (before == unknown) return {};
      SetCell(given.entity, *field.last_known, row, unknown);
      if (before == number) return {};
    }
  }
  RESCIND_TRY(field.previous->Need(database, row));
  RESCIND_TRY(field.changed_at->Need(database, row));
  const int64_t since =
      given.effective_micros != kUnknownLong ? given.effective_micros : at_.micros;
  SetCell(given.entity, *field.previous, row, before);
  SetCell(given.entity, *field.changed_at, row, static_cast<uint64_t>(since));
  return {};
}

// The date of a record is that of its newest change, whichever field that was, and a feed repeats
// it with every delivery. So where a record changes something, its date is that of what it changes.
// Where it changes nothing and has another date than the last record of the field, the feed has
// corrected the date: of the change that this last record dated, not of an older one; or of one
// that is said to have been in effect earlier than it is known to be.
Status FactWriter::NoteEffective(const DeltaRow& given, uint32_t row, bool added, bool& changed) {
  if (given.effective_micros == kUnknownLong) return {};
  const Database& database = state_.database();
  const auto effective = static_cast<uint64_t>(given.effective_micros);
  const bool may_correct = !added && !changed;
  for (const FieldId id : dated_fields_) {
    FieldColumns& field = state_.table(given.entity).field(id);
    if (!field.told_at) continue;
    RESCIND_TRY(field.told_at->Need(database, row));
    const uint64_t told = field.told_at->Get(row);
    if (told == effective) continue;
    SetCell(given.entity, *field.told_at, row, effective);
    if (!may_correct) continue;
    RESCIND_TRY(field.changed_at->Need(database, row));
    const uint64_t since = field.changed_at->Get(row);
    if (since == field.changed_at->default_number()) continue;
    if (since != told && given.effective_micros >= static_cast<int64_t>(since)) continue;
    SetCell(given.entity, *field.changed_at, row, effective);
    changed = true;
  }
  return {};
}

}  // namespace rescind
