// Revoking a password: it is removed, or made to have expired. It is read whether there is one,
// never what it is, and that takes a superuser.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "runtime/executors/postgres_operation.h"

namespace rescind {
namespace {

using Json = nlohmann::json;

class RevokePassword final : public PostgresOperation {
 public:
  RevokePassword(PostgresCatalog& catalog, const PostgresProbe& probe, const Action& action)
      : catalog_(catalog), probe_(probe), action_(action) {}

  Result<TargetState> Observe() override {
    RESCIND_TRY(CheckKind());
    RESCIND_ASSIGN(name_, PostgresCatalog::AccountName(action_.target));
    RESCIND_ASSIGN(role_, catalog_.FindAccount(name_));
    if (!role_) return GonePostgresState(fmt::format("there is no role {}", Shown(name_)));
    auto rows = catalog_.session().Read(
        "whether a role has a password",
        "SELECT rolpassword IS NOT NULL, coalesce(rolvaliduntil::text, 'infinity'),"
        " coalesce(rolvaliduntil <= now(), false) FROM pg_catalog.pg_authid WHERE oid = $1::oid",
        {role_->oid});
    if (!rows.ok()) {
      Error error = std::move(rows).error();
      if (error.kind == ErrorKind::kDenied) error.help = "`user` must be a superuser for that";
      return error;
    }
    if (rows->empty()) return GonePostgresState(fmt::format("there is no role {}", Shown(name_)));
    const auto& row = rows->front();
    const bool present = row[0] == "t";
    valid_until_ = row[1].value_or("infinity");
    const bool expired = row[2] == "t";
    TargetState state;
    state.exists = true;
    state.in_wanted_state = !present || (Expires() && expired);
    state.summary = fmt::format("role {}: {}{}", Shown(name_),
                                present ? "with a password" : "without a password",
                                present && expired ? " that has expired" : "");
    const Json preimage = {
        {"role", name_}, {"oid", role_->oid}, {"password", present}, {"valid_until", valid_until_}};
    SetPreimage(state, preimage.dump(-1, ' ', false, Json::error_handler_t::replace));
    return state;
  }

  ApplyResult Apply() override {
    return ChangeAtOnce(catalog_.session(),
                        {{fmt::format("ALTER ROLE {} {}", QuoteIdentifier(name_),
                                      Expires() ? "VALID UNTIL '-infinity'" : "PASSWORD NULL")},
                         StillThatRole(*role_)},
                        fmt::format("the password of {} {}", Shown(name_),
                                    Expires() ? "has expired" : "is removed"));
  }

  ApplyResult Undo(const std::string& preimage) override {
    if (!Expires()) {
      return {ApplyOutcome::kPermanent, "a removed password cannot be brought back", {}};
    }
    const Json before = Json::parse(preimage, nullptr, false);
    const Json until = before.is_object() ? before.value("valid_until", Json()) : Json();
    if (!until.is_string() || before.value("oid", Json()) != role_->oid ||
        valid_until_ != "-infinity") {
      return {ApplyOutcome::kPermanent,
              fmt::format("{} is not the role whose password was made to expire", Shown(name_)),
              {}};
    }
    return ChangeAtOnce(catalog_.session(),
                        {{fmt::format("ALTER ROLE {} VALID UNTIL {}", QuoteIdentifier(name_),
                                      QuoteLiteral(until.get_ref<const std::string&>()))},
                         StillThatRole(*role_)},
                        fmt::format("the password of {} is valid again", Shown(name_)));
  }

  VerifyResult Verify() override {
    const auto state = Observe();
    if (!state.ok()) return CannotTell(state.error());
    const std::string evidence = fmt::format("read back: {}", state->summary);
    if (!state->in_wanted_state) {
      return {VerifyOutcome::kStillEffective, evidence, "a stored password"};
    }
    return probe_.Confirm(name_, evidence);
  }

 private:
  bool Expires() const { return catalog_.config().password_way == PostgresPasswordWay::kExpire; }

  Status CheckKind() const {
    const auto kind = action_.target.attributes.find("kind");
    const bool known = kind != action_.target.attributes.end();
    if (known && kind->second == "password") return {};
    return Error{ErrorKind::kUnsupported,
                 fmt::format("[target.{}] revokes credentials of the kind password only, and this "
                             "one is of the kind {}",
                             catalog_.config().target_name, known ? kind->second : "unknown"),
                 "let an `exec` target revoke it"};
  }

  PostgresCatalog& catalog_;
  const PostgresProbe& probe_;
  const Action& action_;
  std::string name_;
  std::optional<PostgresRole> role_;
  std::string valid_until_;
};

}  // namespace

std::unique_ptr<PostgresOperation> MakeRevokePassword(PostgresCatalog& catalog,
                                                      const PostgresProbe& probe,
                                                      const Action& action) {
  return std::make_unique<RevokePassword>(catalog, probe, action);
}

}  // namespace rescind
