// `rescind init [FOLDER]`: makes a workspace.
#include <fmt/ostream.h>

#include <memory>

#include "engine/base/time_zone.h"
#include "runtime/audit/signing_key.h"
#include "runtime/cli/command_input.h"
#include "runtime/cli/command_list.h"

namespace rescind {

// Generated from policies/starter/starter.rescind by grammar/embed_text.cmake.
extern const char kStarterPolicyData[];

namespace {

struct InitOptions {
  std::string folder;
  std::string timezone = "UTC";
};

constexpr std::string_view kIgnored =
    "# Facts, secrets and plans do not belong in version control.\n"
    "/data/\n/secrets/\n*.plan.json\n";

Result<ExitStatus> RunInit(const InitOptions& options, Invocation& invocation) {
  if (FindTimeZone(options.timezone) == nullptr) {
    return FailUsage(
        {ErrorKind::kInvalidInput,
         fmt::format("the tz database does not know the time zone \"{}\"", options.timezone),
         "write one like Europe/Berlin"},
        invocation);
  }
  const std::string folder = options.folder.empty() ? invocation.working_folder : options.folder;
  const std::string file = folder + "/" + kWorkspaceFileName;
  if (invocation.files.Exists(file)) {
    return Error{ErrorKind::kInvalidInput, fmt::format("{} exists already", file),
                 "edit it, or give another folder: rescind init FOLDER"};
  }
  RESCIND_TRY(invocation.files.MakeDirectories(folder + "/policies", 0755));
  RESCIND_TRY(invocation.files.MakeDirectories(folder + "/secrets", 0700));
  if (!invocation.files.Exists(folder + "/.gitignore")) {
    RESCIND_TRY(invocation.files.WriteAtomically(folder + "/.gitignore", kIgnored, kPublicMode));
  }
  // A folder that somebody has put policies into already is left as it is.
  RESCIND_ASSIGN(const auto policies,
                 invocation.files.ListRecursively(folder + "/policies", ".rescind"));
  if (policies.empty()) {
    RESCIND_TRY(invocation.files.WriteAtomically(folder + "/policies/starter.rescind",
                                                 kStarterPolicyData, kPublicMode));
  }
  const std::string key_file = folder + "/secrets/audit-key";
  if (!invocation.files.Exists(key_file)) {
    RESCIND_ASSIGN(const AuditPublicKey key, CreateAuditKey(key_file, DefaultAuditOrigin(folder),
                                                            invocation.files, invocation.random));
    fmt::print(invocation.err,
               "made the key that signs the audit log: {}\n"
               "give auditors its public half: {}\n",
               key_file, key.Text());
  }
  // Last: an interrupted init leaves a folder that init accepts again.
  RESCIND_TRY(
      invocation.files.WriteAtomically(file, InitialWorkspaceFile(options.timezone), kPublicMode));
  fmt::print(invocation.err,
             "made the workspace {}\n"
             "next: read the policies in {}/policies, then `rescind check`\n",
             file, folder);
  return ExitStatus::kDone;
}

}  // namespace

void DeclareInit(CommandLine& line) {
  auto options = std::make_shared<InitOptions>();
  CLI::App& init =
      line.Add("init", "Make a workspace: rescind.toml and a first policy",
               [options](Invocation& invocation) { return RunInit(*options, invocation); });
  init.add_option("folder", options->folder, "Where (default: here)");
  init.add_option("--timezone", options->timezone, "The time zone that dates are in")
      ->capture_default_str();
}

}  // namespace rescind
