// Files are applied from the least to the most important one onto the same Workspace, so that a
// later key replaces an earlier one and a later [target.NAME] replaces the whole earlier table.
// Then RESCIND_* variables, then what only makes sense over all of it (secrets, on-call).
#include "runtime/service/workspace.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <limits>
#include <utility>

#include "engine/base/diagnostic.h"
#include "engine/base/time_zone.h"
#include "runtime/service/table_reader.h"
#include "runtime/service/toml_mistake.h"

namespace rescind {
namespace {

// A past that is read to the day is still one; to more than that, it misleads.
constexpr Duration kMostCoalesce{kMicrosPerDay};
constexpr int64_t kMaxRows = 1'000'000'000;

using Problems = std::vector<WorkspaceProblem>;

std::string FolderOf(const std::string& file) {
  const size_t slash = file.rfind('/');
  return slash == std::string::npos ? "." : file.substr(0, slash);
}

bool EndsLikeASecret(std::string_view key) {
  for (const std::string_view end : {"password", "secret", "token", "api_key", "private_key"}) {
    if (key.ends_with(end)) return true;
  }
  return false;
}

// One file's tables, applied to a workspace.
class FileReader {
 public:
  FileReader(std::string file, Workspace& workspace, Problems& problems)
      : file_(std::move(file)),
        folder_(FolderOf(file_)),
        workspace_(workspace),
        problems_(problems) {}

  void Read(const toml::table& root) {
    TableReader reader(root, file_, "the file", problems_);
    if (const auto* table = reader.Table("workspace")) ReadWorkspace(*table);
    if (const auto* table = reader.Table("limits")) ReadLimits(*table);
    if (const auto* table = reader.Table("history")) ReadHistory(*table);
    if (const auto* table = reader.Table("audit")) ReadAudit(*table);
    if (const auto* table = reader.Table("params")) ReadParams(*table);
    ReadNamed(reader, "channel", &FileReader::ReadChannel);
    ReadNamed(reader, "source", &FileReader::ReadSource);
    ReadNamed(reader, "target", &FileReader::ReadTarget);
    reader.RejectUnknown();
  }

 private:
  using NamedTableFunction = void (FileReader::*)(const std::string&, TableReader&);

  void ReadNamed(TableReader& root, const std::string& kind, NamedTableFunction read) {
    const toml::table* tables = root.Table(kind);
    if (tables == nullptr) return;
    TableReader names(*tables, file_, fmt::format("[{}]", kind), problems_);
    for (const auto& [key, node] : *tables) {
      const std::string name(key.str());
      const toml::table* table = names.Table(name);
      if (table == nullptr) continue;
      TableReader reader(*table, file_, fmt::format("[{}.{}]", kind, name), problems_);
      (this->*read)(name, reader);
    }
  }

  void ReadWorkspace(const toml::table& table) {
    TableReader reader(table, file_, "[workspace]", problems_);
    if (auto text = reader.Text("policies")) workspace_.policy_folder = PathUnder(folder_, *text);
    if (auto text = reader.Text("store")) workspace_.store_folder = PathUnder(folder_, *text);
    if (auto text = reader.Text("oncall")) {
      workspace_.oncall = *text;
      workspace_.oncall_place = reader.Place("oncall");
    }
    if (auto text = reader.Text("timezone")) {
      if (FindTimeZone(*text) == nullptr) {
        const auto near = NearestTimeZone(*text);
        reader.Reject("timezone",
                      fmt::format("is \"{}\", which the tz database does not know; {}", *text,
                                  near ? fmt::format("did you mean \"{}\"?", *near)
                                       : "write one like \"Europe/Berlin\""));
      }
      workspace_.timezone = *text;
    }
    if (auto days = reader.Days("holidays")) workspace_.holidays = Holidays(*std::move(days));
    reader.RejectUnknown();
  }

