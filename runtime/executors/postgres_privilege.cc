// Revoking a grant that is a privilege on an object: what was given to the account itself, on the
// object and on single columns of it, by every grantor. PUBLIC, ownership and roles that the
// account is in may give the same privilege: then the access is reported as still effective.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "runtime/executors/postgres_operation.h"

namespace rescind {
namespace {

using Json = nlohmann::json;

// Where the catalogue keeps an object of each kind. $1 is the schema, $2 the name; each gives the
// object's oid, its owner and its access list, the built-in one when none was ever written.
std::string ObjectQuery(PostgresObjectKind kind) {
  const auto relation = [](const char* letter, const char* kinds) {
    return fmt::format(
        "SELECT c.oid, c.relowner AS owner, coalesce(c.relacl, acldefault('{}', c.relowner)) AS acl"
        " FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
        " WHERE n.nspname = $1::text AND c.relname = $2::text AND c.relkind IN ({})",
        letter, kinds);
  };
  switch (kind) {
    case PostgresObjectKind::kSequence: return relation("s", "'S'");
    case PostgresObjectKind::kSchema:
      return "SELECT oid, nspowner AS owner, coalesce(nspacl, acldefault('n', nspowner)) AS acl"
             " FROM pg_catalog.pg_namespace WHERE $1 = '' AND nspname = $2::text";
    case PostgresObjectKind::kDatabase:
      return "SELECT oid, datdba AS owner, coalesce(datacl, acldefault('d', datdba)) AS acl"
             " FROM pg_catalog.pg_database WHERE $1 = '' AND datname = $2::text";
    default: return relation("r", "'r', 'v', 'm', 'f', 'p'");
  }
}

// Every entry of the access lists for the wanted privileges ($3): of the object and, for a table,
// of its columns.
std::string EntriesQuery(PostgresObjectKind kind) {
  std::string query = fmt::format(
      "WITH object AS ({}), entry AS ("
      "SELECT '' AS attname, a.* FROM object, aclexplode(object.acl) a",
      ObjectQuery(kind));
  if (kind == PostgresObjectKind::kTable) {
    query +=
        " UNION ALL SELECT c.attname::text, a.* FROM object JOIN pg_catalog.pg_attribute c"
        " ON c.attrelid = object.oid AND NOT c.attisdropped, aclexplode(c.attacl) a";
  }
  return query +
         "), wanted AS (SELECT * FROM entry"
         " WHERE privilege_type = ANY (string_to_array($3, ',')))";
}

class RevokePrivilege final : public PostgresOperation {
 public:
  RevokePrivilege(PostgresCatalog& catalog, const Action& action, PostgresEntitlement entitlement)
      : catalog_(catalog), action_(action), entitlement_(std::move(entitlement)) {}

  Result<TargetState> Observe() override {
    RESCIND_ASSIGN(name_, PostgresCatalog::AccountName(action_.target));
    RESCIND_ASSIGN(role_, catalog_.FindAccount(name_));
    if (!role_) return GonePostgresState(fmt::format("there is no role {}", Shown(name_)));
    RESCIND_ASSIGN(const auto object,
                   Ask(fmt::format("SELECT oid FROM ({}) AS object WHERE $3 <> ''",
                                   ObjectQuery(entitlement_.kind))));
    if (object.empty()) return GonePostgresState(fmt::format("there is no {}", Object()));
    object_oid_ = object.front()[0].value_or("");
    RESCIND_ASSIGN(grants_, ReadGrants());
    TargetState state;
    state.exists = true;
    state.in_wanted_state = grants_.empty();
    state.summary =
        fmt::format("role {}: {} {} on {}", Shown(name_), grants_.empty() ? "not given" : "given",
                    fmt::join(entitlement_.privileges, ", "), Object());
    const Json preimage = {
        {"role", name_}, {"oid", role_->oid}, {"object_oid", object_oid_}, {"grants", grants_}};
    SetPreimage(state, preimage.dump(-1, ' ', false, Json::error_handler_t::replace));
    return state;
  }

  ApplyResult Apply() override {
    std::vector<PostgresStep> steps;
    std::string last_grantor;
    // Only who gave a privilege can take it back; a REVOKE by somebody else does nothing and
    // reports success. Revoking on a table revokes on its columns.
    for (const Json& grant : grants_) {
      const std::string& grantor = grant["grantor"].get_ref<const std::string&>();
      if (grantor == last_grantor) continue;
      last_grantor = grantor;
      steps.push_back({fmt::format("SET LOCAL ROLE {}", QuoteIdentifier(grantor))});
      steps.push_back(
          {fmt::format("REVOKE {} ON {} FROM {}", fmt::join(entitlement_.privileges, ", "),
                       SqlObject(), QuoteIdentifier(name_))});
    }
    steps.push_back({"RESET ROLE"});
    steps.push_back({EntriesQuery(entitlement_.kind) +
                         " SELECT count(*) = 0 FROM wanted WHERE grantee = $4::oid",
                     Parameters(role_->oid), "the privilege is still there after it was revoked"});
    steps.push_back(StillThatObject());
    steps.push_back(StillThatRole(*role_));
    return ChangeAtOnce(
        catalog_.session(), steps,
        fmt::format("{} on {} is revoked from {}", fmt::join(entitlement_.privileges, ", "),
                    Object(), Shown(name_)));
  }

