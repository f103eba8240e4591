// SystemProcessRunner: vfork, three pipes, one pidfd, one poll loop, and a guard.
//
// What nobody waits for must not act later, so a program and all that it starts end with us,
// however we end. The kernel kills the program itself (PR_SET_PDEATHSIG, which posix_spawn cannot
// ask for), at once. What it has started is the guard's: a shell that leads the program's process
// group, holds a pipe from us, and kills the group when our end of it closes. The guard begins
// first, so there is no moment without it, and as the leader it keeps the group's number from
// becoming somebody else's. (Spared is what has more rights than we have, by its set-user-id bit,
// and what has left the group.)
//
// We stop reading when the program ends, when the time is spent or when the output has no room
// left; in each case the whole group is killed before the guard is reaped.
#include "runtime/env/process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>

#include "runtime/env/descriptor.h"
#include "runtime/env/sigpipe_block.h"

namespace rescind {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr size_t kMaxErrorBytes = 64 << 10;
constexpr std::string_view kDefaultPath = "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin";

struct Pipe {
  Descriptor read;
  Descriptor write;
};

Error SystemError(std::string_view what, int code) {
  return {ErrorKind::kIo, fmt::format("{}: {}", what, std::strerror(code)), ""};
}

Result<Pipe> MakePipe() {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) return SystemError("cannot make a pipe", errno);
  return Pipe{Descriptor(ends[0]), Descriptor(ends[1])};
}

Result<std::string> FindProgram(const ProcessRequest& request) {
  if (request.argv.empty() || request.argv[0].empty()) {
    return Error{ErrorKind::kInvalidInput, "no program was given to run", ""};
  }
  const std::string& name = request.argv[0];
  if (name.find('/') != std::string::npos) return name;
  const auto path = request.environment.find("PATH");
  std::string_view folders =
      path == request.environment.end() ? kDefaultPath : std::string_view(path->second);
  while (!folders.empty()) {
    const size_t colon = std::min(folders.find(':'), folders.size());
    const std::string candidate = fmt::format("{}/{}", folders.substr(0, colon), name);
    if (colon > 0 && access(candidate.c_str(), X_OK) == 0) return candidate;
    folders.remove_prefix(std::min(colon + 1, folders.size()));
  }
  return Error{ErrorKind::kNotFound, fmt::format("the program `{}` is not in PATH", name),
               "give its full path"};
}

struct Child {
  pid_t pid = -1;
  Descriptor watch;  // pidfd: readable once the program has ended
  Descriptor input;
  Descriptor output;
  Descriptor errors;
};

std::vector<char*> Pointers(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  pointers.reserve(texts.size() + 1);
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

// All that the new process needs, made before it begins.
struct Launch {
  const char* program;
  char* const* arguments;
  char* const* environment;
  const char* folder;  // null: ours
  std::array<int, 3> streams;
  int report;    // takes the error of what failed; closed by success
  pid_t group;   // 0: one of its own
  pid_t parent;  // dies with it; 0: does not
};

// INVARIANT: after vfork the memory is our parent's, which waits: only system calls, and no return.
[[noreturn]] void BecomeProgram(const Launch& launch) {
  const int lowest = STDERR_FILENO + 2;
  int report = launch.report;
  const auto prepare = [&] {
    if (setpgid(0, launch.group) != 0) return false;
    if (launch.parent != 0) {
      if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) return false;
      // Whoever lost its parent before that line has another one now.
      if (getppid() != launch.parent) _exit(127);
    }
    // Out of the way first: one of them may have the number of a standard stream.
    std::array<int, 3> streams{};
    for (size_t i = 0; i < streams.size(); ++i) {
      streams[i] = fcntl(launch.streams[i], F_DUPFD_CLOEXEC, lowest);
    }
    const int moved = fcntl(launch.report, F_DUPFD_CLOEXEC, lowest);
    if (moved < 0) return false;
    report = moved;
    for (size_t i = 0; i < streams.size(); ++i) {
      if (dup2(streams[i], static_cast<int>(i)) < 0) return false;
    }
    if (dup3(moved, lowest - 1, O_CLOEXEC) < 0) return false;
    report = lowest - 1;
    closefrom(lowest);
    if (launch.folder != nullptr && chdir(launch.folder) != 0) return false;
    struct sigaction usual = {};
    usual.sa_handler = SIG_DFL;
    for (int number = 1; number < NSIG; ++number) sigaction(number, &usual, nullptr);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, nullptr);
    execve(launch.program, launch.arguments, launch.environment);
    return false;
  };
  prepare();
  const int code = errno;
  [[maybe_unused]] const ssize_t written = write(report, &code, sizeof code);
  _exit(127);
}

