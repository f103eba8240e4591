// RowTexts: what is read only for rows that are shown: ids, texts, and where a fact came from.
//
// Implemented by the store, and by FactBaseBuilder for tests. Ten million ids are not kept in
// memory: a plan asks for those of the rows it prints. Safe for several threads at once.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "engine/base/instant.h"
#include "engine/base/result.h"
#include "engine/facts/schema.h"

namespace rescind {

struct FieldOrigin {
  std::string source;  // the feed that set the field last
  Instant observed_at;
};

class RowTexts {
 public:
  virtual ~RowTexts() = default;
  // The row's `id`. Every row has one, mentioned and removed rows too.
  virtual Result<std::string> Id(EntityId entity, RowId row) const = 0;
  // A text field; nullopt when unknown.
  virtual Result<std::optional<std::string>> Text(EntityId entity, FieldId field,
                                                  RowId row) const = 0;
  // Nothing when the field was never set.
  virtual Result<std::optional<FieldOrigin>> Origin(EntityId entity, FieldId field,
                                                    RowId row) const = 0;
  // The row of an id, if any row or reference ever had it.
  virtual Result<std::optional<RowId>> Find(EntityId entity, std::string_view id) const = 0;
};

}  // namespace rescind
