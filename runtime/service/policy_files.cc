#include "runtime/service/policy_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <set>
#include <utility>

#include "engine/syntax/parser.h"

namespace rescind {
namespace {

constexpr size_t kReadChunkBytes = size_t{64} << 10;

std::string Normal(const std::string& path) {
  std::string normal = std::filesystem::path(path).lexically_normal().string();
  while (normal.size() > 1 && normal.ends_with('/')) normal.pop_back();
  return normal;
}

// What keeps an entry from being read as a policy: empty where it is one, or is none at all.
std::string WhyNoPolicy(const TreeEntry& entry, FileSystem& files) {
  const bool is_named_so = entry.path.ends_with(kPolicySuffix);
  if (entry.kind == TreeEntry::Kind::kRegular) return "";
  if (entry.kind == TreeEntry::Kind::kOther) return is_named_so ? "is no regular file" : "";
  const auto target = files.Stat(entry.path);
  if (!target.ok()) {
    if (!is_named_so) return "";
    return target.error().kind == ErrorKind::kNotFound
               ? "is a symbolic link that leads nowhere"
               : fmt::format("is a symbolic link that cannot be followed: {}",
                             target.error().message);
  }
  if (target->kind == FileKind::kDirectory) {
    return "is a symbolic link to a folder, behind which no policy is read";
  }
  if (target->kind == FileKind::kRegular || !is_named_so) return "";
  return "is a symbolic link to what is no regular file";
}

// The policy files below `folder`. What only looks like one is an error: a policy that is passed
// over without a word protects nothing and takes nothing away.
Result<std::vector<std::string>> ListPolicies(const std::string& folder, FileSystem& files) {
  RESCIND_ASSIGN(auto entries, files.ListTree(folder));
  std::vector<std::string> paths;
  std::vector<std::string> problems;
  for (TreeEntry& entry : entries) {
    const std::string why = WhyNoPolicy(entry, files);
    if (!why.empty()) {
      problems.push_back(fmt::format("{} {}", entry.path, why));
    } else if (entry.path.ends_with(kPolicySuffix)) {
      paths.push_back(std::move(entry.path));
    }
  }
  if (problems.empty()) return paths;
  return Error{ErrorKind::kInvalidInput, fmt::format("{}", fmt::join(problems, "\n")),
               "put the policy files themselves there, or remove it"};
}

// Sorts by name and leaves out what is the same file under a second name.
void SortOnce(std::vector<PolicyFile>& found) {
  std::sort(found.begin(), found.end(),
            [](const PolicyFile& a, const PolicyFile& b) { return a.name < b.name; });
  std::set<std::string> seen;
  std::erase_if(found,
                [&](const PolicyFile& file) { return !seen.insert(RealPath(file.path)).second; });
}

}  // namespace

std::string RealPath(const std::string& path) {
  std::error_code failure;
  const auto real = std::filesystem::weakly_canonical(path, failure);
  if (!failure) return Normal(std::filesystem::absolute(real, failure).string());
  return Normal(std::filesystem::absolute(path, failure).string());
}

bool IsInFolder(std::string_view path, std::string_view folder) {
  if (folder == "/") return path.starts_with('/');
  return path.starts_with(folder) && (path.size() == folder.size() || path[folder.size()] == '/');
}

std::string NameInWorkspace(const Workspace& workspace, const std::string& path) {
  std::string normal = Normal(path);
  if (normal.size() <= workspace.folder.size() || !IsInFolder(normal, workspace.folder)) {
    return normal;
  }
  return normal.substr(workspace.folder == "/" ? 1 : workspace.folder.size() + 1);
}

Result<std::vector<PolicyFile>> FindPolicyFiles(const Workspace& workspace, FileSystem& files) {
  const std::string folder = Normal(workspace.policy_folder);
  const auto info = files.Stat(folder);
  if (!info.ok() || info->kind != FileKind::kDirectory) {
    if (info.ok() || info.error().kind == ErrorKind::kNotFound) {
      return Error{ErrorKind::kNotFound, fmt::format("there is no policy folder {}", folder),
                   fmt::format("make it, or mend `policies` in {}", kWorkspaceFileName)};
    }
    return info.error();
  }
  RESCIND_ASSIGN(const auto paths, ListPolicies(folder, files));
  std::vector<PolicyFile> found;
  const std::string root = RealPath(workspace.folder);
  const std::string own_folder = RealPath(folder);
  for (const std::string& path : paths) {
    // Whoever may write there would otherwise decide what is taken away here.
    const std::string real = RealPath(path);
    if (!IsInFolder(real, root) && !IsInFolder(real, own_folder)) {
      return Error{ErrorKind::kDenied,
                   fmt::format("{} is a symbolic link to {}, which lies outside of the workspace",
                               NameInWorkspace(workspace, path), real),
                   "copy the file into the workspace, or remove the link"};
    }
    found.push_back({NameInWorkspace(workspace, path), path});
  }
  SortOnce(found);
  return found;
}

Result<std::vector<PolicyFile>> FindPolicyFiles(const std::vector<std::string>& paths,
                                                const std::string& working_folder,
                                                FileSystem& files) {
  std::vector<PolicyFile> found;
  std::vector<std::string> problems;
  for (const std::string& typed : paths) {
    // Above the working folder a relative name would say little; and names are what the files of
    // lists and tables are found from.
    std::string name = Normal(typed);
    if (name == ".." || name.starts_with("../")) name = Normal(working_folder + "/" + name);
    if (name.starts_with("..")) name = RealPath(name);
    const bool from_here = name.starts_with('/') || working_folder == ".";
    const std::string path = from_here ? name : working_folder + "/" + name;
    const auto info = files.Stat(path);
    if (!info.ok()) {
      problems.push_back(info.error().message);
    } else if (info->kind == FileKind::kDirectory) {
      RESCIND_ASSIGN(const auto below, ListPolicies(path, files));
      for (const std::string& file : below) {
        found.push_back({Normal(name + file.substr(path.size())), file});
      }
    } else if (info->kind != FileKind::kRegular || !name.ends_with(kPolicySuffix)) {
      problems.push_back(fmt::format("{} is no policy file (*{})", name, kPolicySuffix));
    } else {
      found.push_back({name, path});
    }
  }
  if (!problems.empty()) {
    return Error{ErrorKind::kInvalidInput, fmt::format("{}", fmt::join(problems, "\n")),
                 "name policy files, or folders that hold them"};
  }
  SortOnce(found);
  return found;
}

std::string FolderOfAll(const std::vector<PolicyFile>& files) {
  if (files.empty()) return "";
  std::string folder = files[0].name.substr(0, files[0].name.rfind('/') + 1);
  for (const PolicyFile& file : files) {
    while (!file.name.starts_with(folder)) {
      folder.pop_back();
      folder.erase(folder.rfind('/') + 1);  // npos + 1 is 0
    }
  }
  return folder;
}

Result<std::string> ReadPolicyText(const std::string& path, FileSystem& files) {
  constexpr size_t kMost = SyntaxLimits::kFileBytes + 1;
  RESCIND_ASSIGN(const auto file, files.OpenRegular(path));
  std::string bytes;
  while (bytes.size() < kMost) {
    const size_t filled = bytes.size();
    bytes.resize(std::min(filled + kReadChunkBytes, kMost));
    auto count = file->Read(std::span(bytes).subspan(filled));
    if (!count.ok()) return std::move(count).error();
    bytes.resize(filled + *count);
    if (*count == 0) break;
  }
  return bytes;
}

}  // namespace rescind
