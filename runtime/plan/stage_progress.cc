// disable a (done on day 3), disable b (given up) → after 27d: delete a on day 30; delete b waits
#include "runtime/plan/stage_progress.h"

#include <fmt/format.h>

#include <algorithm>

namespace rescind {

void StageProgress::Passed::Add(const Passed& other) {
  at = std::max(at, other.at);
  if (!waits_for) waits_for = other.waits_for;
}

void StageProgress::Reset(size_t stage_count) {
  stages_.resize(stage_count);
  for (Stage& stage : stages_) {
    stage.by_row.clear();
    stage.by_account.clear();
    stage.of_all = stage.of_anyone = Passed();
  }
}

void StageProgress::NotePending(uint32_t stage, eval::FactRow target, std::optional<RowId> account,
                                Instant due, std::optional<uint32_t> claim) {
  const Passed pending{due, claim};
  Stage& notes = stages_[stage];
  notes.by_row[{target.entity, target.row}].Add(pending);
  account ? notes.by_account[*account].Add(pending) : notes.of_all.Add(pending);
  notes.of_anyone.Add(pending);
}

void StageProgress::NoteDone(uint32_t stage, eval::FactRow target, std::optional<RowId> account,
                             Instant at, bool joined) {
  const Passed done{at, std::nullopt};
  Stage& notes = stages_[stage];
  notes.by_row[{target.entity, target.row}].Add(done);
  if (joined) return;
  account ? notes.by_account[*account].Add(done) : notes.of_all.Add(done);
  notes.of_anyone.Add(done);
}

StageProgress::Passed StageProgress::After(uint32_t stage, eval::FactRow target,
                                           std::optional<RowId> account) const {
  const Stage& notes = stages_[stage];
  Passed passed = account ? notes.of_all : notes.of_anyone;
  const auto row = notes.by_row.find({target.entity, target.row});
  if (row != notes.by_row.end()) passed.Add(row->second);
  if (!account) return passed;
  const auto bound = notes.by_account.find(*account);
  if (bound != notes.by_account.end()) passed.Add(bound->second);
  return passed;
}

namespace {

// Why it is not done; empty for what starts with this very plan.
std::string WhyNotDone(const PlanDraft& draft, const Claim& claim) {
  if (const std::string* held = draft.WhyHeld(claim)) return fmt::format("it is held: {}", *held);
  if (claim.undone) return "it was undone";
  if (claim.escalated) return "it was given up, and a person must act";
  return claim.delayed || claim.let_go ? "it is not done yet" : "";
}

}  // namespace

Status SayWhatStagesWaitFor(PlanDraft& draft) {
  for (Claim& claim : draft.claims) {
    if (!claim.waits_for) continue;
    const Claim& earlier = draft.claims[*claim.waits_for];
    const std::string why = WhyNotDone(draft, earlier);
    if (why.empty()) continue;
    RESCIND_ASSIGN(const std::string id, draft.IdOf(earlier.target));
    claim.waits = draft.Intern(
        fmt::format("waits until the stage before is done: {} {} {}: {}",
                    VerbName(ToVerb(earlier.action->verb)),
                    draft.input.program.schema.entity(earlier.target.entity).name, id, why));
  }
  return {};
}

}  // namespace rescind
