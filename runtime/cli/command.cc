#include "runtime/cli/command.h"

#include <fmt/ostream.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "engine/base/diagnostic.h"
#include "engine/base/visible_text.h"

#ifndef RESCIND_VERSION
#define RESCIND_VERSION "unknown"
#endif

namespace rescind {
namespace {

ExitStatus StatusOf(ErrorKind kind) {
  return kind == ErrorKind::kStale ? ExitStatus::kPlanIsStale : ExitStatus::kError;
}

void PrintMarked(std::ostream& to, bool color, std::string_view escape, std::string_view mark,
                 std::string_view text) {
  if (color) {
    fmt::print(to, "\x1b[{}m{}:\x1b[0m {}\n", escape, mark, VisibleLines(text));
  } else {
    fmt::print(to, "{}: {}\n", mark, VisibleLines(text));
  }
}

std::vector<const CLI::App*> CommandsBelow(const CLI::App& app) {
  return app.get_subcommands([](const CLI::App*) { return true; });
}

std::vector<std::string> NamesBelow(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* command : CommandsBelow(app)) names.push_back(command->get_name());
  return names;
}

constexpr std::string_view kWorkspaceOption = "--workspace";

// The words followed down the tree of commands: `exempt ad` ends at `exempt`, with "ad" unknown.
struct Trail {
  const CLI::App* app;
  std::string above;    // what is typed before the last command: "rescind exempt"
  std::string unknown;  // the first word that names no command; empty when all do
};

Trail Follow(const CLI::App& root, const std::vector<std::string>& words) {
  const CLI::App* app = &root;
  std::string above;
  for (size_t i = 0; i < words.size(); ++i) {
    const std::string& word = words[i];
    if (word == kWorkspaceOption && ++i < words.size()) continue;  // may stand anywhere
    if (word.starts_with(std::string(kWorkspaceOption) + "=")) continue;
    const auto commands = CommandsBelow(*app);
    const auto next = std::find_if(commands.begin(), commands.end(), [&](const CLI::App* command) {
      return command->get_name() == word;
    });
    if (next == commands.end()) return {app, above, word};
    above += (above.empty() ? "" : " ") + app->get_name();
    app = *next;
  }
  return {app, above, ""};
}

}  // namespace

std::string VisibleLines(std::string_view text) {
  std::string visible;
  for (size_t at = 0; at <= text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    if (at > 0) visible += '\n';
    visible += Visible(text.substr(at, end - at));
    at = end + 1;
  }
  return visible;
}

std::string_view ProgramVersion() { return RESCIND_VERSION; }

namespace {

Result<std::string> WorkspaceFolderOf(const Invocation& invocation) {
  if (std::string named = invocation.NamedWorkspace(); !named.empty()) {
    return invocation.PathFrom(named);
  }
  return FindWorkspaceFolder(invocation.working_folder, invocation.files);
}

}  // namespace

std::string Invocation::PathFrom(const std::string& path) const {
  if (path.starts_with('/') || working_folder == ".") return path;
  return working_folder + "/" + path;
}

std::string Invocation::NamedWorkspace() const {
  if (!workspace_option.empty()) return workspace_option;
  const auto variable = surroundings.environment.find("RESCIND_WORKSPACE");
  return variable == surroundings.environment.end() ? "" : variable->second;
}

Result<Workspace> Invocation::OpenWorkspace() {
  RESCIND_ASSIGN(const std::string folder, WorkspaceFolderOf(*this));
  RESCIND_ASSIGN(Workspace workspace, LoadWorkspace(folder, surroundings, files));
  for (const WorkspaceProblem& warning : workspace.warnings) Warn(warning.Sentence());
  return workspace;
}

Result<WorkspaceReading> Invocation::ReadWorkspaceFile() {
  RESCIND_ASSIGN(const std::string folder, WorkspaceFolderOf(*this));
  RESCIND_ASSIGN(WorkspaceReading reading, ReadWorkspace(folder, surroundings, files));
  for (const WorkspaceProblem& warning : reading.workspace.warnings) Warn(warning.Sentence());
  return reading;
}

void Invocation::Warn(const std::string& message) {
  PrintMarked(err, err_has_color(), "33", "warning", message);
}

ExitStatus Invocation::Fail(const Error& error) {
  out.flush();
  PrintMarked(err, err_has_color(), "31", "error", error.message);
  if (!error.help.empty()) PrintMarked(err, err_has_color(), "36", "help", error.help);
  return StatusOf(error.kind);
}

CommandLine::CommandLine()
    : root_("Takes access away once the reason for it no longer holds.", "rescind") {
  root_.set_version_flag("--version", "rescind " RESCIND_VERSION, "Print the version");
  root_.add_option(std::string(kWorkspaceOption), workspace_option_,
                   "Folder with rescind.toml (default: the one that the variable RESCIND_WORKSPACE "
                   "names, where it is set and not empty, or else the nearest one upwards)");
  root_.require_subcommand(0, 1);
  root_.fallthrough();
  root_.footer(
      "Exit status: 0 done, 1 error, 2 plan has changes, 3 check failed, 4 held,\n"
      "5 applied in part, or a message not sent, 6 plan is stale, 64 usage.\n"
      "`rescind help COMMAND` says more.");
  CLI::App& help = Add(
      "help", "Say what a command does",
      [this](Invocation& invocation) { return PrintHelp(invocation); }, CommandPlace::kHere);
  help.add_option("command", help_topic_, "The command, such as `plan` or `exempt add`");
}

