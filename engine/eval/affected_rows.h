// AffectedRows: from what has changed to the rows that must be judged again, and by which rules.
//
// Walks the inverse paths of the program's dependencies over the indexes of the facts. What it
// costs follows what it finds, but where a path leads through a set of rows or the past of a
// reference: those have no index, and their column is searched. It judges nothing.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/facts/fact_base.h"
#include "engine/facts/fact_change.h"
#include "engine/ir/dependencies.h"

namespace rescind::eval {

class AffectedRows {
 public:
  // Indexes the references that paths lead through. Both outlive it.
  AffectedRows(const ir::Program& program, ir::RulePart part, FactBase& facts);

  // By rule: rows of its entity, ascending, each once. The facts are those after the changes.
  // Valid until the next call.
  const std::vector<std::vector<uint32_t>>& Find(std::span<const RowChange> changes);
  // Rows that were looked at on the way.
  uint64_t rows_visited() const { return rows_visited_; }

 private:
  void Follow(const ir::Dependencies::Dependent& dependent, const RowChange& changed);
  // From `rows_` to `rows_`.
  void Take(const ir::Step& step, EntityId from, const RowChange* first);
  void AddReferred(const ir::Step& step, EntityId from, const RowChange* first);
  void AddReferrers(const ir::Step& step);
  void AddPastReferrers(const ir::Step& step);
  void AddHolders(const ir::Step& step);

  FactBase& facts_;
  const ir::Dependencies dependencies_;
  std::vector<uint32_t> rows_;
  std::vector<uint32_t> next_rows_;
  std::vector<uint32_t> merged_;
  std::vector<std::vector<uint32_t>> found_;  // by rule
  uint64_t rows_visited_ = 0;
};

}  // namespace rescind::eval
