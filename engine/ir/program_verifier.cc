// Checks that a rule program is one: ids, order, frames, types of operands.
#include <fmt/format.h>

#include <cstdint>
#include <utility>

#include "engine/ir/program.h"

namespace rescind::ir {
namespace {

using Kind = Type::Kind;

class Verifier {
 public:
  explicit Verifier(const Program& program) : program_(program) {}

  std::vector<std::string> Run() {
    for (size_t i = 0; i < program_.frames.size(); ++i) CheckFrame(i);
    for (size_t i = 0; i < program_.collections.size(); ++i) CheckCollection(i);
    // Later checks follow ids, which must not dangle.
    if (problems_.empty()) {
      for (size_t i = 0; i < program_.nodes.size(); ++i) CheckNode(i);
    }
    if (problems_.empty()) {
      for (const Rule& rule : program_.rules) CheckRule(rule);
    }
    if (problems_.empty()) CheckTime();
    return std::move(problems_);
  }

 private:
  template <typename... Args>
  void Problem(fmt::format_string<Args...> format, Args&&... args) {
    problems_.push_back(fmt::format(format, std::forward<Args>(args)...));
  }
  template <typename Id, typename Items>
  bool Holds(Id id, const Items& items) const {
    return id.valid() && id.index() < items.size();
  }
  bool HasField(EntityId entity, FieldId field) const {
    return Holds(entity, program_.schema.entities()) &&
           Holds(field, program_.schema.entity(entity).fields);
  }

  // Whether `outer` is `inner` or stands above it.
  bool Encloses(FrameId outer, FrameId inner) const {
    if (!outer.valid()) return true;
    for (FrameId at = inner; at.valid(); at = program_.frame(at).parent) {
      if (at == outer) return true;
    }
    return false;
  }

  void CheckFrame(size_t index) {
    const Frame& frame = program_.frames[index];
    if (frame.parent.valid() && frame.parent.index() >= index) {
      Problem("frame f{}: its parent does not come before it", index);
    }
    if (frame.source.valid() && !Holds(frame.source, program_.collections)) {
      Problem("frame f{}: no such collection", index);
    } else if (frame.source.valid() && program_.collection(frame.source).member != frame.member) {
      Problem("frame f{}: its member is not its collection's", index);
    }
    if (!frame.source.valid() && (frame.parent.valid() || frame.member.kind != Kind::kRow)) {
      Problem("frame f{}: neither a root on rows nor over a collection", index);
    }
  }

  void CheckCollection(size_t index) {
    const Collection& c = program_.collections[index];
    const bool takes_base = c.kind == Collection::Kind::kMany || c.kind == Collection::Kind::kSet;
    const bool takes_inner =
        c.kind == Collection::Kind::kFlatMap || c.kind == Collection::Kind::kFilter;
    if (takes_base && !Holds(c.base, program_.nodes)) Problem("collection c{}: no base", index);
    if (takes_inner && (!c.inner.valid() || c.inner.index() >= index)) {
      Problem("collection c{}: its inner collection does not come before it", index);
    }
    if (c.kind == Collection::Kind::kMany || c.kind == Collection::Kind::kFlatMap) {
      if (!HasField(c.entity, c.field)) Problem("collection c{}: no such field", index);
    }
    if (c.kind == Collection::Kind::kFilter &&
        (!Holds(c.condition, program_.nodes) || !Holds(c.frame, program_.frames))) {
      Problem("collection c{}: a filter without its condition", index);
    }
    if (c.kind == Collection::Kind::kTable && !Holds(c.table, program_.tables)) {
      Problem("collection c{}: no such table", index);
    }
  }

  // How many operands an operation takes: least, most.
  static std::pair<size_t, size_t> Arity(Op op) {
    constexpr size_t kAny = SIZE_MAX;
    switch (op) {
      case Op::kConstant:
      case Op::kMember:
      case Op::kConstantRow:
      case Op::kNow: return {0, 0};
      case Op::kAnd:
      case Op::kOr: return {2, kAny};
      case Op::kReached: return {0, kAny};
      case Op::kCompare:
      case Op::kHas:
      case Op::kStartsWith:
      case Op::kEndsWith:
      case Op::kContains:
      case Op::kDayReached:
      case Op::kCoalesce:
      case Op::kAdd:
      case Op::kSubtract:
      case Op::kMultiply:
      case Op::kDateOf:
      case Op::kStartOf:
      case Op::kSum:
      case Op::kLatest:
      case Op::kEarliest: return {2, 2};
      default: return {1, 1};
    }
  }

