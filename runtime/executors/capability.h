// The list of what a target can do, as `can = ["disable account", "run quarantine"]` says it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "runtime/executors/executor.h"

namespace rescind {

// "disable account" → {kDisable, "account"}; "run quarantine" is the playbook's name in `entity`.
// kInvalidInput when it is not a verb and one word.
Result<Capability> ParseCapability(std::string_view text);

// The capability under which `action` falls; nullptr when there is none.
const Capability* FindCapability(const std::vector<Capability>& capabilities, const Action& action);

// kUnsupported: "… cannot `delete` a session; it can: …".
Error NotCapable(std::string_view target_name, const std::vector<Capability>& capabilities,
                 const Action& action);

}  // namespace rescind
