// `rescind check [PATH…]`: are the policies well-formed, and do they mean something.
//
// Without paths it checks the workspace, rescind.toml's targets, channels and sources included, and
// without asking any of them. Paths that all lie in the workspace's policy folder
// choose what is shown of it: policies are one program, and one file alone would lack what the
// others declare. Other paths are a program of their own.
#include <fmt/ostream.h>

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <set>

#include "engine/base/diagnostic_text.h"
#include "engine/base/visible_text.h"
#include "runtime/cli/command_list.h"
#include "runtime/service/diagnostic_report.h"
#include "runtime/service/policy_loader.h"
#include "runtime/service/workspace_check.h"

namespace rescind {
namespace {

struct CheckCommandOptions {
  std::vector<std::string> paths;
  std::string format = "text";
  bool deny_warnings = false;
};

// What was loaded, and which part of it is shown.
struct Checked {
  LoadedPolicies policies;
  std::vector<Diagnostic> shown;
  size_t shown_file_count = 0;
  size_t hidden_error_count = 0;
  std::vector<WorkspaceProblem> problems;  // of rescind.toml
  std::vector<WorkspaceProblem> warnings;  // likewise; they have been printed
};

// The workspace that the files are policies of; nullopt when they lie elsewhere. Unless one is
// named, it is looked for upwards from the first of them.
Result<std::optional<WorkspaceReading>> WorkspaceOf(const std::vector<PolicyFile>& named,
                                                    Invocation& invocation) {
  if (named.empty()) return std::optional<WorkspaceReading>();
  if (invocation.NamedWorkspace().empty()) {
    const std::string file = RealPath(named[0].path);
    auto folder = FindWorkspaceFolder(file.substr(0, file.rfind('/') + 1), invocation.files);
    if (!folder.ok()) return std::optional<WorkspaceReading>();
    invocation.workspace_option = *std::move(folder);
  }
  RESCIND_ASSIGN(WorkspaceReading reading, invocation.ReadWorkspaceFile());
  const std::string folder = RealPath(reading.workspace.policy_folder);
  const bool inside = std::all_of(named.begin(), named.end(), [&](const PolicyFile& file) {
    return IsInFolder(RealPath(file.path), folder);
  });
  if (!inside) return std::optional<WorkspaceReading>();
  return std::optional<WorkspaceReading>(std::move(reading));
}

Checked ShowAll(LoadedPolicies policies) {
  Checked checked;
  checked.shown = policies.diagnostics;
  checked.shown_file_count = policies.files.size();
  checked.policies = std::move(policies);
  return checked;
}

// Only what concerns the named files, and what has no place in any policy file.
Checked ShowNamed(LoadedPolicies policies, const std::vector<PolicyFile>& named) {
  std::set<std::string> paths;
  for (const PolicyFile& file : named) paths.insert(RealPath(file.path));
  std::set<FileId> others;
  for (const LoadedPolicyFile& loaded : policies.files) {
    if (!paths.contains(RealPath(loaded.file.path))) others.insert(loaded.id);
  }
  Checked checked;
  checked.shown_file_count = policies.files.size() - others.size();
  for (const Diagnostic& diagnostic : policies.diagnostics) {
    if (!diagnostic.span.valid() || !others.contains(diagnostic.span.file)) {
      checked.shown.push_back(diagnostic);
    } else if (diagnostic.severity() == DiagnosticSeverity::kError) {
      ++checked.hidden_error_count;
    }
  }
  checked.policies = std::move(policies);
  return checked;
}

// The policies of a workspace with mistakes: those of rescind.toml come first, and where it could
// not be parsed nothing else is said, as anything might be its fault.
Result<LoadedPolicies> LoadPoliciesOf(const WorkspaceReading& reading, FileSystem& files) {
  if (!reading.is_toml) return LoadedPolicies();
  auto policies = LoadPolicies(reading.workspace, files);
  if (!policies.ok() && !reading.problems.empty()) return LoadedPolicies();
  return policies;
}

Result<Checked> CheckPaths(const std::vector<std::string>& paths, Invocation& invocation) {
  RESCIND_ASSIGN(const auto named,
                 FindPolicyFiles(paths, invocation.working_folder, invocation.files));
  RESCIND_ASSIGN(const auto reading, WorkspaceOf(named, invocation));
  if (reading) {
    RESCIND_ASSIGN(LoadedPolicies policies, LoadPoliciesOf(*reading, invocation.files));
    Checked checked = ShowNamed(std::move(policies), named);
    checked.problems = reading->problems;
    checked.warnings = reading->workspace.warnings;
    return checked;
  }
  RESCIND_ASSIGN(LoadedPolicies policies, LoadPolicyFiles(named, invocation.files));
  if (named.empty()) {
    policies.notices.push_back(fmt::format("no policy file (*{}) lies there", kPolicySuffix));
  }
  return ShowAll(std::move(policies));
}

Result<Checked> CheckWorkspace(Invocation& invocation) {
  RESCIND_ASSIGN(WorkspaceReading reading, invocation.ReadWorkspaceFile());
  RESCIND_ASSIGN(LoadedPolicies policies, LoadPoliciesOf(reading, invocation.files));
  Checked checked = ShowAll(std::move(policies));
  checked.problems = std::move(reading.problems);
  checked.warnings = reading.workspace.warnings;
  if (!reading.is_toml) return checked;
  const typed::Program* program = checked.policies.program.get();
  for (WorkspaceProblem& problem : CheckWorkspace(
           reading.workspace, program == nullptr ? nullptr : &program->schema, invocation.files)) {
    checked.problems.push_back(std::move(problem));
  }
  return checked;
}

void Print(const Checked& checked, const std::string& format, Invocation& invocation) {
  const SourceMap& sources = checked.policies.sources;
  if (format == "json") {
    std::map<std::string, std::string> meanings;
    if (checked.policies.program) {
      for (const typed::Policy& policy : checked.policies.program->policies) {
        meanings.emplace(policy.full_name, policy.meaning_hash);
      }
    }
    invocation.out << DiagnosticsAsJson(sources, checked.shown, checked.shown_file_count,
                                        checked.problems, checked.warnings, meanings);
    return;
  }
  if (format == "sarif") {
    invocation.out << DiagnosticsAsSarif(sources, checked.shown, ProgramVersion(), checked.problems,
                                         checked.warnings);
    return;
  }
  const DiagnosticStyle style{.color = invocation.out_has_color()};
  for (const Diagnostic& diagnostic : checked.shown) {
    invocation.out << RenderDiagnostic(sources, diagnostic, style) << '\n';
  }
  for (const WorkspaceProblem& problem : checked.problems) {
    invocation.out << FormatWorkspaceProblem(problem) << '\n';
  }
  invocation.out << DiagnosticSummary(checked.shown, checked.shown_file_count) << '\n';
  if (!checked.problems.empty()) {
    const auto of_environment =
        std::count_if(checked.problems.begin(), checked.problems.end(),
                      [](const auto& problem) { return problem.place.starts_with("RESCIND_"); });
    const auto of_file = static_cast<ptrdiff_t>(checked.problems.size()) - of_environment;
    const auto print = [&](ptrdiff_t count, std::string_view where) {
      if (count == 0) return;
      fmt::print(invocation.out, "{} error{} in {}\n", count, count == 1 ? "" : "s", where);
    };
    print(of_file, kWorkspaceFileName);
    print(of_environment, "the environment");
  }
  if (!checked.warnings.empty()) {
    fmt::print(invocation.out, "{} warning{} about the workspace\n", checked.warnings.size(),
               checked.warnings.size() == 1 ? "" : "s");
  }
}

Result<ExitStatus> RunCheck(const CheckCommandOptions& options, Invocation& invocation) {
  RESCIND_ASSIGN(const Checked checked, options.paths.empty()
                                            ? CheckWorkspace(invocation)
                                            : CheckPaths(options.paths, invocation));
  for (const std::string& notice : checked.policies.notices) {
    fmt::print(invocation.err, "note: {}\n", Visible(notice));
  }
  Print(checked, options.format, invocation);
  if (checked.hidden_error_count > 0) {
    invocation.Warn(fmt::format("other policy files hold {} error{}: `rescind check` shows {}",
                                checked.hidden_error_count,
                                checked.hidden_error_count == 1 ? "" : "s",
                                checked.hidden_error_count == 1 ? "it" : "them"));
  }
  // A file is no better than the program that it is part of.
  const DiagnosticCounts counts = CountDiagnostics(checked.shown);
  const size_t warning_count = counts.warnings + checked.warnings.size();
  const bool failed = checked.policies.program == nullptr || !checked.problems.empty() ||
                      (options.deny_warnings && warning_count > 0);
  return failed ? ExitStatus::kCheckFailed : ExitStatus::kDone;
}

}  // namespace

void DeclareCheck(CommandLine& line) {
  auto options = std::make_shared<CheckCommandOptions>();
  CLI::App& check = line.Add(
      "check", "Check policies and rescind.toml; exit status 3 when they hold an error",
      [options](Invocation& invocation) { return RunCheck(*options, invocation); },
      CommandPlace::kHere);
  check.add_option("path", options->paths,
                   "Policy files or folders (default: all of the workspace)");
  check.add_option("--format", options->format, "text, json or sarif")
      ->check(CLI::IsMember({"text", "json", "sarif"}))
      ->capture_default_str();
  check.add_flag("--deny-warnings", options->deny_warnings, "Fail on warnings too");
}

}  // namespace rescind
