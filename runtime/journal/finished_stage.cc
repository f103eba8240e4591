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

Result<bool> Journal::IsOverForStage(const JournalEntry& entry) const {
  if (!IsTerminal(entry.state)) return false;
  // Access that goes on though the action is done is a person's to look at, and gives nothing back.
  if (NeedsPerson(entry)) return IsStillEffective(entry);
  if (entry.state != ActionState::kCompensated || !entry.undo_dropped) return true;
  // Given back when the stage was carried out again: the next episode belongs to the same.
  RESCIND_ASSIGN(const auto last, LatestKey(entry.wanted_key));
  return last != entry.action.key;
}

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
  for (const JournalEntry& member : members) {
    RESCIND_ASSIGN(const bool is_over, IsOverForStage(member));
    if (!is_over) return {};
  }
  for (JournalEntry& member : members) {
    if (member.state != ActionState::kVerified && !IsStillEffective(member)) continue;
    JournalEntry& entry = StepOf(std::move(member), steps);
    std::erase(entry.rollback_groups, stage);
    if (entry.rollback_groups.empty()) entry.on_failure = OnFailure::kKeep;
  }
  return {};
}

}  // namespace rescind
