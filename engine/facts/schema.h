// Schema: which entities exist and which typed fields each has.
//
// Built by the checker from the standard model and a workspace's `entity`/`extend` declarations,
// kept in the store, and read by everything that touches facts. Dense ids: EntityId indexes
// Schema::entities(), FieldId indexes EntityDef::fields. It knows nothing of source text.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "engine/base/strong_id.h"

namespace rescind {

using EntityId = StrongId<struct EntityTag>;
using FieldId = StrongId<struct FieldTag>;  // within one entity
using RowId = StrongId<struct RowTag>;      // within one entity's table; dense, never reused
using EnumId = StrongId<struct EnumTag>;

// Explicit values: stored in schema records. Never renumber.
enum class TypeKind : uint8_t {
  kText = 1,
  kBool = 2,
  kInt = 3,
  kTime = 4,
  kDate = 5,
  kDuration = 6,
  kEnum = 7,
  kReference = 8,
  kSet = 9,
  kMany = 10,  // inverse of a reference: not stored, read through an index
};

// The declared type of a field. Plain value; compare with ==.
struct FieldType {
  TypeKind kind = TypeKind::kText;
  bool optional = false;               // `?`: may be unknown. Never for kSet and kMany
  EnumId enumeration;                  // kEnum, or kSet of enum
  EntityId entity;                     // kReference, kMany, or kSet of an entity
  TypeKind element = TypeKind::kText;  // kSet: kText, kInt, kEnum or kReference
  FieldId via;                         // kMany: the reference field of `entity` that is inverted

  bool operator==(const FieldType&) const = default;
};

struct EnumDef {
  std::vector<std::string> members;  // declaration order; an ordered enum's order
  bool ordered = false;

  std::optional<uint8_t> Find(std::string_view member) const;
  bool operator==(const EnumDef&) const = default;
};
inline constexpr size_t kMaxEnumMembers = 250;  // one byte a row; the rest are sentinels

struct FieldDef {
  std::string name;
  FieldType type;
  bool tracked = false;  // previous value and instant of change are kept
  // kTime: the latest of many instants, such as a last use. Its past is kept in steps
  // (StoreOptions).
  bool latest = false;

  bool operator==(const FieldDef&) const = default;
};

struct EntityDef {
  std::string name;
  std::vector<FieldDef> fields;  // without the implicit `id : text`

  std::optional<FieldId> Find(std::string_view field) const;
  const FieldDef& field(FieldId id) const { return fields[id.index()]; }
  bool operator==(const EntityDef&) const = default;
};

class Schema {
 public:
  EntityId AddEntity(std::string name);
  FieldId AddField(EntityId entity, FieldDef field);
  // Equal enums share one id.
  EnumId AddEnum(EnumDef definition);

  const std::vector<EntityDef>& entities() const { return entities_; }
  const EntityDef& entity(EntityId id) const;
  const FieldDef& field(EntityId entity, FieldId field) const;
  const EnumDef& enumeration(EnumId id) const;
  const std::vector<EnumDef>& enumerations() const { return enumerations_; }
  std::optional<EntityId> Find(std::string_view entity) const;
  bool operator==(const Schema&) const = default;

 private:
  std::vector<EntityDef> entities_;
  std::vector<EnumDef> enumerations_;
};

// "time?", "enum { a, b }", "many grant via account": as the language writes it.
std::string FormatType(const Schema& schema, const FieldType& type);

}  // namespace rescind
