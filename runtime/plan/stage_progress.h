// StageProgress: how far the stages of one finding have come for each of its targets.
//
// A later stage counts from when the earlier one is really done for its own target, and waits while
// that is not done: what is bound to the same account counts as one target, and what is bound to no
// account (a playbook on a person) as part of all. Private to the planner.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "runtime/plan/plan_draft.h"

namespace rescind {

class StageProgress {
 public:
  // For the next finding.
  void Reset(size_t stage_count);

  // An action of the stage is still to be done, from `due` on; `claim` is its number when that has
  // come.
  void NotePending(uint32_t stage, eval::FactRow target, std::optional<RowId> account, Instant due,
                   std::optional<uint32_t> claim);
  // It was done. What joined a stage that had begun for others is news for its own row only: else
  // whoever adds rows could put off for ever what comes later.
  void NoteDone(uint32_t stage, eval::FactRow target, std::optional<RowId> account, Instant at,
                bool joined);

  struct Passed {
    Instant at{0};                      // not before then
    std::optional<uint32_t> waits_for;  // a claim
    void Add(const Passed& other);
  };
  // What the actions of the stage mean for a target of a later one.
  Passed After(uint32_t stage, eval::FactRow target, std::optional<RowId> account) const;
  // For all targets there are.
  const Passed& AfterAll(uint32_t stage) const { return stages_[stage].of_anyone; }

 private:
  struct Stage {
    std::map<std::pair<EntityId, RowId>, Passed> by_row;
    std::map<RowId, Passed> by_account;
    Passed of_all;     // bound to no account
    Passed of_anyone;  // all there are
  };
  std::vector<Stage> stages_;
};

// After gates and limits: what waits for an earlier stage, so that nobody can say when it falls
// due. Errors: the store or the journal could not be read.
Status SayWhatStagesWaitFor(PlanDraft& draft);
// The same of later stages of a finding whose times count from when `late`, a stage of the draft,
// begins: it does not, which `why` says.
void LetLaterOnesWait(PlanDraft& draft, const StageDraft& late, const std::string& why);

}  // namespace rescind
