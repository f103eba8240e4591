// Random schemas and facts: every type of field, and every way in which a fact can be missing.
#pragma once

#include <memory>
#include <set>
#include <string>
#include <utility>

#include "engine/facts/fact_base_builder.h"
#include "tests/differential/random_choice.h"

namespace rescind {

// Entities "e0", "e1" …; fields "f0", "f1" … of every type; references, sets of rows, and a `many`
// for some references.
Schema RandomSchema(RandomChoice& choice);

// Instants at which something is about to happen: clocks change, years end, leap days.
Instant RandomNow(RandomChoice& choice);
// Around `now`, seldom at the end of the calendar.
Instant RandomInstant(RandomChoice& choice, Instant now);
Day RandomDay(RandomChoice& choice, Instant now);
Duration RandomDuration(RandomChoice& choice);
int64_t RandomInt(RandomChoice& choice);
// Names of zones, among them wrong ones, and texts that differ in case and length.
std::string RandomText(RandomChoice& choice);
// An id of some row of an entity, or of none.
std::string RandomId(RandomChoice& choice);

// Live, removed and merely mentioned rows, incomplete ones, closed entities, unknown fields, pasts.
// `left_out`: entity and id of rows that are not there; all others stay as they are without it.
FactBaseBuilder RandomFacts(RandomChoice& choice, const std::shared_ptr<const Schema>& schema,
                            Instant now,
                            const std::set<std::pair<std::string, std::string>>& left_out = {});

// A few rows come, go, come back or say something else; seldom another snapshot is complete.
void ChangeFacts(RandomChoice& choice, const Schema& schema, Instant now, FactBaseBuilder& facts);

}  // namespace rescind
