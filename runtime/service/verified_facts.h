// What a verified action means as a fact: without it the old facts would match again and the
// action would be asked for once more.
#pragma once

#include "engine/facts/fact_delta.h"
#include "engine/facts/schema.h"
#include "runtime/plan/action.h"

namespace rescind {

// Adds to `delta` that the action's effect was seen: the account's status is disabled, or the
// grant, session, credential or account is gone. False when facts cannot say it (a playbook).
bool AddVerifiedFact(const Action& action, const Schema& schema, FactDelta& delta);

// Adds that the action was seen to be undone, where facts can say it: the account is active, or
// what was removed is there as before.
bool AddCompensatedFact(const Action& action, const Schema& schema, FactDelta& delta);

}  // namespace rescind
