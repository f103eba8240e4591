#include "runtime/service/policy_revision.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "runtime/service/git_files.h"
#include "runtime/service/policy_files.h"

namespace rescind {
namespace {

constexpr size_t kShownCommitDigits = 12;

// The same ids mean the same: `now` has what `then` has, and perhaps more behind it.
std::string WhatDiffers(const Schema& then, const Schema& now) {
  if (then.enumerations().size() > now.enumerations().size() ||
      !std::equal(then.enumerations().begin(), then.enumerations().end(),
                  now.enumerations().begin())) {
    return "the values of an enum";
  }
  for (size_t i = 0; i < then.entities().size(); ++i) {
    const EntityDef& earlier = then.entities()[i];
    if (i >= now.entities().size() || now.entities()[i].name != earlier.name) {
      return fmt::format("entity {}", earlier.name);
    }
    const auto& fields = now.entities()[i].fields;
    for (size_t f = 0; f < earlier.fields.size(); ++f) {
      if (f >= fields.size() || fields[f] != earlier.fields[f]) {
        return fmt::format("{}.{}", earlier.name, earlier.fields[f].name);
      }
    }
  }
  return "";
}

Result<CompiledPolicies> Compile(const Workspace& workspace, const Schema& schema,
                                 FileSystem& files) {
  RESCIND_ASSIGN(LoadedPolicies loaded, LoadPolicies(workspace, files));
  RESCIND_ASSIGN(CompiledPolicies compiled, CompilePolicies(std::move(loaded)));
  const std::string differs = WhatDiffers(compiled.program.schema, schema);
  if (!differs.empty()) {
    return Error{ErrorKind::kUnsupported,
                 fmt::format("{} is not the same as in the workspace's policies, by which the "
                             "store keeps its facts",
                             differs),
                 "compare with policies that declare the same entities"};
  }
  compiled.program.schema = schema;
  return compiled;
}

// The workspace, but with what gives policies their meaning from the rescind.toml in `folder`.
Result<Workspace> WithPoliciesOf(const Workspace& workspace, const std::string& folder,
                                 const WorkspaceSurroundings& surroundings, FileSystem& files) {
  RESCIND_ASSIGN(Workspace other, LoadWorkspace(folder, surroundings, files));
  Workspace mixed = workspace;
  mixed.folder = std::move(other.folder);
  mixed.policy_folder = std::move(other.policy_folder);
  mixed.timezone = std::move(other.timezone);
  mixed.params = std::move(other.params);
  mixed.channels = std::move(other.channels);
  mixed.sources = std::move(other.sources);
  return mixed;
}

Result<CompiledPolicies> CompileFolder(Workspace workspace, const Schema& schema,
                                       const std::string& folder, RevisionEnvironment environment) {
  if (environment.files.Exists(folder + "/" + kWorkspaceFileName)) {
    RESCIND_ASSIGN(workspace,
                   WithPoliciesOf(workspace, folder, environment.surroundings, environment.files));
  } else {
    workspace.policy_folder = folder;
  }
  return Compile(workspace, schema, environment.files);
}

Result<CompiledPolicies> CompileCommit(Workspace workspace, const Schema& schema, GitFiles& files,
                                       const WorkspaceSurroundings& surroundings) {
  const std::string folder = workspace.folder;
  if (files.Exists(folder + "/" + kWorkspaceFileName)) {
    RESCIND_ASSIGN(workspace, WithPoliciesOf(workspace, folder, surroundings, files));
  }
  if (!IsInFolder(workspace.policy_folder, folder)) {
    return Error{
        ErrorKind::kUnsupported,
        fmt::format("the policies lie outside of the workspace, in {}", workspace.policy_folder),
        "name a folder that holds the other policies"};
  }
  return Compile(workspace, schema, files);
}

Result<PolicyRevision> Labelled(std::string label, Result<CompiledPolicies> compiled) {
  if (!compiled.ok()) return std::move(compiled).error().In(label);
  return PolicyRevision{std::move(label), *std::move(compiled)};
}

}  // namespace

Result<PolicyRevision> OpenPolicyRevision(const Workspace& workspace, const Schema& schema,
                                          const std::string& name, const std::string& path,
                                          RevisionEnvironment environment) {
  const auto info = environment.files.Stat(path);
  if (info.ok() && info->kind == FileKind::kDirectory) {
    return Labelled(fmt::format("the policies in {}", name),
                    CompileFolder(workspace, schema, RealPath(path), environment));
  }
  auto files = GitFiles::Open(workspace.folder, name, std::string(kPolicySuffix), environment.files,
                              environment.processes);
  if (!files.ok()) {
    return Error{ErrorKind::kNotFound,
                 fmt::format("{} is neither a plan file, nor a folder with policies, nor a "
                             "revision ({})",
                             name, files.error().message),
                 "name what `plan --out FILE` wrote, a folder, or a revision such as HEAD~1"};
  }
  return Labelled(fmt::format("the policies of {} (git {})", name,
                              (*files)->commit().substr(0, kShownCommitDigits)),
                  CompileCommit(workspace, schema, **files, environment.surroundings));
}

}  // namespace rescind
