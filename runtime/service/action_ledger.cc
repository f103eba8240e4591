#include "runtime/service/action_ledger.h"

#include <utility>

namespace rescind {

Result<std::unique_ptr<ActionLedger>> ActionLedger::Open(const Workspace& workspace, Store& store,
                                                         ServiceEnvironment environment) {
  RESCIND_ASSIGN(auto audit, AuditLog::Open({store.key_values(), environment.files,
                                             environment.clock, environment.random},
                                            {store.id(), workspace.audit_key_file}));
  std::unique_ptr<ActionLedger> ledger(new ActionLedger(store, std::move(audit)));
  RESCIND_ASSIGN(ledger->journal_,
                 Journal::Open(store.key_values(), ledger->recorder_, environment.clock));
  return ledger;
}

}  // namespace rescind
