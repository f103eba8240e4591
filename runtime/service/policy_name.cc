#include "runtime/service/policy_name.h"

#include <fmt/format.h>

#include <vector>

#include "engine/base/diagnostic.h"

namespace rescind {
namespace {

std::string_view LastWord(std::string_view full_name) {
  const size_t dot = full_name.rfind('.');
  return dot == std::string_view::npos ? full_name : full_name.substr(dot + 1);
}

}  // namespace

bool IsPolicyCalled(std::string_view full_name, std::string_view text) {
  return full_name == text || LastWord(full_name) == text;
}

Result<std::string> ResolvePolicy(const ir::Program& program, std::string_view text) {
  std::vector<std::string> all;
  std::vector<std::string> short_names;
  std::vector<std::string> ending;
  for (const ir::Rule& rule : program.rules) {
    if (rule.protect) continue;
    if (rule.full_name == text) return rule.full_name;
    all.push_back(rule.full_name);
    short_names.emplace_back(LastWord(rule.full_name));
    if (LastWord(rule.full_name) == text) ending.push_back(rule.full_name);
  }
  if (ending.size() == 1) return ending.front();
  if (ending.size() > 1) {
    return Error{ErrorKind::kInvalidInput, fmt::format("several policies are called {}", text),
                 fmt::format("say which: {}", fmt::join(ending, ", "))};
  }
  auto meant = DidYouMean(text, all);
  if (!meant) meant = DidYouMean(text, short_names);
  std::string help = "there are no policies";
  if (meant) {
    help = fmt::format("did you mean `{}`?", *meant);
  } else if (!all.empty() && all.size() <= 20) {
    help = fmt::format("the policies are: {}", fmt::join(all, ", "));
  } else if (!all.empty()) {
    help = "`rescind status` lists the policies";
  }
  return Error{ErrorKind::kNotFound, fmt::format("there is no policy {}", text), std::move(help)};
}

}  // namespace rescind
