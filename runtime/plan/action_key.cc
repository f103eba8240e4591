#include "runtime/plan/action_key.h"

#include <fmt/format.h>

#include "engine/base/assert.h"
#include "engine/base/sha256.h"

namespace rescind {
namespace {

Sha256Fields TargetFields(std::string_view domain, std::string_view store_id,
                          const ActionTarget& target, Verb verb, std::string_view playbook) {
  Sha256Fields fields;
  fields.Add(domain)
      .Add(store_id)
      .Add(target.system)
      .Add(target.entity)
      .Add(target.id)
      .Add(target.incarnation)
      .Add(VerbName(verb))
      .Add(playbook);
  return fields;
}

}  // namespace

std::string ActionKey(std::string_view store_id, const ActionTarget& target, Verb verb,
                      std::string_view playbook, uint32_t episode) {
  RESCIND_ASSERT(verb != Verb::kNotify, "notices have no idempotency key");
  RESCIND_ASSERT(episode >= 1, "episodes count from one");
  return TargetFields("rescind.action/1", store_id, target, verb, playbook).Add(episode).Hex();
}

std::string WantedStateKey(std::string_view store_id, const ActionTarget& target, Verb verb,
                           std::string_view playbook) {
  return TargetFields("rescind.wanted/1", store_id, target, verb, playbook).Hex();
}

std::string NameOfStage(std::string_view finding_id, uint32_t stage_id) {
  return fmt::format("{}/{}", finding_id, stage_id);
}

std::string FindingOfStage(std::string_view stage_name) {
  return std::string(stage_name.substr(0, stage_name.find('/')));
}

}  // namespace rescind
