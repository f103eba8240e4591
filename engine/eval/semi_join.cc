#include "engine/eval/semi_join.h"

#include <algorithm>

#include "engine/ir/reads.h"

namespace rescind::eval {

using ir::Op;

std::optional<uint32_t> SemiJoin::OuterOf(uint32_t row) const {
  for (size_t k = 0; k < steps.size(); ++k) {
    row = steps[k].reference->rows()[row];
    if (row == kNoRow) return std::nullopt;
    // The judged row is whoever asks; in between, indexes hold live rows only.
    const bool between = k + 1 < steps.size();
    if (between && steps[k].target->presence(RowId(row)) != Presence::kLive) return std::nullopt;
  }
  return row;
}

bool SemiJoin::CompletePath(uint32_t row) const {
  for (size_t k = 0; k + 1 < steps.size(); ++k) {
    row = steps[k].reference->rows()[row];
    if (!steps[k].target->complete(RowId(row))) return false;
  }
  return true;
}

void SemiJoin::Index(const std::vector<std::vector<Pair>>& found, uint32_t outer_row_count) {
  offsets.assign(size_t{outer_row_count} + 1, 0);
  for (const auto& pairs : found) {
    for (const Pair& pair : pairs) ++offsets[size_t{pair.outer} + 1];
  }
  for (size_t i = 1; i < offsets.size(); ++i) offsets[i] += offsets[i - 1];
  rows.resize(offsets.back());
  LargeVector<uint32_t> next(offsets.begin(), offsets.end() - 1);
  for (const auto& pairs : found) {
    for (const Pair& pair : pairs) rows[next[pair.outer]++] = pair.member;
  }
}

namespace {

// Whether a condition asked of members can be evaluated where there is nothing but the members: all
// that it is made of stands on the member, on members of what it looks at itself, or nowhere. What
// it reads is not enough to know: `all (x in table where false)` reads nothing of the judged row,
// but may stand on it.
bool StandsOnMemberOnly(const ir::Program& program, ir::NodeId condition, ir::FrameId members) {
  if (program.node(condition).frame != members) return false;
  std::vector<bool> own_frames(program.frames.size(), false);
  own_frames[members.index()] = true;
  std::vector<bool> seen(program.nodes.size(), false);
  std::vector<ir::NodeId> parts{condition};
  seen[condition.index()] = true;
  for (size_t k = 0; k < parts.size(); ++k) {
    const ir::Node& node = program.node(parts[k]);
    if (node.inner.valid()) own_frames[node.inner.index()] = true;
    for (ir::CollectionId at = node.collection; at.valid(); at = program.collection(at).inner) {
      const ir::FrameId frame = program.collection(at).frame;
      if (frame.valid()) own_frames[frame.index()] = true;
    }
    ir::VisitParts(program, node, [&](ir::NodeId part) {
      if (!seen[part.index()]) parts.push_back(part);
      seen[part.index()] = true;
    });
  }
  return std::all_of(parts.begin(), parts.end(), [&](ir::NodeId part) {
    const ir::FrameId frame = program.node(part).frame;
    return !frame.valid() || own_frames[frame.index()];
  });
}

class SemiJoinChooser {
 public:
  SemiJoinChooser(const ir::Program& program, const FactBase& facts)
      : program_(program), facts_(facts) {}

  // Whether a fold that is turned round was found: what comes after it is asked about few rows.
  bool Visit(ir::NodeId id) {
    const ir::Node& node = program_.node(id);
    switch (node.op) {
      case Op::kAnd:
      case Op::kOr:
        return std::any_of(node.operands.begin(), node.operands.end(),
                           [this](ir::NodeId operand) { return Visit(operand); });
      case Op::kCoalesce: return Visit(node.operands[0]);
      case Op::kAny:
      case Op::kAll:
      case Op::kCount:
      case Op::kSum:
      case Op::kLatest:
      case Op::kEarliest: return AddFold(id, node);
      default: break;
    }
    bool found = false;
    for (const ir::NodeId operand : node.operands) found |= Visit(operand);
    return found;
  }
  std::vector<SemiJoin>& chosen() { return chosen_; }

 private:
  bool AddFold(ir::NodeId id, const ir::Node& node) {
    for (const SemiJoin& known : chosen_) {
      if (known.fold == id) return true;
    }
    SemiJoin join;
    join.fold = id;
    join.condition = node.operands[0];
    join.members = node.inner;
    if (!program_.frame(node.inner).member.entity.valid()) return false;
    join.member = program_.frame(node.inner).member.entity;
    if (!StandsOnMemberOnly(program_, join.condition, node.inner)) return false;
    if (!FindSteps(node.collection, node.frame, join)) return false;
    chosen_.push_back(std::move(join));
    return true;
  }

  // From the members to the judged row. False for any other collection.
  bool FindSteps(ir::CollectionId id, ir::FrameId frame, SemiJoin& join) const {
    for (;;) {
      const ir::Collection& collection = program_.collection(id);
      if (!collection.entity.valid()) return false;
      const FieldType& type = program_.schema.field(collection.entity, collection.field).type;
      if (type.kind != TypeKind::kMany) return false;
      join.steps.push_back(
          {&facts_.table(type.entity).column(type.via), &facts_.table(collection.entity)});
      if (collection.kind == ir::Collection::Kind::kFlatMap) {
        id = collection.inner;
        continue;
      }
      if (collection.kind != ir::Collection::Kind::kMany) return false;
      const ir::Node& base = program_.node(collection.base);
      join.outer = collection.entity;
      return base.op == Op::kMember && base.frame == frame && !program_.frame(frame).source.valid();
    }
  }

  const ir::Program& program_;
  const FactBase& facts_;
  std::vector<SemiJoin> chosen_;
};

}  // namespace

std::vector<SemiJoin> ChooseSemiJoins(const ir::Program& program, const FactBase& facts,
                                      const std::vector<ir::NodeId>& roots) {
  SemiJoinChooser chooser(program, facts);
  for (const ir::NodeId root : roots) chooser.Visit(root);
  return std::move(chooser.chosen());
}

}  // namespace rescind::eval
