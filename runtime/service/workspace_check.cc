#include "runtime/service/workspace_check.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <string_view>
#include <utility>

#include "engine/base/assert.h"
#include "engine/base/diagnostic.h"
#include "engine/check/action_verb.h"
#include "runtime/executors/authorities.h"
#include "runtime/executors/capability.h"
#include "runtime/executors/registry.h"

namespace rescind {
namespace {

// The tables [target.NAME] and [channel.NAME] as far as they are alike.
struct SystemTable {
  std::string title;  // "[target.corp-ldap]"
  const ExecutorSettings& settings;
  const std::string& folder;
  const std::string& place;
  const std::map<std::string, std::string>& places;  // of the keys
};

typed::Verb VerbInPolicies(Verb verb) {
  switch (verb) {
    case Verb::kDisable: return typed::Verb::kDisable;
    case Verb::kSuspend: return typed::Verb::kSuspend;
    case Verb::kEnd: return typed::Verb::kEnd;
    case Verb::kRevoke: return typed::Verb::kRevoke;
    case Verb::kDelete: return typed::Verb::kDelete;
    case Verb::kNotify: return typed::Verb::kNotify;
    case Verb::kRun: return typed::Verb::kRun;
  }
  RESCIND_UNREACHABLE("not a verb");
}

// Stands for what a program can do while all that was said of it is wrong.
constexpr const char* kAnyCapability = "disable account";

class Checker {
 public:
  Checker(const Workspace& workspace, FileSystem& files) : workspace_(workspace), files_(files) {}

  void Channels() {
    for (const auto& [name, channel] : workspace_.channels) {
      CheckFiles({fmt::format("[channel.{}]", name), channel.settings, channel.folder,
                  channel.place, channel.places});
    }
  }

  void Sources(const Schema& schema) {
    std::vector<std::string> names;
    for (const EntityDef& entity : schema.entities()) names.push_back(entity.name);
    for (const auto& [name, source] : workspace_.sources) {
      for (const std::string& entity : source.entities) {
        if (schema.Find(entity)) continue;
        const auto meant = DidYouMean(entity, names);
        problems_.push_back({kUnworkableSetting, source.place,
                             fmt::format("[source.{}]: `entity` names {}, which no policy file "
                                         "declares",
                                         name, entity),
                             meant ? fmt::format("did you mean {}?", *meant)
                                   : fmt::format("declared are {}", fmt::join(names, ", "))});
      }
    }
  }

  void Targets(const Schema* schema) {
    for (const auto& [name, target] : workspace_.targets) {
      if (target.executor.empty()) continue;  // reported when it was read
      ExecutorSettings settings = target.settings;
      if (target.executor == "exec") {
        const SystemTable table = {fmt::format("[target.{}]", name), target.settings, target.folder,
                                   target.place, target.places};
        CheckCapabilities(table, schema, settings);
      }
      const auto executor = MakeExecutor(target.executor, name, settings, target.folder);
      if (!executor.ok()) {
        problems_.push_back(
            {kUnworkableSetting, target.place, executor.error().message, executor.error().help});
      }
      CheckFiles({fmt::format("[target.{}]", name), target.settings, target.folder, target.place,
                  target.places});
    }
  }

  std::vector<WorkspaceProblem> Take() { return std::move(problems_); }

 private:
  // Takes what is reported here out of `settings`, so that it is reported once.
  void CheckCapabilities(const SystemTable& table, const Schema* schema,
                         ExecutorSettings& settings) {
    const auto found = settings.find("can");
    auto* texts =
        found == settings.end() ? nullptr : std::get_if<std::vector<std::string>>(&found->second);
    if (texts == nullptr) return;
    std::vector<std::string> bad;
    for (const std::string& text : *texts) {
      if (CannotBe(table, schema, text)) bad.push_back(text);
    }
    if (bad.empty()) return;
    const auto is_reported = [&](const std::string& text) {
      return std::find(bad.begin(), bad.end(), text) != bad.end();
    };
    std::erase_if(*texts, is_reported);
    if (texts->empty()) texts->push_back(kAnyCapability);
    const auto reversible = settings.find("reversible");
    if (reversible == settings.end()) return;
    auto* undone = std::get_if<std::vector<std::string>>(&reversible->second);
    if (undone != nullptr) std::erase_if(*undone, is_reported);
  }

