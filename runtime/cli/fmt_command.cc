// `rescind fmt [PATH… | -]`: policies in the one layout of the language.
//
// A file with a syntax error is left as it is and the error shown; the others are formatted all
// the same. Only files whose text changes are written, each in one step.
#include <fmt/ostream.h>

#include <memory>
#include <optional>

#include "engine/base/assert.h"
#include "engine/base/diagnostic_text.h"
#include "engine/syntax/formatter.h"
#include "engine/syntax/parser.h"
#include "runtime/cli/command_list.h"
#include "runtime/service/policy_files.h"

namespace rescind {
namespace {

struct FmtOptions {
  std::vector<std::string> paths;
  bool check = false;
};

struct FmtCounts {
  size_t changed = 0;
  size_t refused = 0;
};

// The formatted text; nullopt when the file has syntax errors, which are then on err.
std::optional<std::string> Format(const std::string& name, std::string text,
                                  Invocation& invocation) {
  SourceMap sources;
  DiagnosticSink sink;
  const FileId file = sources.Add(name, std::move(text));
  const ParseResult parsed = Parse(sources, file, sink);
  if (!parsed.ok) {
    const DiagnosticStyle style{.color = invocation.err_has_color()};
    invocation.err << RenderDiagnostics(sources, sink.TakeSorted(), style) << '\n';
    return std::nullopt;
  }
  std::string formatted = FormatPolicyText(sources.Get(file).text(), parsed.file);
  // INVARIANT: what was well-formed stays so; nothing else may ever be written over a policy.
  SourceMap again;
  DiagnosticSink none;
  RESCIND_ASSERT(Parse(again, again.Add(name, formatted), none).ok,
                 "the formatter broke a policy; the file was not touched");
  return formatted;
}

// Through symbolic links, and with the mode that the file has.
Status WriteBack(const PolicyFile& file, const std::string& text, FileSystem& files) {
  RESCIND_ASSIGN(const FileInfo info, files.Stat(file.path));
  return files.WriteAtomically(RealPath(file.path), text, info.mode);
}

Status FormatFile(const PolicyFile& file, bool check, FmtCounts& counts, Invocation& invocation) {
  RESCIND_ASSIGN(const std::string text, ReadPolicyText(file.path, invocation.files));
  const auto formatted = Format(file.name, text, invocation);
  if (!formatted) {
    ++counts.refused;
    return {};
  }
  if (*formatted == text) return {};
  if (!check) RESCIND_TRY(WriteBack(file, *formatted, invocation.files));
  ++counts.changed;
  fmt::print(invocation.out, "{}\n", file.name);
  return {};
}

Result<ExitStatus> FormatStandardInput(bool check, Invocation& invocation) {
  constexpr size_t kMost = SyntaxLimits::kFileBytes + 1;
  std::string text(kMost, '\0');
  invocation.in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<size_t>(invocation.in.gcount()));
  if (invocation.in.bad()) {
    return Error{ErrorKind::kIo, "standard input could not be read", "give the name of a file"};
  }
  const auto formatted = Format("<stdin>", text, invocation);
  if (!formatted) return ExitStatus::kCheckFailed;
  if (!check) {
    invocation.out << *formatted;
    return ExitStatus::kDone;
  }
  if (*formatted == text) return ExitStatus::kDone;
  invocation.out << "<stdin>\n";
  return ExitStatus::kCheckFailed;
}

Result<std::vector<PolicyFile>> FilesOf(const FmtOptions& options, Invocation& invocation) {
  if (!options.paths.empty()) {
    return FindPolicyFiles(options.paths, invocation.working_folder, invocation.files);
  }
  RESCIND_ASSIGN(const Workspace workspace, invocation.OpenWorkspace());
  return FindPolicyFiles(workspace, invocation.files);
}

Result<ExitStatus> RunFmt(const FmtOptions& options, Invocation& invocation) {
  for (const std::string& path : options.paths) {
    if (path != "-") continue;
    if (options.paths.size() == 1) return FormatStandardInput(options.check, invocation);
    invocation.Fail({ErrorKind::kInvalidInput, "`-` stands alone",
                     "give `-` for standard input, or names of files"});
    return ExitStatus::kUsage;
  }
  RESCIND_ASSIGN(const auto policy_files, FilesOf(options, invocation));
  FmtCounts counts;
  for (const PolicyFile& file : policy_files) {
    RESCIND_TRY(FormatFile(file, options.check, counts, invocation));
  }
  const auto plural = [](size_t count) { return count == 1 ? "" : "s"; };
  if (counts.refused > 0) {
    fmt::print(invocation.err, "{} file{} left alone for syntax errors\n", counts.refused,
               plural(counts.refused));
  }
  fmt::print(invocation.err, "{} of {} file{} {}\n", counts.changed, policy_files.size(),
             plural(policy_files.size()), options.check ? "would change" : "formatted");
  const bool failed = counts.refused > 0 || (options.check && counts.changed > 0);
  return failed ? ExitStatus::kCheckFailed : ExitStatus::kDone;
}

}  // namespace

void DeclareFmt(CommandLine& line) {
  auto options = std::make_shared<FmtOptions>();
  CLI::App& command = line.Add(
      "fmt", "Put policies into the one layout; prints the names of changed files",
      [options](Invocation& invocation) { return RunFmt(*options, invocation); },
      CommandPlace::kHere);
  command.add_option("path", options->paths,
                     "Policy files or folders, or - for standard input (default: the workspace's)");
  command.add_flag("--check", options->check,
                   "Change nothing; list what would change, with exit status 3");
}

}  // namespace rescind
