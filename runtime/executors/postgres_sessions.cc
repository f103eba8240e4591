// Ending sessions: one, when its id names a server process and that process's start, and the role
// may still log in; otherwise all that the role has. A role that may not log in has no business
// with any session, also with those that no feed has told of.
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "runtime/executors/postgres_operation.h"

namespace rescind {
namespace {

using Json = nlohmann::json;

class EndSessions final : public PostgresOperation {
 public:
  EndSessions(PostgresCatalog& catalog, const Action& action)
      : catalog_(catalog), action_(action) {}

  Result<TargetState> Observe() override {
    RESCIND_ASSIGN(name_, PostgresCatalog::AccountName(action_.target));
    RESCIND_ASSIGN(role_, catalog_.FindAccount(name_));
    named_ = ParsePostgresBackend(action_.target.id);
    if (!role_) return ObserveWithoutRole();
    RESCIND_ASSIGN(PostgresActivity activity, catalog_.ActivityOf(role_->oid));
    const bool only_named = named_ && role_->can_login;
    if (only_named && activity.hides_starts) {
      return Error{ErrorKind::kDenied,
                   fmt::format("when the sessions of {} began cannot be seen", Shown(name_)),
                   "give the role of `user` the membership in pg_monitor"};
    }
    if (only_named) {
      std::erase_if(activity.backends,
                    [&](const PostgresBackend& backend) { return backend != *named_; });
    }
    backends_ = std::move(activity.backends);
    TargetState state;
    state.exists = !backends_.empty();
    state.in_wanted_state = backends_.empty();
    state.summary = only_named
                        ? fmt::format("session {} of role {}: {}", named_->pid, Shown(name_),
                                      backends_.empty() ? "ended" : "open")
                        : fmt::format("role {}: {} open sessions", Shown(name_), backends_.size());
    state.last_used = activity.last_used;
    // Which sessions a role has changes by itself: for all of them it is no precondition.
    Json preimage = {{"oid", role_->oid}, {"open", !backends_.empty()}};
    if (only_named) preimage["started_at"] = named_->started_at.micros;
    SetPreimage(state, preimage.dump());
    return state;
  }

  ApplyResult Apply() override {
    return TerminateBackends(catalog_.session(), role_ ? role_->oid : "", backends_);
  }

  ApplyResult Undo(const std::string&) override {
    return {ApplyOutcome::kPermanent, "an ended session cannot be brought back", {}};
  }

  VerifyResult Verify() override {
    const auto state = Observe();
    if (!state.ok()) return CannotTell(state.error());
    const std::string evidence = fmt::format("read back: {}", state->summary);
    if (state->in_wanted_state) return {VerifyOutcome::kVerified, evidence, ""};
    const bool comes_back = role_ && role_->can_login && !named_;
    return {VerifyOutcome::kStillEffective, evidence,
            comes_back ? "open sessions of a role that may still log in, perhaps new ones"
                       : "a session that is still open"};
  }

 private:
  // A session outlives its role. Without the role's number only a named one can be found.
  Result<TargetState> ObserveWithoutRole() {
    backends_.clear();
    if (named_) {
      RESCIND_ASSIGN(const auto rows,
                     catalog_.session().Read(
                         "the sessions",
                         "SELECT 1 FROM pg_catalog.pg_stat_activity a WHERE pid = $1::int"
                         " AND (extract(epoch FROM backend_start) * 1000000)::bigint = $2::bigint"
                         " AND usesysid <> 0 AND NOT EXISTS"
                         " (SELECT 1 FROM pg_catalog.pg_roles r WHERE r.oid = a.usesysid)",
                         {std::to_string(named_->pid), std::to_string(named_->started_at.micros)}));
      if (!rows.empty()) backends_.push_back(*named_);
    }
    if (backends_.empty()) {
      return GonePostgresState(fmt::format("there is no role {} and no session", Shown(name_)));
    }
    TargetState state;
    state.exists = true;
    state.summary = fmt::format("session {} of a deleted role: open", named_->pid);
    SetPreimage(state, Json({{"started_at", named_->started_at.micros}}).dump());
    return state;
  }

  PostgresCatalog& catalog_;
  const Action& action_;
  std::string name_;
  std::optional<PostgresRole> role_;
  std::optional<PostgresBackend> named_;
  std::vector<PostgresBackend> backends_;
};

}  // namespace

std::unique_ptr<PostgresOperation> MakeEndSessions(PostgresCatalog& catalog, const Action& action) {
  return std::make_unique<EndSessions>(catalog, action);
}

}  // namespace rescind
