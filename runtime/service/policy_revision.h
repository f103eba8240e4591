// PolicyRevision: policies of another time or place, to compare a plan with.
//
// Either a folder, or a revision of the git repository that holds the workspace. Where a
// rescind.toml lies with them, its params, time zone, channels and sources count; else those of
// the workspace. Facts, targets and limits are always the workspace's: only the policies differ.
#pragma once

#include <string>

#include "engine/base/result.h"
#include "engine/facts/schema.h"
#include "runtime/env/file_system.h"
#include "runtime/env/process.h"
#include "runtime/service/compiled_policies.h"
#include "runtime/service/workspace.h"

namespace rescind {

struct PolicyRevision {
  std::string label;  // "the policies of main (git 3f2a9c0d1e2f)"
  CompiledPolicies policies;
};

// What it needs of the outside; all outlive the call.
struct RevisionEnvironment {
  const WorkspaceSurroundings& surroundings;
  FileSystem& files;
  ProcessRunner& processes;
};

// `name` as typed, `path` the same as a path from here. The program's schema becomes `schema`, the
// store's. kNotFound when it names neither a folder nor a revision, kInvalidInput when the
// policies hold errors, kUnsupported when they speak of entities that the store has not.
Result<PolicyRevision> OpenPolicyRevision(const Workspace& workspace, const Schema& schema,
                                          const std::string& name, const std::string& path,
                                          RevisionEnvironment environment);

}  // namespace rescind
