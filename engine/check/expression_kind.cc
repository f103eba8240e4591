#include "engine/check/expression_kind.h"

#include "engine/base/assert.h"

namespace rescind::check {

using typed::ExprKind;

std::string_view ExprKindName(ExprKind kind) {
  switch (kind) {
    case ExprKind::kLiteral: return "literal";
    case ExprKind::kParam: return "param";
    case ExprKind::kVariable: return "variable";
    case ExprKind::kLet: return "let";
    case ExprKind::kNow: return "now";
    case ExprKind::kToday: return "today";
    case ExprKind::kId: return "id";
    case ExprKind::kField: return "field";
    case ExprKind::kColumn: return "column";
    case ExprKind::kMany: return "many";
    case ExprKind::kFlatMap: return "flat_map";
    case ExprKind::kRowsOfSet: return "rows_of_set";
    case ExprKind::kTable: return "table";
    case ExprKind::kAnd: return "and";
    case ExprKind::kOr: return "or";
    case ExprKind::kNot: return "not";
    case ExprKind::kIsKnown: return "is_known";
    case ExprKind::kIsUnknown: return "is_unknown";
    case ExprKind::kCompare: return "compare";
    case ExprKind::kIn: return "in";
    case ExprKind::kInList: return "in_list";
    case ExprKind::kHas: return "has";
    case ExprKind::kStartsWith: return "starts_with";
    case ExprKind::kEndsWith: return "ends_with";
    case ExprKind::kContains: return "contains";
    case ExprKind::kMatches: return "matches";
    case ExprKind::kPassed: return "passed";
    case ExprKind::kOlder: return "older";
    case ExprKind::kNewer: return "newer";
    case ExprKind::kWithinNext: return "within_next";
    case ExprKind::kCoalesce: return "coalesce";
    case ExprKind::kAdd: return "+";
    case ExprKind::kSubtract: return "-";
    case ExprKind::kMultiply: return "*";
    case ExprKind::kNegate: return "negate";
    case ExprKind::kLower: return "lower";
    case ExprKind::kDateOf: return "date";
    case ExprKind::kStartOf: return "start_of";
    case ExprKind::kChangedAt: return "changed_at";
    case ExprKind::kPrevious: return "previous";
    case ExprKind::kRemovedAt: return "removed_at";
    case ExprKind::kAny: return "any";
    case ExprKind::kAll: return "all";
    case ExprKind::kNo: return "no";
    case ExprKind::kCount: return "count";
    case ExprKind::kFilter: return "filter";
    case ExprKind::kLatest: return "latest";
    case ExprKind::kEarliest: return "earliest";
    case ExprKind::kSum: return "sum";
    case ExprKind::kInlined: return "inlined";
  }
  RESCIND_UNREACHABLE("not a kind of expression");
}

std::string_view CompareOpText(typed::CompareOp op) {
  switch (op) {
    case typed::CompareOp::kEqual: return "==";
    case typed::CompareOp::kNotEqual: return "!=";
    case typed::CompareOp::kLess: return "<";
    case typed::CompareOp::kLessEqual: return "<=";
    case typed::CompareOp::kGreater: return ">";
    case typed::CompareOp::kGreaterEqual: return ">=";
  }
  RESCIND_UNREACHABLE("not a comparison");
}

bool IsCollectionKind(ExprKind kind) {
  switch (kind) {
    case ExprKind::kAny:
    case ExprKind::kAll:
    case ExprKind::kNo:
    case ExprKind::kCount:
    case ExprKind::kFilter:
    case ExprKind::kLatest:
    case ExprKind::kEarliest:
    case ExprKind::kSum: return true;
    default: return false;
  }
}

}  // namespace rescind::check