  void ReadLimits(const toml::table& table) {
    TableReader reader(table, file_, "[limits]", problems_);
    WorkspaceLimits& limits = workspace_.limits;
    if (auto count = reader.Integer("removals_per_hour", 0, kMaxRows)) {
      limits.removals_per_hour = *count;
    }
    if (auto share = reader.Part("per_policy")) limits.per_policy = *share;
    if (auto count = reader.Integer("confirm_over", 0, kMaxRows)) limits.confirm_over = *count;
    reader.RejectUnknown();
  }

  void ReadHistory(const toml::table& table) {
    TableReader reader(table, file_, "[history]", problems_);
    WorkspaceHistory& history = workspace_.history;
    if (auto length = reader.Length("max_age")) history.max_age = *length;
    if (auto bytes = reader.Size("max_size")) history.max_bytes = *bytes;
    if (auto step = reader.LengthOrNone("coalesce", kMostCoalesce)) history.coalesce = *step;
    reader.RejectUnknown();
  }

  void ReadAudit(const toml::table& table) {
    TableReader reader(table, file_, "[audit]", problems_);
    if (auto text = reader.Text("key_file")) workspace_.audit_key_file = PathUnder(folder_, *text);
    if (auto text = reader.Text("origin")) workspace_.audit_origin = *text;
    reader.RejectUnknown();
  }

  void ReadParams(const toml::table& table) {
    TableReader reader(table, file_, "[params]", problems_);
    for (const auto& [key, node] : table) {
      const std::string name(key.str());
      if (node.is_table()) {
        reader.Reject(name, fmt::format("must stand in quotes with its module: \"{}.…\"", name));
        continue;
      }
      if (auto value = reader.Setting(name)) {
        workspace_.params[name] = {*std::move(value), reader.Place(name), file_,
                                   RangeOf(key.source()), RangeOf(node.source())};
      }
    }
  }

  static std::map<std::string, std::string> PlacesOf(const ExecutorSettings& settings,
                                                     const TableReader& reader) {
    std::map<std::string, std::string> places;
    for (const auto& [key, value] : settings) places.emplace(key, reader.Place(key));
    return places;
  }

  void ReadChannel(const std::string& name, TableReader& reader) {
    const auto kind = reader.OneOf("kind", {"command", "smtp", "webhook"});
    WorkspaceChannel channel;
    channel.folder = folder_;
    channel.place = reader.Place("kind");
    if (!reader.Has("kind")) reader.Reject("kind", "is missing: command, smtp or webhook");
    if (!kind) {
      workspace_.channels[name] = std::move(channel);  // policies may name it all the same
      return;
    }
    if (*kind == "command") ReadCommandChannel(reader, channel);
    if (*kind == "smtp") ReadSmtpChannel(reader, channel);
    if (*kind == "webhook") ReadWebhookChannel(reader, channel);
    reader.RejectUnknown();
    channel.places = PlacesOf(channel.settings, reader);
    workspace_.channels[name] = std::move(channel);
  }

  void Require(TableReader& reader, const std::string& key, WorkspaceChannel& channel) {
    if (!reader.Has(key)) reader.Reject(key, "is missing");
    Accept(reader, key, channel);
  }
  void Accept(TableReader& reader, const std::string& key, WorkspaceChannel& channel) {
    if (auto text = reader.Text(key)) channel.settings[key] = *std::move(text);
  }

  void ReadCommandChannel(TableReader& reader, WorkspaceChannel& channel) {
    channel.kind = ChannelKind::kCommand;
    if (!reader.Has("command")) reader.Reject("command", "is missing");
    if (auto words = reader.TextList("command")) channel.settings["command"] = *std::move(words);
    if (reader.Length("time_limit")) Accept(reader, "time_limit", channel);
  }
  void ReadSmtpChannel(TableReader& reader, WorkspaceChannel& channel) {
    channel.kind = ChannelKind::kSmtp;
    Require(reader, "url", channel);
    Require(reader, "from", channel);
    Accept(reader, "to", channel);
    Accept(reader, "username", channel);
    Accept(reader, "password_file", channel);
  }
  void ReadWebhookChannel(TableReader& reader, WorkspaceChannel& channel) {
    channel.kind = ChannelKind::kWebhook;
    Require(reader, "url", channel);
    Accept(reader, "secret_file", channel);
    if (reader.Length("time_limit")) Accept(reader, "time_limit", channel);
  }

