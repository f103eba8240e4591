#include "tests/language/golden.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <sstream>

namespace rescind::testing {

std::string ReadFileOrFail(const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  REQUIRE_MESSAGE(stream.good(), "cannot read ", path.string());
  std::stringstream text;
  text << stream.rdbuf();
  return text.str();
}

void CheckGolden(const std::filesystem::path& path, std::string_view actual) {
  if (std::getenv("RESCIND_UPDATE_GOLDENS") != nullptr) {
    if (actual.empty()) {
      std::filesystem::remove(path);
    } else {
      std::ofstream(path, std::ios::binary) << actual;
    }
    return;
  }
  if (actual.empty()) {
    CHECK_MESSAGE(!std::filesystem::exists(path), path.string(), " exists, nothing was printed");
    return;
  }
  REQUIRE_MESSAGE(std::filesystem::exists(path), path.string(),
                  " does not exist; RESCIND_UPDATE_GOLDENS=1 writes it:\n", std::string(actual));
  const std::string expected = ReadFileOrFail(path);
  CHECK_MESSAGE(expected == actual, path.string(), " differs. Now:\n", std::string(actual));
}

std::vector<std::filesystem::path> PolicyFilesIn(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (entry.path().extension() == ".rescind") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace rescind::testing
