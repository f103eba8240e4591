#include "engine/compile/expression_lowering.h"

#include <string>
#include <type_traits>
#include <variant>

#include "engine/base/assert.h"

namespace rescind::compile {

using typed::Expr;
using typed::ExprKind;

namespace {

constexpr size_t kMaxClauses = 10'000;  // of one rule

ir::Type::Kind LowerKind(typed::Type::Kind kind) {
  switch (kind) {
    case typed::Type::Kind::kBool: return ir::Type::Kind::kBool;
    case typed::Type::Kind::kText: return ir::Type::Kind::kText;
    case typed::Type::Kind::kInt: return ir::Type::Kind::kInt;
    case typed::Type::Kind::kTime: return ir::Type::Kind::kTime;
    case typed::Type::Kind::kDate: return ir::Type::Kind::kDate;
    case typed::Type::Kind::kDuration: return ir::Type::Kind::kDuration;
    case typed::Type::Kind::kEnum: return ir::Type::Kind::kEnum;
    case typed::Type::Kind::kRow:
    case typed::Type::Kind::kRows: return ir::Type::Kind::kRow;
    case typed::Type::Kind::kTableRow:
    case typed::Type::Kind::kTableRows: return ir::Type::Kind::kTableRow;
    case typed::Type::Kind::kSet: return ir::Type::Kind::kSet;
    case typed::Type::Kind::kError:
    case typed::Type::Kind::kCivil: break;
  }
  RESCIND_UNREACHABLE("a type that no value has in a checked program");
}

ir::Type::Kind LowerKind(TypeKind kind) {
  switch (kind) {
    case TypeKind::kText: return ir::Type::Kind::kText;
    case TypeKind::kBool: return ir::Type::Kind::kBool;
    case TypeKind::kInt: return ir::Type::Kind::kInt;
    case TypeKind::kTime: return ir::Type::Kind::kTime;
    case TypeKind::kDate: return ir::Type::Kind::kDate;
    case TypeKind::kDuration: return ir::Type::Kind::kDuration;
    case TypeKind::kEnum: return ir::Type::Kind::kEnum;
    case TypeKind::kReference:
    case TypeKind::kMany: return ir::Type::Kind::kRow;
    case TypeKind::kSet: return ir::Type::Kind::kSet;
  }
  RESCIND_UNREACHABLE("a field of a kind beyond the enumeration");
}

}  // namespace

ir::Type LowerType(const typed::Type& type) {
  ir::Type lowered;
  lowered.kind = LowerKind(type.kind);
  const bool is_set = lowered.kind == ir::Type::Kind::kSet;
  if (is_set) lowered.element = LowerKind(type.element);
  const ir::Type::Kind leaf = is_set ? lowered.element : lowered.kind;
  if (leaf == ir::Type::Kind::kEnum) lowered.enumeration = type.enumeration;
  if (leaf == ir::Type::Kind::kRow) lowered.entity = type.entity;
  if (leaf == ir::Type::Kind::kTableRow) {
    lowered.table = ir::TableId(type.table.index());
  }
  return lowered;
}

ir::Type LowerFieldType(const FieldType& type) {
  ir::Type lowered;
  lowered.kind = LowerKind(type.kind);
  const bool is_set = lowered.kind == ir::Type::Kind::kSet;
  if (is_set) lowered.element = LowerKind(type.element);
  const ir::Type::Kind leaf = is_set ? lowered.element : lowered.kind;
  if (leaf == ir::Type::Kind::kEnum) lowered.enumeration = type.enumeration;
  if (leaf == ir::Type::Kind::kRow) lowered.entity = type.entity;
  return lowered;
}

ir::Constant LowerConstant(const typed::Constant& constant) {
  return std::visit(
      [](const auto& value) -> ir::Constant {
        using T = std::decay_t<decltype(value)>;
        if constexpr (std::is_same_v<T, typed::EnumValue>) {
          return int64_t{value.member};
        } else if constexpr (std::is_same_v<T, typed::RowKey>) {
          return value.id;
        } else if constexpr (std::is_same_v<T, CivilDuration>) {
          RESCIND_UNREACHABLE("a civil length where a value stands");
        } else {
          return value;
        }
      },
      constant);
}

ExpressionLowering::ExpressionLowering(Graph& graph, const typed::Program& program,
                                       const RuleScope& scope)
    : graph_(graph),
      program_(program),
      scope_(scope),
      let_nodes_(scope.lets.size()),
      time_(&scope.lets) {
  frames_.emplace(scope.binder, graph.RootFrame(scope.entity));
}

const Expr& ExpressionLowering::Resolve(const Expr& expr) const {
  const Expr* at = &expr;
  for (;;) {
    if (at->kind == ExprKind::kInlined) {
      at = at->operands[0].get();
    } else if (at->kind == ExprKind::kLet) {
      at = scope_.lets[at->let].value.get();
    } else {
      return *at;
    }
  }
}

// ---- Conditions -------------------------------------------------------------------------------

uint32_t ExpressionLowering::Clause(const Expr& expr) {
  const auto index = static_cast<uint32_t>(clauses_.size());
  clauses_.emplace_back();
  Children children;
  // Lets that use lets twice could ask for more clauses than anybody reads.
  const ir::NodeId node = Condition(expr, index < kMaxClauses ? &children : nullptr);
  clauses_[index] = {node, expr.span, std::move(children)};
  return index;
}

ir::NodeId ExpressionLowering::Part(const Expr& expr, Children* children) {
  if (children == nullptr) return Value(expr);
  children->push_back(Clause(expr));
  return clauses_[children->back()].node;
}

ir::NodeId ExpressionLowering::Condition(const Expr& expr, Children* children) {
  switch (expr.kind) {
    case ExprKind::kInlined: return Condition(*expr.operands[0], children);
    case ExprKind::kLet: return Condition(*scope_.lets[expr.let].value, children);
    case ExprKind::kAnd:
    case ExprKind::kOr:
    case ExprKind::kNot: return Logic(expr, children);
    case ExprKind::kAny:
    case ExprKind::kAll:
    case ExprKind::kNo: return Fold(expr, children);
    default: return Value(expr);
  }
}

ir::NodeId ExpressionLowering::Logic(const Expr& expr, Children* children) {
  std::vector<ir::NodeId> operands;
  for (const auto& operand : expr.operands) operands.push_back(Part(*operand, children));
  if (expr.kind == ExprKind::kNot) return graph_.Not(operands[0]);
  return expr.kind == ExprKind::kAnd ? graph_.And(std::move(operands))
                                     : graph_.Or(std::move(operands));
}

// ---- Values -----------------------------------------------------------------------------------

ir::NodeId ExpressionLowering::Value(const Expr& expr) {
  switch (expr.kind) {
    case ExprKind::kInlined: return Value(*expr.operands[0]);
    case ExprKind::kLet: return Let(expr.let);
    case ExprKind::kAnd:
    case ExprKind::kOr:
    case ExprKind::kNot: return Logic(expr, nullptr);
    case ExprKind::kIsKnown: return Known(*expr.operands[0]);
    case ExprKind::kIsUnknown: return graph_.Not(Known(*expr.operands[0]));
    case ExprKind::kId:
    case ExprKind::kField:
    case ExprKind::kColumn: return Path(expr);
    case ExprKind::kCompare:
    case ExprKind::kIn:
    case ExprKind::kInList:
    case ExprKind::kHas:
    case ExprKind::kStartsWith:
    case ExprKind::kEndsWith:
    case ExprKind::kContains:
    case ExprKind::kMatches:
    case ExprKind::kPassed:
    case ExprKind::kOlder:
    case ExprKind::kNewer:
    case ExprKind::kWithinNext: return Relation(expr);
    case ExprKind::kAny:
    case ExprKind::kAll:
    case ExprKind::kNo:
    case ExprKind::kCount:
    case ExprKind::kLatest:
    case ExprKind::kEarliest:
    case ExprKind::kSum: return Fold(expr, nullptr);
    case ExprKind::kMany:
    case ExprKind::kFlatMap:
    case ExprKind::kRowsOfSet:
    case ExprKind::kTable:
    case ExprKind::kFilter: break;
    default: return Plain(expr);
  }
  RESCIND_UNREACHABLE("a collection where one value stands");
}

ir::NodeId ExpressionLowering::Let(uint32_t index) {
  if (!let_nodes_[index].valid()) let_nodes_[index] = Value(*scope_.lets[index].value);
  return let_nodes_[index];
}

ir::NodeId ExpressionLowering::Plain(const Expr& expr) {
  const ir::Type type = LowerType(expr.type);
  switch (expr.kind) {
    case ExprKind::kLiteral:
    case ExprKind::kParam: {
      if (type.kind != ir::Type::Kind::kRow) {
        return graph_.Constant(type, LowerConstant(expr.constant));
      }
      ir::Node node;
      node.op = ir::Op::kConstantRow;
      node.type = type;
      node.constant = LowerConstant(expr.constant);
      return graph_.Add(std::move(node));
    }
    case ExprKind::kVariable: {
      const auto frame = frames_.find(expr.binder);
      // INVARIANT: a variable is used inside what binds it.
      RESCIND_ASSERT(frame != frames_.end(), "a variable outside its scope");
      return graph_.Member(frame->second);
    }
    case ExprKind::kNow: return Make(ir::Op::kNow, type, {});
    case ExprKind::kToday: return Make(ir::Op::kToday, type, {Zone()});
    case ExprKind::kCoalesce:
      return Make(ir::Op::kCoalesce, type, {Value(*expr.operands[0]), Value(*expr.operands[1])});
    case ExprKind::kAdd:
    case ExprKind::kSubtract:
    case ExprKind::kMultiply:
    case ExprKind::kNegate: return Arithmetic(expr);
    case ExprKind::kLower: return Make(ir::Op::kLower, type, {Value(*expr.operands[0])});
    case ExprKind::kDateOf: return Make(ir::Op::kDateOf, type, {Value(*expr.operands[0]), Zone()});
    case ExprKind::kStartOf:
      return Make(ir::Op::kStartOf, type, {Value(*expr.operands[0]), Zone()});
    case ExprKind::kChangedAt: return History(ir::Op::kChangedAt, expr);
    case ExprKind::kPrevious: return History(ir::Op::kPrevious, expr);
    case ExprKind::kRemovedAt: return History(ir::Op::kRemovedAt, expr);
    default: break;
  }
  RESCIND_UNREACHABLE("an expression of a kind beyond the enumeration");
}

ir::NodeId ExpressionLowering::Path(const Expr& expr) {
  ir::Node node;
  node.operands = {Value(*expr.operands[0])};
  node.type = LowerType(expr.type);
  if (expr.kind == ExprKind::kId) {
    node.op = ir::Op::kId;
  } else if (expr.kind == ExprKind::kColumn) {
    node.op = ir::Op::kColumn;
    node.column = expr.column;
  } else {
    node.op = ir::Op::kField;
    node.entity = expr.entity;
    node.field = expr.field;
    node.type = LowerFieldType(program_.schema.field(expr.entity, expr.field).type);
  }
  return graph_.Add(std::move(node));
}

ir::NodeId ExpressionLowering::History(ir::Op op, const Expr& expr) {
  const Expr& field = Resolve(*expr.operands[0]);
  RESCIND_ASSERT(field.kind == ExprKind::kField, "the history of what is no field");
  ir::Node node;
  node.op = op;
  node.type = LowerType(expr.type);
  node.entity = field.entity;
  node.field = field.field;
  node.operands = {Value(*field.operands[0])};
  return graph_.Add(std::move(node));
}

ir::NodeId ExpressionLowering::Arithmetic(const Expr& expr) {
  const ir::Type type = LowerType(expr.type);
  if (type.kind == ir::Type::Kind::kDate) {
    ir::Node node;
    node.op = ir::Op::kAddCivil;
    node.type = type;
    node.operands = {Value(*expr.operands[0])};
    node.length = CivilOf(*expr.operands[1]);
    if (expr.kind == ExprKind::kSubtract) node.length.count = -node.length.count;
    return graph_.Add(std::move(node));
  }
  const ir::Op op = expr.kind == ExprKind::kAdd        ? ir::Op::kAdd
                    : expr.kind == ExprKind::kSubtract ? ir::Op::kSubtract
                    : expr.kind == ExprKind::kMultiply ? ir::Op::kMultiply
                                                       : ir::Op::kNegate;
  std::vector<ir::NodeId> operands;
  for (const auto& operand : expr.operands) operands.push_back(Value(*operand));
  return Make(op, type, std::move(operands));
}

// ---- Relations --------------------------------------------------------------------------------

ir::NodeId ExpressionLowering::Relation(const Expr& expr) {
  const auto pair = [&](ir::Op op) {
    return Make(op, ir::Type{}, {Value(*expr.operands[0]), Value(*expr.operands[1])});
  };
  switch (expr.kind) {
    case ExprKind::kCompare: break;
    case ExprKind::kIn: return InSet(*expr.operands[0], expr.constants);
    case ExprKind::kInList:
      return InSet(*expr.operands[0], program_.lists[expr.list.index()].items);
    case ExprKind::kHas: return Has(*expr.operands[0], *expr.operands[1]);
    case ExprKind::kStartsWith: return pair(ir::Op::kStartsWith);
    case ExprKind::kEndsWith: return pair(ir::Op::kEndsWith);
    case ExprKind::kContains: return pair(ir::Op::kContains);
    case ExprKind::kMatches: {
      ir::Node node;
      node.op = ir::Op::kMatches;
      node.operands = {Value(*expr.operands[0])};
      node.pattern = graph_.AddPattern(expr.text);
      return graph_.Add(std::move(node));
    }
    case ExprKind::kPassed: return Passed(expr);
    case ExprKind::kOlder: return Older(expr);
    case ExprKind::kNewer: return graph_.Not(Older(expr));
    default: return WithinNext(expr);
  }
  const Expr& left = *expr.operands[0];
  const Expr& right = *expr.operands[1];
  const auto is_today = [&](const Expr& side) {
    return side.type.kind == typed::Type::Kind::kDate && time_.NamesNow(side);
  };
  if (is_today(left) || is_today(right)) return CompareToday(expr);
  if (time_.NamesNow(left) || time_.NamesNow(right)) return CompareTimes(expr);
  switch (expr.compare) {
    case typed::CompareOp::kEqual: return Equal(left, right);
    case typed::CompareOp::kNotEqual: return graph_.Not(Equal(left, right));
    case typed::CompareOp::kLess: return Ordered(ir::Compare::kLess, left, right);
    case typed::CompareOp::kLessEqual: return Ordered(ir::Compare::kLessEqual, left, right);
    case typed::CompareOp::kGreater: return Ordered(ir::Compare::kLess, right, left);
    case typed::CompareOp::kGreaterEqual: return Ordered(ir::Compare::kLessEqual, right, left);
  }
  RESCIND_UNREACHABLE("a comparison beyond the enumeration");
}

ir::NodeId ExpressionLowering::Equal(const Expr& left, const Expr& right) {
  // A row that is named by its id, but is not there, would be unknown: asked for as a set of one,
  // it is merely not equal.
  const auto named = [&](const Expr& value, const Expr& row) {
    return InSet(value, {Resolve(row).constant});
  };
  const auto is_named = [&](const Expr& side) {
    return std::holds_alternative<typed::RowKey>(Resolve(side).constant);
  };
  if (is_named(left) && is_named(right)) {
    const ir::NodeId sought = Value(left);
    return graph_.And({IsKnown(sought), named(left, right)});
  }
  if (is_named(right)) return named(left, right);
  if (is_named(left)) return named(right, left);
  const ir::NodeId sought = Value(right);  // in the order of Ordered
  return Same(Value(left), sought);
}

// The arguments of a call have no order, and programs must not hang on the compiler: nodes are
// numbered as they are made.
ir::NodeId ExpressionLowering::Ordered(ir::Compare compare, const Expr& less, const Expr& more) {
  const ir::NodeId bound = Value(more);
  return Compared(compare, Value(less), bound);
}

ir::NodeId ExpressionLowering::Has(const Expr& set, const Expr& member) {
  const ir::NodeId sought = Value(member);
  const ir::NodeId has = Make(ir::Op::kHas, ir::Type{}, {Value(set), sought});
  if (graph_.node(sought).op != ir::Op::kConstantRow) return has;
  // A row that is named by its id, but is not there, is in no set.
  return graph_.And({IsKnown(sought), has});
}

ir::NodeId ExpressionLowering::InSet(const Expr& value, const std::vector<typed::Constant>& items) {
  const ir::NodeId operand = Value(value);
  const ir::Type type = graph_.node(operand).type;
  if (items.size() == 1 && type.kind != ir::Type::Kind::kRow) {
    return Same(operand, graph_.Constant(type, LowerConstant(items.front())));
  }
  ir::ConstantSet set;
  set.element = type;
  for (const typed::Constant& item : items) set.items.push_back(LowerConstant(item));
  ir::Node node;
  node.op = ir::Op::kInSet;
  node.operands = {operand};
  node.set = graph_.AddSet(std::move(set));
  return graph_.Add(std::move(node));
}

// Equality that also two conditions which move may have: both hold or neither does. Where one is
// undecided, so is the whole, as with kCompare.
ir::NodeId ExpressionLowering::Same(ir::NodeId left, ir::NodeId right) {
  const bool moves = graph_.node(left).moves || graph_.node(right).moves;
  if (graph_.node(left).type.kind != ir::Type::Kind::kBool || !moves) {
    return Compared(ir::Compare::kEqual, left, right);
  }
  return graph_.Or({graph_.And({left, right}), graph_.And({graph_.Not(left), graph_.Not(right)})});
}

ir::NodeId ExpressionLowering::Compared(ir::Compare compare, ir::NodeId left, ir::NodeId right) {
  ir::Node node;
  node.op = ir::Op::kCompare;
  node.compare = compare;
  node.operands = {left, right};
  return graph_.Add(std::move(node));
}

ir::NodeId ExpressionLowering::Make(ir::Op op, ir::Type type, std::vector<ir::NodeId> operands) {
  ir::Node node;
  node.op = op;
  node.type = type;
  node.operands = std::move(operands);
  return graph_.Add(std::move(node));
}

ir::NodeId ExpressionLowering::IsKnown(ir::NodeId node) {
  return Make(ir::Op::kIsKnown, ir::Type{}, {node});
}

ir::NodeId ExpressionLowering::Zone() {
  if (scope_.timezone != nullptr) return Value(*scope_.timezone);
  ir::Type text;
  text.kind = ir::Type::Kind::kText;
  return graph_.Constant(text, program_.default_timezone);
}

}  // namespace rescind::compile
