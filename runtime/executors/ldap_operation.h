// LdapOperation: what one verb does to one kind of entry, within one session.
//
// LdapExecutor makes one for each call of the contract, asks it to observe, checks the
// precondition and then lets it change or prove. An operation keeps what it observed for that
// change; it never decides whether the change may happen.
#pragma once

#include <memory>
#include <string>

#include "runtime/executors/executor.h"
#include "runtime/executors/ldap_directory.h"

namespace rescind {

class LdapOperation {
 public:
  virtual ~LdapOperation() = default;

  // Always the first call.
  virtual Result<TargetState> Observe() = 0;
  // The observed target exists and is not in the wanted state.
  virtual ApplyResult Apply() = 0;
  // The observed target is in our post-state. `preimage` is what Observe gave before the change.
  virtual ApplyResult Undo(const std::string& preimage) = 0;
  // Observes again by itself.
  virtual VerifyResult Verify() = 0;
};

// Tries to log in as `dn`, when there is a password for `username` to try it with.
class LdapProbe {
 public:
  LdapProbe(const LdapConfig& config, LdapDeadline deadline)
      : config_(config), deadline_(deadline) {}
  // nullopt: there is nothing to try it with.
  std::optional<VerifyResult> TryLogIn(const std::string& dn,
                                       const std::vector<std::string>& usernames) const;

 private:
  const LdapConfig& config_;
  LdapDeadline deadline_;
};

// `directory`, `probe` and `action` outlive what is made.
std::unique_ptr<LdapOperation> MakeDisableAccount(LdapDirectory& directory, const LdapProbe& probe,
                                                  const Action& action);
std::unique_ptr<LdapOperation> MakeLeaveGroup(LdapDirectory& directory, const LdapProbe& probe,
                                              const Action& action);
std::unique_ptr<LdapOperation> MakeRemovePassword(LdapDirectory& directory, const LdapProbe& probe,
                                                  const Action& action);
std::unique_ptr<LdapOperation> MakeDeleteAccount(LdapDirectory& directory, const LdapProbe& probe,
                                                 const Action& action);

// The outcome of a change for which the server gave `reply`.
ApplyResult OutcomeOf(const LdapReply& reply, const std::string& done);

// The state of a target whose entry is not there: nothing is left to take away.
TargetState GoneState(const std::string& summary);

}  // namespace rescind
