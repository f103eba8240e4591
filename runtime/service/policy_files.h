// Policy files: which *.rescind a command is about, and their bytes.
//
// What `check`, `fmt` and the policy loader share before anything is parsed. It knows names and
// files, nothing of the language.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "runtime/env/file_system.h"
#include "runtime/service/workspace.h"

namespace rescind {

inline constexpr std::string_view kPolicySuffix = ".rescind";

// One file: what diagnostics call it, and where it is.
struct PolicyFile {
  std::string name;
  std::string path;
  bool operator==(const PolicyFile&) const = default;
};

// Every policy file of a workspace, by name. A file below the workspace's folder is named from
// there ("policies/stale.rescind"), another one by its whole path. kNotFound when the policy
// folder does not exist. An entry *.rescind that is no regular file, nor a link to one, and a link
// to a folder are errors: a policy never vanishes in silence.
Result<std::vector<PolicyFile>> FindPolicyFiles(const Workspace& workspace, FileSystem& files);

// The policy files that a user named: files, and everything below folders; each once, in the
// order of their names. Relative paths start at `working_folder` and are names as typed, but
// for those above it, which are named by their whole path. All paths that do not exist or are no
// policy files are in one error. Below folders the same is refused as in a workspace.
Result<std::vector<PolicyFile>> FindPolicyFiles(const std::vector<std::string>& paths,
                                                const std::string& working_folder,
                                                FileSystem& files);

// The name of `path` in the workspace's diagnostics.
std::string NameInWorkspace(const Workspace& workspace, const std::string& path);

// The folder that all of the files lie in, as their names begin: "policies/", or "" when they
// have none in common.
std::string FolderOfAll(const std::vector<PolicyFile>& files);

// The bytes as they are: at most one more than the parser accepts, which then reports the file as
// too large.
Result<std::string> ReadPolicyText(const std::string& path, FileSystem& files);

// `path` without `.`, `..` and symbolic links; what does not exist stays as it is written.
std::string RealPath(const std::string& path);
// Is `path` the folder, or below it? Both as RealPath gives them.
bool IsInFolder(std::string_view path, std::string_view folder);

}  // namespace rescind
