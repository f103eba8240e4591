#include "runtime/executors/ldap_executor.h"

#include <utility>

#include "runtime/executors/capability.h"
#include "runtime/executors/precondition.h"

namespace rescind {
namespace {

const std::vector<Capability>& Capabilities() {
  static const std::vector<Capability> capabilities = {
      {Verb::kDisable, "account", true, "reading back, and a log-in where a password is at hand"},
      {Verb::kSuspend, "account", true, "reading back, and a log-in where a password is at hand"},
      {Verb::kDelete, "account", false, "reading back, and a log-in where a password is at hand"},
      {Verb::kRevoke, "grant", true, "reading back, nested and primary groups included"},
      {Verb::kRevoke, "credential", false, "reading back, and a log-in"},
  };
  return capabilities;
}

// Everything that one call of the contract needs, in the order in which it is built.
class Call {
 public:
  static Result<std::unique_ptr<Call>> Begin(const LdapConfig& config, const Action& action) {
    if (FindCapability(Capabilities(), action) == nullptr) {
      return NotCapable(config.target_name, Capabilities(), action);
    }
    RESCIND_ASSIGN(const std::string password, ReadSecret(config.bind_password_file));
    const LdapDeadline deadline = std::chrono::steady_clock::now() + config.time_limit;
    RESCIND_ASSIGN(LdapSession session,
                   LdapSession::Open(config.endpoint, config.bind_dn, password, deadline));
    return std::unique_ptr<Call>(new Call(config, std::move(session), deadline, action));
  }
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;

  LdapOperation& operation() { return *operation_; }

 private:
  Call(const LdapConfig& config, LdapSession session, LdapDeadline deadline, const Action& action)
      : session_(std::move(session)), directory_(config, session_), probe_(config, deadline) {
    switch (action.verb) {
      case Verb::kDelete: operation_ = MakeDeleteAccount(directory_, probe_, action); break;
      case Verb::kRevoke:
        operation_ = action.target.entity == "grant"
                         ? MakeLeaveGroup(directory_, probe_, action)
                         : MakeRemovePassword(directory_, probe_, action);
        break;
      default: operation_ = MakeDisableAccount(directory_, probe_, action); break;
    }
  }
  // A missing or unsafe secret file is mended by a person, and then the action works: retryable.
  static Result<std::string> ReadSecret(const std::string& path) {
    auto secret = ReadSecretFile(path);
    if (secret.ok()) return secret;
    Error error = std::move(secret).error();
    error.kind = ErrorKind::kDenied;
    return error;
  }

  LdapSession session_;
  LdapDirectory directory_;
  LdapProbe probe_;
  std::unique_ptr<LdapOperation> operation_;
};

}  // namespace

LdapExecutor::LdapExecutor(LdapConfig config) : config_(std::move(config)) {}

ExecutorDescription LdapExecutor::Describe() const { return {"ldap", Capabilities()}; }

Result<TargetState> LdapExecutor::Observe(const Action& action) {
  RESCIND_ASSIGN(const auto call, Call::Begin(config_, action));
  return call->operation().Observe();
}

ApplyResult LdapExecutor::Apply(const Action& action, const std::string& precondition_digest,
                                uint64_t) {
  const auto call = Call::Begin(config_, action);
  if (!call.ok()) return NothingDone(call.error());
  LdapOperation& operation = (*call)->operation();
  const auto now = operation.Observe();
  if (auto refusal = RefuseApply(now, precondition_digest)) return *std::move(refusal);
  return operation.Apply();
}

ApplyResult LdapExecutor::Undo(const Action& action, const std::string& preimage) {
  const auto call = Call::Begin(config_, action);
  if (!call.ok()) return NothingDone(call.error());
  LdapOperation& operation = (*call)->operation();
  const auto now = operation.Observe();
  // What is observed holds the access (an entry, a role), and no action that can be undone takes
  // that away.
  if (auto refusal = RefuseUndo(now, preimage, Absence::kSomebodyElse)) return *std::move(refusal);
  return operation.Undo(preimage);
}

VerifyResult LdapExecutor::Verify(const Action& action) {
  const auto call = Call::Begin(config_, action);
  if (!call.ok()) return {VerifyOutcome::kCannotTell, call.error().message, ""};
  return (*call)->operation().Verify();
}

}  // namespace rescind