  // Reports why no action could ever ask for it.
  bool CannotBe(const SystemTable& table, const Schema* schema, const std::string& text) {
    const auto capability = ParseCapability(text);
    if (!capability.ok()) {
      Add(table, "can", capability.error().message,
          "write a verb and what it acts on, such as \"disable account\" or \"run quarantine\"");
      return true;
    }
    if (schema == nullptr || capability->verb == Verb::kRun) return false;
    const std::string& name = capability->entity;
    const auto entity = schema->Find(name);
    if (!entity) {
      std::vector<std::string> names;
      for (const EntityDef& known : schema->entities()) names.push_back(known.name);
      const auto meant = DidYouMean(name, names);
      Add(table, "can", fmt::format("\"{}\" names {}, which no policy file declares", text, name),
          meant ? fmt::format("did you mean \"{} {}\"?", VerbName(capability->verb), *meant)
                : fmt::format("declared are {}", fmt::join(names, ", ")));
      return true;
    }
    const typed::Verb verb = VerbInPolicies(capability->verb);
    if (check::VerbActsOn(*schema, verb, *entity)) return false;
    Add(table, "can",
        fmt::format("no policy can ask for \"{}\": {} acts on {}", text, VerbName(capability->verb),
                    check::VerbTargets(verb)),
        "take it out, or name another verb");
    return true;
  }

  // By the endings of the keys, which all kinds keep to: `…password_file` and `…secret_file` hold
  // secrets, other `…_file` what a library reads, `…_folder` files; `command` is a program.
  void CheckFiles(const SystemTable& table) {
    for (const auto& [key, value] : table.settings) {
      if (const auto* words = std::get_if<std::vector<std::string>>(&value)) {
        if (key == "command" && !words->empty()) CheckProgram(table, key, words->front());
        continue;
      }
      const auto* name = std::get_if<std::string>(&value);
      if (name == nullptr || name->empty()) continue;
      const std::string path = PathUnder(table.folder, *name);
      if (key.ends_with("password_file") || key.ends_with("secret_file")) {
        const auto secret = ReadSecretFile(path);
        if (!secret.ok()) Add(table, key, secret.error().message, secret.error().help);
      } else if (key.ends_with("_file")) {
        const bool is_there = CheckKind(table, key, path, FileKind::kRegular, "file");
        if (!is_there || key != "ca_file") continue;
        const Status usable = CheckAuthorityFile(path);
        if (!usable.ok()) Add(table, key, usable.error().message, usable.error().help);
      } else if (key.ends_with("_folder")) {
        CheckKind(table, key, path, FileKind::kDirectory, "folder");
      }
    }
  }

  bool CheckKind(const SystemTable& table, const std::string& key, const std::string& path,
                 FileKind wanted, std::string_view word) {
    const auto info = files_.Stat(path);
    if (info.ok() && info->kind == wanted) return true;
    Add(table, key,
        info.ok() ? fmt::format("{} is no {}", path, word) : fmt::format("{} is not there", path),
        fmt::format("name a {} that exists", word));
    return false;
  }

  // A name without a slash is looked up when it is started.
  void CheckProgram(const SystemTable& table, const std::string& key, const std::string& word) {
    if (word.find('/') == std::string::npos) return;
    const std::string path = PathUnder(table.folder, word);
    const auto info = files_.Stat(path);
    if (!info.ok() || info->kind != FileKind::kRegular) {
      Add(table, key, fmt::format("there is no program {}", path),
          "its first word is the program, from the workspace's folder");
    } else if ((info->mode & 0111) == 0) {
      Add(table, key, fmt::format("{} cannot be executed", path),
          fmt::format("run: chmod +x {}", path));
    }
  }

  void Add(const SystemTable& table, const std::string& key, const std::string& problem,
           const std::string& help) {
    const auto place = table.places.find(key);
    problems_.push_back({kUnworkableSetting,
                         place == table.places.end() ? table.place : place->second,
                         fmt::format("{}: `{}`: {}", table.title, key, problem), help});
  }

  const Workspace& workspace_;
  FileSystem& files_;
  std::vector<WorkspaceProblem> problems_;
};

}  // namespace

std::vector<WorkspaceProblem> CheckWorkspace(const Workspace& workspace, const Schema* schema,
                                             FileSystem& files) {
  Checker checker(workspace, files);
  checker.Channels();
  if (schema != nullptr) checker.Sources(*schema);
  checker.Targets(schema);
  return checker.Take();
}

}  // namespace rescind
