// RESCIND_ASSERT: always on, in every build.
//
// For our own bugs only. A false condition prints where and what, then aborts: an engine that
// removes access must stop rather than go on from a state that its author thought impossible.
#pragma once

#include <string_view>

namespace rescind {

[[noreturn]] void AssertFailed(const char* condition, const char* file, int line,
                               std::string_view message);

}  // namespace rescind

#define RESCIND_ASSERT(condition, message)                                \
  do {                                                                    \
    if (!(condition)) [[unlikely]]                                        \
      ::rescind::AssertFailed(#condition, __FILE__, __LINE__, (message)); \
  } while (false)

#define RESCIND_UNREACHABLE(message) \
  ::rescind::AssertFailed("unreachable", __FILE__, __LINE__, (message))
