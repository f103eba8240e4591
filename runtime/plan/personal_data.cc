#include "runtime/plan/personal_data.h"

#include <algorithm>
#include <array>

#include "engine/ir/reads.h"

namespace rescind {
namespace {

// Texts of the standard model that name nobody.
constexpr std::array kImpersonal = {"department", "job", "timezone", "tags"};

bool IsText(const FieldType& type) {
  return type.kind == TypeKind::kText ||
         (type.kind == TypeKind::kSet && type.element == TypeKind::kText);
}

}  // namespace

bool IsPersonal(const Schema& schema, EntityId entity, FieldId field) {
  const EntityDef& definition = schema.entity(entity);
  const FieldDef& asked = definition.field(field);
  if (asked.name == "email" || asked.name == "username") return true;
  // What a workspace adds to people may be a phone number as well as a cost centre.
  const bool is_of_people = definition.name == "identity" || definition.name == "account";
  return is_of_people && IsText(asked.type) &&
         std::find(kImpersonal.begin(), kImpersonal.end(), asked.name) == kImpersonal.end();
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
