// IsOwnFile: would writing there replace what a workspace works with?
//
// Asked before anything is written where a person says. It looks at files' names and identities;
// it reads policies alone, for the names of their lists.
#pragma once

#include <string>
#include <vector>

#include "engine/base/result.h"
#include "runtime/env/file_system.h"
#include "runtime/service/workspace.h"

namespace rescind {

// rescind.toml, the audit log's key and what lies beside it, all of the store, all of the policy
// folder, the CSV files that lists and tables come from wherever they lie, and whatever [target.…]
// and [channel.…] name: secrets, certificates, programs and the files that these are given. Where
// the policy folder holds the whole workspace, policy files alone are meant. Links, `..` and other
// spellings of `path` lead to the same answer. `more`: further files that are the workspace's.
bool IsOwnFile(const Workspace& workspace, const std::string& path, FileSystem& files,
               const std::vector<std::string>& more = {});

// kInvalidInput where IsOwnFile; it names the file as it was `typed`.
Status RefuseOwnFile(const Workspace& workspace, const std::string& typed, const std::string& path,
                     FileSystem& files, const std::vector<std::string>& more = {});

}  // namespace rescind
