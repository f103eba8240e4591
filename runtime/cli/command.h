// The frame of the command line: what a command is, and what it is handed.
//
// A group of commands is one file `<group>_command.cc` with one function `Declare<Group>`, named
// in command_list.h and called in command_list.cc. It adds its commands to the CommandLine and
// gives each a function to run. Parsing, help, usage errors and exit statuses are done here once.
//
//   void DeclareCheck(CommandLine& line) {
//     auto options = std::make_shared<CheckOptions>();
//     CLI::App& check = line.Add("check", "Check the policies", [options](Invocation& invocation) {
//       return RunCheck(*options, invocation);
//     });
//     check.add_option("--format", options->format, "text, json or sarif")
//         ->check(CLI::IsMember({"text", "json", "sarif"}));
//   }
//
// A function that runs returns Result<ExitStatus>: an Error is printed and becomes a status.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <functional>
#include <iosfwd>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "runtime/env/clock.h"
#include "runtime/env/file_system.h"
#include "runtime/env/process.h"
#include "runtime/env/random.h"
#include "runtime/service/store_opener.h"
#include "runtime/service/workspace.h"
#include "runtime/service/workspace_status.h"

namespace rescind {

// Users' scripts rely on these. Never renumber.
enum class ExitStatus : int {
  kDone = 0,  // done, or nothing to do
  kError = 1,
  kHasChanges = 2,   // plan --detailed-exitcode
  kCheckFailed = 3,  // check, test, verify
  kHeld = 4,         // by a limit or an approval
  kAppliedInPart = 5,
  kPlanIsStale = 6,
  kUsage = 64,
};

// Where a command runs while a server holds the store of its workspace.
enum class CommandPlace : uint8_t {
  kServer,  // there: it is about what the store holds
  kHere,    // in its own process, which does without the store
};

// Whose process it is.
struct Caller {
  uint32_t user_id = 0;  // the real one
  uint32_t effective_user_id = 0;
  std::string sudo_uid;  // SUDO_UID of the environment, as it stands there; empty: it is not set
};

// The outside of one run of the program. Commands reach it only through this, so that tests run
// them in process.
struct Invocation {
  std::ostream& out;  // data
  std::ostream& err;  // progress and messages
  std::istream& in;
  FileSystem& files;
  Clock& clock;
  Random& random;
  ProcessRunner& processes;
  WorkspaceSurroundings surroundings;
  Caller caller = {};
  StoreLender* lender = nullptr;  // of the server that runs the command for its client
  bool out_is_terminal = false;
  bool err_is_terminal = false;
  bool in_is_terminal = false;
  bool no_color = false;  // NO_COLOR is set
  // What a command no longer needs at its end. A large plan is a million texts: giving them back
  // one by one takes longer than ending the process, so the program does not.
  std::shared_ptr<void> leavings = {};
  std::string working_folder = ".";   // where the search for rescind.toml begins
  std::string workspace_option = {};  // --workspace DIR; empty: not given
  // Has the server of that store run the command, and gives its exit status; nothing: there is no
  // server. Empty: the command is run by one.
  std::function<Result<std::optional<int>>(const std::string& store_folder,
                                           const std::vector<std::string>& arguments)>
      ask_server = {};
  // Of the process, where it serves; and by what it does.
  const ServerState* server = nullptr;
  Pipeline* in_force = nullptr;
  // Whoever waits for the command wants it to end. Empty: signals of this process say so.
  std::function<bool()> wants_stop = {};

  bool out_has_color() const { return out_is_terminal && !no_color; }
  bool err_has_color() const { return err_is_terminal && !no_color; }

  // A path as the user means it: relative ones start in the working folder.
  std::string PathFrom(const std::string& path) const;
  // The folder of --workspace or else of RESCIND_WORKSPACE; empty: neither is given. A variable
  // that is empty counts as not set.
  std::string NamedWorkspace() const;
  // The workspace of NamedWorkspace, or the nearest one upwards. Prints its
  // warnings to err.
  Result<Workspace> OpenWorkspace();
  // The same with its mistakes listed, for `check`.
  Result<WorkspaceReading> ReadWorkspaceFile();
  // "warning: …" on err. Like errors it may name what feeds and servers gave: it is made visible.
  void Warn(const std::string& message);
  // "error: …" and "help: …" on err; the exit status that the kind of error has.
  ExitStatus Fail(const Error& error);
};

// Visible (engine/base/visible_text.h) for a text of several lines.
std::string VisibleLines(std::string_view text);

// "0.1.0".
std::string_view ProgramVersion();

using CommandFunction = std::function<Result<ExitStatus>(Invocation&)>;

class CommandLine {
 public:
  CommandLine();

  // A command of its own: `rescind NAME`. The returned App takes its options.
  CLI::App& Add(const std::string& name, const std::string& description, CommandFunction run,
                CommandPlace place = CommandPlace::kServer);
  // A word with commands below it (`rescind exempt`); `parent` of the following Add.
  CLI::App& AddGroup(const std::string& name, const std::string& description);
  CLI::App& Add(CLI::App& parent, const std::string& name, const std::string& description,
                CommandFunction run, CommandPlace place = CommandPlace::kServer);

  // Parses, runs the chosen command, prints errors. `arguments` without the program's name.
  ExitStatus Run(const std::vector<std::string>& arguments, Invocation& invocation);

  const CLI::App& root() const { return root_; }
  // What was chosen, such as "exempt add"; empty: nothing.
  const std::string& chosen() const { return chosen_; }

 private:
  struct Command {
    CLI::App* app;
    CommandFunction run;
    CommandPlace place;
  };

  Result<ExitStatus> PrintHelp(Invocation& invocation);

  CLI::App root_;
  std::string workspace_option_;
  std::string chosen_;
  std::vector<std::string> help_topic_;
  std::vector<Command> commands_;
};

}  // namespace rescind
