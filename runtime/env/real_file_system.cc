// RealFileSystem: Linux system calls, each failure with its path.
#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <limits>
#include <optional>
#include <sstream>
#include <system_error>

#include "runtime/env/descriptor.h"
#include "runtime/env/file_system.h"

namespace rescind {
namespace {

int OpenRetrying(const std::string& path, int flags, mode_t mode = 0) {
  int number = -1;
  do {
    number = open(path.c_str(), flags | O_CLOEXEC, mode);
  } while (number < 0 && errno == EINTR);
  return number;
}

class RealReadableFile final : public ReadableFile {
 public:
  RealReadableFile(Descriptor descriptor, std::string path)
      : descriptor_(std::move(descriptor)), path_(std::move(path)) {}

  Result<size_t> Read(std::span<char> bytes) override {
    while (true) {
      const ssize_t count = read(descriptor_.number(), bytes.data(), bytes.size());
      if (count >= 0) return static_cast<size_t>(count);
      if (errno != EINTR) return SystemCallError("read", path_, errno);
    }
  }

 private:
  Descriptor descriptor_;
  std::string path_;
};

class RealWritableFile final : public WritableFile {
 public:
  RealWritableFile(Descriptor descriptor, std::string path)
      : descriptor_(std::move(descriptor)), path_(std::move(path)) {}

  Status Append(std::string_view bytes) override {
    while (!bytes.empty()) {
      const ssize_t count = write(descriptor_.number(), bytes.data(), bytes.size());
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) return SystemCallError("write", path_, errno);
      bytes.remove_prefix(static_cast<size_t>(count));
    }
    return {};
  }

  Status Sync() override {
    if (fsync(descriptor_.number()) != 0) return SystemCallError("sync", path_, errno);
    return {};
  }

  Status Close() override {
    // After EINTR Linux has closed it all the same: never again.
    if (close(descriptor_.Release()) != 0 && errno != EINTR) {
      return SystemCallError("close", path_, errno);
    }
    return {};
  }

 private:
  Descriptor descriptor_;
  std::string path_;
};

class RealFileLock final : public FileLock {
 public:
  explicit RealFileLock(Descriptor descriptor) : descriptor_(std::move(descriptor)) {}

