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

ir::Verb InPolicies(Verb verb) {
  switch (verb) {
    case Verb::kDisable: return ir::Verb::kDisable;
    case Verb::kSuspend: return ir::Verb::kSuspend;
    case Verb::kEnd: return ir::Verb::kEnd;
    case Verb::kRevoke: return ir::Verb::kRevoke;
    case Verb::kDelete: return ir::Verb::kDelete;
    case Verb::kRun: return ir::Verb::kRun;
    case Verb::kNotify: return ir::Verb::kNotify;
  }
  RESCIND_UNREACHABLE("unknown verb");
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
      account_(FindEntity(facts.schema(), "account")),
      identity_(FindEntity(facts.schema(), "identity")),
      system_(FindEntity(facts.schema(), "system")),
      entitlement_(FindEntity(facts.schema(), "entitlement")) {
  const Schema& schema = facts.schema();
  owner_ = LinkOf(account_, "owner", identity_);
  const auto owner = FindReference(schema, account_, "owner", identity_);
  if (owner_.rows && facts.table(account_).is_indexed(*owner)) {
    owned_ = &facts.table(account_).referrers(*owner);
  }
  const auto privileged = FindField(schema, account_, "privileged", TypeKind::kBool);
  if (privileged && facts.table(account_).has(*privileged)) {
    privileged_ = facts.table(account_).column(*privileged).bytes().data();
  }
  const auto department = FindField(schema, identity_, "department", TypeKind::kText);
  if (department && facts.table(identity_).has(*department)) {
    department_ = &facts.table(identity_).column(*department);
  }
  purpose_ = FindField(schema, account_, "purpose", TypeKind::kEnum);
  if (purpose_) {
    personal_ =
        schema.enumeration(schema.field(account_, *purpose_).type.enumeration).Find("personal");
  }
  account_username_ = DetailOf(account_, "username", "account.username");
  entitlement_name_ = DetailOf(entitlement_, "name", "entitlement.name");
  for (uint32_t e = 0; e < schema.entities().size(); ++e) fields_.push_back(FieldsOf(EntityId(e)));
}

AccessModel::EntityFields AccessModel::FieldsOf(EntityId entity) const {
  const Schema& schema = facts_.schema();
  EntityFields fields;
  fields.has_system = FindReference(schema, entity, "system", system_).has_value();
  fields.system = LinkOf(entity, "system", system_);
  fields.account = LinkOf(entity, "account", account_);
  fields.entitlement = LinkOf(entity, "entitlement", entitlement_);
  for (const char* name : {"username", "kind", "origin"}) {
    if (auto detail = DetailOf(entity, name, name)) fields.details.push_back(*std::move(detail));
  }
  const auto status = FindField(schema, entity, "status", TypeKind::kEnum);
  if (!status || !facts_.table(entity).has(*status)) return fields;
  const EnumDef& members = schema.enumeration(schema.field(entity, *status).type.enumeration);
  fields.status = status;
  if (entity == account_) fields.gone = members.Find("disabled");
  if (schema.entity(entity).name == "credential") fields.gone = members.Find("revoked");
  return fields;
}

AccessModel::Link AccessModel::LinkOf(EntityId entity, std::string_view name,
                                      EntityId referenced) const {
  const auto field = FindReference(facts_.schema(), entity, name, referenced);
  if (!field || !facts_.table(entity).has(*field)) return {};
  return {facts_.table(entity).column(*field).rows().data(),
          facts_.table(referenced).presence().data()};
}

std::optional<AccessModel::Detail> AccessModel::DetailOf(EntityId entity, const char* field,
                                                         const char* name) const {
  if (!entity.valid()) return std::nullopt;
  const auto id = facts_.schema().entity(entity).Find(field);
  if (!id) return std::nullopt;
  return Detail{entity, *id, name};
}

std::span<const uint32_t> AccessModel::HomeAccounts(EntityId entity) const {
  const EntityFields& fields = fields_[entity.index()];
  const bool is_home = entity == account_ || entity == identity_ || entity == system_;
  if (is_home || fields.has_system || !fields.account.rows) return {};
  return {fields.account.rows, facts_.table(entity).row_count()};
}

bool TellsUse(const FieldDef& field) {
  constexpr std::array<std::string_view, 3> kNames = {"last_used", "last_login", "last_seen"};
  return field.type.kind == TypeKind::kTime &&
         std::find(kNames.begin(), kNames.end(), field.name) != kNames.end();
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

bool AccessModel::InWantedState(Verb verb, eval::FactRow target) const {
  return InWantedState(InPolicies(verb), target);
}

std::optional<RowId> AccessModel::AccountOf(eval::FactRow row) const {
  if (row.entity == account_) return row.row;
  return Follow(fields_[row.entity.index()].account, row.row);
}

std::optional<RowId> AccessModel::SystemOf(eval::FactRow row) const {
  if (row.entity == system_) return row.row;
  const EntityFields& fields = fields_[row.entity.index()];
  if (fields.has_system) return Follow(fields.system, row.row);
  const auto account = AccountOf(row);
  return account ? Follow(fields_[account_.index()].system, *account) : std::nullopt;
}

std::optional<RowId> AccessModel::PersonOf(eval::FactRow row) const {
  if (row.entity == identity_) return row.row;
  const auto account = AccountOf(row);
  return account ? Follow(owner_, *account) : std::nullopt;
}

bool AccessModel::Privileged(eval::FactRow row) const {
  const auto account = AccountOf(row);
  return account && privileged_ && privileged_[account->index()] == 1;
}

uint32_t AccessModel::DepartmentOf(std::optional<RowId> person) const {
  if (!person || !department_) return kUnknownCode;
  return department_->codes()[person->index()];
}

std::string AccessModel::DepartmentName(uint32_t code) const {
  if (code == kUnknownCode) return "";
  return std::string(department_->dictionary().Text(code));
}

const std::vector<eval::FactRow>& AccessModel::PersonalAccounts(RowId identity) {
  found_accounts_.clear();
  if (!owner_.rows) return found_accounts_;
  const Table& accounts = facts_.table(account_);
  if (!owned_) {
    owned_ = &accounts_of_.emplace(InverseIndex::Build(facts_.table(identity_).row_count(),
                                                       std::span(owner_.rows, accounts.row_count()),
                                                       accounts.presence()));
  }
  for (const uint32_t row : owned_->Rows(identity, merged_)) {
    if (!accounts.complete(RowId(row))) continue;
    if (purpose_ && accounts.has(*purpose_)) {
      const uint8_t purpose = accounts.column(*purpose_).bytes()[row];
      if (purpose != kUnknownByte && purpose != personal_) continue;
    }
    found_accounts_.push_back({account_, RowId(row)});
  }
  return found_accounts_;
}

Status AccessModel::AddDetail(const Detail& detail, RowId row, ActionTarget& target) const {
  const auto& [entity, field, name] = detail;
  const FieldType& type = facts_.schema().field(entity, field).type;
  if (type.kind == TypeKind::kText) {
    RESCIND_ASSIGN(auto text, facts_.texts().Text(entity, field, row));
    if (text) target.attributes[name] = *std::move(text);
  } else if (type.kind == TypeKind::kEnum && facts_.table(entity).has(field)) {
    const uint8_t member = facts_.table(entity).column(field).bytes()[row.index()];
    if (member != kUnknownByte) {
      target.attributes[name] = facts_.schema().enumeration(type.enumeration).members[member];
    }
  }
  return {};
}

Result<std::string> AccessModel::SystemName(std::optional<RowId> system) const {
  if (!system) return std::string();
  return facts_.texts().Id(system_, *system);
}

Result<ActionTarget> AccessModel::Identify(eval::FactRow row) const {
  ActionTarget target;
  target.entity = facts_.schema().entity(row.entity).name;
  RESCIND_ASSIGN(target.id, facts_.texts().Id(row.entity, row.row));
  target.incarnation = facts_.table(row.entity).incarnation(row.row);
  RESCIND_ASSIGN(target.system, SystemName(SystemOf(row)));
  return target;
}

Result<ActionTarget> AccessModel::Describe(eval::FactRow row) const {
  RESCIND_ASSIGN(ActionTarget target, Identify(row));
  const EntityFields& fields = fields_[row.entity.index()];
  for (const Detail& detail : fields.details) RESCIND_TRY(AddDetail(detail, row.row, target));
  if (row.entity == account_) return target;
  if (const auto account = AccountOf(row)) {
    RESCIND_ASSIGN(target.attributes["account"], facts_.texts().Id(account_, *account));
    if (account_username_) RESCIND_TRY(AddDetail(*account_username_, *account, target));
  }
  if (const auto named = Follow(fields.entitlement, row.row)) {
    RESCIND_ASSIGN(target.attributes["entitlement"], facts_.texts().Id(entitlement_, *named));
    if (entitlement_name_) RESCIND_TRY(AddDetail(*entitlement_name_, *named, target));
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
