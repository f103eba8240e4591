// AskServerOf: lets the server that holds a store run the command of this process.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/base/result.h"

namespace rescind {

// The exit status that the server gave; nothing: none holds that store. What the command reads from
// standard input (`-`) is read to its end first, so that the server waits for nobody. Errors: as
// those of AskServer; kInvalidInput when the command names a file that only this process can reach,
// such as /dev/stdout.
Result<std::optional<int>> AskServerOf(const std::string& store_folder,
                                       const std::vector<std::string>& arguments);

}  // namespace rescind
