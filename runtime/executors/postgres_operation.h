// PostgresOperation: what one verb does to one kind of object, within one session.
//
// PostgresExecutor makes one for each call of the contract, asks it to observe, checks the
// precondition and then lets it change or prove. An operation keeps what it observed for that
// change; it never decides whether the change may happen.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "runtime/executors/executor.h"
#include "runtime/executors/postgres_catalog.h"

namespace rescind {

class PostgresOperation {
 public:
  virtual ~PostgresOperation() = default;

  // Always the first call.
  virtual Result<TargetState> Observe() = 0;
  // The observed target exists and is not in the wanted state.
  virtual ApplyResult Apply() = 0;
  // The observed target is in our post-state. `preimage` is what Observe gave before the change.
  virtual ApplyResult Undo(const std::string& preimage) = 0;
  // Observes again by itself.
  virtual VerifyResult Verify() = 0;
};

// Tries to log in as a role, when there is a password to try it with.
class PostgresProbe {
 public:
  PostgresProbe(const PostgresConfig& config, const std::string& own_password,
                PostgresDeadline deadline)
      : config_(config), own_password_(own_password), deadline_(deadline) {}
  // nullopt: there is nothing to try it with. kVerified only when the server has refused the
  // log-in of that role.
  std::optional<VerifyResult> TryLogIn(const std::string& role) const;
  // What `read_back` says, confirmed or contradicted by an attempt where one is possible.
  VerifyResult Confirm(const std::string& role, const std::string& read_back) const;
  // A session of ours in another database of the same server.
  Result<PostgresSession> OpenIn(const std::string& database) const;

 private:
  const PostgresConfig& config_;
  const std::string& own_password_;
  PostgresDeadline deadline_;
};

// All of these outlive what is made.
std::unique_ptr<PostgresOperation> MakeForbidLogin(PostgresCatalog& catalog,
                                                   const PostgresProbe& probe,
                                                   const Action& action);
std::unique_ptr<PostgresOperation> MakeEndSessions(PostgresCatalog& catalog, const Action& action);
// Leaves a role, or revokes a privilege on an object: the entitlement says which. kInvalidInput
// when it says neither.
Result<std::unique_ptr<PostgresOperation>> MakeRevokeGrant(PostgresCatalog& catalog,
                                                           const Action& action);
std::unique_ptr<PostgresOperation> MakeLeaveRole(PostgresCatalog& catalog, const Action& action,
                                                 PostgresEntitlement entitlement);
std::unique_ptr<PostgresOperation> MakeRevokePrivilege(PostgresCatalog& catalog,
                                                       const Action& action,
                                                       PostgresEntitlement entitlement);
std::unique_ptr<PostgresOperation> MakeRevokePassword(PostgresCatalog& catalog,
                                                      const PostgresProbe& probe,
                                                      const Action& action);
std::unique_ptr<PostgresOperation> MakeDropRole(PostgresCatalog& catalog,
                                                const PostgresProbe& probe, const Action& action);

// One statement of a change. With `unless_true` it is a question whose one answer must be true:
// otherwise nothing of the change stays, for that reason.
struct PostgresStep {
  std::string statement;
  std::vector<std::string> parameters = {};
  std::string unless_true = {};
};

// All steps in one transaction, or none. `done` is the detail of success.
ApplyResult ChangeAtOnce(PostgresSession& session, const std::vector<PostgresStep>& steps,
                         const std::string& done);
// "This name is still the role that was observed". After a statement that locks the role.
PostgresStep StillThatRole(const PostgresRole& role);

// Ends `backends` of a role and waits a little until they are gone. Empty `role_oid`: of a role
// that no longer exists.
ApplyResult TerminateBackends(PostgresSession& session, const std::string& role_oid,
                              const std::vector<PostgresBackend>& backends);

// Fills digest and preimage from canonical JSON text.
void SetPreimage(TargetState& state, std::string canonical_json);
// The state of a target that is not there: nothing is left to take away.
TargetState GonePostgresState(const std::string& summary);
VerifyResult CannotTell(const Error& error);

}  // namespace rescind
