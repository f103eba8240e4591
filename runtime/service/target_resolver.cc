#include "runtime/service/target_resolver.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "engine/base/diagnostic.h"

namespace rescind {
namespace {

struct Candidate {
  TargetRow target;
  bool live = false;
};

Result<std::optional<Candidate>> Look(Store& store, EntityId entity, std::string_view id) {
  RESCIND_ASSIGN(const auto facts, store.Show(entity, id));
  if (!facts || facts->presence == Presence::kAbsent) return std::optional<Candidate>();
  return std::optional<Candidate>(
      {{entity, store.schema().entity(entity).name, facts->row, std::string(id)},
       facts->presence == Presence::kLive});
}

Error NoSuchRow(const Store& store, std::string_view text) {
  std::vector<std::string> names;
  for (const EntityDef& entity : store.schema().entities()) names.push_back(entity.name);
  const size_t colon = text.find(':');
  std::string help = "write it as ENTITY:ID, such as grant:ldap/ann/vpn";
  if (colon != std::string_view::npos && !store.schema().Find(text.substr(0, colon))) {
    if (const auto meant = DidYouMean(text.substr(0, colon), names)) {
      help = fmt::format("did you mean `{}:{}`?", *meant, text.substr(colon + 1));
    } else {
      help += fmt::format("; entities are: {}", fmt::join(names, ", "));
    }
  }
  return {ErrorKind::kNotFound, fmt::format("no row is called {}", text), std::move(help)};
}

}  // namespace

Result<bool> HasRow(Store& store, std::string_view entity, std::string_view id) {
  const auto of = store.schema().Find(entity);
  if (!of) return false;
  RESCIND_ASSIGN(const auto row, store.Find(*of, id));
  return row.has_value();
}

Result<TargetRow> ResolveTarget(Store& store, std::string_view text) {
  const Schema& schema = store.schema();
  const size_t colon = text.find(':');
  if (colon != std::string_view::npos) {
    if (const auto entity = schema.Find(text.substr(0, colon))) {
      RESCIND_ASSIGN(auto named, Look(store, *entity, text.substr(colon + 1)));
      if (named) return std::move(named->target);
    }
  }
  std::vector<Candidate> candidates;  // ids may contain colons themselves
  for (uint32_t index = 0; index < schema.entities().size(); ++index) {
    RESCIND_ASSIGN(auto found, Look(store, EntityId(index), text));
    if (found) candidates.push_back(*std::move(found));
  }
  const bool any_live = std::any_of(candidates.begin(), candidates.end(),
                                    [](const Candidate& candidate) { return candidate.live; });
  if (any_live) std::erase_if(candidates, [](const Candidate& each) { return !each.live; });
  if (candidates.empty()) return NoSuchRow(store, text);
  if (candidates.size() == 1) return std::move(candidates.front().target);
  std::vector<std::string> names;
  for (const Candidate& candidate : candidates) {
    names.push_back(fmt::format("{}:{}", candidate.target.entity_name, text));
  }
  return Error{ErrorKind::kInvalidInput, fmt::format("several rows are called {}", text),
               fmt::format("say which: {}", fmt::join(names, ", "))};
}

}  // namespace rescind
