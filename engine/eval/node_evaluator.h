// NodeEvaluator: one node, for one row, at one instant: the naive core of the reference evaluator.
//
// Every value comes with the instant until which it stays as it is. README.md says how statuses
// and instants combine; the sweep does the same without sharing this code. Explanations ask it for
// the parts of a condition. Not for several threads at once.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "engine/eval/sweep.h"
#include "engine/eval/value.h"

namespace re2 {
class RE2;
}

namespace rescind::eval {

// A value and the first later instant at which it could be another one.
struct Timed {
  Value value;
  Instant until = Instant::Never();
};

// What a collection holds from where it is looked at. Members that have left for now are listed
// with a false membership when time may bring them back.
struct CollectionMember {
  std::optional<Value> member;  // nullopt: somebody is named who was never delivered
  bool readable = true;         // false: an incomplete row, whose conditions are undecided
  Timed membership;             // a bool, never unknown
};

Value KnownValue(decltype(Value::content) content);
Value UnknownValue();
Value UndecidedValue();
Value FailedValue(EvaluationError error);
bool IsTrue(const Value& value);
bool IsFalse(const Value& value);

class NodeEvaluator {
 public:
  explicit NodeEvaluator(const EvaluationInput& input);
  ~NodeEvaluator();

  const EvaluationInput& input() const { return input_; }
  // What a frame stands on, until it is bound again. Frames that a node needs must be bound.
  void Bind(ir::FrameId frame, Value member) { bound_[frame.index()] = std::move(member); }
  void Release(ir::FrameId frame) { bound_[frame.index()].reset(); }
  bool IsBound(ir::FrameId frame) const { return bound_[frame.index()].has_value(); }
  // Reads that field of that row so, whatever the facts say, until Doubt.
  void Suppose(FactRow row, FieldId field, Value value) {
    supposed_[{row.entity, row.row, field}] = std::move(value);
  }
  void Doubt() { supposed_.clear(); }

  Timed Evaluate(ir::NodeId node);
  // Ascending, each once; what was never delivered comes last.
  std::vector<CollectionMember> Members(ir::CollectionId collection);
  // Whether a member counts: membership and condition as one answer, undecided for what cannot be
  // read. Of kAll: whether it is a member that fails the condition. Binds the fold's frame.
  Timed Counts(const ir::Node& fold, const CollectionMember& member);
  // A stored set's members; rows as FactRow, live or not.
  std::vector<Value> SetMembers(const StoredSet& set) const;

 private:
  // node_evaluator.cc: leaves, paths, logic.
  Timed EvaluateLeaf(const ir::Node& node);
  Timed EvaluatePath(const ir::Node& node);
  Timed EvaluateLogic(const ir::Node& node);
  Timed EvaluateCoalesce(const ir::Node& node);
  Timed Today(const ir::Node& node);
  Value ReadField(EntityId entity, FieldId field, RowId row) const;
  Value ReadColumn(EntityId entity, FieldId field, const Column& column, RowId row,
                   bool required) const;
  Value Follow(EntityId entity, uint32_t row, bool required) const;
  Value RowOfId(EntityId entity, std::string_view id) const;
  Value FromConstant(const ir::Type& type, const ir::Constant& constant) const;
  Value RemovedAt(const ir::Node& node, RowId row) const;

  // node_evaluator_operation.cc: what takes known operands to a value.
  Timed EvaluateOperation(const ir::Node& node);
  Timed Reached(const ir::Node& node, const std::vector<Value>& operands) const;
  Timed DayReached(const ir::Node& node, const std::vector<Value>& operands) const;
  Value Operate(const ir::Node& node, const std::vector<Value>& operands);
  Value Relate(const ir::Node& node, const std::vector<Value>& operands);
  bool IsInSet(const ir::Node& node, const Value& value) const;

  // node_evaluator_collection.cc
  Timed EvaluateFold(const ir::Node& node);
  Timed FoldValues(const ir::Node& node, const std::vector<CollectionMember>& members);
  std::vector<CollectionMember> BaseMembers(const ir::Collection& collection);
  std::vector<CollectionMember> MappedMembers(const ir::Collection& collection);
  std::vector<CollectionMember> FilteredMembers(const ir::Collection& collection);
  CollectionMember RowMember(EntityId entity, uint32_t row, const Timed& membership) const;

  const EvaluationInput input_;
  std::vector<std::optional<Value>> bound_;  // by frame
  std::map<std::tuple<EntityId, RowId, FieldId>, Value> supposed_;
  std::map<uint32_t, std::unique_ptr<re2::RE2>> patterns_;
};

// `and` of two answers that are bools, known or not: false decides, whoever says so first.
Timed AndOf(const Timed& left, const Timed& right);

}  // namespace rescind::eval
