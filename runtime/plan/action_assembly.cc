#include "runtime/plan/action_assembly.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <limits>
#include <set>
#include <span>

#include "engine/base/assert.h"
#include "engine/base/sort_unique.h"
#include "runtime/env/two_threads.h"
#include "runtime/plan/action_key.h"

namespace rescind {
namespace {

constexpr size_t kPieceActions = 1024;  // of one thread's turn

// As written, stage by stage; where two policies disagree, disable before end before revoke.
uint32_t OrderOf(const StageDraft& stage, const Claim& claim) {
  const uint32_t rank = static_cast<uint32_t>(claim.action->verb);
  return std::min(stage.stage, 0xFFu) << 24 | std::min(claim.position, 0xFFFFu) << 8 | rank;
}

bool RollsBack(const ir::Rule& rule) {
  return rule.on_failure && rule.on_failure->rollback && !rule.on_failure->keep;
}

size_t PieceCount(std::span<const uint32_t> numbers) {
  return (numbers.size() + kPieceActions - 1) / kPieceActions;
}

// Several may be at work at once, each with texts of its own.
class ActionAssembly {
 public:
  ActionAssembly(PlanDraft& draft, const FindingTexts& texts) : draft_(draft), texts_(texts) {}

  Status AddAction(const ActionSketch& sketch, std::span<const uint32_t> claims) {
    PlannedAction planned;
    planned.action.verb = ToVerb(sketch.wanted->verb);
    planned.action.playbook = sketch.wanted->playbook;
    planned.action.severity = sketch.severity;
    planned.status = sketch.status;
    planned.due = sketch.due;
    if (sketch.held_because) planned.held_because = *sketch.held_because;
    RESCIND_ASSIGN(planned.action.target, draft_.model.Describe(sketch.target));
    draft_.FindHome(planned.action.verb, planned.action.playbook, planned.action.target);
    RESCIND_ASSIGN(planned.subject, draft_.model.SubjectOf(sketch.target));
    NameOwner(planned);
    ActionTerms terms;
    RESCIND_TRY(SetKey(claims, planned, terms));
    planned.reversible = IsReversibleIn(planned.action);
    planned.reasons.reserve(claims.size());
    planned.action.reasons.reserve(claims.size());
    for (const uint32_t index : claims) {
      RESCIND_TRY(AddReason(draft_.claims[index], planned));
      const std::string* why = claims.size() > 1 ? draft_.WhatHolds(draft_.claims[index]) : nullptr;
      if (why) planned.reasons.back().held_because = *why;
    }
    RESCIND_TRY(SetTerms(claims, planned, terms));
    added_.terms.emplace(planned.action.key, std::move(terms));
    added_.actions.push_back(std::move(planned));
    return {};
  }

  AssembledActions TakeAdded() { return std::move(added_); }

 private:
  // So that the audit log can say whose access it was.
  static void NameOwner(PlannedAction& planned) {
    ActionTarget& target = planned.action.target;
    if (planned.subject.person.empty()) return;
    const bool is_account = target.entity == "account";
    if (is_account || target.attributes.contains("account")) {
      target.attributes[is_account ? "owner" : "account.owner"] = planned.subject.person;
    }
  }

  Status SetKey(std::span<const uint32_t> claims, PlannedAction& planned, ActionTerms& terms) {
    Action& action = planned.action;
    const std::string& store = draft_.options.store_id;
    terms.wanted_key = WantedStateKey(store, action.target, action.verb, action.playbook);
    if (draft_.options.history) {
      RESCIND_ASSIGN(ActionHistory history, draft_.options.history(terms.wanted_key));
      action.episode = history.episode;
      if (draft_.IsGivenUpFor(history, claims)) planned.escalated = std::move(history.escalated);
      planned.came_back = std::move(history.removed);
      if (!planned.came_back && action.target.incarnation > 1) {
        RESCIND_ASSIGN(planned.came_back, RemovalOfPredecessor(action));
      }
    }
    action.key = ActionKey(store, action.target, action.verb, action.playbook, action.episode);
    return {};
  }

