#include "runtime/executors/capability.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/base/diagnostic.h"

namespace rescind {
namespace {

const std::vector<std::string>& Verbs() {
  static const std::vector<std::string> verbs = {"disable", "suspend", "end",
                                                 "revoke",  "delete",  "run"};
  return verbs;
}

// What stands behind the verb: the entity, or for `run` the playbook.
const std::string& ObjectOf(const Action& action) {
  return action.verb == Verb::kRun ? action.playbook : action.target.entity;
}

}  // namespace

Result<Capability> ParseCapability(std::string_view text) {
  const size_t blank = text.find(' ');
  const std::string verb_name(text.substr(0, blank));
  const std::string_view object = blank == text.npos ? "" : text.substr(blank + 1);
  const auto verb = ParseVerb(verb_name);
  if (!verb || *verb == Verb::kNotify) {
    const auto meant = DidYouMean(verb_name, Verbs());
    return Error{
        ErrorKind::kInvalidInput,
        fmt::format("\"{}\" does not begin with a verb ({}){}", text, fmt::join(Verbs(), ", "),
                    meant ? fmt::format("; did you mean \"{}\"?", *meant) : ""),
        ""};
  }
  if (object.empty() || object.find(' ') != object.npos) {
    return Error{ErrorKind::kInvalidInput,
                 fmt::format("\"{}\" must be a verb, one blank and {}", text,
                             *verb == Verb::kRun ? "the playbook's name" : "an entity"),
                 ""};
  }
  return Capability{*verb, std::string(object), false, ""};
}

const Capability* FindCapability(const std::vector<Capability>& capabilities,
                                 const Action& action) {
  const auto found =
      std::find_if(capabilities.begin(), capabilities.end(), [&](const Capability& capability) {
        return capability.verb == action.verb && capability.entity == ObjectOf(action);
      });
  return found == capabilities.end() ? nullptr : &*found;
}

Error NotCapable(std::string_view target_name, const std::vector<Capability>& capabilities,
                 const Action& action) {
  std::string known;
  for (const Capability& capability : capabilities) {
    known += fmt::format("{}{} {}", known.empty() ? "" : ", ", VerbName(capability.verb),
                         capability.entity);
  }
  return {
      ErrorKind::kUnsupported,
      fmt::format("[target.{}] cannot {} {}", target_name, VerbName(action.verb), ObjectOf(action)),
      fmt::format("it can: {}", known)};
}

}  // namespace rescind
