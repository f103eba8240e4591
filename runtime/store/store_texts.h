// StoreTexts: ids, texts and origins of rows that are shown, read from the store when asked for.
//
// It answers as of now, or as of an earlier commit when it is given what was different then.
// Several threads may ask at once, while nobody changes the state.
#pragma once

#include <array>
#include <map>
#include <memory>
#include <mutex>
#include <tuple>

#include "engine/facts/row_texts.h"
#include "runtime/env/spin_lock.h"
#include "runtime/store/store.h"
#include "runtime/store/store_state.h"

namespace rescind {

// What differed at an earlier instant.
struct PastTexts {
  Instant at;
  std::vector<uint32_t> row_counts;  // by EntityId
  // Codes of text fields and of origins: entity and column as on disk, row.
  std::map<std::tuple<uint32_t, uint32_t, uint32_t>, uint32_t> codes;
};

class StoreTexts final : public RowTexts {
 public:
  // The owner of the state may replace it; both must outlive this.
  StoreTexts(const std::unique_ptr<StoreState>& state, std::shared_ptr<const PastTexts> past)
      : state_(state), past_(std::move(past)) {}

  Result<std::string> Id(EntityId entity, RowId row) const override;
  Result<std::optional<std::string>> Text(EntityId entity, FieldId field, RowId row) const override;
  Result<std::optional<FieldOrigin>> Origin(EntityId entity, FieldId field,
                                            RowId row) const override;
  Result<std::optional<RowId>> Find(EntityId entity, std::string_view id) const override;

 private:
  // The code in that cell, then or now. Reading it may change the column.
  Result<uint32_t> Code(EntityId entity, StoredColumn& column, uint32_t row) const;

  const std::unique_ptr<StoreState>& state_;
  std::shared_ptr<const PastTexts> past_;
  // Columns load the chunks that they are asked for: each has one of these locks.
  static constexpr size_t kLocks = 64;
  mutable std::array<SpinLock, kLocks> column_locks_;
  mutable std::mutex keys_mutex_;  // the key table likewise
};

// Everything known about a row, for `facts show`.
Result<RowFacts> ShowRow(StoreState& state, EntityId entity, uint32_t row);

}  // namespace rescind
