// VerifyExport: checks an exported log with nothing but the folder and the public key.
//
// Finds any edit, reorder, removal inside and swap; against checkpoints that the verifier holds
// from earlier it also finds a rewritten or cut-back history. Without one the end of the log is
// unproven, and the report says so. The folder is hostile until proved otherwise: sizes are
// limited, nothing in it is trusted, nothing outside it is read.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/base/result.h"
#include "runtime/audit/checkpoint.h"
#include "runtime/audit/signed_note.h"
#include "runtime/env/file_system.h"

namespace rescind {

// A checkpoint that the verifier kept.
struct HeldCheckpoint {
  std::string name;  // how messages call it: its file
  std::string bytes;
};

struct LogProblem {
  std::string place;  // "tile/entries/000.p/12: entry 7", "checkpoint"
  std::string what;
};

struct VerifyReport {
  std::string origin;
  uint64_t size = 0;      // as the checkpoint claims
  std::string root;       // hex
  std::string signed_by;  // public key as text; empty: by none that is trusted
  uint64_t entries_read = 0;
  uint64_t newer_entries = 0;  // of a later format: proved like all others, not understood
  uint64_t beside_count = 0;
  std::vector<std::string> rotated_to;  // keys that the trusted key handed over to, in order
  bool end_is_proven = false;           // a held checkpoint covers as many entries
  uint64_t proven_size = 0;             // by the largest held checkpoint that fits
  std::vector<LogProblem> problems;     // the first kMaxProblems
  uint64_t problem_count = 0;
  uint64_t foreign_count = 0;  // of these: checkpoints that the given key cannot speak for

  bool ok() const { return problem_count == 0; }
};

inline constexpr size_t kMaxProblems = 100;

// An Error when there is nothing to verify: no such folder, no checkpoint in it, a newer layout.
Result<VerifyReport> VerifyExport(const std::string& folder, const AuditPublicKey& key,
                                  const std::vector<HeldCheckpoint>& held, FileSystem& files);

}  // namespace rescind
