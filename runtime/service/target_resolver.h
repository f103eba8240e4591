// ResolveTarget: from what a person types, `grant:ldap/ann/vpn` or just `ldap/ann/vpn`, to a row.
#pragma once

#include <string>
#include <string_view>

#include "engine/base/result.h"
#include "runtime/store/store.h"

namespace rescind {

struct TargetRow {
  EntityId entity;
  std::string entity_name;
  RowId row;
  std::string id;

  std::string Text() const { return entity_name + " " + id; }
};

// `entity:id`, or an id that only one live row has. kNotFound when no row has it, kInvalidInput
// with the candidates when several have. A row that was removed can be named as well; one that
// was only ever mentioned cannot.
Result<TargetRow> ResolveTarget(Store& store, std::string_view text);

// Whether there is such a row, live or not; no entity of that name has any.
Result<bool> HasRow(Store& store, std::string_view entity, std::string_view id);

}  // namespace rescind
