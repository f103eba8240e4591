#include "runtime/service/store_opener.h"

#include <utility>

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

}  // namespace rescind
