// Completeness, after Derive(), is a greatest fixpoint: all that can be complete is. It is kept in
// two steps. First the mark is taken from rows that no longer deserve it, and from all that require
// them. Then every row that may have gained it gets it on trial, with all incomplete rows that
// require it, and loses it again in the same way if it does not deserve it: so rows that require
// each other in a circle become complete together.
#include "engine/facts/fact_editor.h"

#include <algorithm>
#include <utility>

#include "engine/base/assert.h"

namespace rescind {

using Kind = FactChange::Kind;

FactEditor::FactEditor(FactBase& facts) : facts_(facts) {
  const auto& entities = facts.schema().entities();
  required_.resize(entities.size());
  requiring_.resize(entities.size());
  for (uint32_t e = 0; e < entities.size(); ++e) {
    for (uint32_t f = 0; f < entities[e].fields.size(); ++f) {
      const FieldType& type = entities[e].fields[f].type;
      if (type.kind != TypeKind::kReference || type.optional) continue;
      if (!at(EntityId(e)).has(FieldId(f))) continue;
      facts.IndexReference(EntityId(e), FieldId(f));
      required_[e].push_back(FieldId(f));
      requiring_[type.entity.index()].push_back({EntityId(e), FieldId(f)});
    }
  }
}

void FactEditor::Note(Kind kind, EntityId entity, FieldId field, RowId row, uint32_t named_before) {
  // The first value counts: that is what everybody knows.
  noted_.try_emplace({entity, kind, field, row}, named_before);
}

void FactEditor::AddRows(EntityId entity, std::span<const std::string> ids) {
  Table& table = at(entity);
  const uint32_t first = table.row_count();
  facts_.Resize(entity, first + static_cast<uint32_t>(ids.size()));
  table.complete_.resize(table.row_count(), 0);
  for (uint32_t i = 0; i < ids.size(); ++i) {
    if (table.ids_) {
      table.ids_->mutable_words()[first + i] = table.ids_->mutable_dictionary().Intern(ids[i]);
    }
    Note(Kind::kLife, entity, {}, RowId(first + i));
  }
}

// ---- Lives ------------------------------------------------------------------------------------

void FactEditor::SetPresence(EntityId entity, RowId row, Presence presence,
                             std::optional<Instant> removed_at) {
  Table& table = at(entity);
  const Presence before = table.presence(row);
  const uint32_t incarnation = table.incarnation(row);
  Note(Kind::kLife, entity, {}, row);
  table.removed_at_.erase(row.index());
  if (presence == Presence::kRemoved && removed_at) {
    table.removed_at_[row.index()] = removed_at->micros;
  }
  if (presence == before) return;
  suspects_.insert({entity, row});
  if (before == Presence::kLive) Unindex(entity, row);
  table.presence_[row.index()] = static_cast<uint8_t>(presence);
  if (presence == Presence::kLive) Reindex(entity, row);
  table.live_count_ += presence == Presence::kLive ? 1 : 0;
  table.live_count_ -= before == Presence::kLive ? 1 : 0;
  SetIncarnation(entity, row, incarnation);
}

void FactEditor::Close(EntityId entity, uint32_t closed_row_count, std::vector<LackedRows> lacked) {
  Table& table = at(entity);
  const uint32_t before_count = table.closed_row_count_;
  facts_.Close(entity, closed_row_count, std::move(lacked));
  for (uint32_t i = 0; i < table.row_count(); ++i) {
    const RowId row(i);
    const bool counts_as_removed =
        table.presence(row) == Presence::kRemoved && table.incarnation(row) == 0;
    if (table.presence(row) == Presence::kAbsent && i < closed_row_count) {
      table.presence_[i] = static_cast<uint8_t>(Presence::kRemoved);
    } else if (counts_as_removed && i >= closed_row_count && i < before_count) {
      table.presence_[i] = static_cast<uint8_t>(Presence::kAbsent);
    } else if (!counts_as_removed) {
      continue;
    }
    Note(Kind::kLife, entity, {}, row);
  }
}

void FactEditor::SetIncarnation(EntityId entity, RowId row, uint32_t incarnation) {
  // Only exceptions are kept.
  at(entity).incarnations_.erase(row.index());
  if (at(entity).incarnation(row) != incarnation) facts_.SetIncarnation(entity, row, incarnation);
}

void FactEditor::Unindex(EntityId entity, RowId row) {
  Table& table = at(entity);
  for (auto& [field, index] : table.referrers_) {
    const uint32_t named = table.column(field).rows()[row.index()];
    if (named != kNoRow) index.Remove(RowId(named), row.index());
  }
}

void FactEditor::Reindex(EntityId entity, RowId row) {
  Table& table = at(entity);
  for (auto& [field, index] : table.referrers_) {
    const uint32_t named = table.column(field).rows()[row.index()];
    if (named != kNoRow) index.Add(RowId(named), row.index());
  }
}

// ---- Values -----------------------------------------------------------------------------------

namespace {

// The value before.
int64_t Write(Column& column, RowId row, int64_t value) {
  const uint32_t i = row.index();
  switch (column.physical()) {
    case Physical::kByte:
      return std::exchange(column.mutable_bytes()[i], static_cast<uint8_t>(value));
    case Physical::kDay:
      return std::exchange(column.mutable_days()[i], static_cast<int32_t>(value));
    case Physical::kLong: return std::exchange(column.mutable_longs()[i], value);
    case Physical::kCode:
    case Physical::kRow:
    case Physical::kSet:
      return std::exchange(column.mutable_words()[i], static_cast<uint32_t>(value));
  }
  RESCIND_UNREACHABLE("unknown physical type");
}

}  // namespace

void FactEditor::SetValue(EntityId entity, FieldId field, RowId row, int64_t value) {
  Column& column = facts_.mutable_column(entity, field);
  const int64_t before = Write(column, row, value);
  if (column.physical() != Physical::kRow) {
    Note(Kind::kField, entity, field, row);
    return;
  }
  const auto named_before = static_cast<uint32_t>(before);
  const auto named_now = static_cast<uint32_t>(value);
  Note(Kind::kField, entity, field, row, named_before);
  if (named_before != named_now) Refer(entity, field, row, named_before, named_now);
}

void FactEditor::Refer(EntityId entity, FieldId field, RowId row, uint32_t before, uint32_t after) {
  Table& table = at(entity);
  const FieldType& type = facts_.schema().field(entity, field).type;
  RESCIND_ASSERT(after == kNoRow || after < at(type.entity).row_count(),
                 "a reference to a row that is not there");
  if (!type.optional) suspects_.insert({entity, row});
  const auto index = table.referrers_.find(field);
  if (index == table.referrers_.end() || table.presence(row) != Presence::kLive) return;
  if (before != kNoRow) index->second.Remove(RowId(before), row.index());
  if (after != kNoRow) index->second.Add(RowId(after), row.index());
}

void FactEditor::SetPrevious(EntityId entity, FieldId field, RowId row, int64_t value) {
  Write(facts_.mutable_tracked(entity, field).previous, row, value);
  NotePast(entity, field, row);
}

void FactEditor::SetChangedAt(EntityId entity, FieldId field, RowId row, int64_t micros) {
  facts_.mutable_tracked(entity, field).changed_at[row.index()] = micros;
  NotePast(entity, field, row);
}

// The past of a reference is not the reference: what that names has not changed by it.
void FactEditor::NotePast(EntityId entity, FieldId field, RowId row) {
  const Column& column = at(entity).column(field);
  const bool refers = column.physical() == Physical::kRow;
  Note(Kind::kField, entity, field, row, refers ? column.rows()[row.index()] : kNoRow);
}

uint32_t FactEditor::Intern(EntityId entity, FieldId field, std::string_view text) {
  return facts_.mutable_column(entity, field).mutable_dictionary().Intern(text);
}

uint32_t FactEditor::InternSet(EntityId entity, FieldId field, std::span<const uint32_t> members) {
  return facts_.mutable_column(entity, field).mutable_pool().Intern(members);
}

uint32_t FactEditor::InternSet(EntityId entity, FieldId field, std::span<const int64_t> members) {
  return facts_.mutable_column(entity, field).mutable_pool().InternIntegers(members);
}

// ---- Completeness -----------------------------------------------------------------------------

bool FactEditor::DeservesComplete(EntityId entity, RowId row) const {
  const Table& table = facts_.table(entity);
  if (table.presence(row) != Presence::kLive) return false;
  const auto& required = required_[entity.index()];
  return std::all_of(required.begin(), required.end(), [&](FieldId field) {
    const uint32_t named = table.column(field).rows()[row.index()];
    const EntityId target = facts_.schema().field(entity, field).type.entity;
    return named != kNoRow && facts_.table(target).complete(RowId(named));
  });
}

void FactEditor::SetComplete(EntityId entity, RowId row, bool complete) {
  uint8_t& mark = at(entity).complete_[row.index()];
  was_complete_.try_emplace({entity, row}, mark);
  at(entity).complete_count_ += complete ? 1 : 0;
  at(entity).complete_count_ -= mark;
  mark = complete ? 1 : 0;
}

std::vector<FactEditor::RowKey> FactEditor::Requiring(EntityId entity, RowId row) const {
  std::vector<RowKey> rows;
  std::vector<uint32_t> merged;
  for (const auto& [referring, field] : requiring_[entity.index()]) {
    for (const uint32_t referrer : facts_.table(referring).referrers(field).Rows(row, merged)) {
      rows.push_back({referring, RowId(referrer)});
    }
  }
  return rows;
}

void FactEditor::Strike(std::vector<RowKey> suspects) {
  while (!suspects.empty()) {
    const auto [entity, row] = suspects.back();
    suspects.pop_back();
    if (!facts_.table(entity).complete(row) || DeservesComplete(entity, row)) continue;
    SetComplete(entity, row, false);
    const std::vector<RowKey> requiring = Requiring(entity, row);
    suspects.insert(suspects.end(), requiring.begin(), requiring.end());
  }
}

void FactEditor::DeriveCompleteness() {
  std::vector<RowKey> suspects(suspects_.begin(), suspects_.end());
  Strike(suspects);
  std::vector<RowKey> on_trial;
  while (!suspects.empty()) {
    const auto [entity, row] = suspects.back();
    suspects.pop_back();
    const Table& table = facts_.table(entity);
    if (table.presence(row) != Presence::kLive || table.complete(row)) continue;
    SetComplete(entity, row, true);
    on_trial.push_back({entity, row});
    const std::vector<RowKey> requiring = Requiring(entity, row);
    suspects.insert(suspects.end(), requiring.begin(), requiring.end());
  }
  Strike(std::move(on_trial));
  for (const auto& [key, before] : was_complete_) {
    const auto [entity, row] = key;
    if (facts_.table(entity).complete(row) == (before != 0)) continue;
    Note(Kind::kCompleteness, entity, {}, row);
  }
  suspects_.clear();
  was_complete_.clear();
}

std::vector<RowChange> FactEditor::Finish() {
  DeriveCompleteness();
  std::vector<RowChange> changes;
  changes.reserve(noted_.size());
  for (const auto& [key, named_before] : noted_) {
    const auto& [entity, kind, field, row] = key;
    changes.push_back({{kind, entity, field}, row, named_before});
  }
  noted_.clear();
  return changes;
}

}  // namespace rescind
