#include "engine/compile/graph.h"

#include <algorithm>
#include <functional>
#include <variant>

#include "engine/base/assert.h"

namespace rescind::compile {
namespace {

class Hasher {
 public:
  Hasher& Add(uint64_t value) {
    state_ = (state_ ^ value) * 0x9E3779B97F4A7C15ULL;
    state_ ^= state_ >> 29;
    return *this;
  }
  Hasher& Add(const ir::Type& type) {
    return Add(static_cast<uint64_t>(type.kind) | static_cast<uint64_t>(type.element) << 8)
        .Add(type.enumeration.index())
        .Add(type.entity.index())
        .Add(type.table.index());
  }
  Hasher& Add(const ir::Constant& constant) {
    Add(constant.index());
    return std::visit([this](const auto& value) -> Hasher& { return Add(Number(value)); },
                      constant);
  }
  size_t value() const { return state_; }

 private:
  static uint64_t Number(bool value) { return value ? 1 : 0; }
  static uint64_t Number(int64_t value) { return static_cast<uint64_t>(value); }
  static uint64_t Number(const std::string& value) { return std::hash<std::string>{}(value); }
  static uint64_t Number(Instant value) { return static_cast<uint64_t>(value.micros); }
  static uint64_t Number(Day value) { return static_cast<uint64_t>(value.days); }
  static uint64_t Number(Duration value) { return static_cast<uint64_t>(value.micros); }

