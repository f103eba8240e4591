// A stage of which everything that was handed over is done is over as a transaction: a1 and a2 were
// verified weeks ago, a3 joins the stage, and fails: a1 and a2 stay as they are.
#include <algorithm>

#include "runtime/journal/journal.h"
#include "runtime/journal/journal_keys.h"
#include "runtime/journal/stage_outcomes.h"

namespace rescind {
namespace {

// As of the steps that are not durable yet, or of the journal.
JournalEntry& StepOf(JournalEntry known, std::vector<JournalStep>& steps) {
  const auto is_it = [&](const JournalStep& step) {
    return step.entry.action.key == known.action.key;
  };
  const auto step = std::find_if(steps.begin(), steps.end(), is_it);
  if (step != steps.end()) return step->entry;
  JournalStep& added = steps.emplace_back();
  added.from = known.state;
  added.entry = std::move(known);
  added.is_silent = true;
  return added.entry;
}

}  // namespace

Status Journal::EndFinishedStage(const std::string& stage, const StageOutcomes& outcomes,
                                 std::vector<JournalStep>& steps) const {
  RESCIND_ASSIGN(const bool is_rolled_back, outcomes.IsRolledBack(stage));
  if (is_rolled_back) return {};
  const std::string prefix = std::string(kGroupPrefix) + GroupName(stage) + "/";
  RESCIND_ASSIGN(auto members, ListNoted(prefix));
  std::erase_if(members, [&](const JournalEntry& entry) {
    const auto& groups = entry.rollback_groups;
    return std::find(groups.begin(), groups.end(), stage) == groups.end();
  });
  const bool is_finished = std::all_of(
      members.begin(), members.end(),
      [](const JournalEntry& entry) { return IsTerminal(entry.state) && !NeedsPerson(entry); });
  if (!is_finished) return {};
  for (JournalEntry& member : members) {
    if (member.state != ActionState::kVerified) continue;
    JournalEntry& entry = StepOf(std::move(member), steps);
    std::erase(entry.rollback_groups, stage);
    if (entry.rollback_groups.empty()) entry.on_failure = OnFailure::kKeep;
  }
  return {};
}

}  // namespace rescind
