// Three calls of git: `rev-parse` names the commit, `ls-tree` lists what lies below the folder,
// `cat-file --batch` answers "OBJECT blob SIZE\n" and the bytes, for as many objects as are asked.
#include "runtime/service/git_files.h"

#include <fmt/format.h>
#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstring>
#include <span>
#include <utility>

#include "runtime/service/policy_files.h"

namespace rescind {
namespace {

constexpr uint64_t kMostTreeBytes = uint64_t{256} << 20;
constexpr uint64_t kMostBlobBytes = uint64_t{64} << 20;
constexpr std::chrono::milliseconds kTimeLimit{60'000};

class TextFile final : public ReadableFile {
 public:
  explicit TextFile(std::string text) : text_(std::move(text)) {}
  Result<size_t> Read(std::span<char> bytes) override {
    const size_t count = std::min(bytes.size(), text_.size() - position_);
    std::memcpy(bytes.data(), text_.data() + position_, count);
    position_ += count;
    return count;
  }

 private:
  std::string text_;
  size_t position_ = 0;
};

// git asks the user's own settings whether a repository of somebody else is to be trusted.
std::string HomeFolder() {
  const passwd* user = getpwuid(getuid());
  return user && user->pw_dir ? user->pw_dir : "/";
}

std::string FirstLine(std::string_view text) {
  return std::string(text.substr(0, text.find('\n')));
}

Error NoSuchFile(const std::string& path, const std::string& commit) {
  return {ErrorKind::kNotFound, fmt::format("{} is not in commit {}", path, commit.substr(0, 12)),
          ""};
}

Error Unchangeable(const std::string& path) {
  return {ErrorKind::kUnsupported, fmt::format("{}: a commit cannot be changed", path), ""};
}

// "100644 blob 6cd5… 120\tpolicies/stale.rescind": mode, kind, object, size, path.
bool SplitEntry(std::string_view entry, std::vector<std::string_view>& words,
                std::string_view& path) {
  const size_t tab = entry.find('\t');
  if (tab == std::string_view::npos) return false;
  path = entry.substr(tab + 1);
  std::string_view head = entry.substr(0, tab);
  words.clear();
  while (!head.empty()) {
    const size_t end = std::min(head.find(' '), head.size());
    if (end > 0) words.push_back(head.substr(0, end));
    head.remove_prefix(std::min(end + 1, head.size()));
  }
  return words.size() == 4;
}

bool ParseCount(std::string_view text, uint64_t& count) {
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), count);
  return failure == std::errc() && end == text.data() + text.size();
}

}  // namespace

GitFiles::GitFiles(std::string folder, FileSystem& below, ProcessRunner& processes)
    : folder_(std::move(folder)),
      real_folder_(RealPath(folder_)),
      below_(below),
      processes_(processes) {}

Result<std::unique_ptr<GitFiles>> GitFiles::Open(const std::string& folder,
                                                 const std::string& revision,
                                                 const std::string& at_once, FileSystem& below,
                                                 ProcessRunner& processes) {
  std::unique_ptr<GitFiles> files(new GitFiles(folder, below, processes));
  if (revision.empty() || revision.starts_with('-')) {
    return Error{ErrorKind::kNotFound, fmt::format("'{}' is no revision", revision), ""};
  }
  RESCIND_ASSIGN(const std::string commit,
                 files->RunGit({"rev-parse", "--verify", revision + "^{commit}"}, "", 1024));
  files->commit_ = FirstLine(commit);
  RESCIND_TRY(files->ListTree());
  RESCIND_TRY(files->ReadAtOnce(at_once));
  return files;
}

