// WritingBan: while it lives, no file of this process can grow, as on a full disk.
#pragma once

#include <doctest/doctest.h>
#include <signal.h>
#include <sys/resource.h>

namespace rescind {

class WritingBan {
 public:
  WritingBan() : handler_before_(signal(SIGXFSZ, SIG_IGN)) {
    REQUIRE(getrlimit(RLIMIT_FSIZE, &limit_before_) == 0);
    rlimit none = limit_before_;
    none.rlim_cur = 0;
    REQUIRE(setrlimit(RLIMIT_FSIZE, &none) == 0);
  }
  ~WritingBan() {
    setrlimit(RLIMIT_FSIZE, &limit_before_);
    signal(SIGXFSZ, handler_before_);
  }
  WritingBan(const WritingBan&) = delete;
  WritingBan& operator=(const WritingBan&) = delete;

 private:
  rlimit limit_before_ = {};
  void (*handler_before_)(int);
};

}  // namespace rescind
