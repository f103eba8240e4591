#include "tests/support/test_servers.h"

#include <doctest/doctest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

namespace rescind {
namespace {

bool IsRunning(pid_t pid) {
  std::ifstream status("/proc/" + std::to_string(pid) + "/stat");
  std::string text;
  std::getline(status, text);
  return !text.empty() && text.find(") Z") == std::string::npos;
}

bool EndsWithin(pid_t pid, std::chrono::seconds limit) {
  const auto deadline = std::chrono::steady_clock::now() + limit;
  while (IsRunning(pid)) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return true;
}

TEST_CASE("ServersEndWithTheirObjectAndLeaveNothing") {
  std::string folder;
  pid_t ldap = 0;
  {
    const TestServers servers({"ldap"});
    folder = servers["folder"];
    ldap = static_cast<pid_t>(std::stol(servers["ldap_pid"]));
    CHECK(IsRunning(ldap));
    CHECK(std::filesystem::exists(servers["ldap_password_file"]));
  }
  CHECK(!IsRunning(ldap));
  CHECK(!std::filesystem::exists(folder));
}

TEST_CASE("ServersEndWhenTheirStarterIsKilled") {
  std::array<int, 2> told{};
  REQUIRE(pipe(told.data()) == 0);
  const pid_t starter = fork();
  REQUIRE(starter >= 0);
  if (starter == 0) {
    const TestServers servers({"ldap"});
    const std::string message = servers["ldap_pid"] + " " + servers["folder"];
    if (write(told[1], message.data(), message.size()) < 0) _exit(1);
    kill(getpid(), SIGKILL);
  }
  close(told[1]);
  std::string message(4096, '\0');
  const ssize_t count = read(told[0], message.data(), message.size());
  close(told[0]);
  waitpid(starter, nullptr, 0);
  REQUIRE(count > 0);
  message.resize(static_cast<size_t>(count));
  const size_t blank = message.find(' ');
  CHECK(EndsWithin(static_cast<pid_t>(std::stol(message.substr(0, blank))),
                   std::chrono::seconds(20)));
  const std::string folder = message.substr(blank + 1);
  for (int i = 0; i < 500 && std::filesystem::exists(folder); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  CHECK(!std::filesystem::exists(folder));
}

}  // namespace
}  // namespace rescind
