#include "engine/ir/reads.h"

namespace rescind::ir {

bool NodeSearch::In(NodeId id) {
  if (!id.valid() || seen_[id.index()]) return false;
  seen_[id.index()] = true;
  const Node& node = program_.node(id);
  if (fits_(node)) return true;
  bool found = false;
  VisitParts(program_, node, [&](NodeId part) { found = found || In(part); });
  return found;
}

namespace {

bool IsBelow(const Program& program, FrameId frame, FrameId above) {
  for (; frame.valid(); frame = program.frame(frame).parent) {
    if (frame == above) return true;
  }
  return false;
}

}  // namespace

Reads Reads::With(const Reads& other) const {
  if (other.what == What::kNothing) return *this;
  if (what == What::kNothing) return other;
  const bool same =
      what == What::kOneReference && other.what == what && reference == other.reference;
  return same ? *this : Reads{What::kMore, {}};
}

const Reads& ReadsOfFrame::Of(NodeId id, FrameId frame) {
  const auto key = std::pair(id.index(), frame.index());
  const auto found = known_.find(key);
  if (found != known_.end()) return found->second;
  return known_.emplace(key, Find(id, frame)).first->second;
}

Reads ReadsOfFrame::Find(NodeId id, FrameId frame) {
  const Node& node = program_.node(id);
  if (!node.frame.valid()) return {};
  if (!IsBelow(program_, node.frame, frame)) return {Reads::What::kMore, {}};
  if (node.op == Op::kMember) {
    // Of a member of a collection below, the collection says what it depends on.
    if (node.frame != frame) return {};
    return {Reads::What::kMore, {}};
  }
  if (node.frame == frame && node.op == Op::kField && node.type.kind == Type::Kind::kRow &&
      program_.node(node.operands[0]).op == Op::kMember) {
    return {Reads::What::kOneReference, id};
  }
  Reads reads;
  VisitParts(program_, node, [&](NodeId part) { reads = reads.With(Of(part, frame)); });
  return reads;
}

}  // namespace rescind::ir
