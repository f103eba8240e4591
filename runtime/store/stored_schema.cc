#include "runtime/store/stored_schema.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "runtime/store/byte_codec.h"
#include "runtime/store/column_chunk.h"

namespace rescind {
namespace {

constexpr uint8_t kSchemaFormat = 1;

std::string_view NameOf(TypeKind kind) {
  switch (kind) {
    case TypeKind::kText: return "text";
    case TypeKind::kBool: return "bool";
    case TypeKind::kInt: return "int";
    case TypeKind::kTime: return "time";
    case TypeKind::kDate: return "date";
    case TypeKind::kDuration: return "duration";
    case TypeKind::kEnum: return "enum";
    case TypeKind::kReference: return "reference";
    case TypeKind::kSet: return "set";
    case TypeKind::kMany: return "many";
  }
  return "an unknown type";
}

}  // namespace

std::string StoredSchema::Encode() const {
  ByteWriter writer;
  writer.Put8(kSchemaFormat);
  writer.Put32(static_cast<uint32_t>(entities_.size()));
  for (const Entity& entity : entities_) {
    writer.PutText(entity.name);
    writer.Put32(static_cast<uint32_t>(entity.fields.size()));
    for (const Field& field : entity.fields) {
      writer.PutText(field.name);
      writer.Put8(static_cast<uint8_t>(field.kind));
      writer.Put8(static_cast<uint8_t>(field.element));
      writer.PutText(field.target);
      writer.Put32(static_cast<uint32_t>(field.members.size()));
      for (const std::string& member : field.members) writer.PutText(member);
    }
  }
  Seal(writer.bytes());
  return std::move(writer.bytes());
}

Result<StoredSchema> StoredSchema::Decode(std::string_view bytes) {
  const auto body = Unseal(bytes);
  if (!body) return CorruptRecord("the schema of the store");
  ByteReader reader(*body);
  if (reader.Take8() != kSchemaFormat) return CorruptRecord("the schema of the store");
  StoredSchema schema;
  for (uint32_t entities = reader.Take32(); entities > 0 && reader.ok(); --entities) {
    Entity& entity = schema.entities_.emplace_back();
    entity.name = reader.TakeText();
    for (uint32_t fields = reader.Take32(); fields > 0 && reader.ok(); --fields) {
      Field& field = entity.fields.emplace_back();
      field.name = reader.TakeText();
      field.kind = static_cast<TypeKind>(reader.Take8());
      field.element = static_cast<TypeKind>(reader.Take8());
      field.target = reader.TakeText();
      for (uint32_t members = reader.Take32(); members > 0 && reader.ok(); --members) {
        field.members.emplace_back(reader.TakeText());
      }
    }
  }
  if (!reader.done()) return CorruptRecord("the schema of the store");
  return schema;
}

StoredSchema::Field StoredSchema::Describe(const Schema& schema, const FieldDef& definition) {
  const FieldType& type = definition.type;
  Field field;
  field.name = definition.name;
  field.kind = type.kind;
  const bool is_set = type.kind == TypeKind::kSet;
  const TypeKind held = is_set ? type.element : type.kind;
  if (is_set) field.element = type.element;
  if (held == TypeKind::kReference) field.target = schema.entity(type.entity).name;
  if (held == TypeKind::kEnum) field.members = schema.enumeration(type.enumeration).members;
  return field;
}

std::string StoredSchema::TypeText(const Field& field) {
  const auto plain = [&](TypeKind kind) -> std::string {
    if (kind == TypeKind::kReference) return field.target;
    if (kind == TypeKind::kEnum)
      return fmt::format("enum {{ {} }}", fmt::join(field.members, ", "));
    return std::string(NameOf(kind));
  };
  return field.kind == TypeKind::kSet ? "set of " + plain(field.element) : plain(field.kind) + "?";
}

std::optional<std::string> StoredSchema::FindConflict(const Field& stored, const Field& given) {
  if (stored.kind != given.kind || stored.element != given.element) {
    return fmt::format("holds values of type {} in the store and is {} now", NameOf(stored.kind),
                       NameOf(given.kind));
  }
  if (stored.target != given.target) {
    return fmt::format("refers to {} in the store and to {} now", stored.target, given.target);
  }
  if (stored.members.size() > given.members.size() ||
      !std::equal(stored.members.begin(), stored.members.end(), given.members.begin())) {
    return fmt::format("is enum {{ {} }} in the store and enum {{ {} }} now",
                       fmt::join(stored.members, ", "), fmt::join(given.members, ", "));
  }
  return std::nullopt;
}

std::vector<StoredSchema::Orphan> StoredSchema::FindOrphans(const Schema& schema) const {
  std::vector<Orphan> orphans;
  for (uint32_t e = 0; e < entities_.size(); ++e) {
    const Entity& stored = entities_[e];
    if (stored.name.empty()) continue;
    const auto entity = schema.Find(stored.name);
    if (!entity) {
      Orphan& orphan = orphans.emplace_back();
      orphan.entity = e;
      orphan.what = fmt::format("entity {} is in the store and no longer declared", stored.name);
      orphan.help = "declare it again; the store does not forget facts by itself";
      continue;
    }
    for (uint32_t f = 0; f < stored.fields.size(); ++f) {
      const Field& field = stored.fields[f];
      if (field.name.empty()) continue;
      Orphan orphan{e, f, field.kind, fmt::format("field {}.{} ", stored.name, field.name), ""};
      const auto given = schema.entity(*entity).Find(field.name);
      if (!given || schema.field(*entity, *given).type.kind == TypeKind::kMany) {
        orphan.what += "is in the store and no longer declared";
        orphan.help = fmt::format("declare it again, `extend {} {{ {} : {} }}`", stored.name,
                                  field.name, TypeText(field));
        orphans.push_back(std::move(orphan));
      } else if (const auto conflict =
                     FindConflict(field, Describe(schema, schema.field(*entity, *given)))) {
        orphan.what += *conflict;
        orphan.help = field.kind == TypeKind::kEnum || field.element == TypeKind::kEnum
                          ? "keep the members and their order, new ones go to the end"
                          : "give the field its old type back, or add a field of another name";
        orphans.push_back(std::move(orphan));
      }
    }
  }
  return orphans;
}

void StoredSchema::Forget(const Orphan& orphan) {
  Entity& entity = entities_[orphan.entity];
  // The number stays taken: what old records say of it must not become another field's.
  if (orphan.field) {
    entity.fields[*orphan.field] = Field();
  } else {
    entity = Entity();
  }
}

SchemaNumbers StoredSchema::Admit(const Schema& schema, bool& changed) {
  SchemaNumbers numbers;
  for (const EntityDef& definition : schema.entities()) {
    auto stored = std::find_if(entities_.begin(), entities_.end(), [&](const Entity& entity) {
      return entity.name == definition.name;
    });
    if (stored == entities_.end()) {
      stored = entities_.insert(entities_.end(), {definition.name, {}});
      changed = true;
    }
    numbers.entities.push_back(static_cast<uint32_t>(stored - entities_.begin()));
    auto& fields = numbers.fields.emplace_back();
    for (const FieldDef& field : definition.fields) {
      if (field.type.kind == TypeKind::kMany) {
        fields.push_back(kNoNumber);
        continue;
      }
      const Field given = Describe(schema, field);
      auto known = std::find_if(stored->fields.begin(), stored->fields.end(),
                                [&](const Field& other) { return other.name == field.name; });
      if (known == stored->fields.end()) {
        known = stored->fields.insert(stored->fields.end(), given);
        changed = true;
      } else if (given.members.size() > known->members.size()) {
        known->members = given.members;
        changed = true;
      }
      fields.push_back(static_cast<uint32_t>(known - stored->fields.begin()));
    }
  }
  return numbers;
}

}  // namespace rescind
