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

Error Refused(std::string what, std::string help) {
  return Error{ErrorKind::kUnsupported, std::move(what), std::move(help)};
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

Status StoredSchema::AdmitField(const std::string& entity, Field& stored, const Field& given,
                                bool& changed) {
  const std::string name = fmt::format("field {}.{}", entity, given.name);
  const std::string help = "give the field its old type back, or add a field of another name";
  if (stored.kind != given.kind || stored.element != given.element) {
    return Refused(fmt::format("{} holds values of type {} in the store and is {} now", name,
                               NameOf(stored.kind), NameOf(given.kind)),
                   help);
  }
  if (stored.target != given.target) {
    return Refused(fmt::format("{} refers to {} in the store and to {} now", name, stored.target,
                               given.target),
                   help);
  }
  const size_t kept = std::min(stored.members.size(), given.members.size());
  if (kept < stored.members.size() ||
      !std::equal(stored.members.begin(), stored.members.end(), given.members.begin())) {
    return Refused(fmt::format("{} is enum {{ {} }} in the store and enum {{ {} }} now", name,
                               fmt::join(stored.members, ", "), fmt::join(given.members, ", ")),
                   "keep the members and their order; new ones go to the end");
  }
  if (given.members.size() > stored.members.size()) {
    stored.members = given.members;
    changed = true;
  }
  return {};
}

Status StoredSchema::RefuseMissing(const Schema& schema) const {
  for (const Entity& stored : entities_) {
    const auto entity = schema.Find(stored.name);
    if (!entity) {
      return Refused(fmt::format("entity {} is in the store and no longer declared", stored.name),
                     "declare it again; the store does not forget facts by itself");
    }
    for (const Field& field : stored.fields) {
      const auto given = schema.entity(*entity).Find(field.name);
      if (given && schema.field(*entity, *given).type.kind != TypeKind::kMany) continue;
      return Refused(fmt::format("field {}.{} is in the store and no longer declared", stored.name,
                                 field.name),
                     "declare it again; the store does not forget facts by itself");
    }
  }
  return {};
}

Result<SchemaNumbers> StoredSchema::Admit(const Schema& schema, bool& changed) {
  RESCIND_TRY(RefuseMissing(schema));
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
      } else {
        RESCIND_TRY(AdmitField(definition.name, *known, given, changed));
      }
      fields.push_back(static_cast<uint32_t>(known - stored->fields.begin()));
    }
  }
  return numbers;
}

}  // namespace rescind
