#include "engine/ir/dependencies.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <iterator>
#include <set>
#include <utility>

#include "engine/base/assert.h"
#include "engine/ir/reads.h"

namespace rescind::ir {
namespace {

using Paths = std::set<InversePath>;

Paths Behind(const Step& step, const Paths& paths) {
  Paths longer;
  for (const InversePath& path : paths) {
    InversePath whole{step};
    whole.insert(whole.end(), path.begin(), path.end());
    longer.insert(std::move(whole));
  }
  return longer;
}

// What one rule reads, and the paths from there to the rows that it judges.
class RuleReads {
 public:
  RuleReads(const Program& program, const Rule& rule, RulePart part)
      : program_(program), judged_(rule.entity), seen_(program.nodes.size(), false) {
    switch (part) {
      case RulePart::kMatch:
        AddMembers(judged_, {InversePath{}});
        Visit(rule.match);
        return;
      case RulePart::kActions: VisitActions(rule); return;
    }
    RESCIND_UNREACHABLE("not a part of a rule");
  }

  const std::set<std::pair<FactChange, InversePath>>& found() const { return found_; }

 private:
  void Add(FactChange::Kind kind, EntityId entity, FieldId field, const Paths& paths) {
    for (const InversePath& path : paths) found_.insert({{kind, entity, field}, path});
  }
  void AddMembers(EntityId entity, const Paths& paths) {
    Add(FactChange::Kind::kLife, entity, {}, paths);
    Add(FactChange::Kind::kCompleteness, entity, {}, paths);
  }

  void VisitActions(const Rule& rule) {
    for (const Stage& stage : rule.stages) {
      if (stage.approval) VisitRecipient(stage.approval->approver);
      for (const Action& action : stage.actions) {
        VisitRecipient(action.recipient);
        VisitTargets(action);
      }
    }
    for (const ShareLimit& limit : rule.share_limits) VisitIfAny(limit.group);
    for (const LeaveLimit& limit : rule.leave_limits) VisitIfAny(limit.group);
    if (rule.done) VisitRecipient(rule.done->recipient);
    if (!rule.on_failure) return;
    for (const Recipient& recipient : rule.on_failure->notify) VisitRecipient(recipient);
  }

  void VisitIfAny(NodeId id) {
    if (id.valid()) Visit(id);
  }
  void VisitRecipient(const Recipient& recipient) {
    for (const NodeId choice : recipient.choices) Visit(choice);
  }

  // An action touches no row that is incomplete.
  void VisitTargets(const Action& action) {
    if (action.target.valid()) {
      Visit(action.target);
      AddMembers(action.entity, OfRow(action.target));
      if (action.expands_identity) AddAccountsOf(OfRow(action.target));
    }
    for (CollectionId at = action.targets; at.valid(); at = program_.collection(at).inner) {
      const Collection& collection = program_.collection(at);
      VisitCollection(at);
      VisitIfAny(collection.base);
      VisitIfAny(collection.condition);
    }
    if (action.targets.valid() && action.expands_identity) {
      AddAccountsOf(OfMembers(action.targets));
    }
  }

  // `paths` lead from an identity, in whose place its accounts of some purposes are touched.
  void AddAccountsOf(const Paths& paths) {
    const auto account = program_.schema.Find("account");
    RESCIND_ASSERT(account, "an action on accounts that there are not");
    const auto owner = program_.schema.entity(*account).Find("owner");
    RESCIND_ASSERT(owner, "accounts that are nobody's");
    const EntityId identity = program_.schema.field(*account, *owner).type.entity;
    const Paths from_account = Behind({Step::Kind::kReferred, identity, *owner}, paths);
    Add(FactChange::Kind::kField, *account, *owner, from_account);
    AddMembers(*account, from_account);
    if (const auto purpose = program_.schema.entity(*account).Find("purpose")) {
      Add(FactChange::Kind::kField, *account, *purpose, from_account);
    }
  }

