// The typed program: what engine/check hands to engine/compile.
//
// Every name is resolved, every type known, every define inlined, every param and list has its
// value, and every rule of the language that can be checked without facts holds. It carries the
// places in the sources for explanations, but nothing of the syntax tree: compile need not see it.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "engine/base/civil.h"
#include "engine/base/instant.h"
#include "engine/base/source.h"
#include "engine/check/typed_expression.h"
#include "engine/facts/schema.h"

namespace rescind::typed {

using PolicyId = StrongId<struct PolicyTag>;  // indexes Program::policies

// ---- Constants --------------------------------------------------------------------------------

struct Param {
  std::string name;  // "access.stale.inactive_after"
  Type type;
  Constant value;           // the override's, where there is one
  bool overridden = false;  // by CheckOptions::params
  Span span;                // of the name
};
struct List {
  std::string name;
  Type element;
  std::vector<Constant> items;  // in order, without duplicates
  Span span;
};
struct Table {
  struct Column {
    std::string name;
    Type type;  // optional: an empty cell is unknown
  };
  std::string name;
  std::vector<Column> columns;
  // rows[r][c]; nullopt: unknown.
  std::vector<std::vector<std::optional<Constant>>> rows;
  Span span;
  // Of columns and rows, whatever their order: "sha256:" + lowercase hex.
  std::string content_hash;
};

// ---- Policies ---------------------------------------------------------------------------------

enum class Severity : uint8_t { kLow, kMedium, kHigh, kCritical };
enum class Mode : uint8_t { kObserve, kEnforce };
enum class Verb : uint8_t { kDisable, kSuspend, kEnd, kRevoke, kDelete, kNotify, kRun };
enum class ApprovalElse : uint8_t { kHold, kProceed, kWithdraw };
enum class LimitWindow : uint8_t { kRun, kHour, kDay };

// Who is told: the first choice that is known. Each is a text (a channel) or an identity; any may
// be optional. When none is known: the workspace's `oncall`.
struct Recipient {
  Span span;
  std::vector<ExprPtr> choices;  // at least one
};

struct Action {
  Verb verb = Verb::kNotify;
  Span span;
  std::string playbook;  // kRun
  ExprPtr target;        // kRow (maybe optional) or kRows; null for kNotify
  EntityId entity;       // of the target; none for kNotify
  // The target is an identity and the verb acts on accounts: each of its accounts of purpose
  // personal or unknown. `target` itself is still the identity.
  bool expands_identity = false;
  Recipient recipient;  // kNotify
  // Its line of Policy::meaning: two actions with the same text do the same to the same rows.
  std::string meaning;
};
struct Approval {
  Span span;
  Recipient approver;
  Duration within;
  ApprovalElse otherwise = ApprovalElse::kHold;
};
struct Stage {
  Span span;
  Duration after;  // zero for `then { … }`; strictly ascending over the stages
  std::optional<Approval> approval;
  std::vector<Action> actions;
};
struct Let {
  std::string name;
  ExprPtr value;
  Span span;
};
struct ReasonPart {
  std::string text;  // when there is no expression
  ExprPtr expr;      // may be null, may be optional (printed "unknown")
};
struct Control {
  std::string framework;  // "pci_dss_4"
  std::string reference;  // "8.2.6"
};
// `limit N of ENTITY`, `limit P% of ENTITY`: `percent` tells which.
struct ShareLimit {
  Span span;
  int64_t amount = 0;
  bool percent = false;
  EntityId entity;
  ExprPtr group;  // null without `per`; may be optional
  std::optional<LimitWindow> window;
};
// `limit leave N per EXPR`.
struct LeaveLimit {
  Span span;
  int64_t amount = 0;
  ExprPtr group;
};
struct Need {
  Span span;
  std::string source;
  Duration within;
};
struct DoneWithin {
  Span span;
  Duration within;
  Recipient recipient;
};
struct OnFailure {
  Span span;
  Duration retry_for;
  bool rollback = false;
  bool keep = false;
  std::vector<Recipient> notify;
};

struct Policy {
  std::string name;    // "stale_grant"
  std::string module;  // "access.stale"
  std::string full_name;
  std::string title;
  std::string renamed_from;  // full name, or empty
  std::vector<Control> controls;
  Severity severity = Severity::kMedium;
  std::optional<Mode> mode;  // nullopt: the default, observe
  ExprPtr timezone;          // text, maybe null: the workspace's
  EntityId entity;           // what is judged
  BinderId binder;           // the judged row
  std::string variable;      // its name
  std::vector<Let> lets;
  ExprPtr when;
  ExprPtr unless;                   // may be null
  std::vector<ReasonPart> because;  // empty: generated from `when`
  std::vector<Stage> stages;        // at least one
  std::vector<ShareLimit> share_limits;
  std::vector<LeaveLimit> leave_limits;
  std::vector<Need> needs;
  std::optional<DoneWithin> done;
  std::optional<OnFailure> on_failure;  // nullopt: the default
  Span span;
  Span name_span;
  Span when_span;    // of the condition
  Span unless_span;  // of the condition; invalid without `unless`
  // What the policy means, as canonical text: the typed tree without places, comments, names of
  // variables or layout, with the values of params, lists and inlined defines. Two policies with
  // the same text do the same. `meaning_hash` is "sha256:" + lowercase hex of it.
  std::string meaning;
  std::string meaning_hash;
};

struct Protect {
  std::string name;
  std::string module;
  std::string full_name;
  std::string title;
  ExprPtr timezone;  // may be null
  EntityId entity;
  BinderId binder;
  std::string variable;
  std::vector<Let> lets;
  ExprPtr when;
  ExprPtr unless;  // may be null
  Span span;
  Span name_span;
  Span when_span;
  std::string meaning;
  std::string meaning_hash;
};

// ---- Tests: typed, not evaluated --------------------------------------------------------------

// nullopt: unknown. A set is a list of constants.
using FieldContent = std::optional<std::variant<Constant, std::vector<Constant>>>;
struct FieldSetting {
  FieldId field;
  FieldContent value;
  Span span;
};
struct GivenRow {
  EntityId entity;
  std::string id;
  std::vector<FieldSetting> fields;
  Span span;
};
struct SetFact {
  RowKey row;
  FieldSetting field;
};
struct RemoveRow {
  RowKey row;
};
struct AddRow {
  GivenRow row;
};
struct SourceStale {
  std::string source;
};
struct Answer {
  PolicyId policy;
  bool approved = true;
};
struct Change {
  Instant at;
  std::variant<SetFact, RemoveRow, AddRow, SourceStale, Answer> change;
  Span span;
};
struct ExpectedTime {
  enum class Kind : uint8_t { kAnyTime, kAt, kBefore, kAfter, kBetween };
  Kind kind = Kind::kAnyTime;
  Instant first;
  Instant second;  // kBetween
};
// `expect [no] VERB TARGET …`.
struct ExpectedAction {
  bool negated = false;
  Verb verb = Verb::kNotify;
  std::string playbook;           // kRun
  std::optional<RowKey> target;   // nullopt for a text recipient
  std::string channel;            // kNotify of a text
  bool expands_identity = false;  // each of the identity's accounts
  ExpectedTime time;
  Span span;
};
enum class HeldReason : uint8_t { kAny, kLimit, kApproval, kNeeds, kProtected, kExempt, kMode };
struct ExpectedHold {
  bool negated = false;
  HeldReason reason = HeldReason::kAny;
  ExpectedTime time;
  Span span;
};
struct Test {
  std::string title;
  std::string module;
  std::vector<PolicyId> policies;  // empty: all
  std::vector<GivenRow> rows;      // of its fixtures first, then its own
  std::optional<Instant> start;    // nullopt: the first instant named
  std::optional<Instant> end;      // nullopt: the last instant named
  std::vector<Change> changes;     // in the order of time, equal instants as written
  std::vector<ExpectedAction> actions;
  std::vector<ExpectedHold> holds;
  Span span;
};

// ---- The program ------------------------------------------------------------------------------

struct Program {
  Schema schema;
  std::vector<Param> params;
  std::vector<List> lists;
  std::vector<Table> tables;
  std::vector<Policy> policies;   // in the order of their full names
  std::vector<Protect> protects;  // likewise
  std::vector<Test> tests;        // in the order written
  uint32_t binder_count = 0;      // BinderId indexes are below it
  std::string default_timezone;   // the workspace's
  Holidays holidays;              // likewise
};

// The whole program, a line a node, for golden tests. Without places.
std::string Print(const Program& program);
// One expression on one line, in the canonical form that `Policy::meaning` uses.
std::string Print(const Program& program, const Expr& expr);
// "grant?", "time", "civil duration", "set of text": as messages say it.
std::string FormatType(const Schema& schema, const Type& type);

}  // namespace rescind::typed