 private:
  Descriptor descriptor_;  // closing it frees the lock
};

FileKind KindOf(mode_t mode) {
  if (S_ISREG(mode)) return FileKind::kRegular;
  return S_ISDIR(mode) ? FileKind::kDirectory : FileKind::kOther;
}

// The kernel's list has lines such as "2: FLOCK  ADVISORY  READ  4711 00:1f:8052 0 EOF": process,
// device and inode. Only who locks alone has written its pid into the file.
std::string HolderOf(int lock_descriptor) {
  struct stat info = {};
  std::ifstream locks("/proc/locks");
  const bool known = fstat(lock_descriptor, &info) == 0;
  for (std::string line; known && std::getline(locks, line);) {
    std::istringstream words(line);
    std::string number, kind, rule, access, pid, inode;
    words >> number >> kind >> rule >> access >> pid >> inode;
    if (kind == "FLOCK" && inode.ends_with(fmt::format(":{}", info.st_ino))) return pid;
  }
  char text[32] = {};
  const ssize_t count = pread(lock_descriptor, text, sizeof(text) - 1, 0);
  std::string holder(text, count > 0 ? static_cast<size_t>(count) : 0);
  while (!holder.empty() && holder.back() == '\n') holder.pop_back();
  return holder.empty() ? "unknown" : holder;
}

Status TakeLock(const Descriptor& descriptor, const std::string& path, int operation) {
  if (flock(descriptor.number(), operation | LOCK_NB) == 0) return {};
  if (errno != EWOULDBLOCK) return SystemCallError("lock", path, errno);
  return Error{ErrorKind::kBusy,
               fmt::format("{} is locked by process {}", path, HolderOf(descriptor.number())),
               "wait until that process has ended, or stop it"};
}

constexpr int kMostLinks = 40;  // as Linux does
constexpr const char* kOwnDescriptors = "/proc/self/fd";

// "a/b" -> "a", with its links followed.
std::filesystem::path FolderOf(const std::filesystem::path& path) {
  std::error_code failure;
  const std::filesystem::path folder = path.parent_path().empty() ? "." : path.parent_path();
  return std::filesystem::weakly_canonical(folder, failure);
}

// The next entry; null at the end. What the disk does not give back is not the end.
Result<const dirent*> NextEntry(DIR* stream, const std::string& folder) {
  errno = 0;
  const dirent* const entry = readdir(stream);
  if (entry == nullptr && errno != 0) return SystemCallError("list", folder, errno);
  return entry;
}

// The number in /dev/fd/1 and /proc/self/fd/1; nothing for every other path.
std::optional<int> OwnDescriptor(const std::filesystem::path& path) {
  std::error_code failure;
  const auto own = std::filesystem::canonical(kOwnDescriptors, failure);
  if (failure || FolderOf(path) != own) return std::nullopt;
  const std::string name = path.filename().string();
  int number = -1;
  const auto [end, problem] = std::from_chars(name.data(), name.data() + name.size(), number);
  if (problem != std::errc() || end != name.data() + name.size()) return std::nullopt;
  return number;
}

struct Followed {
  std::string place;
  std::optional<int> descriptor;  // of this process, which no link is followed behind
};

Result<Followed> FollowLinks(std::string_view verb, const std::string& path) {
  std::filesystem::path place = path;
  for (int links = 0;; ++links) {
    const auto own = OwnDescriptor(place);
    std::error_code failure;
    if (own || !std::filesystem::is_symlink(std::filesystem::symlink_status(place, failure))) {
      return Followed{place.string(), own};
    }
    const auto target = std::filesystem::read_symlink(place, failure);
    if (failure) return SystemCallError(verb, path, failure.value());
    if (links == kMostLinks) return SystemCallError(verb, path, ELOOP);
    place = target.is_absolute() ? target : place.parent_path() / target;
  }
}

Error NotRegular(const std::string& path, mode_t mode) {
  const char* what = "a device";
  if (S_ISFIFO(mode)) what = "a FIFO";
  if (S_ISSOCK(mode)) what = "a socket";
  return {ErrorKind::kInvalidInput,
          fmt::format("cannot read {}: it is {}, no regular file", path, what),
          "put a regular file there, or name another"};
}

}  // namespace

Result<OutputPlace> RealFileSystem::FindOutput(const std::string& path) {
  struct stat info = {};
  // First as the kernel does it, which refuses links that strangers have put into /tmp.
  const bool exists = stat(path.c_str(), &info) == 0;
  if (!exists && errno != ENOENT) return SystemCallError("write", path, errno);
  if (exists && S_ISDIR(info.st_mode)) return SystemCallError("write", path, EISDIR);
  RESCIND_ASSIGN(const Followed followed, FollowLinks("write", path));
  return OutputPlace{followed.place, !followed.descriptor && (!exists || S_ISREG(info.st_mode)),
                     followed.descriptor};
}

Result<std::unique_ptr<WritableFile>> RealFileSystem::OpenForWriting(const OutputPlace& place) {
  // What is open already goes on where it is: opened anew, a file would be written from its start.
  const auto own = OwnDescriptor(place.path);
  Descriptor descriptor(own ? fcntl(*own, F_DUPFD_CLOEXEC, 0)
                            : OpenRetrying(place.path, O_WRONLY | O_NOCTTY));
  if (descriptor.number() < 0) return SystemCallError("write", place.path, errno);
  return std::unique_ptr<WritableFile>(
      std::make_unique<RealWritableFile>(std::move(descriptor), place.path));
}

Result<std::unique_ptr<ReadableFile>> RealFileSystem::OpenForReading(const std::string& path) {
  Descriptor descriptor(OpenRetrying(path, O_RDONLY));
  if (descriptor.number() < 0) return SystemCallError("read", path, errno);
  struct stat info = {};
  if (fstat(descriptor.number(), &info) == 0 && S_ISDIR(info.st_mode)) {
    return SystemCallError("read", path, EISDIR);
  }
  return std::unique_ptr<ReadableFile>(
      std::make_unique<RealReadableFile>(std::move(descriptor), path));
}

