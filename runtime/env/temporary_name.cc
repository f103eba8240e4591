#include "runtime/env/temporary_name.h"

#include <fmt/format.h>

#include "runtime/env/random.h"

namespace rescind {

std::string TemporaryBeside(const std::string& path) {
  const size_t name_begin = path.rfind('/') + 1;  // npos + 1 is 0
  const std::string unique = SystemRandom().Hex(6);
  return fmt::format("{}.{}.{}.new", path.substr(0, name_begin), path.substr(name_begin), unique);
}

Error AboutName(Error error, const std::string& temporary, const std::string& path) {
  const size_t at = error.message.find(temporary);
  if (at != std::string::npos) error.message.replace(at, temporary.size(), path);
  return error;
}

}  // namespace rescind
