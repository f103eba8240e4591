#include "runtime/plan/plan_assembly.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <numeric>
#include <optional>
#include <set>
#include <unordered_set>

#include "engine/base/sort_unique.h"
#include "runtime/env/two_threads.h"
#include "runtime/plan/action_assembly.h"
#include "runtime/plan/finding_text.h"
#include "runtime/plan/left_stages.h"
#include "runtime/plan/roll_ups.h"
#include "runtime/plan/stage_progress.h"
#include "runtime/plan/unjudged_rows.h"

namespace rescind {
namespace {

constexpr size_t kAnnouncedActions = 20;
constexpr const char* kLeftRemedy =
    "`apply --auto` leaves it; applying this plan has its stage carried out again";
constexpr const char* kHeldLeftRemedy =
    "`apply --auto` leaves it; once nothing of its stage is held, applying a plan of all of it has "
    "it carried out again";

class PlanAssembly {
 public:
  PlanAssembly(PlanDraft& draft, UnjudgedRows unjudged, PlanOutcome& outcome)
      : draft_(draft), texts_(draft), unjudged_(std::move(unjudged)), outcome_(outcome) {}

  // Before the actions: what waits for a notice that is not sent says so.
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
      planned.recipients = notice.recipients;
      planned.because = text->because;
      if (notice.alarm) {
        planned.alarm = fmt::format("not done within {}", FormatDuration(rule.done->within));
        planned.because = fmt::format("{}: {}", planned.alarm, text->because);
      }
      SetStatus(notice, stage, planned);
      planned.due = notice.due;
      if (const std::string why = WhyNotSent(planned); !why.empty() && !notice.alarm) {
        LetLaterOnesWait(draft_, stage, why);
      }
      outcome_.plan.notices.push_back(std::move(planned));
    }
    sketches_ = SketchActions(draft_);
    return {};
  }

  // What of all actions is shown; limits and gates have seen everything.
  Status ChooseShown() {
    std::vector<bool> policy_shown;
    for (const ir::Rule& rule : draft_.input.program.rules) {
      policy_shown.push_back(draft_.PolicyShown(rule.full_name));
    }
    removals_.resize(policy_shown.size());
    std::vector<uint32_t> rules;  // of one action, each once
    for (uint32_t number = 0; number < sketches_.actions.size(); ++number) {
      const ActionSketch& sketch = sketches_.actions[number];
      rules.clear();
      for (const uint32_t claim : sketches_.ClaimsOf(sketch)) {
        rules.push_back(draft_.stages[draft_.claims[claim].stage_draft].rule);
      }
      SortUnique(rules);
      const auto is_shown = [&](uint32_t rule) { return policy_shown[rule]; };
      if (std::none_of(rules.begin(), rules.end(), is_shown)) continue;
      RESCIND_ASSIGN(const bool person_shown, draft_.PersonShown(sketch.target));
      if (!person_shown) continue;
      shown_.push_back(number);
      for (const uint32_t rule : rules) {
        ++removals_[rule];
        if (policy_shown[rule]) targets_.push_back({rule, sketch.target});
      }
    }
    return {};
  }

  // Of what is shown. After AddOtherLists, which leaves the notices that are.
  void CountHeld() {
    struct Held {
      uint64_t count = 0;
      std::set<uint32_t> rules;
    };
    std::map<const std::string*, Held> by_reason;  // interned: the same text is the same pointer
    std::map<std::string, HeldActions> by_text;
    for (const uint32_t number : shown_) {
      const ActionSketch& sketch = sketches_.actions[number];
      if (sketch.status != ActionStatus::kHeld) continue;
      Held& held = by_reason[sketch.held_because];
      ++held.count;
      for (const uint32_t claim : sketches_.ClaimsOf(sketch)) {
        held.rules.insert(draft_.stages[draft_.claims[claim].stage_draft].rule);
      }
    }
    for (const auto& [because, held] : by_reason) {
      HeldActions& listed = by_text[because ? *because : ""];
      listed.count = held.count;
      for (const uint32_t rule : held.rules) {
        listed.policies.insert(draft_.input.program.rules[rule].full_name);
      }
    }
    for (const PlannedNotice& notice : outcome_.plan.notices) {
      if (notice.status != ActionStatus::kHeld) continue;
      HeldActions& listed = by_text[notice.held_because];
      ++listed.notice_count;
      listed.policies.insert(notice.policy);
    }
    for (auto& [because, held] : by_text) {
      held.because = because;
      outcome_.held.push_back(std::move(held));
    }
  }

