// Value: what a node of the rule program comes to for one row at one instant.
//
// Known, unknown (a fact is missing), undecided (it hangs on a row that nobody has delivered yet)
// or an error. Plain data; it knows no columns.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "engine/base/instant.h"
#include "engine/facts/schema.h"
#include "engine/ir/node.h"

namespace rescind::eval {

enum class ValueStatus : uint8_t { kKnown, kUnknown, kUndecided, kError };

// What evaluation may stumble over. Reported with policy and row; never a match.
enum class EvaluationError : uint8_t {
  kNone = 0,
  kOverflow = 1,        // a number does not fit into 64 bits
  kTimeOutOfRange = 2,  // a time outside the years 0001 … 9999
  kDateOutOfRange = 3,  // likewise a date
};
std::string_view EvaluationErrorText(EvaluationError error);  // "a number grew too large"

// A row of a table that a policy file declares (ir::Program::tables).
struct TableRow {
  ir::TableId table;
  uint32_t row = 0;
  bool operator==(const TableRow&) const = default;
};
// An entity's row, live or not.
struct FactRow {
  EntityId entity;
  RowId row;
  bool operator==(const FactRow&) const = default;
};
// A stored set: its id in the pool of the column it was read from.
struct StoredSet {
  EntityId entity;
  FieldId field;
  uint32_t set = 0;
  bool operator==(const StoredSet&) const = default;
};
struct EnumMember {
  EnumId enumeration;
  uint8_t member = 0;
  bool operator==(const EnumMember&) const = default;
};

struct Value {
  ValueStatus status = ValueStatus::kUnknown;
  EvaluationError error = EvaluationError::kNone;  // kError
  // kKnown.
  std::variant<bool, int64_t, std::string, Instant, Day, Duration, EnumMember, FactRow, TableRow,
               StoredSet>
      content;

  bool known() const { return status == ValueStatus::kKnown; }
  bool operator==(const Value&) const = default;
};

}  // namespace rescind::eval
