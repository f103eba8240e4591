#include "engine/eval/pushdown.h"

#include <utility>

#include "engine/ir/reads.h"

namespace rescind::eval {

using ir::Op;
namespace {

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
      const ir::Reads& reads = reads_.Of(id, node.frame);
      if (reads.what == ir::Reads::What::kOneReference && Pays(node, id, reads.reference) &&
          can_push_(id)) {
        chosen_.push_back({id, reads.reference});
        return;
      }
    }
    ir::VisitParts(program_, node, [this](ir::NodeId part) { Visit(part); });
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
  ir::ReadsOfFrame reads_;
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
  // Whatever it is made of stands on the member, on members of what it looks at itself, or nowhere.
  std::vector<bool> own_frames(program.frames.size(), false);
  own_frames[members.index()] = true;
  std::vector<bool> seen(program.nodes.size(), false);
  std::vector<ir::NodeId> open{condition};
  while (!open.empty()) {
    const ir::NodeId id = open.back();
    open.pop_back();
    if (seen[id.index()]) continue;
    seen[id.index()] = true;
    const ir::Node& node = program.node(id);
    if (node.inner.valid()) own_frames[node.inner.index()] = true;
    for (ir::CollectionId at = node.collection; at.valid(); at = program.collection(at).inner) {
      const ir::FrameId frame = program.collection(at).frame;
      if (frame.valid()) own_frames[frame.index()] = true;
    }
    ir::VisitParts(program, node, [&open](ir::NodeId part) { open.push_back(part); });
  }
  for (uint32_t id = 0; id < seen.size(); ++id) {
    const ir::FrameId frame = program.node(ir::NodeId(id)).frame;
    if (seen[id] && frame.valid() && !own_frames[frame.index()]) return false;
  }
  return program.node(condition).frame == members;
}

}  // namespace rescind::eval
