// The population as files: NDJSON and CSV for `rescind import`, and CSV with row numbers for the
// SQL peer.
//
// All three say the same as FillFacts. Row numbers are the population's in the peer's files only;
// a store gives its own.
#pragma once

#include <string>
#include <vector>

#include "engine/base/result.h"
#include "engine/facts/fact_base.h"
#include "tests/bench/population.h"

namespace rescind::bench {

struct WrittenFiles {
  std::vector<std::string> paths;
  uint64_t rows = 0;
  uint64_t bytes = 0;
};

enum class FileFormat : uint8_t { kNdjson, kCsv };

// What was known before anybody moved or was removed: one file an entity, "grant.csv".
Result<WrittenFiles> WriteImportFiles(const Population& population, const Schema& schema,
                                      FileFormat format, const std::string& folder);
// What changed later, as NDJSON: moves with the instants at which they took effect, and removals.
Result<WrittenFiles> WriteLaterFile(const Population& population, const Schema& schema,
                                    const std::string& folder);

// `load.sql` and one CSV file a table. `facts` says which rows are complete: what is derived when
// facts are loaded is given to the peer as a column.
Result<WrittenFiles> WritePeerFiles(const Population& population, const FactBase& facts,
                                    const std::string& folder);

}  // namespace rescind::bench
