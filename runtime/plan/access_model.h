// AccessModel: what the planner knows of the standard model, found by the names of its fields.
//
// Where a row lives, whose it is, whether it is already as an action wants it, and what an
// executor must know to find it. A workspace may extend the model; a field that is missing is
// simply not known. It judges nothing. Several threads may call const functions at once.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/base/result.h"
#include "engine/eval/value.h"
#include "engine/facts/fact_base.h"
#include "engine/ir/program.h"
#include "runtime/plan/action.h"
#include "runtime/plan/plan.h"

namespace rescind {

// A time field that says when its row was last used: `last_used`, `last_login`, `last_seen`.
bool TellsUse(const FieldDef& field);

class AccessModel {
 public:
  // The columns that its questions need beside those of the required references.
  static void AddColumns(const Schema& schema, ColumnSet& columns);
  // The facts outlive it.
  explicit AccessModel(const FactBase& facts);
  AccessModel(const AccessModel&) = delete;
  AccessModel& operator=(const AccessModel&) = delete;

  EntityId account() const { return account_; }    // none when the schema lacks it
  EntityId identity() const { return identity_; }  // likewise

  // By row, its account (kNoRow for none, live or not), of an entity whose rows have system, person
  // and privilege of their accounts; empty for the others.
  std::span<const uint32_t> HomeAccounts(EntityId entity) const;

  bool InWantedState(ir::Verb verb, eval::FactRow target) const;
  bool InWantedState(Verb verb, eval::FactRow target) const;
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

  // Without attributes: all that a key needs.
  Result<ActionTarget> Identify(eval::FactRow row) const;
  Result<ActionTarget> Describe(eval::FactRow row) const;
  Result<PlannedSubject> SubjectOf(eval::FactRow row) const;
  // "" for none.
  Result<std::string> SystemName(std::optional<RowId> system) const;

 private:
  // A reference whose column was loaded, with what a look-up through it reads.
  struct Link {
    const uint32_t* rows = nullptr;     // null: not known
    const uint8_t* presence = nullptr;  // of the entity that it names
  };
  // A text or enum that an executor may need, under the name that it is given.
  struct Detail {
    EntityId entity;
    FieldId field;
    std::string name;
  };
  struct EntityFields {
    bool has_system = false;  // a reference to `system`, loaded or not
    Link system;
    Link account;
    Link entitlement;
    std::optional<FieldId> status;  // an enum
    std::optional<uint8_t> gone;    // the member that says that access is gone
    std::vector<Detail> details;
  };

  EntityFields FieldsOf(EntityId entity) const;
  Link LinkOf(EntityId entity, std::string_view name, EntityId referenced) const;
  std::optional<Detail> DetailOf(EntityId entity, const char* field, const char* name) const;
  // A live row that an optional or required reference names.
  static std::optional<RowId> Follow(const Link& link, RowId row) {
    if (!link.rows) return std::nullopt;
    const uint32_t named = link.rows[row.index()];
    const bool is_live =
        named != kNoRow && link.presence[named] == static_cast<uint8_t>(Presence::kLive);
    return is_live ? std::optional(RowId(named)) : std::nullopt;
  }
  Status AddDetail(const Detail& detail, RowId row, ActionTarget& target) const;

  const FactBase& facts_;
  EntityId account_;
  EntityId identity_;
  EntityId system_;
  EntityId entitlement_;
  Link owner_;
  const InverseIndex* owned_ = nullptr;  // accounts by owner, where the facts are indexed for it
  const uint8_t* privileged_ = nullptr;  // by account
  const Column* department_ = nullptr;   // of identity
  std::optional<FieldId> purpose_;
  std::optional<uint8_t> personal_;
  std::optional<Detail> account_username_;
  std::optional<Detail> entitlement_name_;
  std::vector<EntityFields> fields_;  // by entity
  std::optional<InverseIndex> accounts_of_;
  std::vector<uint32_t> merged_;
  std::vector<eval::FactRow> found_accounts_;
};

}  // namespace rescind
