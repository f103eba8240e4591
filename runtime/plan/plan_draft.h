// PlanDraft: what PlanActions works on between findings and plan: claims, stages, notices.
//
// A claim is one finding's wish for one action. Stages gate claims by limits, freshness, approval;
// assembly merges claims on the same wanted state into one action. Private to the planner.
#pragma once

#include <cstdint>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/eval/reference_evaluator.h"
#include "runtime/plan/access_model.h"
#include "runtime/plan/finding_outlook.h"
#include "runtime/plan/planner.h"
#include "runtime/plan/planner_guards.h"
#include "runtime/plan/populations.h"

namespace rescind {

struct Claim {
  uint32_t stage_draft = 0;  // indexes PlanDraft::stages
  uint32_t position = 0;     // of the action in its stage
  const ir::Action* action = nullptr;
  eval::FactRow target;
  Instant due;
  const std::string* held = nullptr;  // no executor, or a verb that needs a running engine
  // A person or the gates let this very action go before this plan; limits have counted it. An
  // action that joined its stage since, or whose verb is another, is not that one.
  bool let_go = false;
  // So it is finished, whatever the gates say now: something of what went with it has happened.
  bool finishes = false;
  bool target_counted = false;  // limits have counted its target: something of it was let go
  bool delayed = false;         // an earlier plan saw it due
  bool escalated = false;       // it was let go, and given up
  bool undone = false;          // it was let go and done, and is not any more
  Instant since;                // when a plan first saw it due
  // The claim of an earlier stage that is due on the same access and not done; while it is not,
  // this one's time does not come.
  std::optional<uint32_t> waits_for;
  bool slides = false;  // `due` counts from now: an earlier stage is late
  // What its time waits for, for people: then nobody can say when it comes, and `due` is Never().
  const std::string* waits = nullptr;
};

struct NoticeDraft {
  uint32_t stage_draft = 0;
  Instant due;
  std::vector<std::string> recipients;  // never empty unless the workspace has no oncall
  bool alarm = false;                   // of `done within`
  bool announces = false;               // a removal of its stage or of a later one
  std::optional<uint32_t> waits_for{};  // as of a claim
  bool slides = false;
  const std::string* waits = nullptr;
};

// A stage of a finding that has something left to do.
struct StageDraft {
  uint32_t rule = 0;     // index in Program::rules
  uint32_t finding = 0;  // index in FindingBook::Of(its policy)
  uint32_t stage = 0;    // index in Rule::stages; their count for the alarm of `done within`
  Instant due;
  bool begun = false;     // before this plan
  bool starting = false;  // due and not begun
  bool first = false;     // no stage that removes something has begun before
  size_t first_claim = 0, end_claim = 0;
  const std::string* held = nullptr;  // why it must not start
  // It was rolled back: why a person decides on it (left_stages.h). Limits neither count nor hold
  // it.
  const char* left = nullptr;
  std::vector<CountedUnits> units;  // by the policy's share limits
};

// A finding that asks for nothing beyond its claims, and beyond the notices of these stages.
struct EndDraft {
  size_t first_stage = 0, end_stage = 0;  // in PlanDraft::stages
  std::vector<uint32_t> last_notices;
};

struct NotActedDraft {
  NotActedOn row;
  eval::FactRow facts;
};

class PlanDraft {
 public:
  // All outlive it.
  PlanDraft(const eval::EvaluationInput& the_input, const eval::SweepResult& the_sweep,
            const PlannerOptions& the_options, FindingBook& the_book, PlannerGuards& guards);
  PlanDraft(const PlanDraft&) = delete;
  PlanDraft& operator=(const PlanDraft&) = delete;

  const ir::Rule& rule(const StageDraft& stage) const { return input.program.rules[stage.rule]; }
  Finding& finding(const StageDraft& stage) {
    auto*& findings = findings_[stage.rule];
    if (!findings) findings = &book.MutableOf(rule(stage).full_name);
    return (*findings)[stage.finding];
  }
  // NameOfStage, of a stage that something of its policy is recorded of.
  std::string NameOf(const StageDraft& stage);
  // A reason that many share.
  const std::string* Intern(std::string text) { return &*texts_.insert(std::move(text)).first; }

