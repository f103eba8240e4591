#include "engine/eval/pushdown.h"

#include <map>
#include <utility>

namespace rescind::eval {

using ir::Op;
using Kind = ir::Type::Kind;

namespace {

// What a node is computed from: operands, and what its collection is made of.
template <typename Visit>
void VisitParts(const ir::Program& program, const ir::Node& node, const Visit& visit) {
  for (const ir::NodeId operand : node.operands) visit(operand);
  for (ir::CollectionId id = node.collection; id.valid();) {
    const ir::Collection& collection = program.collection(id);
    if (collection.base.valid()) visit(collection.base);
    if (collection.condition.valid()) visit(collection.condition);
    id = collection.inner;
  }
}

bool IsBelow(const ir::Program& program, ir::FrameId frame, ir::FrameId above) {
  for (; frame.valid(); frame = program.frame(frame).parent) {
    if (frame == above) return true;
  }
  return false;
}

// Of all the ways in which a node reads the row that a frame stands on.
struct Reads {
  enum class What : uint8_t { kNothing, kOneReference, kMore };
  What what = What::kNothing;
  ir::NodeId reference;

  Reads With(const Reads& other) const {
    if (other.what == What::kNothing) return *this;
    if (what == What::kNothing) return other;
    const bool same =
        what == What::kOneReference && other.what == what && reference == other.reference;
    return same ? *this : Reads{What::kMore, {}};
  }
};

class ReadsOfFrame {
 public:
  explicit ReadsOfFrame(const ir::Program& program) : program_(program) {}

  const Reads& Of(ir::NodeId id, ir::FrameId frame) {
    const auto key = std::pair(id.index(), frame.index());
    const auto found = known_.find(key);
    if (found != known_.end()) return found->second;
    return known_.emplace(key, Find(id, frame)).first->second;
  }

 private:
  Reads Find(ir::NodeId id, ir::FrameId frame) {
    const ir::Node& node = program_.node(id);
    if (!node.frame.valid()) return {};
    if (!IsBelow(program_, node.frame, frame)) return {Reads::What::kMore, {}};
    if (node.op == Op::kMember) {
      // Members of a collection below: the collection says what they depend on.
      if (node.frame != frame) return {};
      return {Reads::What::kMore, {}};
    }
    if (node.frame == frame && node.op == Op::kField && node.type.kind == Kind::kRow &&
        program_.node(node.operands[0]).op == Op::kMember) {
      return {Reads::What::kOneReference, id};
    }
    Reads reads;
    VisitParts(program_, node, [&](ir::NodeId part) { reads = reads.With(Of(part, frame)); });
    return reads;
  }

  const ir::Program& program_;
  std::map<std::pair<uint32_t, uint32_t>, Reads> known_;
};

class Chooser {
 public:
  Chooser(const ir::Program& program, const FactBase& facts, uint32_t fan_in,
          const std::function<bool(ir::NodeId)>& can_push)
      : program_(program),
        facts_(facts),
        fan_in_(fan_in),
        can_push_(can_push),
        reads_(program),
        seen_(program.nodes.size(), false) {}

  void Visit(ir::NodeId id) {
    if (seen_[id.index()]) return;
    seen_[id.index()] = true;
    const ir::Node& node = program_.node(id);
    if (node.frame.valid()) {
      const Reads& reads = reads_.Of(id, node.frame);
      if (reads.what == Reads::What::kOneReference && Pays(node, id, reads.reference) &&
          can_push_(id)) {
        chosen_.push_back({id, reads.reference});
        return;
      }
    }
    VisitParts(program_, node, [this](ir::NodeId part) { Visit(part); });
  }
  std::vector<PushedNode>& chosen() { return chosen_; }

 private:
  bool Pays(const ir::Node& node, ir::NodeId id, ir::NodeId reference) const {
    // One look-up either way.
    const bool is_column =
        (node.op == Op::kField || node.op == Op::kChangedAt) && node.operands[0] == reference;
    if (id == reference || is_column) return false;
    const ir::Type& judged = program_.frame(node.frame).member;
    const uint64_t referring = facts_.table(judged.entity).row_count();
    const uint64_t referred = facts_.table(program_.node(reference).type.entity).row_count();
    return referring >= referred * fan_in_;
  }

  const ir::Program& program_;
  const FactBase& facts_;
  const uint32_t fan_in_;
  const std::function<bool(ir::NodeId)>& can_push_;
  ReadsOfFrame reads_;
  std::vector<bool> seen_;
  std::vector<PushedNode> chosen_;
};

}  // namespace

std::vector<PushedNode> ChoosePushdowns(const ir::Program& program, const FactBase& facts,
                                        const std::vector<ir::NodeId>& roots, uint32_t fan_in,
                                        const std::function<bool(ir::NodeId)>& can_push) {
  Chooser chooser(program, facts, fan_in, can_push);
  for (const ir::NodeId root : roots) chooser.Visit(root);
  return std::move(chooser.chosen());
}

bool DependsOnMemberOnly(const ir::Program& program, ir::NodeId condition, ir::FrameId members) {
  if (program.node(condition).frame != members) return false;
  const ir::FrameId outer = program.frame(members).parent;
  if (!outer.valid()) return true;
  // Whatever frame further out it depended on, it would read through `outer` or that one.
  ReadsOfFrame reads(program);
  for (ir::FrameId frame = outer; frame.valid(); frame = program.frame(frame).parent) {
    if (reads.Of(condition, frame).what != Reads::What::kNothing) return false;
  }
  return true;
}

}  // namespace rescind::eval
