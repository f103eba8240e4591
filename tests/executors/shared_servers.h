// The servers that all tests of this program share. A test uses names of its own in them.
#pragma once

#include <string>

#include "tests/support/test_servers.h"

namespace rescind {

// Started at the first call.
const TestServers& SharedServers();

// A number that no other test of this run uses.
std::string Unique();

// Reads a file whole.
std::string ReadFile(const std::string& path);

}  // namespace rescind