Result<std::unique_ptr<ReadableFile>> RealFileSystem::OpenRegular(const std::string& path) {
  struct stat info = {};
  // Without O_NONBLOCK a FIFO would keep this process until somebody writes.
  Descriptor descriptor(OpenRetrying(path, O_RDONLY | O_NONBLOCK | O_NOCTTY));
  if (!descriptor.open()) {
    const int failure = errno;  // ENXIO: nobody can open a socket
    const bool is_odd = failure == ENXIO && stat(path.c_str(), &info) == 0;
    return is_odd ? NotRegular(path, info.st_mode) : SystemCallError("read", path, failure);
  }
  if (fstat(descriptor.number(), &info) != 0) return SystemCallError("read", path, errno);
  if (S_ISDIR(info.st_mode)) return SystemCallError("read", path, EISDIR);
  if (!S_ISREG(info.st_mode)) {
    RESCIND_ASSIGN(const Followed followed, FollowLinks("read", path));
    if (!followed.descriptor) return NotRegular(path, info.st_mode);
    // Whoever writes to it may take their time.
    if (fcntl(descriptor.number(), F_SETFL, 0) != 0) return SystemCallError("read", path, errno);
  }
  return std::unique_ptr<ReadableFile>(
      std::make_unique<RealReadableFile>(std::move(descriptor), path));
}

Result<std::unique_ptr<WritableFile>> RealFileSystem::Create(const std::string& path,
                                                             uint32_t mode) {
  Descriptor descriptor(OpenRetrying(path, O_WRONLY | O_CREAT | O_EXCL, mode));
  if (descriptor.number() < 0) return SystemCallError("create", path, errno);
  if (fchmod(descriptor.number(), mode) != 0) return SystemCallError("set mode of", path, errno);
  return std::unique_ptr<WritableFile>(
      std::make_unique<RealWritableFile>(std::move(descriptor), path));
}

Status RealFileSystem::Rename(const std::string& from, const std::string& to) {
  if (rename(from.c_str(), to.c_str()) != 0) return SystemCallError("replace", to, errno);
  return {};
}

Result<bool> RealFileSystem::RenameToFree(const std::string& from, const std::string& to) {
  if (renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) == 0) return true;
  if (errno == EEXIST) return false;
  if (errno != EINVAL && errno != ENOSYS) return SystemCallError("create", to, errno);
  // The disk cannot do both in one step.
  struct stat info = {};
  if (lstat(to.c_str(), &info) == 0) return false;
  RESCIND_TRY(Rename(from, to));
  return true;
}

Status RealFileSystem::SyncDirectory(const std::string& directory) {
  const Descriptor descriptor(OpenRetrying(directory, O_RDONLY | O_DIRECTORY));
  if (descriptor.number() < 0 || fsync(descriptor.number()) != 0) {
    return SystemCallError("sync", directory, errno);
  }
  return {};
}

Status RealFileSystem::Remove(const std::string& path) {
  if (remove(path.c_str()) != 0) return SystemCallError("remove", path, errno);
  return {};
}

Status RealFileSystem::RemoveRecursively(const std::string& path) {
  std::error_code failure;
  std::filesystem::remove_all(path, failure);
  if (failure) return SystemCallError("remove", path, failure.value());
  return {};
}

Status RealFileSystem::MakeDirectories(const std::string& path, uint32_t mode) {
  // One level after the other: "a/b/c" makes a, a/b, a/b/c.
  for (size_t end = path.find('/', 1);; end = path.find('/', end + 1)) {
    const std::string level = path.substr(0, end);
    if (!level.empty() && mkdir(level.c_str(), mode) != 0 && errno != EEXIST) {
      return SystemCallError("make folder", level, errno);
    }
    if (end == std::string::npos) break;
  }
  RESCIND_ASSIGN(const FileInfo info, Stat(path));
  if (info.kind != FileKind::kDirectory) return SystemCallError("make folder", path, ENOTDIR);
  return {};
}

Result<FileInfo> RealFileSystem::Stat(const std::string& path) {
  struct stat info = {};
  if (stat(path.c_str(), &info) != 0) return SystemCallError("read", path, errno);
  return FileInfo{KindOf(info.st_mode), static_cast<uint64_t>(info.st_size),
                  static_cast<uint32_t>(info.st_mode & 07777)};
}

