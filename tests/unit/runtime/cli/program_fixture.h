// The whole program in process, in a folder of its own.
#pragma once

#include <doctest/doctest.h>

#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/cli/command_list.h"
#include "tests/unit/temporary_folder.h"

namespace rescind {

struct ProgramFixture {
  TemporaryFolder folder;
  std::ostringstream out, err;
  std::istringstream in;
  RealFileSystem files;
  VirtualClock clock{Instant{0}};
  SeededRandom random{1};
  SystemProcessRunner processes;
  WorkspaceSurroundings surroundings;
  Caller caller{1000, 1000, ""};
  bool on_a_terminal = false;

  // As if typed in `folder`. What it printed is in `out` and `err`.
  ExitStatus Run(const std::vector<std::string>& arguments) { return Run(arguments, files); }
  // The same on another disk.
  ExitStatus Run(const std::vector<std::string>& arguments, FileSystem& disk) {
    out.str("");
    err.str("");
    out.clear();
    Invocation invocation{.out = out,
                          .err = err,
                          .in = in,
                          .files = disk,
                          .clock = clock,
                          .random = random,
                          .processes = processes,
                          .surroundings = surroundings,
                          .caller = caller};
    invocation.working_folder = folder.path();
    invocation.out_is_terminal = on_a_terminal;
    CommandLine line;  // CLI11 keeps what was parsed
    DeclareAll(line);
    return line.Run(arguments, invocation);
  }
  void Write(const std::string& name, std::string_view text) {
    const std::string path = folder / name;
    REQUIRE(files.MakeDirectories(path.substr(0, path.rfind('/')), 0755).ok());
    REQUIRE(files.WriteAtomically(path, text, kPublicMode).ok());
  }
  std::string Content(const std::string& name) {
    return files.Read(folder / name, 1 << 20).value();
  }
  bool Prints(std::string_view text) const { return out.str().find(text) != std::string::npos; }
  bool Complains(std::string_view text) const { return err.str().find(text) != std::string::npos; }
};

inline constexpr std::string_view kGoodPolicy =
    "policy idle \"Idle\" {\n"
    "  controls cis_8 \"5.3\"\n"
    "  for g in grant\n"
    "  when (g.last_used ?? g.granted_at) older than 90d\n"
    "  then { revoke g }\n"
    "}\n";
// Line 4, column 3: E0117.
inline constexpr std::string_view kBadPolicy =
    "policy wrong \"Wrong\" {\n"
    "  controls cis_8 \"5.3\"\n"
    "  for g in grant\n"
    "  wehn g.ticket is unknown\n"
    "  then { revoke g }\n"
    "}\n";

}  // namespace rescind
