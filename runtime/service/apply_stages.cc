// What a run makes of stages: which it hands over, which it leaves since they were rolled back, and
// which a person has carried out again.
#include <fmt/format.h>

#include <algorithm>
#include <map>
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

// Why a plan that was read does not have the stage carried out again; empty: it lists all of it.
std::string WhyNotWhole(const Plan& read, const std::vector<LeftPart>& parts,
                        const std::set<std::string>& keys) {
  for (const LeftPart& part : parts) {
    if (part.held_because.empty()) continue;
    return fmt::format(
        "its stage was rolled back, and a part of it is held ({}): all of it is "
        "carried out again, or nothing",
        part.held_because);
  }
  const bool is_whole = std::all_of(parts.begin(), parts.end(),
                                    [&](const LeftPart& part) { return keys.contains(part.key); });
  if (is_whole) return "";
  std::set<std::string_view> of_stage;
  for (const LeftPart& part : parts) of_stage.insert(part.key);
  const bool was_known =
      std::any_of(read.actions.begin(), read.actions.end(), [&](const PlannedAction& row) {
        return (row.left || row.escalated) && of_stage.contains(row.action.key);
      });
  return was_known
             ? "its stage was rolled back, and this plan lists only a part of it: make a new "
               "plan of all of it"
             : "its stage was rolled back since this plan was made: make a new plan of all of it";
}

// The rows of the plan that was read which are of the same, under an earlier episode as well.
void SayWhy(const FallenRow& row, std::vector<FallenRow>& fallen) {
  bool is_listed = false;
  for (FallenRow& other : fallen) {
    if (other.verb != row.verb || other.entity != row.entity || other.target != row.target) {
      continue;
    }
    other.why = row.why;
    other.held = is_listed = true;
  }
  if (!is_listed) fallen.push_back(row);
}

std::string NameOf(const Action& action) {
  return fmt::format("{} {} {}", VerbName(action.verb), action.target.entity, action.target.id);
}

// Of stages that were rolled back, a plan that was read has all carried out again, or nothing.
class ReadStages {
 public:
  ReadStages(const Plan& read, const PlanOutcome& outcome, PlanSelection& selection)
      : read_(read), outcome_(outcome), selection_(selection) {
    for (const PlannedAction& planned : outcome.plan.actions)
      by_key_[planned.action.key] = &planned;
  }

  // Takes out of the selection what only stages let go of which it has a part; by key, why.
  std::map<std::string, std::string> DropParts() {
    // What falls away may be a part of another stage.
    while (FindParts()) DropActions();
    std::set<std::string> listed;
    for (const PlannedAction& row : read_.actions) listed.insert(NameOf(row.action));
    for (const auto& [stage, why] : not_whole_) {
      for (const LeftPart& part : outcome_.left_parts.at(stage)) {
        const auto planned = by_key_.find(part.key);
        if (planned == by_key_.end() || selection_.action_keys.contains(part.key)) continue;
        if (!listed.contains(NameOf(planned->second->action))) continue;
        SayWhy(FallenOf(*planned->second, why), selection_.fallen);
        dropped_.emplace(part.key, why);
      }
    }
    return std::move(dropped_);
  }

  // Those that stay left: of which there is only a part, or which the plan does not show.
  std::set<std::string> FindLeft() const {
    std::set<std::string> let_go;
    for (const std::string& key : selection_.action_keys) {
      if (const PlannedAction* planned = PlannedOf(key)) let_go.merge(StagesOf(*planned));
    }
    std::set<std::string> left;
    for (const std::string& stage : outcome_.left_stages) {
      if (not_whole_.contains(stage) || !let_go.contains(stage)) left.insert(stage);
    }
    return left;
  }

 private:
  // Stages that are not whole; false: no more than before.
  bool FindParts() {
    bool is_news = false;
    for (const auto& [stage, parts] : outcome_.left_parts) {
      const std::string why = WhyNotWhole(read_, parts, selection_.action_keys);
      if (!why.empty()) is_news |= not_whole_.emplace(stage, why).second;
    }
    return is_news;
  }

  void DropActions() {
    std::set<std::string>& keys = selection_.action_keys;
    for (auto key = keys.begin(); key != keys.end();) {
      const PlannedAction* planned = PlannedOf(*key);
      const std::set<std::string> let_go = planned ? StagesOf(*planned) : std::set<std::string>();
      const auto is_part = [&](const std::string& stage) { return not_whole_.contains(stage); };
      if (let_go.empty() || !std::all_of(let_go.begin(), let_go.end(), is_part)) {
        ++key;
        continue;
      }
      const std::string& why = not_whole_.at(*let_go.begin());
      SayWhy(FallenOf(*planned, why), selection_.fallen);
      dropped_.emplace(*key, why);
      key = keys.erase(key);
    }
  }

  // That let it go for the policies that the plan shows.
  std::set<std::string> StagesOf(const PlannedAction& planned) const {
    std::set<std::string> let_go;
    const auto terms = outcome_.terms.find(planned.action.key);
    if (terms == outcome_.terms.end()) return let_go;
    AddStagesLetGo(planned, terms->second, ReadPolicies(read_), let_go);
    return let_go;
  }

  const PlannedAction* PlannedOf(const std::string& key) const {
    const auto planned = by_key_.find(key);
    return planned == by_key_.end() ? nullptr : planned->second;
  }

  const Plan& read_;
  const PlanOutcome& outcome_;
  PlanSelection& selection_;
  std::map<std::string_view, const PlannedAction*> by_key_;
  std::map<std::string, std::string> not_whole_;  // by stage, why
  std::map<std::string, std::string> dropped_;    // by key, why
};

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

void ApplyRun::KeepStagesWhole(const Plan& read, Work& work) {
  if (work.outcome().left_stages.empty()) return;
  ReadStages stages(read, work.outcome(), work.selection);
  work.parts = stages.DropParts();
  work.left_stages = stages.FindLeft();
}

Status ApplyRun::HandOver(Work& work, const std::optional<Plan>& read) {
  const ActionRequests maker(work.derivation->program, work.derivation->now);
  std::vector<ActionRequest> requests;
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
    if (read) AddStagesLetGo(planned, terms->second, ReadPolicies(read), work.again);
    work.handed.insert(key);
  }
  for (const std::string& stage : work.left_stages) work.again.erase(stage);
  RESCIND_ASSIGN(const PlanReport planned,
                 ledger_.journal().Plan(requests, work.trigger, work.again));
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
