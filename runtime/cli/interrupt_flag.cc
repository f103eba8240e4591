#include "runtime/cli/interrupt_flag.h"

#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <string_view>

namespace rescind {
namespace {

// A signal handler can reach nothing else. One flag a process: there is one Ctrl-C.
std::atomic<bool> interrupted{false};
static_assert(std::atomic<bool>::is_always_lock_free);

constexpr std::string_view kFinishing =
    "finishing what has begun (Ctrl-C again ends it at once; `rescind apply --resume` goes on)\n";

// Calls only what a signal handler may call.
extern "C" void NoteInterrupt(int) {
  interrupted.store(true);
  const int before = errno;
  [[maybe_unused]] const ssize_t written =
      write(STDERR_FILENO, kFinishing.data(), kFinishing.size());
  errno = before;
}

}  // namespace

InterruptFlag::InterruptFlag() {
  interrupted.store(false);
  struct sigaction action = {};
  action.sa_handler = NoteInterrupt;
  sigemptyset(&action.sa_mask);
  action.sa_flags = static_cast<int>(SA_RESETHAND);
  sigaction(SIGINT, &action, &before_interrupt_);
  sigaction(SIGTERM, &action, &before_terminate_);
}

InterruptFlag::~InterruptFlag() {
  sigaction(SIGINT, &before_interrupt_, nullptr);
  sigaction(SIGTERM, &before_terminate_, nullptr);
}

bool InterruptFlag::raised() const { return interrupted.load(); }

}  // namespace rescind
