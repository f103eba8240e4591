// FileSystem: how the runtime reads and writes files outside RocksDB (policies, plans, secrets,
// workspace files, audit tiles).
//
// The virtual functions are the seam: RealFileSystem calls the operating system,
// FaultyFileSystem (faulty_file_system.h) fails where a test wants it. What is composed from
// them (WriteAtomically) is not virtual, so that tests run the production code.
// Every error names the path and says how to mend it. Paths are used as given.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"

namespace rescind {

// A file being read from its beginning.
class ReadableFile {
 public:
  virtual ~ReadableFile() = default;
  // Reads up to bytes.size() bytes; 0 means the end. Short reads happen.
  virtual Result<size_t> Read(std::span<char> bytes) = 0;
};

// A file being written. Destroying it without Close() closes it and drops errors.
class WritableFile {
 public:
  virtual ~WritableFile() = default;
  virtual Status Append(std::string_view bytes) = 0;  // all of it or an error
  virtual Status Sync() = 0;                          // durable once it returns
  virtual Status Close() = 0;
};

// Held while it lives. The lock file itself stays.
class FileLock {
 public:
  virtual ~FileLock() = default;
};

enum class FileKind { kRegular, kDirectory, kOther };

struct FileInfo {
  FileKind kind = FileKind::kOther;
  uint64_t size_bytes = 0;
  uint32_t mode = 0;  // permission bits only
};

// Neither a regular file nor a folder.
struct OddEntry {
  std::string path;
  bool is_link = false;  // else a FIFO, a device or a socket
};

// What lies in a folder and is none itself.
struct TreeEntry {
  std::string path;
  enum class Kind { kRegular, kLink, kOther } kind = Kind::kRegular;
};

// Where something goes that a person wants written to a path.
struct OutputPlace {
  std::string path;  // behind every symbolic link
  // A regular file or nothing yet. Otherwise a device, FIFO or socket, or a file that this process
  // has open already (/dev/stdout): written to, never replaced.
  bool is_replaceable = true;
  std::optional<int> descriptor;  // what this process has open already
};

inline constexpr uint32_t kPrivateMode = 0600;
inline constexpr uint32_t kPublicMode = 0644;

class FileSystem {
 public:
  virtual ~FileSystem() = default;

  // Whatever it is. A FIFO waits for its writer.
  virtual Result<std::unique_ptr<ReadableFile>> OpenForReading(const std::string& path) = 0;
  // For what is read whole: a regular file, or what this process has open already (/dev/stdin, and
  // /dev/fd/63 of a shell's `<(…)`). A FIFO, device or socket is kInvalidInput, without waiting.
  virtual Result<std::unique_ptr<ReadableFile>> OpenRegular(const std::string& path) = 0;
  // Creates a file that must not exist, with exactly `mode` whatever the umask.
  virtual Result<std::unique_ptr<WritableFile>> Create(const std::string& path, uint32_t mode) = 0;
  virtual Status Rename(const std::string& from, const std::string& to) = 0;
  // Renames where nothing has the name `to`, not even a link that leads nowhere; false: something
  // has it, and all is as it was. Of two that ask at once, one gets it.
  virtual Result<bool> RenameToFree(const std::string& from, const std::string& to) = 0;
  // Makes creations, renames and removals in that directory durable.
  virtual Status SyncDirectory(const std::string& directory) = 0;
  virtual Status Remove(const std::string& path) = 0;
  virtual Status RemoveRecursively(const std::string& path) = 0;
  // What writing to `path` means, symbolic links followed. A folder is kInvalidInput.
  virtual Result<OutputPlace> FindOutput(const std::string& path) = 0;
  // Opens what is not replaceable. A FIFO waits for its reader.
  virtual Result<std::unique_ptr<WritableFile>> OpenForWriting(const OutputPlace& place) = 0;
  // With its parents; an existing directory is fine.
  virtual Status MakeDirectories(const std::string& path, uint32_t mode) = 0;
  // Follows symbolic links.
  virtual Result<FileInfo> Stat(const std::string& path) = 0;
  // What is no folder below `directory`, as directory + "/" + relative path, sorted by bytes. Names
  // that begin with a dot are passed over, and no hidden folder is entered; symbolic links are not
  // followed. A folder that cannot be read is an error.
  virtual Result<std::vector<TreeEntry>> ListTree(const std::string& directory) = 0;
  // What is neither a regular file nor a folder, at `path` itself and below it, hidden names too.
  // Symbolic links are not followed. Nothing when nothing is there. Sorted by bytes.
  virtual Result<std::vector<OddEntry>> FindOdd(const std::string& path) = 0;
  // Takes an exclusive lock, creating the lock file with mode 0600. Held by another process:
  // kBusy, naming the pid found in the file. The kernel frees it when the holder dies.
  virtual Result<std::unique_ptr<FileLock>> Lock(const std::string& path) = 0;
  // The same, but shared with others that take it so. Writes nothing, unless the lock file is
  // missing.
  virtual Result<std::unique_ptr<FileLock>> LockShared(const std::string& path) = 0;
  // Bytes that can still be written to the disk of an existing file or folder. Quotas are unknown
  // to it.
  virtual Result<uint64_t> FreeBytes(const std::string& path) = 0;

