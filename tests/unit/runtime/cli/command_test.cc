#include "runtime/cli/command.h"

#include <doctest/doctest.h>

#include <cerrno>
#include <fstream>
#include <sstream>

#include "runtime/cli/command_list.h"
#include "runtime/env/faulty_file_system.h"
#include "tests/unit/runtime/cli/program_fixture.h"
#include "tests/unit/temporary_folder.h"

namespace rescind {
namespace {

// The whole program in process, with its own outside.
struct Program {
  std::ostringstream out, err;
  std::istringstream in;
  RealFileSystem files;
  VirtualClock clock{Instant{0}};
  SeededRandom random{1};
  SystemProcessRunner processes;
  Invocation invocation{.out = out,
                        .err = err,
                        .in = in,
                        .files = files,
                        .clock = clock,
                        .random = random,
                        .processes = processes,
                        .surroundings = {}};
  CommandLine line;

  ExitStatus Run(const std::vector<std::string>& arguments) {
    return line.Run(arguments, invocation);
  }
};

struct WholeProgram : Program {
  WholeProgram() { DeclareAll(line); }
};

TEST_CASE_FIXTURE(WholeProgram, "TheVersionIsData") {
  CHECK(Run({"--version"}) == ExitStatus::kDone);
  CHECK(out.str().starts_with("rescind "));
  CHECK(err.str().empty());
}

TEST_CASE_FIXTURE(WholeProgram, "WithoutACommandHelpIsPrinted") {
  CHECK(Run({}) == ExitStatus::kDone);
  CHECK(out.str().find("init") != std::string::npos);
}

TEST_CASE_FIXTURE(WholeProgram, "UnknownWordsAreUsageErrorsWithASuggestion") {
  CHECK(Run({"intit"}) == ExitStatus::kUsage);
  CHECK(err.str().find("did you mean `init`?") != std::string::npos);
  CHECK(out.str().empty());
}

// "The following arguments were not expected: y --entity x.csv improt".
TEST_CASE_FIXTURE(WholeProgram, "AnUnknownCommandIsNamedAloneWhateverStandsBehindIt") {
  CHECK(Run({"improt", "x.csv", "--entity", "y"}) == ExitStatus::kUsage);
  CHECK(err.str() == "error: there is no command `improt`\nhelp: did you mean `import`?\n");
  err.str("");
  CHECK(Run({"audit", "vrify", "out"}) == ExitStatus::kUsage);
  CHECK(err.str() == "error: there is no command `vrify`\nhelp: did you mean `verify`?\n");
  err.str("");
  CHECK(Run({"frobnicate"}) == ExitStatus::kUsage);
  CHECK(err.str() ==
        "error: there is no command `frobnicate`\n"
        "help: `rescind help` lists the commands and their options\n");
  err.str("");
  CHECK(Run({"audit"}) == ExitStatus::kUsage);
  CHECK(err.str().find("error: A subcommand is required\n") == 0);
}

// It ended with status 0, as if somebody had got it.
TEST_CASE("HelpThatCannotBePrintedIsAnError") {
  const std::vector<std::vector<std::string>> lines = {
      {}, {"--help"}, {"--version"}, {"import", "--help"}, {"help"}, {"help", "import"}};
  for (const auto& words : lines) {
    CAPTURE(words.size());
    WholeProgram program;
    std::ofstream full("/dev/full");
    Invocation invocation{.out = full,
                          .err = program.err,
                          .in = program.in,
                          .files = program.files,
                          .clock = program.clock,
                          .random = program.random,
                          .processes = program.processes,
                          .surroundings = {}};
    CHECK(program.line.Run(words, invocation) == ExitStatus::kError);
    CHECK(program.err.str().find("the output could not be written") != std::string::npos);
  }
}

TEST_CASE_FIXTURE(WholeProgram, "UnknownOptionsAreUsageErrors") {
  CHECK(Run({"init", "--nope"}) == ExitStatus::kUsage);
  CHECK(err.str().find("--nope") != std::string::npos);
}

TEST_CASE_FIXTURE(WholeProgram, "HelpOfAnUnknownCommandIsAUsageError") {
  CHECK(Run({"help", "intit"}) == ExitStatus::kUsage);
  CHECK(err.str().find("there is no command `intit`") != std::string::npos);
}

// It printed the general help, as if that were about `frob`.
TEST_CASE_FIXTURE(WholeProgram, "AnUnknownCommandWithHelpIsAUsageError") {
  const std::vector<std::vector<std::string>> lines = {{"intit", "--help"},
                                                       {"--workspace", "w", "intit", "--help"},
                                                       {"--workspace=w", "intit", "--version"}};
  for (const auto& words : lines) {
    CHECK(Run(words) == ExitStatus::kUsage);
    CHECK(err.str() == "error: there is no command `intit`\nhelp: did you mean `init`?\n");
    CHECK(out.str().empty());
    err.str("");
  }
  CHECK(Run({"audit", "shw", "--help"}) == ExitStatus::kUsage);
  CHECK(err.str().find("did you mean `show`?") != std::string::npos);
  CHECK(Run({"--help"}) == ExitStatus::kDone);
  CHECK(Run({"--workspace", "w", "audit", "show", "--help"}) == ExitStatus::kDone);
  CHECK(Run({"import", "file.csv", "--help"}) == ExitStatus::kDone);
}

TEST_CASE_FIXTURE(WholeProgram, "HelpOfACommandShowsHowToTypeIt") {
  CHECK(Run({"help", "init"}) == ExitStatus::kDone);
  CHECK(out.str().find("Usage: rescind init") != std::string::npos);
}

TEST_CASE("InitMakesAWorkspaceOnceAndNeverOverwrites") {
  const TemporaryFolder folder;
  {
    WholeProgram first;
    CHECK(first.Run({"init", folder / "w", "--timezone", "Europe/Berlin"}) == ExitStatus::kDone);
    CHECK(first.out.str().empty());
    CHECK(first.files.Stat(folder / "w/secrets")->mode == 0700);
  }
  WholeProgram second;
  CHECK(second.Run({"init", folder / "w"}) == ExitStatus::kError);
  CHECK(second.err.str().find("exists already") != std::string::npos);
  second.invocation.workspace_option = folder / "w";
  const auto workspace = second.invocation.OpenWorkspace();
  REQUIRE(workspace.ok());
  CHECK(workspace->timezone == "Europe/Berlin");
}

// A full disk left empty folders behind.
TEST_CASE("AnInitThatFailsRemovesWhatItMadeAndNothingElse") {
  ProgramFixture program;
  FaultyFileSystem counting(program.files, 0, 0);
  REQUIRE(program.Run({"init", program.folder / "a/b"}, counting) == ExitStatus::kDone);
  const uint64_t count = counting.step_count();
  REQUIRE(count > 10);
  for (uint64_t step = 1; step <= count; ++step) {
    CAPTURE(step);
    FaultyFileSystem full(program.files, step, ENOSPC);
    REQUIRE(program.Run({"init", program.folder / "new/b"}, full) == ExitStatus::kError);
    CHECK(program.Complains("No space left on device"));
    CHECK_FALSE(program.Complains("made the"));
    CHECK_FALSE(program.files.Exists(program.folder / "new"));
  }
  program.Write("own/policies/mine.rescind", kGoodPolicy);
  for (uint64_t step = 1;; ++step) {
    CAPTURE(step);
    FaultyFileSystem full(program.files, step, ENOSPC);
    if (program.Run({"init", program.folder / "own"}, full) == ExitStatus::kDone) break;
    CHECK(program.Content("own/policies/mine.rescind") == kGoodPolicy);
    for (const char* made : {"secrets", ".gitignore", "policies/starter.rescind"}) {
      CHECK_FALSE(program.files.Exists(program.folder / ("own/" + std::string(made))));
    }
  }
  CHECK(program.files.Exists(program.folder / "own/rescind.toml"));
}

TEST_CASE_FIXTURE(WholeProgram, "InitRefusesATimeZoneThatDoesNotExist") {
  const TemporaryFolder folder;
  CHECK(Run({"init", folder / "w", "--timezone", "x\"\ny"}) == ExitStatus::kUsage);
  CHECK_FALSE(files.Exists(folder / "w"));
}

TEST_CASE_FIXTURE(Program, "ErrorsBecomeStatusesAndMessages") {
  line.Add("stale", "", [](Invocation&) -> Result<ExitStatus> {
    return Error{ErrorKind::kStale, "the plan is old", "plan again"};
  });
  CHECK(Run({"stale"}) == ExitStatus::kPlanIsStale);
  CHECK(err.str() == "error: the plan is old\nhelp: plan again\n");
}

TEST_CASE_FIXTURE(Program, "ColourOnlyOnATerminalAndNeverWithNoColor") {
  invocation.err_is_terminal = true;
  invocation.Warn("a");
  CHECK(err.str() == "\x1b[33mwarning:\x1b[0m a\n");
  err.str("");
  invocation.no_color = true;
  invocation.Warn("a");
  CHECK(err.str() == "warning: a\n");
}

TEST_CASE_FIXTURE(Program, "AReaderThatGoesAwayIsAnError") {
  line.Add("data", "", [](Invocation& given) -> Result<ExitStatus> {
    given.out << "x";
    given.out.setstate(std::ios::badbit);
    return ExitStatus::kDone;
  });
  CHECK(Run({"data"}) == ExitStatus::kError);
  CHECK(err.str().find("output could not be written") != std::string::npos);
}

TEST_CASE_FIXTURE(Program, "CommandsOfAGroupAreReachedAndWorkspaceMayStandAnywhere") {
  CLI::App& group = line.AddGroup("exempt", "");
  std::string seen;
  line.Add(group, "list", "", [&](Invocation& given) -> Result<ExitStatus> {
    seen = given.workspace_option;
    return ExitStatus::kHeld;
  });
  CHECK(Run({"exempt", "list", "--workspace", "w"}) == ExitStatus::kHeld);
  CHECK(seen == "w");
}

TEST_CASE_FIXTURE(Program, "AGroupAloneIsAUsageError") {
  CLI::App& group = line.AddGroup("exempt", "");
  line.Add(group, "list", "", [](Invocation&) -> Result<ExitStatus> { return ExitStatus::kDone; });
  CHECK(Run({"exempt"}) == ExitStatus::kUsage);
}

}  // namespace
}  // namespace rescind
