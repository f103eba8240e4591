// LastWords: what it means that the process ends because the disk has failed it.
#pragma once

#include <string>

namespace rescind {

struct LastWords {
  int exit_status = 1;
  std::string standing;  // beside what became of the store; empty: nothing more
  std::string remedy;    // what to do once the disk works; empty: run the command again
};

}  // namespace rescind