Result<std::string> GitFiles::RunGit(std::vector<std::string> arguments, std::string input,
                                     uint64_t most_bytes) {
  ProcessRequest request;
  request.argv = {"git", "--no-pager", "-C", folder_};
  request.argv.insert(request.argv.end(), arguments.begin(), arguments.end());
  request.environment = {{"HOME", HomeFolder()},
                         {"LC_ALL", "C"},
                         {"GIT_TERMINAL_PROMPT", "0"},
                         {"GIT_NO_LAZY_FETCH", "1"}};
  request.input = std::move(input);
  request.time_limit = kTimeLimit;
  request.max_output_bytes = most_bytes;
  auto ran = processes_.Run(request);
  if (!ran.ok()) return std::move(ran).error().In("git");
  if (ran->end == ProcessEnd::kExited && ran->exit_status == 0) return std::move(ran->output);
  const std::string what = ran->end == ProcessEnd::kExited           ? FirstLine(ran->errors)
                           : ran->end == ProcessEnd::kOutputTooLarge ? "its answer is too long"
                                                                     : "it did not end by itself";
  return Error{ErrorKind::kNotFound, fmt::format("git {}: {}", arguments.front(), what), ""};
}

Status GitFiles::ListTree() {
  // Only what lies below the folder that git is started in, as paths from there on.
  RESCIND_ASSIGN(const std::string tree,
                 RunGit({"ls-tree", "-r", "-z", "--long", commit_}, "", kMostTreeBytes));
  std::vector<std::string_view> words;
  std::string_view rest = tree;
  while (!rest.empty()) {
    const size_t end = std::min(rest.find('\0'), rest.size());
    std::string_view path;
    const bool fits = SplitEntry(rest.substr(0, end), words, path);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (!fits || words[1] != "blob") continue;  // a repository within the repository
    Blob blob;
    blob.object = words[2];
    blob.regular = words[0].starts_with("100");
    if (ParseCount(words[3], blob.size_bytes)) blobs_.emplace(path, std::move(blob));
  }
  return {};
}

Status GitFiles::ReadAtOnce(const std::string& suffix) {
  std::string wanted;
  uint64_t most_bytes = 0;
  for (const auto& [path, blob] : blobs_) {
    if (!blob.regular || !path.ends_with(suffix) || blob.size_bytes > kMostBlobBytes) continue;
    wanted += blob.object + "\n";
    most_bytes += blob.size_bytes + 256;
  }
  if (wanted.empty()) return {};
  RESCIND_ASSIGN(const std::string answer, RunGit({"cat-file", "--batch"}, wanted, most_bytes));
  std::string_view rest = answer;
  while (!rest.empty()) {
    const size_t line_end = rest.find('\n');
    const std::string_view line = rest.substr(0, line_end);
    const size_t size_begin = line.rfind(' ') + 1;
    uint64_t size = 0;
    const bool fits = line_end != std::string_view::npos &&
                      ParseCount(line.substr(size_begin), size) &&
                      rest.size() - line_end > size + 1;
    if (!fits) {
      return Error{ErrorKind::kCorrupt, fmt::format("git cat-file answers \"{}\"", line), ""};
    }
    texts_[std::string(line.substr(0, line.find(' ')))] = rest.substr(line_end + 1, size);
    rest.remove_prefix(line_end + size + 2);
  }
  return {};
}

Result<std::string> GitFiles::ReadBlob(const Blob& blob) {
  const auto known = texts_.find(blob.object);
  if (known != texts_.end()) return known->second;
  return RunGit({"cat-file", "blob", blob.object}, "", kMostBlobBytes + 1);
}

std::optional<std::string> GitFiles::Inside(const std::string& path) const {
  for (const std::string& folder : {folder_, real_folder_}) {
    if (!IsInFolder(path, folder)) continue;
    const size_t length = folder == "/" ? 0 : folder.size();
    return path.substr(std::min(length + 1, path.size()));
  }
  return std::nullopt;
}

Result<std::unique_ptr<ReadableFile>> GitFiles::OpenForReading(const std::string& path) {
  const auto name = Inside(path);
  if (!name) return below_.OpenForReading(path);
  const auto blob = blobs_.find(*name);
  if (blob == blobs_.end() || !blob->second.regular) return NoSuchFile(path, commit_);
  RESCIND_ASSIGN(std::string text, ReadBlob(blob->second));
  return std::unique_ptr<ReadableFile>(new TextFile(std::move(text)));
}

