#include "engine/compile/simplify.h"

#include <optional>
#include <unordered_set>
#include <utility>
#include <variant>
#include <vector>

#include "engine/compile/rewrite.h"

namespace rescind::compile {
namespace {

using ir::Op;

bool IsConstant(const Graph& graph, ir::NodeId id, bool value) {
  const ir::Node& node = graph.node(id);
  return node.op == Op::kConstant && std::get<bool>(node.constant) == value;
}

ir::NodeId Negated(Graph& graph, ir::NodeId id) {
  const ir::Node& node = graph.node(id);
  if (node.op == Op::kNot) return node.operands[0];
  if (node.op == Op::kConstant) return graph.Bool(!std::get<bool>(node.constant));
  return graph.Not(id);
}

// The operands of `and` and `or` with those of nested ones in their places, each once.
class Flattener {
 public:
  Flattener(Graph& graph, Op op) : graph_(graph), op_(op) {}

  void Add(ir::NodeId id) {
    // A copy: the graph may grow while its operands are negated.
    const ir::Node node = graph_.node(id);
    if (node.op == op_) {
      for (const ir::NodeId operand : node.operands) Add(operand);
      return;
    }
    if (node.op == Op::kNot) {
      const ir::Node inner = graph_.node(node.operands[0]);
      if (inner.op == (op_ == Op::kAnd ? Op::kOr : Op::kAnd)) {
        for (const ir::NodeId operand : inner.operands) Add(Negated(graph_, operand));
        return;
      }
    }
    if (IsConstant(graph_, id, op_ == Op::kAnd)) return;
    decided_ = decided_ || IsConstant(graph_, id, op_ != Op::kAnd);
    if (seen_.insert(id).second) operands_.push_back(id);
  }

  ir::NodeId Result() {
    if (decided_) return graph_.Bool(op_ != Op::kAnd);
    return op_ == Op::kAnd ? graph_.And(std::move(operands_)) : graph_.Or(std::move(operands_));
  }

 private:
  Graph& graph_;
  Op op_;
  bool decided_ = false;
  std::unordered_set<ir::NodeId> seen_;
  std::vector<ir::NodeId> operands_;
};

// `x == true` is `x`.
std::optional<ir::NodeId> WithoutBool(Graph& graph, const ir::Node& node) {
  if (node.compare != ir::Compare::kEqual) return std::nullopt;
  if (graph.node(node.operands[0]).type.kind != ir::Type::Kind::kBool) return std::nullopt;
  if (IsConstant(graph, node.operands[1], true)) return node.operands[0];
  if (IsConstant(graph, node.operands[1], false)) return Negated(graph, node.operands[0]);
  return std::nullopt;
}

ir::NodeId SimplifyNode(Graph& graph, ir::Node node) {
  switch (node.op) {
    case Op::kAnd:
    case Op::kOr: {
      Flattener flattener(graph, node.op);
      for (const ir::NodeId operand : node.operands) flattener.Add(operand);
      return flattener.Result();
    }
    case Op::kNot: return Negated(graph, node.operands[0]);
    case Op::kCompare:
      if (const auto operand = WithoutBool(graph, node)) return *operand;
      break;
    default: break;
  }
  return graph.Add(std::move(node));
}

}  // namespace

ir::Program Simplify(ir::Program program) { return Rewrite(std::move(program), SimplifyNode); }

}  // namespace rescind::compile