  void ReadSource(const std::string& name, TableReader& reader) {
    WorkspaceSource source;
    source.place = reader.Place("entity");
    if (!reader.Has("entity")) reader.Reject("entity", "is missing");
    if (auto entities = reader.TextOrList("entity")) source.entities = *std::move(entities);
    source.max_age = reader.Length("max_age");
    if (auto share = reader.Part("max_shrink")) source.max_shrink = *share;
    reader.RejectUnknown();
    workspace_.sources[name] = std::move(source);
  }

  void ReadTarget(const std::string& name, TableReader& reader) {
    WorkspaceTarget target;
    target.folder = folder_;
    target.place = reader.Place("executor");
    if (!reader.Has("executor")) reader.Reject("executor", "is missing");
    if (auto kind = reader.Text("executor")) target.executor = *std::move(kind);
    target.settings = reader.RemainingSettings();
    target.places = PlacesOf(target.settings, reader);
    for (const auto& [key, value] : target.settings) {
      if (!EndsLikeASecret(key)) continue;
      reader.Reject(key, fmt::format("would put a secret into this file; write it to a file of "
                                     "mode 0600 and give `{}_file`",
                                     key));
    }
    workspace_.targets[name] = std::move(target);
  }

  std::string file_;
  std::string folder_;
  Workspace& workspace_;
  Problems& problems_;
};

void ReadFile(const std::string& file, const std::string& text, WorkspaceReading& reading) {
  if (text.find('\0') != std::string::npos) {
    reading.problems.push_back({kBadWorkspaceFile, file, "this is a binary file, not TOML",
                                "save it as UTF-8 text: `key = value` lines below `[table]` "
                                "headers, as `rescind init` writes them"});
    reading.is_toml = false;
    return;
  }
  try {
    const toml::table root = toml::parse(text, file);
    FileReader(file, reading.workspace, reading.problems).Read(root);
  } catch (const toml::parse_error& problem) {
    TomlMistake mistake = ReadTomlMistake(problem.description());
    reading.problems.push_back({kBadWorkspaceFile, PlaceOf(file, problem.source()),
                                std::move(mistake.message), std::move(mistake.help)});
    reading.is_toml = false;
  }
}

// A variable's value read as the key's own type by wrapping it into a table of one key.
struct Override {
  const char* variable;
  const char* table;
  const char* key;
  bool quoted;
};
constexpr Override kOverrides[] = {
    {"RESCIND_POLICIES", "workspace", "policies", true},
    {"RESCIND_STORE", "workspace", "store", true},
    {"RESCIND_TIMEZONE", "workspace", "timezone", true},
    {"RESCIND_ONCALL", "workspace", "oncall", true},
    {"RESCIND_LIMITS_REMOVALS_PER_HOUR", "limits", "removals_per_hour", false},
    {"RESCIND_LIMITS_PER_POLICY", "limits", "per_policy", false},
    {"RESCIND_LIMITS_CONFIRM_OVER", "limits", "confirm_over", false},
    {"RESCIND_HISTORY_MAX_AGE", "history", "max_age", true},
    {"RESCIND_HISTORY_MAX_SIZE", "history", "max_size", true},
    {"RESCIND_HISTORY_COALESCE", "history", "coalesce", true},
    {"RESCIND_AUDIT_KEY_FILE", "audit", "key_file", true},
};
// Read elsewhere, or by tests; no settings.
constexpr const char* kOtherVariables[] = {"RESCIND_WORKSPACE", "RESCIND_SEED"};

void InsertValue(toml::table& table, const Override& override, const std::string& text) {
  const bool is_number =
      !text.empty() && text.size() < 19 &&
      std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
  if (!override.quoted && is_number) {
    table.insert(override.key, int64_t{std::stoll(text)});
  } else {
    table.insert(override.key, text);
  }
}

void ApplyEnvironment(const std::map<std::string, std::string>& environment, Workspace& workspace,
                      Problems& problems) {
  std::vector<std::string> known(std::begin(kOtherVariables), std::end(kOtherVariables));
  for (const Override& override : kOverrides) {
    known.push_back(override.variable);
    const auto found = environment.find(override.variable);
    if (found == environment.end()) continue;
    toml::table table;
    InsertValue(table, override, found->second);
    toml::table root;
    root.insert(override.table, std::move(table));
    Problems here;
    // The name is a file in the workspace's folder, so that relative paths start there.
    FileReader(workspace.folder + "/" + kWorkspaceFileName, workspace, here).Read(root);
    if (override.key == std::string_view("oncall")) workspace.oncall_place = override.variable;
    // No line of rescind.toml is wrong.
    const std::string of_file = fmt::format("`{}` in [{}] ", override.key, override.table);
    for (WorkspaceProblem& problem : here) {
      problem.place = override.variable;
      if (problem.message.starts_with(of_file)) {
        problem.message.replace(0, of_file.size(), "this environment variable ");
      }
      problem.help = fmt::format("set {} to another value, or unset it", override.variable);
      problems.push_back(std::move(problem));
    }
  }
  for (const auto& [name, value] : environment) {
    if (std::find(known.begin(), known.end(), name) != known.end()) continue;
    const auto meant = DidYouMean(name, known);
    workspace.warnings.push_back(
        {kDoubtfulSetting, "",
         fmt::format("the environment variable {} is unknown and ignored", name),
         meant ? fmt::format("did you mean {}?", *meant) : ""});
  }
}

void WarnOfOpenSecret(const std::string& place, const std::string& path, FileSystem& files,
                      Workspace& workspace) {
  const auto info = files.Stat(path);
  if (!info.ok() || (info->mode & 077) == 0) return;
  workspace.warnings.push_back(
      {kDoubtfulSetting, place,
       fmt::format("others may read the secret {} (mode {:04o})", path, info->mode),
       fmt::format("run: chmod 600 {}", path)});
}

bool LiesIn(const std::string& folder, const std::string& path) {
  const std::string inner = std::filesystem::path(path).lexically_normal().string();
  std::string outer = std::filesystem::path(folder).lexically_normal().string();
  if (!outer.ends_with('/')) outer += '/';
  return (inner + "/").starts_with(outer);
}

// The store is a folder of its own: who puts back an older copy of it must not put back the key
// that tells, nor the policies.
void CheckFolders(WorkspaceReading& reading) {
  const Workspace& workspace = reading.workspace;
  const std::string& store = workspace.store_folder;
  const auto reject = [&](std::string_view what, const std::string& path) {
    reading.problems.push_back({kBadWorkspaceFile, workspace.folder + "/" + kWorkspaceFileName,
                                fmt::format("{} {} in the store's folder {}", path, what, store),
                                "give the store a folder of its own (`store` in [workspace])"});
  };
  if (LiesIn(store, workspace.audit_key_file)) {
    reject("is the audit log's key and lies", workspace.audit_key_file);
  }
  if (LiesIn(store, workspace.policy_folder)) {
    reject("holds the policies and lies", workspace.policy_folder);
  }
}

void CheckSecrets(FileSystem& files, Workspace& workspace) {
  auto check = [&](const ExecutorSettings& settings, const std::string& folder,
                   const std::string& place) {
    for (const auto& [key, value] : settings) {
      const auto* path = std::get_if<std::string>(&value);
      if (path == nullptr || !key.ends_with("_file") ||
          !EndsLikeASecret(std::string_view(key).substr(0, key.size() - 5))) {
        continue;
      }
      WarnOfOpenSecret(place, PathUnder(folder, *path), files, workspace);
    }
  };
  for (const auto& [name, target] : workspace.targets) {
    check(target.settings, target.folder, target.place);
  }
  for (const auto& [name, channel] : workspace.channels) {
    check(channel.settings, channel.folder, channel.place);
  }
  WarnOfOpenSecret("[audit]", workspace.audit_key_file, files, workspace);
}

// `required`: the workspace's own file. The others may be missing, but not unreadable.
Status ApplyFile(const std::string& file, bool required, FileSystem& files,
                 WorkspaceReading& reading) {
  auto text = files.Read(file, kMaxWorkspaceFileBytes);
  if (!text.ok()) {
    if (!required && text.error().kind == ErrorKind::kNotFound) return {};
    return std::move(text).error();
  }
  ReadFile(file, *text, reading);
  return {};
}

Error AllOf(const Problems& problems) {
  std::string message;
  for (const WorkspaceProblem& problem : problems) {
    if (!message.empty()) message += '\n';
    message += fmt::format("{}: {}", problem.place, problem.message);
  }
  const std::string& help = problems.front().help;
  const bool is_common = std::all_of(problems.begin(), problems.end(),
                                     [&](const auto& problem) { return problem.help == help; });
  if (is_common && !help.empty()) return {ErrorKind::kInvalidInput, std::move(message), help};
  return {ErrorKind::kInvalidInput, std::move(message),
          problems.size() == 1 ? "mend this line" : "mend these lines"};
}

}  // namespace

int64_t Share::Of(int64_t population_count) const {
  if (!is_percent) return amount;
  // Whole millions first, so that no population overflows.
  const int64_t whole = population_count / 1'000'000 * amount;
  const int64_t rest = (population_count % 1'000'000 * amount + 999'999) / 1'000'000;
  return std::max<int64_t>(1, whole + rest);
}

std::string Share::Text() const {
  if (!is_percent) return fmt::format("{}", amount);
  std::string text = fmt::format("{}.{:04}", amount / 10'000, amount % 10'000);
  while (text.back() == '0') text.pop_back();
  if (text.back() == '.') text.pop_back();
  return text + "%";
}

std::string PathUnder(const std::string& folder, const std::string& path) {
  return path.starts_with('/') ? path : folder + "/" + path;
}

std::string WorkspaceProblem::Sentence() const {
  return fmt::format("{}{}{}{}{}", place, place.empty() ? "" : ": ", message,
                     help.empty() ? "" : "; ", help);
}

WorkspaceSurroundings WorkspaceSurroundings::Of(
    const std::map<std::string, std::string>& variables) {
  WorkspaceSurroundings surroundings;
  for (const auto& [name, value] : variables) {
    if (name.starts_with("RESCIND_")) surroundings.environment.emplace(name, value);
  }
  const auto config = variables.find("XDG_CONFIG_HOME");
  const auto home = variables.find("HOME");
  if (config != variables.end() && config->second.starts_with('/')) {
    surroundings.user_file = fmt::format("{}/rescind/{}", config->second, kWorkspaceFileName);
  } else if (home != variables.end() && home->second.starts_with('/')) {
    surroundings.user_file = fmt::format("{}/.config/rescind/{}", home->second, kWorkspaceFileName);
  }
  surroundings.system_file = fmt::format("/etc/rescind/{}", kWorkspaceFileName);
  return surroundings;
}

WorkspaceSurroundings WorkspaceSurroundings::OfThisProcess() {
  std::map<std::string, std::string> variables;
  for (char** line = environ; line != nullptr && *line != nullptr; ++line) {
    const std::string_view text(*line);
    const size_t equals = text.find('=');
    if (equals == std::string_view::npos) continue;
    variables.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  return Of(variables);
}

Result<std::string> FindWorkspaceFolder(const std::string& start, FileSystem& files) {
  std::error_code failure;
  std::filesystem::path folder = std::filesystem::absolute(start, failure).lexically_normal();
  if (failure) return SystemCallError("find", start, failure.value());
  for (; !folder.empty(); folder = folder.parent_path()) {
    if (files.Exists((folder / kWorkspaceFileName).string())) return folder.string();
    if (folder == folder.parent_path()) break;
  }
  return Error{ErrorKind::kNotFound,
               fmt::format("there is no {} here or in a folder above", kWorkspaceFileName),
               "make one with `rescind init`, or name its folder with --workspace DIR"};
}

std::string DefaultAuditOrigin(const std::string& folder) {
  std::error_code failure;
  std::string name = std::filesystem::absolute(folder, failure).lexically_normal().string();
  while (name.size() > 1 && name.ends_with('/')) name.pop_back();
  name.erase(0, name.rfind('/') + 1);
  if (name.empty()) name = "workspace";
  // What names of keys cannot hold.
  for (char& c : name) {
    if (c <= ' ' || c >= '\x7F' || c == '+') c = '-';
  }
  return fmt::format("rescind/{}", name);
}

Result<WorkspaceReading> ReadWorkspace(const std::string& folder,
                                       const WorkspaceSurroundings& surroundings,
                                       FileSystem& files) {
  std::error_code failure;
  WorkspaceReading reading;
  Workspace& workspace = reading.workspace;
  workspace.folder = std::filesystem::absolute(folder, failure).lexically_normal().string();
  while (workspace.folder.size() > 1 && workspace.folder.ends_with('/')) {
    workspace.folder.pop_back();
  }
  workspace.policy_folder = workspace.folder + "/policies";
  workspace.store_folder = workspace.folder + "/data";
  workspace.audit_key_file = workspace.folder + "/secrets/audit-key";
  workspace.audit_origin = DefaultAuditOrigin(workspace.folder);

  for (const std::string& file : {surroundings.system_file, surroundings.user_file}) {
    if (file.empty()) continue;
    Status applied = ApplyFile(file, /*required=*/false, files, reading);
    // Nobody asked for the user's file: with HOME of another user it must not stop everything.
    if (!applied.ok() && applied.error().kind == ErrorKind::kDenied &&
        file == surroundings.user_file) {
      workspace.warnings.push_back({kDoubtfulSetting, "",
                                    fmt::format("{}; going on without it", applied.error().message),
                                    "is HOME another user's? try sudo -H"});
      continue;
    }
    RESCIND_TRY(std::move(applied));
  }
  RESCIND_TRY(
      ApplyFile(workspace.folder + "/" + kWorkspaceFileName, /*required=*/true, files, reading));
  ApplyEnvironment(surroundings.environment, workspace, reading.problems);
  if (!workspace.oncall.empty() && !workspace.channels.contains(workspace.oncall)) {
    workspace.warnings.push_back(
        {kDoubtfulSetting, workspace.oncall_place,
         fmt::format("the on-call channel \"{}\" is not declared", workspace.oncall),
         fmt::format("add [channel.{}] to {}", workspace.oncall, kWorkspaceFileName)});
  }
  CheckFolders(reading);
  if (reading.problems.empty()) CheckSecrets(files, workspace);
  return reading;
}

Result<Workspace> LoadWorkspace(const std::string& folder,
                                const WorkspaceSurroundings& surroundings, FileSystem& files) {
  RESCIND_ASSIGN(WorkspaceReading reading, ReadWorkspace(folder, surroundings, files));
  if (!reading.problems.empty()) return AllOf(reading.problems);
  return std::move(reading.workspace);
}

std::string InitialWorkspaceFile(const std::string& timezone) {
  return fmt::format(R"([workspace]
policies = "policies"          # *.rescind, recursively
store    = "data"              # the facts, in RocksDB
timezone = "{}"
# holidays = ["2026-12-25", "2026-12-26"]   # what "5 business days" pass over

[limits]
removals_per_hour = 200        # over the whole workspace; what exceeds it is held
per_policy = "5%"              # of the rows that a policy judges
confirm_over = 25              # `apply` wants --confirm PLAN-ID above this many removals

# How far back `--as-of` reaches, and how finely it sees `latest` fields such as a last use:
# [history]
# max_age = "400d"
# max_size = "20GB"
# coalesce = "1h"              # "0" keeps every change

# A feed, and how old it may be before what depends on it is held:
# [source.hr]
# entity = "identity"
# max_age = "24h"

# A system that access is taken away in; the name is the id of a `system` row:
# [target.corp-ldap]
# executor = "ldap"
# uri = "ldap://127.0.0.1:3890"
# bind_dn = "cn=admin,dc=example,dc=org"
# bind_password_file = "secrets/ldap"

# Where `notify "iam-team"` goes:
# [channel.iam-team]
# kind = "command"
# command = ["notify-iam"]
)",
                     timezone);
}

}  // namespace rescind
