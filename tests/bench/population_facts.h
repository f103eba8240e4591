// FillFacts: the population as columns in memory, as a store would load them.
#pragma once

#include "engine/facts/column_set.h"
#include "engine/facts/fact_base.h"
#include "tests/bench/population.h"

namespace rescind::bench {

// The columns of `columns` and what they imply; what the population does not say is unknown. Row
// numbers are the population's. `population` outlives the result, which asks it for ids.
FactBase FillFacts(const Population& population, const std::shared_ptr<const Schema>& schema,
                   const ColumnSet& columns);

}  // namespace rescind::bench
