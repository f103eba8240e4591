// FactChange: what happens to a row, as far as conclusions from it are concerned.
#pragma once

#include <compare>
#include <cstdint>

#include "engine/facts/column.h"
#include "engine/facts/schema.h"

namespace rescind {

struct FactChange {
  enum class Kind : uint8_t {
    kField,  // `field` has another value, another previous one, or changed at another instant
    kLife,   // it is live, removed (or counts as such) or absent, and was not; or removed since
             // another instant
    kCompleteness,  // it is complete, and was not, or the other way round
  };
  Kind kind = Kind::kField;
  EntityId entity;
  FieldId field;  // kField
  auto operator<=>(const FactChange&) const = default;
};

struct RowChange {
  FactChange change;
  RowId row;
  uint32_t named_before = kNoRow;  // kField of a reference: the row that it named
};

}  // namespace rescind