  ApplyResult Undo(const std::string& preimage) override {
    const Json before = Json::parse(preimage, nullptr, false);
    const bool same = before.is_object() && before.value("oid", Json()) == role_->oid &&
                      before.value("object_oid", Json()) == object_oid_;
    std::vector<PostgresStep> steps;
    if (!same || !AddGrants(before.value("grants", Json()), steps)) {
      return {ApplyOutcome::kPermanent,
              fmt::format("{} or {} is not what it was", Shown(name_), Object()),
              {}};
    }
    steps.push_back({"RESET ROLE"});
    steps.push_back(StillThatObject());
    steps.push_back(StillThatRole(*role_));
    return ChangeAtOnce(catalog_.session(), steps,
                        fmt::format("{} has {} on {} again", Shown(name_),
                                    fmt::join(entitlement_.privileges, ", "), Object()));
  }

  VerifyResult Verify() override {
    const auto state = Observe();
    if (!state.ok()) return CannotTell(state.error());
    const std::string evidence = fmt::format("read back: {}", state->summary);
    if (!state->exists) return {VerifyOutcome::kVerified, evidence, ""};
    if (!state->in_wanted_state) {
      return {VerifyOutcome::kStillEffective, evidence, "the privilege itself"};
    }
    const auto way = RemainingWay();
    if (!way.ok()) return CannotTell(way.error());
    if (!way->empty()) return {VerifyOutcome::kStillEffective, evidence, *way};
    return {VerifyOutcome::kVerified, evidence, ""};
  }

 private:
  std::vector<std::string> Parameters(const std::string& fourth = "") const {
    std::vector<std::string> parameters = {
        entitlement_.schema, entitlement_.name,
        fmt::format("{}", fmt::join(entitlement_.privileges, ","))};
    if (!fourth.empty()) parameters.push_back(fourth);
    return parameters;
  }

  Result<std::vector<PostgresReply::Row>> Ask(const std::string& query,
                                              const std::string& fourth = "") {
    return catalog_.session().Read("the privileges", query, Parameters(fourth));
  }

  Result<Json> ReadGrants() {
    RESCIND_ASSIGN(const auto rows,
                   Ask(EntriesQuery(entitlement_.kind) +
                           " SELECT coalesce(g.rolname, ''), w.attname, w.privilege_type,"
                           " w.is_grantable FROM wanted w"
                           " LEFT JOIN pg_catalog.pg_roles g ON g.oid = w.grantor"
                           " WHERE w.grantee = $4::oid ORDER BY 1, 2, 3",
                       role_->oid));
    Json grants = Json::array();
    for (const auto& row : rows) {
      if (row[0].value_or("").empty()) {
        return Error{ErrorKind::kInvalidInput,
                     fmt::format("who gave {} its privileges on {} no longer exists", Shown(name_),
                                 Object()),
                     "let the owner of the object put its access list in order"};
      }
      grants.push_back({{"grantor", *row[0]},
                        {"column", row[1].value_or("")},
                        {"privilege", row[2].value_or("")},
                        {"grantable", row[3] == "t"}});
    }
    return grants;
  }

  // The statements that restore `grants`; false when they are not what Observe writes.
  bool AddGrants(const Json& grants, std::vector<PostgresStep>& steps) const {
    if (!grants.is_array() || grants.empty()) return false;
    for (const Json& grant : grants) {
      if (!grant.is_object()) return false;
      const Json grantor = grant.value("grantor", Json());
      const Json column = grant.value("column", Json());
      const Json privilege = grant.value("privilege", Json());
      if (!grantor.is_string() || !column.is_string() || !privilege.is_string()) return false;
      const auto& word = privilege.get_ref<const std::string&>();
      const auto& privileges = entitlement_.privileges;
      const bool known = std::find(privileges.begin(), privileges.end(), word) != privileges.end();
      if (!known || !IsPostgresName(grantor.get_ref<const std::string&>())) return false;
      const auto& column_name = column.get_ref<const std::string&>();
      steps.push_back({fmt::format("SET LOCAL ROLE {}",
                                   QuoteIdentifier(grantor.get_ref<const std::string&>()))});
      steps.push_back({fmt::format(
          "GRANT {}{} ON {} TO {}{}", word,
          column_name.empty() ? "" : fmt::format(" ({})", QuoteIdentifier(column_name)),
          SqlObject(), QuoteIdentifier(name_),
          grant.value("grantable", Json()) == true ? " WITH GRANT OPTION" : "")});
    }
    return true;
  }

