// Collections, and the folds over them.
//
// A fold is evaluated in the frame of its collection's member, which stands below the deepest frame
// that the whole fold depends on, not below where it happens to be written:
//
//   any(p in sod where p.left == "a")             depends on nothing: its frame has no parent
//   any(g in i.grants where any(p in sod where p.left == g.name))   p stands below g
//
// So what two policies ask of one collection is asked once. A filter around the collection of a
// fold becomes part of the fold's condition; `no` is `not any`.
#include <algorithm>
#include <string>
#include <utility>

#include "engine/base/assert.h"
#include "engine/compile/expression_lowering.h"

namespace rescind::compile {

using typed::Expr;
using typed::ExprKind;

bool NeedsZone(const Expr& expr) {
  const bool of_date =
      !expr.operands.empty() && expr.operands[0]->type.kind == typed::Type::Kind::kDate;
  switch (expr.kind) {
    case ExprKind::kToday:
    case ExprKind::kDateOf:
    case ExprKind::kStartOf: return true;
    case ExprKind::kPassed:
    case ExprKind::kOlder:
    case ExprKind::kNewer:
    case ExprKind::kWithinNext: return of_date;
    default: return false;
  }
}

ExpressionLowering::Binding::Binding(ExpressionLowering& lowering, const Source& source)
    : lowering_(lowering) {
  for (const typed::BinderId binder : source.binders) {
    ir::FrameId& frame = lowering_.frames_[binder];
    before_.emplace_back(binder, frame);
    frame = source.frame;
  }
}

ExpressionLowering::Binding::~Binding() {
  // Backwards, for a binder that is there twice.
  for (auto it = before_.rbegin(); it != before_.rend(); ++it) {
    if (it->second.valid()) {
      lowering_.frames_[it->first] = it->second;
    } else {
      lowering_.frames_.erase(it->first);
    }
  }
}

ir::FrameId ExpressionLowering::FrameOf(const Expr& expr) const {
  std::vector<typed::BinderId> inner;
  return FrameOf(expr, inner);
}

// `inner`: bound inside of what is asked for. A let that is being taken apart may stand in itself a
// second time, and then its binders are bound, too, to frames that this one does not depend on.
ir::FrameId ExpressionLowering::FrameOf(const Expr& expr,
                                        std::vector<typed::BinderId>& inner) const {
  const ir::FrameId root = frames_.at(scope_.binder);
  // A let may name the judged row, and nothing below it.
  if (expr.kind == ExprKind::kLet) return root;
  ir::FrameId frame;
  if (expr.kind == ExprKind::kVariable) {
    const auto bound = frames_.find(expr.binder);
    const bool is_inner = std::find(inner.begin(), inner.end(), expr.binder) != inner.end();
    if (bound != frames_.end() && !is_inner) frame = bound->second;
  } else if (expr.binder.valid()) {
    inner.push_back(expr.binder);
  }
  if (scope_.timezone != nullptr && NeedsZone(expr)) frame = root;
  for (const auto& operand : expr.operands) {
    if (operand) frame = graph_.Deeper(frame, FrameOf(*operand, inner));
  }
  return frame;
}

ir::FrameId ExpressionLowering::FrameOf(const Sum& sum) const {
  ir::FrameId frame;
  for (const auto& [node, sign] : sum.operands) {
    frame = graph_.Deeper(frame, graph_.node(node).frame);
  }
  for (const Term& term : sum.rest) frame = graph_.Deeper(frame, FrameOf(*term.expr));
  return frame;
}

// The collection of a fold, its frame, and what the filters around it say. `also`: what is lowered
// in the frame besides the fold's own operands.
ExpressionLowering::Source ExpressionLowering::SourceOf(const Expr& fold, const Sum* also) {
  Source source;
  source.binders.push_back(fold.binder);
  const Expr* collection = &Resolve(*fold.operands[0]);
  for (; collection->kind == ExprKind::kFilter; collection = &Resolve(*collection->operands[0])) {
    source.binders.push_back(collection->binder);
    source.conditions.push_back(collection->operands[1].get());
  }
  std::reverse(source.conditions.begin(), source.conditions.end());
  source.collection = Rows(*collection);
  ir::FrameId parent = FrameOf(fold);
  // What stands behind a let is not below `fold`.
  for (const Expr* condition : source.conditions) {
    parent = graph_.Deeper(parent, FrameOf(*condition));
  }
  parent = graph_.Deeper(parent, graph_.collection(source.collection).outer);
  if (also != nullptr) parent = graph_.Deeper(parent, FrameOf(*also));
  source.frame = graph_.FrameOver(parent, source.collection);
  return source;
}

ir::NodeId ExpressionLowering::FilterCondition(const Source& source, Children* children) {
  std::vector<ir::NodeId> conditions;
  for (const Expr* condition : source.conditions) conditions.push_back(Part(*condition, children));
  return graph_.And(std::move(conditions));
}

ir::NodeId ExpressionLowering::MakeFold(ir::Op op, ir::Type type, const Source& source,
                                        std::vector<ir::NodeId> operands) {
  ir::Node node;
  node.op = op;
  node.type = type;
  node.collection = source.collection;
  node.inner = source.frame;
  node.operands = std::move(operands);
  return graph_.Add(std::move(node));
}

ir::NodeId ExpressionLowering::Fold(const Expr& expr, Children* children) {
  const Source source = SourceOf(expr);
  const Binding binding(*this, source);
  const ir::NodeId filtered = FilterCondition(source, children);
  const bool has_condition = expr.operands.size() > 1 && expr.operands[1] != nullptr;
  const ir::NodeId own = has_condition ? Part(*expr.operands[1], children) : graph_.Bool(true);
  if (expr.kind == ExprKind::kAll) {
    const ir::NodeId condition =
        source.conditions.empty() ? own : graph_.Or({graph_.Not(filtered), own});
    return MakeFold(ir::Op::kAll, ir::Type{}, source, {condition});
  }
  std::vector<ir::NodeId> operands;
  if (source.conditions.empty()) {
    operands.push_back(own);
  } else {
    operands.push_back(has_condition ? graph_.And({filtered, own}) : filtered);
  }
  if (expr.operands.size() > 2) operands.push_back(Value(*expr.operands[2]));
  const ir::Type type = LowerType(expr.type);
  switch (expr.kind) {
    case ExprKind::kAny: return MakeFold(ir::Op::kAny, type, source, operands);
    case ExprKind::kNo: return graph_.Not(MakeFold(ir::Op::kAny, type, source, operands));
    case ExprKind::kCount: return MakeFold(ir::Op::kCount, type, source, operands);
    case ExprKind::kSum: return MakeFold(ir::Op::kSum, type, source, operands);
    case ExprKind::kLatest: return MakeFold(ir::Op::kLatest, type, source, operands);
    default: return MakeFold(ir::Op::kEarliest, type, source, operands);
  }
}

ir::CollectionId ExpressionLowering::Filter(const Expr& expr) {
  Source source = SourceOf(expr);
  const Binding binding(*this, source);
  std::vector<ir::NodeId> conditions;
  for (const Expr* condition : source.conditions) conditions.push_back(Value(*condition));
  conditions.push_back(Value(*expr.operands[1]));
  ir::Collection collection;
  collection.kind = ir::Collection::Kind::kFilter;
  collection.member = graph_.collection(source.collection).member;
  collection.inner = source.collection;
  collection.frame = source.frame;
  collection.condition = graph_.And(std::move(conditions));
  return graph_.AddCollection(collection);
}

ir::CollectionId ExpressionLowering::Rows(const Expr& unresolved) {
  const Expr& expr = Resolve(unresolved);
  ir::Collection collection;
  if (expr.kind == ExprKind::kFilter) return Filter(expr);
  if (expr.kind == ExprKind::kRowsOfSet) return Rows(*expr.operands[0]);
  if (expr.type.kind == typed::Type::Kind::kSet) {
    collection.kind = ir::Collection::Kind::kSet;
    collection.base = Value(expr);
    const ir::Type set = graph_.node(collection.base).type;
    collection.member.kind = set.element;
    collection.member.enumeration = set.enumeration;
    collection.member.entity = set.entity;
    return graph_.AddCollection(collection);
  }
  collection.member = LowerType(expr.type);
  if (expr.kind == ExprKind::kTable) {
    collection.kind = ir::Collection::Kind::kTable;
    collection.table = ir::TableId(expr.table.index());
    return graph_.AddCollection(collection);
  }
  RESCIND_ASSERT(expr.kind == ExprKind::kMany || expr.kind == ExprKind::kFlatMap,
                 "one value where a collection stands");
  collection.entity = expr.entity;
  collection.field = expr.field;
  if (expr.kind == ExprKind::kMany) {
    collection.kind = ir::Collection::Kind::kMany;
    collection.base = Value(*expr.operands[0]);
  } else {
    collection.kind = ir::Collection::Kind::kFlatMap;
    collection.inner = Rows(*expr.operands[0]);
  }
  return graph_.AddCollection(collection);
}

}  // namespace rescind::compile
