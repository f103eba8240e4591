// ColumnSet: which columns of which entities a program reads, so that only those are loaded.
#pragma once

#include <set>
#include <utility>

#include "engine/facts/schema.h"

namespace rescind {

struct ColumnSet {
  // Loads every column that fits in memory: all but ids.
  static ColumnSet All(const Schema& schema);

  // A `many` field stands for its index, which needs the reference column it inverts.
  void Add(EntityId entity, FieldId field) { fields.insert({entity, field}); }
  // Also the previous value and the instant of change of a tracked field.
  void AddHistory(EntityId entity, FieldId field) {
    fields.insert({entity, field});
    history.insert({entity, field});
  }
  // The ids of an entity as a text column.
  void AddIds(EntityId entity) { ids.insert(entity); }

  // With what the columns imply: for a `many` field the reference it inverts, and every required
  // reference of every entity, because completeness follows them. No `many` fields remain.
  ColumnSet Closure(const Schema& schema) const;

  bool Has(EntityId entity, FieldId field) const { return fields.count({entity, field}) > 0; }
  bool HasHistory(EntityId entity, FieldId field) const {
    return history.count({entity, field}) > 0;
  }

  std::set<std::pair<EntityId, FieldId>> fields;
  std::set<std::pair<EntityId, FieldId>> history;
  std::set<EntityId> ids;
};

}  // namespace rescind
