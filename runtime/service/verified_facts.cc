#include "runtime/service/verified_facts.h"

#include <optional>
#include <string_view>

namespace rescind {
namespace {

// A workspace can extend the standard model, not take fields away from it; a store of an older
// schema may lack them all the same.
bool SetEnum(const Action& action, const Schema& schema, std::string_view field_name,
             std::string_view member, FactDelta& delta) {
  const auto entity = schema.Find(action.target.entity);
  const auto field = entity ? schema.entity(*entity).Find(field_name) : std::nullopt;
  if (!field) return false;
  const FieldType& type = schema.field(*entity, *field).type;
  if (type.kind != TypeKind::kEnum) return false;
  const auto index = schema.enumeration(type.enumeration).Find(member);
  if (!index) return false;
  delta.BeginRow(*entity, action.target.id);
  delta.SetNumber(*field, *index);
  return true;
}

// `status`: of what was disabled; `mark` says of the row of what was taken away what became of it.
bool AddFact(const Action& action, const Schema& schema, std::string_view status,
             void (FactDelta::*mark)(), FactDelta& delta) {
  switch (action.verb) {
    case Verb::kDisable:
    case Verb::kSuspend: return SetEnum(action, schema, "status", status, delta);
    case Verb::kEnd:
    case Verb::kRevoke:
    case Verb::kDelete: {
      const auto entity = schema.Find(action.target.entity);
      if (!entity) return false;
      delta.BeginRow(*entity, action.target.id);
      (delta.*mark)();
      return true;
    }
    case Verb::kRun:
    case Verb::kNotify: return false;
  }
  return false;
}

}  // namespace

bool AddVerifiedFact(const Action& action, const Schema& schema, FactDelta& delta) {
  return AddFact(action, schema, "disabled", &FactDelta::Delete, delta);
}

bool AddCompensatedFact(const Action& action, const Schema& schema, FactDelta& delta) {
  return AddFact(action, schema, "active", &FactDelta::Restore, delta);
}

}  // namespace rescind
