// StoredSchema: entities and fields as the store numbers them, by name, and what may change.
//
// A program's schema is matched by name: new entities, fields and enum members at the end are
// added, another order is fine. Whatever would make stored bytes mean something else is an orphan:
// its owner refuses it, or has it forgotten where it holds nothing. A number is never used again.
#pragma once

#include <cstdint>
#include <optional>
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

  // An entity or field of the store that a schema lacks or declares otherwise, and what to say
  // where it cannot go.
  struct Orphan {
    uint32_t entity = 0;
    std::optional<uint32_t> field;
    TypeKind kind = TypeKind::kText;  // of the field's values on disk
    std::string what;
    std::string help;
  };
  std::vector<Orphan> FindOrphans(const Schema& schema) const;
  // Its name is free again; the schema must be written.
  void Forget(const Orphan& orphan);

  // Takes in what is new in `schema`, which leaves no orphans. `changed`: it must be written.
  SchemaNumbers Admit(const Schema& schema, bool& changed);

 private:
  struct Field {
    std::string name;  // "": forgotten
    TypeKind kind = TypeKind::kText;
    TypeKind element = TypeKind::kText;
    std::string target;                // entity that it refers to
    std::vector<std::string> members;  // enum
  };
  struct Entity {
    std::string name;  // "": forgotten
    std::vector<Field> fields;
  };
  static Field Describe(const Schema& schema, const FieldDef& definition);
  // Why `given` cannot read what `stored` has; nothing when it can.
  static std::optional<std::string> FindConflict(const Field& stored, const Field& given);
  static std::string TypeText(const Field& field);

  std::vector<Entity> entities_;
};

}  // namespace rescind
