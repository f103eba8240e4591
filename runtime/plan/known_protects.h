// KnownProtects: what a policy was kept from when it was last known to be confirmed.
//
// More is removed when a protect becomes narrower or vanishes, although the policy says what it
// said. So a policy is confirmed only while every protect that it is known with is there, as it
// was. One that is added takes away from what was confirmed, and is known from the next apply on.
// Knows meanings alone, no facts: that an edit made a protect wider, it cannot tell.
#pragma once

#include <string>
#include <vector>

#include "engine/ir/program.h"
#include "runtime/plan/finding.h"

namespace rescind {

// Those of the program, by name.
std::vector<KnownProtect> ProtectsOf(const ir::Program& program);

// Names of those of `known` whose meaning no protect of the program has; under which name it has
// it, says nothing.
std::vector<std::string> LostProtects(const std::vector<KnownProtect>& known,
                                      const ir::Program& program);

// What `rule` says has been confirmed, and so has what keeps it off.
bool IsConfirmed(const PolicyRecord& record, const ir::Rule& rule, const ir::Program& program);

}  // namespace rescind
