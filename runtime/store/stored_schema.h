// StoredSchema: entities and fields as the store numbers them, by name, and what may change.
//
// A program's schema is matched by name: new entities, fields and enum members at the end are
// added, another order is fine. Whatever would make stored bytes mean something else is refused.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "engine/facts/schema.h"

namespace rescind {

// How a program's ids are called on disk.
struct SchemaNumbers {
  std::vector<uint32_t> entities;             // by EntityId
  std::vector<std::vector<uint32_t>> fields;  // by EntityId, FieldId; `many` fields have none
};
inline constexpr uint32_t kNoNumber = 0xFFFFFFFF;

class StoredSchema {
 public:
  std::string Encode() const;
  static Result<StoredSchema> Decode(std::string_view bytes);

  // Takes in what is new in `schema`; kUnsupported, with what and how to mend it, when a stored
  // entity or field is missing in it or has another type. `changed`: it must be written.
  Result<SchemaNumbers> Admit(const Schema& schema, bool& changed);

 private:
  struct Field {
    std::string name;
    TypeKind kind = TypeKind::kText;
    TypeKind element = TypeKind::kText;
    std::string target;                // entity that it refers to
    std::vector<std::string> members;  // enum
  };
  struct Entity {
    std::string name;
    std::vector<Field> fields;
  };
  static Field Describe(const Schema& schema, const FieldDef& definition);
  static Status AdmitField(const std::string& entity, Field& stored, const Field& given,
                           bool& changed);
  Status RefuseMissing(const Schema& schema) const;

  std::vector<Entity> entities_;
};

}  // namespace rescind
