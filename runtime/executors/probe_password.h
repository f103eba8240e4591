// Passwords with which an executor may try whether access is really gone: one file an account in
// `probe_password_folder`, named after its username. For canaries, service and test accounts.
#pragma once

#include <optional>
#include <string>

#include "engine/base/result.h"

namespace rescind {

// nullopt when no folder is set or it has no file of that name. A username that is no plain file
// name has none: it never leaves the folder.
std::optional<Result<std::string>> ReadProbePassword(const std::string& folder,
                                                     const std::string& username);

}  // namespace rescind
