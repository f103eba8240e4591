// CheckFile: the rules that one file can break by itself.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tests/tidy/finding.h"

namespace rescind::tidy {

// `path` from the repository's root: it decides which rules hold (a header must have #pragma
// once, engine/eval may not include runtime/store). Any text file may be given.
std::vector<TidyFinding> CheckFile(const std::string& path, std::string_view text);

// What stands in the #include lines, without quotes: "engine/base/result.h".
struct IncludeLine {
  size_t line = 0;
  std::string header;
};
std::vector<IncludeLine> FindIncludes(std::string_view text);

}  // namespace rescind::tidy