Result<std::vector<TreeEntry>> RealFileSystem::ListTree(const std::string& directory) {
  std::vector<TreeEntry> found;
  std::vector<std::string> pending = {directory};
  while (!pending.empty()) {
    const std::string folder = std::move(pending.back());
    pending.pop_back();
    DIR* stream = opendir(folder.c_str());
    if (stream == nullptr) return SystemCallError("list", folder, errno);
    const std::unique_ptr<DIR, int (*)(DIR*)> closer(stream, closedir);
    while (true) {
      RESCIND_ASSIGN(const dirent* const entry, NextEntry(stream, folder));
      if (entry == nullptr) break;
      const std::string name = entry->d_name;
      if (name.front() == '.') continue;
      std::string path = folder + "/" + name;
      struct stat own = {};
      if (lstat(path.c_str(), &own) != 0) {
        if (errno == ENOENT) continue;  // removed while we read
        return SystemCallError("read", path, errno);
      }
      if (S_ISDIR(own.st_mode)) {
        pending.push_back(std::move(path));
        continue;
      }
      const auto kind = S_ISREG(own.st_mode)   ? TreeEntry::Kind::kRegular
                        : S_ISLNK(own.st_mode) ? TreeEntry::Kind::kLink
                                               : TreeEntry::Kind::kOther;
      found.push_back({std::move(path), kind});
    }
  }
  std::sort(found.begin(), found.end(),
            [](const TreeEntry& a, const TreeEntry& b) { return a.path < b.path; });
  return found;
}

Result<std::vector<OddEntry>> RealFileSystem::FindOdd(const std::string& path) {
  std::vector<OddEntry> found;
  std::vector<std::string> pending = {path};
  while (!pending.empty()) {
    const std::string place = std::move(pending.back());
    pending.pop_back();
    struct stat own = {};
    if (lstat(place.c_str(), &own) != 0) {
      if (errno == ENOENT) continue;
      return SystemCallError("read", place, errno);
    }
    if (S_ISREG(own.st_mode)) continue;
    if (!S_ISDIR(own.st_mode)) {
      found.push_back({place, S_ISLNK(own.st_mode)});
      continue;
    }
    DIR* stream = opendir(place.c_str());
    if (stream == nullptr) return SystemCallError("list", place, errno);
    const std::unique_ptr<DIR, int (*)(DIR*)> closer(stream, closedir);
    while (true) {
      RESCIND_ASSIGN(const dirent* const entry, NextEntry(stream, place));
      if (entry == nullptr) break;
      const std::string_view name = entry->d_name;
      if (name != "." && name != "..") pending.push_back(fmt::format("{}/{}", place, name));
    }
  }
  std::sort(found.begin(), found.end(),
            [](const OddEntry& a, const OddEntry& b) { return a.path < b.path; });
  return found;
}

Result<std::unique_ptr<FileLock>> RealFileSystem::Lock(const std::string& path) {
  Descriptor descriptor(OpenRetrying(path, O_RDWR | O_CREAT, kPrivateMode));
  if (descriptor.number() < 0) return SystemCallError("lock", path, errno);
  RESCIND_TRY(TakeLock(descriptor, path, LOCK_EX));
  const std::string holder = fmt::format("{}\n", getpid());
  if (ftruncate(descriptor.number(), 0) != 0 ||
      pwrite(descriptor.number(), holder.data(), holder.size(), 0) < 0) {
    return SystemCallError("write", path, errno);
  }
  return std::unique_ptr<FileLock>(std::make_unique<RealFileLock>(std::move(descriptor)));
}

Result<std::unique_ptr<FileLock>> RealFileSystem::LockShared(const std::string& path) {
  int number = OpenRetrying(path, O_RDONLY);
  if (number < 0 && errno == ENOENT) number = OpenRetrying(path, O_RDONLY | O_CREAT, kPrivateMode);
  if (number < 0) return SystemCallError("lock", path, errno);
  Descriptor descriptor(number);
  RESCIND_TRY(TakeLock(descriptor, path, LOCK_SH));
  return std::unique_ptr<FileLock>(std::make_unique<RealFileLock>(std::move(descriptor)));
}

Result<uint64_t> RealFileSystem::FreeBytes(const std::string& path) {
  struct statvfs info = {};
  if (statvfs(path.c_str(), &info) != 0) return SystemCallError("look at the disk of", path, errno);
  // Some network and memory file systems do not say.
  if (info.f_blocks == 0) return std::numeric_limits<uint64_t>::max();
  return uint64_t{info.f_bavail} * info.f_frsize;
}

}  // namespace rescind
