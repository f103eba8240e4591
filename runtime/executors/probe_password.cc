#include "runtime/executors/probe_password.h"

#include <filesystem>

#include "runtime/executors/settings.h"

namespace rescind {

std::optional<Result<std::string>> ReadProbePassword(const std::string& folder,
                                                     const std::string& username) {
  const bool plain = !username.empty() && username != "." && username != ".." &&
                     username.find('/') == username.npos && username.find('\0') == username.npos;
  if (folder.empty() || !plain || username.size() > 200) return std::nullopt;
  const std::string path = folder + "/" + username;
  std::error_code problem;
  if (!std::filesystem::exists(path, problem)) return std::nullopt;
  return ReadSecretFile(path);
}

}  // namespace rescind
