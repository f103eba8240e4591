#include "runtime/plan/plan_assembly.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <unordered_map>

#include "runtime/env/two_threads.h"
#include "runtime/plan/action_assembly.h"
#include "runtime/plan/finding_text.h"
#include "runtime/plan/roll_ups.h"
#include "runtime/plan/unjudged_rows.h"

namespace rescind {
namespace {

constexpr size_t kAnnouncedActions = 20;

class PlanAssembly {
 public:
  PlanAssembly(PlanDraft& draft, FindingTexts& texts, AssembledActions& assembled,
               PlanOutcome& outcome)
      : draft_(draft), texts_(texts), assembled_(assembled), outcome_(outcome) {}

  Status AddNotices() {
    for (const NoticeDraft& notice : draft_.notices) {
      const StageDraft& stage = draft_.stages[notice.stage_draft];
      const ir::Rule& rule = draft_.rule(stage);
      const Finding& finding = draft_.finding(stage);
      RESCIND_ASSIGN(const FindingText* text, texts_.Of(stage.rule, finding.row));
      PlannedNotice planned;
      planned.policy = rule.full_name;
      planned.finding_id = finding.id;
      planned.judged_entity = finding.entity;
      planned.judged_id = text->judged_id;
      planned.stage = stage.stage;
      planned.due = notice.due;
      planned.recipients = notice.recipients;
      planned.because = notice.alarm ? fmt::format("not done within {}: {}",
                                                   FormatDuration(rule.done->within), text->because)
                                     : text->because;
      SetStatus(notice, stage, planned);
      if (planned.status == ActionStatus::kReady) SayWhatWaits(planned.recipients, stage);
      outcome_.plan.notices.push_back(std::move(planned));
      Announce(stage, finding);
    }
    return {};
  }

  void AddStarts() {
    std::vector<std::vector<const NoticeDraft*>> notices(draft_.stages.size());
    for (const NoticeDraft& notice : draft_.notices) notices[notice.stage_draft].push_back(&notice);
    for (size_t index = 0; index < draft_.stages.size(); ++index) {
      const StageDraft& stage = draft_.stages[index];
      if (!stage.starting && !stage.begun) continue;
      const Finding& finding = draft_.finding(stage);
      StageStart start;
      start.policy = draft_.rule(stage).full_name;
      start.row = finding.row;
      for (size_t i = stage.first_claim; i < stage.end_claim; ++i) {
        if (draft_.StatusOf(draft_.claims[i]) != ActionStatus::kReady) continue;
        start.action_keys.push_back(ActionOf(i).key);
      }
      bool notifies = false;
      for (const NoticeDraft* notice : notices[index]) {
        PlannedNotice planned;
        SetStatus(*notice, stage, planned);
        if (planned.status != ActionStatus::kReady) continue;
        notifies = true;
        start.recipients.insert(start.recipients.end(), notice->recipients.begin(),
                                notice->recipients.end());
      }
      start.removes = !start.action_keys.empty();
      if (!start.removes && !notifies) continue;
      start.notifies = notifies;
      start.begun = stage.begun;
      start.start = {draft_.input.now, start.policy,
                     finding.id,       stage.stage,
                     stage.first,      static_cast<uint32_t>(start.action_keys.size()),
                     stage.units};
      outcome_.starts.push_back(std::move(start));
    }
  }

  // What of all this is shown; limits and gates have seen everything. The last step: it takes the
  // actions away.
  Status AddShown(const GateReport& gates, const LimitReport& limits) {
    const auto& rules = draft_.input.program.rules;
    std::unordered_map<std::string_view, uint32_t> rule_of_policy;
    for (uint32_t i = 0; i < rules.size(); ++i) {
      if (!rules[i].protect) rule_of_policy.emplace(rules[i].full_name, i);
    }
    std::vector<PlannedTarget> targets;
    std::vector<uint64_t> removals(rules.size());
    outcome_.plan.actions.reserve(assembled_.actions.size());
    std::vector<uint32_t> named;  // rules of one action, each once
    for (size_t i = 0; i < assembled_.actions.size(); ++i) {
      PlannedAction& planned = assembled_.actions[i];
      if (!IsShown(planned)) continue;
      named.clear();
      for (const PlannedReason& reason : planned.reasons) {
        named.push_back(rule_of_policy.at(reason.policy));
      }
      std::sort(named.begin(), named.end());
      named.erase(std::unique(named.begin(), named.end()), named.end());
      for (const uint32_t rule : named) {
        ++removals[rule];
        if (draft_.PolicyShown(rules[rule].full_name))
          targets.push_back({rule, assembled_.rows[i]});
      }
      outcome_.plan.actions.push_back(std::move(planned));
    }
    const auto add = [&](size_t number) -> Status {
      if (number == 0) return AddRollUps(std::move(targets));
      RESCIND_TRY(FilterNotices());
      return AddNotActedOn();
    };
    RESCIND_TRY(DoOnTwoThreads(2, add));
    AddPolicies(gates, limits, removals);
    AddFeeds();
    return {};
  }

