// CheckTree: every file by itself, then what only the whole tree shows: folders without README,
// files that nothing builds or includes, exceptions that excuse nothing.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "tests/tidy/finding.h"

namespace rescind::tidy {

// Path from the repository's root -> content. Build folders, dot-folders other than .ci, and
// node_modules are not part of it; of files that are not text only the path is kept.
using SourceTree = std::map<std::string, std::string>;

Result<SourceTree> ReadTree(const std::string& root);

// `built_files`: what the build wrote to built_files.txt: the paths that it compiles, one a line.
std::vector<TidyFinding> CheckTree(const SourceTree& tree, std::string_view built_files);

// Lines "RULE PATH REASON…", `#` for comments. Takes away what they excuse. A line without a
// reason, or one that excuses nothing, is itself a finding.
std::vector<TidyFinding> Excuse(std::vector<TidyFinding> findings, std::string_view exceptions);

}  // namespace rescind::tidy
