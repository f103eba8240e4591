// LogProof: one entry with everything needed to check offline that it is in the log (C2SP
// tlog-proof; files end in .tlog-proof).
//
//   c2sp.org/tlog-proof@v1
//   extra <base64 of the entry>
//   index 7
//   <base64 of each hash on the way to the root>
//
//   <checkpoint>
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "runtime/audit/checkpoint.h"
#include "runtime/audit/log_reader.h"

namespace rescind {

inline constexpr size_t kMaxProofBytes = 256 << 10;

struct LogProof {
  std::string entry;
  uint64_t index = 0;
  std::vector<TreeHash> hashes;
  std::string checkpoint;  // a signed note
};

// kNotFound when the checkpoint does not cover that entry.
Result<LogProof> ProveEntry(const LogReader& reader, uint64_t index, const std::string& checkpoint);

std::string FormatProof(const LogProof& proof);
// kInvalidInput says what is wrong.
Result<LogProof> ParseProof(std::string_view bytes);

// The checkpoint, when it is signed by `key` and the entry is where the proof says; kCorrupt says
// which of the two does not hold. Keys that `key` handed over to are not known here.
Result<Checkpoint> VerifyProof(const LogProof& proof, const AuditPublicKey& key);

}  // namespace rescind
