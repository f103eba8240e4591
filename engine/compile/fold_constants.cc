#include "engine/compile/fold_constants.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "engine/compile/rewrite.h"

namespace rescind::compile {
namespace {

using ir::Op;
using ir::Type;

constexpr int64_t kFirstMicros = int64_t{kFirstDay.days} * kMicrosPerDay;
constexpr int64_t kLastMicros = (int64_t{kLastDay.days} + 1) * kMicrosPerDay - 1;

const ir::Constant* ConstantOf(const Graph& graph, ir::NodeId id) {
  const ir::Node& node = graph.node(id);
  return node.op == Op::kConstant ? &node.constant : nullptr;
}

int64_t NumberOf(const ir::Constant& constant) {
  if (const auto* instant = std::get_if<Instant>(&constant)) return instant->micros;
  if (const auto* duration = std::get_if<Duration>(&constant)) return duration->micros;
  return std::get<int64_t>(constant);
}

std::optional<ir::Constant> FromNumber(Type::Kind kind, int64_t number) {
  switch (kind) {
    case Type::Kind::kInt: return number;
    case Type::Kind::kDuration: return Duration{number};
    case Type::Kind::kTime:
      if (number < kFirstMicros || number > kLastMicros) return std::nullopt;
      return Instant{number};
    default: return std::nullopt;
  }
}

std::optional<ir::Constant> FoldArithmetic(const Graph& graph, const ir::Node& node) {
  const ir::Constant* left = ConstantOf(graph, node.operands[0]);
  const ir::Constant* right = node.op == Op::kNegate ? left : ConstantOf(graph, node.operands[1]);
  if (left == nullptr || right == nullptr) return std::nullopt;
  const int64_t a = NumberOf(*left);
  const int64_t b = NumberOf(*right);
  int64_t result = 0;
  bool overflows = false;
  switch (node.op) {
    case Op::kAdd: overflows = __builtin_add_overflow(a, b, &result); break;
    case Op::kSubtract: overflows = __builtin_sub_overflow(a, b, &result); break;
    case Op::kMultiply: overflows = __builtin_mul_overflow(a, b, &result); break;
    default: overflows = __builtin_sub_overflow(int64_t{0}, a, &result); break;
  }
  if (overflows) return std::nullopt;
  return FromNumber(node.type.kind, result);
}

std::optional<ir::Constant> FoldRelation(const Graph& graph, const ir::Node& node) {
  const ir::Constant* left = ConstantOf(graph, node.operands[0]);
  if (left == nullptr) return std::nullopt;
  if (node.op == Op::kInSet) {
    const auto& items = graph.set(node.set).items;
    return std::binary_search(items.begin(), items.end(), *left);
  }
  const ir::Constant* right = ConstantOf(graph, node.operands[1]);
  if (right == nullptr) return std::nullopt;
  if (node.op == Op::kCompare) {
    switch (node.compare) {
      case ir::Compare::kEqual: return *left == *right;
      case ir::Compare::kLess: return *left < *right;
      case ir::Compare::kLessEqual: return *left <= *right;
    }
  }
  const std::string& text = std::get<std::string>(*left);
  const std::string& part = std::get<std::string>(*right);
  switch (node.op) {
    case Op::kStartsWith: return text.starts_with(part);
    case Op::kEndsWith: return text.ends_with(part);
    default: return text.find(part) != std::string::npos;
  }
}

std::optional<ir::Constant> FoldAddCivil(const Graph& graph, const ir::Node& node) {
  const ir::Constant* date = ConstantOf(graph, node.operands[0]);
  // Business days hang on the workspace's calendar.
  if (date == nullptr || node.length.unit == CivilUnit::kBusinessDays) return std::nullopt;
  const auto day = AddCivil(std::get<Day>(*date), node.length, Holidays());  // within the calendar
  if (!day) return std::nullopt;
  return *day;
}

std::optional<ir::Constant> Folded(const Graph& graph, const ir::Node& node) {
  switch (node.op) {
    case Op::kNot: {
      const ir::Constant* operand = ConstantOf(graph, node.operands[0]);
      if (operand == nullptr) return std::nullopt;
      return !std::get<bool>(*operand);
    }
    case Op::kIsKnown: {
      const Op operand = graph.node(node.operands[0]).op;
      if (operand == Op::kConstant || operand == Op::kMember || operand == Op::kNow) return true;
      return std::nullopt;
    }
    case Op::kCompare:
    case Op::kInSet:
    case Op::kStartsWith:
    case Op::kEndsWith:
    case Op::kContains: return FoldRelation(graph, node);
    case Op::kAdd:
    case Op::kSubtract:
    case Op::kMultiply:
    case Op::kNegate: return FoldArithmetic(graph, node);
    case Op::kAddCivil: return FoldAddCivil(graph, node);
    case Op::kReached:
      if (node.factor != 0 || !node.operands.empty()) return std::nullopt;
      return node.offset >= 0;
    default: return std::nullopt;
  }
}

// Constants among the terms go into the offset, unless it would not hold them.
void FoldTerms(const Graph& graph, ir::Node& node) {
  std::vector<ir::NodeId> operands;
  std::vector<int8_t> signs;
  for (size_t i = 0; i < node.operands.size(); ++i) {
    const ir::Constant* constant = ConstantOf(graph, node.operands[i]);
    int64_t total = 0;
    const bool taken =
        constant != nullptr &&
        !(node.signs[i] > 0 ? __builtin_add_overflow(node.offset, NumberOf(*constant), &total)
                            : __builtin_sub_overflow(node.offset, NumberOf(*constant), &total));
    if (taken) {
      node.offset = total;
    } else {
      operands.push_back(node.operands[i]);
      signs.push_back(node.signs[i]);
    }
  }
  node.operands = std::move(operands);
  node.signs = std::move(signs);
}

ir::NodeId FoldNode(Graph& graph, ir::Node node) {
  if (node.op == Op::kReached) FoldTerms(graph, node);
  if (node.op == Op::kCoalesce) {
    // What cannot be unknown needs no second choice. Undecided, it makes the whole undecided.
    if (!graph.node(node.operands[0]).may_be_unknown) return node.operands[0];
    if (node.operands[0] == node.operands[1]) return node.operands[0];
  }
  if (auto constant = Folded(graph, node)) return graph.Constant(node.type, *std::move(constant));
  return graph.Add(std::move(node));
}

}  // namespace

ir::Program FoldConstants(ir::Program program) { return Rewrite(std::move(program), FoldNode); }

}  // namespace rescind::compile
