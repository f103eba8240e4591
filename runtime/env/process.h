// Process: runs one program to its end, within a time limit and an output limit.
//
// The seam through which executors and channels start programs: a simulator passes its own
// ProcessRunner. There is never a shell, the environment is exactly what the caller gives, and
// the program runs in a process group that is killed whole when the program ends, when time or room
// is spent, and when this process ends in whatever way. The program itself is also killed when the
// calling thread ends.
// It does not know what the program is for nor what its output means.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "engine/base/result.h"

namespace rescind {

struct ProcessRequest {
  // argv[0] is a path, or a bare name that is looked up in PATH of `environment` (or in the
  // system's default folders when there is none).
  std::vector<std::string> argv;
  std::map<std::string, std::string> environment;  // all of it: nothing is inherited
  std::string working_folder;                      // empty: the caller's
  std::string input;                               // written to standard input, then closed
  std::chrono::milliseconds time_limit{30'000};
  size_t max_output_bytes = 1 << 20;  // standard output; errors are cut at 64 KiB
};

enum class ProcessEnd : uint8_t {
  kExited = 1,
  kSignaled = 2,
  kTimedOut = 3,        // killed by us: what it had done by then is unknown
  kOutputTooLarge = 4,  // killed by us: likewise
};

struct ProcessResult {
  ProcessEnd end = ProcessEnd::kExited;
  int exit_status = 0;  // kExited
  int signal = 0;       // kSignaled
  std::string output;   // at most max_output_bytes
  std::string errors;   // the beginning of standard error
  std::chrono::milliseconds elapsed{0};
};

class ProcessRunner {
 public:
  virtual ~ProcessRunner() = default;

  // An Error means that the program was never started, so nothing happened.
  virtual Result<ProcessResult> Run(const ProcessRequest& request) = 0;
};

// The real one. Has no state and may be used from several threads.
class SystemProcessRunner final : public ProcessRunner {
 public:
  Result<ProcessResult> Run(const ProcessRequest& request) override;
};

}  // namespace rescind
