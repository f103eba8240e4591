// ReadsOfFrame: by what ways a node reads the row that a frame stands on.
//
//   g.account.owner.status == terminated     of the grant: nothing but its reference `account`
//   g.source != g.account.source             of the grant: more
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <utility>
#include <vector>

#include "engine/ir/program.h"

namespace rescind::ir {

struct Reads {
  enum class What : uint8_t { kNothing, kOneReference, kMore };
  What what = What::kNothing;
  NodeId reference;  // kOneReference: the field of the frame's row

  // Of two parts of a node.
  Reads With(const Reads& other) const;
};

// What a node is computed from: operands, and what its collection is made of.
template <typename Visit>
void VisitParts(const Program& program, const Node& node, const Visit& visit) {
  for (const NodeId operand : node.operands) visit(operand);
  for (CollectionId id = node.collection; id.valid();) {
    const Collection& collection = program.collection(id);
    if (collection.base.valid()) visit(collection.base);
    if (collection.condition.valid()) visit(collection.condition);
    id = collection.inner;
  }
}

// Whether `fits` holds for the node or any that it is computed from, collections included.
class NodeSearch {
 public:
  // The program outlives it.
  NodeSearch(const Program& program, std::function<bool(const Node&)> fits)
      : program_(program), fits_(std::move(fits)), seen_(program.nodes.size(), false) {}

  // Of what is asked for several times only the first answer counts: a node is looked at once.
  bool In(NodeId id);

 private:
  const Program& program_;
  const std::function<bool(const Node&)> fits_;
  std::vector<bool> seen_;
};

// Remembers what it has found; the program may grow meanwhile.
class ReadsOfFrame {
 public:
  // The program outlives it.
  explicit ReadsOfFrame(const Program& program) : program_(program) {}

  // Of a node that depends on the frame, on one below it or on none. Whatever it reads of frames
  // further out counts as more.
  const Reads& Of(NodeId id, FrameId frame);

 private:
  Reads Find(NodeId id, FrameId frame);

  const Program& program_;
  std::map<std::pair<uint32_t, uint32_t>, Reads> known_;
};

}  // namespace rescind::ir
