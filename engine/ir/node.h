// Node: one operation of the rule program. See program.h.
//
// A node has an operation, a type, the frame that it is evaluated in, operands and a few facts
// that its operation gives a meaning to; the comment at each says which. Equal nodes are one node.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "engine/base/civil.h"
#include "engine/base/instant.h"
#include "engine/base/strong_id.h"
#include "engine/facts/schema.h"

namespace rescind::ir {

using NodeId = StrongId<struct NodeTag>;              // indexes Program::nodes
using FrameId = StrongId<struct FrameTag>;            // indexes Program::frames
using CollectionId = StrongId<struct CollectionTag>;  // indexes Program::collections
using SetId = StrongId<struct SetTag>;                // indexes Program::sets
using PatternId = StrongId<struct PatternTag>;        // indexes Program::patterns
using TableId = StrongId<struct TableTag>;            // indexes Program::tables

struct Type {
  enum class Kind : uint8_t {
    kBool,
    kText,
    kInt,
    kTime,      // microseconds since 1970
    kDate,      // days since 1970
    kDuration,  // microseconds
    kEnum,      // of `enumeration`: the member's number
    kRow,       // of `entity`
    kTableRow,  // of `table`
    kSet,       // a stored set of `element`
  };
  Kind kind = Kind::kBool;
  EnumId enumeration;          // kEnum, kSet of kEnum
  EntityId entity;             // kRow, kSet of kRow
  TableId table;               // kTableRow
  Kind element = Kind::kText;  // kSet: kText, kInt, kEnum or kRow
  bool operator==(const Type&) const = default;
};

// A value that is part of the program. Enum members and int are int64_t; a row is its entity's
// (Type::entity) id as text.
using Constant = std::variant<bool, int64_t, std::string, Instant, Day, Duration>;

enum class Op : uint8_t {
  // Leaves.
  kConstant,     // constant
  kMember,       // the row that the frame stands on: the judged row, or the collection's member
  kConstantRow,  // kRow; constant: its id. Unknown while no such row is live
  kNow,          // kTime: the instant of the evaluation, as a value (for `because`, and where it
                 // does not end in a comparison)
  kToday,        // kDate: its day in the zone operands[0]

  // Paths. operands[0] is the base; unknown where the base is.
  kId,         // kText: the row's id
  kField,      // entity, field
  kColumn,     // column of a row of a table
  kChangedAt,  // entity, field (tracked): kTime, may be unknown
  kPrevious,   // entity, field (tracked): may be unknown
  kRemovedAt,  // entity, field (a reference) of the row operands[0]: when what it names went

  // Logic: kBool, never unknown; may be undecided or an error.
  kAnd,  // two operands or more, in the order in which they are best looked at
  kOr,   // likewise
  kNot,
  kIsKnown,  // operands[0] of any type

  // Relations: kBool. An unknown operand makes the result unknown: the checker has proved that this
  // happens only where an enclosing kAnd/kOr has already decided.
  kCompare,     // compare: two operands of one type, neither made of `now`. Text and rows only
                // with kEqual; enums with the order only where they are ordered
  kInSet,       // operands[0] is one of the constants `set`
  kHas,         // operands[0] is a stored set, operands[1] the member sought
  kStartsWith,  // text, part
  kEndsWith,
  kContains,
  kMatches,  // operands[0] matches `pattern`, anywhere in the text unless it is anchored
  // factor * now + sum(signs[i] * operands[i]) + offset >= 0, in exact arithmetic without overflow.
  // Operands are kTime or kDuration in microseconds, none made of `now`, signs[i] is 1 or -1,
  // factor >= 0. The one node (with kDayReached) through which time passes: with factor 1 it turns
  // true for ever at the instant -(sum + offset).
  kReached,
  // today + length >= operands[0] + offset days, `today` in the zone operands[1]; operands[0] is a
  // kDate. True for ever from StartOf(FirstDayReaching(operands[0] + offset, length)) on; where
  // there is no such day, never.
  kDayReached,

  // Values.
  kCoalesce,  // operands[0] where known, else operands[1]
  kAdd,       // time + duration, duration + duration, int + int: an error on overflow and for a
              // time outside the years 0001 … 9999
  kSubtract,  // time - duration, time - time, duration - duration, int - int: likewise
  kMultiply,  // int * int
  kNegate,    // int
  kAddCivil,  // kDate operands[0] + length; `endless`: see AddCivilEndless
  kLower,     // text, by Unicode's simple lower case
  kDateOf,    // kDate: the day of the time operands[0] in the zone operands[1]
  kStartOf,   // kTime: the first instant of the date operands[0] in the zone operands[1]

  // Collections: `collection`; operands are evaluated in the frame `inner`, which stands on its
  // members. Incomplete members make the condition undecided, they are not left out.
  kAny,       // operands[0] the condition
  kAll,       // likewise
  kCount,     // kInt; operands[0] the condition
  kSum,       // kInt; operands[0] the condition, operands[1] the value; unknown ones skipped
  kLatest,    // kTime or kDate, unknown when there is none; operands as kSum
  kEarliest,  // likewise
};

enum class Compare : uint8_t { kEqual, kLess, kLessEqual };  // the rest by kNot or by swapping

struct Node {
  Op op = Op::kConstant;
  Type type;
  // The deepest frame that the node depends on; none for a value that is the same everywhere.
  FrameId frame;
  bool may_be_unknown = false;  // by its type: checked by the verifier where it is forbidden
  // Its answer may change as time passes. A value that is not made of `now` may still step, at the
  // deadlines of a condition inside it: `count(x in E where x.t older than 90d)`.
  bool moves = false;
  Compare compare = Compare::kEqual;
  std::vector<NodeId> operands;

  EntityId entity;            // kField, kChangedAt, kPrevious, kRemovedAt
  FieldId field;              // likewise
  uint32_t column = 0;        // kColumn
  Constant constant;          // kConstant, kConstantRow
  SetId set;                  // kInSet
  PatternId pattern;          // kMatches
  CollectionId collection;    // kAny … kEarliest
  FrameId inner;              // likewise
  int32_t factor = 0;         // kReached
  int64_t offset = 0;         // kReached: microseconds; kDayReached: days
  std::vector<int8_t> signs;  // kReached
  CivilDuration length;       // kDayReached, kAddCivil
  bool endless = false;       // kAddCivil, as the date of a kDayReached

  bool operator==(const Node&) const = default;
};

// A zone is a kText node: its value names a zone of the tz database. Where it is unknown, or names
// none, whatever needs it is undecided.

}  // namespace rescind::ir