  void Visit(NodeId id) {
    if (seen_[id.index()]) return;
    seen_[id.index()] = true;
    const Node& node = program_.node(id);
    switch (node.op) {
      case Op::kField:
      case Op::kChangedAt:
      case Op::kPrevious:
      case Op::kRemovedAt:
        Add(FactChange::Kind::kField, node.entity, node.field, OfRow(node.operands[0]));
        break;
      default: break;
    }
    // What is referred to is known while it is live.
    if (node.type.kind == Type::Kind::kRow && node.op != Op::kMember) {
      Add(FactChange::Kind::kLife, node.type.entity, {}, OfRow(id));
    }
    if (node.op == Op::kRemovedAt) {
      const EntityId gone = program_.schema.field(node.entity, node.field).type.entity;
      const Step step{Step::Kind::kReferrers, node.entity, node.field};
      Add(FactChange::Kind::kLife, gone, {}, Behind(step, OfRow(node.operands[0])));
    }
    if (node.type.kind == Type::Kind::kSet && node.type.element == Type::Kind::kRow) {
      Add(FactChange::Kind::kLife, node.type.entity, {}, OfMembersOfSet(node));
    }
    VisitParts(program_, node, [&](NodeId part) { Visit(part); });
    for (CollectionId at = node.collection; at.valid(); at = program_.collection(at).inner) {
      VisitCollection(at);
    }
  }

  void VisitCollection(CollectionId id) {
    const Collection& collection = program_.collection(id);
    switch (collection.kind) {
      case Collection::Kind::kMany: {
        const FieldType& type = TypeOf(collection);
        Add(FactChange::Kind::kField, type.entity, type.via, OfMembers(id));
        AddMembers(type.entity, OfMembers(id));
        return;
      }
      case Collection::Kind::kSet:
        if (collection.member.kind == Type::Kind::kRow) {
          AddMembers(collection.member.entity, OfMembers(id));
        }
        return;
      case Collection::Kind::kFlatMap: {
        const FieldType& type = TypeOf(collection);
        if (type.kind == TypeKind::kMany) {
          Add(FactChange::Kind::kField, type.entity, type.via, OfMembers(id));
        } else {
          Add(FactChange::Kind::kField, collection.entity, collection.field,
              OfMembers(collection.inner));
        }
        AddMembers(type.entity, OfMembers(id));
        return;
      }
      case Collection::Kind::kFilter:
      case Collection::Kind::kTable: return;
    }
    RESCIND_UNREACHABLE("not a collection");
  }

  const FieldType& TypeOf(const Collection& collection) const {
    return program_.schema.field(collection.entity, collection.field).type;
  }
  Paths Everything() const { return {InversePath{Step{Step::Kind::kEverything, judged_, {}}}}; }

  // From the row that the node comes to.
  Paths OfRow(NodeId id) const {
    const Node& node = program_.node(id);
    switch (node.op) {
      case Op::kMember: return OfFrame(node.frame);
      case Op::kField:
        return Behind({Step::Kind::kReferrers, node.entity, node.field}, OfRow(node.operands[0]));
      case Op::kPrevious:
        return Behind({Step::Kind::kPastReferrers, node.entity, node.field},
                      OfRow(node.operands[0]));
      case Op::kCoalesce: {
        Paths paths = OfRow(node.operands[0]);
        paths.merge(OfRow(node.operands[1]));
        return paths;
      }
      default: return Everything();  // a row that the program names
    }
  }

  Paths OfFrame(FrameId id) const {
    const Frame& frame = program_.frame(id);
    return frame.source.valid() ? OfMembers(frame.source) : Paths{InversePath{}};
  }

  // From a row that is a member of the set.
  Paths OfMembersOfSet(const Node& set) const {
    if (set.op != Op::kField) return Everything();
    return Behind({Step::Kind::kHolders, set.entity, set.field}, OfRow(set.operands[0]));
  }

