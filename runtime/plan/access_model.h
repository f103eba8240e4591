// AccessModel: what the planner knows of the standard model, found by the names of its fields.
//
// Where a row lives, whose it is, whether it is already as an action wants it, and what an
// executor must know to find it. A workspace may extend the model; a field that is missing is
// simply not known. It judges nothing. Not for several threads at once.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/base/result.h"
#include "engine/eval/value.h"
#include "engine/facts/fact_base.h"
#include "engine/ir/program.h"
#include "runtime/plan/action.h"
#include "runtime/plan/plan.h"

namespace rescind {

class AccessModel {
 public:
  // The columns that its questions need beside those of the required references.
  static void AddColumns(const Schema& schema, ColumnSet& columns);
  // The facts outlive it.
  explicit AccessModel(const FactBase& facts);

  EntityId account() const { return account_; }    // none when the schema lacks it
  EntityId identity() const { return identity_; }  // likewise

  bool InWantedState(ir::Verb verb, eval::FactRow target) const;
  // None where the entity has no account (or the row is not one), and so on.
  std::optional<RowId> AccountOf(eval::FactRow row) const;
  std::optional<RowId> SystemOf(eval::FactRow row) const;
  // The live identity behind a row: itself, or the owner of its account.
  std::optional<RowId> PersonOf(eval::FactRow row) const;
  bool Privileged(eval::FactRow row) const;
  // A code of identity.department, or kUnknownCode.
  uint32_t DepartmentOf(std::optional<RowId> person) const;
  std::string DepartmentName(uint32_t code) const;
  // Complete accounts that the identity owns, of purpose personal or unknown, ascending.
  const std::vector<eval::FactRow>& PersonalAccounts(RowId identity);

  Result<ActionTarget> Describe(eval::FactRow row) const;
  Result<PlannedSubject> SubjectOf(eval::FactRow row) const;
  // "" for none.
  Result<std::string> SystemName(std::optional<RowId> system) const;

 private:
  struct EntityFields {
    std::optional<FieldId> system;   // a reference to `system`
    std::optional<FieldId> account;  // a reference to `account`
    std::optional<FieldId> status;   // an enum
    std::optional<uint8_t> gone;     // the member that says that access is gone
  };

  std::optional<FieldId> Field(EntityId entity, std::string_view name) const;
  // A live row that an optional or required reference names.
  std::optional<RowId> Follow(EntityId entity, std::optional<FieldId> field, RowId row) const;
  Status AddText(EntityId entity, std::string_view field, RowId row, const std::string& path,
                 ActionTarget& target) const;

  const FactBase& facts_;
  std::vector<EntityFields> fields_;  // by entity
  EntityId account_;
  EntityId identity_;
  EntityId system_;
  EntityId entitlement_;
  std::optional<FieldId> owner_;
  std::optional<FieldId> privileged_;
  std::optional<FieldId> purpose_;
  std::optional<FieldId> department_;
  std::optional<uint8_t> personal_;
  std::optional<InverseIndex> accounts_of_;
  std::vector<eval::FactRow> found_accounts_;
};

}  // namespace rescind
