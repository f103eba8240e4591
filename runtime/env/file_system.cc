// WriteAtomically("data/plan.json"): create "data/.plan.json.3f9c….new" with the final mode,
// append, fsync, rename over "data/plan.json", fsync "data". Each step may fail; until the rename
// the old file is whole, afterwards the new one is, and the temporary one is removed on the way
// out.
#include "runtime/env/file_system.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>

#include "runtime/env/temporary_name.h"

namespace rescind {
namespace {

constexpr size_t kReadChunkBytes = size_t{256} << 10;

std::string DirectoryOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

ErrorKind KindOf(int error_number) {
  switch (error_number) {
    case ENOENT:
    case ENOTDIR: return ErrorKind::kNotFound;
    case EACCES:
    case EPERM:
    case EROFS: return ErrorKind::kDenied;
    case EISDIR:
    case ENAMETOOLONG:
    case ELOOP:
    case EINVAL: return ErrorKind::kInvalidInput;
    default: return ErrorKind::kIo;
  }
}

std::string HelpFor(int error_number) {
  switch (error_number) {
    case ENOENT: return "check the spelling and the folder it is relative to";
    case ENOTDIR: return "a part of this path is a file, not a folder";
    case EISDIR: return "name a file, not a folder";
    case EACCES:
    case EPERM: return "check owner and mode of the file and of the folders above it";
    case EROFS: return "the file system is mounted read-only";
    case ENOSPC:
    case EDQUOT: return "free space on this disk and run the command again";
    case EMFILE:
    case ENFILE: return "raise the limit of open files (ulimit -n)";
    case EIO: return "the disk reports an error; look at the system log";
    case EEXIST: return "remove it or choose another name";
    default: return "";
  }
}

Error TooLong(const std::string& path, uint64_t limit_bytes) {
  return {ErrorKind::kInvalidInput, fmt::format("{} is longer than {} bytes", path, limit_bytes),
          "check that it is the file that you meant"};
}

}  // namespace

Error SystemCallError(std::string_view verb, std::string_view path, int error_number) {
  if (path.empty()) {
    return {KindOf(error_number), fmt::format("cannot {} \"\": the name is empty", verb),
            "give the name of a file or folder"};
  }
  return {KindOf(error_number),
          fmt::format("cannot {} {}: {}", verb, path, std::strerror(error_number)),
          HelpFor(error_number)};
}

Result<std::vector<std::string>> FileSystem::ListRecursively(const std::string& directory,
                                                             const std::string& suffix) {
  RESCIND_ASSIGN(auto entries, ListTree(directory));
  std::vector<std::string> found;
  for (TreeEntry& entry : entries) {
    if (entry.kind == TreeEntry::Kind::kOther || !entry.path.ends_with(suffix)) continue;
    if (entry.kind == TreeEntry::Kind::kLink) {
      const auto target = Stat(entry.path);
      if (!target.ok() || target->kind != FileKind::kRegular) continue;
    }
    found.push_back(std::move(entry.path));
  }
  return found;
}

Result<std::string> FileSystem::Read(const std::string& path, uint64_t limit_bytes) {
  const auto info = Stat(path);
  if (info.ok() && info->kind == FileKind::kRegular && info->size_bytes > limit_bytes) {
    return TooLong(path, limit_bytes);
  }
  RESCIND_ASSIGN(const auto file, OpenRegular(path));
  std::string bytes;
  while (true) {
    const size_t filled = bytes.size();
    bytes.resize(filled + kReadChunkBytes);
    RESCIND_ASSIGN(const size_t count,
                   file->Read(std::span(bytes).subspan(filled, kReadChunkBytes)));
    bytes.resize(filled + count);
    if (bytes.size() > limit_bytes) return TooLong(path, limit_bytes);
    if (count == 0) break;
  }
  bytes.shrink_to_fit();
  return bytes;
}

Status FileSystem::WriteAtomically(const std::string& path, std::string_view bytes, uint32_t mode) {
  const std::string temporary = TemporaryBeside(path);
  auto write = [&]() -> Status {
    RESCIND_ASSIGN(const auto file, Create(temporary, mode));
    RESCIND_TRY(file->Append(bytes));
    RESCIND_TRY(file->Sync());
    RESCIND_TRY(file->Close());
    return Rename(temporary, path);
  };
  if (Status written = write(); !written.ok()) {
    // Best effort: a left-over begins with a dot, so nothing takes it for the real file.
    static_cast<void>(Remove(temporary));
    return AboutName(std::move(written).error(), temporary, path);
  }
  return SyncDirectory(DirectoryOf(path));
}

Status FileSystem::WriteOutput(const std::string& path, std::string_view bytes, uint32_t mode) {
  RESCIND_ASSIGN(const OutputPlace place, FindOutput(path));
  if (place.is_replaceable) return WriteAtomically(place.path, bytes, mode);
  RESCIND_ASSIGN(const auto file, OpenForWriting(place));
  RESCIND_TRY(file->Append(bytes));
  return file->Close();
}

}  // namespace rescind
