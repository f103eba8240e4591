// Revoking a grant that is a role: the account leaves it, and no other way into it remains.
//
// Since PostgreSQL 16 one membership may have several grantors, and each of them has to be revoked
// by name: a plain REVOKE takes one of them away and reports success.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "runtime/executors/postgres_operation.h"

namespace rescind {
namespace {

using Json = nlohmann::json;

constexpr int kSeveralGrantors = 160000;  // the first version that has them

constexpr const char* kNoLongerMember =
    "SELECT count(*) = 0 FROM pg_catalog.pg_auth_members"
    " WHERE roleid = $1::oid AND member = $2::oid";

// `reachable` are the roles that a role is in, through any number of others. $1 is the role, $2
// the group; the answer is the role through which one gets into the other.
std::string WayThroughOthers(int server_version) {
  const std::string usable = server_version >= kSeveralGrantors
                                 ? " AND (m.inherit_option OR m.set_option OR m.admin_option)"
                                 : "";
  return fmt::format(
      "WITH RECURSIVE reachable(oid) AS ("
      " SELECT m.roleid FROM pg_catalog.pg_auth_members m WHERE m.member = $1::oid{0}"
      " UNION"
      " SELECT m.roleid FROM pg_catalog.pg_auth_members m, reachable r WHERE m.member = r.oid{0})"
      " SELECT r.rolname FROM reachable JOIN pg_catalog.pg_roles r USING (oid)"
      " WHERE EXISTS (SELECT 1 FROM pg_catalog.pg_auth_members m"
      " WHERE m.member = r.oid AND m.roleid = $2::oid{0}) ORDER BY r.rolname LIMIT 1",
      usable);
}

class LeaveRole final : public PostgresOperation {
 public:
  LeaveRole(PostgresCatalog& catalog, const Action& action, PostgresEntitlement entitlement)
      : catalog_(catalog), action_(action), group_name_(std::move(entitlement.name)) {}

  Result<TargetState> Observe() override {
    RESCIND_ASSIGN(name_, PostgresCatalog::AccountName(action_.target));
    RESCIND_ASSIGN(role_, catalog_.FindAccount(name_));
    RESCIND_ASSIGN(group_, catalog_.FindRole(group_name_));
    if (!role_ || !group_) {
      return GonePostgresState(
          fmt::format("there is no role {}", Shown(role_ ? group_name_ : name_)));
    }
    RESCIND_ASSIGN(grants_, ReadGrants());
    TargetState state;
    state.exists = true;
    state.in_wanted_state = grants_.empty();
    state.summary =
        fmt::format("role {}: {} {}", Shown(name_),
                    grants_.empty() ? "not a member of" : "member of", Shown(group_name_));
    const Json preimage = {{"role", name_},
                           {"oid", role_->oid},
                           {"group", group_name_},
                           {"group_oid", group_->oid},
                           {"grants", grants_}};
    SetPreimage(state, preimage.dump(-1, ' ', false, Json::error_handler_t::replace));
    return state;
  }

  ApplyResult Apply() override {
    std::vector<PostgresStep> steps;
    for (const Json& grant : grants_) {
      steps.push_back({fmt::format("REVOKE {} FROM {}{}", QuoteIdentifier(group_name_),
                                   QuoteIdentifier(name_), GrantedBy(grant))});
      if (!HasSeveralGrantors()) break;
    }
    steps.push_back({kNoLongerMember,
                     {group_->oid, role_->oid},
                     "the membership is still there after it was revoked"});
    steps.push_back(StillThatRole(*role_));
    steps.push_back(StillThatRole(*group_));
    return ChangeAtOnce(
        catalog_.session(), steps,
        fmt::format("role {} is taken out of {}", Shown(name_), Shown(group_name_)));
  }