  void CheckNode(size_t index) {
    const Node& node = program_.nodes[index];
    const auto [least, most] = Arity(node.op);
    if (node.operands.size() < least || node.operands.size() > most) {
      Problem("%{}: {} operands", index, node.operands.size());
      return;
    }
    for (NodeId operand : node.operands) {
      if (!operand.valid() || operand.index() >= index) {
        Problem("%{}: an operand that does not come before it", index);
        return;
      }
    }
    if (node.collection.valid()) {
      CheckFold(index, node);
    } else {
      for (NodeId operand : node.operands) {
        if (!Encloses(program_.node(operand).frame, node.frame)) {
          Problem("%{}: an operand from a frame that is not above it", index);
        }
      }
    }
    CheckTypes(index, node);
  }

  void CheckFold(size_t index, const Node& node) {
    if (!Holds(node.collection, program_.collections) || !Holds(node.inner, program_.frames)) {
      Problem("%{}: no such collection or frame", index);
      return;
    }
    if (program_.frame(node.inner).source != node.collection) {
      Problem("%{}: its frame stands on another collection", index);
    }
    for (NodeId operand : node.operands) {
      if (!Encloses(program_.node(operand).frame, node.inner)) {
        Problem("%{}: an operand from a frame that is not above its member", index);
      }
    }
    if (program_.node(node.operands[0]).type.kind != Kind::kBool) {
      Problem("%{}: its condition is no bool", index);
    }
  }

  void CheckTypes(size_t index, const Node& node) {
    const auto kind = [&](size_t i) { return program_.node(node.operands[i]).type.kind; };
    switch (node.op) {
      case Op::kAnd:
      case Op::kOr:
      case Op::kNot:
        for (size_t i = 0; i < node.operands.size(); ++i) {
          if (kind(i) != Kind::kBool) Problem("%{}: an operand is no bool", index);
        }
        break;
      case Op::kCompare:
      case Op::kCoalesce:
        if (program_.node(node.operands[0]).type != program_.node(node.operands[1]).type) {
          Problem("%{}: operands of two types", index);
        }
        break;
      case Op::kField:
      case Op::kChangedAt:
      case Op::kPrevious:
      case Op::kRemovedAt:
        if (kind(0) != Kind::kRow || program_.node(node.operands[0]).type.entity != node.entity) {
          Problem("%{}: a field of another entity than its base", index);
        } else if (!HasField(node.entity, node.field)) {
          Problem("%{}: no such field", index);
        }
        break;
      case Op::kInSet:
        if (!Holds(node.set, program_.sets)) Problem("%{}: no such set", index);
        break;
      case Op::kMatches:
        if (!Holds(node.pattern, program_.patterns)) Problem("%{}: no such pattern", index);
        break;
      case Op::kHas:
        if (kind(0) != Kind::kSet) Problem("%{}: `has` of no set", index);
        break;
      case Op::kReached:
        if (node.factor < 0 || node.signs.size() != node.operands.size()) {
          Problem("%{}: a moment without its signs", index);
        }
        for (size_t i = 0; i < node.operands.size(); ++i) {
          if (kind(i) != Kind::kTime && kind(i) != Kind::kDuration) {
            Problem("%{}: a moment of another type", index);
          } else if (program_.node(node.operands[i]).moves &&
                     program_.node(node.operands[i]).op == Op::kNow) {
            Problem("%{}: `now` is not normalised away", index);
          }
        }
        break;
      case Op::kDayReached:
        if (kind(0) != Kind::kDate || kind(1) != Kind::kText) {
          Problem("%{}: a day without date or zone", index);
        }
        break;
      default: break;
    }
  }

