#include "engine/facts/column_set.h"

namespace rescind {

ColumnSet ColumnSet::All(const Schema& schema) {
  ColumnSet columns;
  for (uint32_t e = 0; e < schema.entities().size(); ++e) {
    const auto& fields = schema.entities()[e].fields;
    for (uint32_t f = 0; f < fields.size(); ++f) {
      columns.Add(EntityId(e), FieldId(f));
      if (fields[f].tracked) columns.AddHistory(EntityId(e), FieldId(f));
    }
  }
  return columns;
}

ColumnSet ColumnSet::Closure(const Schema& schema) const {
  ColumnSet closed;
  closed.history = history;
  closed.ids = ids;
  for (const auto& [entity, field] : fields) {
    const FieldType& type = schema.field(entity, field).type;
    if (type.kind == TypeKind::kMany) {
      closed.Add(type.entity, type.via);
    } else {
      closed.Add(entity, field);
    }
  }
  for (uint32_t e = 0; e < schema.entities().size(); ++e) {
    const auto& all = schema.entities()[e].fields;
    for (uint32_t f = 0; f < all.size(); ++f) {
      const FieldType& type = all[f].type;
      if (type.kind == TypeKind::kReference && !type.optional) closed.Add(EntityId(e), FieldId(f));
    }
  }
  return closed;
}

}  // namespace rescind
