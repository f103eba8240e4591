#include "tests/executors/shared_servers.h"

#include <fstream>
#include <sstream>

namespace rescind {

const TestServers& SharedServers() {
  static const TestServers servers({"ldap", "postgres"});
  return servers;
}

std::string Unique() {
  static int count = 0;
  return std::to_string(++count);
}

std::string ReadFile(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

}  // namespace rescind
