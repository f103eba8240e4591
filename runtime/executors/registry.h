// Registry: from `executor = "ldap"` in rescind.toml to an Executor.
//
// The only place that knows every kind. Making an executor checks its settings and opens no
// connection: an unreachable server shows at the first Observe.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "runtime/executors/executor.h"
#include "runtime/executors/settings.h"

namespace rescind {

// "exec", "ldap", "postgres".
std::vector<std::string> ExecutorKinds();

// `target_name`: NAME of [target.NAME], used in messages. Unknown kinds and settings are
// kInvalidInput with did-you-mean. Relative file names start from `workspace_folder`.
Result<std::unique_ptr<Executor>> MakeExecutor(std::string_view kind, std::string_view target_name,
                                               const ExecutorSettings& settings,
                                               std::string_view workspace_folder);

}  // namespace rescind
