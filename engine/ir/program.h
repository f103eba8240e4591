// The rule program: all policies of a workspace as one graph of typed expressions.
//
// engine/compile builds it from the typed program; engine/eval runs it over columns. Equal
// expressions of different policies are one node, so that they are evaluated once. It knows
// nothing of syntax, and places in the sources only for explanations.
//
// Frames say what a node is about. A root frame stands on the judged row of one entity; all rules
// of the entity share it. A frame below another stands on one member of a collection, given the
// row of the outer frame; collections that are equal share it. A node lives in the deepest frame
// that it depends on.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "engine/base/source.h"
#include "engine/facts/column_set.h"
#include "engine/ir/node.h"

namespace rescind::ir {

struct Frame {
  FrameId parent;       // none for a root frame
  Type member;          // kRow, kTableRow, or what a set of text, int or enum holds
  CollectionId source;  // none for a root frame
};

// Members are visited once each, in ascending order of their rows.
struct Collection {
  enum class Kind : uint8_t {
    kMany,     // the rows that refer to the row `base` by the many field `entity`.`field`
    kSet,      // the members of the stored set `base`; of rows: those that are not removed
    kFlatMap,  // of each member of `inner`: `entity`.`field`, a reference (unknown ones left out),
               // a set of references or a many
    kFilter,   // the members of `inner` whose `condition` (in the frame `frame`) holds; undecided
               // or in error for a member: so is membership, as in `any (condition and …)`
    kTable,    // all rows of `table`
  };
  Kind kind = Kind::kMany;
  Type member;
  FrameId outer;       // where it is looked at from: the deepest frame it depends on, or none
  NodeId base;         // kMany, kSet
  CollectionId inner;  // kFlatMap, kFilter
  EntityId entity;     // kMany, kFlatMap
  FieldId field;       // kMany, kFlatMap
  FrameId frame;       // kFilter: stands on the members of `inner`
  NodeId condition;    // kFilter
  TableId table;       // kTable
  bool operator==(const Collection&) const = default;
};

// Constants of one type, sorted, each once.
struct ConstantSet {
  Type element;
  std::vector<Constant> items;
  bool operator==(const ConstantSet&) const = default;
};

struct Table {
  struct Column {
    std::string name;
    Type type;
  };
  std::string name;
  std::vector<Column> columns;
  std::vector<std::vector<std::optional<Constant>>> rows;  // rows[row][column]; nullopt: unknown
};

// ---- Rules ------------------------------------------------------------------------------------

// A clause for explanations: a part of a condition as it was written. Children are the operands of
// `and`/`or`/`not`, and the condition inside a quantifier.
struct Clause {
  NodeId node;
  Span span;
  std::vector<uint32_t> children;  // indexes of Rule::clauses
};
// A fact that a rule read, for evidence: "grant.account.owner.status".
struct EvidencePath {
  std::string path;
  NodeId value;
  NodeId row;  // whose field it is
  EntityId entity;
  FieldId field;  // none: the id
};

enum class Severity : uint8_t { kLow, kMedium, kHigh, kCritical };
enum class Mode : uint8_t { kObserve, kEnforce };
enum class Verb : uint8_t { kDisable, kSuspend, kEnd, kRevoke, kDelete, kNotify, kRun };
enum class ApprovalElse : uint8_t { kHold, kProceed, kWithdraw };
enum class LimitWindow : uint8_t { kRun, kHour, kDay };

struct ReasonPart {
  std::string text;  // when there is no node
  NodeId node;
};
// Choices in order; the first known one counts. Texts (channels) or rows of identity.
struct Recipient {
  std::vector<NodeId> choices;
};
struct Action {
  Verb verb = Verb::kNotify;
  Span span;
  std::string playbook;           // kRun
  NodeId target;                  // one row; none when a collection, or for kNotify
  CollectionId targets;           // many rows
  EntityId entity;                // of the target
  bool expands_identity = false;  // the identity's accounts of purpose personal or unknown
  Recipient recipient;            // kNotify
  std::string meaning;            // what it does to whom, in any text of the policy
};
struct Approval {
  Recipient approver;
  Duration within;
  ApprovalElse otherwise = ApprovalElse::kHold;
  Span span;
};
struct Stage {
  Duration after;
  std::optional<Approval> approval;
  std::vector<Action> actions;
  Span span;
};
struct ShareLimit {
  int64_t amount = 0;
  bool percent = false;
  EntityId entity;
  NodeId group;  // none without `per`
  std::optional<LimitWindow> window;
  Span span;
};
struct LeaveLimit {
  int64_t amount = 0;
  NodeId group;
  Span span;
};
struct Need {
  std::string source;
  Duration within;
  Span span;
};
struct DoneWithin {
  Duration within;
  Recipient recipient;
  Span span;
};
struct OnFailure {
  Duration retry_for;
  bool rollback = false;
  bool keep = false;
  std::vector<Recipient> notify;
};
struct Control {
  std::string framework;  // "pci_dss_4"
  std::string reference;  // "8.2.6"
};

// A policy, or a `protect` (which has no stages and never acts).
struct Rule {
  std::string full_name;
  std::string title;
  std::string renamed_from;  // full name, or empty
  bool protect = false;
  EntityId entity;
  FrameId frame;  // the entity's root frame
  // `when and not unless`: what a match is. Its value and its deadline are the rule's.
  NodeId match;
  NodeId when;
  NodeId unless;  // none without
  std::vector<Clause> clauses;
  uint32_t when_clause = 0;
  std::optional<uint32_t> unless_clause;
  std::vector<EvidencePath> evidence;  // in the order in which the source names them, each once
  Span span;
  Span name_span;
  std::string meaning_hash;

  std::vector<Control> controls;
  Severity severity = Severity::kMedium;
  Mode mode = Mode::kObserve;
  std::vector<ReasonPart> because;    // never empty: generated when not written
  bool because_is_condition = false;  // generated: it is what is written behind `when`
  std::vector<Stage> stages;
  std::vector<ShareLimit> share_limits;
  std::vector<LeaveLimit> leave_limits;
  std::vector<Need> needs;
  std::optional<DoneWithin> done;
  std::optional<OnFailure> on_failure;
};

struct Program {
  Schema schema;
  std::vector<Node> nodes;  // operands before what uses them
  std::vector<Frame> frames;
  std::vector<Collection> collections;
  std::vector<ConstantSet> sets;
  std::vector<std::string> patterns;  // RE2
  std::vector<Table> tables;
  std::vector<Rule> rules;  // policies in the order of their names, then protects likewise
  std::string default_timezone;
  // All columns that any node reads, and what identifies rows in paths and collections.
  ColumnSet columns;

  const Node& node(NodeId id) const { return nodes[id.index()]; }
  const Frame& frame(FrameId id) const { return frames[id.index()]; }
  const Collection& collection(CollectionId id) const { return collections[id.index()]; }
};

// The whole program, one node a line, for golden tests and `--dump ir`. Without places.
std::string Print(const Program& program);

// What is wrong with the program as a program: an operand after its use, a type that its operation
// does not take, a frame that is not below its operand's, a dangling id. Empty when all is well.
// Whatever it finds is our bug: compile asserts it on every program.
std::vector<std::string> Verify(const Program& program);

}  // namespace rescind::ir
