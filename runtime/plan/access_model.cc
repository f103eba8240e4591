#include "runtime/plan/access_model.h"

#include "engine/base/assert.h"

namespace rescind {
namespace {

EntityId FindEntity(const Schema& schema, std::string_view name) {
  return schema.Find(name).value_or(EntityId());
}

std::optional<FieldId> FindField(const Schema& schema, EntityId entity, std::string_view name,
                                 TypeKind kind) {
  if (!entity.valid()) return std::nullopt;
  const auto field = schema.entity(entity).Find(name);
  if (!field || schema.field(entity, *field).type.kind != kind) return std::nullopt;
  return field;
}

std::optional<FieldId> FindReference(const Schema& schema, EntityId entity, std::string_view name,
                                     EntityId referenced) {
  const auto field = FindField(schema, entity, name, TypeKind::kReference);
  if (!field || schema.field(entity, *field).type.entity != referenced) return std::nullopt;
  return field;
}

}  // namespace

void AccessModel::AddColumns(const Schema& schema, ColumnSet& columns) {
  const auto add = [&](std::string_view entity, std::string_view name, TypeKind kind) {
    const EntityId id = FindEntity(schema, entity);
    if (const auto field = FindField(schema, id, name, kind)) columns.Add(id, *field);
  };
  add("account", "owner", TypeKind::kReference);
  add("account", "privileged", TypeKind::kBool);
  add("account", "purpose", TypeKind::kEnum);
  add("account", "status", TypeKind::kEnum);
  add("credential", "status", TypeKind::kEnum);
  add("credential", "kind", TypeKind::kEnum);
  add("identity", "department", TypeKind::kText);
  const EntityId account = FindEntity(schema, "account");
  const EntityId system = FindEntity(schema, "system");
  for (uint32_t e = 0; e < schema.entities().size(); ++e) {
    const EntityId id(e);
    if (const auto field = FindReference(schema, id, "system", system)) columns.Add(id, *field);
    if (const auto field = FindReference(schema, id, "account", account)) columns.Add(id, *field);
  }
}

AccessModel::AccessModel(const FactBase& facts)
    : facts_(facts),
      fields_(facts.schema().entities().size()),
      account_(FindEntity(facts.schema(), "account")),
      identity_(FindEntity(facts.schema(), "identity")),
      system_(FindEntity(facts.schema(), "system")),
      entitlement_(FindEntity(facts.schema(), "entitlement")) {
  const Schema& schema = facts.schema();
  for (uint32_t e = 0; e < fields_.size(); ++e) {
    const EntityId id(e);
    EntityFields& fields = fields_[e];
    fields.system = FindReference(schema, id, "system", system_);
    fields.account = FindReference(schema, id, "account", account_);
    const auto status = FindField(schema, id, "status", TypeKind::kEnum);
    if (!status || !facts.table(id).has(*status)) continue;
    const EnumDef& members = schema.enumeration(schema.field(id, *status).type.enumeration);
    fields.status = status;
    if (id == account_) fields.gone = members.Find("disabled");
    if (schema.entity(id).name == "credential") fields.gone = members.Find("revoked");
  }
  owner_ = FindReference(schema, account_, "owner", identity_);
  privileged_ = FindField(schema, account_, "privileged", TypeKind::kBool);
  purpose_ = FindField(schema, account_, "purpose", TypeKind::kEnum);
  department_ = FindField(schema, identity_, "department", TypeKind::kText);
  if (purpose_) {
    personal_ =
        schema.enumeration(schema.field(account_, *purpose_).type.enumeration).Find("personal");
  }
}

std::optional<FieldId> AccessModel::Field(EntityId entity, std::string_view name) const {
  return entity.valid() ? facts_.schema().entity(entity).Find(name) : std::nullopt;
}

std::optional<RowId> AccessModel::Follow(EntityId entity, std::optional<FieldId> field,
                                         RowId row) const {
  if (!field || !facts_.table(entity).has(*field)) return std::nullopt;
  const uint32_t named = facts_.table(entity).column(*field).rows()[row.index()];
  if (named == kNoRow) return std::nullopt;
  const EntityId other = facts_.schema().field(entity, *field).type.entity;
  if (facts_.table(other).presence(RowId(named)) != Presence::kLive) return std::nullopt;
  return RowId(named);
}

bool AccessModel::InWantedState(ir::Verb verb, eval::FactRow target) const {
  const Table& table = facts_.table(target.entity);
  switch (verb) {
    case ir::Verb::kDisable:
    case ir::Verb::kSuspend:
    case ir::Verb::kRevoke: {
      if (table.presence(target.row) != Presence::kLive) return true;
      const EntityFields& fields = fields_[target.entity.index()];
      if (!fields.status || !fields.gone) return false;
      return table.column(*fields.status).bytes()[target.row.index()] == *fields.gone;
    }
    case ir::Verb::kEnd:
    case ir::Verb::kDelete: return table.presence(target.row) != Presence::kLive;
    case ir::Verb::kRun:
    case ir::Verb::kNotify: return false;
  }
  RESCIND_UNREACHABLE("unknown verb");
}

std::optional<RowId> AccessModel::AccountOf(eval::FactRow row) const {
  if (row.entity == account_) return row.row;
  return Follow(row.entity, fields_[row.entity.index()].account, row.row);
}

std::optional<RowId> AccessModel::SystemOf(eval::FactRow row) const {
  if (row.entity == system_) return row.row;
  if (const auto field = fields_[row.entity.index()].system) {
    return Follow(row.entity, field, row.row);
  }
  const auto account = AccountOf(row);
  if (!account) return std::nullopt;
  return Follow(account_, fields_[account_.index()].system, *account);
}

std::optional<RowId> AccessModel::PersonOf(eval::FactRow row) const {
  if (row.entity == identity_) return row.row;
  const auto account = AccountOf(row);
  return account ? Follow(account_, owner_, *account) : std::nullopt;
}

bool AccessModel::Privileged(eval::FactRow row) const {
  const auto account = AccountOf(row);
  if (!account || !privileged_ || !facts_.table(account_).has(*privileged_)) return false;
  return facts_.table(account_).column(*privileged_).bytes()[account->index()] == 1;
}

uint32_t AccessModel::DepartmentOf(std::optional<RowId> person) const {
  if (!person || !department_ || !facts_.table(identity_).has(*department_)) return kUnknownCode;
  return facts_.table(identity_).column(*department_).codes()[person->index()];
}

std::string AccessModel::DepartmentName(uint32_t code) const {
  if (code == kUnknownCode) return "";
  return std::string(facts_.table(identity_).column(*department_).dictionary().Text(code));
}

const std::vector<eval::FactRow>& AccessModel::PersonalAccounts(RowId identity) {
  found_accounts_.clear();
  const bool has_owners = owner_ && facts_.table(account_).has(*owner_);
  if (!has_owners) return found_accounts_;
  const Table& accounts = facts_.table(account_);
  if (!accounts_of_) {
    accounts_of_ = InverseIndex::Build(facts_.table(identity_).row_count(),
                                       accounts.column(*owner_).rows(), accounts.presence());
  }
  for (const uint32_t row : accounts_of_->Rows(identity)) {
    if (!accounts.complete(RowId(row))) continue;
    if (purpose_ && accounts.has(*purpose_)) {
      const uint8_t purpose = accounts.column(*purpose_).bytes()[row];
      if (purpose != kUnknownByte && purpose != personal_) continue;
    }
    found_accounts_.push_back({account_, RowId(row)});
  }
  return found_accounts_;
}

Status AccessModel::AddText(EntityId entity, std::string_view field, RowId row,
                            const std::string& path, ActionTarget& target) const {
  const auto id = Field(entity, field);
  if (!id) return {};
  const FieldType& type = facts_.schema().field(entity, *id).type;
  if (type.kind == TypeKind::kText) {
    RESCIND_ASSIGN(auto text, facts_.texts().Text(entity, *id, row));
    if (text) target.attributes[path] = *std::move(text);
  } else if (type.kind == TypeKind::kEnum && facts_.table(entity).has(*id)) {
    const uint8_t member = facts_.table(entity).column(*id).bytes()[row.index()];
    if (member != kUnknownByte) {
      target.attributes[path] = facts_.schema().enumeration(type.enumeration).members[member];
    }
  }
  return {};
}

Result<std::string> AccessModel::SystemName(std::optional<RowId> system) const {
  if (!system) return std::string();
  return facts_.texts().Id(system_, *system);
}

Result<ActionTarget> AccessModel::Describe(eval::FactRow row) const {
  ActionTarget target;
  target.entity = facts_.schema().entity(row.entity).name;
  RESCIND_ASSIGN(target.id, facts_.texts().Id(row.entity, row.row));
  target.incarnation = facts_.table(row.entity).incarnation(row.row);
  RESCIND_ASSIGN(target.system, SystemName(SystemOf(row)));
  for (const char* field : {"username", "kind", "origin"}) {
    RESCIND_TRY(AddText(row.entity, field, row.row, field, target));
  }
  if (row.entity == account_) return target;
  if (const auto account = AccountOf(row)) {
    RESCIND_ASSIGN(target.attributes["account"], facts_.texts().Id(account_, *account));
    RESCIND_TRY(AddText(account_, "username", *account, "account.username", target));
  }
  const auto entitlement = FindReference(facts_.schema(), row.entity, "entitlement", entitlement_);
  if (const auto named = Follow(row.entity, entitlement, row.row)) {
    RESCIND_ASSIGN(target.attributes["entitlement"], facts_.texts().Id(entitlement_, *named));
    RESCIND_TRY(AddText(entitlement_, "name", *named, "entitlement.name", target));
  }
  return target;
}

Result<PlannedSubject> AccessModel::SubjectOf(eval::FactRow row) const {
  PlannedSubject subject;
  const auto person = PersonOf(row);
  if (person) {
    RESCIND_ASSIGN(subject.person, facts_.texts().Id(identity_, *person));
  }
  subject.department = DepartmentName(DepartmentOf(person));
  subject.privileged = Privileged(row);
  return subject;
}

}  // namespace rescind
