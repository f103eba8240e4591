// Completeness is a greatest fixpoint: every live row starts complete, and rows whose required
// references name a row that is not are struck until nothing changes. Rows that require each
// other in a circle stay complete.
#include "engine/facts/fact_base.h"

#include <algorithm>
#include <utility>

namespace rescind {

uint32_t Table::incarnation(RowId row) const {
  const auto found = incarnations_.find(row.index());
  if (found != incarnations_.end()) return found->second;
  return presence(row) == Presence::kLive ? 1 : 0;
}

std::optional<Instant> Table::removed_at(RowId row) const {
  if (presence(row) != Presence::kRemoved) return std::nullopt;
  const auto found = removed_at_.find(row.index());
  if (found != removed_at_.end()) return Instant{found->second};
  if (incarnation(row) > 0) return std::nullopt;
  const auto lacked = std::upper_bound(
      lacked_.begin(), lacked_.end(), row.index(),
      [](uint32_t index, const LackedRows& rows) { return index < rows.row_count; });
  return lacked == lacked_.end() ? std::nullopt : lacked->since;
}

const Column& Table::column(FieldId field) const {
  const auto found = columns_.find(field);
  RESCIND_ASSERT(found != columns_.end(), "a column that was not loaded");
  return found->second;
}

const TrackedColumn& Table::tracked(FieldId field) const {
  const auto found = tracked_.find(field);
  RESCIND_ASSERT(found != tracked_.end(), "a past that was not loaded");
  return found->second;
}

const InverseIndex& Table::inverse(FieldId many_field) const {
  const auto found = inverses_.find(many_field);
  RESCIND_ASSERT(found != inverses_.end(), "an index whose reference column was not loaded");
  return *found->second;
}

const InverseIndex& Table::referrers(FieldId reference) const {
  const auto found = referrers_.find(reference);
  RESCIND_ASSERT(found != referrers_.end(), "a reference that nobody has indexed");
  return found->second;
}

const Column& Table::ids() const {
  RESCIND_ASSERT(ids_.has_value(), "ids that were not loaded");
  return *ids_;
}

FactBase::FactBase(std::shared_ptr<const Schema> schema)
    : schema_(std::move(schema)), tables_(schema_->entities().size()) {}

void FactBase::Resize(EntityId entity, uint32_t row_count) {
  Table& table = at(entity);
  table.presence_.resize(row_count, static_cast<uint8_t>(Presence::kAbsent));
  for (auto& [field, column] : table.columns_) column.Resize(row_count);
  for (auto& [field, tracked] : table.tracked_) {
    tracked.previous.Resize(row_count);
    tracked.changed_at.resize(row_count, kUnknownLong);
  }
  if (table.ids_) table.ids_->Resize(row_count);
}

void FactBase::SetIncarnation(EntityId entity, RowId row, uint32_t incarnation) {
  at(entity).incarnations_[row.index()] = incarnation;
}

void FactBase::SetRemovedAt(EntityId entity, RowId row, Instant instant) {
  at(entity).removed_at_[row.index()] = instant.micros;
}

Column& FactBase::AddColumn(EntityId entity, FieldId field, Filling filling) {
  const Physical physical = PhysicalOf(schema_->field(entity, field).type.kind);
  Table& table = at(entity);
  const auto [it, added] = table.columns_.try_emplace(field, physical, table.row_count(), filling);
  RESCIND_ASSERT(added, "a column added twice");
  return it->second;
}

TrackedColumn& FactBase::AddTracked(EntityId entity, FieldId field, Filling filling) {
  RESCIND_ASSERT(schema_->field(entity, field).tracked, "the field is not tracked");
  Table& table = at(entity);
  TrackedColumn tracked{Column::Like(table.column(field), filling), {}};
  tracked.changed_at.resize(table.row_count());
  if (filling == Filling::kUnknown) {
    std::fill(tracked.changed_at.begin(), tracked.changed_at.end(), kUnknownLong);
  }
  return table.tracked_.insert_or_assign(field, std::move(tracked)).first->second;
}

Column& FactBase::AddIds(EntityId entity) {
  Table& table = at(entity);
  table.ids_.emplace(Physical::kCode, table.row_count());
  return *table.ids_;
}

Column& FactBase::mutable_column(EntityId entity, FieldId field) {
  const auto found = at(entity).columns_.find(field);
  RESCIND_ASSERT(found != at(entity).columns_.end(), "a column that was not added");
  return found->second;
}

TrackedColumn& FactBase::mutable_tracked(EntityId entity, FieldId field) {
  const auto found = at(entity).tracked_.find(field);
  RESCIND_ASSERT(found != at(entity).tracked_.end(), "a past that was not added");
  return found->second;
}

void FactBase::Close(EntityId entity, uint32_t closed_row_count, std::vector<LackedRows> lacked) {
  at(entity).closed_ = true;
  at(entity).closed_row_count_ = closed_row_count;
  at(entity).lacked_ = std::move(lacked);
}

void FactBase::SetVersion(uint64_t facts_seq, Instant last_change) {
  facts_seq_ = facts_seq;
  last_change_ = last_change;
}

void FactBase::RunInOrder(const Tasks& tasks) {
  for (const auto& task : tasks) task();
}

void FactBase::Derive(const std::function<void(const Tasks&)>& run) {
  RESCIND_ASSERT(texts_ != nullptr, "facts without texts");
  for (Table& table : tables_) {
    const size_t closed = std::min<size_t>(table.closed_row_count_, table.presence_.size());
    for (size_t row = 0; row < closed; ++row) {
      if (table.presence_[row] == static_cast<uint8_t>(Presence::kAbsent)) {
        table.presence_[row] = static_cast<uint8_t>(Presence::kRemoved);
      }
    }
    table.live_count_ = static_cast<uint32_t>(std::count(
        table.presence_.begin(), table.presence_.end(), static_cast<uint8_t>(Presence::kLive)));
  }
  // The longest first, so that no thread is left with it when the others are done.
  std::vector<std::pair<uint32_t, std::function<void()>>> by_size;
  for (uint32_t e = 0; e < tables_.size(); ++e) {
    const auto& fields = schema_->entities()[e].fields;
    for (uint32_t f = 0; f < fields.size(); ++f) {
      const FieldType& type = fields[f].type;
      if (type.kind != TypeKind::kMany) continue;
      const Table& member = table(type.entity);
      if (!member.has(type.via)) continue;
      // Nodes of the map do not move, even when the FactBase does.
      const auto [index, is_new] = at(type.entity).referrers_.try_emplace(type.via);
      tables_[e].inverses_[FieldId(f)] = &index->second;
      if (!is_new) continue;
      by_size.emplace_back(member.row_count(), [&built = index->second, &member, via = type.via,
                                                rows = tables_[e].row_count()] {
        built = InverseIndex::Build(rows, member.column(via).rows(), member.presence());
      });
    }
  }
  std::stable_sort(by_size.begin(), by_size.end(),
                   [](const auto& a, const auto& b) { return a.first > b.first; });
  Tasks tasks;
  for (auto& [size, task] : by_size) tasks.push_back(std::move(task));
  tasks.push_back([this] { DeriveComplete(); });
  run(tasks);
}

void FactBase::IndexReference(EntityId entity, FieldId reference) {
  Table& table = at(entity);
  const auto [index, is_new] = table.referrers_.try_emplace(reference);
  if (!is_new) return;
  const EntityId target = schema_->field(entity, reference).type.entity;
  index->second =
      InverseIndex::Build(at(target).row_count(), table.column(reference).rows(), table.presence());
}

void FactBase::DeriveComplete() {
  for (Table& table : tables_) {
    table.complete_.resize(table.row_count());
    for (size_t row = 0; row < table.presence_.size(); ++row) {
      table.complete_[row] = table.presence_[row] == static_cast<uint8_t>(Presence::kLive);
    }
  }
  for (bool changed = true; changed;) {
    changed = false;
    for (uint32_t e = 0; e < tables_.size(); ++e) changed |= RefuteReferences(EntityId(e));
  }
  for (Table& table : tables_) {
    table.complete_count_ = static_cast<uint32_t>(
        std::count(table.complete_.begin(), table.complete_.end(), uint8_t{1}));
  }
}

bool FactBase::RefuteReferences(EntityId entity) {
  Table& judged = at(entity);
  bool changed = false;
  const auto& fields = schema_->entity(entity).fields;
  for (uint32_t f = 0; f < fields.size(); ++f) {
    const FieldType& type = fields[f].type;
    if (type.kind != TypeKind::kReference || type.optional || !judged.has(FieldId(f))) continue;
    const auto references = judged.column(FieldId(f)).rows();
    const auto& target = at(type.entity).complete_;
    uint8_t any_struck = 0;
    for (size_t row = 0; row < references.size(); ++row) {
      const uint32_t named = references[row];
      const uint8_t fine = named != kNoRow && target[named] != 0;
      any_struck |= static_cast<uint8_t>(judged.complete_[row] & (fine ^ 1));
      judged.complete_[row] &= fine;
    }
    changed |= any_struck != 0;
  }
  return changed;
}

uint64_t FactBase::memory_bytes() const {
  uint64_t bytes = 0;
  for (const Table& table : tables_) {
    bytes += table.presence_.size() + table.complete_.size();
    for (const auto& [field, column] : table.columns_) bytes += column.memory_bytes();
    for (const auto& [field, tracked] : table.tracked_) {
      bytes += tracked.previous.memory_bytes() + tracked.changed_at.size() * 8;
    }
    for (const auto& [field, index] : table.referrers_) bytes += index.memory_bytes();
    if (table.ids_) bytes += table.ids_->memory_bytes();
  }
  return bytes;
}

}  // namespace rescind
