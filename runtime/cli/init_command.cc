// `rescind init [FOLDER]`: makes a workspace.
#include <fmt/ostream.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/base/time_zone.h"
#include "engine/base/visible_text.h"
#include "runtime/audit/log_check.h"
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

// Makes files and folders, `last` after all others, and removes those again when it is not told to
// keep them.
class Making {
 public:
  Making(FileSystem& files, std::string last) : files_(files), last_(std::move(last)) {}
  Making(const Making&) = delete;
  Making& operator=(const Making&) = delete;
  ~Making() {
    // Somebody else has made the workspace meanwhile: all of it is theirs.
    if (!made_.empty() && made_.back() != last_ && files_.Exists(last_)) return;
    // A folder that somebody has put something into stays.
    for (auto path = made_.rbegin(); path != made_.rend(); ++path) (void)files_.Remove(*path);
  }
  void Keep() { made_.clear(); }

  // Before `path` is made, by whatever means.
  void WillMake(const std::string& path) {
    if (files_.Exists(path)) return;
    const auto odd = files_.FindOdd(path);  // a link that leads nowhere is not ours
    if (odd.ok() && odd->empty()) made_.push_back(path);
  }
  Status MakeFolder(const std::string& path, uint32_t mode) {
    for (size_t end = path.find('/', 1); end != path.npos; end = path.find('/', end + 1)) {
      WillMake(path.substr(0, end));
    }
    WillMake(path);
    return files_.MakeDirectories(path, mode);
  }
  Status Write(const std::string& path, std::string_view text) {
    WillMake(path);
    return files_.WriteAtomically(path, text, kPublicMode);
  }

 private:
  FileSystem& files_;
  const std::string last_;
  std::vector<std::string> made_;
};

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
  Making making(invocation.files, file);
  RESCIND_TRY(making.MakeFolder(folder + "/policies", 0755));
  RESCIND_TRY(making.MakeFolder(folder + "/secrets", 0700));
  if (!invocation.files.Exists(folder + "/.gitignore")) {
    RESCIND_TRY(making.Write(folder + "/.gitignore", kIgnored));
  }
  // A folder that somebody has put policies into already is left as it is.
  RESCIND_ASSIGN(const auto policies,
                 invocation.files.ListRecursively(folder + "/policies", ".rescind"));
  if (policies.empty()) {
    RESCIND_TRY(making.Write(folder + "/policies/starter.rescind", kStarterPolicyData));
  }
  const std::string key_file = folder + "/secrets/audit-key";
  std::string public_key;
  if (!invocation.files.Exists(key_file)) {
    making.WillMake(AuditWitnessFile(key_file));
    making.WillMake(key_file);
    RESCIND_ASSIGN(const AuditPublicKey key, CreateAuditKey(key_file, DefaultAuditOrigin(folder),
                                                            invocation.files, invocation.random));
    public_key = key.Text();
  }
  // Last: an interrupted init leaves a folder that init accepts again.
  RESCIND_TRY(making.Write(file, InitialWorkspaceFile(options.timezone)));
  making.Keep();
  if (!public_key.empty()) {
    fmt::print(invocation.err,
               "made the key that signs the audit log: {}\n"
               "give auditors its public half: {}\n",
               Visible(key_file), public_key);
  }
  fmt::print(invocation.err,
             "made the workspace {}\n"
             "next: read the policies in {}/policies, then `rescind check`\n",
             Visible(file), Visible(folder));
  return ExitStatus::kDone;
}

}  // namespace

void DeclareInit(CommandLine& line) {
  auto options = std::make_shared<InitOptions>();
  CLI::App& init = line.Add(
      "init", "Make a workspace: rescind.toml and a first policy",
      [options](Invocation& invocation) { return RunInit(*options, invocation); },
      CommandPlace::kHere);
  init.add_option("folder", options->folder, "Where (default: here)");
  init.add_option("--timezone", options->timezone, "The time zone that dates are in")
      ->capture_default_str();
}

}  // namespace rescind
