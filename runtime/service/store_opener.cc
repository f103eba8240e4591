#include "runtime/service/store_opener.h"

#include <fmt/format.h>
#include <algorithm>
#include <utility>

#include "runtime/service/policy_loader.h"

namespace rescind {

Result<WorkspaceStore> OpenWorkspaceStore(const Workspace& workspace,
                                          std::shared_ptr<const Schema> schema,
                                          StoreEnvironment environment,
                                          const StoreOptions& options) {
  WorkspaceStore opened;
  RESCIND_ASSIGN(opened.declared, ResolveSources(workspace, *schema));
  RESCIND_ASSIGN(opened.store,
                 Store::Open(workspace.store_folder, std::move(schema), environment, options));
  return opened;
}

Result<WorkspaceStore> OpenWorkspaceStore(const Workspace& workspace, StoreEnvironment environment,
                                          const StoreOptions& options) {
  RESCIND_ASSIGN(const LoadedPolicies policies, LoadPolicies(workspace, environment.files));
  if (policies.program == nullptr) {
    const auto count = std::count_if(policies.diagnostics.begin(), policies.diagnostics.end(),
                                     [](const Diagnostic& diagnostic) {
                                       return diagnostic.severity() == DiagnosticSeverity::kError;
                                     });
    return Error{ErrorKind::kInvalidInput,
                 fmt::format("the policies have {} error{}, so it is not known which entities and "
                             "fields there are",
                             count, count == 1 ? "" : "s"),
                 "run `rescind check`"};
  }
  return OpenWorkspaceStore(workspace, std::make_shared<const Schema>(policies.program->schema),
                            environment, options);
}

}  // namespace rescind
