#include "runtime/plan/personal_data.h"

#include <algorithm>
#include <array>
#include <utility>

#include "engine/ir/reads.h"

namespace rescind {
namespace {

// Texts of the standard model that name nobody: entity, field.
constexpr std::array<std::pair<std::string_view, std::string_view>, 12> kImpersonal = {{
    {"identity", "department"},
    {"identity", "job"},
    {"identity", "timezone"},
    {"identity", "tags"},
    {"system", "name"},
    {"system", "tags"},
    {"account", "tags"},
    {"entitlement", "name"},
    {"entitlement", "tags"},
    {"grant", "ticket"},
    {"grant", "tags"},
    {"credential", "tags"},
}};

bool IsText(const FieldType& type) {
  return type.kind == TypeKind::kText ||
         (type.kind == TypeKind::kSet && type.element == TypeKind::kText);
}

ir::NodeSearch ReadsOfPersonal(const ir::Program& program) {
  return {program, [&](const ir::Node& node) {
            return node.field.valid() && node.entity.valid() &&
                   IsPersonal(program.schema, node.entity, node.field);
          }};
}

}  // namespace

bool IsPersonal(const Schema& schema, EntityId entity, FieldId field) {
  const EntityDef& definition = schema.entity(entity);
  const FieldDef& asked = definition.field(field);
  const std::pair<std::string_view, std::string_view> name{definition.name, asked.name};
  return IsText(asked.type) &&
         std::find(kImpersonal.begin(), kImpersonal.end(), name) == kImpersonal.end();
}

bool IsBecausePersonal(const ir::Program& program, const ir::Rule& rule) {
  ir::NodeSearch reads = ReadsOfPersonal(program);
  if (rule.because_is_condition && reads.In(rule.when)) return true;
  return std::any_of(rule.because.begin(), rule.because.end(),
                     [&](const ir::ReasonPart& part) { return reads.In(part.node); });
}

bool IsGroupPersonal(const ir::Program& program, std::string_view policy) {
  const auto rule = std::find_if(program.rules.begin(), program.rules.end(),
                                 [&](const ir::Rule& each) { return each.full_name == policy; });
  if (rule == program.rules.end()) return true;
  ir::NodeSearch reads = ReadsOfPersonal(program);
  const auto is_personal = [&](const auto& limit) {
    return limit.group.valid() && reads.In(limit.group);
  };
  return std::any_of(rule->share_limits.begin(), rule->share_limits.end(), is_personal) ||
         std::any_of(rule->leave_limits.begin(), rule->leave_limits.end(), is_personal);
}

}  // namespace rescind
