// Whether a change is kept depends on its own two values alone, so that it does not matter how
// often the log is folded, and no drift adds up.
//
// Example, in steps of an hour: 9:10 → 9:40 → 9:50 → 11:20 → 9:00. The first two changes are left
// out; the third is kept, with 9:50 as what it replaced, which as-of answers for every instant
// before it; a step back is always kept.
#include "runtime/store/history_coalescer.h"

#include <algorithm>

#include "engine/base/civil.h"
#include "engine/facts/column.h"
#include "runtime/store/store_layout.h"

namespace rescind {
namespace {

// Leaves only the cells whose index `keeps` wants; how many went.
template <typename Keeps>
size_t KeepOnly(CellLog& cells, const Keeps& keeps) {
  size_t kept = 0;
  for (size_t i = 0; i < cells.rows.size(); ++i) {
    if (!keeps(i)) continue;
    cells.rows[kept] = cells.rows[i];
    cells.olds[kept] = cells.olds[i];
    cells.news[kept] = cells.news[i];
    ++kept;
  }
  const size_t gone = cells.rows.size() - kept;
  cells.rows.resize(kept);
  cells.olds.resize(kept);
  cells.news.resize(kept);
  return gone;
}

}  // namespace

HistoryCoalescer::HistoryCoalescer(const std::vector<std::unique_ptr<StoredTable>>& tables,
                                   Duration step)
    : step_micros_(step.micros) {
  if (step_micros_ <= 0) return;
  for (const auto& table : tables) {
    const auto& fields = table->definition().fields;
    for (uint32_t f = 0; f < fields.size(); ++f) {
      if (!fields[f].latest) continue;
      fields_.emplace_back(table->number(), table->field(FieldId(f)).value->number());
    }
  }
}

bool HistoryCoalescer::StaysInStep(int64_t old_micros, int64_t new_micros) const {
  if (old_micros == kUnknownLong || new_micros == kUnknownLong) return false;
  return old_micros <= new_micros &&
         FloorDivide(old_micros, step_micros_) == FloorDivide(new_micros, step_micros_);
}

bool HistoryCoalescer::StaysInStep(const SourceChange& change) const {
  if (!change.before) return false;
  const SourceState& before = *change.before;
  const SourceState& after = change.after;
  return before.claimed_rows == after.claimed_rows &&
         before.snapshot_observed_at == after.snapshot_observed_at &&
         before.snapshot_row_count == after.snapshot_row_count &&
         StaysInStep(before.observed_at.micros, after.observed_at.micros) &&
         StaysInStep(before.committed_at.micros, after.committed_at.micros);
}

bool HistoryCoalescer::Coalesce(ChangeRecord& record) const {
  size_t gone = 0;
  std::vector<uint32_t> moved;  // rows whose value is kept
  for (const auto& [entity, column] : fields_) {
    moved.clear();
    for (CellGroup& group : record.groups) {
      if (group.entity != entity || group.column != column || !group.has_olds) continue;
      CellLog& cells = group.cells;
      gone += KeepOnly(cells, [&](size_t i) {
        if (StaysInStep(static_cast<int64_t>(cells.olds[i]), static_cast<int64_t>(cells.news[i])))
          return false;
        moved.push_back(cells.rows[i]);
        return true;
      });
    }
    std::sort(moved.begin(), moved.end());
    // Who said so is kept where what was said is.
    const uint32_t origin = column + static_cast<uint32_t>(FieldColumn::kOrigin);
    for (CellGroup& group : record.groups) {
      if (group.entity != entity || group.column != origin || !group.has_olds) continue;
      CellLog& cells = group.cells;
      gone += KeepOnly(cells, [&](size_t i) {
        return std::binary_search(moved.begin(), moved.end(), cells.rows[i]);
      });
    }
  }
  if (gone == 0) return false;
  std::erase_if(record.groups, [](const CellGroup& group) { return group.cells.rows.empty(); });
  return true;
}

bool HistoryCoalescer::SaysNothing(const ChangeRecord& record) const {
  return record.groups.empty() && record.rows.empty() &&
         std::all_of(record.sources.begin(), record.sources.end(),
                     [&](const SourceChange& change) { return StaysInStep(change); });
}

}  // namespace rescind
