// A child process that does something to a store, for tests in which processes end badly.
//
// RocksDB's threads do not survive a fork: so the test program starts itself again, and that
// child, which has no threads yet, may fork.
#pragma once

#include <doctest/doctest.h>
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

extern char** environ;

namespace rescind {

// In memory where there is such a place: thousands of stores are opened.
class CrashFolder {
 public:
  CrashFolder() {
    const std::filesystem::path memory = "/dev/shm";
    const std::filesystem::path base =
        access(memory.c_str(), W_OK) == 0 ? memory : std::filesystem::temp_directory_path();
    std::string pattern = (base / "rescind-crash-XXXXXX").string();
    REQUIRE(mkdtemp(pattern.data()) != nullptr);
    path_ = pattern;
  }
  ~CrashFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

// Starts this program again, for the skipped test case `test_case` alone, to do `task` on the store
// at `path`; what it prints goes to `path`.out.
inline pid_t Spawn(const std::string& test_case, const std::string& task, const std::string& path) {
  std::vector<std::string> variables;
  for (char** entry = environ; *entry != nullptr; ++entry) variables.emplace_back(*entry);
  variables.push_back("RESCIND_STORE_TASK=" + task);
  variables.push_back("RESCIND_STORE_PATH=" + path);
  std::vector<char*> environment;
  for (std::string& variable : variables) environment.push_back(variable.data());
  environment.push_back(nullptr);
  std::string program = "/proc/self/exe", no_skip = "--no-skip";
  std::string only = "--test-case=" + test_case;
  char* arguments[] = {program.data(), no_skip.data(), only.data(), nullptr};
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  const std::string output = path + ".out";
  posix_spawn_file_actions_addopen(&actions, 1, output.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  posix_spawn_file_actions_adddup2(&actions, 1, 2);
  pid_t child = 0;
  REQUIRE(posix_spawn(&child, program.c_str(), &actions, nullptr, arguments, environment.data()) ==
          0);
  posix_spawn_file_actions_destroy(&actions);
  return child;
}

// Its exit status, or minus the signal that ended it.
inline int ExitOf(pid_t child) {
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

inline std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

inline void WriteFile(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

inline uint64_t ReadNumberFile(const std::string& path) {
  const std::string text = ReadFile(path);
  return text.empty() ? 0 : std::stoull(text);
}

}  // namespace rescind
