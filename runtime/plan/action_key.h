// The idempotency key of an action (runtime.md, *Life of an action*).
#pragma once

#include <string>
#include <string_view>

#include "runtime/plan/action.h"

namespace rescind {

// Lowercase hex SHA-256 over store id, system, entity, target id, incarnation, verb, playbook and
// episode. Policies, findings, owners and attributes are deliberately not part of it: two
// policies that want the same thing want one action.
std::string ActionKey(std::string_view store_id, const ActionTarget& target, Verb verb,
                      std::string_view playbook, uint32_t episode);

// The same without the episode: names the wanted state across its episodes.
std::string WantedStateKey(std::string_view store_id, const ActionTarget& target, Verb verb,
                           std::string_view playbook);

// "FINDING/STAGE": names a stage of a finding, edited or not, where one text is wanted (rollback
// groups, ActionTerms::ready_stages), by PolicyRecord::stage_ids; and the finding in it.
std::string NameOfStage(std::string_view finding_id, uint32_t stage_id);
std::string FindingOfStage(std::string_view stage_name);

}  // namespace rescind
