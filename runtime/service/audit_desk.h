// What `rescind audit` does with the log of an open store: show it, say what of it is signed, sign
// it, rotate the key.
//
// Each function is one command's work; the command line parses and prints. Verifying needs no
// store and is not here (runtime/audit/log_verify.h).
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "engine/base/result.h"
#include "engine/ir/program.h"
#include "runtime/audit/audit_log.h"
#include "runtime/audit/leaf.h"
#include "runtime/audit/log_check.h"
#include "runtime/audit/log_reader.h"
#include "runtime/service/decision_check.h"
#include "runtime/service/workspace.h"
#include "runtime/store/store.h"

namespace rescind {

// Which entries to show; all that is given must fit.
struct AuditFilter {
  std::optional<uint64_t> from = {};  // first index
  uint64_t most = 50;                 // the last so many that fit, the first with `from`; 0: all
  std::string action = {};            // idempotency key, or its beginning
  std::string target = {};            // id of the row, or ENTITY:ID
  std::string person = {};            // id of the identity whose access it was
  std::string system = {};
  std::string kind = {};
  std::string policy = {};  // full name, or the last word of it
  // Full names that it had before.
  std::set<std::string> earlier_policies = {};

  bool Accepts(const LeafView& leaf) const;
};

// Takes one entry; an error ends the showing.
using ShowEntry =
    std::function<Status(uint64_t index, std::string_view leaf, const LeafView& view)>;
// Entries in order. Only the part of the log that can hold them is read, and entries are kept in
// memory only where the last ones are wanted of those that fit. Errors name the entry.
Status ShowAudit(const LeafSource& log, const AuditFilter& filter, const ShowEntry& show);
// A policy asked for stands for what it was called before `renamed from`.
void AddEarlierNames(AuditFilter& filter, const ir::Program& program);
// Whether the filter has any of the names that CheckNames checks.
bool HasNames(const AuditFilter& filter);
// What there is now, whether or not an entry names it.
struct NamesNow {
  const ir::Program& program;
  const Workspace& workspace;
  Store& store;
};
// kNotFound, with did-you-mean, for a policy, a row, a person or a system of the filter that there
// neither is now nor was in any entry. Reads the log only for one that there is not now. `now`:
// null where only the log is at hand.
Status CheckNames(const LeafSource& log, const AuditFilter& filter, const NamesNow* now);

// A checkpoint over everything committed: signed, kept in the store, then returned.
Result<std::string> CommitCheckpoint(Store& store, AuditLog& audit);
// The same, for what is logged outside of a run: an older copy of the store that lacks it is
// refused from now on.
Status SignLog(Store& store, AuditLog& audit);

// The log as the store has it, from now on, where the checkpoint beside the key is lost or damaged
// (`witness`): an entry that says what was accepted, and a checkpoint over it. `audit` was opened
// to accept that.
struct AcceptedLog {
  uint64_t size = 0;
  std::string root;  // as HexOf
};
Result<AcceptedLog> AcceptLog(Store& store, AuditLog& audit, const AuditWitness& witness,
                              Instant now, const std::string& trigger);

// Goes on with what the store holds of people's decisions, where that is not what the log says: an
// entry that says what was accepted and why, and a checkpoint over it.
Status AcceptDecisions(Store& store, AuditLog& audit, const DecisionMismatch& mismatch, Instant now,
                       const std::string& reason, const std::string& trigger);

// What of a log others can check.
struct SignedLog {
  std::string checkpoint;    // the last one signed
  uint64_t later_count = 0;  // entries that it does not cover
};
// Needs no private key. kNotFound when nothing was ever signed. The log has been checked
// (log_check.h).
Result<SignedLog> ReadSignedLog(const LogReader& reader);

// The rotation as a leaf, and the new key in the place of the old. A cut-off one is finished when
// the log is opened next.
Status RotateAuditKey(Store& store, AuditLog& audit, const std::string& trigger);

}  // namespace rescind