 private:
  // Beside the other lists, which it does not touch.
  Status AddRollUps(std::vector<PlannedTarget> targets) {
    RESCIND_ASSIGN(outcome_.plan.roll_ups,
                   CountRollUps(draft_.input, draft_.model, std::move(targets)));
    return {};
  }

  const Action& ActionOf(size_t claim) const {
    return assembled_.actions[assembled_.action_of_claim[claim]].action;
  }

  bool IsShown(const PlannedAction& planned) const {
    const std::string& person = draft_.options.filter_person;
    if (!person.empty() && planned.subject.person != person) return false;
    return std::any_of(
        planned.reasons.begin(), planned.reasons.end(),
        [&](const PlannedReason& reason) { return draft_.PolicyShown(reason.policy); });
  }

  Status FilterNotices() {
    auto& notices = outcome_.plan.notices;
    std::vector<PlannedNotice> shown;
    for (size_t i = 0; i < notices.size(); ++i) {
      const StageDraft& stage = draft_.stages[draft_.notices[i].stage_draft];
      RESCIND_ASSIGN(const bool person_shown,
                     draft_.PersonShown({draft_.rule(stage).entity, draft_.finding(stage).row}));
      if (person_shown && draft_.PolicyShown(notices[i].policy))
        shown.push_back(std::move(notices[i]));
    }
    notices = std::move(shown);
    return {};
  }

  Status AddNotActedOn() {
    Plan& plan = outcome_.plan;
    for (NotActedDraft& row : draft_.not_acted_on) {
      if (!draft_.PolicyShown(row.row.policy)) continue;
      RESCIND_ASSIGN(const bool person_shown, draft_.PersonShown(row.facts));
      if (person_shown) plan.not_acted_on.push_back(std::move(row.row));
    }
    return AddUnjudgedRows(draft_, texts_, plan);
  }

  void AddPolicies(const GateReport& gates, const LimitReport& limits,
                   const std::vector<uint64_t>& removals) {
    for (uint32_t index = 0; index < draft_.input.program.rules.size(); ++index) {
      const ir::Rule& rule = draft_.input.program.rules[index];
      if (rule.protect || !draft_.PolicyShown(rule.full_name)) continue;
      const eval::RuleOutcome& outcome = draft_.sweep.rules[index];
      PolicySummary summary;
      summary.policy = rule.full_name;
      summary.title = rule.title;
      summary.severity = ToSeverity(rule.severity);
      summary.enforced = rule.mode == ir::Mode::kEnforce;
      summary.judged_count = draft_.input.facts.table(rule.entity).live_count();
      summary.match_count = outcome.matches.size();
      summary.insufficient_count =
          outcome.undecided.size() + IncompleteRows(draft_, rule.entity).size();
      summary.error_count = outcome.errors.size();
      summary.removal_count = removals[index];
      summary.limit = limits.policies[index].text;
      summary.over_limit = limits.policies[index].over;
      summary.limit_ahead = limits.policies[index].ahead;
      summary.held_because = gates.held_because[index];
      if (summary.held_because.empty()) summary.held_because = limits.policies[index].held_because;
      outcome_.plan.policies.push_back(std::move(summary));
    }
  }

  void AddFeeds() {
    for (const FeedStatus& feed : draft_.options.feeds) {
      FeedAge age;
      age.source = feed.source;
      age.entity = draft_.input.program.schema.entity(feed.entity).name;
      age.observed_at = feed.observed_at;
      age.max_age = feed.max_age;
      age.stale = IsStale(feed, feed.max_age, draft_.input.now);
      outcome_.plan.feeds.push_back(std::move(age));
    }
  }