  bool IsDue(const Claim& claim) const { return claim.due <= input.now && !claim.waits_for; }
  // It is due, could be done, and nobody has let it go yet: gates and limits decide on it.
  bool WouldStart(const Claim& claim) const { return IsDue(claim) && !claim.let_go && !claim.held; }
  const std::string* WhyHeld(const Claim& claim) const {
    const StageDraft& stage = stages[claim.stage_draft];
    if (!claim.finishes && stage.held) return stage.held;
    return claim.held;
  }
  ActionStatus StatusOf(const Claim& claim) const {
    if (!IsDue(claim)) return ActionStatus::kNotice;
    return WhyHeld(claim) ? ActionStatus::kHeld : ActionStatus::kReady;
  }

  // As in PlannedAction::held_because; null for empty.
  const std::string* WhatHolds(const Claim& claim) const {
    switch (StatusOf(claim)) {
      case ActionStatus::kReady: return nullptr;
      case ActionStatus::kHeld: return WhyHeld(claim);
      case ActionStatus::kNotice: return claim.waits ? claim.waits : claim.held;
    }
    return nullptr;
  }

  Result<std::string> IdOf(eval::FactRow row) const {
    return input.facts.texts().Id(row.entity, row.row);
  }

  // A playbook is run where its row lives; on a row that lives in no system, such as a person,
  // where the one target is that can run it.
  void FindHome(Verb verb, const std::string& playbook, ActionTarget& target) const;
  // Without attributes: all that the key of that action on the row needs.
  Result<ActionTarget> Identify(eval::FactRow row, const ir::Action& action) const;
  // What the journal knows of the action on the row.
  Result<ActionHistory> HistoryOf(eval::FactRow row, const ir::Action& action) const;
  // It was given up for one of the findings of these claims, and not for an earlier one that has
  // ended since.
  bool IsGivenUpFor(const ActionHistory& history, std::span<const uint32_t> claim_numbers) const;

  // By PlannerOptions::filter_policies and filter_person; limits and gates see everything.
  bool PolicyShown(const std::string& policy) const;
  Result<bool> PersonShown(eval::FactRow row) const;

  const eval::EvaluationInput& input;
  const eval::SweepResult& sweep;
  const PlannerOptions& options;
  FindingBook& book;
  eval::ReferenceEvaluator evaluator;
  AccessModel model;
  Populations populations;
  Protection& protection;
  ExemptionCover& exemptions;

  std::vector<StageDraft> stages;  // by rule, finding, stage
  std::vector<Claim> claims;       // by stage
  std::vector<NoticeDraft> notices;
  std::set<std::string> left_stages;  // names (NameOfStage): StageDraft::left
  std::vector<EndDraft> ends;
  std::vector<NotActedDraft> not_acted_on;
  std::vector<FindingTransition> transitions;
  std::vector<FindingOutlook> outlooks;  // by rule, row; where they are asked for

 private:
  std::set<std::string> texts_;                  // nodes do not move
  std::vector<std::vector<Finding>*> findings_;  // by rule; null: not looked up yet
};

// The channel or "identity:ID" of the first choice that is known; the workspace's oncall, or
// nothing, when there is none.
Result<std::vector<std::string>> FindRecipients(const PlanDraft& draft,
                                                eval::ReferenceEvaluator& evaluator,
                                                const ir::Recipient& recipient, RowId row);
// The live, complete rows that an action names for a judged row, each once.
std::vector<eval::FactRow> FindTargets(const ir::Action& action, const FactBase& facts,
                                       eval::ReferenceEvaluator& evaluator, AccessModel& model,
                                       RowId row);
Verb ToVerb(ir::Verb verb);
Severity ToSeverity(ir::Severity severity);
inline bool Removes(const ir::Action& action) { return action.verb != ir::Verb::kNotify; }
// Saturates: an instant beyond the end of time is Never().
Instant Later(Instant instant, Duration by);

}  // namespace rescind
