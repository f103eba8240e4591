// What a run makes of stages: which it hands over, which it leaves since they were rolled back, and
// which a person has carried out again.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "engine/base/assert.h"
#include "runtime/service/action_request.h"
#include "runtime/service/apply_work.h"
#include "runtime/service/failed_undos.h"
#include "runtime/service/planned_undos.h"
#include "runtime/service/unconfirmed_policies.h"

namespace rescind {
namespace {

bool IsOfFailedStage(const PlannedAction& planned, const std::set<StageName>& failed) {
  if (failed.empty()) return false;
  return std::all_of(planned.action.reasons.begin(), planned.action.reasons.end(),
                     [&](const ActionReason& reason) {
                       return failed.contains({reason.finding_id, reason.stage});
                     });
}

FallenRow FallenOf(const PlannedAction& planned, std::string why) {
  FallenRow row;
  row.verb = VerbName(planned.action.verb);
  row.entity = planned.action.target.entity;
  row.target = planned.action.target.id;
  if (!planned.reasons.empty()) row.policy = planned.reasons.front().policy;
  row.why = std::move(why);
  row.held = true;
  return row;
}

// What becomes of those stages is no matter of the action: it begins for others.
void LeaveOut(const std::set<std::string>& stages, ActionRequest& request) {
  const auto is_left = [&](const std::string& stage) { return stages.contains(stage); };
  std::erase_if(request.rollback_groups, is_left);
  std::erase_if(request.kept_stages, is_left);
  const bool is_undone = !request.rollback_groups.empty() && request.kept_stages.empty();
  request.on_failure = is_undone ? OnFailure::kRollback : OnFailure::kKeep;
}

}  // namespace

// `left_stages.h` says why.
void ApplyRun::LeaveFailedStages(Work& work) {
  work.left_stages = work.outcome().left_stages;
  for (const PlannedAction& planned : work.outcome().plan.actions) {
    if (!planned.left || work.selection.action_keys.erase(planned.action.key) == 0) continue;
    work.selection.fallen.push_back(FallenOf(planned, planned.left->because));
  }
}

Status ApplyRun::HandOver(Work& work, const std::optional<Plan>& read) {
  const ActionRequests maker(work.derivation->program, work.derivation->now);
  std::vector<ActionRequest> requests;
  std::set<std::string> again;
  for (const PlannedAction& planned : work.outcome().plan.actions) {
    const std::string& key = planned.action.key;
    if (planned.status != ActionStatus::kReady || !work.selection.action_keys.contains(key)) {
      continue;
    }
    if (IsOfFailedStage(planned, work.notices.failed())) {
      work.report.fallen.push_back(FallenOf(planned, "its stage's notice could not be sent"));
      continue;
    }
    const auto terms = work.outcome().terms.find(key);
    // INVARIANT: the planner gives terms for every action that is ready.
    RESCIND_ASSERT(terms != work.outcome().terms.end(), "a ready action without terms");
    requests.push_back(maker.For(planned, terms->second));
    LeaveOut(work.left_stages, requests.back());
    if (read) AddStagesLetGo(planned, terms->second, ReadPolicies(read), again);
    work.handed.insert(key);
  }
  RESCIND_ASSIGN(const PlanReport planned, ledger_.journal().Plan(requests, work.trigger, again));
  work.report.already_done_count = planned.done_count;
  return {};
}

Status ApplyRun::RetryFailedUndos(Work& work, const std::optional<Plan>& read) {
  UndoChoice choice;
  for (const PlannedAction& planned : work.report.escalated_earlier) {
    choice.listed.insert(planned.action.key);
  }
  choice.by_person = read.has_value();
  if (read) choice.policies = read->filter_policies;
  if (read) choice.person = read->filter_person;
  RESCIND_ASSIGN(const FailedUndos undos,
                 FindFailedUndos(ledger_.journal(), pipeline_.runners(), *work.derivation, choice));
  for (const JournalEntry& entry : undos.left) {
    work.report.undos_left.push_back({AppliedOf(entry), entry.changed_at});
  }
  if (undos.to_retry.empty()) return {};
  RESCIND_TRY(BeginLog(work, work.selection.action_keys.size()));
  for (const std::string& key : undos.to_retry) {
    RESCIND_TRY(ledger_.journal().RetryUndo(key, "it is tried again to undo it", work.trigger));
  }
  return {};
}

// What is being given back, or could not be, or was by this run, is not done: whoever asks for it
// asks on.
Status ApplyRun::KeepUndone(Work& work) const {
  RESCIND_ASSIGN(auto undone, ledger_.journal().ListUndos());
  for (const AppliedAction& action : work.report.actions) {
    if (action.state != ActionState::kCompensated) continue;
    RESCIND_ASSIGN(auto entry, ledger_.journal().Find(action.key));
    if (entry) undone.push_back(*std::move(entry));
  }
  std::set<std::string> findings;
  for (const JournalEntry& entry : undone) {
    for (const ActionReason& reason : entry.action.reasons) findings.insert(reason.finding_id);
  }
  std::erase_if(work.ends,
                [&](const FindingEnd& end) { return findings.contains(end.finding_id); });
  return {};
}

}  // namespace rescind