// The new process, once its program runs.
Result<pid_t> Spawn(Launch launch) {
  RESCIND_ASSIGN(Pipe report, MakePipe());
  launch.report = report.write.number();
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);  // no handler of ours runs in the child
  // As cheap however large we are. NOLINTNEXTLINE(clang-analyzer-security.insecureAPI.vfork)
  const pid_t started = vfork();
  if (started == 0) BecomeProgram(launch);
  int code = errno;
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  ssize_t count = sizeof code;
  if (started > 0) {
    report.write.Close();
    do {
      count = read(report.read.number(), &code, sizeof code);
    } while (count < 0 && errno == EINTR);
    if (count == 0) return started;
    waitpid(started, nullptr, 0);
  }
  if (count != sizeof code) code = EIO;
  return Error{code == ENOENT ? ErrorKind::kNotFound : ErrorKind::kIo,
               fmt::format("cannot start `{}`: {}", launch.program, std::strerror(code)),
               "check that the file exists and may be executed"};
}

// The leader of a group of processes that ends when this object, or our process, does.
class Guard {
 public:
  static Result<Guard> Start() {
    Guard guard;
    RESCIND_ASSIGN(Pipe pipe, MakePipe());
    std::vector<std::string> arguments = {"/bin/sh", "-c",
                                          "trap '' HUP INT QUIT TERM; read x; kill -9 0"};
    const std::vector<char*> argument_pointers = Pointers(arguments);
    char* no_environment = nullptr;
    const int from_us = pipe.read.number();
    RESCIND_ASSIGN(guard.pid_, Spawn({arguments[0].c_str(),
                                      argument_pointers.data(),
                                      &no_environment,
                                      "/",
                                      {from_us, from_us, from_us},
                                      -1,
                                      0,
                                      0}));
    guard.line_ = std::move(pipe.write);
    return guard;
  }
  Guard(Guard&& other) noexcept
      : pid_(std::exchange(other.pid_, -1)), line_(std::move(other.line_)) {}
  Guard& operator=(Guard&& other) noexcept {
    std::swap(pid_, other.pid_);
    std::swap(line_, other.line_);
    return *this;
  }
  ~Guard() {
    if (pid_ < 0) return;
    EndGroup();
    while (waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
    }
  }

  pid_t group() const { return pid_; }
  // INVARIANT: the guard is not reaped yet, so the group cannot be somebody else's.
  void EndGroup() const { kill(-pid_, SIGKILL); }

 private:
  Guard() = default;
  pid_t pid_ = -1;
  Descriptor line_;  // held by nobody else
};

Result<Child> Start(const ProcessRequest& request, const Guard& guard) {
  RESCIND_ASSIGN(const std::string program, FindProgram(request));
  RESCIND_ASSIGN(Pipe input, MakePipe());
  RESCIND_ASSIGN(Pipe output, MakePipe());
  RESCIND_ASSIGN(Pipe errors, MakePipe());
  std::vector<std::string> arguments = request.argv;
  std::vector<std::string> environment;
  for (const auto& [name, value] : request.environment) environment.push_back(name + "=" + value);
  const std::vector<char*> argument_pointers = Pointers(arguments);
  const std::vector<char*> environment_pointers = Pointers(environment);
  Child child;
  RESCIND_ASSIGN(child.pid,
                 Spawn({program.c_str(),
                        argument_pointers.data(),
                        environment_pointers.data(),
                        request.working_folder.empty() ? nullptr : request.working_folder.c_str(),
                        {input.read.number(), output.write.number(), errors.write.number()},
                        -1,
                        guard.group(),
                        getpid()}));
  child.watch = Descriptor(static_cast<int>(syscall(SYS_pidfd_open, child.pid, 0)));
  if (!child.watch.open()) {
    const int problem = errno;
    guard.EndGroup();
    waitpid(child.pid, nullptr, 0);
    return SystemError("cannot watch a started program", problem);
  }
  fcntl(input.write.number(), F_SETFL, O_NONBLOCK);
  fcntl(output.read.number(), F_SETFL, O_NONBLOCK);
  fcntl(errors.read.number(), F_SETFL, O_NONBLOCK);
  child.input = std::move(input.write);
  child.output = std::move(output.read);
  child.errors = std::move(errors.read);
  return child;
}

