// Expressions of the syntax tree. See ast.h.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "engine/base/instant.h"
#include "engine/base/source.h"

namespace rescind::ast {

// For std::visit: Overloaded{[](const A&) {…}, [](const B&) {…}}.
template <typename... Ts>
struct Overloaded : Ts... {
  using Ts::operator()...;
};
template <typename... Ts>
Overloaded(Ts...) -> Overloaded<Ts...>;

// A name as written. Empty when a syntax error stood there: it was reported, stay silent.
struct Name {
  std::string text;
  Span span;

  bool ok() const { return !text.empty(); }
};

// `access.stale.break_glass`. At least one part unless a syntax error stood there.
struct QualifiedName {
  std::vector<Name> parts;
  Span span;

  bool ok() const;
  std::string Text() const;  // joined with dots
};

struct Expr;
using ExprPtr = std::unique_ptr<Expr>;

// ---- Literals -------------------------------------------------------------------------------

struct TextLiteral {
  std::string value;  // escapes resolved, UTF-8
};
struct IntLiteral {
  int64_t value = 0;  // never negative: a sign is a NegateExpr
};
struct BoolLiteral {
  bool value = false;
};
struct DateLiteral {
  Day value;
};
struct TimeLiteral {
  Instant value;
};
// `90d`, `1h30m`: exact, goes with times.
struct DurationLiteral {
  Duration value;
};
enum class CivilUnit { kDays, kWeeks, kMonths, kYears, kBusinessDays };
// `3 days`, `5 business days`: civil, goes with dates.
struct CivilDurationLiteral {
  int64_t count = 0;  // at most 1,000,000
  CivilUnit unit = CivilUnit::kDays;
};
// `{ a, "b" }`, possibly empty.
struct SetLiteral {
  std::vector<ExprPtr> items;
};
// `unknown` as the value of a field; legal in `given … { … }`, `add … { … }` and `set … = …` only.
struct UnknownLiteral {};

// ---- Names and paths ------------------------------------------------------------------------

// A bare name: variable, let, param, list, table, enum member, row of a test, or the first part
// of a qualified name.
struct NameExpr {
  Name name;
};
// `base.field`, `base?.field`. A qualified name in an expression is such a chain, too.
struct FieldExpr {
  ExprPtr base;
  Name field;
  bool optional = false;  // `?.`
};
// `f(x, y)`, `module.f(x)`.
struct CallExpr {
  QualifiedName callee;
  std::vector<ExprPtr> arguments;
};
struct NowExpr {};
struct TodayExpr {};

// ---- Logic and relations --------------------------------------------------------------------

enum class LogicalOp { kAnd, kOr };
// `a and b and c`: one node for a chain of the same operator, at least two operands.
struct LogicalExpr {
  LogicalOp op = LogicalOp::kAnd;
  std::vector<ExprPtr> operands;
};
struct NotExpr {
  ExprPtr operand;
};

enum class CompareOp { kEqual, kNotEqual, kLess, kLessEqual, kGreater, kGreaterEqual };
struct CompareExpr {
  CompareOp op = CompareOp::kEqual;
  Span op_span;
  ExprPtr left;
  ExprPtr right;
};
// `item in collection`: a list, a set literal, or a set.
struct InExpr {
  ExprPtr item;
  ExprPtr collection;
};
// `set has item`.
struct HasExpr {
  ExprPtr set;
  ExprPtr item;
};
enum class TextOp { kStartsWith, kEndsWith, kContains };
struct TextRelationExpr {
  TextOp op = TextOp::kContains;
  Span op_span;
  ExprPtr text;
  ExprPtr part;
};
// `text matches /pattern/`.
struct MatchesExpr {
  ExprPtr text;
  std::string pattern;  // as written between the slashes, `\/` turned into `/`
  Span pattern_span;    // between the slashes
};
// `moment has passed`.
struct PassedExpr {
  ExprPtr moment;
};
enum class AgeOp { kOlder, kNewer };
// `moment older than length`, `moment newer than length`.
struct AgeExpr {
  AgeOp op = AgeOp::kOlder;
  ExprPtr moment;
  ExprPtr length;
};
// `moment within next length`.
struct WithinNextExpr {
  ExprPtr moment;
  ExprPtr length;
};
// `operand is known`, `operand is unknown`.
struct KnownExpr {
  ExprPtr operand;
  bool known = true;
};

// ---- Values ---------------------------------------------------------------------------------

// `left ?? right`. Chains nest to the right: a ?? (b ?? c).
struct CoalesceExpr {
  ExprPtr left;
  ExprPtr right;
};
enum class ArithmeticOp { kAdd, kSubtract, kMultiply };
// Chains nest to the left: (a - b) - c.
struct ArithmeticExpr {
  ArithmeticOp op = ArithmeticOp::kAdd;
  Span op_span;
  ExprPtr left;
  ExprPtr right;
};
struct NegateExpr {
  ExprPtr operand;
};

// ---- Collections ----------------------------------------------------------------------------

// The part `variable in collection where condition` that collections share.
struct Binding {
  Name variable;
  ExprPtr collection;
  ExprPtr condition;  // null when there is no `where`; never null in `all` and in a FilterExpr
};
enum class QuantifierOp { kAny, kAll, kNo, kCount };
// `any(x in E where C)`.
struct QuantifierExpr {
  QuantifierOp op = QuantifierOp::kAny;
  Binding binding;
};
enum class AggregateOp { kLatest, kEarliest, kSum };
// `latest(F for x in E where C)`.
struct AggregateExpr {
  AggregateOp op = AggregateOp::kLatest;
  ExprPtr value;
  Binding binding;
};
// `(x in E where C)`.
struct FilterExpr {
  Binding binding;
};

// Where an expression could not be read. Reported already: give it no type and say nothing.
struct ErrorExpr {};

// Parentheses leave no node: they show in the spans of what surrounds them.
struct Expr {
  using Node = std::variant<TextLiteral, IntLiteral, BoolLiteral, DateLiteral, TimeLiteral,
                            DurationLiteral, CivilDurationLiteral, SetLiteral, UnknownLiteral,
                            NameExpr, FieldExpr, CallExpr, NowExpr, TodayExpr, LogicalExpr, NotExpr,
                            CompareExpr, InExpr, HasExpr, TextRelationExpr, MatchesExpr, PassedExpr,
                            AgeExpr, WithinNextExpr, KnownExpr, CoalesceExpr, ArithmeticExpr,
                            NegateExpr, QuantifierExpr, AggregateExpr, FilterExpr, ErrorExpr>;
  Span span;
  Node node = ErrorExpr{};

  bool is_error() const { return std::holds_alternative<ErrorExpr>(node); }
  template <typename T>
  const T* As() const {
    return std::get_if<T>(&node);
  }
};

inline ExprPtr MakeExpr(Span span, Expr::Node node) {
  auto expr = std::make_unique<Expr>();
  expr->span = span;
  expr->node = std::move(node);
  return expr;
}

// The nesting of the tree never exceeds this: deeper input is an error (E0108), so recursive
// visitors need no guard of their own.
inline constexpr int kMaxNesting = 200;

}  // namespace rescind::ast
