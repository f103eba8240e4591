// Expressions of the typed tree. See typed_ast.h.
//
// A node has a kind, a type, a place, operands in a fixed order and a few facts that its kind
// gives a meaning to. The comment at each kind says which. Defines are inlined (kInlined marks
// where), names are resolved, paths through `many` are explicit, and no implicit step is left.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "engine/base/civil.h"
#include "engine/base/instant.h"
#include "engine/base/source.h"
#include "engine/base/strong_id.h"
#include "engine/facts/schema.h"

namespace rescind::typed {

using BinderId = StrongId<struct BinderTag>;  // unique in the whole program
using ParamId = StrongId<struct ParamTag>;    // indexes Program::params
using ListId = StrongId<struct ListTag>;      // indexes Program::lists
using TableId = StrongId<struct TableTag>;    // indexes Program::tables

struct Type {
  enum class Kind : uint8_t {
    kError,  // never in a Program: only while it is being checked
    kBool,
    kText,
    kInt,
    kTime,
    kDate,
    kDuration,  // exact microseconds
    kCivil,     // a civil length: always constant
    kEnum,
    kRow,        // a row of `entity`: a variable, or a reference
    kTableRow,   // a row of `table`
    kSet,        // a stored set, of `element`
    kRows,       // a collection of rows of `entity`, each once
    kTableRows,  // a collection of rows of `table`
  };
  Kind kind = Kind::kError;
  bool optional = false;        // may be unknown here, narrowing taken into account
  bool moving = false;          // kTime, kDuration: depends on `now`. kDate: on `today`
  EnumId enumeration;           // kEnum, kSet of kEnum
  EntityId entity;              // kRow, kRows, kSet of kRow
  TableId table;                // kTableRow, kTableRows
  Kind element = Kind::kError;  // kSet: kText, kInt, kEnum or kRow

  bool operator==(const Type&) const = default;
  // A date that depends on today.
  bool is_today() const { return kind == Kind::kDate && moving; }
};
// A type that needs no more than its kind; always known.
inline Type Plain(Type::Kind kind) {
  Type type;
  type.kind = kind;
  return type;
}

struct EnumValue {
  EnumId enumeration;
  uint8_t member = 0;
  bool operator==(const EnumValue&) const = default;
};
// A row named by its id.
struct RowKey {
  EntityId entity;
  std::string id;
  bool operator==(const RowKey&) const = default;
};
using Constant = std::variant<bool, int64_t, std::string, Instant, Day, Duration, CivilDuration,
                              EnumValue, RowKey>;

enum class ExprKind : uint8_t {
  // Leaves.
  kLiteral,   // constant
  kParam,     // param, constant (its value, overrides applied): lower it like a literal
  kVariable,  // binder: the judged row, or the member of a collection that is looked at
  kLet,       // let: index into Policy::lets; equal to that value in every respect
  kNow,       // kTime, moving
  kToday,     // kDate, moving; only as one side of kCompare, alone or under one kAdd/kSubtract

  // Paths. operands[0] is the base.
  kId,       // the implicit `id` of a row
  kField,    // entity, field of the row operands[0]. guarded: see Expr::guarded
  kColumn,   // column of the table row operands[0]
  kMany,     // the rows that refer to the row operands[0] by field `field` (kMany) of `entity`
  kFlatMap,  // operands[0] is kRows or a set of rows; `entity`.`field` of each member, a reference
             // (unknown ones skipped), a set of references or a many; each row once. kRows
  kRowsOfSet,  // operands[0] is a kSet of kRow, read as a collection. kRows
  kTable,      // table: all its rows. kTableRows

  // Logic. kBool.
  kAnd,  // two operands or more
  kOr,   // two operands or more
  kNot,
  kIsKnown,
  kIsUnknown,

  // Relations. kBool; operands never optional.
  kCompare,     // compare; operands of one type
  kIn,          // operands[0] in constants (a literal set), sorted as written
  kInList,      // operands[0] in `list`
  kHas,         // operands[0] is a kSet, operands[1] the member sought (`x in SET` too)
  kStartsWith,  // text, part
  kEndsWith,
  kContains,
  kMatches,     // operands[0]; text: the RE2 pattern, known to compile
  kPassed,      // kTime or kDate
  kOlder,       // moment, length (kTime with kDuration, kDate with kCivil)
  kNewer,       // the negation of kOlder
  kWithinNext,  // moment, length

  // Values.
  kCoalesce,   // left, right; left may be optional
  kAdd,        // time + duration, date + civil, int + int
  kSubtract,   // time - duration, time - time, date - civil, int - int
  kMultiply,   // int * int
  kNegate,     // int
  kLower,      // lower(text)
  kDateOf,     // date(t): its day in the policy's time zone
  kStartOf,    // start_of(d): the instant at which it begins there
  kChangedAt,  // operands[0] is a kField of a tracked field. optional kTime
  kPrevious,   // operands[0] is a kField of a tracked field. optional, of the field's type
  kRemovedAt,  // operands[0] is a kField that is a reference. optional kTime

  // Collections. operands[0] the collection, operands[1] the condition or null, binder its member.
  kAny,
  kAll,  // operands[1] is never null
  kNo,
  kCount,     // kInt
  kFilter,    // operands[1] is never null. kRows or kTableRows
  kLatest,    // operands[2] the value, kTime or kDate; unknown ones skipped. optional
  kEarliest,  // likewise
  kSum,       // operands[2] the value, kInt; unknown ones skipped

  // A call of a define, inlined: operands[0] is the body with the arguments in place. Equal to it.
  kInlined,  // text: the define's full name; definition: the place of its body
};

enum class CompareOp : uint8_t { kEqual, kNotEqual, kLess, kLessEqual, kGreater, kGreaterEqual };

struct Expr;
using ExprPtr = std::unique_ptr<Expr>;

struct Expr {
  ExprKind kind = ExprKind::kLiteral;
  CompareOp compare = CompareOp::kEqual;  // kCompare
  // kField, kId, kMany, kColumn: the base may be unknown (`?.`, or right of one in the same chain,
  // or read through a collection's member that is); then this is unknown too. Without it the base
  // is known here.
  bool guarded = false;
  Type type;
  Span span;  // as written; of the call's body inside kInlined
  std::vector<ExprPtr> operands;

  EntityId entity;      // kField, kMany, kFlatMap: whose field
  FieldId field;        // kField, kMany, kFlatMap
  uint32_t column = 0;  // kColumn
  uint32_t let = 0;     // kLet
  BinderId binder;      // kVariable, and the collection kinds
  ParamId param;        // kParam
  ListId list;          // kInList
  TableId table;        // kTable
  std::string name;     // kVariable, kLet, collections: the variable; kParam: the full name
  std::string text;     // kMatches: the pattern; kInlined: the define's full name
  Span definition;      // kInlined
  Constant constant;    // kLiteral, kParam
  std::vector<Constant> constants;  // kIn
};

// The node under any kInlined (not under kLet: lets belong to their policy).
const Expr& Strip(const Expr& expr);
// A deep copy.
ExprPtr Clone(const Expr& expr);

}  // namespace rescind::typed
