// ExportLog: a log as a folder that anyone can verify with the public key (C2SP tlog-tiles).
//
//   checkpoint                    signed note over size and root
//   tile/<level>/<index>[.p/<n>]  hashes
//   tile/entries/<index>[.p/<n>]  the leaves
//   beside/<sha256>.json          evidence too long for its leaf
//   export.json                   the version of this layout; written first
//
// The public key is not in it: who verifies must have it from somewhere else.
#pragma once

#include <cstdint>
#include <string>

#include "engine/base/result.h"
#include "runtime/audit/log_reader.h"
#include "runtime/env/file_system.h"

namespace rescind {

inline constexpr int kExportVersion = 1;
inline constexpr const char* kExportManifest = "export.json";
std::string ExportManifest();  // what is in it
inline constexpr const char* kExportCheckpoint = "checkpoint";

struct ExportReport {
  uint64_t entry_count = 0;
  uint64_t file_count = 0;
};

// Writes the log as `checkpoint` (a signed note) covers it into `folder`, which must not exist.
// The folder appears when all of it is written; until then it is `folder`.unfinished, and what an
// export that was cut off left there is replaced. kInvalidInput when something else is there, or
// `folder` is a link. Leaves are hashed again: kCorrupt when they are not those of the checkpoint.
Result<ExportReport> ExportLog(const LogReader& reader, const std::string& checkpoint,
                               const std::string& folder, FileSystem& files);

}  // namespace rescind
