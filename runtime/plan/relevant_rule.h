// RelevantRules: whose explanations `why TARGET` and `why-not TARGET` show.
//
// For one row: the rules that judge it, and the judged rows elsewhere whose actions name it. It
// explains nothing itself: eval::Explain does, given a rule and a row.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/eval/sweep.h"
#include "runtime/plan/action.h"

namespace rescind {

struct RelevantRule {
  uint32_t rule = 0;           // index in Program::rules
  RowId row;                   // the judged row
  bool judges_target = false;  // it judges the asked row itself
  bool covers = false;         // a protect whose row the asked row belongs to
  // How its actions name the row; empty when they do not (or not now).
  struct Naming {
    uint32_t stage = 0;
    Verb verb = Verb::kDisable;
  };
  std::vector<Naming> namings;
  // What its actions act on now, each once: all of it when it judges the asked row, else at most
  // that row.
  std::vector<eval::FactRow> targets;
  bool all_as_wanted = true;  // each of them is in its wanted state; of playbooks nobody knows
};

// By rule, then row. Judged rows are looked for among the row itself, what it refers to and what
// refers to it, up to `reach` references away: where policies' actions lead.
std::vector<RelevantRule> FindRelevantRules(const eval::EvaluationInput& input, EntityId entity,
                                            RowId row, uint32_t reach = 3);

}  // namespace rescind