  // A row that was removed and came back is the next incarnation, with a wanted state of its own.
  Result<std::optional<EarlierRemoval>> RemovalOfPredecessor(const Action& action) const {
    ActionTarget before = action.target;
    --before.incarnation;
    RESCIND_ASSIGN(ActionHistory history,
                   draft_.options.history(WantedStateKey(draft_.options.store_id, before,
                                                         action.verb, action.playbook)));
    return std::move(history.removed);
  }

  bool IsReversibleIn(const Action& action) const {
    if (!draft_.options.support) return IsReversible(action.verb);
    return draft_.options.support(action).reversible;
  }

  Status AddReason(const Claim& claim, PlannedAction& planned) {
    const StageDraft& stage = draft_.stages[claim.stage_draft];
    const ir::Rule& rule = draft_.rule(stage);
    const Finding& finding = draft_.finding(stage);
    RESCIND_ASSIGN(FindingText text, TextOf(claim.stage_draft));
    const RuleText& shared = texts_.OfRule(stage.rule);
    PlannedReason reason;
    reason.policy = rule.full_name;
    reason.title = rule.title;
    reason.judged_entity = finding.entity;
    reason.judged_id = std::move(text.judged_id);
    reason.because = std::move(text.because);
    reason.source_line = shared.source_line;
    reason.controls = shared.controls;
    reason.severity = ToSeverity(rule.severity);
    reason.stage = stage.stage;
    reason.opened_at = finding.opened_at;
    reason.due = claim.due;
    reason.status = draft_.StatusOf(claim);
    reason.evidence = std::move(text.evidence);
    planned.action.reasons.push_back({rule.full_name, finding.id, reason.because, stage.stage,
                                      reason.controls, shared.personal});
    planned.reasons.push_back(std::move(reason));
    return {};
  }

  // Most findings claim one action: their texts need not be kept for another.
  Result<FindingText> TextOf(uint32_t stage_index) {
    const auto& stages = draft_.stages;
    const StageDraft& stage = stages[stage_index];
    const auto is_same = [&](const StageDraft& other) {
      return other.rule == stage.rule && other.finding == stage.finding;
    };
    const bool is_alone = stage.end_claim - stage.first_claim == 1 &&
                          (stage_index == 0 || !is_same(stages[stage_index - 1])) &&
                          (stage_index + 1 == stages.size() || !is_same(stages[stage_index + 1]));
    const RowId row = draft_.finding(stage).row;
    if (is_alone) return texts_.Read(stage.rule, row);
    RESCIND_ASSIGN(const FindingText* text, texts_.Of(stage.rule, row));
    return *text;
  }

  Status SetTerms(std::span<const uint32_t> claims, const PlannedAction& planned,
                  ActionTerms& terms) {
    const ActionTarget& target = planned.action.target;
    const auto account = target.attributes.find("account");
    if (target.entity == "account") {
      terms.account = target.id;
    } else if (account != target.attributes.end()) {
      terms.account = account->second;
    }
    terms.order = std::numeric_limits<uint32_t>::max();
    Duration longest{0};
    for (const uint32_t index : claims) {
      const StageDraft& stage = draft_.stages[draft_.claims[index].stage_draft];
      const ir::Rule& rule = draft_.rule(stage);
      terms.order = std::min(terms.order, OrderOf(stage, draft_.claims[index]));
      // Those that let it go; `keep` beats `rollback`.
      if (draft_.StatusOf(draft_.claims[index]) == ActionStatus::kReady) {
        terms.ready_stages.push_back(draft_.NameOf(stage));
        if (RollsBack(rule)) terms.rollback_groups.push_back(terms.ready_stages.back());
      }
      longest = std::max(
          longest, rule.on_failure ? rule.on_failure->retry_for : Duration{24 * kMicrosPerHour});
      RESCIND_TRY(AddEscalation(rule, draft_.finding(stage).row, terms));
    }
    terms.retry_for = longest;
    const bool any_keeps = terms.rollback_groups.size() < terms.ready_stages.size();
    terms.rollback = !terms.rollback_groups.empty() && !any_keeps;
    SortUnique(terms.rollback_groups);
    return {};
  }