Result<std::unique_ptr<ReadableFile>> GitFiles::OpenRegular(const std::string& path) {
  return Inside(path) ? OpenForReading(path) : below_.OpenRegular(path);
}

Result<FileInfo> GitFiles::Stat(const std::string& path) {
  const auto name = Inside(path);
  if (!name) return below_.Stat(path);
  if (name->empty()) return FileInfo{FileKind::kDirectory, 0, 0755};
  if (const auto blob = blobs_.find(*name); blob != blobs_.end()) {
    if (!blob->second.regular) {
      return Error{ErrorKind::kUnsupported,
                   fmt::format("{}: links are not followed in a commit", path), ""};
    }
    return FileInfo{FileKind::kRegular, blob->second.size_bytes, kPublicMode};
  }
  const auto below = blobs_.lower_bound(*name + "/");
  if (below != blobs_.end() && below->first.starts_with(*name + "/")) {
    return FileInfo{FileKind::kDirectory, 0, 0755};
  }
  return NoSuchFile(path, commit_);
}

Result<std::vector<TreeEntry>> GitFiles::ListTree(const std::string& directory) {
  const auto name = Inside(directory);
  if (!name) return below_.ListTree(directory);
  const std::string prefix = name->empty() ? "" : *name + "/";
  std::vector<TreeEntry> found;
  for (const auto& [path, blob] : blobs_) {
    if (!path.starts_with(prefix)) continue;
    const std::string relative = path.substr(prefix.size());
    const bool hidden = relative.starts_with('.') || relative.find("/.") != std::string::npos;
    if (hidden) continue;
    found.push_back({directory + "/" + relative,
                     blob.regular ? TreeEntry::Kind::kRegular : TreeEntry::Kind::kLink});
  }
  return found;
}

Result<std::vector<OddEntry>> GitFiles::FindOdd(const std::string& path) {
  const auto name = Inside(path);
  if (!name) return below_.FindOdd(path);
  std::vector<OddEntry> found;
  for (const auto& [blob_path, blob] : blobs_) {
    if (blob.regular) continue;
    if (blob_path == *name) found.push_back({path, true});
    const std::string prefix = name->empty() ? "" : *name + "/";
    if (blob_path.starts_with(prefix)) {
      found.push_back({path + "/" + blob_path.substr(prefix.size()), true});
    }
  }
  return found;
}

Result<std::unique_ptr<WritableFile>> GitFiles::Create(const std::string& path, uint32_t) {
  return Unchangeable(path);
}
Status GitFiles::Rename(const std::string& from, const std::string&) { return Unchangeable(from); }
Result<bool> GitFiles::RenameToFree(const std::string& from, const std::string&) {
  return Unchangeable(from);
}
Status GitFiles::SyncDirectory(const std::string& directory) { return Unchangeable(directory); }
Status GitFiles::Remove(const std::string& path) { return Unchangeable(path); }
Result<OutputPlace> GitFiles::FindOutput(const std::string& path) { return Unchangeable(path); }
Result<std::unique_ptr<WritableFile>> GitFiles::OpenForWriting(const OutputPlace& place) {
  return Unchangeable(place.path);
}
Status GitFiles::RemoveRecursively(const std::string& path) { return Unchangeable(path); }
Status GitFiles::MakeDirectories(const std::string& path, uint32_t) { return Unchangeable(path); }
Result<std::unique_ptr<FileLock>> GitFiles::Lock(const std::string& path) {
  return Unchangeable(path);
}
Result<std::unique_ptr<FileLock>> GitFiles::LockShared(const std::string& path) {
  return Unchangeable(path);
}
Result<uint64_t> GitFiles::FreeBytes(const std::string& path) { return Unchangeable(path); }

}  // namespace rescind