  uint64_t state_ = 0x243F6A8885A308D3ULL;
};

size_t HashOf(const ir::Node& node) {
  Hasher hasher;
  hasher.Add(static_cast<uint64_t>(node.op))
      .Add(node.type)
      .Add(static_cast<uint64_t>(node.compare));
  hasher.Add(node.frame.index()).Add(node.entity.index()).Add(node.field.index()).Add(node.column);
  hasher.Add(node.constant).Add(node.set.index()).Add(node.pattern.index());
  hasher.Add(node.collection.index()).Add(node.inner.index());
  hasher.Add(static_cast<uint64_t>(node.factor)).Add(static_cast<uint64_t>(node.offset));
  hasher.Add(static_cast<uint64_t>(node.length.unit));
  hasher.Add(static_cast<uint64_t>(node.length.count));
  hasher.Add(uint64_t{node.endless});
  for (const ir::NodeId operand : node.operands) hasher.Add(operand.index());
  for (const int8_t sign : node.signs) hasher.Add(static_cast<uint64_t>(sign));
  return hasher.value();
}

size_t HashOf(const ir::Collection& c) {
  Hasher hasher;
  hasher.Add(static_cast<uint64_t>(c.kind)).Add(c.member).Add(c.base.index()).Add(c.inner.index());
  hasher.Add(c.entity.index()).Add(c.field.index()).Add(c.frame.index());
  hasher.Add(c.condition.index()).Add(c.table.index());
  return hasher.value();
}

size_t HashOf(const ir::ConstantSet& set) {
  Hasher hasher;
  hasher.Add(set.element);
  for (const ir::Constant& item : set.items) hasher.Add(item);
  return hasher.value();
}

bool SameFrame(const ir::Frame& a, const ir::Frame& b) {
  return a.parent == b.parent && a.member == b.member && a.source == b.source;
}

// The id of the item that is equal to `item`; appends it when there is none.
template <typename Id, typename Item, typename Equal>
Id Intern(std::unordered_multimap<size_t, Id>& index, std::vector<Item>& items, size_t hash,
          Item item, Equal equal) {
  const auto [first, last] = index.equal_range(hash);
  for (auto it = first; it != last; ++it) {
    if (equal(items[it->second.index()], item)) return it->second;
  }
  const Id id(static_cast<uint32_t>(items.size()));
  items.push_back(std::move(item));
  index.emplace(hash, id);
  return id;
}

bool IsSymmetric(const ir::Node& node) {
  return node.op == ir::Op::kCompare && node.compare == ir::Compare::kEqual;
}

}  // namespace

Graph::Graph(Schema schema, std::vector<ir::Table> tables, std::string default_timezone) {
  program_.schema = std::move(schema);
  program_.tables = std::move(tables);
  program_.default_timezone = std::move(default_timezone);
}

ir::FrameId Graph::Deeper(ir::FrameId a, ir::FrameId b) const {
  if (!a.valid()) return b;
  if (!b.valid()) return a;
  const ir::FrameId inner = std::max(a, b);
  // INVARIANT: a frame comes after its parent, and whatever meets in one node is on one chain.
  ir::FrameId at = inner;
  while (at.valid() && at != std::min(a, b)) at = frame(at).parent;
  RESCIND_ASSERT(at.valid(), "a node depends on two frames of which none encloses the other");
  return inner;
}

bool Graph::MayBeUnknown(const ir::Node& node) const {
  const auto operand_may = [&] {
    return std::any_of(node.operands.begin(), node.operands.end(),
                       [&](ir::NodeId id) { return this->node(id).may_be_unknown; });
  };
  switch (node.op) {
    case ir::Op::kConstantRow:
    case ir::Op::kChangedAt:
    case ir::Op::kPrevious:
    case ir::Op::kRemovedAt:
    case ir::Op::kLatest:
    case ir::Op::kEarliest: return true;
    case ir::Op::kAnd:
    case ir::Op::kOr:
    case ir::Op::kNot:
    case ir::Op::kIsKnown:
    case ir::Op::kAny:
    case ir::Op::kAll:
    case ir::Op::kCount:
    case ir::Op::kSum: return false;
    case ir::Op::kField:
      return schema().field(node.entity, node.field).type.optional || operand_may();
    case ir::Op::kColumn: {
      const ir::TableId table = this->node(node.operands[0]).type.table;
      const auto& rows = program_.tables[table.index()].rows;
      return operand_may() || std::any_of(rows.begin(), rows.end(), [&](const auto& row) {
               return !row[node.column].has_value();
             });
    }
    case ir::Op::kCoalesce:
      return this->node(node.operands[0]).may_be_unknown &&
             this->node(node.operands[1]).may_be_unknown;
    // An unknown zone makes undecided what needs it, not unknown.
    case ir::Op::kToday: return false;
    case ir::Op::kDayReached:
    case ir::Op::kDateOf:
    case ir::Op::kStartOf: return this->node(node.operands[0]).may_be_unknown;
    default: return operand_may();
  }
}

void Graph::Derive(ir::Node& node) const {
  if (node.collection.valid()) {
    node.frame = frame(node.inner).parent;
    node.moves = Moves(node.collection);
  } else if (node.op != ir::Op::kMember) {
    node.frame = {};
    for (const ir::NodeId id : node.operands) node.frame = Deeper(node.frame, this->node(id).frame);
    node.moves = node.op == ir::Op::kNow || node.op == ir::Op::kToday ||
                 node.op == ir::Op::kDayReached ||
                 (node.op == ir::Op::kReached && node.factor != 0);
  }
  for (const ir::NodeId id : node.operands) node.moves = node.moves || this->node(id).moves;
  node.may_be_unknown = MayBeUnknown(node);
}

ir::NodeId Graph::Add(ir::Node node) {
  if (IsSymmetric(node)) {
    // One order for `a == b` and `b == a`: what depends on a row first, else the older node.
    ir::NodeId& a = node.operands[0];
    ir::NodeId& b = node.operands[1];
    const bool a_constant = !this->node(a).frame.valid();
    const bool b_constant = !this->node(b).frame.valid();
    if (a_constant != b_constant ? a_constant : b < a) std::swap(a, b);
  }
  Derive(node);
  const size_t hash = HashOf(node);
  return Intern(node_index_, program_.nodes, hash, std::move(node), std::equal_to<ir::Node>{});
}

ir::NodeId Graph::Constant(ir::Type type, ir::Constant constant) {
  ir::Node node;
  node.op = ir::Op::kConstant;
  node.type = type;
  node.constant = std::move(constant);
  return Add(std::move(node));
}

ir::NodeId Graph::Bool(bool value) { return Constant(ir::Type{}, value); }

ir::NodeId Graph::Not(ir::NodeId operand) {
  ir::Node node;
  node.op = ir::Op::kNot;
  node.operands = {operand};
  return Add(std::move(node));
}

ir::NodeId Graph::And(std::vector<ir::NodeId> operands) {
  if (operands.empty()) return Bool(true);
  if (operands.size() == 1) return operands.front();
  ir::Node node;
  node.op = ir::Op::kAnd;
  node.operands = std::move(operands);
  return Add(std::move(node));
}

ir::NodeId Graph::Or(std::vector<ir::NodeId> operands) {
  if (operands.empty()) return Bool(false);
  if (operands.size() == 1) return operands.front();
  ir::Node node;
  node.op = ir::Op::kOr;
  node.operands = std::move(operands);
  return Add(std::move(node));
}

ir::FrameId Graph::RootFrame(EntityId entity) {
  ir::Frame frame;
  frame.member.kind = ir::Type::Kind::kRow;
  frame.member.entity = entity;
  const size_t hash = Hasher().Add(frame.member).value();
  return Intern(frame_index_, program_.frames, hash, frame, SameFrame);
}

ir::FrameId Graph::FrameOver(ir::FrameId parent, ir::CollectionId source) {
  ir::Frame frame;
  frame.parent = parent;
  frame.member = collection(source).member;
  frame.source = source;
  // INVARIANT: the collection can be looked at from the parent.
  RESCIND_ASSERT(Deeper(parent, collection(source).outer) == parent,
                 "a frame over a collection that cannot be seen from its parent");
  const size_t hash = Hasher().Add(parent.index()).Add(source.index()).value();
  return Intern(frame_index_, program_.frames, hash, frame, SameFrame);
}

ir::NodeId Graph::Member(ir::FrameId frame) {
  ir::Node node;
  node.op = ir::Op::kMember;
  node.type = this->frame(frame).member;
  node.frame = frame;
  return Add(std::move(node));
}

ir::CollectionId Graph::AddCollection(ir::Collection collection) {
  bool moves = false;
  collection.outer = {};
  if (collection.base.valid()) {
    collection.outer = node(collection.base).frame;
    moves = node(collection.base).moves;
  }
  if (collection.inner.valid()) {
    collection.outer = Deeper(collection.outer, this->collection(collection.inner).outer);
    moves = moves || Moves(collection.inner);
  }
  if (collection.condition.valid()) {
    collection.outer = Deeper(collection.outer, frame(collection.frame).parent);
    moves = moves || node(collection.condition).moves;
  }
  const size_t hash = HashOf(collection);
  const ir::CollectionId id = Intern(collection_index_, program_.collections, hash, collection,
                                     std::equal_to<ir::Collection>{});
  collection_moves_.resize(program_.collections.size(), moves);
  return id;
}

ir::SetId Graph::AddSet(ir::ConstantSet set) {
  std::sort(set.items.begin(), set.items.end());
  set.items.erase(std::unique(set.items.begin(), set.items.end()), set.items.end());
  const size_t hash = HashOf(set);
  return Intern(set_index_, program_.sets, hash, std::move(set), std::equal_to<ir::ConstantSet>{});
}

ir::PatternId Graph::AddPattern(std::string pattern) {
  const auto [it, added] =
      patterns_.emplace(pattern, ir::PatternId(static_cast<uint32_t>(program_.patterns.size())));
  if (added) program_.patterns.push_back(std::move(pattern));
  return it->second;
}

}  // namespace rescind::compile
