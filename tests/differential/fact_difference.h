// FactDifference: what is another fact in one FactBase than in another, found by looking at every
// row; and the rows that a path leads to, likewise. Naive and obvious, to compare with.
#pragma once

#include <set>
#include <vector>

#include "engine/facts/fact_base.h"
#include "engine/facts/fact_change.h"
#include "engine/ir/dependencies.h"

namespace rescind {

// Rows keep their ids; `after` may have more of them.
std::vector<RowChange> FactDifference(const FactBase& before, const FactBase& after,
                                      const ColumnSet& columns);

// The rows that the path leads to from the row that has changed.
std::set<RowId> RowsBehind(const ir::InversePath& path, const RowChange& changed,
                           const FactBase& before, const FactBase& after);

}  // namespace rescind