CLI::App& CommandLine::Add(const std::string& name, const std::string& description,
                           CommandFunction run, CommandPlace place) {
  return Add(root_, name, description, std::move(run), place);
}

CLI::App& CommandLine::AddGroup(const std::string& name, const std::string& description) {
  CLI::App& group = *root_.add_subcommand(name, description);
  group.require_subcommand(1);
  return group;
}

CLI::App& CommandLine::Add(CLI::App& parent, const std::string& name,
                           const std::string& description, CommandFunction run,
                           CommandPlace place) {
  CLI::App& command = *parent.add_subcommand(name, description);
  commands_.push_back({&command, std::move(run), place});
  return command;
}

namespace {

ExitStatus FailUnknownCommand(const CLI::App& app, const std::string& unknown,
                              Invocation& invocation) {
  const auto meant = DidYouMean(unknown, NamesBelow(app));
  invocation.Fail({ErrorKind::kInvalidInput, fmt::format("there is no command `{}`", unknown),
                   meant ? fmt::format("did you mean `{}`?", *meant)
                         : "`rescind help` lists the commands and their options"});
  return ExitStatus::kUsage;
}

// A word where a command belongs; nullopt where the arguments name one. CLI11 would list all that
// stands behind such a word too, from the back.
std::optional<ExitStatus> FailWithoutCommand(const CLI::App& root,
                                             const std::vector<std::string>& arguments,
                                             Invocation& invocation) {
  const auto [app, above, unknown] = Follow(root, arguments);
  const bool is_command = unknown.empty() || CommandsBelow(*app).empty();
  if (is_command || unknown.starts_with('-')) return std::nullopt;
  return FailUnknownCommand(*app, unknown, invocation);
}

// The exit status that the server of the workspace's store gives; nothing: there is no server, or
// which workspace is meant cannot be told, which the command itself says.
Result<std::optional<int>> AskServer(const std::vector<std::string>& arguments,
                                     const Invocation& invocation) {
  const auto folder = WorkspaceFolderOf(invocation);
  if (!folder.ok()) return std::optional<int>();
  const auto workspace = LoadWorkspace(*folder, invocation.surroundings, invocation.files);
  if (!workspace.ok()) return std::optional<int>();
  return invocation.ask_server(workspace->store_folder, arguments);
}

// `status`, unless what was to be printed got lost: a full disk, a reader that has gone.
ExitStatus AfterOutput(ExitStatus status, Invocation& invocation) {
  invocation.out.flush();
  if (!invocation.out.fail()) return status;
  return invocation.Fail({ErrorKind::kIo, "the output could not be written",
                          "check the disk, or the program that reads the output"});
}

}  // namespace

Result<ExitStatus> CommandLine::PrintHelp(Invocation& invocation) {
  const auto [app, above, unknown] = Follow(root_, help_topic_);
  if (!unknown.empty()) return FailUnknownCommand(*app, unknown, invocation);
  invocation.out << app->help(above);
  return ExitStatus::kDone;
}

ExitStatus CommandLine::Run(const std::vector<std::string>& arguments, Invocation& invocation) {
  try {
    // CLI11 takes the arguments from the back.
    root_.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
  } catch (const CLI::Success& wish) {  // --help, --version
    if (const auto failed = FailWithoutCommand(root_, arguments, invocation)) return *failed;
    root_.exit(wish, invocation.out, invocation.err);
    return AfterOutput(ExitStatus::kDone, invocation);
  } catch (const CLI::ParseError& problem) {
    if (const auto failed = FailWithoutCommand(root_, arguments, invocation)) return *failed;
    invocation.Fail({ErrorKind::kInvalidInput, problem.what(),
                     "`rescind help` lists the commands and their options"});
    return ExitStatus::kUsage;
  }
  invocation.workspace_option = workspace_option_;
  for (const Command& command : commands_) {
    if (!command.app->parsed()) continue;
    chosen_ = command.app->get_name();
    for (const CLI::App* group = command.app->get_parent(); group != &root_;
         group = group->get_parent()) {
      chosen_ = group->get_name() + " " + chosen_;
    }
    if (command.place == CommandPlace::kServer && invocation.ask_server) {
      const auto served = AskServer(arguments, invocation);
      if (!served.ok()) return invocation.Fail(served.error());
      if (*served) return static_cast<ExitStatus>(**served);
    }
    Result<ExitStatus> status = command.run(invocation);
    invocation.out.flush();
    if (!status.ok()) return invocation.Fail(status.error());
    return AfterOutput(*status, invocation);
  }
  invocation.out << root_.help();
  return AfterOutput(ExitStatus::kDone, invocation);
}

}  // namespace rescind
