// Golden files: what a stage printed once and a person read.
//
// RESCIND_UPDATE_GOLDENS=1 writes them anew instead of comparing; read the diff before you commit.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace rescind::testing {

std::string ReadFileOrFail(const std::filesystem::path& path);

// Compares `actual` with the file. An empty `actual` means that the file must not exist.
void CheckGolden(const std::filesystem::path& path, std::string_view actual);

// Every *.rescind below the folder, sorted.
std::vector<std::filesystem::path> PolicyFilesIn(const std::filesystem::path& folder);

}  // namespace rescind::testing
