#include "engine/facts/schema.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "engine/base/assert.h"

namespace rescind {
namespace {

std::string FormatElement(const Schema& schema, TypeKind kind, EnumId enumeration,
                          EntityId entity) {
  switch (kind) {
    case TypeKind::kText: return "text";
    case TypeKind::kBool: return "bool";
    case TypeKind::kInt: return "int";
    case TypeKind::kTime: return "time";
    case TypeKind::kDate: return "date";
    case TypeKind::kDuration: return "duration";
    case TypeKind::kReference: return schema.entity(entity).name;
    case TypeKind::kEnum: {
      const EnumDef& definition = schema.enumeration(enumeration);
      return fmt::format("enum{} {{ {} }}", definition.ordered ? " ordered" : "",
                         fmt::join(definition.members, ", "));
    }
    case TypeKind::kSet:
    case TypeKind::kMany: break;
  }
  RESCIND_UNREACHABLE("not an element type");
}

}  // namespace

std::optional<uint8_t> EnumDef::Find(std::string_view member) const {
  const auto found = std::find(members.begin(), members.end(), member);
  if (found == members.end()) return std::nullopt;
  return static_cast<uint8_t>(found - members.begin());
}

std::optional<FieldId> EntityDef::Find(std::string_view field) const {
  for (size_t i = 0; i < fields.size(); ++i) {
    if (fields[i].name == field) return FieldId(static_cast<uint32_t>(i));
  }
  return std::nullopt;
}

EntityId Schema::AddEntity(std::string name) {
  RESCIND_ASSERT(!Find(name), "entity declared twice");
  entities_.push_back({std::move(name), {}});
  return EntityId(static_cast<uint32_t>(entities_.size() - 1));
}

FieldId Schema::AddField(EntityId entity, FieldDef field) {
  RESCIND_ASSERT(entity.valid() && entity.index() < entities_.size(), "unknown entity");
  EntityDef& owner = entities_[entity.index()];
  RESCIND_ASSERT(!owner.Find(field.name) && field.name != "id", "field declared twice");
  owner.fields.push_back(std::move(field));
  return FieldId(static_cast<uint32_t>(owner.fields.size() - 1));
}

EnumId Schema::AddEnum(EnumDef definition) {
  RESCIND_ASSERT(!definition.members.empty() && definition.members.size() <= kMaxEnumMembers,
                 "enum size out of range");
  const auto found = std::find(enumerations_.begin(), enumerations_.end(), definition);
  if (found == enumerations_.end()) {
    enumerations_.push_back(std::move(definition));
    return EnumId(static_cast<uint32_t>(enumerations_.size() - 1));
  }
  return EnumId(static_cast<uint32_t>(found - enumerations_.begin()));
}

const EntityDef& Schema::entity(EntityId id) const {
  RESCIND_ASSERT(id.valid() && id.index() < entities_.size(), "unknown entity");
  return entities_[id.index()];
}

const FieldDef& Schema::field(EntityId entity_id, FieldId field) const {
  const EntityDef& owner = entity(entity_id);
  RESCIND_ASSERT(field.valid() && field.index() < owner.fields.size(), "unknown field");
  return owner.fields[field.index()];
}

const EnumDef& Schema::enumeration(EnumId id) const {
  RESCIND_ASSERT(id.valid() && id.index() < enumerations_.size(), "unknown enum");
  return enumerations_[id.index()];
}

std::optional<EntityId> Schema::Find(std::string_view name) const {
  for (size_t i = 0; i < entities_.size(); ++i) {
    if (entities_[i].name == name) return EntityId(static_cast<uint32_t>(i));
  }
  return std::nullopt;
}

std::string FormatType(const Schema& schema, const FieldType& type) {
  if (type.kind == TypeKind::kMany) {
    return fmt::format("many {} via {}", schema.entity(type.entity).name,
                       schema.field(type.entity, type.via).name);
  }
  if (type.kind == TypeKind::kSet) {
    return "set of " + FormatElement(schema, type.element, type.enumeration, type.entity);
  }
  return FormatElement(schema, type.kind, type.enumeration, type.entity) +
         (type.optional ? "?" : "");
}

}  // namespace rescind
