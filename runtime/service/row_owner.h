// RowOwner: whose access a row is, and on which system, so that the audit log can be asked for
// them.
#pragma once

#include <string>
#include <string_view>

#include "engine/base/result.h"
#include "runtime/audit/audit_event.h"
#include "runtime/store/store.h"

namespace rescind {

// Ids, as the facts have them now; empty where the row has none, or nobody knows.
struct RowOwner {
  std::string account;  // that the row is bound to; empty of an account itself
  std::string person;   // who owns that account, or the row where it is one; empty of a person
  std::string system;   // that the account, or else the row, lives on; empty of a system
};

// Nobody of a row, or an entity, that is not there.
Result<RowOwner> FindRowOwner(Store& store, std::string_view entity, std::string_view id);

// An entry that is about a row and no action: `entity`, `target`, `account`, `person`,
// `system` of its details (runtime/audit/FORMAT.md).
Status NameRow(AuditEvent& event, const std::string& entity, const std::string& id, Store& store);

}  // namespace rescind
