// StageNumbers: which stages of an edited policy are those that its findings have begun.
//
// Findings know stages by number. An edit that puts one in, or takes one out, must not take the
// place of another: else a deletion counts its month from the notice of a week. Stages are matched
// in order, by what they ask for. Private to FindingBook.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/ir/program.h"
#include "runtime/plan/finding.h"

namespace rescind {

// A stage's ir::Action::meaning, by stage.
using StageMeanings = std::vector<std::vector<std::string>>;
StageMeanings MeaningsOf(const ir::Rule& rule);

// By old number, the new one; ascending, nothing for a stage that is gone. Those that ask for the
// same come first, then those that share an action, a verb, and at last those that both remove
// something or both only notify: an edit of a stage in its place leaves it that stage.
std::vector<std::optional<uint32_t>> MatchStages(const StageMeanings& before,
                                                 const StageMeanings& now);

// What the finding knows of stages that are gone is forgotten, but for when it was announced.
// Actions and notices of such a stage are of kNoStage: where the policy asks for one in another
// stage, the planner knows it by its target.
void RenumberStages(Finding& finding, const std::vector<std::optional<uint32_t>>& numbers);

}  // namespace rescind
