// What a store still holds of an entity or a field that no schema declares any more.
//
// Everything is by the numbers that the store has given them. The whole log is read, so it is for
// the rare opening that finds such a thing, before anything else has been loaded. `facts_seq`: the
// last commit of the store; what lies beyond was never finished.
#pragma once

#include <cstdint>
#include <optional>

#include "engine/base/instant.h"
#include "engine/base/result.h"
#include "engine/facts/schema.h"
#include "runtime/store/database.h"

namespace rescind {

struct FieldTraces {
  uint64_t row_count = 0;            // that have a value now, whether they live or are removed
  std::optional<Instant> last_seen;  // when a value of the past was last set or replaced
};

// `kind`: of the field's values. What it was previously does not count: no one can make that
// unknown.
Result<FieldTraces> FindTraces(const Database& database, uint64_t facts_seq, uint32_t entity,
                               uint32_t field, TypeKind kind);
Result<bool> HasRows(const Database& database, uint64_t facts_seq, uint32_t entity);

// All chunks, directories and texts of the field.
Status EraseField(const Database& database, rocksdb::WriteBatch& batch, uint32_t entity,
                  uint32_t field);

}  // namespace rescind