  // A notice goes out with its stage: not while all that it announces there is held.
  void SetStatus(const NoticeDraft& notice, const StageDraft& stage, PlannedNotice& planned) const {
    planned.status = ActionStatus::kReady;
    if (notice.due > draft_.input.now) {
      planned.status = ActionStatus::kNotice;
      return;
    }
    const std::string* held = stage.begun ? nullptr : stage.held;
    if (!held && !stage.begun) {
      bool any_ready = stage.first_claim == stage.end_claim;
      for (size_t i = stage.first_claim; i < stage.end_claim && !any_ready; ++i) {
        const Claim& claim = draft_.claims[i];
        any_ready = draft_.StatusOf(claim) == ActionStatus::kReady;
        if (!any_ready && !held) held = draft_.WhyHeld(claim);
      }
      if (any_ready) held = nullptr;
    }
    if (!held && notice.recipients.empty()) {
      held = draft_.Intern("nobody has an address: name an `oncall` channel in rescind.toml");
    }
    if (!held) return;
    planned.status = ActionStatus::kHeld;
    planned.held_because = *held;
  }

  // Later stages count from the notice: while nobody can get it, they come no nearer.
  void SayWhatWaits(const std::vector<std::string>& recipients, const StageDraft& notice_stage) {
    if (!draft_.options.unreachable) return;
    std::string why;
    for (const std::string& recipient : recipients) {
      if (why.empty()) why = draft_.options.unreachable(recipient);
    }
    if (why.empty()) return;
    for (size_t i = notice_stage.end_claim; i < draft_.claims.size(); ++i) {
      const StageDraft& stage = draft_.stages[draft_.claims[i].stage_draft];
      if (stage.rule != notice_stage.rule || stage.finding != notice_stage.finding) break;
      PlannedAction& planned = assembled_.actions[assembled_.action_of_claim[i]];
      if (planned.status != ActionStatus::kNotice) continue;
      planned.held_because = fmt::format("waits for a notice that could not be sent: {}", why);
    }
  }

  // "revoke grant ldap/ann/vpn on 2026-04-08T00:00:00Z": claims of a finding lie side by side.
  void Announce(const StageDraft& notice_stage, const Finding& finding) {
    if (outcome_.announcements.count(finding.id) > 0) return;
    const auto same_finding = [&](const StageDraft& stage) {
      return stage.rule == notice_stage.rule && stage.finding == notice_stage.finding;
    };
    const StageDraft* first = &notice_stage;
    while (first != draft_.stages.data() && same_finding(first[-1])) --first;
    std::string text;
    size_t count = 0;
    const StageDraft* end = draft_.stages.data() + draft_.stages.size();
    for (const StageDraft* stage = first; stage != end && same_finding(*stage); ++stage) {
      for (size_t i = stage->first_claim; i < stage->end_claim; ++i) {
        if (++count > kAnnouncedActions) continue;
        const Claim& claim = draft_.claims[i];
        const ActionTarget& target = ActionOf(i).target;
        text += fmt::format("{}{} {} {} on {}", text.empty() ? "" : "; ",
                            VerbName(ToVerb(claim.action->verb)), target.entity, target.id,
                            FormatInstant(std::max(claim.due, draft_.input.now)));
      }
    }
    if (count > kAnnouncedActions) text += fmt::format("; and {} more", count - kAnnouncedActions);
    outcome_.announcements.emplace(finding.id, std::move(text));
  }

  PlanDraft& draft_;
  FindingTexts& texts_;
  AssembledActions& assembled_;
  PlanOutcome& outcome_;
};

}  // namespace

Status AssemblePlan(PlanDraft& draft, const GateReport& gates, const LimitReport& limits,
                    PlanOutcome& outcome) {
  FindingTexts texts(draft);
  RESCIND_ASSIGN(AssembledActions assembled, AssembleActions(draft, texts));
  PlanAssembly assembly(draft, texts, assembled, outcome);
  RESCIND_TRY(assembly.AddNotices());
  assembly.AddStarts();
  RESCIND_TRY(assembly.AddShown(gates, limits));
  outcome.terms = std::move(assembled.terms);
  Plan& plan = outcome.plan;
  plan.as_of = draft.input.now;
  plan.facts_seq = draft.input.facts.facts_seq();
  plan.store_epoch = draft.options.store_epoch;
  plan.store_id = draft.options.store_id;
  plan.policies_hash = draft.options.policies_hash;
  plan.cold_start = gates.cold_start;
  plan.filter_policies = draft.options.filter_policies;
  plan.filter_person = draft.options.filter_person;
  return {};
}

}  // namespace rescind
