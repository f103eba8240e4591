// Deleting an account. DROP ROLE fails while anything in any database depends on the role, so:
//
//   1. it may no longer log in, and its sessions end: nobody makes new objects meanwhile
//   2. in every database that the catalogue names: REASSIGN OWNED, then DROP OWNED, which after
//      that takes away privileges only; if anything is still owned it is not carried out
//   3. DROP ROLE
//
// Each step is a transaction of its own, since no transaction spans databases. Stopped in between,
// the role cannot log in, and the next attempt goes on from there.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "runtime/executors/postgres_operation.h"

namespace rescind {
namespace {

using Json = nlohmann::json;

// Of the dependences on role $1 those that are ownership of something that can change hands. User
// mappings and default privileges are the role's own and go with it.
constexpr const char* kIsOwned =
    "s.deptype = 'o' AND s.classid NOT IN ('pg_catalog.pg_user_mapping'::regclass,"
    " 'pg_catalog.pg_default_acl'::regclass)";

struct DependentDatabase {
  std::string name;  // empty: objects that all databases share
  bool allows_connections = true;
  bool owns = false;
};

class DropRole final : public PostgresOperation {
 public:
  DropRole(PostgresCatalog& catalog, const PostgresProbe& probe, const Action& action)
      : catalog_(catalog), probe_(probe), action_(action) {}

  Result<TargetState> Observe() override {
    RESCIND_ASSIGN(name_, PostgresCatalog::AccountName(action_.target));
    RESCIND_ASSIGN(role_, catalog_.FindAccount(name_));
    if (!role_) return GonePostgresState(fmt::format("there is no role {}", Shown(name_)));
    RESCIND_TRY(ReadDatabases());
    RESCIND_ASSIGN(const PostgresActivity activity, catalog_.ActivityOf(role_->oid));
    backends_ = activity.backends;
    RESCIND_TRY(CheckHeir());
    TargetState state;
    state.exists = true;
    state.summary =
        fmt::format("role {}: exists, {} open sessions, objects or privileges in {} databases",
                    Shown(name_), backends_.size(), databases_.size());
    state.last_used = activity.last_used;
    const Json preimage = {{"exists", true}, {"role", name_}, {"oid", role_->oid}};
    SetPreimage(state, preimage.dump(-1, ' ', false, Json::error_handler_t::replace));
    return state;
  }

  ApplyResult Apply() override {
    const std::string role = QuoteIdentifier(name_);
    ApplyResult result =
        ChangeAtOnce(catalog_.session(),
                     {{fmt::format("ALTER ROLE {} NOLOGIN", role)}, StillThatRole(*role_)}, "");
    if (result.outcome != ApplyOutcome::kApplied) return result;
    const auto activity = catalog_.ActivityOf(role_->oid);
    if (!activity.ok()) return Partly({ApplyOutcome::kUnknown, activity.error().message, {}});
    result = TerminateBackends(catalog_.session(), role_->oid, activity->backends);
    if (result.outcome != ApplyOutcome::kApplied) return Partly(std::move(result));
    for (const DependentDatabase& database : databases_) {
      result = ClearOut(database);
      if (result.outcome != ApplyOutcome::kApplied) return Partly(std::move(result));
    }
    return Partly(ChangeAtOnce(catalog_.session(),
                               {{fmt::format("ALTER ROLE {} NOLOGIN", role)},
                                StillThatRole(*role_),
                                {fmt::format("DROP ROLE {}", role)}},
                               fmt::format("role {} is deleted", Shown(name_))));
  }

  ApplyResult Undo(const std::string&) override {
    return {ApplyOutcome::kPermanent, "a deleted role cannot be brought back", {}};
  }

  VerifyResult Verify() override {
    const auto name = PostgresCatalog::AccountName(action_.target);
    if (!name.ok()) return CannotTell(name.error());
    const auto role = catalog_.FindAccount(*name);
    if (!role.ok()) return CannotTell(role.error());
    if (*role) {
      return {VerifyOutcome::kStillEffective,
              fmt::format("read back: role {} exists", Shown(*name)), "the role itself"};
    }
    return probe_.Confirm(*name, fmt::format("read back: there is no role {}", Shown(*name)));
  }

