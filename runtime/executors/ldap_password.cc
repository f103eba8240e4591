// Revoking a credential of the kind `password`: every stored password goes. There is no way back,
// because nothing that is kept may hold a secret.
#include <fmt/format.h>
#include <ldap.h>

#include <nlohmann/json.hpp>

#include "engine/base/sha256.h"
#include "runtime/executors/ldap_operation.h"

namespace rescind {
namespace {

using Json = nlohmann::json;

class RemovePassword final : public LdapOperation {
 public:
  RemovePassword(LdapDirectory& directory, const LdapProbe& probe, const Action& action)
      : directory_(directory), probe_(probe), action_(action) {}

  Result<TargetState> Observe() override {
    const auto kind = action_.target.attributes.find("kind");
    if (kind == action_.target.attributes.end() || kind->second != "password") {
      return Error{ErrorKind::kUnsupported,
                   fmt::format("[target.{}] revokes credentials of the kind password only, and "
                               "this one is of the kind {}",
                               directory_.config().target_name,
                               kind == action_.target.attributes.end() ? "unknown" : kind->second),
                   "let an `exec` target revoke it"};
    }
    RESCIND_ASSIGN(account_, directory_.FindAccount(action_.target, {}));
    if (!account_.entry) {
      return GoneState(fmt::format("{}: its account does not exist", action_.target.id));
    }
    // A comparison needs less of a right than reading does.
    const auto reply = directory_.session().Compare(account_.dn, "userPassword", "is there one?");
    if (!reply.answered) return Error{ErrorKind::kUnavailable, reply.message, ""};
    const bool absent = reply.code == LDAP_NO_SUCH_ATTRIBUTE;
    const bool present = reply.code == LDAP_COMPARE_FALSE || reply.code == LDAP_COMPARE_TRUE;
    if (!absent && !present) {
      return Error{
          ErrorKind::kDenied,
          fmt::format("the password of {} cannot be compared: {}", account_.dn, reply.message),
          "give the account of `bind_dn` the right to compare and write userPassword"};
    }
    TargetState state;
    state.exists = true;
    state.in_wanted_state = absent;
    state.summary = fmt::format("{}: {} password", account_.dn, absent ? "without a" : "with a");
    const Json preimage = {{"dn", account_.dn},
                           {"uuid", account_.uuid},
                           {"password", present},
                           {"changed", account_.entry->First("pwdchangedtime")}};
    state.preimage = preimage.dump(-1, ' ', false, Json::error_handler_t::replace);
    state.digest = Sha256Hex(state.preimage);
    state.last_used = LastUseOf(*account_.entry);
    return state;
  }

  ApplyResult Apply() override {
    return OutcomeOf(
        directory_.session().Modify(account_.dn, {{LdapChange::Kind::kReplace, "userPassword", {}}},
                                    account_.uuid),
        fmt::format("the password of {} is removed", account_.dn));
  }

  ApplyResult Undo(const std::string&) override {
    return {ApplyOutcome::kPermanent, "a removed password cannot be brought back", {}};
  }

  VerifyResult Verify() override {
    const auto state = Observe();
    if (!state.ok()) return {VerifyOutcome::kCannotTell, state.error().message, ""};
    const std::string evidence = fmt::format("read back: {}", state->summary);
    if (!state->exists) return {VerifyOutcome::kVerified, evidence, ""};
    if (!state->in_wanted_state) {
      return {VerifyOutcome::kStillEffective, evidence, "a stored password"};
    }
    auto tried = probe_.TryLogIn(account_.dn, account_.names);
    if (!tried) return {VerifyOutcome::kVerified, evidence, ""};
    if (tried->outcome == VerifyOutcome::kVerified) tried->evidence += "; " + evidence;
    return *std::move(tried);
  }

 private:
  LdapDirectory& directory_;
  const LdapProbe& probe_;
  const Action& action_;
  LdapAccount account_;
};

}  // namespace

std::unique_ptr<LdapOperation> MakeRemovePassword(LdapDirectory& directory, const LdapProbe& probe,
                                                  const Action& action) {
  return std::make_unique<RemovePassword>(directory, probe, action);
}

}  // namespace rescind
