// Every fold of the condition that can be looked at is asked which members count; so are the folds
// inside its condition, with the member in hand.
//   any(g in i.grants where any(p in toxic where g.entitlement == p.left)), one pair of them held
//   "grant g7: entitlement = pay", "toxic row 2: left = pay"
#include "engine/eval/deciding_members.h"

#include <fmt/format.h>

#include <utility>

#include "engine/base/assert.h"
#include "engine/eval/reference_evaluator.h"

namespace rescind::eval {
namespace {

using ir::Op;

constexpr size_t kMostMembersOfFold = 3;
constexpr size_t kMostFactsOfRow = 16;
constexpr uint64_t kAssumedMembers = 16;  // of a collection inside another's condition

}  // namespace

DecidingMembers::DecidingMembers(const EvaluationInput& input, const ir::Rule& rule,
                                 uint64_t most_steps)
    : program_(input.program),
      rule_(rule),
      evaluator_(input),
      most_steps_(most_steps),
      folds_(FoldsBelow(rule.match)) {}

Result<std::vector<ExplainedFact>> DecidingMembers::At(RowId row) {
  found_.clear();
  paths_.clear();
  if (folds_.empty()) return std::vector<ExplainedFact>();
  evaluator_.Bind(rule_.frame, KnownValue(FactRow{rule_.entity, row}));
  for (const ir::Node* fold : folds_) RESCIND_TRY(AddMembersOf(*fold));
  return std::move(found_);
}

Status DecidingMembers::WalkFrom(ir::NodeId root,
                                 const std::function<Result<bool>(ir::NodeId)>& enter) const {
  std::set<ir::NodeId> seen;
  std::vector<ir::NodeId> open = {root};
  while (!open.empty()) {
    const ir::NodeId id = open.back();
    open.pop_back();
    if (!seen.insert(id).second) continue;
    RESCIND_ASSIGN(const bool is_entered, enter(id));
    if (!is_entered) continue;
    const auto& operands = program_.node(id).operands;
    open.insert(open.end(), operands.rbegin(), operands.rend());
  }
  return {};
}

std::vector<const ir::Node*> DecidingMembers::FoldsBelow(ir::NodeId root) const {
  std::vector<const ir::Node*> folds;
  const Status walked = WalkFrom(root, [&](ir::NodeId id) -> Result<bool> {
    const ir::Node& node = program_.node(id);
    if (node.collection.valid()) folds.push_back(&node);
    return !node.collection.valid();
  });
  RESCIND_ASSERT(walked.ok(), "looking at nodes cannot fail");
  return folds;
}

// Without looking at the members one by one.
uint64_t DecidingMembers::SizeOf(ir::CollectionId id) {
  const ir::Collection& collection = program_.collection(id);
  switch (collection.kind) {
    case ir::Collection::Kind::kTable: return program_.tables[collection.table.index()].rows.size();
    case ir::Collection::Kind::kFilter: return SizeOf(collection.inner);
    case ir::Collection::Kind::kFlatMap: return SizeOfMapped(collection);
    case ir::Collection::Kind::kMany:
    case ir::Collection::Kind::kSet: break;
  }
  const Value base = evaluator_.Evaluate(collection.base).value;
  if (!base.known()) return 0;
  const FactBase& facts = evaluator_.input().facts;
  if (const auto* set = std::get_if<StoredSet>(&base.content)) {
    return facts.table(set->entity).column(set->field).pool().Members(set->set).size();
  }
  const auto [entity, row] = std::get<FactRow>(base.content);
  return facts.table(entity).inverse(collection.field).Count(row);
}

uint64_t DecidingMembers::SizeOfMapped(const ir::Collection& collection) {
  uint64_t size = SizeOf(collection.inner);
  const FieldType& type = program_.schema.field(collection.entity, collection.field).type;
  if (size > most_steps_ || type.kind == rescind::TypeKind::kReference) return size;
  const Table& table = evaluator_.input().facts.table(collection.entity);
  for (const CollectionMember& member : evaluator_.Members(collection.inner)) {
    if (!member.member) continue;
    const RowId row = std::get<FactRow>(member.member->content).row;
    if (type.kind == rescind::TypeKind::kMany) {
      size += table.inverse(collection.field).Count(row);
    } else {
      const Column& column = table.column(collection.field);
      size += column.pool().Members(column.sets()[row.index()]).size();
    }
  }
  return size;
}

// About: the collections inside its condition are not looked at.
uint64_t DecidingMembers::StepsOfMember(const ir::Node& fold) {
  const auto known = steps_of_member_.find(&fold);
  if (known != steps_of_member_.end()) return known->second;
  uint64_t steps = 1;
  for (const ir::NodeId operand : fold.operands) {
    for (const ir::Node* inner : FoldsBelow(operand)) {
      const ir::Collection& collection = program_.collection(inner->collection);
      const bool is_table = collection.kind == ir::Collection::Kind::kTable;
      steps += (is_table ? SizeOf(inner->collection) : kAssumedMembers) * StepsOfMember(*inner);
    }
  }
  steps_of_member_.emplace(&fold, steps);
  return steps;
}

Status DecidingMembers::AddMembersOf(const ir::Node& fold) {
  if (evaluator_.IsBound(fold.inner)) return {};
  if (SizeOf(fold.collection) * StepsOfMember(fold) > most_steps_) return {};
  size_t member_count = 0;
  for (const CollectionMember& member : evaluator_.Members(fold.collection)) {
    if (found_.size() >= kMostFactsOfRow || member_count == kMostMembersOfFold) break;
    if (!member.member || !member.readable) continue;
    const bool counts = IsTrue(evaluator_.Counts(fold, member).value);
    Status added;
    if (counts) {
      ++member_count;
      evaluator_.Bind(fold.inner, *member.member);
      added = AddMember(fold, *member.member);
    }
    evaluator_.Release(fold.inner);
    RESCIND_TRY(std::move(added));
  }
  return {};
}

// The fold's frame stands on the member.
Status DecidingMembers::AddMember(const ir::Node& fold, const Value& member) {
  RESCIND_ASSIGN(std::string label, FormatValue(evaluator_.input(), member));
  if (const auto* row = std::get_if<FactRow>(&member.content)) {
    label = program_.schema.entity(row->entity).name + " " + label;
  }
  const size_t count_before = found_.size();
  ir::CollectionId collection = fold.collection;
  while (program_.collection(collection).kind == ir::Collection::Kind::kFilter) {
    const ir::Collection& filter = program_.collection(collection);
    const bool is_ours = filter.frame == fold.inner;
    if (is_ours || !evaluator_.IsBound(filter.frame)) {
      evaluator_.Bind(filter.frame, member);
      Status added = AddFactsBelow(filter.condition, filter.frame, label);
      if (!is_ours) evaluator_.Release(filter.frame);
      RESCIND_TRY(std::move(added));
    }
    collection = filter.inner;
  }
  for (const ir::NodeId operand : fold.operands) {
    RESCIND_TRY(AddFactsBelow(operand, fold.inner, label));
  }
  const bool is_named = found_.size() > count_before || !paths_.insert("member " + label).second;
  if (!is_named) found_.push_back({"member", label, "", std::nullopt});
  for (const ir::NodeId operand : fold.operands) {
    for (const ir::Node* inner : FoldsBelow(operand)) RESCIND_TRY(AddMembersOf(*inner));
  }
  return {};
}

Status DecidingMembers::AddFactsBelow(ir::NodeId root, ir::FrameId frame,
                                      const std::string& label) {
  return WalkFrom(root, [&](ir::NodeId id) -> Result<bool> {
    const std::string path = PathOf(id, frame);
    if (path.empty()) return true;
    RESCIND_TRY(AddFact(program_.node(id), id, fmt::format("{}: {}", label, path)));
    return false;
  });
}

Status DecidingMembers::AddFact(const ir::Node& node, ir::NodeId id, std::string path) {
  if (!paths_.insert(path).second) return {};
  ExplainedFact fact;
  fact.path = std::move(path);
  RESCIND_TRY(ReadFact(evaluator_.input(), evaluator_.Evaluate(id).value,
                       evaluator_.Evaluate(node.operands[0]).value,
                       node.op == Op::kField ? node.field : FieldId(), fact));
  found_.push_back(std::move(fact));
  return {};
}

std::string DecidingMembers::PathOf(ir::NodeId id, ir::FrameId frame) const {
  const ir::Node& node = program_.node(id);
  std::string name;
  switch (node.op) {
    case Op::kField: name = program_.schema.field(node.entity, node.field).name; break;
    case Op::kId: name = "id"; break;
    case Op::kColumn: {
      const ir::Type& base = program_.node(node.operands[0]).type;
      name = program_.tables[base.table.index()].columns[node.column].name;
      break;
    }
    default: return "";
  }
  const ir::Node& base = program_.node(node.operands[0]);
  if (base.op == Op::kMember) return base.frame == frame ? name : "";
  const std::string path = PathOf(node.operands[0], frame);
  return path.empty() ? "" : path + "." + name;
}

}  // namespace rescind::eval
