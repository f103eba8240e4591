#include "engine/facts/fact_delta.h"

#include <limits>

#include "engine/base/assert.h"

namespace rescind {

DeltaText FactDelta::Store(std::string_view text) {
  RESCIND_ASSERT(arena_.size() + text.size() < std::numeric_limits<uint32_t>::max(),
                 "a delta of more than 4 GB: commit it in batches");
  const DeltaText stored{static_cast<uint32_t>(arena_.size()), static_cast<uint32_t>(text.size())};
  arena_.append(text);
  return stored;
}

DeltaValue& FactDelta::AddValue(FieldId field, DeltaKind kind) {
  RESCIND_ASSERT(!rows_.empty(), "a value without a row");
  ++rows_.back().value_count;
  DeltaValue& value = values_.emplace_back();
  value.field = field;
  value.kind = kind;
  return value;
}

void FactDelta::BeginRow(EntityId entity, std::string_view key) {
  DeltaRow row;
  row.entity = entity;
  row.key = Store(key);
  row.first_value = static_cast<uint32_t>(values_.size());
  rows_.push_back(row);
}

void FactDelta::DropRow() {
  RESCIND_ASSERT(!rows_.empty(), "no row to drop");
  const DeltaRow& row = rows_.back();
  for (uint32_t i = row.first_value; i < values_.size(); ++i) {
    if (values_[i].kind != DeltaKind::kSet) continue;
    members_.resize(values_[i].members.first);
    break;
  }
  values_.resize(row.first_value);
  arena_.resize(row.key.begin_bytes);
  rows_.pop_back();
}

void FactDelta::KeepRows(const std::vector<bool>& marks) {
  RESCIND_ASSERT(marks.size() == rows_.size(), "one mark a row");
  size_t kept = 0;
  for (size_t i = 0; i < rows_.size(); ++i) {
    if (marks[i]) rows_[kept++] = rows_[i];
  }
  rows_.resize(kept);
}

void FactDelta::SetNumber(FieldId field, int64_t number) {
  RESCIND_ASSERT(number != kUnknownLong, "the sentinel is no value");
  AddValue(field, DeltaKind::kNumber).number = number;
}

void FactDelta::SetText(FieldId field, std::string_view text) {
  const DeltaText stored = Store(text);
  AddValue(field, DeltaKind::kText).text = stored;
}

void FactDelta::SetReference(FieldId field, std::string_view id) {
  const DeltaText stored = Store(id);
  AddValue(field, DeltaKind::kReference).text = stored;
}

void FactDelta::BeginSet(FieldId field) {
  const auto first = static_cast<uint32_t>(members_.size());
  AddValue(field, DeltaKind::kSet).members = {first, 0};
}

void FactDelta::AddNumber(int64_t number) {
  RESCIND_ASSERT(!values_.empty() && values_.back().kind == DeltaKind::kSet, "no set begun");
  ++values_.back().members.count;
  DeltaMember member;
  member.number = number;
  members_.push_back(member);
}

void FactDelta::AddText(std::string_view text) {
  RESCIND_ASSERT(!values_.empty() && values_.back().kind == DeltaKind::kSet, "no set begun");
  ++values_.back().members.count;
  DeltaMember member;
  member.text = Store(text);
  members_.push_back(member);
}

void FactDelta::Clear() {
  arena_.clear();
  rows_.clear();
  values_.clear();
  members_.clear();
}

}  // namespace rescind
