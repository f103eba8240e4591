#include "runtime/executors/registry.h"

#include <fmt/format.h>

#include <utility>

#include "engine/base/diagnostic.h"
#include "runtime/executors/exec_executor.h"
#include "runtime/executors/ldap_executor.h"
#include "runtime/executors/postgres_executor.h"

namespace rescind {
namespace {

using Made = Result<std::unique_ptr<Executor>>;

Made MakeExec(std::string_view target_name, const ExecutorSettings& settings,
              std::string_view workspace_folder) {
  RESCIND_ASSIGN(ExecConfig config, ExecConfig::Read(target_name, settings, workspace_folder));
  return Made(
      std::make_unique<ExecExecutor>(std::move(config), std::make_unique<SystemProcessRunner>()));
}

Made MakeLdap(std::string_view target_name, const ExecutorSettings& settings,
              std::string_view workspace_folder) {
  RESCIND_ASSIGN(LdapConfig config, LdapConfig::Read(target_name, settings, workspace_folder));
  return Made(std::make_unique<LdapExecutor>(std::move(config)));
}

Made MakePostgres(std::string_view target_name, const ExecutorSettings& settings,
                  std::string_view workspace_folder) {
  RESCIND_ASSIGN(PostgresConfig config,
                 PostgresConfig::Read(target_name, settings, workspace_folder));
  return Made(std::make_unique<PostgresExecutor>(std::move(config)));
}

struct Kind {
  const char* name;
  Made (*make)(std::string_view target_name, const ExecutorSettings& settings,
               std::string_view workspace_folder);
};

constexpr Kind kKinds[] = {{"exec", MakeExec}, {"ldap", MakeLdap}, {"postgres", MakePostgres}};

}  // namespace

std::vector<std::string> ExecutorKinds() {
  std::vector<std::string> names;
  for (const Kind& kind : kKinds) names.emplace_back(kind.name);
  return names;
}

Result<std::unique_ptr<Executor>> MakeExecutor(std::string_view kind, std::string_view target_name,
                                               const ExecutorSettings& settings,
                                               std::string_view workspace_folder) {
  for (const Kind& known : kKinds) {
    if (known.name == kind) return known.make(target_name, settings, workspace_folder);
  }
  const auto names = ExecutorKinds();
  const auto meant = DidYouMean(kind, names);
  return Error{
      ErrorKind::kInvalidInput,
      fmt::format("[target.{}]: `executor` is \"{}\", which is no kind of executor{}", target_name,
                  kind, meant ? fmt::format("; did you mean \"{}\"?", *meant) : ""),
      fmt::format("the kinds are: {}", fmt::join(names, ", "))};
}

}  // namespace rescind
