// InterruptFlag: while it lives, Ctrl-C asks the run to end between two steps instead of ending
// the process, and says so on standard error. A second one ends it at once: what it was doing is
// in the journal.
#pragma once

#include <signal.h>

namespace rescind {

class InterruptFlag {
 public:
  InterruptFlag();
  ~InterruptFlag();
  InterruptFlag(const InterruptFlag&) = delete;
  InterruptFlag& operator=(const InterruptFlag&) = delete;

  bool raised() const;

 private:
  struct sigaction before_interrupt_ = {};
  struct sigaction before_terminate_ = {};
};

}  // namespace rescind
