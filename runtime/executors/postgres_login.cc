// Disabling an account: the role may no longer log in. VALID UNTIL would stop log-ins with a
// password only, NOLOGIN stops all of them; sessions that are open stay open until they are ended.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "runtime/executors/postgres_operation.h"

namespace rescind {
namespace {

using Json = nlohmann::json;

class ForbidLogin final : public PostgresOperation {
 public:
  ForbidLogin(PostgresCatalog& catalog, const PostgresProbe& probe, const Action& action)
      : catalog_(catalog), probe_(probe), action_(action) {}

  Result<TargetState> Observe() override {
    RESCIND_ASSIGN(name_, PostgresCatalog::AccountName(action_.target));
    RESCIND_ASSIGN(role_, catalog_.FindAccount(name_));
    if (!role_) return GonePostgresState(fmt::format("there is no role {}", Shown(name_)));
    RESCIND_ASSIGN(const PostgresActivity activity, catalog_.ActivityOf(role_->oid));
    TargetState state;
    state.exists = true;
    state.in_wanted_state = !role_->can_login;
    state.summary =
        fmt::format("role {}: {}, {} open sessions", Shown(name_),
                    role_->can_login ? "may log in" : "may not log in", activity.backends.size());
    state.last_used = activity.last_used;
    const Json preimage = {{"role", name_}, {"oid", role_->oid}, {"can_login", role_->can_login}};
    SetPreimage(state, preimage.dump(-1, ' ', false, Json::error_handler_t::replace));
    return state;
  }

  ApplyResult Apply() override {
    return ChangeAtOnce(
        catalog_.session(),
        {{fmt::format("ALTER ROLE {} NOLOGIN", QuoteIdentifier(name_))}, StillThatRole(*role_)},
        fmt::format("role {} may no longer log in", Shown(name_)));
  }

  ApplyResult Undo(const std::string& preimage) override {
    const Json before = Json::parse(preimage, nullptr, false);
    const bool could = before.is_object() && before.value("oid", Json()) == role_->oid &&
                       before.value("can_login", Json()) == true;
    if (!could) {
      return {ApplyOutcome::kPermanent,
              fmt::format("role {} is not the one that could log in before", Shown(name_)),
              {}};
    }
    return ChangeAtOnce(
        catalog_.session(),
        {{fmt::format("ALTER ROLE {} LOGIN", QuoteIdentifier(name_))}, StillThatRole(*role_)},
        fmt::format("role {} may log in again", Shown(name_)));
  }

  VerifyResult Verify() override {
    const auto state = Observe();
    if (!state.ok()) return CannotTell(state.error());
    const std::string evidence = fmt::format("read back: {}", state->summary);
    if (!state->in_wanted_state) {
      return {VerifyOutcome::kStillEffective, evidence, "the role's right to log in"};
    }
    return probe_.Confirm(name_, evidence);
  }

 private:
  PostgresCatalog& catalog_;
  const PostgresProbe& probe_;
  const Action& action_;
  std::string name_;
  std::optional<PostgresRole> role_;
};

}  // namespace

std::unique_ptr<PostgresOperation> MakeForbidLogin(PostgresCatalog& catalog,
                                                   const PostgresProbe& probe,
                                                   const Action& action) {
  return std::make_unique<ForbidLogin>(catalog, probe, action);
}

}  // namespace rescind
