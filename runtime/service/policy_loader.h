// LoadPolicies: the policies of a workspace as one checked program, with everything that is wrong
// with them.
//
// The one way from files to `typed::Program`; every command that needs policies calls it. It
// reads files and rescind.toml's part in them (params, time zone, channels, sources); it opens no
// store and lowers nothing. A user's mistakes are diagnostics in the result; an Error means that
// a file could not be read or that rescind.toml is wrong.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "engine/base/diagnostic.h"
#include "engine/base/result.h"
#include "engine/base/source.h"
#include "engine/check/typed_ast.h"
#include "runtime/env/file_system.h"
#include "runtime/service/policy_files.h"
#include "runtime/service/workspace.h"

namespace rescind {

struct LoadedPolicyFile {
  FileId id;  // in LoadedPolicies::sources
  PolicyFile file;
};

struct LoadedPolicies {
  SourceMap sources;                    // the policy files and the standard model
  std::vector<LoadedPolicyFile> files;  // without the standard model, in the order of names
  // Null when there is any error among the diagnostics, and only then.
  std::unique_ptr<typed::Program> program;
  std::vector<Diagnostic> diagnostics;  // sorted, each once
  std::vector<std::string> notices;     // what is right but unexpected; one sentence each
  // "sha256:…" over all that gives the policies their meaning, see PoliciesHash; empty without
  // program.
  std::string policies_hash;
};

// Everything below the workspace's policy folder. An empty folder is a program without policies
// and a notice. One thread.
Result<LoadedPolicies> LoadPolicies(const Workspace& workspace, FileSystem& files);

// Files that belong to no workspace, as a program of their own: no params are set, and which
// channels and sources exist is not checked.
Result<LoadedPolicies> LoadPolicyFiles(const std::vector<PolicyFile>& policy_files,
                                       FileSystem& files);

// "sha256:…" over the meaning of every policy and protect, and over the entities they speak of.
// Comments, layout, file names, titles of tests and the order of files do not count. Equal hashes:
// the same facts give the same conclusions.
std::string PoliciesHash(const typed::Program& program);

// The most bytes of a CSV file that a list or table is read from.
inline constexpr uint64_t kMaxListFileBytes = uint64_t{64} << 20;

}  // namespace rescind
