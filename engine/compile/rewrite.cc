#include "engine/compile/rewrite.h"

#include <utility>
#include <vector>

namespace rescind::compile {
namespace {

class Rewriter {
 public:
  Rewriter(const ir::Program& old, Graph& graph, const Transform& transform)
      : old_(old),
        graph_(graph),
        transform_(transform),
        nodes_(old.nodes.size()),
        frames_(old.frames.size()),
        collections_(old.collections.size()) {}

  ir::NodeId Node(ir::NodeId id) {
    if (nodes_[id.index()].valid()) return nodes_[id.index()];
    ir::Node node = old_.node(id);
    if (node.op == ir::Op::kMember) node.frame = Frame(node.frame);
    if (node.collection.valid()) {
      node.collection = Collection(node.collection);
      node.inner = Frame(node.inner);
    }
    for (ir::NodeId& operand : node.operands) operand = Node(operand);
    if (node.set.valid()) node.set = graph_.AddSet(old_.sets[node.set.index()]);
    if (node.pattern.valid()) {
      node.pattern = graph_.AddPattern(old_.patterns[node.pattern.index()]);
    }
    return nodes_[id.index()] = transform_(graph_, std::move(node));
  }

  ir::CollectionId Collection(ir::CollectionId id) {
    if (collections_[id.index()].valid()) return collections_[id.index()];
    ir::Collection collection = old_.collection(id);
    if (collection.inner.valid()) collection.inner = Collection(collection.inner);
    if (collection.base.valid()) collection.base = Node(collection.base);
    if (collection.frame.valid()) collection.frame = Frame(collection.frame);
    if (collection.condition.valid()) collection.condition = Node(collection.condition);
    return collections_[id.index()] = graph_.AddCollection(collection);
  }

  ir::FrameId Frame(ir::FrameId id) {
    if (frames_[id.index()].valid()) return frames_[id.index()];
    const ir::Frame& frame = old_.frame(id);
    ir::FrameId made;
    if (frame.source.valid()) {
      const ir::FrameId parent = frame.parent.valid() ? Frame(frame.parent) : ir::FrameId();
      made = graph_.FrameOver(parent, Collection(frame.source));
    } else {
      made = graph_.RootFrame(frame.member.entity);
    }
    return frames_[id.index()] = made;
  }

 private:
  const ir::Program& old_;
  Graph& graph_;
  const Transform& transform_;
  std::vector<ir::NodeId> nodes_;  // by old id; none: not visited yet
  std::vector<ir::FrameId> frames_;
  std::vector<ir::CollectionId> collections_;
};

}  // namespace

ir::Program Rewrite(ir::Program program, const Transform& transform) {
  // Tables may be large: they move from graph to graph, and only `kColumn` looks at them.
  Graph graph(std::move(program.schema), std::move(program.tables),
              std::move(program.default_timezone));
  Rewriter rewriter(program, graph, transform);
  for (ir::Rule& rule : program.rules) {
    rule.frame = rewriter.Frame(rule.frame);
    VisitRoots(
        rule, [&](ir::NodeId& id, RootUse) { id = rewriter.Node(id); },
        [&](ir::CollectionId& id, RootUse) { id = rewriter.Collection(id); });
  }
  std::vector<ir::Rule> rules = std::move(program.rules);
  ir::Program result = graph.Take();
  result.rules = std::move(rules);
  return result;
}

}  // namespace rescind::compile