  // All actions, with what it takes to apply them.
  Status AddActions() {
    std::vector<uint32_t> all(sketches_.actions.size());
    std::iota(all.begin(), all.end(), 0u);
    RESCIND_ASSIGN(assembled_, AssembleActions(draft_, texts_, sketches_, all));
    for (const NoticeDraft& notice : draft_.notices) {
      const StageDraft& stage = draft_.stages[notice.stage_draft];
      if (!notice.alarm || notice.due <= draft_.input.now) Announce(stage, notice.alarm);
    }
    AddStarts();
    AddEnds();
    AddLeftParts();
    outcome_.plan.actions.reserve(shown_.size());
    for (const uint32_t number : shown_) {
      PlannedAction& planned = assembled_.actions[number];
      Leave(sketches_.actions[number], planned);
      outcome_.plan.actions.push_back(std::move(planned));
    }
    ListLeft();
    outcome_.terms = std::move(assembled_.terms);
    return {};
  }

  // The first of those that are shown, described; of the others no more than what is counted.
  Status AddFirstActions(size_t count) {
    RESCIND_ASSIGN(std::vector<uint32_t> first, FirstActions(draft_, sketches_, shown_, count));
    std::sort(first.begin(), first.end());
    RESCIND_ASSIGN(assembled_, AssembleActions(draft_, texts_, sketches_, first));
    outcome_.plan.actions = std::move(assembled_.actions);
    std::vector<uint32_t> others;
    std::set_difference(shown_.begin(), shown_.end(), first.begin(), first.end(),
                        std::back_inserter(others));
    std::vector<ActionTraits> traits(others.size());
    if (draft_.options.history || draft_.options.key_unlisted) {
      RESCIND_ASSIGN(traits, ReadTraits(draft_, sketches_, others));
    }
    RESCIND_TRY(CountShown());
    uint64_t& escalated = outcome_.plan.summary.escalated_count;
    for (size_t i = 0; i < first.size(); ++i) {
      PlannedAction& planned = outcome_.plan.actions[i];
      escalated += planned.escalated ? 1 : 0;
      Leave(sketches_.actions[first[i]], planned);
    }
    outcome_.plan.unlisted_actions.reserve(others.size());
    for (size_t i = 0; i < others.size(); ++i) {
      escalated += traits[i].escalated ? 1 : 0;
      if (!traits[i].escalated) WhyLeft(sketches_.actions[others[i]]);
      outcome_.plan.unlisted_actions.push_back(
          {sketches_.actions[others[i]].status, std::move(traits[i].wanted_key), {}});
    }
    for (const auto& [because, left] : left_) outcome_.plan.summary.left_count += left.count;
    ListLeft();
    return {};
  }

  // Everything else. After ChooseShown.
  Status AddOtherLists(const GateReport& gates, const LimitReport& limits) {
    const auto add = [&](size_t number) -> Status {
      if (number == 0) return AddRollUps();
      RESCIND_TRY(FilterNotices());
      return AddNotActedOn();
    };
    RESCIND_TRY(DoOnTwoThreads(2, add));
    AddPolicies(gates, limits);
    AddFeeds();
    return {};
  }

 private:
  // Why `apply --auto` leaves it, which was not given up; null: it does not. Counts it.
  const char* WhyLeft(const ActionSketch& sketch) {
    const char* because = rescind::WhyLeft(draft_, sketches_.ClaimsOf(sketch), sketch.status);
    if (!because) return nullptr;
    HeldActions& left = left_[because];
    ++left.count;
    for (const uint32_t claim : sketches_.ClaimsOf(sketch)) {
      left.policies.insert(draft_.rule(draft_.stages[draft_.claims[claim].stage_draft]).full_name);
    }
    return because;
  }

  void Leave(const ActionSketch& sketch, PlannedAction& planned) {
    if (planned.escalated) return;
    const char* because = WhyLeft(sketch);
    if (!because) return;
    const auto claims = sketches_.ClaimsOf(sketch);
    const bool is_held = std::any_of(claims.begin(), claims.end(), [&](uint32_t number) {
      const StageDraft& stage = draft_.stages[draft_.claims[number].stage_draft];
      return stage.left && HasHeldPart(draft_, stage);
    });
    planned.left = {because, is_held ? kHeldLeftRemedy : kLeftRemedy};
  }

  void ListLeft() {
    for (auto& [because, left] : left_) {
      left.because = because;
      outcome_.left.push_back(left);
    }
    outcome_.left_stages = draft_.left_stages;
  }

