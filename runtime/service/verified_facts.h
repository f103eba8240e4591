// What was observed of an action's target, as a fact: that the access is gone, without which the
// old facts would match again and the action would be asked for once more; or that it is used,
// without which the match would not end, and nobody who was told would hear that the access stays.
#pragma once

#include <map>
#include <string>
#include <utility>

#include "engine/facts/fact_delta.h"
#include "engine/facts/schema.h"
#include "runtime/journal/journal_entry.h"
#include "runtime/store/store.h"

namespace rescind {

// Adds to `delta` that the action's effect was seen: the account's status is disabled, or the
// grant, session, credential or account is gone. False when facts cannot say it (a playbook).
bool AddVerifiedFact(const Action& action, const Schema& schema, FactDelta& delta);

// Adds that the action was seen to be undone, where facts can say it: the account is active, or
// what was removed is there as before.
bool AddCompensatedFact(const Action& action, const Schema& schema, FactDelta& delta);

// When rows were seen to be used, by entity and id.
using SeenUses = std::map<std::pair<std::string, std::string>, Instant>;

// Adds the action's target, and the account that it belongs to, unless a later use is there.
void AddUse(const JournalEntry& entry, Instant use, SeenUses& uses);

// Adds to `delta` the uses that are later than what the store knows, and of rows that are there.
// Errors: the store's.
Status AddUseFacts(const SeenUses& uses, Store& store, FactDelta& delta);

}  // namespace rescind