  Status AddEscalation(const ir::Rule& rule, RowId row, ActionTerms& terms) {
    std::set<std::string> all(terms.escalate_to.begin(), terms.escalate_to.end());
    if (!rule.on_failure || rule.on_failure->notify.empty()) {
      if (!draft_.options.oncall.empty()) all.insert(draft_.options.oncall);
    } else {
      for (const ir::Recipient& recipient : rule.on_failure->notify) {
        RESCIND_ASSIGN(const auto names,
                       FindRecipients(draft_, texts_.evaluator(), recipient, row));
        all.insert(names.begin(), names.end());
      }
    }
    terms.escalate_to.assign(all.begin(), all.end());
    return {};
  }

  PlanDraft& draft_;
  FindingTexts texts_;
  AssembledActions added_;
};

// Pieces of `count` numbers, a thread's turn each: calls `take` with the number of the piece and
// the numbers in it.
template <typename Take>
Status DoInPieces(std::span<const uint32_t> numbers, Take take) {
  return DoOnTwoThreads(PieceCount(numbers), [&](size_t piece) {
    const size_t begin = piece * kPieceActions;
    return take(piece, numbers.subspan(begin, std::min(kPieceActions, numbers.size() - begin)));
  });
}

}  // namespace

Result<AssembledActions> AssembleActions(PlanDraft& draft, const FindingTexts& texts,
                                         const ActionSketches& sketches,
                                         std::span<const uint32_t> chosen) {
  // Looked up once, before several threads ask.
  for (const StageDraft& stage : draft.stages) draft.finding(stage);
  std::vector<AssembledActions> pieces(PieceCount(chosen));
  const auto assemble = [&](size_t piece, std::span<const uint32_t> numbers) -> Status {
    ActionAssembly assembly(draft, texts);
    for (const uint32_t number : numbers) {
      const ActionSketch& sketch = sketches.actions[number];
      RESCIND_TRY(assembly.AddAction(sketch, sketches.ClaimsOf(sketch)));
    }
    pieces[piece] = assembly.TakeAdded();
    return {};
  };
  RESCIND_TRY(DoInPieces(chosen, assemble));
  AssembledActions all;
  all.actions.reserve(chosen.size());
  all.terms.reserve(chosen.size());
  for (AssembledActions& piece : pieces) {
    std::move(piece.actions.begin(), piece.actions.end(), std::back_inserter(all.actions));
    all.terms.merge(piece.terms);
  }
  return all;
}

Result<std::vector<ActionTraits>> ReadTraits(const PlanDraft& draft, const ActionSketches& sketches,
                                             std::span<const uint32_t> chosen) {
  std::vector<ActionTraits> traits(chosen.size());
  const auto read = [&](size_t piece, std::span<const uint32_t> numbers) -> Status {
    ActionTraits* next = traits.data() + piece * kPieceActions;
    for (const uint32_t number : numbers) {
      const ActionSketch& sketch = sketches.actions[number];
      RESCIND_ASSIGN(const ActionTarget target, draft.Identify(sketch.target, *sketch.wanted));
      next->wanted_key = WantedStateKey(draft.options.store_id, target, ToVerb(sketch.wanted->verb),
                                        sketch.wanted->playbook);
      if (draft.options.history) {
        RESCIND_ASSIGN(const ActionHistory history, draft.options.history(next->wanted_key));
        next->escalated = draft.IsGivenUpFor(history, sketches.ClaimsOf(sketch));
      }
      ++next;
    }
    return {};
  };
  RESCIND_TRY(DoInPieces(chosen, read));
  return traits;
}

}  // namespace rescind
