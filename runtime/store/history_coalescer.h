// HistoryCoalescer: what of the past of `latest` fields is not kept.
//
// A last use moves on with every use, and history must not grow with each. Of such a field's
// changes it keeps those that reach another step of time, an hour by default: the value that is
// read as of an instant is then never earlier than the one that was known, and lies in the same
// step. The columns, which hold the present, are exact. It reads no database and decides nothing
// else.
#pragma once

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "engine/base/instant.h"
#include "runtime/store/change_record.h"
#include "runtime/store/stored_table.h"

namespace rescind {

class HistoryCoalescer {
 public:
  // `step`: steps begin at 1970-01-01T00:00Z; 0 keeps everything.
  HistoryCoalescer(const std::vector<std::unique_ptr<StoredTable>>& tables, Duration step);

  // There is nothing to leave out of any record.
  bool idle() const { return fields_.empty(); }
  // Leaves out what is not kept, of a record that need not be replayed. False: nothing was.
  bool Coalesce(ChangeRecord& record) const;
  // Whether the past reads the same without the record.
  bool SaysNothing(const ChangeRecord& record) const;

 private:
  // From the one instant forward to the other within a step.
  bool StaysInStep(int64_t old_micros, int64_t new_micros) const;
  bool StaysInStep(const SourceChange& change) const;

  const int64_t step_micros_;
  // Entity and value column of the `latest` fields, as on disk.
  std::vector<std::pair<uint32_t, uint32_t>> fields_;
};

}  // namespace rescind
