#include "engine/compile/columns.h"

#include <string_view>
#include <vector>

#include "engine/compile/rewrite.h"

namespace rescind::compile {
namespace {

class ColumnCollector {
 public:
  explicit ColumnCollector(const ir::Program& program)
      : program_(program),
        nodes_(program.nodes.size(), kUnseen),
        collections_(program.collections.size(), kUnseen) {}

  void Visit(ir::NodeId id, bool shown_only) {
    if (!Enter(nodes_[id.index()], shown_only)) return;
    const ir::Node& node = program_.node(id);
    switch (node.op) {
      case ir::Op::kField:
        if (!shown_only || node.type.kind != ir::Type::Kind::kText) {
          columns_.Add(node.entity, node.field);
        }
        break;
      case ir::Op::kChangedAt:
      case ir::Op::kPrevious: columns_.AddHistory(node.entity, node.field); break;
      case ir::Op::kRemovedAt: columns_.Add(node.entity, node.field); break;
      case ir::Op::kId:
        if (!shown_only) columns_.AddIds(program_.node(node.operands[0]).type.entity);
        break;
      default: break;
    }
    if (node.collection.valid()) Visit(node.collection, shown_only);
    for (const ir::NodeId operand : node.operands) Visit(operand, shown_only);
  }

  void Visit(ir::CollectionId id, bool shown_only) {
    if (!Enter(collections_[id.index()], shown_only)) return;
    const ir::Collection& collection = program_.collection(id);
    if (collection.field.valid()) columns_.Add(collection.entity, collection.field);
    if (collection.base.valid()) Visit(collection.base, shown_only);
    if (collection.inner.valid()) Visit(collection.inner, shown_only);
    if (collection.condition.valid()) Visit(collection.condition, shown_only);
  }

  void AddNamed(EntityId entity, std::string_view field) {
    if (const auto found = program_.schema.entity(entity).Find(field)) {
      columns_.Add(entity, *found);
    }
  }

  // What a plan asks of what it acts on.
  void AddTargets() {
    for (const ir::Rule& rule : program_.rules) {
      for (const ir::Stage& stage : rule.stages) {
        for (const ir::Action& action : stage.actions) {
          if (action.entity.valid()) AddNamed(action.entity, "status");
        }
      }
    }
    const auto account = program_.schema.Find("account");
    if (!account || program_.rules.empty()) return;
    for (const std::string_view field : {"owner", "purpose", "status"}) AddNamed(*account, field);
  }

  ColumnSet Take() { return std::move(columns_); }

 private:
  enum Seen : uint8_t { kUnseen, kShown, kFull };

  // False when it has been visited for as much before.
  static bool Enter(Seen& seen, bool shown_only) {
    const Seen wanted = shown_only ? kShown : kFull;
    if (seen >= wanted) return false;
    seen = wanted;
    return true;
  }

  const ir::Program& program_;
  std::vector<Seen> nodes_;
  std::vector<Seen> collections_;
  ColumnSet columns_;
};

}  // namespace

ColumnSet ColumnsOf(const ir::Program& program) {
  ColumnCollector collector(program);
  for (const ir::Rule& rule : program.rules) {
    VisitRoots(
        rule,
        [&](const ir::NodeId& id, RootUse use) { collector.Visit(id, use == RootUse::kShown); },
        [&](const ir::CollectionId& id, RootUse use) {
          collector.Visit(id, use == RootUse::kShown);
        });
  }
  collector.AddTargets();
  return collector.Take();
}

}  // namespace rescind::compile
