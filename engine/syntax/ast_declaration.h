// Declarations, clauses, actions and tests of the syntax tree. See ast.h.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "engine/syntax/ast_expression.h"

namespace rescind::ast {

// ---- Types and fields -----------------------------------------------------------------------

// A type as written. `text`, `time`, … and entities are all kNamed.
struct TypeRef {
  enum class Kind { kNamed, kEnum, kSet, kError };
  Kind kind = Kind::kError;
  Span span;                         // with the `?`
  QualifiedName name;                // kNamed
  bool ordered = false;              // kEnum: `enum ordered { … }`
  std::vector<Name> members;         // kEnum, at least one
  std::unique_ptr<TypeRef> element;  // kSet, not null
  bool optional = false;             // `?` stands behind it
};

// `name : TYPE tracked`, `name : TYPE latest`, or `name : many ENTITY via FIELD`.
struct Field {
  struct Many {
    QualifiedName entity;
    Name via;
  };
  Span span;
  Name name;
  TypeRef type;  // kError when `many` is set
  std::optional<Many> many;
  bool tracked = false;
  Span tracked_span;
  bool latest = false;
  Span latest_span;
  std::string doc;
};

// ---- Numbers that a param may stand for -----------------------------------------------------

// A duration in a clause: a literal (exact or civil) or the name of a param. The checker says
// when a civil one is out of place.
struct Length {
  ExprPtr value;  // DurationLiteral, CivilDurationLiteral, NameExpr, FieldExpr or ErrorExpr
};
// A number in a `limit`: IntLiteral, NameExpr, FieldExpr or ErrorExpr.
struct Amount {
  ExprPtr value;
};

// ---- Clauses of policies and protects -------------------------------------------------------

struct ForClause {
  Name variable;
  QualifiedName entity;
};
struct LetClause {
  Name name;
  ExprPtr value;
};
struct WhenClause {
  ExprPtr condition;
};
struct UnlessClause {
  ExprPtr condition;
};
// `because "last used {seen}"`: text and expressions in the order written.
struct BecauseClause {
  struct Part {
    Span span;         // the text, or `{expr}` with its braces
    std::string text;  // when there is no expression
    ExprPtr expr;      // may be null
  };
  Span text_span;  // with the quotes
  std::vector<Part> parts;
};
struct ControlsClause {
  struct Reference {
    std::string text;
    Span span;
  };
  struct Framework {
    Name name;
    std::vector<Reference> references;  // at least one
  };
  std::vector<Framework> frameworks;
};
enum class Severity { kLow, kMedium, kHigh, kCritical };
// nullopt: another word stood there, reported.
struct SeverityClause {
  std::optional<Severity> severity;
  Span value_span;
};
enum class Mode { kObserve, kEnforce };
struct ModeClause {
  std::optional<Mode> mode;
  Span value_span;
};
struct TimezoneClause {
  ExprPtr value;
};

enum class ActionVerb { kDisable, kSuspend, kEnd, kRevoke, kDelete, kNotify, kRun };
struct Action {
  ActionVerb verb = ActionVerb::kDisable;
  Span span;
  Span verb_span;
  std::string playbook;  // kRun
  Span playbook_span;    // kRun
  ExprPtr target;        // what is acted on; the recipient for kNotify
};
enum class ApprovalElse { kHold, kProceed, kWithdraw };
// `once approved by R within D else hold`.
struct Approval {
  Span span;
  ExprPtr approver;
  Length within;
  std::optional<ApprovalElse> otherwise;  // nullopt: another word stood there, reported
};
struct ThenClause {
  std::optional<Length> after;
  std::optional<Approval> approval;
  std::vector<Action> actions;
  Span body_span;  // `{ … }`
  // A syntax error hid what stands before the braces, or an action between them.
  bool head_is_hidden = false;
  bool body_is_hidden = false;
};

enum class LimitWindow { kRun, kHour, kDay };
// `limit 5% of grant per g.account.system per day`.
struct LimitShareClause {
  Amount amount;
  bool percent = false;
  QualifiedName entity;
  ExprPtr group;  // null without `per EXPR`
  std::optional<LimitWindow> window;
};
// `limit leave 2 per g.entitlement`.
struct LimitLeaveClause {
  Amount amount;
  ExprPtr group;
};
struct NeedsClause {
  std::string source;
  Span source_span;
  Length within;
};
struct DoneClause {
  Length within;
  ExprPtr recipient;
};
struct OnFailureClause {
  struct Outcome {
    enum class Kind { kRollback, kKeep, kNotify };
    Kind kind = Kind::kKeep;
    Span span;
    ExprPtr recipient;  // kNotify, else null
  };
  Length retry_for;
  std::vector<Outcome> outcomes;  // at least one
};

// In the order written, repeated ones included: the checker reports those.
struct Clause {
  using Node =
      std::variant<ForClause, LetClause, WhenClause, UnlessClause, BecauseClause, ControlsClause,
                   SeverityClause, ModeClause, TimezoneClause, ThenClause, LimitShareClause,
                   LimitLeaveClause, NeedsClause, DoneClause, OnFailureClause>;
  Span span;
  Span keyword_span;  // `when`, `limit`, `on failure`, …
  Node node;
};

// ---- Statements of tests and fixtures -------------------------------------------------------

struct FieldValue {
  Span span;
  Name field;
  ExprPtr value;
};
// `given grant "ldap/ann/vpn" as g { account: a, … }`: also what `at T add` adds.
struct RowLiteral {
  Span span;
  QualifiedName entity;
  std::string id;  // the text, or the name when there is none
  Span id_span;
  std::optional<Name> variable;  // `g`; nullopt when the id is a text without `as`
  std::vector<FieldValue> fields;
};
struct UseStatement {
  QualifiedName fixture;
};
struct GivenStatement {
  RowLiteral row;
};
struct StartStatement {
  ExprPtr at;
};
struct EndStatement {
  ExprPtr at;
};
struct SetChange {
  ExprPtr path;  // FieldExpr on a NameExpr in legal programs
  ExprPtr value;
};
struct RemoveChange {
  Name row;
};
struct AddChange {
  RowLiteral row;
};
struct StaleChange {
  std::string source;
  Span source_span;
};
struct ApproveChange {
  QualifiedName policy;
  bool approved = true;  // false: `refuse`
};
// `at T set g.last_used = T`.
struct AtStatement {
  ExprPtr at;
  Span change_span;
  std::variant<SetChange, RemoveChange, AddChange, StaleChange, ApproveChange> change;
};
// When something is expected.
struct ExpectTime {
  enum class Kind { kAnyTime, kAt, kBefore, kAfter, kBetween };
  Kind kind = Kind::kAnyTime;
  ExprPtr first;   // null for kAnyTime
  ExprPtr second;  // kBetween, else null
};
// `expect revoke g at T`, `expect no revoke g before T`.
struct ExpectAction {
  bool negated = false;
  Action action;
  ExpectTime time;
};
// `expect held at T because limit`.
struct ExpectHeld {
  bool negated = false;
  ExpectTime time;
  std::optional<Name> reason;
};
struct Statement {
  using Node = std::variant<UseStatement, GivenStatement, StartStatement, EndStatement, AtStatement,
                            ExpectAction, ExpectHeld>;
  Span span;
  Node node;
};

// ---- Declarations ---------------------------------------------------------------------------

// `entity NAME { … }`, or `extend NAME { … }`.
struct EntityDecl {
  bool extends = false;
  QualifiedName name;  // one part unless `extends`
  std::vector<Field> fields;
  bool name_is_hidden = false;  // by a syntax error: it is a guess
};
struct ParamDecl {
  Name name;
  TypeRef type;
  ExprPtr value;
};
struct ListDecl {
  Name name;
  TypeRef element;
  std::vector<ExprPtr> items;       // when there is no file
  std::optional<std::string> file;  // `from "file.csv"`
  Span source_span;                 // `{ … }` or the text
};
// A parameter of a define, or a column of a table.
struct Parameter {
  Name name;
  TypeRef type;
};
struct TableDecl {
  Name name;
  std::vector<Parameter> columns;
  std::string file;
  Span file_span;
};
struct DefineDecl {
  Name name;
  std::vector<Parameter> parameters;
  ExprPtr body;
  bool parameters_are_hidden = false;  // by a syntax error
};
struct PolicyDecl {
  Name name;
  std::string title;
  Span title_span;
  std::optional<QualifiedName> renamed_from;
  std::vector<Clause> clauses;
};
struct ProtectDecl {
  Name name;
  std::string title;
  Span title_span;
  std::vector<Clause> clauses;  // any kind: the checker says which have no place here
};
struct TestDecl {
  std::string title;
  Span title_span;
  std::vector<QualifiedName> policies;  // `for …`; empty: all
  std::vector<Statement> statements;
};
struct FixtureDecl {
  Name name;
  std::vector<Statement> statements;
};

struct Declaration {
  using Node = std::variant<EntityDecl, ParamDecl, ListDecl, TableDecl, DefineDecl, PolicyDecl,
                            ProtectDecl, TestDecl, FixtureDecl>;
  Span span;
  Span keyword_span;
  std::string doc;  // the `///` lines before it without the slashes, joined with newlines
  // A syntax error hid a part of it. What is there is right; a part that is missing (a clause,
  // a field) may have been written, so say nothing about what is missing.
  bool incomplete = false;
  Node node;

  template <typename T>
  const T* As() const {
    return std::get_if<T>(&node);
  }
};

struct File {
  FileId file;
  std::optional<QualifiedName> module;
  std::vector<Declaration> declarations;
  // A syntax error hid a whole declaration. Names that this file may have declared are unknown.
  bool incomplete = false;
};

}  // namespace rescind::ast
