// Names of policy files and of the CSV files that they read start from one base folder: the
// workspace's, or where the command was started, or `/` for a policy folder that lies elsewhere.
//
//   policies/access/stale.rescind says  list x of text from "lists/a.csv"
//   the checker asks for                policies/access/lists/a.csv
//   read is                             /srv/acme/policies/access/lists/a.csv
//
// if that file, all symbolic links followed, lies in the workspace or its policy folder.
#include "runtime/service/policy_loader.h"

#include <fmt/format.h>

#include <algorithm>
#include <type_traits>
#include <utility>

#include "engine/base/sha256.h"
#include "engine/check/check.h"
#include "engine/check/program.h"
#include "engine/syntax/literal.h"
#include "runtime/service/notice_reach.h"
#include "runtime/service/param_source.h"
#include "runtime/service/rollback_reach.h"

namespace rescind {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

// Reads the files that lists and tables come from, and no other.
class ListFileReader {
 public:
  // `base`: what relative names start from. `roots`: the folders that files may lie in.
  ListFileReader(std::string base, const std::vector<std::string>& roots, FileSystem& files)
      : base_(std::move(base)), files_(files) {
    for (const std::string& root : roots) roots_.push_back(RealPath(root));
  }

  Result<std::string> Read(const std::string& name) const {
    if (name.empty() || name.find('\0') != std::string::npos) {
      return Error{ErrorKind::kInvalidInput, "the name of the file is empty",
                   "name a CSV file relative to the policy file's folder"};
    }
    const std::string path = RealPath(PathUnder(base_, name));
    const bool inside = std::any_of(roots_.begin(), roots_.end(), [&](const std::string& root) {
      return IsInFolder(path, root);
    });
    if (!inside) {
      return Error{ErrorKind::kDenied, fmt::format("{} lies outside of the workspace", name),
                   "copy it into the workspace and name it relative to the policy file's folder"};
    }
    RESCIND_ASSIGN(const FileInfo info, files_.Stat(path));
    if (info.kind != FileKind::kRegular) {
      return Error{ErrorKind::kInvalidInput, fmt::format("{} is not a regular file", name),
                   "name a CSV file"};
    }
    RESCIND_ASSIGN(std::string text, files_.Read(path, kMaxListFileBytes));
    return AsText(name, std::move(text));
  }

 private:
  static Result<std::string> AsText(const std::string& name, std::string text) {
    if (text.starts_with(kByteOrderMark)) text.erase(0, kByteOrderMark.size());
    const size_t bad = std::min(syntax::FindInvalidUtf8(text), text.find('\0'));
    if (bad == std::string::npos) return text;
    const auto line =
        1 + std::count(text.begin(), text.begin() + static_cast<ptrdiff_t>(bad), '\n');
    return Error{ErrorKind::kInvalidInput, fmt::format("{}:{} is not UTF-8 text", name, line),
                 "save the file as UTF-8 CSV"};
  }

