// RuleReads: which entities' facts a rule rests on, and about which of them it concludes from
// silence. For the guard rails of freshness and of the closed world.
#pragma once

#include <set>

#include "engine/ir/program.h"

namespace rescind {

struct RuleReads {
  std::set<EntityId> facts;  // judged, read, counted or acted on
  // `no`, `all`, `count`, `is unknown`, and aggregates whose members may be missing: a row that
  // has not been delivered yet would change the answer. `any` under `not` is `no`.
  std::set<EntityId> silences;
};

RuleReads ReadsOf(const ir::Program& program, const ir::Rule& rule);

}  // namespace rescind