// Takes what is there now. Closes the descriptor at its end. False when `room` is exceeded.
bool Drain(Descriptor& from, std::string& into, size_t room, bool discard_rest) {
  std::array<char, 16384> block{};
  // Bounded: a program that writes as fast as we read must not keep us from the time limit.
  for (int turns = 0; from.open() && turns < 64; ++turns) {
    const ssize_t count = read(from.number(), block.data(), block.size());
    if (count == 0 || (count < 0 && errno != EAGAIN && errno != EINTR)) {
      from.Close();
      return true;
    }
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return true;
    const size_t taken = std::min(static_cast<size_t>(count), room - into.size());
    into.append(block.data(), taken);
    if (taken < static_cast<size_t>(count) && !discard_rest) return false;
  }
  return true;
}

void Feed(Descriptor& to, std::string_view& rest) {
  while (to.open() && !rest.empty()) {
    const ssize_t count = write(to.number(), rest.data(), rest.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && errno == EAGAIN) return;
    if (count < 0) rest = {};  // the program does not want it
    if (count > 0) rest.remove_prefix(static_cast<size_t>(count));
  }
  to.Close();
}

// Reads and writes until the program ends; the reason to kill it, if there is one.
std::optional<ProcessEnd> Converse(Child& child, const ProcessRequest& request,
                                   SteadyClock::time_point deadline, ProcessResult& result) {
  std::string_view rest = request.input;
  Feed(child.input, rest);
  while (true) {
    std::array<pollfd, 4> watched = {{{child.watch.number(), POLLIN, 0},
                                      {child.output.number(), POLLIN, 0},
                                      {child.errors.number(), POLLIN, 0},
                                      {child.input.number(), POLLOUT, 0}}};
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - SteadyClock::now());
    if (left.count() <= 0) return ProcessEnd::kTimedOut;
    poll(watched.data(), watched.size(), static_cast<int>(left.count()));
    if (watched[3].revents != 0) Feed(child.input, rest);
    Drain(child.errors, result.errors, kMaxErrorBytes, true);
    if (!Drain(child.output, result.output, request.max_output_bytes, false)) {
      return ProcessEnd::kOutputTooLarge;
    }
    if (watched[0].revents != 0) {
      // It has ended: take what it wrote just before.
      Drain(child.errors, result.errors, kMaxErrorBytes, true);
      if (Drain(child.output, result.output, request.max_output_bytes, false)) return std::nullopt;
      return ProcessEnd::kOutputTooLarge;
    }
  }
}

}  // namespace

Result<ProcessResult> SystemProcessRunner::Run(const ProcessRequest& request) {
  const auto began = SteadyClock::now();
  const SigpipeBlock block;
  RESCIND_ASSIGN(const Guard guard, Guard::Start());
  RESCIND_ASSIGN(Child child, Start(request, guard));
  ProcessResult result;
  const auto why_killed = Converse(child, request, began + request.time_limit, result);

  guard.EndGroup();
  int status = 0;
  while (waitpid(child.pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (why_killed.has_value()) {
    result.end = *why_killed;
  } else if (WIFSIGNALED(status)) {
    result.end = ProcessEnd::kSignaled;
    result.signal = WTERMSIG(status);
  } else {
    result.exit_status = WEXITSTATUS(status);
  }
  result.elapsed =
      std::chrono::duration_cast<std::chrono::milliseconds>(SteadyClock::now() - began);
  return result;
}

}  // namespace rescind
