// `apply` on a disk that is full, or that fails: what had been done by then decides what it says.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>

#include "runtime/env/faulty_file_system.h"
#include "tests/unit/runtime/cli/company_fixture.h"
#include "tests/unit/writing_ban.h"

namespace rescind {
namespace {

struct ChildOfApply {
  int exit_status = -1;
  std::string errors;
};

// What `run` returns and what the process says meanwhile, in a process of its own.
template <typename Run>
ChildOfApply InAChild(const Run& run) {
  std::array<int, 2> ends{};
  REQUIRE(pipe(ends.data()) == 0);
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    dup2(ends[1], STDERR_FILENO);
    close(ends[0]);
    close(ends[1]);
    std::_Exit(static_cast<int>(run()));
  }
  close(ends[1]);
  ChildOfApply ended;
  std::array<char, 4096> block{};
  for (ssize_t count = 0; (count = read(ends[0], block.data(), block.size())) > 0;) {
    ended.errors.append(block.data(), static_cast<size_t>(count));
  }
  close(ends[0]);
  int status = 0;
  waitpid(child, &status, 0);
  if (WIFEXITED(status)) ended.exit_status = WEXITSTATUS(status);
  return ended;
}

// It ended with status 1, as an apply that had done nothing.
TEST_CASE_FIXTURE(CompanyWithAccess, "AnApplyThatAFullDiskCutsOffIsAppliedInPart") {
  const std::string id = MakePlan();
  FaultyFileSystem disk(files, 0, 0);
  disk.FillWith(folder / "full");
  Write("fault-apply", "touch full\n");
  CHECK(Run({"apply", "p.json", "--confirm", id}, disk) == ExitStatus::kAppliedInPart);
  CHECK(Complains("error: no space left on the disk"));
  CHECK(Complains("some may be done without a record of it\n"));
  CHECK(Complains("Then `rescind apply --resume` looks at their systems and goes on"));
  REQUIRE(files.Remove(folder / "full").ok());
  REQUIRE(files.Remove(folder / "fault-apply").ok());
  REQUIRE_MESSAGE(Run({"apply", "--resume", "-o", "json"}) == ExitStatus::kDone,
                  (out.str() + err.str()));
  CHECK(Json()["summary"]["verified"] == 3);
  CHECK(!Has("on-ann-vpn"));
}

// The process ended with status 1 as well when the disk refused a write that had begun.
TEST_CASE_FIXTURE(CompanyWithAccess, "AnApplyWhoseDiskFailsAfterAnActionIsAppliedInPart") {
  const std::string id = MakePlan();
  Write("fault-apply", "rm -f \"on-$id\"; prlimit --pid \"$(cat rescind-pid)\" --fsize=0:\n");
  const auto apply = [&] {
    signal(SIGXFSZ, SIG_IGN);  // as the program does
    Write("rescind-pid", std::to_string(getpid()));
    return Run({"apply", "p.json", "--confirm", id});
  };
  const ChildOfApply ended = InAChild(apply);
  CAPTURE(ended.errors);
  CHECK(ended.exit_status == static_cast<int>(ExitStatus::kAppliedInPart));
  CHECK(ended.errors.find("fatal: the store cannot go on; ") != std::string::npos);
  CHECK(ended.errors.find("some may be done without a record of it; ") != std::string::npos);
  CHECK(ended.errors.find("Then `rescind apply --resume` looks at their systems and goes on\n") !=
        std::string::npos);
  CHECK(!Has("on-ann-vpn"));
  REQUIRE(files.Remove(folder / "fault-apply").ok());
  REQUIRE_MESSAGE(Run({"apply", "--resume", "-o", "json"}) == ExitStatus::kDone,
                  (out.str() + err.str()));
  CHECK(Json()["summary"]["verified"] == 3);
}

// Nothing had been done then.
TEST_CASE_FIXTURE(CompanyWithAccess, "AnApplyWhoseDiskFailsBeforeTheFirstActionIsAnError") {
  const std::string id = MakePlan();
  const ChildOfApply ended = InAChild([&] {
    const WritingBan ban;
    return Run({"apply", "p.json", "--confirm", id});
  });
  CAPTURE(ended.errors);
  CHECK(ended.exit_status == static_cast<int>(ExitStatus::kError));
  CHECK(ended.errors.find("--resume") == std::string::npos);
  CHECK(Has("on-ann-vpn"));
}

}  // namespace
}  // namespace rescind
