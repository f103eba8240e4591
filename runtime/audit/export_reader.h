// ExportReader: the entries of an exported log, read from its folder.
//
// It proves nothing: whoever wants to know that these are the entries that were signed verifies the
// folder first (log_verify.h). What lies in it is read within limits, and nothing outside it.
#pragma once

#include <string>
#include <utility>

#include "engine/base/result.h"
#include "runtime/audit/checkpoint.h"
#include "runtime/audit/leaf_source.h"
#include "runtime/env/file_system.h"

namespace rescind {

// The folder without slashes at its end. kInvalidInput when it is no folder.
Result<std::string> ExportFolder(const std::string& given, FileSystem& files);
// Its checkpoint, as it claims to be.
Result<SignedCheckpoint> ReadExportCheckpoint(const std::string& folder, FileSystem& files);
// "put a copy of the file there, …": what to do about a link in the folder.
inline constexpr const char* kExportLinkRemedy =
    "put a copy of the file there, or fetch the export again from where it was made";

class ExportReader final : public LeafSource {
 public:
  // `files` must outlive it. kUnsupported when the folder is of another version's layout.
  static Result<ExportReader> Open(const std::string& folder, FileSystem& files);

  const std::string& origin() const { return checkpoint_.origin; }
  Result<uint64_t> Size() const override { return checkpoint_.size; }
  Status Scan(uint64_t from, const std::function<bool(uint64_t index, std::string_view leaf)>& take)
      const override;

 private:
  ExportReader(std::string folder, Checkpoint checkpoint, FileSystem& files)
      : folder_(std::move(folder)), checkpoint_(std::move(checkpoint)), files_(&files) {}

  std::string folder_;
  Checkpoint checkpoint_;
  FileSystem* files_;
};

}  // namespace rescind