  std::string base_;
  std::vector<std::string> roots_;
  FileSystem& files_;
};

// A value of [params] as the language writes it. Texts stay as they are: the checker reads them by
// the declared type, so that "60d" is a duration for one param and a text for another.
Result<std::string> ParamText(const std::string& name, const WorkspaceParam& param) {
  return std::visit(
      [&](const auto& value) -> Result<std::string> {
        using Value = std::decay_t<decltype(value)>;
        if constexpr (std::is_same_v<Value, std::string>) {
          return value;
        } else if constexpr (std::is_same_v<Value, std::vector<std::string>>) {
          return Error{
              ErrorKind::kInvalidInput,
              fmt::format("{}: `{}` in [params] must be one value, not a list", param.place, name),
              "a param holds one value; declare a `list` in a policy file for several"};
        } else {
          return fmt::format("{}", value);  // an integer, true, false
        }
      },
      param.value);
}

Result<CheckOptions> OptionsOf(const Workspace& workspace) {
  CheckOptions options;
  for (const auto& [name, param] : workspace.params) {
    RESCIND_ASSIGN(options.params[name], ParamText(name, param));
  }
  options.params_file = kWorkspaceFileName;
  options.timezone = workspace.timezone;
  options.holidays = workspace.holidays;
  options.policy_folder = NameInWorkspace(workspace, workspace.policy_folder) + "/";
  options.channels.emplace();
  for (const auto& [name, channel] : workspace.channels) options.channels->push_back(name);
  options.sources.emplace();
  for (const auto& [name, source] : workspace.sources) options.sources->push_back(name);
  return options;
}

Error AllUnreadable(const std::vector<Error>& errors) {
  std::string message;
  for (const Error& error : errors) {
    if (!message.empty()) message += '\n';
    message += error.message;
  }
  return {errors[0].kind, message, errors[0].help};
}

// `workspace`: whose params `options` hold; null without one.
Result<LoadedPolicies> Load(const std::vector<PolicyFile>& policy_files, CheckOptions options,
                            const Workspace* workspace, FileSystem& files) {
  LoadedPolicies loaded;
  std::vector<FileId> ids;
  std::vector<Error> unreadable;
  for (const PolicyFile& file : policy_files) {
    auto text = ReadPolicyText(file.path, files);
    if (!text.ok()) {
      unreadable.push_back(std::move(text).error());
      continue;
    }
    ids.push_back(loaded.sources.Add(file.name, *std::move(text)));
    loaded.files.push_back({ids.back(), file});
  }
  // A program with a file missing may mean something else: a protect could be in it.
  if (!unreadable.empty()) return AllUnreadable(unreadable);
  DiagnosticSink sink;
  DiagnosticSink of_params;
  if (workspace) AddParamSources(*workspace, files, loaded.sources, options, of_params);
  loaded.program = ParseAndCheck(loaded.sources, ids, options, sink);
  if (of_params.has_errors()) loaded.program = nullptr;
  for (Diagnostic& diagnostic : of_params.TakeSorted()) sink.Report(std::move(diagnostic));
  // INVARIANT: without a program there is an error that says why, and the other way round.
  RESCIND_ASSERT((loaded.program == nullptr) == sink.has_errors(),
                 "a program and its errors contradict each other");
  loaded.diagnostics = sink.TakeSorted();
  if (loaded.program != nullptr) loaded.policies_hash = PoliciesHash(*loaded.program);
  return loaded;
}

// The entities in the order of their names, whatever the order of files gave them.
void AddSchema(const Schema& schema, Sha256Fields& fields) {
  std::vector<const EntityDef*> entities;
  for (const EntityDef& entity : schema.entities()) entities.push_back(&entity);
  std::sort(entities.begin(), entities.end(),
            [](const EntityDef* a, const EntityDef* b) { return a->name < b->name; });
  fields.Add(entities.size());
  for (const EntityDef* entity : entities) {
    std::vector<std::string> lines;
    for (const FieldDef& field : entity->fields) {
      lines.push_back(fmt::format("{} : {}{}", field.name, FormatType(schema, field.type),
                                  field.tracked ? " tracked" : ""));
    }
    std::sort(lines.begin(), lines.end());
    fields.Add(entity->name).Add(lines.size());
    for (const std::string& line : lines) fields.Add(line);
  }
}

// Policies, or protects, by name.
template <typename Rule>
void AddRules(const std::vector<Rule>& rules, Sha256Fields& fields) {
  std::vector<std::pair<std::string_view, std::string_view>> hashes;
  for (const Rule& rule : rules) hashes.emplace_back(rule.full_name, rule.meaning_hash);
  std::sort(hashes.begin(), hashes.end());
  fields.Add(hashes.size());
  for (const auto& [name, hash] : hashes) fields.Add(name).Add(hash);
}

}  // namespace

std::string PoliciesHash(const typed::Program& program) {
  Sha256Fields fields;
  fields.Add("rescind.policies/1").Add(program.default_timezone);
  AddSchema(program.schema, fields);
  AddRules(program.policies, fields);
  AddRules(program.protects, fields);
  return "sha256:" + fields.Hex();
}

Result<LoadedPolicies> LoadPolicies(const Workspace& workspace, FileSystem& files) {
  RESCIND_ASSIGN(CheckOptions options, OptionsOf(workspace));
  RESCIND_ASSIGN(const auto policy_files, FindPolicyFiles(workspace, files));
  const bool elsewhere = options.policy_folder.starts_with('/');
  const ListFileReader reader(elsewhere ? "" : workspace.folder,
                              {workspace.folder, workspace.policy_folder}, files);
  options.read_file = [&reader](const std::string& name) { return reader.Read(name); };
  auto loaded = Load(policy_files, std::move(options), &workspace, files);
  if (loaded.ok() && policy_files.empty()) {
    loaded->notices.push_back(fmt::format("{} holds no policy (*{}): nothing will be taken away",
                                          workspace.policy_folder, kPolicySuffix));
  }
  if (loaded.ok() && loaded->program) {
    auto unreachable = FindUnreachable(workspace, *loaded->program, loaded->sources);
    auto irreversible = FindIrreversible(workspace, *loaded->program);
    DiagnosticSink sink;
    for (auto* found : {&loaded->diagnostics, &unreachable, &irreversible}) {
      for (Diagnostic& diagnostic : *found) sink.Report(std::move(diagnostic));
    }
    loaded->diagnostics = sink.TakeSorted();
  }
  return loaded;
}

Result<LoadedPolicies> LoadPolicyFiles(const std::vector<PolicyFile>& policy_files,
                                       FileSystem& files) {
  CheckOptions options;
  options.policy_folder = FolderOfAll(policy_files);
  // What a name lacks in front of a path is the folder that the command was started in.
  std::string base;
  for (const PolicyFile& file : policy_files) {
    if (file.name.starts_with('/')) continue;
    const bool below = file.path.ends_with("/" + file.name);
    base = below ? file.path.substr(0, file.path.size() - file.name.size() - 1) : ".";
  }
  const ListFileReader reader(base, {PathUnder(base, options.policy_folder)}, files);
  options.read_file = [&reader](const std::string& name) { return reader.Read(name); };
  return Load(policy_files, std::move(options), nullptr, files);
}

}  // namespace rescind
