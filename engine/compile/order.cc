#include "engine/compile/order.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "engine/compile/rewrite.h"
#include "engine/ir/reads.h"

namespace rescind::compile {
namespace {

using ir::Op;

// Guesses, in units of reading one column of the judged row.
constexpr double kMembers = 8;       // of a collection, on average
constexpr double kPatternCost = 60;  // an RE2 search
constexpr double kTextCost = 15;     // comparing, cutting or folding texts
constexpr double kCalendarCost = 6;  // days and zones
constexpr double kMaxCost = 1e12;
// `is known` spares what follows the rows that are unknown, which are dearer than others.
constexpr double kGuardDiscount = 0.2;

struct Estimate {
  double cost = 0;      // of a row
  double chance = 0.5;  // of being true, for conditions
};

class Estimator {
 public:
  const Estimate& Of(const Graph& graph, ir::NodeId id) {
    // Operands come before what uses them, so a loop does for recursion.
    while (estimates_.size() <= id.index()) {
      const ir::NodeId next(static_cast<uint32_t>(estimates_.size()));
      const ir::Node& node = graph.node(next);
      Estimate made{Cost(graph, node), Chance(graph, node)};
      made.cost = std::min(made.cost, kMaxCost);
      made.chance = std::clamp(made.chance, 0.001, 0.999);
      estimates_.push_back(made);
    }
    return estimates_[id.index()];
  }

 private:
  double Cost(const Graph& graph, const ir::Node& node) const {
    double operands = 0;
    for (const ir::NodeId id : node.operands) operands += estimates_[id.index()].cost;
    switch (node.op) {
      case Op::kConstant:
      case Op::kMember:
      case Op::kConstantRow:
      case Op::kNow: return 0;
      case Op::kNot: return operands;
      case Op::kMatches: return operands + kPatternCost;
      case Op::kStartsWith:
      case Op::kEndsWith:
      case Op::kContains:
      case Op::kLower:
      case Op::kId: return operands + kTextCost;
      case Op::kToday:
      case Op::kDayReached:
      case Op::kDateOf:
      case Op::kStartOf:
      case Op::kAddCivil: return operands + kCalendarCost;
      case Op::kAny:
      case Op::kAll:
      case Op::kCount:
      case Op::kSum:
      case Op::kLatest:
      case Op::kEarliest:
        return (operands + 2) * Members(graph, node.collection) +
               CollectionCost(graph, node.collection);
      default: return operands + 1;
    }
  }

  static double Members(const Graph& graph, ir::CollectionId id) {
    const ir::Collection& collection = graph.collection(id);
    const double own = collection.kind == ir::Collection::Kind::kFilter ? 1 : kMembers;
    return collection.inner.valid() ? own * Members(graph, collection.inner) : own;
  }

  double CollectionCost(const Graph& graph, ir::CollectionId id) const {
    const ir::Collection& collection = graph.collection(id);
    double cost = 1;
    if (collection.base.valid()) cost += estimates_[collection.base.index()].cost;
    if (collection.condition.valid()) {
      cost += estimates_[collection.condition.index()].cost * Members(graph, collection.inner);
    }
    return collection.inner.valid() ? cost + CollectionCost(graph, collection.inner) : cost;
  }

  double Chance(const Graph& graph, const ir::Node& node) const {
    switch (node.op) {
      case Op::kNot: return 1 - estimates_[node.operands[0].index()].chance;
      case Op::kAnd:
      case Op::kOr: {
        double all = 1;
        for (const ir::NodeId id : node.operands) {
          const double chance = estimates_[id.index()].chance;
          all *= node.op == Op::kAnd ? chance : 1 - chance;
        }
        return node.op == Op::kAnd ? all : 1 - all;
      }
      case Op::kConstant:
        if (const bool* value = std::get_if<bool>(&node.constant)) return *value ? 1 : 0;
        return 0.5;
      case Op::kIsKnown: return 0.8;
      case Op::kCompare:
        return node.compare == ir::Compare::kEqual ? EqualChance(graph, node.operands[0]) : 0.4;
      case Op::kInSet: {
        const double one = EqualChance(graph, node.operands[0]);
        return std::min(0.9, one * static_cast<double>(graph.set(node.set).items.size()));
      }
      case Op::kHas:
      case Op::kStartsWith:
      case Op::kEndsWith:
      case Op::kContains:
      case Op::kMatches: return 0.1;
      case Op::kReached:
      case Op::kDayReached: return 0.4;
      case Op::kAny: return 0.4;
      default: return 0.5;
    }
  }