  void CheckRule(const Rule& rule) {
    const auto condition = [&](NodeId id, bool required) {
      if (!id.valid() && !required) return;
      if (!Holds(id, program_.nodes) || program_.node(id).type.kind != Kind::kBool) {
        Problem("{}: a condition that is no bool", rule.full_name);
      } else if (!Encloses(program_.node(id).frame, rule.frame)) {
        Problem("{}: a condition from another frame", rule.full_name);
      }
    };
    if (!Holds(rule.frame, program_.frames) ||
        program_.frame(rule.frame).member.entity != rule.entity) {
      Problem("{}: its frame stands on another entity", rule.full_name);
      return;
    }
    condition(rule.match, true);
    condition(rule.when, true);
    condition(rule.unless, false);
    if (rule.protect ? !rule.stages.empty() : rule.stages.empty()) {
      Problem("{}: a protect with stages, or a policy without", rule.full_name);
    }
    if (!rule.protect && rule.because.empty()) Problem("{}: no reason", rule.full_name);
    CheckExplanations(rule);
    for (const Stage& stage : rule.stages) {
      for (const Action& action : stage.actions) CheckAction(rule, action);
    }
  }

  // Nodes that are evaluated on the judged row.
  bool OnJudgedRow(const Rule& rule, NodeId id) const {
    return Holds(id, program_.nodes) && Encloses(program_.node(id).frame, rule.frame);
  }

  void CheckExplanations(const Rule& rule) {
    for (const Clause& clause : rule.clauses) {
      if (!Holds(clause.node, program_.nodes)) Problem("{}: a clause of nothing", rule.full_name);
      for (uint32_t child : clause.children) {
        if (child >= rule.clauses.size()) Problem("{}: no such clause", rule.full_name);
      }
    }
    if (rule.when_clause >= rule.clauses.size() ||
        rule.unless_clause.value_or(0) >= rule.clauses.size() ||
        rule.unless.valid() != rule.unless_clause.has_value()) {
      Problem("{}: a condition without its clause", rule.full_name);
    }
    for (const EvidencePath& path : rule.evidence) {
      if (!OnJudgedRow(rule, path.value) || !OnJudgedRow(rule, path.row)) {
        Problem("{}: {} is not read on the judged row", rule.full_name, path.path);
      }
    }
    for (const ReasonPart& part : rule.because) {
      if (part.node.valid() && !OnJudgedRow(rule, part.node)) {
        Problem("{}: a reason from another frame", rule.full_name);
      }
    }
  }

  void CheckAction(const Rule& rule, const Action& action) {
    const bool rows = action.targets.valid();
    if (rows && (!Holds(action.targets, program_.collections) ||
                 program_.collection(action.targets).member.entity != action.entity ||
                 !Encloses(program_.collection(action.targets).outer, rule.frame))) {
      Problem("{}: targets of another entity or frame", rule.full_name);
    }
    if (action.target.valid() && (rows || !OnJudgedRow(rule, action.target) ||
                                  program_.node(action.target).type.entity != action.entity)) {
      Problem("{}: a target of another entity or frame", rule.full_name);
    }
    if ((action.verb == Verb::kNotify) == (rows || action.target.valid())) {
      Problem("{}: a notice with a target, or an action without", rule.full_name);
    }
    for (NodeId choice : action.recipient.choices) {
      if (!OnJudgedRow(rule, choice)) Problem("{}: a recipient from nowhere", rule.full_name);
    }
  }

  // In conditions time passes through kReached and kDayReached only.
  void CheckTime() {
    std::vector<bool> seen(program_.nodes.size());
    const auto visit = [&](const auto& self, NodeId id) -> void {
      if (!id.valid() || seen[id.index()]) return;
      seen[id.index()] = true;
      const Node& node = program_.node(id);
      if (node.op == Op::kNow || node.op == Op::kToday) {
        Problem("%{}: a condition is made of `now`", id.index());
      }
      for (NodeId operand : node.operands) self(self, operand);
    };
    for (const Rule& rule : program_.rules) {
      visit(visit, rule.match);
      visit(visit, rule.when);
      visit(visit, rule.unless);
    }
    for (const Collection& collection : program_.collections) visit(visit, collection.condition);
  }

  const Program& program_;
  std::vector<std::string> problems_;
};

}  // namespace

std::vector<std::string> Verify(const Program& program) { return Verifier(program).Run(); }

}  // namespace rescind::ir
