#include "engine/eval/affected_rows.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "engine/base/assert.h"
#include "engine/base/sort_unique.h"

namespace rescind::eval {

using Kind = ir::Step::Kind;

AffectedRows::AffectedRows(const ir::Program& program, ir::RulePart part, FactBase& facts)
    : facts_(facts), dependencies_(program, part), found_(program.rules.size()) {
  for (const auto& [change, dependents] : dependencies_.all()) {
    for (const auto& dependent : dependents) {
      for (const ir::Step& step : dependent.path) {
        if (step.kind == Kind::kReferrers) facts.IndexReference(step.entity, step.field);
      }
    }
  }
}

const std::vector<std::vector<uint32_t>>& AffectedRows::Find(std::span<const RowChange> changes) {
  for (auto& rows : found_) rows.clear();
  for (const RowChange& changed : changes) {
    for (const auto& dependent : dependencies_.Of(changed.change)) Follow(dependent, changed);
  }
  for (auto& rows : found_) SortUnique(rows);
  return found_;
}

void AffectedRows::Follow(const ir::Dependencies::Dependent& dependent, const RowChange& changed) {
  rows_.assign(1, changed.row.index());
  EntityId entity = changed.change.entity;
  for (size_t i = 0; i < dependent.path.size() && !rows_.empty(); ++i) {
    Take(dependent.path[i], entity, i == 0 ? &changed : nullptr);
    entity = dependent.path[i].entity;
  }
  for (const uint32_t rule : dependent.rules) {
    found_[rule].insert(found_[rule].end(), rows_.begin(), rows_.end());
  }
}

void AffectedRows::Take(const ir::Step& step, EntityId from, const RowChange* first) {
  next_rows_.clear();
  switch (step.kind) {
    case Kind::kReferred: AddReferred(step, from, first); break;
    case Kind::kReferrers: AddReferrers(step); break;
    case Kind::kPastReferrers: AddPastReferrers(step); break;
    case Kind::kHolders: AddHolders(step); break;
    case Kind::kEverything:
      next_rows_.resize(facts_.table(step.entity).row_count());
      std::iota(next_rows_.begin(), next_rows_.end(), 0U);
      break;
  }
  rows_visited_ += next_rows_.size();
  std::swap(rows_, next_rows_);
  if (rows_.size() > 1) SortUnique(rows_);
}

void AffectedRows::AddReferred(const ir::Step& step, EntityId from, const RowChange* first) {
  const auto references = facts_.table(from).column(step.field).rows();
  for (const uint32_t row : rows_) {
    if (references[row] != kNoRow) next_rows_.push_back(references[row]);
  }
  if (first == nullptr || first->change.kind != FactChange::Kind::kField) return;
  if (first->change.field == step.field && first->named_before != kNoRow) {
    next_rows_.push_back(first->named_before);
  }
}

void AffectedRows::AddReferrers(const ir::Step& step) {
  const InverseIndex& index = facts_.table(step.entity).referrers(step.field);
  for (const uint32_t row : rows_) {
    const auto referrers = index.Rows(RowId(row), merged_);
    next_rows_.insert(next_rows_.end(), referrers.begin(), referrers.end());
  }
}

void AffectedRows::AddPastReferrers(const ir::Step& step) {
  const auto references = facts_.table(step.entity).tracked(step.field).previous.rows();
  rows_visited_ += references.size();
  for (uint32_t row = 0; row < references.size(); ++row) {
    if (std::binary_search(rows_.begin(), rows_.end(), references[row])) next_rows_.push_back(row);
  }
}

void AffectedRows::AddHolders(const ir::Step& step) {
  const Column& column = facts_.table(step.entity).column(step.field);
  rows_visited_ += column.row_count();
  for (uint32_t row = 0; row < column.row_count(); ++row) {
    const auto members = column.pool().Members(column.sets()[row]);
    const bool holds_one = std::any_of(members.begin(), members.end(), [&](uint32_t member) {
      return std::binary_search(rows_.begin(), rows_.end(), member);
    });
    if (holds_one) next_rows_.push_back(row);
  }
}

}  // namespace rescind::eval
