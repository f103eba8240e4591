#include "runtime/env/process.h"

#include <doctest/doctest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <thread>

#include "tests/unit/temporary_folder.h"

namespace rescind {
namespace {

using std::chrono::milliseconds;

ProcessRequest Shell(const std::string& script) {
  ProcessRequest request;
  request.argv = {"/bin/sh", "-c", script};
  request.time_limit = milliseconds(20'000);
  return request;
}

ProcessResult MustRun(const ProcessRequest& request) {
  auto result = SystemProcessRunner().Run(request);
  REQUIRE_MESSAGE(result.ok(), (result.ok() ? "" : result.error().message));
  return std::move(result).value();
}

bool IsRunning(const std::string& pid) {
  std::ifstream status("/proc/" + pid + "/stat");
  std::string text;
  std::getline(status, text);
  return !text.empty() && text.find(") Z") == std::string::npos;
}

TEST_CASE("OutputErrorsAndExitStatusAreKept") {
  const auto result = MustRun(Shell("echo out; echo err >&2; exit 7"));
  CHECK(result.end == ProcessEnd::kExited);
  CHECK(result.exit_status == 7);
  CHECK(result.output == "out\n");
  CHECK(result.errors == "err\n");
}

TEST_CASE("NothingOfOurEnvironmentIsInherited") {
  setenv("RESCIND_TEST_LEAK", "secret", 1);
  ProcessRequest request;
  request.argv = {"/usr/bin/env"};
  request.environment = {{"ONLY", "this"}};
  CHECK(MustRun(request).output == "ONLY=this\n");
  unsetenv("RESCIND_TEST_LEAK");
}

TEST_CASE("AnArgumentIsNeverReadByAShell") {
  ProcessRequest request;
  request.argv = {"/usr/bin/printf", "%s", "$(id); `id` | id > /tmp/x * \n\"'"};
  CHECK(MustRun(request).output == request.argv[2]);
}

TEST_CASE("InputAndOutputLargerThanAPipeDoNotDeadlock") {
  ProcessRequest request = Shell("cat");
  request.input.assign(3'000'000, 'x');
  request.max_output_bytes = 4'000'000;
  CHECK(MustRun(request).output == request.input);
}

TEST_CASE("AProgramThatDoesNotReadItsInputDoesNotEndUs") {
  ProcessRequest request = Shell("exec 0<&-; echo fine");
  request.input.assign(3'000'000, 'x');
  CHECK(MustRun(request).output == "fine\n");
}

TEST_CASE("TimeSpentKillsTheWholeGroup") {
  ProcessRequest request = Shell("sleep 300 & echo $!; sleep 300");
  request.time_limit = milliseconds(400);
  const auto result = MustRun(request);
  CHECK(result.end == ProcessEnd::kTimedOut);
  CHECK(result.elapsed < milliseconds(5'000));
  const std::string grandchild = result.output.substr(0, result.output.find('\n'));
  REQUIRE(!grandchild.empty());
  for (int i = 0; i < 200 && IsRunning(grandchild); ++i) {
    std::this_thread::sleep_for(milliseconds(10));
  }
  CHECK(!IsRunning(grandchild));
}

// Runs a script that writes a process id to `path`, kills the process that runs it, and returns
// the id.
std::string PidOfScriptWhoseRunnerIsKilled(const std::string& script, const std::string& path) {
  const pid_t we = fork();
  if (we == 0) {
    (void)SystemProcessRunner().Run(Shell(script));
    _exit(0);
  }
  REQUIRE(we > 0);
  std::string pid;
  for (int i = 0; i < 2000 && pid.empty(); ++i) {
    std::this_thread::sleep_for(milliseconds(10));
    std::ifstream(path) >> pid;
  }
  REQUIRE(!pid.empty());
  CHECK(IsRunning(pid));
  kill(we, SIGKILL);
  waitpid(we, nullptr, 0);
  return pid;
}

bool EndsSoon(const std::string& pid) {
  for (int i = 0; i < 500 && IsRunning(pid); ++i) {
    std::this_thread::sleep_for(milliseconds(10));
  }
  return !IsRunning(pid);
}

// A kill of ours left the program behind, and it acted after everybody had stopped to look.
TEST_CASE("AProgramDiesWithUs") {
  const TemporaryFolder folder;
  const std::string path = folder / "pid";
  CHECK(EndsSoon(PidOfScriptWhoseRunnerIsKilled(
      "echo $$ > " + path + ".new; mv " + path + ".new " + path + "; exec sleep 300", path)));
}

// What the program had started itself lived on.
TEST_CASE("WhatAProgramHasStartedDiesWithUs") {
  const TemporaryFolder folder;
  const std::string path = folder / "pid";
  // It does not even hear what can be ignored, and its parent is gone already.
  CHECK(EndsSoon(PidOfScriptWhoseRunnerIsKilled("(trap '' HUP INT TERM; sleep 300 & echo $! > " +
                                                    path + ".new; mv " + path + ".new " + path +
                                                    ") & sleep 300",
                                                path)));
}

TEST_CASE("AProgramThatEndsItsGroupEndsItself") {
  const auto result = MustRun(Shell("kill -TERM 0; sleep 300"));
  CHECK(result.end == ProcessEnd::kSignaled);
  CHECK(result.signal == SIGTERM);
}

TEST_CASE("NoProcessIsLeftUnreaped") {
  (void)MustRun(Shell("true"));
  ProcessRequest missing;
  missing.argv = {"/nowhere/program"};
  CHECK(!SystemProcessRunner().Run(missing).ok());
  CHECK(waitpid(-1, nullptr, WNOHANG) == -1);
  CHECK(errno == ECHILD);
}

TEST_CASE("AnUnusableFolderIsAnErrorAndNothingRuns") {
  ProcessRequest request = Shell("echo ran");
  request.working_folder = "/nowhere/folder";
  const auto result = SystemProcessRunner().Run(request);
  REQUIRE(!result.ok());
  CHECK(result.error().kind == ErrorKind::kNotFound);
}

TEST_CASE("AGrandchildThatKeepsThePipeOpenDoesNotDelayUs") {
  const auto result = MustRun(Shell("sleep 300 & echo done"));
  CHECK(result.end == ProcessEnd::kExited);
  CHECK(result.output == "done\n");
  CHECK(result.elapsed < milliseconds(5'000));
}

TEST_CASE("EndlessOutputIsCutAndTheProgramKilled") {
  ProcessRequest request = Shell("while :; do echo yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy; done");
  request.max_output_bytes = 10'000;
  const auto result = MustRun(request);
  CHECK(result.end == ProcessEnd::kOutputTooLarge);
  CHECK(result.output.size() == 10'000);
}

TEST_CASE("OutputOfExactlyTheLimitIsWhole") {
  ProcessRequest request = Shell("printf 0123456789");
  request.max_output_bytes = 10;
  const auto result = MustRun(request);
  CHECK(result.end == ProcessEnd::kExited);
  CHECK(result.output == "0123456789");
}

TEST_CASE("ASignalIsReported") {
  const auto result = MustRun(Shell("kill -TERM $$"));
  CHECK(result.end == ProcessEnd::kSignaled);
  CHECK(result.signal == 15);
}

TEST_CASE("AMissingProgramIsAnErrorAndNotAResult") {
  ProcessRequest request;
  request.argv = {"/nowhere/program"};
  const auto by_path = SystemProcessRunner().Run(request);
  REQUIRE(!by_path.ok());
  CHECK(by_path.error().kind == ErrorKind::kNotFound);
  request.argv = {"no-such-program-anywhere"};
  CHECK(!SystemProcessRunner().Run(request).ok());
  request.argv = {};
  CHECK(!SystemProcessRunner().Run(request).ok());
}

TEST_CASE("ABareNameIsLookedUpInTheGivenPath") {
  ProcessRequest request;
  request.argv = {"echo", "found"};
  request.environment = {{"PATH", ":/nowhere:/bin:/usr/bin"}};
  CHECK(MustRun(request).output == "found\n");
}

}  // namespace
}  // namespace rescind
