// SweepPlan: a rule program bound to facts, ready to be run over batches.
//
// What is the same for all rows is worked out here, once: where columns lie, which dictionary a
// text's codes belong to, constants, rows that constants name, which nodes need statuses checked.
// Workers share it; only the memos of text predicates change, atomically.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/time_zone.h"
#include "engine/eval/pushdown.h"
#include "engine/eval/semi_join.h"
#include "engine/eval/sweep.h"
#include "engine/eval/value_vector.h"

namespace re2 {
class RE2;
}

namespace rescind::eval {

// What a predicate says of each code of a dictionary, asked at most a few times for each.
class PredicateMemo {
 public:
  explicit PredicateMemo(uint32_t count) { Grow(count); }

  uint32_t count() const { return count_; }
  // For codes below `count`. What was answered is forgotten. Not for several threads at once.
  void Grow(uint32_t count) {
    answers_ = std::make_unique<Answer[]>(count);
    count_ = count;
  }

  template <typename Ask>
  bool Get(uint32_t code, Ask ask) {
    const uint8_t known = answers_[code].load(std::memory_order_relaxed);
    if (known != 0) return known == 2;
    const bool answer = ask();
    answers_[code].store(answer ? 2 : 1, std::memory_order_relaxed);
    return answer;
  }

 private:
  using Answer = std::atomic<uint8_t>;  // 0 nobody asked, 1 no, 2 yes
  std::unique_ptr<Answer[]> answers_;
  uint32_t count_ = 0;
};

// What a constant that is no text is in a vector.
int64_t NumberOf(const ir::Constant& constant);

struct NodePlan {
  Width width = Width::kByte;
  bool planned = false;

  // Paths.
  const Table* table = nullptr;
  const Column* column = nullptr;          // of the field, its previous values, or ids
  const TrackedColumn* tracked = nullptr;  // kChangedAt
  const Table* target = nullptr;           // of a reference
  bool required = false;
  bool complete = false;                 // kRow: whatever row it yields is complete
  const PushedColumn* pushed = nullptr;  // its values by row of a reference; see pushdown.h
  const SemiJoin* semi_join = nullptr;   // of a fold

  // kText: whose codes its values are; null: the worker's own dictionary.
  const TextDictionary* dictionary = nullptr;
  // kSet: where its sets lie, if all lie in one place.
  std::optional<uint32_t> set_source;

  // kConstant. Whatever is no text as a number.
  bool constant = false;
  int64_t number = 0;
  std::string text;

  // kConstantRow: live or not.
  std::optional<RowId> row;

  // kInSet: by member number, by row, or sorted.
  std::vector<uint8_t> contains;
  std::vector<std::string> unfound;  // ids of rows that nobody has mentioned yet
  std::vector<int64_t> numbers;
  std::vector<std::string> texts;

  // Text predicates whose second operand is a constant.
  std::unique_ptr<re2::RE2> pattern;
  std::unique_ptr<PredicateMemo> memo;  // by code of the operand's dictionary, if it is shared
  // kHas with a constant member: by set of `set_source`.
  std::unique_ptr<PredicateMemo> set_memo;
};

class SweepPlan {
 public:
  // Sets of several columns may meet in one node: a set's value is its source in the upper half
  // and its id in the pool of the source's column in the lower.
  struct SetSource {
    EntityId entity;
    FieldId field;
    const Column* column = nullptr;
  };

  // `roots`: the nodes that will be asked for. Pushdowns and semi-joins must be filled before.
  SweepPlan(const EvaluationInput& input, const SweepOptions& options,
            const std::vector<ir::NodeId>& roots);
  ~SweepPlan();

  const EvaluationInput& input() const { return input_; }
  const ir::Program& program() const { return input_.program; }
  bool deadlines() const { return deadlines_; }
  const ir::Node& node(ir::NodeId id) const { return input_.program.node(id); }
  const NodePlan& at(ir::NodeId id) const { return nodes_[id.index()]; }
  const SetSource& set_source(uint32_t source) const { return set_sources_[source]; }
  // Whether every live row of an entity is complete.
  bool all_complete(EntityId entity) const {
    const Table& table = input_.facts.table(entity);
    return table.complete_count() == table.live_count();
  }
  // The live row that a kConstantRow names.
  std::optional<uint32_t> ConstantRow(ir::NodeId id) const;
  // The live row of a cell of a table, by table, row and column.
  std::optional<uint32_t> CellRow(ir::TableId table, uint32_t row, uint32_t column) const;
  // The facts have been edited since, or it is another instant: binds the program anew to what has
  // grown. Only of a plan without pushdowns and semi-joins, while nobody evaluates. Says whether
  // there are new texts.
  bool Follow(Instant now);
  // The row of an id, live or not.
  std::optional<RowId> FindRow(EntityId entity, const std::string& id) const;
  std::vector<Pushdown>& pushdowns() { return pushdowns_; }
  std::vector<SemiJoin>& semi_joins() { return semi_joins_; }

 private:
  void PlanNode(ir::NodeId id);
  void PlanCollection(ir::CollectionId id);
  void BindPath(const ir::Node& node, NodePlan& plan);
  void BindConstant(const ir::Node& node, NodePlan& plan);
  void BindText(const ir::Node& node, NodePlan& plan);
  void BindSet(const ir::Node& node, NodePlan& plan);
  const TextDictionary* MemberDictionary(ir::FrameId frame);
  void BindInSet(const ir::Node& node, NodePlan& plan);
  void BindCells(const ir::Node& node);
  void PlanPushdowns(const std::vector<ir::NodeId>& roots, uint32_t fan_in);
  void PlanSemiJoins(const std::vector<ir::NodeId>& roots, uint32_t share);
  uint32_t SourceOf(EntityId entity, FieldId field);
  std::optional<uint32_t> IfLive(EntityId entity, std::optional<RowId> row) const;
  void FollowNode(ir::NodeId id);
  void FollowCells();

  EvaluationInput input_;
  bool deadlines_;
  std::vector<NodePlan> nodes_;  // by node; only what is needed is planned
  std::vector<SetSource> set_sources_;
  std::vector<std::unique_ptr<PushedColumn>> pushed_columns_;
  std::vector<Pushdown> pushdowns_;
  std::vector<SemiJoin> semi_joins_;
  std::vector<std::vector<std::vector<std::optional<RowId>>>>
      cell_rows_;  // [table][column][row], live or not
  // What Follow() looks at: nodes, dictionaries with their sizes, how many rows there were.
  std::vector<ir::NodeId> following_;
  std::map<const TextDictionary*, uint32_t> dictionaries_;
  std::vector<uint32_t> row_counts_;  // by entity
};

}  // namespace rescind::eval