  bool Exists(const std::string& path) { return Stat(path).ok(); }
  // Regular files of ListTree whose name ends in `suffix`, and links to such. Links to directories
  // are passed over: they could form a circle.
  Result<std::vector<std::string>> ListRecursively(const std::string& directory,
                                                   const std::string& suffix);
  // The whole file, opened by OpenRegular; kInvalidInput when it is longer than `limit_bytes`.
  Result<std::string> Read(const std::string& path, uint64_t limit_bytes);
  // After it returns, `path` holds `bytes` durably; after a crash or an error it holds what it
  // held before, or `bytes`, never a part. A symbolic link is replaced, not followed.
  Status WriteAtomically(const std::string& path, std::string_view bytes,
                         uint32_t mode = kPrivateMode);
  // For a path that a person gives: atomic where there is a regular file or nothing, behind
  // symbolic links; a device or FIFO is written to as it stands, and may then have got a part.
  Status WriteOutput(const std::string& path, std::string_view bytes, uint32_t mode = kPrivateMode);
};

class RealFileSystem final : public FileSystem {
 public:
  Result<std::unique_ptr<ReadableFile>> OpenForReading(const std::string& path) override;
  Result<std::unique_ptr<ReadableFile>> OpenRegular(const std::string& path) override;
  Result<std::unique_ptr<WritableFile>> Create(const std::string& path, uint32_t mode) override;
  Status Rename(const std::string& from, const std::string& to) override;
  Result<bool> RenameToFree(const std::string& from, const std::string& to) override;
  Status SyncDirectory(const std::string& directory) override;
  Status Remove(const std::string& path) override;
  Result<OutputPlace> FindOutput(const std::string& path) override;
  Result<std::unique_ptr<WritableFile>> OpenForWriting(const OutputPlace& place) override;
  Status RemoveRecursively(const std::string& path) override;
  Status MakeDirectories(const std::string& path, uint32_t mode) override;
  Result<FileInfo> Stat(const std::string& path) override;
  Result<std::vector<TreeEntry>> ListTree(const std::string& directory) override;
  Result<std::vector<OddEntry>> FindOdd(const std::string& path) override;
  Result<std::unique_ptr<FileLock>> Lock(const std::string& path) override;
  Result<std::unique_ptr<FileLock>> LockShared(const std::string& path) override;
  Result<uint64_t> FreeBytes(const std::string& path) override;
};

// The Error for a failed system call: "cannot <verb> <path>: <reason>", with a remedy.
Error SystemCallError(std::string_view verb, std::string_view path, int error_number);

}  // namespace rescind
