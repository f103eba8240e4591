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
// Reading where a reference points: anywhere in memory. What reads the row through one reference
// alone costs little more at most, for it may be judged once for each row that is referred to.
constexpr double kLookUpCost = 4;
constexpr double kByteLookUpCost = 2;
constexpr double kPushedCost = 3.5;
// The first member of an enumeration is the usual one: `active`.
constexpr double kFirstMemberChance = 0.6;
constexpr double kOtherMemberChance = 0.15;
constexpr double kFlagChance = 0.35;
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
      case Op::kField:
      case Op::kChangedAt:
      case Op::kPrevious:
        if (graph.node(node.operands[0]).op == Op::kMember) return operands + 1;
        return operands + (IsByte(node.type.kind) ? kByteLookUpCost : kLookUpCost);
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
      case Op::kCompare: {
        if (node.compare != ir::Compare::kEqual) return 0.5;
        const ir::Node& other = graph.node(node.operands[1]);
        const bool constant = other.op == Op::kConstant;
        return EqualChance(graph, node.operands[0], constant ? &other.constant : nullptr);
      }
      case Op::kInSet: {
        double any = 0;
        for (const ir::Constant& item : graph.set(node.set).items) {
          any += EqualChance(graph, node.operands[0], &item);
        }
        return std::min(0.9, any);
      }
      case Op::kField: return kFlagChance;
      case Op::kHas:
      case Op::kStartsWith:
      case Op::kEndsWith:
      case Op::kContains:
      case Op::kMatches: return 0.1;
      case Op::kReached:
      case Op::kDayReached: return 0.35;
      case Op::kAny: return 0.4;
      default: return 0.5;
    }
  }

  static bool IsByte(ir::Type::Kind kind) {
    return kind == ir::Type::Kind::kBool || kind == ir::Type::Kind::kEnum;
  }

  // Of being one constant, or the same as something else.
  static double EqualChance(const Graph& graph, ir::NodeId id, const ir::Constant* constant) {
    switch (graph.node(id).type.kind) {
      case ir::Type::Kind::kBool: return 0.5;
      case ir::Type::Kind::kEnum: {
        const auto* member = constant == nullptr ? nullptr : std::get_if<int64_t>(constant);
        return member != nullptr && *member == 0 ? kFirstMemberChance : kOtherMemberChance;
      }
      default: return 0.02;
    }
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
      const bool looked_up = ReadsOf(graph, id).what == ir::Reads::What::kOneReference;
      const double cost = looked_up ? std::min(estimate.cost, kPushedCost) : estimate.cost;
      ranked.emplace_back(discount * cost / decides, id);
    }
    // The id breaks ties, so that `a and b` and `b and a` become one node.
    std::sort(ranked.begin(), ranked.end());
    for (size_t i = 0; i < ranked.size(); ++i) operands[i] = ranked[i].second;
  }

  // Operands that read the row through one and the same reference become one operand, in the place
  // of the first: an evaluator may judge it once for each row that is referred to.
  void Gather(Graph& graph, Op op, std::vector<ir::NodeId>& operands) {
    std::vector<std::pair<ir::NodeId, std::vector<ir::NodeId>>> groups;  // by reference, if any
    for (const ir::NodeId id : operands) {
      const ir::Reads reads = ReadsOf(graph, id);
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

  ir::Reads ReadsOf(const Graph& graph, ir::NodeId id) {
    if (!reads_) reads_.emplace(graph.program());
    const ir::FrameId frame = graph.node(id).frame;
    return frame.valid() ? reads_->Of(id, frame) : ir::Reads();
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
