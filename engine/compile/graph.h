// Graph: the rule program while it is being built, in which equal things are one thing.
//
// Lowering and every pass add nodes, collections and frames here; what is already there is found
// instead of added again, so expressions that policies share are evaluated once. It also computes
// what follows from the operands: frame, `moves`, `may_be_unknown`. It knows no typed tree and
// judges no meaning.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "engine/ir/program.h"

namespace rescind::compile {

class Graph {
 public:
  Graph(Schema schema, std::vector<ir::Table> tables, std::string default_timezone);

  // The node equal to `node`, which is added when there is none. Operands, collection and `inner`
  // are of this graph. Computes what follows from them; `frame` is read for kMember only.
  ir::NodeId Add(ir::Node node);
  ir::NodeId Constant(ir::Type type, ir::Constant constant);
  ir::NodeId Bool(bool value);
  ir::NodeId Not(ir::NodeId operand);
  // One operand is itself, none is the constant that changes nothing.
  ir::NodeId And(std::vector<ir::NodeId> operands);
  ir::NodeId Or(std::vector<ir::NodeId> operands);

  ir::FrameId RootFrame(EntityId entity);
  // The frame on the members of `source`, seen from `parent`, on which it depends at most.
  ir::FrameId FrameOver(ir::FrameId parent, ir::CollectionId source);
  ir::NodeId Member(ir::FrameId frame);
  // Computes `outer`.
  ir::CollectionId AddCollection(ir::Collection collection);
  // Sorts, and drops what is there twice.
  ir::SetId AddSet(ir::ConstantSet set);
  ir::PatternId AddPattern(std::string pattern);

  const ir::Node& node(ir::NodeId id) const { return program_.node(id); }
  const ir::Frame& frame(ir::FrameId id) const { return program_.frame(id); }
  const ir::Collection& collection(ir::CollectionId id) const { return program_.collection(id); }
  const ir::ConstantSet& set(ir::SetId id) const { return program_.sets[id.index()]; }
  const ir::Program& program() const { return program_; }
  const Schema& schema() const { return program_.schema; }
  // Whether its members may change as time passes.
  bool Moves(ir::CollectionId id) const { return collection_moves_[id.index()]; }
  // Of two frames of which one encloses the other: the inner one.
  ir::FrameId Deeper(ir::FrameId a, ir::FrameId b) const;

  // The program, without rules and columns. The graph is empty afterwards.
  ir::Program Take() { return std::move(program_); }

 private:
  template <typename Id>
  using Index = std::unordered_multimap<size_t, Id>;

  void Derive(ir::Node& node) const;
  bool MayBeUnknown(const ir::Node& node) const;

  ir::Program program_;
  std::vector<bool> collection_moves_;  // by collection
  Index<ir::NodeId> node_index_;
  Index<ir::CollectionId> collection_index_;
  Index<ir::FrameId> frame_index_;
  Index<ir::SetId> set_index_;
  std::unordered_map<std::string, ir::PatternId> patterns_;
};

}  // namespace rescind::compile
