#include "runtime/executors/ldap_operation.h"

#include <fmt/format.h>
#include <ldap.h>

#include "engine/base/sha256.h"
#include "runtime/executors/probe_password.h"

namespace rescind {

std::optional<VerifyResult> LdapProbe::TryLogIn(const std::string& dn,
                                                const std::vector<std::string>& usernames) const {
  for (const std::string& username : usernames) {
    const auto password = ReadProbePassword(config_.probe_password_folder, username);
    if (!password) continue;
    if (!password->ok()) {
      return VerifyResult{VerifyOutcome::kCannotTell, password->error().message, ""};
    }
    const LdapReply reply =
        LdapSession::TryBind(config_.endpoint, dn, password->value(), deadline_);
    std::string evidence = fmt::format("log-in as {}: {}", dn, reply.message);
    if (reply.ok()) {
      return VerifyResult{VerifyOutcome::kStillEffective, std::move(evidence),
                          "logging in with the account's password"};
    }
    // Only a server that judged the log-in has refused it.
    const bool refused =
        reply.answered &&
        (reply.code == LDAP_INVALID_CREDENTIALS || reply.code == LDAP_INAPPROPRIATE_AUTH ||
         reply.code == LDAP_UNWILLING_TO_PERFORM || reply.code == LDAP_CONSTRAINT_VIOLATION ||
         reply.code == LDAP_NO_SUCH_OBJECT);
    return VerifyResult{refused ? VerifyOutcome::kVerified : VerifyOutcome::kCannotTell,
                        std::move(evidence), ""};
  }
  return std::nullopt;
}

ApplyResult OutcomeOf(const LdapReply& reply, const std::string& done) {
  if (reply.ok()) return {ApplyOutcome::kApplied, done, {}};
  if (!reply.answered) {
    return {ApplyOutcome::kUnknown,
            fmt::format("the directory gave no answer to the change: {}", reply.message),
            {}};
  }
  const ErrorKind kind = KindOfLdapCode(reply.code);
  // An entry that has gone since is no mistake of the mapping: look again.
  const bool hopeless = kind == ErrorKind::kInvalidInput && reply.code != LDAP_NO_SUCH_OBJECT;
  return {hopeless ? ApplyOutcome::kPermanent : ApplyOutcome::kTransient,
          fmt::format("the directory refuses the change: {}", reply.message),
          {}};
}

TargetState GoneState(const std::string& summary) {
  TargetState state;
  state.in_wanted_state = true;
  state.summary = summary;
  state.preimage = "{\"exists\":false}";
  state.digest = Sha256Hex(state.preimage);
  return state;
}

}  // namespace rescind
