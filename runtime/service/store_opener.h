// OpenWorkspaceStore: a workspace's store, with the schema of its policies.
//
// The one way for commands to the facts. It maps what rescind.toml says of feeds to the entities
// of the schema, which the policies declare.
#pragma once

#include <memory>
#include <string>

#include "engine/base/result.h"
#include "engine/facts/schema.h"
#include "runtime/env/clock.h"
#include "runtime/env/file_system.h"
#include "runtime/env/random.h"
#include "runtime/service/workspace.h"
#include "runtime/store/store.h"

namespace rescind {

// Who holds a store already lends it to the commands that run in the same process.
class StoreLender {
 public:
  virtual ~StoreLender() = default;
  // Null: it is another store, which is opened as ever. kBusy: the policies of `schema` have other
  // entities or fields than the store was opened with.
  virtual Result<std::unique_ptr<Store>> Lend(const std::string& folder, const Schema& schema,
                                              const StoreOptions& options) = 0;
  // With which it is open; null: it is another store.
  virtual std::shared_ptr<const Schema> SchemaOf(const std::string& folder) const = 0;
};

// What commands on a workspace borrow; all outlive them.
struct ServiceEnvironment {
  FileSystem& files;
  Clock& clock;
  Random& random;
  StoreLender* lender = nullptr;  // null: each opens the store for itself
};

// Which sources deliver each entity, by [source.NAME] of rescind.toml. kInvalidInput when one
// names an entity that the schema lacks, all of them in one error with place and did-you-mean.
Result<DeclaredSources> ResolveSources(const Workspace& workspace, const Schema& schema);

struct WorkspaceStore {
  DeclaredSources declared;
  std::unique_ptr<Store> store;  // never null
};

// How much history it keeps is the workspace's to say, whatever `options` has. Makes the store when
// there is none yet, unless the checkpoint beside the audit key says that
// there was one: kCorrupt, also when the store's audit log is shorter than that. A checkpoint that
// the user may not read is an error only for who changes something. Other errors are those of
// Store::Open and ResolveSources.
Result<WorkspaceStore> OpenWorkspaceStore(const Workspace& workspace,
                                          std::shared_ptr<const Schema> schema,
                                          const ServiceEnvironment& environment,
                                          StoreOptions options = {});

// The schema of the workspace's policies. kInvalidInput when they have errors.
Result<std::shared_ptr<const Schema>> ReadSchema(const Workspace& workspace, FileSystem& files);

// The same for a command that needs the policies for nothing but their schema. kInvalidInput when
// they have errors.
Result<WorkspaceStore> OpenWorkspaceStore(const Workspace& workspace,
                                          const ServiceEnvironment& environment,
                                          const StoreOptions& options = {});

// Only what lies beside the facts, such as the audit log, which must be legible whatever is wrong
// with the policies: StoreOptions::without_facts. kNotFound where there is no store yet; the loss
// of one is an error as above.
Result<std::unique_ptr<Store>> OpenStoreWithoutFacts(const Workspace& workspace,
                                                     const ServiceEnvironment& environment,
                                                     StoreOptions options);

// There is no store yet, and what was asked for needs one.
Error NoFactsYet(const Workspace& workspace);

}  // namespace rescind
