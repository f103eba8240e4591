// The program `rescind`: hands the real outside to the command line.
#include <malloc.h>
#include <sys/prctl.h>
#include <unistd.h>
#include <csignal>
#include <cstdlib>
#include <iostream>
#include <string>
#include <vector>

#include "runtime/cli/command_list.h"
#include "runtime/cli/server_client.h"

int main(int argc, char** argv) {
  // A reader that goes away (`rescind plan | head`) shows as a failed write, not as a signal.
  std::signal(SIGPIPE, SIG_IGN);
  // So does a file that may not grow further (`ulimit -f`): the store then says what stands.
  std::signal(SIGXFSZ, SIG_IGN);
  std::ios::sync_with_stdio(false);

  // Every command sweeps once and ends. Where memory was not in use lately, the host of a virtual
  // machine must find each huge page first: 2.3 s for 600 MB were measured, 0.24 s in small pages;
  // where it was, huge pages save a tenth of a second.
  ::prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
  // Large blocks come and go while columns are read; giving their pages back to the system and
  // asking for them again costs more than the blocks do.
  ::mallopt(M_TRIM_THRESHOLD, 256 << 20);
  ::mallopt(M_TOP_PAD, 16 << 20);
  ::mallopt(M_MMAP_THRESHOLD, 32 << 20);

  rescind::RealFileSystem files;
  rescind::SystemClock clock;
  rescind::SystemRandom random;
  rescind::SystemProcessRunner processes;
  const char* sudo_uid = std::getenv("SUDO_UID");
  rescind::Invocation invocation{
      .out = std::cout,
      .err = std::cerr,
      .in = std::cin,
      .files = files,
      .clock = clock,
      .random = random,
      .processes = processes,
      .surroundings = rescind::WorkspaceSurroundings::OfThisProcess(),
      .caller = {getuid(), geteuid(), sudo_uid == nullptr ? "" : sudo_uid},
      .out_is_terminal = isatty(STDOUT_FILENO) == 1,
      .err_is_terminal = isatty(STDERR_FILENO) == 1,
      .in_is_terminal = isatty(STDIN_FILENO) == 1,
      .no_color = std::getenv("NO_COLOR") != nullptr,
  };
  invocation.ask_server = rescind::AskServerOf;
  rescind::CommandLine line;
  rescind::DeclareAll(line);
  const auto status =
      static_cast<int>(line.Run(std::vector<std::string>(argv + 1, argv + argc), invocation));
  std::cout.flush();
  std::cerr.flush();
  // Not `return`: what the command left in the invocation is not taken apart (see `leavings`).
  std::exit(status);
}