  // How the role can still do it; empty when it cannot.
  Result<std::string> RemainingWay() {
    if (role_->superuser) return std::string("being a superuser");
    RESCIND_ASSIGN(
        const auto owner,
        Ask(fmt::format("SELECT r.rolname FROM ({}) AS object"
                        " JOIN pg_catalog.pg_roles r ON r.oid = object.owner"
                        " WHERE $3 <> '' AND pg_has_role($4::oid, object.owner, 'MEMBER')",
                        ObjectQuery(entitlement_.kind)),
            role_->oid));
    if (!owner.empty()) {
      return owner.front()[0] == name_
                 ? std::string("owning it")
                 : fmt::format("the role {}, which owns it", Shown(owner.front()[0].value_or("")));
    }
    RESCIND_ASSIGN(const auto others,
                   Ask(EntriesQuery(entitlement_.kind) +
                           " SELECT w.grantee = 0, coalesce(g.rolname, ''), w.attname FROM wanted w"
                           " LEFT JOIN pg_catalog.pg_roles g ON g.oid = w.grantee"
                           " WHERE CASE WHEN w.grantee = 0 THEN true"
                           " ELSE pg_has_role($4::oid, w.grantee, 'MEMBER') END"
                           " ORDER BY 1 DESC, 2, 3 LIMIT 1",
                       role_->oid));
    if (!others.empty()) {
      const auto& row = others.front();
      const std::string column = row[2].value_or("");
      return (row[0] == "t" ? std::string("PUBLIC, which everybody is in")
                            : fmt::format("the role {}", Shown(row[1].value_or("")))) +
             (column.empty() ? "" : fmt::format(" (column {})", Shown(column)));
    }
    return WayByPredefinedRole();
  }

  // pg_read_all_data and pg_write_all_data stand in no access list.
  Result<std::string> WayByPredefinedRole() {
    if (entitlement_.kind == PostgresObjectKind::kDatabase) return std::string();
    RESCIND_ASSIGN(
        const auto rows,
        catalog_.session().Read(
            "the memberships",
            "SELECT rolname FROM pg_catalog.pg_roles WHERE pg_has_role($1::oid, oid, 'MEMBER')"
            " AND ((rolname = 'pg_read_all_data' AND $2 ~ '(SELECT|USAGE)')"
            " OR (rolname = 'pg_write_all_data' AND $2 ~ '(INSERT|UPDATE|DELETE|USAGE)'))"
            " LIMIT 1",
            {role_->oid, fmt::format("{}", fmt::join(entitlement_.privileges, ","))}));
    if (rows.empty()) return std::string();
    return fmt::format("the role {}", Shown(rows.front()[0].value_or("")));
  }

  PostgresStep StillThatObject() const {
    return {fmt::format("SELECT count(*) = 1 FROM ({}) AS object WHERE $3 <> '' AND oid = $4::oid",
                        ObjectQuery(entitlement_.kind)),
            Parameters(object_oid_), fmt::format("{} is no longer the one observed", Object())};
  }

  std::string SqlObject() const {
    const std::string schema =
        entitlement_.schema.empty() ? "" : QuoteIdentifier(entitlement_.schema) + ".";
    return fmt::format("{} {}{}", PostgresObjectWord(entitlement_.kind), schema,
                       QuoteIdentifier(entitlement_.name));
  }
  // The same for people.
  std::string Object() const {
    return fmt::format("{} {}{}", PostgresObjectWord(entitlement_.kind),
                       entitlement_.schema.empty() ? "" : Shown(entitlement_.schema) + ".",
                       Shown(entitlement_.name));
  }

  PostgresCatalog& catalog_;
  const Action& action_;
  PostgresEntitlement entitlement_;
  std::string name_;
  std::optional<PostgresRole> role_;
  std::string object_oid_;
  Json grants_ = Json::array();
};

}  // namespace

std::unique_ptr<PostgresOperation> MakeRevokePrivilege(PostgresCatalog& catalog,
                                                       const Action& action,
                                                       PostgresEntitlement entitlement) {
  return std::make_unique<RevokePrivilege>(catalog, action, std::move(entitlement));
}

Result<std::unique_ptr<PostgresOperation>> MakeRevokeGrant(PostgresCatalog& catalog,
                                                           const Action& action) {
  const auto& attributes = action.target.attributes;
  auto named = attributes.find("entitlement.name");
  if (named == attributes.end()) named = attributes.find("entitlement");
  RESCIND_ASSIGN(PostgresEntitlement entitlement,
                 ParsePostgresEntitlement(named == attributes.end() ? "" : named->second));
  return entitlement.kind == PostgresObjectKind::kRole
             ? MakeLeaveRole(catalog, action, std::move(entitlement))
             : MakeRevokePrivilege(catalog, action, std::move(entitlement));
}

}  // namespace rescind
