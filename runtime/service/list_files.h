// ListFilesOf: the CSV files that the policies' lists and tables come from.
//
// Only for knowing their places: their contents are the policy loader's.
#pragma once

#include <string>
#include <vector>

#include "runtime/env/file_system.h"
#include "runtime/service/workspace.h"

namespace rescind {

// Paths, whether anything is there or not. What cannot be read of the policies names none.
std::vector<std::string> ListFilesOf(const Workspace& workspace, FileSystem& files);

}  // namespace rescind