  // By rows, where ArrangePlan counts texts of actions that are all listed.
  Status CountShown() {
    PlanSummary& summary = outcome_.plan.summary;
    std::set<RowId> systems;
    std::set<std::string> names;
    std::unordered_set<uint32_t> people;
    for (const uint32_t number : shown_) {
      const ActionSketch& sketch = sketches_.actions[number];
      ++summary.action_count;
      switch (sketch.status) {
        case ActionStatus::kReady: ++summary.ready_count; break;
        case ActionStatus::kNotice: ++summary.notice_count; break;
        case ActionStatus::kHeld: ++summary.held_count; break;
      }
      if (const auto system = draft_.model.SystemOf(sketch.target)) {
        systems.insert(*system);
      } else {
        ActionTarget target;
        draft_.FindHome(ToVerb(sketch.wanted->verb), sketch.wanted->playbook, target);
        names.insert(target.system);
      }
      if (const auto person = draft_.model.PersonOf(sketch.target)) people.insert(person->index());
    }
    for (const RowId system : systems) {
      RESCIND_ASSIGN(std::string name, draft_.model.SystemName(system));
      names.insert(std::move(name));
    }
    summary.system_count = names.size();
    summary.person_count = people.size();
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
        if (draft_.claims[i].let_go) continue;
        start.starting.emplace(ActionOf(i).key, RememberedOf(i));
        if (IsRunning(i)) start.running.insert(ActionOf(i).key);
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
      start.start = {draft_.input.now, start.policy, finding.id,
                     stage.stage,      stage.first,  static_cast<uint32_t>(start.starting.size()),
                     stage.units};
      outcome_.starts.push_back(std::move(start));
    }
  }

  // Whoever asked for the action first has let it go.
  bool IsRunning(size_t claim_index) const {
    const auto& sketch = sketches_.actions[sketches_.action_of_claim[claim_index]];
    const auto claims = sketches_.ClaimsOf(sketch);
    return std::any_of(claims.begin(), claims.end(), [&](uint32_t index) {
      const Claim& claim = draft_.claims[index];
      return claim.let_go && draft_.StatusOf(claim) == ActionStatus::kReady &&
             !draft_.stages[claim.stage_draft].left;
    });
  }

  // What its finding remembers of an action once it is handed over.
  StageAction RememberedOf(size_t claim_index) const {
    const Claim& claim = draft_.claims[claim_index];
    const Action& action = ActionOf(claim_index);
    StageAction remembered;
    remembered.entity = action.target.entity;
    remembered.row = claim.target.row;
    remembered.verb = action.verb;
    remembered.playbook = action.playbook;
    remembered.stage = draft_.stages[claim.stage_draft].stage;
    remembered.account = draft_.model.AccountOf(claim.target);
    remembered.since = claim.since;
    remembered.let_go = draft_.input.now;
    remembered.episode = action.episode;
    remembered.wanted_key = assembled_.terms.at(action.key).wanted_key;
    return remembered;
  }

  // For whomever, shown or not.
  bool IsReady(const ActionSketch& sketch) const {
    const auto claims = sketches_.ClaimsOf(sketch);
    return std::any_of(claims.begin(), claims.end(), [&](uint32_t index) {
      return draft_.StatusOf(draft_.claims[index]) == ActionStatus::kReady;
    });
  }

  // Of findings all of whose actions are ready; whether they are verified is to be seen.
  void AddEnds() {
    for (const EndDraft& draft : draft_.ends) {
      FindingEnd end;
      end.notices = draft.last_notices;
      bool all_ready = true;
      for (size_t index = draft.first_stage; index < draft.end_stage && all_ready; ++index) {
        const StageDraft& stage = draft_.stages[index];
        for (size_t i = stage.first_claim; i < stage.end_claim; ++i) {
          all_ready &= IsReady(sketches_.actions[sketches_.action_of_claim[i]]);
          end.action_keys.push_back(ActionOf(i).key);
        }
      }
      if (!all_ready) continue;
      const StageDraft& any = draft_.stages[draft.first_stage];
      const Finding& finding = draft_.finding(any);
      end.policy = finding.policy;
      end.row = finding.row;
      end.finding_id = finding.id;
      outcome_.ends.push_back(std::move(end));
    }
  }

  void AddLeftParts() {
    for (const StageDraft& stage : draft_.stages) {
      if (!stage.left) continue;
      std::vector<LeftPart>& parts = outcome_.left_parts[draft_.NameOf(stage)];
      for (size_t i = stage.first_claim; i < stage.end_claim; ++i) {
        const Claim& claim = draft_.claims[i];
        if (!draft_.IsDue(claim)) continue;
        const std::string* held = draft_.WhyHeld(claim);
        parts.push_back({ActionOf(i).key, held ? *held : ""});
      }
    }
  }

  // Beside the other lists, which it does not touch.
  Status AddRollUps() {
    RESCIND_ASSIGN(outcome_.plan.roll_ups, CountRollUps(draft_.input, draft_.model,
                                                        draft_.populations, std::move(targets_)));
    return {};
  }

  const Action& ActionOf(size_t claim) const {
    return assembled_.actions[sketches_.action_of_claim[claim]].action;
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
    std::move(unjudged_.listed.begin(), unjudged_.listed.end(),
              std::back_inserter(plan.not_acted_on));
    plan.unlisted_insufficient_count = unjudged_.unlisted_insufficient_count;
    return {};
  }

  void AddPolicies(const GateReport& gates, const LimitReport& limits) {
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
      summary.removal_count = removals_[index];
      summary.limit = limits.policies[index].text;
      summary.over_limit = limits.policies[index].over;
      summary.limit_ahead = limits.policies[index].ahead;
      summary.unconfirmed_because = gates.unconfirmed_because[index];
      summary.held_because = gates.held_because[index];
      if (summary.held_because.empty()) summary.held_because = limits.policies[index].held_because;
      if (!summary.held_because.empty()) summary.held_because += OutdatedReleases(rule.full_name);
      outcome_.plan.policies.push_back(std::move(summary));
    }
  }

  // What a person has let go, and would expect to be.
  std::string OutdatedReleases(const std::string& policy) const {
    std::string text;
    for (const Release& release : outcome_.outdated_releases) {
      if (release.policy != policy || !release.active(draft_.input.now)) continue;
      text += fmt::format("; the release {} does not count: {}", release.id, kOutdatedMeans);
    }
    return text;
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
      if (notice.waits) planned.held_because = *notice.waits;
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

  // Later stages count from the notice: while it is not sent, they come no nearer. Empty: it is.
  std::string WhyNotSent(const PlannedNotice& planned) const {
    if (planned.status == ActionStatus::kHeld) {
      return fmt::format("waits for a notice that is held: {}", planned.held_because);
    }
    if (planned.status != ActionStatus::kReady || !draft_.options.unreachable) return "";
    for (const std::string& recipient : planned.recipients) {
      const std::string why = draft_.options.unreachable(recipient);
      if (!why.empty()) return fmt::format("waits for a notice that could not be sent: {}", why);
    }
    return "";
  }

  // "revoke grant ldap/ann/vpn on 2026-04-08T00:00:00Z": claims of a finding lie side by side.
  void Announce(const StageDraft& notice_stage, bool alarm) {
    auto& texts = alarm ? outcome_.overdue : outcome_.announcements;
    const Finding& finding = draft_.finding(notice_stage);
    if (texts.count(finding.id) > 0) return;
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
        text += fmt::format("{}{} {} {} {}", text.empty() ? "" : "; ",
                            VerbName(ToVerb(claim.action->verb)), target.entity, target.id,
                            WhenText(claim, alarm));
      }
    }
    if (count > kAnnouncedActions) text += fmt::format("; and {} more", count - kAnnouncedActions);
    texts.emplace(finding.id, std::move(text));
  }

  // What is announced now comes no earlier than now; of what is late it is said since when it is.
  std::string WhenText(const Claim& claim, bool alarm) const {
    const Instant now = draft_.input.now;
    if (claim.waits) return "when what it waits for is done";
    // Where nobody is there who has it carried out again with this very plan.
    const bool is_left = claim.escalated || draft_.stages[claim.stage_draft].left;
    if (!alarm && is_left && draft_.options.hold_unconfirmed) {
      return "when a person has it carried out again";
    }
    if (!alarm && draft_.StatusOf(claim) == ActionStatus::kHeld) return "when it is held no longer";
    if (alarm && claim.due <= now) return "due since " + FormatInstant(claim.due);
    return "on " + FormatInstant(std::max(claim.due, now));
  }

  PlanDraft& draft_;
  FindingTexts texts_;
  UnjudgedRows unjudged_;
  ActionSketches sketches_;
  AssembledActions assembled_;  // all, or the first
  PlanOutcome& outcome_;

  // ---- Of what is shown ----
  std::vector<uint32_t> shown_;              // numbers of sketches, ascending
  std::vector<uint64_t> removals_;           // by rule
  std::vector<PlannedTarget> targets_;       // for the roll-ups
  std::map<std::string, HeldActions> left_;  // by reason
};

}  // namespace

Status AssemblePlan(PlanDraft& draft, const GateReport& gates, const LimitReport& limits,
                    UnjudgedRows unjudged, PlanOutcome& outcome) {
  PlanAssembly assembly(draft, std::move(unjudged), outcome);
  RESCIND_TRY(assembly.AddNotices());
  RESCIND_TRY(assembly.ChooseShown());
  RESCIND_TRY(draft.options.listed_actions ? assembly.AddFirstActions(*draft.options.listed_actions)
                                           : assembly.AddActions());
  RESCIND_TRY(assembly.AddOtherLists(gates, limits));
  assembly.CountHeld();
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
