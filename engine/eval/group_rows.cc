// Rows by the value of one node: values become dense codes in the order in which they turn up.
#include <unordered_map>
#include <utility>

#include "engine/base/assert.h"
#include "engine/eval/batch_evaluator.h"

namespace rescind::eval {
namespace {

constexpr uint32_t kChunkRows = 2048;

class Grouping {
 public:
  Grouping(const SweepPlan& plan, ir::NodeId node, NodeGroups& groups)
      : plan_(plan), node_(node), type_(plan.node(node).type), groups_(groups) {}

  void Add(const ValueVector& values, const Selection& selection, uint32_t first_row,
           TextDomains& texts) {
    switch (plan_.at(node_).width) {
      case Width::kByte: return AddSmall<uint8_t>(values, selection, first_row, texts);
      // Codes and rows are dense numbers.
      case Width::kWord: return AddSmall<uint32_t>(values, selection, first_row, texts);
      case Width::kDay: return AddLarge<int32_t>(values, selection, first_row, texts);
      case Width::kLong: return AddLarge<int64_t>(values, selection, first_row, texts);
    }
  }

 private:
  uint32_t NewGroup(int64_t number, TextDomains& texts) {
    groups_.values.push_back({ValueStatus::kKnown, EvaluationError::kNone, Content(number, texts)});
    return static_cast<uint32_t>(groups_.values.size() - 1);
  }

  template <typename T>
  void AddSmall(const ValueVector& values, const Selection& selection, uint32_t first_row,
                TextDomains& texts) {
    const T* numbers = values.values<T>();
    ForEach(selection, [&](uint32_t i) {
      if (values.status(i) != kIsKnown) return;
      if (numbers[i] >= by_number_.size()) {
        by_number_.resize(size_t{numbers[i]} * 2 + 256, NodeGroups::kNoGroup);
      }
      uint32_t& group = by_number_[numbers[i]];
      if (group == NodeGroups::kNoGroup) group = NewGroup(numbers[i], texts);
      groups_.group[first_row + i] = group;
    });
  }

  template <typename T>
  void AddLarge(const ValueVector& values, const Selection& selection, uint32_t first_row,
                TextDomains& texts) {
    const T* numbers = values.values<T>();
    ForEach(selection, [&](uint32_t i) {
      if (values.status(i) != kIsKnown) return;
      const auto [found, added] = by_value_.try_emplace(numbers[i], 0);
      if (added) found->second = NewGroup(numbers[i], texts);
      groups_.group[first_row + i] = found->second;
    });
  }

  decltype(Value::content) Content(int64_t number, TextDomains& texts) const {
    using Kind = ir::Type::Kind;
    const auto word = static_cast<uint32_t>(number);
    switch (type_.kind) {
      case Kind::kBool: return number != 0;
      case Kind::kInt: return number;
      case Kind::kTime: return Instant{number};
      case Kind::kDuration: return Duration{number};
      case Kind::kDate: return Day{static_cast<int32_t>(number)};
      case Kind::kEnum: return EnumMember{type_.enumeration, static_cast<uint8_t>(number)};
      case Kind::kRow: return FactRow{type_.entity, RowId(word)};
      case Kind::kTableRow: return TableRow{type_.table, word};
      case Kind::kText: return std::string(texts.Text(plan_.at(node_).dictionary, word));
      case Kind::kSet: {
        const auto source = static_cast<uint32_t>(static_cast<uint64_t>(number) >> 32);
        const SweepPlan::SetSource& from = plan_.set_source(source);
        return StoredSet{from.entity, from.field, word};
      }
    }
    RESCIND_UNREACHABLE("a type beyond the enumeration");
  }

  const SweepPlan& plan_;
  ir::NodeId node_;
  const ir::Type type_;
  NodeGroups& groups_;
  std::vector<uint32_t> by_number_;
  std::unordered_map<int64_t, uint32_t> by_value_;
};

ir::FrameId RootOf(const ir::Program& program, EntityId entity) {
  for (uint32_t frame = 0; frame < program.frames.size(); ++frame) {
    const ir::Frame& candidate = program.frames[frame];
    if (!candidate.source.valid() && candidate.member.entity == entity) return ir::FrameId(frame);
  }
  RESCIND_UNREACHABLE("an entity whose rows no node stands on");
}

}  // namespace

NodeGroups GroupRows(const EvaluationInput& input, ir::NodeId node, EntityId entity) {
  SweepOptions options;
  options.deadlines = false;
  // One node, looked at once: nothing is gained by looking at it from elsewhere.
  options.pushdown_fan_in = std::nullopt;
  options.semi_join_share = std::nullopt;
  const SweepPlan plan(input, options, {node});
  BatchEvaluator evaluator(plan);
  const Table& table = input.facts.table(entity);
  NodeGroups groups;
  groups.group.assign(table.row_count(), NodeGroups::kNoGroup);
  Grouping grouping(plan, node, groups);
  const ir::FrameId frame = input.program.node(node).frame;
  const ir::FrameId root = frame.valid() ? frame : RootOf(input.program, entity);
  for (uint32_t first = 0; first < table.row_count(); first += kChunkRows) {
    const uint32_t count = std::min(kChunkRows, table.row_count() - first);
    const Selection& complete = evaluator.StartChunk(root, table.complete().data(), first, count);
    if (complete.count == 0) continue;
    grouping.Add(evaluator.Evaluate(node, complete), complete, first, evaluator.texts());
  }
  return groups;
}

}  // namespace rescind::eval