  // From a row that is a member of the collection, or that its condition keeps out of it.
  Paths OfMembers(CollectionId id) const {
    const Collection& collection = program_.collection(id);
    switch (collection.kind) {
      case Collection::Kind::kMany:
        return Behind({Step::Kind::kReferred, collection.entity, TypeOf(collection).via},
                      OfRow(collection.base));
      case Collection::Kind::kSet: return OfMembersOfSet(program_.node(collection.base));
      case Collection::Kind::kFlatMap:
        return Behind(StepOutOf(collection), OfMembers(collection.inner));
      case Collection::Kind::kFilter: return OfMembers(collection.inner);
      case Collection::Kind::kTable: return {};  // constant
    }
    RESCIND_UNREACHABLE("not a collection");
  }

  // From what the field of a member leads to, back to the member.
  Step StepOutOf(const Collection& map) const {
    const FieldType& type = TypeOf(map);
    switch (type.kind) {
      case TypeKind::kReference: return {Step::Kind::kReferrers, map.entity, map.field};
      case TypeKind::kSet: return {Step::Kind::kHolders, map.entity, map.field};
      case TypeKind::kMany: return {Step::Kind::kReferred, map.entity, type.via};
      default: RESCIND_UNREACHABLE("a field that leads to no rows");
    }
  }

  const Program& program_;
  const EntityId judged_;
  std::vector<bool> seen_;
  std::set<std::pair<FactChange, InversePath>> found_;
};

class DependencyPrinter {
 public:
  explicit DependencyPrinter(const Program& program) : program_(program) {}

  std::string Line(const FactChange& change, const Dependencies::Dependent& dependent) const {
    std::string line = Name(change);
    for (const Step& step : dependent.path) line += " > " + Name(step);
    std::vector<std::string> rules;
    for (const uint32_t rule : dependent.rules) rules.push_back(program_.rules[rule].full_name);
    return fmt::format("{}: {}\n", line, fmt::join(rules, ", "));
  }

 private:
  std::string Name(EntityId entity, FieldId field) const {
    return program_.schema.entity(entity).name + "." + program_.schema.field(entity, field).name;
  }
  std::string Name(const FactChange& change) const {
    const std::string& entity = program_.schema.entity(change.entity).name;
    switch (change.kind) {
      case FactChange::Kind::kField: return Name(change.entity, change.field);
      case FactChange::Kind::kLife: return entity + " lives";
      case FactChange::Kind::kCompleteness: return entity + " is complete";
    }
    RESCIND_UNREACHABLE("not a change");
  }
  std::string Name(const Step& step) const {
    const std::string& entity = program_.schema.entity(step.entity).name;
    switch (step.kind) {
      case Step::Kind::kReferrers: return Name(step.entity, step.field);
      case Step::Kind::kPastReferrers: return "past " + Name(step.entity, step.field);
      case Step::Kind::kHolders: return "in " + Name(step.entity, step.field);
      case Step::Kind::kReferred: return "its " + entity;
      case Step::Kind::kEverything: return "every " + entity;
    }
    RESCIND_UNREACHABLE("not a step");
  }

  const Program& program_;
};

}  // namespace

Dependencies::Dependencies(const Program& program, RulePart part) {
  std::map<FactChange, std::map<InversePath, std::vector<uint32_t>>> rules;
  for (uint32_t rule = 0; rule < program.rules.size(); ++rule) {
    const RuleReads reads(program, program.rules[rule], part);
    for (const auto& [change, path] : reads.found()) {
      // Rules of different entities never share a path: it ends at the rows that they judge.
      rules[change][path].push_back(rule);
    }
  }
  for (auto& [change, paths] : rules) {
    for (auto& [path, its_rules] : paths) {
      const EntityId judged = program.rules[its_rules.front()].entity;
      dependents_[change].push_back({path, judged, std::move(its_rules)});
    }
  }
}

std::span<const Dependencies::Dependent> Dependencies::Of(const FactChange& change) const {
  const auto found = dependents_.find(change);
  if (found == dependents_.end()) return {};
  return found->second;
}

std::string Print(const Program& program, const Dependencies& dependencies) {
  const DependencyPrinter printer(program);
  std::string text;
  for (const auto& [change, dependents] : dependencies.all()) {
    for (const auto& dependent : dependents) text += printer.Line(change, dependent);
  }
  return text;
}

}  // namespace rescind::ir
