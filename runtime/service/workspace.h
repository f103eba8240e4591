// Workspace: what rescind.toml says, checked, with defaults and overrides applied.
//
// Read once at the start of a command and handed to everything else as plain data. Precedence:
// environment (RESCIND_*), workspace file, user file (~/.config/rescind/rescind.toml), system file
// (/etc/rescind/rescind.toml); command-line flags are applied by the commands themselves. It
// opens no store, reads no policy and resolves no secret: it keeps the names of secret files.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/civil.h"
#include "engine/base/diagnostic.h"
#include "engine/base/instant.h"
#include "engine/base/result.h"
#include "engine/base/source.h"
#include "runtime/env/file_system.h"
#include "runtime/executors/settings.h"

namespace rescind {

inline constexpr const char* kWorkspaceFileName = "rescind.toml";
inline constexpr uint64_t kMaxWorkspaceFileBytes = 1 << 20;

// The codes of mistakes in rescind.toml: it cannot be taken as it stands; what it asks for cannot
// work; it works and should be mended. Never renumber; each has a page in grammar/diagnostics.
inline constexpr DiagnosticCode kBadWorkspaceFile{"E0601"};
inline constexpr DiagnosticCode kUnworkableSetting{"E0602"};
inline constexpr DiagnosticCode kDoubtfulSetting{"W0602"};

// "5%" (of a population) or 200 (rows). Percentages are kept in millionths: 5% is 50,000.
struct Share {
  bool is_percent = false;
  int64_t amount = 0;  // rows, or millionths

  // The most rows out of `population_count` that it allows: rounded up, at least 1.
  int64_t Of(int64_t population_count) const;
  std::string Text() const;  // "5%", "0.5%", "200"
  bool operator==(const Share&) const = default;
};

struct WorkspaceLimits {
  int64_t removals_per_hour = 200;  // over the whole workspace
  Share per_policy = {true, 50'000};
  int64_t confirm_over = 25;  // removals from which on `apply` wants --confirm
};

// [history]: how much of the past `--as-of`, `backtest` and `changed_at` can look at.
struct WorkspaceHistory {
  Duration max_age{400 * kMicrosPerDay};
  uint64_t max_bytes = 20ull << 30;   // on disk
  Duration coalesce{kMicrosPerHour};  // the step of time for `latest` fields; 0: keep every change
};

// Lines and columns from one, columns in code points; the end is behind the last character.
struct TextRange {
  LineColumn begin;
  LineColumn end;
};

// The value of a `param` declaration. The checker parses it by the declared type; `place` is
// where to point when it does not fit ("rescind.toml:14:1").
struct WorkspaceParam {
  SettingValue value;
  std::string place;
  std::string file;
  TextRange written_name;  // in `file`, quotes included
  TextRange written_value;
};

enum class ChannelKind : uint8_t { kCommand = 1, kSmtp = 2, kWebhook = 3 };

// [channel.NAME]: where `notify "NAME"` goes. `settings` holds the keys of its kind, checked.
struct WorkspaceChannel {
  ChannelKind kind = ChannelKind::kCommand;
  ExecutorSettings settings;
  std::string folder;  // what relative file names in `settings` start from
  std::string place;
  std::map<std::string, std::string> places;  // by key of `settings`
};

// [source.NAME]: a feed, and how old it may be.
struct WorkspaceSource {
  std::vector<std::string> entities;
  std::optional<Duration> max_age;
  Share max_shrink = {true, 100'000};  // more lost, at once or in 30 days: refused
  std::string place;
};

// [target.NAME]: an executor instance. The name is the id of a `system` row. MakeExecutor checks
// `settings`.
struct WorkspaceTarget {
  std::string executor;
  ExecutorSettings settings;
  std::string folder;  // what relative file names in `settings` start from
  std::string place;
  std::map<std::string, std::string> places;  // by key of `settings`
};

// As a path is meant that a file in `folder` names: from there on, unless it is absolute.
std::string PathUnder(const std::string& folder, const std::string& path);

// One mistake of rescind.toml, or of a RESCIND_* variable that replaces something in it.
struct WorkspaceProblem {
  DiagnosticCode code;
  std::string place;    // "/srv/acme/rescind.toml:9:1", or the variable's name; may be empty
  std::string message;  // names the table and, where there is one, the key
  std::string help;     // may be empty

  std::string Sentence() const;  // "PLACE: MESSAGE; HELP"
};

struct Workspace {
  std::string folder;  // absolute; holds rescind.toml
  std::string policy_folder;
  std::string store_folder;
  std::string timezone = "UTC";
  Holidays holidays;   // besides Saturdays and Sundays: what `business days` pass over
  std::string oncall;  // a channel's name; empty: nobody
  std::string oncall_place;
  std::string audit_key_file;  // Ed25519 private key, mode 0600, outside the store
  std::string audit_origin;    // the log's name in its checkpoints
  WorkspaceLimits limits;
  WorkspaceHistory history;
  std::map<std::string, WorkspaceParam> params;
  std::map<std::string, WorkspaceChannel> channels;
  std::map<std::string, WorkspaceSource> sources;
  std::map<std::string, WorkspaceTarget> targets;

  // What works but should be mended, such as a secret that others may read.
  std::vector<WorkspaceProblem> warnings;
};

// Where settings come from besides the workspace's own file. Tests give their own.
struct WorkspaceSurroundings {
  std::map<std::string, std::string> environment;  // RESCIND_* only
  std::string user_file;                           // empty: none
  std::string system_file;

  // Of these variables: those of RESCIND_*, the user's file, /etc/rescind/rescind.toml.
  static WorkspaceSurroundings Of(const std::map<std::string, std::string>& variables);
  static WorkspaceSurroundings OfThisProcess();
};

// The nearest folder from `start` upwards that holds rescind.toml, absolute. kNotFound with the
// remedy when there is none.
Result<std::string> FindWorkspaceFolder(const std::string& start, FileSystem& files);

// What could be read, and what is wrong with it.
struct WorkspaceReading {
  Workspace workspace;                     // defaults stand where something is wrong
  std::vector<WorkspaceProblem> problems;  // in the order of the files
  bool is_toml = true;  // false: a file could not be parsed, and nothing of it is in `workspace`
};

// For `check`, which shows every problem. An error is one of the environment: no such file.
Result<WorkspaceReading> ReadWorkspace(const std::string& folder,
                                       const WorkspaceSurroundings& surroundings,
                                       FileSystem& files);

// Reads the workspace in `folder`. All mistakes of the files are in one kInvalidInput error, one
// a line as "rescind.toml:3:1: …", with did-you-mean for unknown keys.
Result<Workspace> LoadWorkspace(const std::string& folder,
                                const WorkspaceSurroundings& surroundings, FileSystem& files);

// The log's name in a workspace of that folder, unless [audit] gives another: "rescind/acme".
std::string DefaultAuditOrigin(const std::string& folder);

// What `rescind init` writes.
std::string InitialWorkspaceFile(const std::string& timezone);

}  // namespace rescind
