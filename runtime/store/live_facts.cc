#include "runtime/store/live_facts.h"

#include <algorithm>
#include <cstring>

#include "engine/base/assert.h"
#include "runtime/store/fact_loader.h"

namespace rescind {

LiveFacts::LiveFacts(FactBase facts, const std::unique_ptr<StoreState>& state,
                     const ColumnSet& columns, DeclaredSources declared,
                     std::vector<LiveFacts*>& followers)
    : facts_(std::move(facts)),
      editor_(facts_),
      state_(state),
      declared_(std::move(declared)),
      followers_(followers) {
  const ColumnSet whole = columns.Closure(facts_.schema());
  for (uint32_t e = 0; e < facts_.schema().entities().size(); ++e) AddTargets(EntityId(e));
  for (const auto& [entity, field] : whole.fields) {
    AddFieldTargets(entity, field, whole.HasHistory(entity, field));
  }
  followers_.push_back(this);
}

LiveFacts::~LiveFacts() { std::erase(followers_, this); }

void LiveFacts::AddTargets(EntityId entity) {
  StoredTable& table = this->state().table(entity);
  entities_[table.number()] = entity;
  const auto add = [&](RowColumn column, Cell cell) {
    targets_[{table.number(), table.column(column).number()}] = {entity, {}, cell};
  };
  add(RowColumn::kPresence, Cell::kPresence);
  add(RowColumn::kIncarnation, Cell::kIncarnation);
  add(RowColumn::kRemovedAt, Cell::kRemovedAt);
}

void LiveFacts::AddFieldTargets(EntityId entity, FieldId field, bool history) {
  StoredTable& table = this->state().table(entity);
  FieldColumns& stored = table.field(field);
  targets_[{table.number(), stored.value->number()}] = {entity, field, Cell::kValue};
  if (stored.dictionary)
    lists_[{table.number(), stored.dictionary->list()}] = {entity, field, false};
  if (stored.sets) lists_[{table.number(), stored.sets->list()}] = {entity, field, true};
  if (!history || !stored.previous) return;
  targets_[{table.number(), stored.previous->number()}] = {entity, field, Cell::kPrevious};
  targets_[{table.number(), stored.changed_at->number()}] = {entity, field, Cell::kChangedAt};
}

void LiveFacts::Follow(const ChangeRecord& record) {
  if (stale_) return;
  for (const AddedRows& added : record.rows) {
    const EntityId entity = entities_.at(added.entity);
    RESCIND_ASSERT(added.ids.size() == added.count, "new rows of which the record has no ids");
    RESCIND_ASSERT(added.first_row == facts_.table(entity).row_count(), "rows that were missed");
    editor_.AddRows(entity, added.ids);
  }
  // Sets are made of the codes of texts.
  for (const bool sets : {false, true}) {
    for (const AddedTexts& added : record.texts) AddTexts(added, sets);
  }
  for (const CellGroup& group : record.groups) {
    const auto target = targets_.find({group.entity, group.column});
    if (target == targets_.end()) continue;
    for (size_t i = 0; i < group.cells.rows.size(); ++i) {
      Take(target->second, RowId(group.cells.rows[i]), group.cells.news[i]);
    }
  }
  SettleLives();
  if (!record.sources.empty()) SettleClosings();
  editor_.SetVersion(this->state().facts_seq(), this->state().last_change());
  const std::vector<RowChange> changes = editor_.Finish();
  changes_.insert(changes_.end(), changes.begin(), changes.end());
}

void LiveFacts::AddTexts(const AddedTexts& added, bool sets) {
  const auto list = lists_.find({added.entity, added.list});
  if (list == lists_.end() || list->second.is_set != sets) return;
  const auto& [entity, field, is_set] = list->second;
  const Column& column = facts_.table(entity).column(field);
  const bool integers = facts_.schema().field(entity, field).type.element == TypeKind::kInt;
  for (const std::string& bytes : added.texts) {
    const uint32_t next = is_set ? column.pool().count() : column.dictionary().count();
    uint32_t number = 0;
    if (!is_set) {
      number = editor_.Intern(entity, field, bytes);
    } else if (integers) {
      std::vector<int64_t> members(bytes.size() / sizeof(int64_t));
      std::memcpy(members.data(), bytes.data(), bytes.size());
      number = editor_.InternSet(entity, field, std::span<const int64_t>(members));
    } else {
      std::vector<uint32_t> members(bytes.size() / sizeof(uint32_t));
      std::memcpy(members.data(), bytes.data(), bytes.size());
      number = editor_.InternSet(entity, field, std::span<const uint32_t>(members));
    }
    // INVARIANT: texts and sets are numbered in memory as they are on disk.
    RESCIND_ASSERT(number == next, "a text that is numbered otherwise than the store does");
  }
}

void LiveFacts::Take(const Target& target, RowId row, uint64_t number) {
  const auto value = static_cast<int64_t>(number);
  switch (target.cell) {
    case Cell::kPresence:
      lives_[{target.entity, row}].presence = static_cast<Presence>(number);
      return;
    case Cell::kIncarnation:
      lives_[{target.entity, row}].incarnation = static_cast<uint32_t>(number);
      return;
    case Cell::kRemovedAt: lives_[{target.entity, row}].removed_at = value; return;
    case Cell::kValue: editor_.SetValue(target.entity, target.field, row, value); return;
    case Cell::kPrevious: editor_.SetPrevious(target.entity, target.field, row, value); return;
    case Cell::kChangedAt: editor_.SetChangedAt(target.entity, target.field, row, value); return;
  }
  RESCIND_UNREACHABLE("not a cell");
}

void LiveFacts::SettleLives() {
  for (const auto& [key, life] : lives_) {
    const auto [entity, row] = key;
    const Table& table = facts_.table(entity);
    if (life.presence || life.removed_at) {
      std::optional<Instant> removed_at = table.removed_at(row);
      if (life.removed_at) {
        removed_at.reset();
        if (*life.removed_at != kUnknownLong) removed_at = Instant{*life.removed_at};
      }
      editor_.SetPresence(entity, row, life.presence.value_or(table.presence(row)), removed_at);
    }
    if (life.incarnation) editor_.SetIncarnation(entity, row, *life.incarnation);
  }
  lives_.clear();
}

void LiveFacts::SettleClosings() {
  for (const auto& [number, entity] : entities_) {
    auto closing = ClosingOf(this->state(), entity, declared_, this->state().ledger().states(), {});
    const Table& table = facts_.table(entity);
    if (!closing) continue;
    const bool is_known = facts_.closed(entity) && table.lacked() == closing->lacked &&
                          table.closed_row_count() == closing->row_count;
    if (!is_known) editor_.Close(entity, closing->row_count, std::move(closing->lacked));
  }
}

}  // namespace rescind
