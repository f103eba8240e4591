// LdapExecutor: takes access away in an LDAP directory.
//
// One connection for each call of the contract, so a restarted server or a changed password is
// met with nothing stale. What a verb does to an entry is in ldap_operation.h; here are the order
// of the steps and the precondition.
#pragma once

#include <memory>
#include <string>

#include "runtime/executors/executor.h"
#include "runtime/executors/ldap_config.h"
#include "runtime/executors/ldap_operation.h"

namespace rescind {

class LdapExecutor final : public Executor {
 public:
  explicit LdapExecutor(LdapConfig config);

  ExecutorDescription Describe() const override;
  Result<TargetState> Observe(const Action& action) override;
  ApplyResult Apply(const Action& action, const std::string& precondition_digest,
                    uint64_t epoch) override;
  ApplyResult Undo(const Action& action, const std::string& preimage) override;
  VerifyResult Verify(const Action& action) override;

 private:
  LdapConfig config_;
};

}  // namespace rescind
