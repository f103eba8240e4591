#include "runtime/executors/postgres_executor.h"

#include <utility>

#include "runtime/executors/capability.h"
#include "runtime/executors/postgres_operation.h"
#include "runtime/executors/precondition.h"

namespace rescind {
namespace {

std::vector<Capability> CapabilitiesOf(const PostgresConfig& config) {
  const char* log_in = "reading back, and a log-in where a password is at hand";
  const bool expires = config.password_way == PostgresPasswordWay::kExpire;
  return {
      {Verb::kDisable, "account", true, log_in},
      {Verb::kSuspend, "account", true, log_in},
      {Verb::kDelete, "account", false, log_in},
      {Verb::kEnd, "session", false, "reading the list of sessions"},
      {Verb::kEnd, "account", false, "reading the list of sessions"},
      {Verb::kRevoke, "grant", true, "reading back, PUBLIC and roles in roles included"},
      {Verb::kRevoke, "credential", expires, log_in},
  };
}

// Everything that one call of the contract needs, in the order in which it is built.
class Call {
 public:
  static Result<std::unique_ptr<Call>> Begin(const PostgresConfig& config, const Action& action) {
    const auto capabilities = CapabilitiesOf(config);
    if (FindCapability(capabilities, action) == nullptr) {
      return NotCapable(config.target_name, capabilities, action);
    }
    RESCIND_ASSIGN(std::string password, ReadSecret(config.password_file));
    const PostgresDeadline deadline = std::chrono::steady_clock::now() + config.time_limit;
    RESCIND_ASSIGN(PostgresSession session,
                   PostgresSession::Open(config.endpoint, password, deadline));
    std::unique_ptr<Call> call(new Call(config, std::move(password), std::move(session), deadline));
    RESCIND_ASSIGN(call->operation_, call->Make(action));
    return call;
  }
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;

  PostgresOperation& operation() { return *operation_; }

 private:
  using Made = Result<std::unique_ptr<PostgresOperation>>;

  Call(const PostgresConfig& config, std::string password, PostgresSession session,
       PostgresDeadline deadline)
      : password_(std::move(password)),
        session_(std::move(session)),
        catalog_(config, session_),
        probe_(config, password_, deadline) {}

  Made Make(const Action& action) {
    switch (action.verb) {
      case Verb::kDelete: return Made(MakeDropRole(catalog_, probe_, action));
      case Verb::kEnd: return Made(MakeEndSessions(catalog_, action));
      case Verb::kRevoke:
        return action.target.entity == "grant" ? MakeRevokeGrant(catalog_, action)
                                               : Made(MakeRevokePassword(catalog_, probe_, action));
      default: return Made(MakeForbidLogin(catalog_, probe_, action));
    }
  }

  // A missing or unsafe secret file is mended by a person, and then the action works: retryable.
  static Result<std::string> ReadSecret(const std::string& path) {
    if (path.empty()) return std::string();
    auto secret = ReadSecretFile(path);
    if (secret.ok()) return secret;
    Error error = std::move(secret).error();
    error.kind = ErrorKind::kDenied;
    return error;
  }

  std::string password_;
  PostgresSession session_;
  PostgresCatalog catalog_;
  PostgresProbe probe_;
  std::unique_ptr<PostgresOperation> operation_;
};

}  // namespace

PostgresExecutor::PostgresExecutor(PostgresConfig config) : config_(std::move(config)) {}

ExecutorDescription PostgresExecutor::Describe() const {
  return {"postgres", CapabilitiesOf(config_)};
}

Result<TargetState> PostgresExecutor::Observe(const Action& action) {
  RESCIND_ASSIGN(const auto call, Call::Begin(config_, action));
  return call->operation().Observe();
}

ApplyResult PostgresExecutor::Apply(const Action& action, const std::string& precondition_digest,
                                    uint64_t) {
  const auto call = Call::Begin(config_, action);
  if (!call.ok()) return NothingDone(call.error());
  PostgresOperation& operation = (*call)->operation();
  const auto now = operation.Observe();
  if (auto refusal = RefuseApply(now, precondition_digest)) return *std::move(refusal);
  return operation.Apply();
}

ApplyResult PostgresExecutor::Undo(const Action& action, const std::string& preimage) {
  const auto call = Call::Begin(config_, action);
  if (!call.ok()) return NothingDone(call.error());
  PostgresOperation& operation = (*call)->operation();
  const auto now = operation.Observe();
  // What is observed holds the access (an entry, a role), and no action that can be undone takes
  // that away.
  if (auto refusal = RefuseUndo(now, preimage, Absence::kSomebodyElse)) return *std::move(refusal);
  return operation.Undo(preimage);
}

VerifyResult PostgresExecutor::Verify(const Action& action) {
  const auto call = Call::Begin(config_, action);
  if (!call.ok()) return {VerifyOutcome::kCannotTell, call.error().message, ""};
  return (*call)->operation().Verify();
}

}  // namespace rescind