  static double EqualChance(const Graph& graph, ir::NodeId id) {
    const ir::Type& type = graph.node(id).type;
    if (type.kind == ir::Type::Kind::kBool) return 0.5;
    if (type.kind != ir::Type::Kind::kEnum) return 0.02;
    const size_t members = graph.schema().enumeration(type.enumeration).members.size();
    return 1 / static_cast<double>(std::max<size_t>(members, 2));
  }

  std::vector<Estimate> estimates_;  // by node of the graph
};

bool IsGuard(const Graph& graph, ir::NodeId id) {
  const ir::Node& node = graph.node(id);
  const Op op = node.op == Op::kNot ? graph.node(node.operands[0]).op : node.op;
  return op == Op::kIsKnown;
}

class Orderer {
 public:
  ir::NodeId Add(Graph& graph, ir::Node node) {
    if (node.op == Op::kAnd || node.op == Op::kOr) {
      Sort(graph, node.op, node.operands);
      Gather(graph, node.op, node.operands);
    }
    return graph.Add(std::move(node));
  }

 private:
  void Sort(const Graph& graph, Op op, std::vector<ir::NodeId>& operands) {
    std::vector<std::pair<double, ir::NodeId>> ranked;
    for (const ir::NodeId id : operands) {
      const Estimate estimate = estimator_.Of(graph, id);
      const double decides = op == Op::kAnd ? 1 - estimate.chance : estimate.chance;
      const double discount = IsGuard(graph, id) ? kGuardDiscount : 1;
      ranked.emplace_back(discount * estimate.cost / decides, id);
    }
    // The id breaks ties, so that `a and b` and `b and a` become one node.
    std::sort(ranked.begin(), ranked.end());
    for (size_t i = 0; i < ranked.size(); ++i) operands[i] = ranked[i].second;
  }

  // Operands that read the row through one and the same reference become one operand, in the place
  // of the first: an evaluator may judge it once for each row that is referred to.
  void Gather(Graph& graph, Op op, std::vector<ir::NodeId>& operands) {
    if (!reads_) reads_.emplace(graph.program());
    std::vector<std::pair<ir::NodeId, std::vector<ir::NodeId>>> groups;  // by reference, if any
    for (const ir::NodeId id : operands) {
      const ir::FrameId frame = graph.node(id).frame;
      const ir::Reads reads = frame.valid() ? reads_->Of(id, frame) : ir::Reads();
      const auto same = [&](const auto& group) { return group.first == reads.reference; };
      const auto group =
          reads.reference.valid() ? std::find_if(groups.begin(), groups.end(), same) : groups.end();
      if (group == groups.end()) {
        groups.push_back({reads.reference, {id}});
      } else {
        group->second.push_back(id);
      }
    }
    if (groups.size() == 1 || groups.size() == operands.size()) return;
    operands.clear();
    for (auto& [reference, together] : groups) {
      if (together.size() == 1) {
        operands.push_back(together.front());
        continue;
      }
      ir::Node node;
      node.op = op;
      node.type = graph.node(together.front()).type;
      node.operands = std::move(together);
      operands.push_back(graph.Add(std::move(node)));
    }
    Sort(graph, op, operands);
  }

  Estimator estimator_;
  std::optional<ir::ReadsOfFrame> reads_;  // of the graph that is built
};

}  // namespace

ir::Program Order(ir::Program program) {
  Orderer orderer;
  return Rewrite(std::move(program), [&orderer](Graph& graph, ir::Node node) {
    return orderer.Add(graph, std::move(node));
  });
}

}  // namespace rescind::compile
