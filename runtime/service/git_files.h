// GitFiles: a folder as a commit of its git repository has it, to read policies of another time.
//
// Paths below the folder come from the commit, all others from the file system beneath. It writes
// nothing: neither files nor the repository. It knows nothing of policies.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "runtime/env/file_system.h"
#include "runtime/env/process.h"

namespace rescind {

class GitFiles final : public FileSystem {
 public:
  // `folder`: absolute, in a working tree. `revision`: whatever git takes for a commit. `below`
  // and `processes` outlive this. kNotFound when git knows no such commit, or no such repository.
  // Files that end in `at_once` are read now, in one go; the others when they are asked for.
  static Result<std::unique_ptr<GitFiles>> Open(const std::string& folder,
                                                const std::string& revision,
                                                const std::string& at_once, FileSystem& below,
                                                ProcessRunner& processes);

  const std::string& commit() const { return commit_; }  // 40 hex digits, or 64

  Result<std::unique_ptr<ReadableFile>> OpenForReading(const std::string& path) override;
  Result<std::unique_ptr<ReadableFile>> OpenRegular(const std::string& path) override;
  Result<FileInfo> Stat(const std::string& path) override;
  Result<std::vector<TreeEntry>> ListTree(const std::string& directory) override;
  Result<std::vector<OddEntry>> FindOdd(const std::string& path) override;

  // All refused: a commit does not change.
  Result<std::unique_ptr<WritableFile>> Create(const std::string& path, uint32_t mode) override;
  Status Rename(const std::string& from, const std::string& to) override;
  Result<bool> RenameToFree(const std::string& from, const std::string& to) override;
  Status SyncDirectory(const std::string& directory) override;
  Status Remove(const std::string& path) override;
  Result<OutputPlace> FindOutput(const std::string& path) override;
  Result<std::unique_ptr<WritableFile>> OpenForWriting(const OutputPlace& place) override;
  Status RemoveRecursively(const std::string& path) override;
  Status MakeDirectories(const std::string& path, uint32_t mode) override;
  Result<std::unique_ptr<FileLock>> Lock(const std::string& path) override;
  Result<std::unique_ptr<FileLock>> LockShared(const std::string& path) override;
  Result<uint64_t> FreeBytes(const std::string& path) override;

 private:
  struct Blob {
    std::string object;
    uint64_t size_bytes = 0;
    bool regular = true;  // else a symbolic link
  };

  GitFiles(std::string folder, FileSystem& below, ProcessRunner& processes);
  Result<std::string> RunGit(std::vector<std::string> arguments, std::string input,
                             uint64_t most_bytes);
  Status ListTree();
  Status ReadAtOnce(const std::string& suffix);
  Result<std::string> ReadBlob(const Blob& blob);
  // The path from the folder on; nullopt when it lies elsewhere.
  std::optional<std::string> Inside(const std::string& path) const;

  std::string folder_;
  std::string real_folder_;  // all symbolic links followed
  FileSystem& below_;
  ProcessRunner& processes_;
  std::string commit_;
  std::map<std::string, Blob> blobs_;         // by path from the folder on
  std::map<std::string, std::string> texts_;  // by object
};

}  // namespace rescind
