#include "tests/support/test_servers.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <thread>

extern char** environ;

namespace rescind {
namespace {

constexpr const char* kScript = "tests/support/servers.sh";

// Everything up to the line "ready", or up to the end of what the script writes.
std::map<std::string, std::string> ReadTold(int output, bool& ready) {
  std::map<std::string, std::string> told;
  std::string line;
  char c = 0;
  while (!ready && read(output, &c, 1) == 1) {
    if (c != '\n') {
      line += c;
      continue;
    }
    const size_t equals = line.find('=');
    if (equals != std::string::npos) told[line.substr(0, equals)] = line.substr(equals + 1);
    ready = line == "ready";
    line.clear();
  }
  return told;
}

}  // namespace

TestServers::TestServers(const std::vector<std::string>& names) {
  std::array<int, 2> input{};
  std::array<int, 2> output{};
  REQUIRE(pipe2(input.data(), O_CLOEXEC) == 0);
  REQUIRE(pipe2(output.data(), O_CLOEXEC) == 0);
  std::vector<std::string> words = {kScript};
  words.insert(words.end(), names.begin(), names.end());
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, input[0], STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, output[1], STDOUT_FILENO);
  const int failure = posix_spawn(&script_, kScript, &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  close(input[0]);
  close(output[1]);
  lifeline_ = input[1];
  bool ready = false;
  if (failure == 0) told_ = ReadTold(output[0], ready);
  close(output[0]);
  if (ready) return;
  if (failure != 0) script_ = -1;
  Stop();
  FAIL("the test servers did not start; run " << kScript << " by hand from the source folder");
}

TestServers::~TestServers() { Stop(); }

void TestServers::Stop() {
  if (lifeline_ >= 0) close(lifeline_);
  lifeline_ = -1;
  if (script_ > 0) {
    // The script waits for each server a few seconds at most.
    while (waitpid(script_, nullptr, 0) < 0 && errno == EINTR) {
    }
  }
  script_ = -1;
}

const std::string& TestServers::operator[](const std::string& name) const {
  const auto found = told_.find(name);
  REQUIRE_MESSAGE(found != told_.end(), "servers.sh told no " << name);
  return found->second;
}

void TestServers::Signal(const std::string& server, int signal) const {
  REQUIRE(kill(static_cast<pid_t>(std::stol((*this)[server + "_pid"])), signal) == 0);
}

void TestServers::Freeze(const std::string& server) const {
  Signal(server, SIGSTOP);
  const std::string threads = "/proc/" + (*this)[server + "_pid"] + "/task";
  const auto is_frozen = [&] {
    for (const auto& thread : std::filesystem::directory_iterator(threads)) {
      std::ifstream file(thread.path() / "stat");
      const std::string stat(std::istreambuf_iterator<char>(file), {});
      // "pid (name) state …", proc(5)
      const size_t name_end = stat.rfind(") ");
      if (name_end == std::string::npos || stat[name_end + 2] != 'T') return false;
    }
    return true;
  };
  for (int attempt = 0; attempt < 1000; ++attempt) {
    if (is_frozen()) return;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  FAIL("the server " << server << " does not stop");
}

}  // namespace rescind
