#include "engine/eval/unknown_zone.h"

#include <algorithm>
#include <variant>

#include "engine/base/time_zone.h"

namespace rescind::eval {
namespace {

// The node that an operation takes its zone from; none where it looks at no day.
ir::NodeId ZoneTakenBy(const ir::Node& node) {
  switch (node.op) {
    case ir::Op::kToday:
    case ir::Op::kDayReached:
    case ir::Op::kDateOf:
    case ir::Op::kStartOf: return node.operands.back();
    default: return {};
  }
}

// Walks a condition with the collections that it looks at, each node once.
class ZoneSearch {
 public:
  explicit ZoneSearch(const ir::Program& program)
      : program_(program), seen_(program.nodes.size()) {}

  std::vector<ir::NodeId> Below(ir::NodeId root) {
    Open(root);
    while (!open_.empty()) {
      const ir::Node& node = program_.node(open_.back());
      open_.pop_back();
      const ir::NodeId zone = ZoneTakenBy(node);
      const bool is_new = std::find(zones_.begin(), zones_.end(), zone) == zones_.end();
      if (zone.valid() && is_new) zones_.push_back(zone);
      for (const ir::NodeId operand : node.operands) Open(operand);
      OpenCollection(node.collection);
    }
    return std::move(zones_);
  }

 private:
  void Open(ir::NodeId id) {
    if (!id.valid() || seen_[id.index()]) return;
    seen_[id.index()] = true;
    open_.push_back(id);
  }
  void OpenCollection(ir::CollectionId id) {
    for (; id.valid(); id = program_.collection(id).inner) {
      Open(program_.collection(id).base);
      Open(program_.collection(id).condition);
    }
  }

  const ir::Program& program_;
  std::vector<bool> seen_;
  std::vector<ir::NodeId> open_;
  std::vector<ir::NodeId> zones_;
};

}  // namespace

UnknownZone::UnknownZone(const EvaluationInput& input, const ir::Rule& rule)
    : rule_(rule), evaluator_(input), zones_(ZoneSearch(input.program).Below(rule.match)) {
  // A rule has one zone, of its judged row or of none.
  std::erase_if(zones_, [&](ir::NodeId zone) {
    const ir::FrameId frame = input.program.node(zone).frame;
    return frame.valid() && frame != rule.frame;
  });
}

std::optional<std::string> UnknownZone::NameAt(RowId row) {
  evaluator_.Bind(rule_.frame, KnownValue(FactRow{rule_.entity, row}));
  for (const ir::NodeId zone : zones_) {
    const Value value = evaluator_.Evaluate(zone).value;
    if (!value.known()) continue;
    const auto* name = std::get_if<std::string>(&value.content);
    if (name != nullptr && FindTimeZone(*name) == nullptr) return *name;
  }
  return std::nullopt;
}

}  // namespace rescind::eval
