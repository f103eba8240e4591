#include "engine/base/assert.h"

#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>

namespace rescind {

void AssertFailed(const char* condition, const char* file, int line, std::string_view message) {
  fmt::print(stderr, "rescind: internal error at {}:{}: {} ({})\n", file, line, message, condition);
  std::fflush(stderr);
  std::abort();
}

}  // namespace rescind
