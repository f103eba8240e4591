// Apart from opening, so that what needs no store can be linked without one.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "engine/base/diagnostic.h"
#include "runtime/service/store_opener.h"

namespace rescind {

Result<DeclaredSources> ResolveSources(const Workspace& workspace, const Schema& schema) {
  std::vector<std::string> names;
  for (const EntityDef& entity : schema.entities()) names.push_back(entity.name);
  DeclaredSources declared;
  std::vector<std::string> problems;
  for (const auto& [name, source] : workspace.sources) {
    for (const std::string& entity : source.entities) {
      if (const auto id = schema.Find(entity)) {
        declared[*id].push_back(name);
        continue;
      }
      const auto meant = DidYouMean(entity, names);
      problems.push_back(
          fmt::format("{}: [source.{}] delivers `{}`, which no policy file declares; {}",
                      source.place, name, entity,
                      meant ? fmt::format("did you mean `{}`?", *meant)
                            : fmt::format("declared are {}", fmt::join(names, ", "))));
    }
  }
  if (problems.empty()) return declared;
  return Error{ErrorKind::kInvalidInput, fmt::format("{}", fmt::join(problems, "\n")),
               "correct the name, or declare the entity in a policy file"};
}

}  // namespace rescind
