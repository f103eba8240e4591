// What `rescind audit` does with the log of an open store: show, export, prove, rotate the key.
//
// Each function is one command's work; the command line parses and prints. Verifying needs no
// store and is not here (runtime/audit/log_verify.h).
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "engine/base/result.h"
#include "runtime/audit/audit_log.h"
#include "runtime/audit/event_format.h"
#include "runtime/audit/leaf.h"
#include "runtime/audit/log_export.h"
#include "runtime/audit/log_proof.h"
#include "runtime/audit/log_reader.h"
#include "runtime/env/file_system.h"
#include "runtime/store/store.h"

namespace rescind {

// Which entries to show; all that is given must fit.
struct AuditFilter {
  std::optional<uint64_t> from = {};  // first index
  uint64_t most = 50;                 // the last so many that fit; 0: all
  std::string action = {};            // idempotency key, or its beginning
  std::string target = {};            // id of the row
  std::string system = {};
  std::string kind = {};
  std::string policy = {};

  bool Accepts(const LeafView& leaf) const;
};

// Entries in order. Without a filter but `most` only the end of the log is read.
Status ShowAudit(
    const LogReader& reader, const AuditFilter& filter,
    const std::function<void(uint64_t index, std::string_view leaf, const LeafView& view)>& show);

// Every entry from `from` on as a line of that format, in order.
Status StreamAudit(const LogReader& reader, EventFormat format, std::string_view origin,
                   uint64_t from, const std::function<void(std::string_view line)>& take);

// A checkpoint over everything committed: signed, kept in the store, then returned.
Result<std::string> CommitCheckpoint(Store& store, AuditLog& audit);

// Checkpoint and folder (log_export.h).
Result<ExportReport> ExportAudit(Store& store, AuditLog& audit, const std::string& folder,
                                 FileSystem& files);

// Checkpoint and proof of one entry.
Result<LogProof> ProveAudit(Store& store, AuditLog& audit, uint64_t index);

// The rotation as a leaf, and the new key in the place of the old. A cut-off one is finished when
// the log is opened next.
Status RotateAuditKey(Store& store, AuditLog& audit, const std::string& trigger);

}  // namespace rescind
