#include "runtime/plan/personal_data.h"

#include <algorithm>

#include "engine/ir/reads.h"

namespace rescind {
bool IsPersonal(const Schema& schema, EntityId entity, FieldId field) {
  const EntityDef& definition = schema.entity(entity);
  const std::string& name = definition.field(field).name;
  return name == "email" || name == "username" || (name == "name" && definition.name == "identity");
}

bool IsBecausePersonal(const ir::Program& program, const ir::Rule& rule) {
  ir::NodeSearch reads(program, [&](const ir::Node& node) {
    return node.field.valid() && node.entity.valid() &&
           IsPersonal(program.schema, node.entity, node.field);
  });
  return std::any_of(rule.because.begin(), rule.because.end(),
                     [&](const ir::ReasonPart& part) { return reads.In(part.node); });
}

}  // namespace rescind