 private:
  Status ReadDatabases() {
    RESCIND_ASSIGN(const auto rows,
                   catalog_.session().Read(
                       "what depends on the role",
                       fmt::format("SELECT coalesce(d.datname, ''), coalesce(d.datallowconn, true),"
                                   " bool_or({}) FROM pg_catalog.pg_shdepend s"
                                   " LEFT JOIN pg_catalog.pg_database d ON d.oid = s.dbid"
                                   " WHERE s.refclassid = 'pg_catalog.pg_authid'::regclass"
                                   " AND s.refobjid = $1::oid GROUP BY 1, 2 ORDER BY 1",
                                   kIsOwned),
                       {role_->oid}));
    databases_.clear();
    for (const auto& row : rows) {
      databases_.push_back({row[0].value_or(""), row[1] == "t", row[2] == "t"});
    }
    return {};
  }

  // What the role owns needs another owner, and only a person can say who that should be: a
  // function that runs with its owner's rights must not end up with more of them.
  Status CheckHeir() {
    const std::string& heir = catalog_.config().reassign_to;
    for (const DependentDatabase& database : databases_) {
      if (!database.allows_connections) {
        return Error{ErrorKind::kInvalidInput,
                     fmt::format("role {} has objects or privileges in database {}, which allows "
                                 "no connections",
                                 Shown(name_), Shown(database.name)),
                     "allow connections to it, or clear them out by hand"};
      }
      if (database.owns && heir.empty()) {
        return Error{ErrorKind::kInvalidInput,
                     fmt::format("role {} owns objects {}", Shown(name_),
                                 database.name.empty() ? "that all databases share"
                                                       : "in database " + Shown(database.name)),
                     fmt::format("say in [target.{}] who gets them: reassign_to = \"ROLE\"",
                                 catalog_.config().target_name)};
      }
    }
    if (heir.empty()) return {};
    RESCIND_ASSIGN(const auto found, catalog_.FindRole(heir));
    if (found && found->oid != role_->oid) return {};
    return Error{
        ErrorKind::kInvalidInput,
        fmt::format("`reassign_to` of [target.{}] is {}, which {}", catalog_.config().target_name,
                    Shown(heir), found ? "is the role that is to be deleted" : "does not exist"),
        "name a role that exists and stays"};
  }

  ApplyResult ClearOut(const DependentDatabase& database) {
    const std::string& entered =
        database.name.empty() ? catalog_.config().endpoint.database : database.name;
    auto session = probe_.OpenIn(entered);
    if (!session.ok()) return {ApplyOutcome::kTransient, session.error().message, {}};
    const std::string role = QuoteIdentifier(name_);
    std::vector<PostgresStep> steps = {{fmt::format("ALTER ROLE {} NOLOGIN", role)},
                                       StillThatRole(*role_)};
    const std::string& heir = catalog_.config().reassign_to;
    if (!heir.empty()) {
      steps.push_back({fmt::format("REASSIGN OWNED BY {} TO {}", role, QuoteIdentifier(heir))});
    }
    steps.push_back(
        {fmt::format("SELECT count(*) = 0 FROM pg_catalog.pg_shdepend s"
                     " WHERE s.refclassid = 'pg_catalog.pg_authid'::regclass"
                     " AND s.refobjid = $1::oid AND {} AND s.dbid IN (0,"
                     " (SELECT oid FROM pg_catalog.pg_database"
                     " WHERE datname = current_database()))",
                     kIsOwned),
         {role_->oid},
         fmt::format("role {} still owns objects in {}", Shown(name_), Shown(entered))});
    steps.push_back({fmt::format("DROP OWNED BY {}", role)});
    return ChangeAtOnce(*session, steps, "");
  }

  // The role may no longer log in: "nothing happened" is no longer true.
  static ApplyResult Partly(ApplyResult result) {
    if (result.outcome != ApplyOutcome::kApplied) {
      result.outcome = ApplyOutcome::kUnknown;
      result.detail = fmt::format("the role may no longer log in, then: {}", result.detail);
    }
    return result;
  }

  PostgresCatalog& catalog_;
  const PostgresProbe& probe_;
  const Action& action_;
  std::string name_;
  std::optional<PostgresRole> role_;
  std::vector<DependentDatabase> databases_;
  std::vector<PostgresBackend> backends_;
};

}  // namespace

std::unique_ptr<PostgresOperation> MakeDropRole(PostgresCatalog& catalog,
                                                const PostgresProbe& probe, const Action& action) {
  return std::make_unique<DropRole>(catalog, probe, action);
}

}  // namespace rescind
