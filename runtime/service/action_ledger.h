// ActionLedger: the journal and the audit log of an open store, wired to commit together.
//
// What every command opens that changes more than facts. The store outlives it. One thread, but
// while a run of the journal is under way its workers.
#pragma once

#include <memory>
#include <string>

#include "engine/base/result.h"
#include "runtime/audit/audit_log.h"
#include "runtime/journal/journal.h"
#include "runtime/service/pipeline.h"
#include "runtime/service/transition_recorder.h"

namespace rescind {

class ActionLedger {
 public:
  // kNotFound with the remedy when the key that signs the log is missing; else what the log says.
  static Result<std::unique_ptr<ActionLedger>> Open(const Workspace& workspace, Store& store,
                                                    ServiceEnvironment environment);

  AuditLog& audit() { return *audit_; }
  TransitionRecorder& recorder() { return recorder_; }
  Journal& journal() { return *journal_; }

 private:
  ActionLedger(Store& store, std::unique_ptr<AuditLog> audit)
      : audit_(std::move(audit)), recorder_(store, *audit_) {}

  std::unique_ptr<AuditLog> audit_;
  TransitionRecorder recorder_;
  std::unique_ptr<Journal> journal_;
};

}  // namespace rescind
