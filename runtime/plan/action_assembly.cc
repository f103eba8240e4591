#include "runtime/plan/action_assembly.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <limits>
#include <numeric>
#include <set>
#include <span>
#include <tuple>

#include "runtime/env/two_threads.h"
#include "runtime/plan/action_key.h"

namespace rescind {
namespace {

constexpr size_t kPieceActions = 1024;  // of one thread's turn

auto WantedState(const Claim& claim) {
  return std::make_tuple(claim.target.entity, claim.target.row, claim.action->verb,
                         std::string_view(claim.action->playbook));
}

// As written, stage by stage; where two policies disagree, disable before end before revoke.
uint32_t OrderOf(const StageDraft& stage, const Claim& claim) {
  const uint32_t rank = static_cast<uint32_t>(claim.action->verb);
  return std::min(stage.stage, 0xFFu) << 24 | std::min(claim.position, 0xFFFFu) << 8 | rank;
}

// Several may be at work at once, each with texts of its own.
class ActionAssembly {
 public:
  ActionAssembly(PlanDraft& draft, FindingTexts texts) : draft_(draft), texts_(std::move(texts)) {}

  // The claims on one wanted state, by their numbers in the draft.
  Status AddAction(std::span<const uint32_t> claims) {
    const Claim& first = draft_.claims[claims.front()];
    PlannedAction planned;
    planned.action.verb = ToVerb(first.action->verb);
    planned.action.playbook = first.action->playbook;
    planned.action.severity = Severity::kLow;
    RESCIND_ASSIGN(planned.action.target, draft_.model.Describe(first.target));
    RESCIND_ASSIGN(planned.subject, draft_.model.SubjectOf(first.target));
    ActionTerms terms;
    RESCIND_TRY(SetKey(planned, terms));
    planned.reversible = IsReversibleIn(planned.action);
    SetStatus(claims, planned);
    planned.reasons.reserve(claims.size());
    planned.action.reasons.reserve(claims.size());
    for (const uint32_t index : claims) RESCIND_TRY(AddReason(draft_.claims[index], planned));
    RESCIND_TRY(SetTerms(claims, planned, terms));
    added_.terms.emplace(planned.action.key, std::move(terms));
    added_.rows.push_back(first.target);
    added_.actions.push_back(std::move(planned));
    return {};
  }

  // Without action_of_claim.
  AssembledActions TakeAdded() { return std::move(added_); }

 private:
  Status SetKey(PlannedAction& planned, ActionTerms& terms) {
    Action& action = planned.action;
    const std::string& store = draft_.options.store_id;
    terms.wanted_key = WantedStateKey(store, action.target, action.verb, action.playbook);
    if (draft_.options.history) {
      RESCIND_ASSIGN(ActionHistory history, draft_.options.history(terms.wanted_key));
      action.episode = history.episode;
      planned.escalated = std::move(history.escalated);
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

  // Ready when any claim is; else what comes first of its own accord; else held.
  void SetStatus(std::span<const uint32_t> claims, PlannedAction& planned) const {
    const auto rank = [](ActionStatus status) {
      return status == ActionStatus::kReady ? 0 : status == ActionStatus::kNotice ? 1 : 2;
    };
    const auto order = [&](uint32_t index) {
      const Claim& claim = draft_.claims[index];
      return std::make_tuple(rank(draft_.StatusOf(claim)), claim.due, index);
    };
    const uint32_t best = *std::min_element(
        claims.begin(), claims.end(), [&](uint32_t a, uint32_t b) { return order(a) < order(b); });
    const Claim& claim = draft_.claims[best];
    planned.status = draft_.StatusOf(claim);
    planned.due = claim.due;
    if (planned.status == ActionStatus::kHeld) planned.held_because = *draft_.WhyHeld(claim);
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
    reason.evidence = std::move(text.evidence);
    planned.action.severity = std::max(planned.action.severity, reason.severity);
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
    terms.rollback = true;
    Duration longest{0};
    for (const uint32_t index : claims) {
      const StageDraft& stage = draft_.stages[draft_.claims[index].stage_draft];
      const ir::Rule& rule = draft_.rule(stage);
      terms.order = std::min(terms.order, OrderOf(stage, draft_.claims[index]));
      // `keep` beats `rollback`.
      terms.rollback &= rule.on_failure && rule.on_failure->rollback && !rule.on_failure->keep;
      longest = std::max(
          longest, rule.on_failure ? rule.on_failure->retry_for : Duration{24 * kMicrosPerHour});
      RESCIND_TRY(AddEscalation(rule, draft_.finding(stage).row, terms));
    }
    terms.retry_for = longest;
    const StageDraft& stage = draft_.stages[draft_.claims[claims.front()].stage_draft];
    if (terms.rollback && claims.size() == 1) {
      terms.rollback_group = fmt::format("{}/{}", draft_.finding(stage).id, stage.stage);
    }
    terms.rollback = !terms.rollback_group.empty();
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

// Claims in an order in which those on the same wanted state lie side by side.
struct GroupedClaims {
  std::vector<uint32_t> order;   // numbers of claims
  std::vector<uint32_t> begins;  // of each group in the order, and its end

  explicit GroupedClaims(const std::vector<Claim>& claims) : order(claims.size()) {
    std::iota(order.begin(), order.end(), 0u);
    // Claims are by rule, finding and stage already: a stable sort keeps that within an action.
    std::stable_sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) {
      return WantedState(claims[a]) < WantedState(claims[b]);
    });
    for (uint32_t i = 0; i < order.size(); ++i) {
      if (i == 0 || WantedState(claims[order[i]]) != WantedState(claims[order[i - 1]])) {
        begins.push_back(i);
      }
    }
    begins.push_back(static_cast<uint32_t>(order.size()));
  }

  size_t group_count() const { return begins.size() - 1; }
  std::span<const uint32_t> Group(size_t group) const {
    return std::span(order).subspan(begins[group], begins[group + 1] - begins[group]);
  }
};

}  // namespace

Result<AssembledActions> AssembleActions(PlanDraft& draft, const FindingTexts& texts) {
  const GroupedClaims claims(draft.claims);
  // Looked up once, before several threads ask.
  for (const StageDraft& stage : draft.stages) draft.finding(stage);
  std::vector<AssembledActions> pieces((claims.group_count() + kPieceActions - 1) / kPieceActions);
  const auto assemble = [&](size_t piece) -> Status {
    ActionAssembly assembly(draft, texts);
    const size_t begin = piece * kPieceActions;
    const size_t end = std::min(begin + kPieceActions, claims.group_count());
    for (size_t group = begin; group < end; ++group) {
      RESCIND_TRY(assembly.AddAction(claims.Group(group)));
    }
    pieces[piece] = assembly.TakeAdded();
    return {};
  };
  RESCIND_TRY(DoOnTwoThreads(pieces.size(), assemble));
  AssembledActions all;
  all.actions.reserve(claims.group_count());
  all.rows.reserve(claims.group_count());
  all.terms.reserve(claims.group_count());
  for (AssembledActions& piece : pieces) {
    std::move(piece.actions.begin(), piece.actions.end(), std::back_inserter(all.actions));
    all.rows.insert(all.rows.end(), piece.rows.begin(), piece.rows.end());
    all.terms.merge(piece.terms);
  }
  all.action_of_claim.resize(draft.claims.size());
  for (size_t group = 0; group < claims.group_count(); ++group) {
    for (const uint32_t claim : claims.Group(group)) {
      all.action_of_claim[claim] = static_cast<uint32_t>(group);
    }
  }
  return all;
}

}  // namespace rescind
