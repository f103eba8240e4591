#include "runtime/plan/action_assembly.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <numeric>
#include <set>
#include <span>
#include <tuple>

#include "runtime/plan/action_key.h"

namespace rescind {
namespace {

auto WantedState(const Claim& claim) {
  return std::make_tuple(claim.target.entity, claim.target.row, claim.action->verb,
                         std::string_view(claim.action->playbook));
}

// As written, stage by stage; where two policies disagree, disable before end before revoke.
uint32_t OrderOf(const StageDraft& stage, const Claim& claim) {
  const uint32_t rank = static_cast<uint32_t>(claim.action->verb);
  return std::min(stage.stage, 0xFFu) << 24 | std::min(claim.position, 0xFFFFu) << 8 | rank;
}

class ActionAssembly {
 public:
  ActionAssembly(PlanDraft& draft, FindingTexts& texts) : draft_(draft), texts_(texts) {
    result_.action_of_claim.resize(draft.claims.size());
  }

  Result<AssembledActions> Run() {
    std::vector<uint32_t> order(draft_.claims.size());
    std::iota(order.begin(), order.end(), 0u);
    // Claims are by rule, finding and stage already: a stable sort keeps that within an action.
    std::stable_sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) {
      return WantedState(draft_.claims[a]) < WantedState(draft_.claims[b]);
    });
    result_.actions.reserve(order.size());
    result_.rows.reserve(order.size());
    result_.terms.reserve(order.size());
    for (size_t begin = 0; begin < order.size();) {
      size_t end = begin + 1;
      while (end < order.size() &&
             WantedState(draft_.claims[order[end]]) == WantedState(draft_.claims[order[begin]])) {
        ++end;
      }
      RESCIND_TRY(AddAction(std::span(order).subspan(begin, end - begin)));
      begin = end;
    }
    return std::move(result_);
  }

 private:
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
    for (const uint32_t index : claims) {
      result_.action_of_claim[index] = static_cast<uint32_t>(result_.actions.size());
      RESCIND_TRY(AddReason(draft_.claims[index], planned));
    }
    RESCIND_TRY(SetTerms(claims, planned, terms));
    result_.terms.emplace(planned.action.key, std::move(terms));
    result_.rows.push_back(first.target);
    result_.actions.push_back(std::move(planned));
    return {};
  }

  Status SetKey(PlannedAction& planned, ActionTerms& terms) {
    Action& action = planned.action;
    const std::string& store = draft_.options.store_id;
    terms.wanted_key = WantedStateKey(store, action.target, action.verb, action.playbook);
    if (draft_.options.history) {
      RESCIND_ASSIGN(ActionHistory history, draft_.options.history(terms.wanted_key));
      action.episode = history.episode;
      planned.escalated = std::move(history.escalated);
    }
    action.key = ActionKey(store, action.target, action.verb, action.playbook, action.episode);
    return {};
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
    planned.action.reasons.push_back(
        {rule.full_name, finding.id, reason.because, stage.stage, reason.controls});
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
        RESCIND_ASSIGN(const auto names, FindRecipients(draft_, recipient, row));
        all.insert(names.begin(), names.end());
      }
    }
    terms.escalate_to.assign(all.begin(), all.end());
    return {};
  }

  PlanDraft& draft_;
  FindingTexts& texts_;
  AssembledActions result_;
};

}  // namespace

Result<AssembledActions> AssembleActions(PlanDraft& draft, FindingTexts& texts) {
  return ActionAssembly(draft, texts).Run();
}

}  // namespace rescind
