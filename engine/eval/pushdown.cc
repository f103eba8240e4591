#include "engine/eval/pushdown.h"

#include <utility>

#include "engine/ir/reads.h"

namespace rescind::eval {

using ir::Op;

namespace {

class PushdownChooser {
 public:
  PushdownChooser(const ir::Program& program, const FactBase& facts, uint32_t fan_in,
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
  PushdownChooser chooser(program, facts, fan_in, can_push);
  for (const ir::NodeId root : roots) chooser.Visit(root);
  return std::move(chooser.chosen());
}

}  // namespace rescind::eval
