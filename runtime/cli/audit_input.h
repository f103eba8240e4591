// What several commands below `rescind audit` read: public keys, checkpoints that were kept, the
// log.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "engine/base/result.h"
#include "runtime/audit/log_reader.h"
#include "runtime/audit/log_verify.h"
#include "runtime/audit/signed_note.h"
#include "runtime/cli/command.h"
#include "runtime/service/workspace.h"
#include "runtime/store/store.h"

namespace rescind {

// A public key, or the file that holds one.
Result<AuditPublicKey> ReadAuditKey(const std::string& given, const Invocation& invocation);
Result<std::vector<HeldCheckpoint>> ReadCheckpoints(const std::vector<std::string>& names,
                                                    const Invocation& invocation);

// An entry's number. CLI11 would take -1 for the greatest number there is.
CLI::Validator IsEntryNumber();

// The workspace's log, without its facts: whatever is wrong with the policies, it can be read.
struct OpenedLog {
  Workspace workspace;
  std::unique_ptr<Store> store;

  LogReader reader() const { return LogReader(store->key_values()); }
};
// Only to be read: nobody needs the private key for that.
Result<OpenedLog> OpenLogToRead(Invocation& invocation);

// Of a key at hand that is not the log's (whoever takes its public half for the log's, believes
// whatever somebody else signed), and of one beside which the last checkpoint is missing.
void WarnOfKey(const KeyValueReader& store, const Workspace& workspace, Invocation& invocation);

}  // namespace rescind