  ApplyResult Undo(const std::string& preimage) override {
    const Json before = Json::parse(preimage, nullptr, false);
    const bool same = before.is_object() && before.value("oid", Json()) == role_->oid &&
                      before.value("group_oid", Json()) == group_->oid &&
                      before.value("grants", Json()).is_array();
    if (!same) {
      return {ApplyOutcome::kPermanent,
              fmt::format("{} or {} is not the role that it was", Shown(name_), Shown(group_name_)),
              {}};
    }
    std::vector<PostgresStep> steps;
    for (const Json& grant : before["grants"]) {
      if (!grant.is_object()) continue;
      steps.push_back({fmt::format("GRANT {} TO {}{}", QuoteIdentifier(group_name_),
                                   QuoteIdentifier(name_), Options(grant))});
      if (!HasSeveralGrantors()) break;
    }
    steps.push_back(StillThatRole(*role_));
    steps.push_back(StillThatRole(*group_));
    return ChangeAtOnce(catalog_.session(), steps,
                        fmt::format("role {} is in {} again", Shown(name_), Shown(group_name_)));
  }

  VerifyResult Verify() override {
    const auto state = Observe();
    if (!state.ok()) return CannotTell(state.error());
    const std::string evidence = fmt::format("read back: {}", state->summary);
    if (!state->exists) return {VerifyOutcome::kVerified, evidence, ""};
    if (!state->in_wanted_state) {
      return {VerifyOutcome::kStillEffective, evidence, "the membership itself"};
    }
    if (role_->superuser) {
      return {VerifyOutcome::kStillEffective, evidence, "being a superuser"};
    }
    PostgresSession& session = catalog_.session();
    const auto way = session.Read("the memberships", WayThroughOthers(session.server_version()),
                                  {role_->oid, group_->oid});
    if (!way.ok()) return CannotTell(way.error());
    if (way->empty()) return {VerifyOutcome::kVerified, evidence, ""};
    return {
        VerifyOutcome::kStillEffective, evidence,
        fmt::format("the role {}, which is a member of it", Shown(way->front()[0].value_or("")))};
  }

 private:
  bool HasSeveralGrantors() const {
    return catalog_.session().server_version() >= kSeveralGrantors;
  }

  Result<Json> ReadGrants() {
    const std::string options = HasSeveralGrantors() ? "m.inherit_option, m.set_option" : "'', ''";
    RESCIND_ASSIGN(
        const auto rows,
        catalog_.session().Read(
            "the memberships",
            fmt::format("SELECT g.rolname, m.admin_option, {} FROM pg_catalog.pg_auth_members m"
                        " LEFT JOIN pg_catalog.pg_roles g ON g.oid = m.grantor"
                        " WHERE m.roleid = $1::oid AND m.member = $2::oid ORDER BY g.rolname",
                        options),
            {group_->oid, role_->oid}));
    Json grants = Json::array();
    for (const auto& row : rows) {
      Json grant = {{"grantor", row[0].value_or("")}, {"admin", row[1] == "t"}};
      if (HasSeveralGrantors()) {
        grant["inherit"] = row[2] == "t";
        grant["set"] = row[3] == "t";
      }
      grants.push_back(std::move(grant));
    }
    return grants;
  }

  std::string GrantedBy(const Json& grant) const {
    const Json grantor = grant.value("grantor", Json());
    const bool known = grantor.is_string() && IsPostgresName(grantor.get_ref<const std::string&>());
    if (!HasSeveralGrantors() || !known) return "";
    return " GRANTED BY " + QuoteIdentifier(grantor.get_ref<const std::string&>());
  }

  std::string Options(const Json& grant) const {
    const auto flag = [&](const char* name) {
      return grant.value(name, Json()) == true ? "TRUE" : "FALSE";
    };
    if (HasSeveralGrantors()) {
      return fmt::format(" WITH ADMIN {}, INHERIT {}, SET {}{}", flag("admin"), flag("inherit"),
                         flag("set"), GrantedBy(grant));
    }
    return grant.value("admin", Json()) == true ? " WITH ADMIN OPTION" : "";
  }

  PostgresCatalog& catalog_;
  const Action& action_;
  std::string group_name_;
  std::string name_;
  std::optional<PostgresRole> role_;
  std::optional<PostgresRole> group_;
  Json grants_ = Json::array();
};

}  // namespace

std::unique_ptr<PostgresOperation> MakeLeaveRole(PostgresCatalog& catalog, const Action& action,
                                                 PostgresEntitlement entitlement) {
  return std::make_unique<LeaveRole>(catalog, action, std::move(entitlement));
}

}  // namespace rescind
