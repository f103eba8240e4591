#include "runtime/service/store_opener.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "runtime/audit/log_check.h"
#include "runtime/service/policy_loader.h"

namespace rescind {
namespace {

Error LostStore(const Workspace& workspace, const std::string& witness, std::string message) {
  return {
      ErrorKind::kCorrupt, std::move(message),
      fmt::format("put {0} back as it was, or restore a newer backup. Where there is none, begin "
                  "anew, without what was exempt, confirmed or planned: move {0}, {1} and {2} "
                  "away, run `rescind audit key create` and import the facts again",
                  workspace.store_folder, workspace.audit_key_file, witness)};
}

Error OlderStore(const Workspace& workspace, const std::string& witness, uint64_t size,
                 uint64_t entries) {
  return {
      ErrorKind::kCorrupt,
      fmt::format("the audit log has {} entries, but a checkpoint over {} was signed before: the "
                  "store {} has lost what came after",
                  size, entries, workspace.store_folder),
      fmt::format("put {0} back as it was, or restore a newer backup. Where there is none, go on "
                  "with this one, without what was exempt, confirmed, imported or done since: move "
                  "{1} away and run `rescind audit key accept`, which logs from where on the log "
                  "is a new one; who holds a later checkpoint finds that it was cut",
                  workspace.store_folder, witness)};
}

Result<std::unique_ptr<Store>> OpenStore(const std::string& folder,
                                         std::shared_ptr<const Schema> schema,
                                         const ServiceEnvironment& environment,
                                         const StoreOptions& options) {
  if (environment.lender) {
    RESCIND_ASSIGN(auto lent, environment.lender->Lend(folder, *schema, options));
    if (lent) return lent;
  }
  return Store::Open(folder, std::move(schema),
                     {environment.files, environment.clock, environment.random}, options);
}

// As the checkpoint beside the key says that it must be.
Result<std::unique_ptr<Store>> OpenWitnessed(const Workspace& workspace,
                                             std::shared_ptr<const Schema> schema,
                                             const ServiceEnvironment& environment,
                                             const StoreOptions& options) {
  const std::string witness = AuditWitnessFile(workspace.audit_key_file);
  auto read = ReadAuditWitness(workspace.audit_key_file, environment.files);
  if (!read.ok() && options.read_only && read.error().kind == ErrorKind::kDenied) {
    read = AuditWitness();  // who may only read the store need not see what lies beside the key
  }
  RESCIND_ASSIGN(const AuditWitness witnessed, std::move(read));
  const uint64_t entries = witnessed.checkpoint ? witnessed.checkpoint->checkpoint.size : 0;
  // INVARIANT: no silent start after loss. A new store would know nothing of what was done.
  if (entries > 0 && !environment.files.Exists(workspace.store_folder)) {
    return LostStore(workspace, witness,
                     fmt::format("the store {} is gone: a checkpoint over {} entries of its audit "
                                 "log was signed before",
                                 workspace.store_folder, entries));
  }
  // Nor where nobody can tell any more whether there was one.
  if (!witnessed.damage.empty() && !environment.files.Exists(workspace.store_folder)) {
    return LostStore(workspace, witness,
                     fmt::format("there is no store {}, and whether there was one cannot be told: "
                                 "{}, the last checkpoint signed of its audit log, is damaged ({})",
                                 workspace.store_folder, witness, witnessed.damage));
  }
  RESCIND_ASSIGN(auto store,
                 OpenStore(workspace.store_folder, std::move(schema), environment, options));
  const uint64_t size = store->key_values().audit_mark().size;
  if (size < entries) {
    return OlderStore(workspace, witness, size, entries);
  }
  return store;
}

}  // namespace

Error NoFactsYet(const Workspace& workspace) {
  return {ErrorKind::kNotFound,
          fmt::format("there are no facts yet: {} does not exist", workspace.store_folder),
          "`rescind import FILE…` loads them"};
}

Result<WorkspaceStore> OpenWorkspaceStore(const Workspace& workspace,
                                          std::shared_ptr<const Schema> schema,
                                          const ServiceEnvironment& environment,
                                          StoreOptions options) {
  options.history_age = workspace.history.max_age;
  options.history_bytes = workspace.history.max_bytes;
  options.history_step = workspace.history.coalesce;
  WorkspaceStore opened;
  RESCIND_ASSIGN(opened.declared, ResolveSources(workspace, *schema));
  RESCIND_ASSIGN(opened.store, OpenWitnessed(workspace, std::move(schema), environment, options));
  return opened;
}

Result<std::unique_ptr<Store>> OpenStoreWithoutFacts(const Workspace& workspace,
                                                     const ServiceEnvironment& environment,
                                                     StoreOptions options) {
  options.without_facts = true;
  auto store = OpenWitnessed(workspace, std::make_shared<const Schema>(), environment, options);
  if (!store.ok() && !environment.files.Exists(workspace.store_folder) &&
      store.error().kind == ErrorKind::kNotFound) {
    return NoFactsYet(workspace);
  }
  return store;
}

Result<std::shared_ptr<const Schema>> ReadSchema(const Workspace& workspace, FileSystem& files) {
  RESCIND_ASSIGN(const LoadedPolicies policies, LoadPolicies(workspace, files));
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
  return std::make_shared<const Schema>(policies.program->schema);
}

Result<WorkspaceStore> OpenWorkspaceStore(const Workspace& workspace,
                                          const ServiceEnvironment& environment,
                                          const StoreOptions& options) {
  auto schema = ReadSchema(workspace, environment.files);
  if (schema.ok()) return OpenWorkspaceStore(workspace, *std::move(schema), environment, options);
  // What is in force is known all the same: a fact that keeps access must not wait for a policy.
  auto in_force =
      environment.lender ? environment.lender->SchemaOf(workspace.store_folder) : nullptr;
  if (in_force == nullptr) return std::move(schema).error();
  return OpenWorkspaceStore(workspace, std::move(in_force), environment, options);
}

}  // namespace rescind
