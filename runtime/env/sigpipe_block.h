// SigpipeBlock: while it lives, writing to a pipe or socket that nobody reads is an error and not
// the end of this process.
//
// For code that writes through write(2) itself or through a library that does. SIGPIPE is blocked
// for this thread only, and one that was caused meanwhile is taken away again.
#pragma once

#include <signal.h>

#include <ctime>

namespace rescind {

class SigpipeBlock {
 public:
  SigpipeBlock() {
    sigemptyset(&pipe_);
    sigaddset(&pipe_, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe_, &before_);
  }
  SigpipeBlock(const SigpipeBlock&) = delete;
  SigpipeBlock& operator=(const SigpipeBlock&) = delete;
  ~SigpipeBlock() {
    if (sigismember(&before_, SIGPIPE) == 1) return;
    const timespec none{};
    while (sigtimedwait(&pipe_, nullptr, &none) > 0) {
    }
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }

 private:
  sigset_t pipe_{};
  sigset_t before_{};
};

}  // namespace rescind
