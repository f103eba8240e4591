#include "runtime/service/own_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <variant>

#include "runtime/audit/log_check.h"
#include "runtime/service/list_files.h"
#include "runtime/service/policy_files.h"

namespace rescind {
namespace {

// One place that something is to be written to, compared with others.
class Place {
 public:
  Place(const std::string& path, FileSystem& files) : files_(files) {
    // A link that leads nowhere yet is followed by who writes, but is no real path.
    const auto output = files.FindOutput(path);
    real_ = RealPath(output.ok() ? output->path : path);
  }

  const std::string& real() const { return real_; }

  bool Is(const std::string& file) const {
    return !file.empty() && (real_ == RealPath(file) || AreOne(real_, file));
  }
  bool LiesIn(const std::string& folder) const {
    if (folder.empty()) return false;
    if (IsInFolder(real_, RealPath(folder))) return true;
    for (std::filesystem::path above = real_; above.has_relative_path();) {
      above = above.parent_path();
      if (AreOne(above.string(), folder)) return true;
    }
    return false;
  }
  // By the endings of keys, as workspace_check.cc takes them.
  bool IsNamedBy(const ExecutorSettings& settings, const std::string& folder) const {
    for (const auto& [key, value] : settings) {
      if (const auto* words = std::get_if<std::vector<std::string>>(&value)) {
        if (key == "command" && IsNamedByCommand(*words, folder)) return true;
      } else if (const auto* name = std::get_if<std::string>(&value); name && !name->empty()) {
        if (key.ends_with("_file") && Is(PathUnder(folder, *name))) return true;
        if (key.ends_with("_folder") && LiesIn(PathUnder(folder, *name))) return true;
      }
    }
    return false;
  }

 private:
  // Also where names differ: in case on some disks, by a second mount, by a hard link.
  static bool AreOne(const std::string& left, const std::string& right) {
    std::error_code failure;
    return std::filesystem::equivalent(left, right, failure) && !failure;
  }
  // The program, also while it is not there yet, and files that it is given: ["sh", "revoke.sh"],
  // ["revoke", "--config=revoke.conf"].
  bool IsNamedByCommand(const std::vector<std::string>& words, const std::string& folder) const {
    const auto is_given = [&](const std::string& name) {
      const std::string path = PathUnder(folder, name);
      const auto info = files_.Stat(path);
      return info.ok() && info->kind == FileKind::kRegular && Is(path);
    };
    for (const std::string& word : words) {
      if (&word == &words.front() && word.find('/') != word.npos && Is(PathUnder(folder, word))) {
        return true;
      }
      if (is_given(word)) return true;
      const size_t equals = word.find('=');
      if (equals != word.npos && is_given(word.substr(equals + 1))) return true;
    }
    return false;
  }

  FileSystem& files_;
  std::string real_;
};

}  // namespace

bool IsOwnFile(const Workspace& workspace, const std::string& path, FileSystem& files,
               const std::vector<std::string>& more) {
  const Place place(path, files);
  const std::string& key = workspace.audit_key_file;
  if (place.Is(workspace.folder + "/" + kWorkspaceFileName) ||
      place.LiesIn(workspace.store_folder)) {
    return true;
  }
  if (!key.empty() &&
      (place.Is(key) || place.Is(AuditWitnessFile(key)) || place.Is(NextAuditKeyFile(key)))) {
    return true;
  }
  const bool holds_all = IsInFolder(RealPath(workspace.folder), RealPath(workspace.policy_folder));
  if (place.LiesIn(workspace.policy_folder) &&
      (!holds_all || place.real().ends_with(kPolicySuffix))) {
    return true;
  }
  for (const auto& [name, target] : workspace.targets) {
    if (place.IsNamedBy(target.settings, target.folder)) return true;
  }
  for (const auto& [name, channel] : workspace.channels) {
    if (place.IsNamedBy(channel.settings, channel.folder)) return true;
  }
  for (const std::string& file : more) {
    if (place.Is(file)) return true;
  }
  // Where nothing is, no list comes from: the policies are read for what may be one.
  const auto info = files.Stat(place.real());
  if (!info.ok() || info->kind != FileKind::kRegular) return false;
  const auto lists = ListFilesOf(workspace, files);
  return std::any_of(lists.begin(), lists.end(),
                     [&](const std::string& file) { return place.Is(file); });
}

Status RefuseOwnFile(const Workspace& workspace, const std::string& typed, const std::string& path,
                     FileSystem& files, const std::vector<std::string>& more) {
  if (!IsOwnFile(workspace, path, files, more)) return {};
  return Error{ErrorKind::kInvalidInput, fmt::format("{} belongs to the workspace itself", typed),
               "give the output a file of its own"};
}

}  // namespace rescind
