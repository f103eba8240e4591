// A node is looked at with the answers that matter: does the rule rest on its being true, on its
// being false, or on both? `not` swaps them, comparisons need both.
//   no(g in a.grants where …) = not any(…): the `any` matters when false: silence about grants
#include "runtime/plan/rule_reads.h"

#include <vector>

#include "engine/base/assert.h"

namespace rescind {
namespace {

using ir::Op;

constexpr uint8_t kTrueMatters = 1;
constexpr uint8_t kFalseMatters = 2;
constexpr uint8_t kBothMatter = 3;

uint8_t Swapped(uint8_t answers) {
  return static_cast<uint8_t>((answers & kTrueMatters) << 1 | (answers & kFalseMatters) >> 1);
}

class ReadsWalk {
 public:
  explicit ReadsWalk(const ir::Program& program)
      : program_(program), seen_(program.nodes.size(), 0) {}

  RuleReads Run(const ir::Rule& rule) {
    reads_.facts.insert(rule.entity);
    Visit(rule.match, kTrueMatters);
    // What actions name is no conclusion: only the facts count.
    const std::set<EntityId> silences = reads_.silences;
    for (const ir::Stage& stage : rule.stages) {
      for (const ir::Action& action : stage.actions) {
        if (action.target.valid()) Visit(action.target, kTrueMatters);
        if (action.targets.valid()) VisitCollection(action.targets, kTrueMatters);
        if (action.entity.valid()) reads_.facts.insert(action.entity);
      }
    }
    reads_.silences = silences;
    return std::move(reads_);
  }

 private:
  void Visit(ir::NodeId id, uint8_t answers) {
    uint8_t& seen = seen_[id.index()];
    if ((seen & answers) == answers) return;
    seen |= answers;
    const ir::Node& node = program_.node(id);
    if (node.entity.valid()) reads_.facts.insert(node.entity);
    if (node.type.kind == ir::Type::Kind::kRow) reads_.facts.insert(node.type.entity);
    switch (node.op) {
      case Op::kNot: Visit(node.operands[0], Swapped(answers)); return;
      case Op::kAnd:
      case Op::kOr: VisitAll(node, answers); return;
      case Op::kAny:
        if ((answers & kFalseMatters) != 0) AddSilence(node.collection);
        VisitCollection(node.collection, answers);
        VisitAll(node, answers);
        return;
      case Op::kAll:
        if ((answers & kTrueMatters) != 0) AddSilence(node.collection);
        VisitCollection(node.collection, Swapped(answers));
        VisitAll(node, answers);
        return;
      case Op::kCount:
      case Op::kSum:
      case Op::kLatest:
      case Op::kEarliest:
        AddSilence(node.collection);
        VisitCollection(node.collection, kBothMatter);
        VisitAll(node, kBothMatter);
        return;
      case Op::kIsKnown:
        if ((answers & kFalseMatters) != 0) AddSilenceOf(node.operands[0]);
        VisitAll(node, kBothMatter);
        return;
      default: VisitAll(node, kBothMatter); return;
    }
  }

  void VisitAll(const ir::Node& node, uint8_t answers) {
    for (const ir::NodeId operand : node.operands) Visit(operand, answers);
  }

  void VisitCollection(ir::CollectionId id, uint8_t answers) {
    const ir::Collection& collection = program_.collection(id);
    if (collection.entity.valid()) reads_.facts.insert(collection.entity);
    if (collection.member.kind == ir::Type::Kind::kRow) {
      reads_.facts.insert(collection.member.entity);
    }
    if (collection.base.valid()) Visit(collection.base, kBothMatter);
    if (collection.condition.valid()) Visit(collection.condition, answers);
    if (collection.inner.valid()) VisitCollection(collection.inner, answers);
  }

  // That the collection has no further members.
  void AddSilence(ir::CollectionId id) {
    const ir::Collection& collection = program_.collection(id);
    if (collection.kind == ir::Collection::Kind::kTable) return;
    if (collection.member.kind == ir::Type::Kind::kRow) {
      reads_.silences.insert(collection.member.entity);
    }
    // A stored set is a field: whoever delivers it may not have done so yet.
    if (collection.kind == ir::Collection::Kind::kSet) AddSilenceOf(collection.base);
    if (collection.inner.valid()) AddSilence(collection.inner);
  }

  // That nobody has said what the value is.
  void AddSilenceOf(ir::NodeId id) {
    const ir::Node& node = program_.node(id);
    if (node.entity.valid()) reads_.silences.insert(node.entity);
    if (node.type.kind == ir::Type::Kind::kRow) reads_.silences.insert(node.type.entity);
    if (node.op == Op::kCoalesce) {
      for (const ir::NodeId operand : node.operands) AddSilenceOf(operand);
    } else if (node.op == Op::kField && node.operands[0].valid() &&
               program_.node(node.operands[0]).may_be_unknown) {
      // `a?.b is unknown` is also true when `a` is.
      AddSilenceOf(node.operands[0]);
    }
  }

  const ir::Program& program_;
  std::vector<uint8_t> seen_;  // by node: answers that have been looked at
  RuleReads reads_;
};

}  // namespace

RuleReads ReadsOf(const ir::Program& program, const ir::Rule& rule) {
  return ReadsWalk(program).Run(rule);
}

}  // namespace rescind
