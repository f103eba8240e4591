#include "runtime/plan/personal_data.h"

#include <algorithm>
#include <vector>

#include "engine/ir/reads.h"

namespace rescind {
namespace {

class PersonalReads {
 public:
  explicit PersonalReads(const ir::Program& program)
      : program_(program), seen_(program.nodes.size(), false) {}

  bool In(ir::NodeId id) {
    if (!id.valid() || seen_[id.index()]) return false;
    seen_[id.index()] = true;
    const ir::Node& node = program_.node(id);
    if (node.field.valid() && node.entity.valid() &&
        IsPersonal(program_.schema, node.entity, node.field)) {
      return true;
    }
    bool found = false;
    ir::VisitParts(program_, node, [&](ir::NodeId part) { found = found || In(part); });
    return found;
  }

 private:
  const ir::Program& program_;
  std::vector<bool> seen_;
};

}  // namespace

bool IsPersonal(const Schema& schema, EntityId entity, FieldId field) {
  const EntityDef& definition = schema.entity(entity);
  const std::string& name = definition.field(field).name;
  return name == "email" || name == "username" || (name == "name" && definition.name == "identity");
}

bool IsBecausePersonal(const ir::Program& program, const ir::Rule& rule) {
  PersonalReads reads(program);
  return std::any_of(rule.because.begin(), rule.because.end(),
                     [&](const ir::ReasonPart& part) { return reads.In(part.node); });
}

}  // namespace rescind
