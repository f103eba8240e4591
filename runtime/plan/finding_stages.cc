#include "runtime/plan/finding_stages.h"

#include <algorithm>
#include <set>
#include <tuple>

#include "engine/base/assert.h"
#include "runtime/plan/action_key.h"
#include "runtime/plan/late_alarm.h"
#include "runtime/plan/stage_progress.h"

namespace rescind {
namespace {

// A target that is not in its wanted state and that nothing protects.
struct Wish {
  uint32_t stage = 0;
  uint32_t position = 0;
  const ir::Action* action = nullptr;
  eval::FactRow target;
  Instant base;  // stage times of this target count from here
};

bool GuardsBefore(const TargetGuard& a, const TargetGuard& b) {
  return std::tie(a.entity, a.row, a.verb) < std::tie(b.entity, b.row, b.verb);
}

class FindingWalk {
 public:
  FindingWalk(PlanDraft& draft, uint32_t rule_index)
      : draft_(draft),
        rule_index_(rule_index),
        rule_(draft.input.program.rules[rule_index]),
        now_(draft.input.now) {
    const PolicyRecord* record = draft.book.Record(rule_.full_name);
    RESCIND_ASSERT(record && record->enforced_since, "an enforced policy without a record");
    enforced_since_ = *record->enforced_since;
    const bool confirmed = record->confirmed_meaning == rule_.meaning_hash;
    for (const ir::Stage& stage : rule_.stages) {
      const bool removes = std::any_of(stage.actions.begin(), stage.actions.end(), Removes);
      any_removal_ |= removes;
      removes_.push_back(removes);
      // Nobody has confirmed the new meaning: what was promised stands.
      const bool keeps_promise = any_removal_ && !confirmed && !record->confirmed_meaning.empty();
      after_.push_back(keeps_promise ? std::max(stage.after, record->confirmed_notice)
                                     : stage.after);
    }
  }

  Status Run() {
    auto& findings = draft_.book.MutableOf(rule_.full_name);
    for (uint32_t index = 0; index < findings.size(); ++index) {
      RESCIND_TRY(RunOne(findings[index], index));
    }
    return {};
  }

 private:
  Status RunOne(Finding& finding, uint32_t index) {
    finding_ = &finding;
    index_ = index;
    RESCIND_TRY(CollectWishes());
    if (!finding.resolved) RESCIND_TRY(NoteReturned());
    if (finding.resolved) {
      if (wishes_.empty()) return {};
      RESCIND_TRY(Reopen());
    }
    RESCIND_TRY(NoteDone());
    SetBases();
    first_claim_ = draft_.claims.size();
    const size_t stages_before = draft_.stages.size();
    RESCIND_TRY(LayOutStages());
    const bool has_work = draft_.stages.size() > stages_before;
    if (!has_work && !any_vetoed_) {
      finding.resolved = true;
      draft_.transitions.push_back({FindingStep::kResolved, finding, ""});
      return {};
    }
    if (!has_work) return {};
    if (!any_vetoed_) NoteEnd(stages_before);
    return AddLateAlarm(draft_, stages_before, base_);
  }

  // Once all claims are verified and the notices of what was done are sent, the next plan finds
  // nothing to do: the finding is over then, not when somebody looks.
  void NoteEnd(size_t first_stage) {
    EndDraft end{first_stage, draft_.stages.size(), {}};
    for (uint32_t stage = 0; stage < rule_.stages.size(); ++stage) {
      const auto& actions = rule_.stages[stage].actions;
      if (std::all_of(actions.begin(), actions.end(), Removes)) continue;
      // What announces a removal has nothing to say after it.
      if (std::find(removes_.begin() + stage, removes_.end(), true) != removes_.end()) continue;
      const auto& noticed = finding_->noticed;
      const bool is_told = std::find(noticed.begin(), noticed.end(), stage) != noticed.end();
      if (!is_told || !ValidBegin(stage)) end.last_notices.push_back(stage);
    }
    draft_.ends.push_back(std::move(end));
  }

  // All its stages are ahead of it, and a playbook that was run for the old one.
  Status Reopen() {
    Finding next;
    next.policy = finding_->policy;
    next.entity = finding_->entity;
    next.row = finding_->row;
    next.incarnation = finding_->incarnation;
    next.opened_at = now_;
    next.follows = finding_->id;
    next.guards = std::move(finding_->guards);
    next.id = FindingId(next);
    *finding_ = std::move(next);
    draft_.transitions.push_back({FindingStep::kReopened, *finding_, ""});
    draft_.not_acted_on.erase(
        draft_.not_acted_on.begin() + static_cast<std::ptrdiff_t>(first_veto_),
        draft_.not_acted_on.end());
    return CollectWishes();
  }

  // ---- What has come back ----

  // An apply that was cut off after it had verified a finding's last action has not resolved the
  // finding. The journal knows all the same that it was done with: what is left of it came back.
  Status NoteReturned() {
    if (!AnyRemovalBegun()) return {};
    size_t returned_count = 0;
    for (const Wish& wish : wishes_) {
      RESCIND_ASSIGN(const bool returned, HasReturned(wish));
      if (returned) ++returned_count;
    }
    if (returned_count == 0 || returned_count < wishes_.size() || any_vetoed_) return {};
    finding_->resolved = true;
    draft_.transitions.push_back({FindingStep::kResolved, *finding_, ""});
    return {};
  }

  bool AnyRemovalBegun() const {
    return std::any_of(finding_->begun.begin(), finding_->begun.end(),
                       [&](const StageBegin& begin) {
                         return begin.stage < removes_.size() && removes_[begin.stage];
                       });
  }

  // Whether an action of this finding was verified to have done what the wish asks for, and that
  // is news. While other targets of the finding are left, the times of this one begin anew.
  Result<bool> HasReturned(const Wish& wish) {
    if (wish.action->verb == ir::Verb::kRun) return false;  // was done, or is no wish
    RESCIND_ASSIGN(const ActionHistory history, HistoryOf(wish));
    if (!history.removed || !IsDoneForFinding(history)) return false;
    const std::string& entity = draft_.input.program.schema.entity(wish.target.entity).name;
    const Verb verb = ToVerb(wish.action->verb);
    TargetGuard anew{entity, wish.target.row, verb, now_};
    auto& guards = finding_->guards;
    const auto at = std::lower_bound(guards.begin(), guards.end(), anew, GuardsBefore);
    if (at == guards.end() || GuardsBefore(anew, *at)) {
      guards.insert(at, std::move(anew));
      return true;
    }
    if (at->until >= history.removed->at) return false;
    at->until = now_;
    return true;
  }

  Result<ActionHistory> HistoryOf(const Wish& wish) {
    if (!draft_.options.history) return ActionHistory();
    RESCIND_ASSIGN(const ActionTarget target, draft_.Identify(wish.target, *wish.action));
    return draft_.options.history(WantedStateKey(draft_.options.store_id, target,
                                                 ToVerb(wish.action->verb), wish.action->playbook));
  }

  bool IsDoneForFinding(const ActionHistory& history) const {
    return std::find(history.done_for.begin(), history.done_for.end(), finding_->id) !=
           history.done_for.end();
  }

  // ---- What is left to do ----

  Status CollectWishes() {
    wishes_.clear();
    vetoed_rows_.clear();
    considered_.clear();
    pending_.clear();
    any_vetoed_ = false;
    first_veto_ = draft_.not_acted_on.size();
    judged_exempt_ =
        draft_.exemptions.Vetoes(rule_.full_name, Verb::kNotify, rule_.entity, finding_->row);
    std::vector<TargetGuard> guards;
    for (uint32_t stage = 0; stage < rule_.stages.size(); ++stage) {
      const auto& actions = rule_.stages[stage].actions;
      for (uint32_t position = 0; position < actions.size(); ++position) {
        if (!Removes(actions[position])) continue;
        for (const eval::FactRow& target :
             FindTargets(actions[position], draft_.input.facts, draft_.evaluator, draft_.model,
                         finding_->row)) {
          RESCIND_TRY(Consider({stage, position, &actions[position], target, Instant()}, guards));
        }
      }
    }
    if (judged_exempt_ && !any_vetoed_) {
      RESCIND_TRY(AddVeto(NotActedReason::kExempt, *judged_exempt_, {rule_.entity, finding_->row}));
    }
    std::sort(guards.begin(), guards.end(), GuardsBefore);
    // Two playbooks on one row share a guard.
    guards.erase(std::unique(guards.begin(), guards.end()), guards.end());
    finding_->guards = std::move(guards);
    return {};
  }

  Status Consider(Wish wish, std::vector<TargetGuard>& guards) {
    const bool is_new =
        considered_
            .insert({wish.target.entity, wish.target.row, wish.action->verb, wish.action->playbook})
            .second;
    if (!is_new) return {};
    if (draft_.model.InWantedState(wish.action->verb, wish.target)) return {};
    if (wish.action->verb == ir::Verb::kRun) {
      RESCIND_ASSIGN(const ActionHistory history, HistoryOf(wish));
      if (IsDoneForFinding(history)) return {};
    }
    const Verb verb = ToVerb(wish.action->verb);
    if (!finding_->actions.empty()) {
      pending_.insert({wish.target.entity, wish.target.row, verb, wish.action->playbook});
    }
    const auto veto = draft_.protection.Vetoes(verb, wish.target.entity, wish.target.row);
    KeepGuard(wish.target, verb, veto.has_value(), guards);
    if (veto) {
      const auto reason =
          veto->undecided ? NotActedReason::kUndecidedProtect : NotActedReason::kProtected;
      return AddVeto(reason, *veto, wish.target);
    }
    if (judged_exempt_) return AddVeto(NotActedReason::kExempt, *judged_exempt_, wish.target);
    const auto exempt =
        draft_.exemptions.Vetoes(rule_.full_name, verb, wish.target.entity, wish.target.row);
    if (exempt) return AddVeto(NotActedReason::kExempt, *exempt, wish.target);
    wishes_.push_back(wish);
    return {};
  }

  // When a protect lets go of a target, its stage times begin anew: that instant is remembered.
  void KeepGuard(const eval::FactRow& target, Verb verb, bool is_protected,
                 std::vector<TargetGuard>& guards) const {
    const std::string& entity = draft_.input.program.schema.entity(target.entity).name;
    if (is_protected) {
      guards.push_back({entity, target.row, verb, Instant::Never()});
    } else if (const TargetGuard* guard = FindGuard(entity, target.row, verb)) {
      guards.push_back({entity, target.row, verb, std::min(guard->until, now_)});
    }
  }

  const TargetGuard* FindGuard(const std::string& entity, RowId row, Verb verb) const {
    const auto& guards = finding_->guards;
    const auto found =
        std::lower_bound(guards.begin(), guards.end(), std::tie(entity, row, verb),
                         [](const TargetGuard& guard, const auto& key) {
                           return std::tie(guard.entity, guard.row, guard.verb) < key;
                         });
    const bool is_it = found != guards.end() && found->entity == entity && found->row == row &&
                       found->verb == verb;
    return is_it ? &*found : nullptr;
  }

  Status AddVeto(NotActedReason reason, const Veto& veto, const eval::FactRow& target) {
    any_vetoed_ = true;
    if (!vetoed_rows_.insert({target.entity, target.row}).second) return {};
    RESCIND_ASSIGN(std::string id, draft_.IdOf(target));
    draft_.not_acted_on.push_back({{draft_.input.program.schema.entity(target.entity).name,
                                    std::move(id), rule_.full_name, reason, veto.by, veto.detail},
                                   target});
    return {};
  }

  // ---- When ----

  void SetBases() {
    const std::string& policy = rule_.full_name;
    base_ = std::max(finding_->opened_at, enforced_since_);
    if (const auto end = draft_.exemptions.LastEnd(policy, rule_.entity, finding_->row)) {
      base_ = std::max(base_, *end);
    }
    Instant least = Instant::Never();
    for (Wish& wish : wishes_) {
      wish.base = base_;
      const std::string& entity = draft_.input.program.schema.entity(wish.target.entity).name;
      if (const TargetGuard* guard =
              FindGuard(entity, wish.target.row, ToVerb(wish.action->verb))) {
        wish.base = std::max(wish.base, guard->until);
      }
      const auto end = draft_.exemptions.LastEnd(policy, wish.target.entity, wish.target.row);
      if (end) wish.base = std::max(wish.base, *end);
      least = std::min(least, wish.base);
    }
    if (!wishes_.empty()) base_ = least;
  }

  // Begun since the times began to count.
  std::optional<Instant> ValidBegin(uint32_t stage) const {
    return finding_->BegunSince(stage, base_);
  }

  bool Notifies(uint32_t stage) const {
    const auto& actions = rule_.stages[stage].actions;
    return !std::all_of(actions.begin(), actions.end(), Removes);
  }

  // Its notice has been sent since the times of a target began to count, so it named that target.
  bool Told(uint32_t stage, Instant base) const {
    const auto& noticed = finding_->noticed;
    return finding_->BegunSince(stage, base) &&
           std::find(noticed.begin(), noticed.end(), stage) != noticed.end();
  }

  // Whether the stage's notice has something to say that has not been said.
  bool WantsNotice(uint32_t stage) const {
    if (!Notifies(stage) || judged_exempt_) return false;
    bool any_wish = false;
    for (const Wish& wish : wishes_) {
      if (wish.stage < stage) continue;
      if (!Told(stage, wish.base)) return true;
      any_wish = true;
    }
    if (any_wish || Told(stage, base_)) return false;
    if (std::find(removes_.begin() + stage, removes_.end(), true) != removes_.end()) return false;
    if (!any_removal_) return true;
    // A message after the fact: only where there was one.
    for (uint32_t earlier = 0; earlier < stage; ++earlier) {
      if (removes_[earlier] && finding_->BegunAt(earlier)) return true;
    }
    return false;
  }

  bool FirstRemoval(uint32_t stage) const {
    for (uint32_t earlier = 0; earlier < stage; ++earlier) {
      if (removes_[earlier] && finding_->BegunAt(earlier)) return false;
    }
    return true;
  }

  // What an earlier stage has come to for a target whose times count from `base`, by what is known
  // of the stage as a whole. `due`: when it fell due for that target.
  Instant PassedAsWhole(uint32_t stage, Instant base, Instant due) const {
    const bool told = !Notifies(stage) || Told(stage, base);
    if (const auto begun = finding_->BegunSince(stage, base); begun && told) {
      return std::max(due, *begun);
    }
    return due <= now_ && is_late_[stage] ? now_ : due;
  }

  struct Due {
    Instant at;
    std::optional<uint32_t> waits_for;
  };
  // When a stage falls due for a target (null: for none in particular). What is laid out of the
  // earlier stages is known.
  Due DueOf(uint32_t stage, Instant base, const eval::FactRow* target) const {
    StageProgress::Passed passed{base, std::nullopt};
    Duration passed_after;
    const auto account = target ? draft_.model.AccountOf(*target) : std::nullopt;
    for (uint32_t earlier = 0; earlier < stage; ++earlier) {
      const Instant due = Step(passed.at, passed_after, earlier);
      passed.at = PassedAsWhole(earlier, base, due);
      if (target) passed.Add(progress_.After(earlier, *target, account));
      passed_after = after_[earlier];
    }
    return {Step(passed.at, passed_after, stage), passed.waits_for};
  }
  Instant Step(Instant from, Duration from_after, uint32_t stage) const {
    return Later(from, {std::max<int64_t>(0, after_[stage].micros - from_after.micros)});
  }

  Status LayOutStages() {
    progress_.Reset(rule_.stages.size());
    is_late_.assign(rule_.stages.size(), false);
    NoteDoneActions();
    for (uint32_t stage = 0; stage < rule_.stages.size(); ++stage) {
      const bool notice = WantsNotice(stage);
      StageDraft laid;
      laid.rule = rule_index_;
      laid.finding = index_;
      laid.stage = stage;
      laid.due = notice ? NoticeDue(stage) : DueOf(stage, base_, nullptr).at;
      laid.begun = finding_->BegunSince(stage, notice ? LastBase(stage) : base_).has_value();
      laid.first = FirstRemoval(stage);
      laid.first_claim = draft_.claims.size();
      RESCIND_TRY(AddClaims(laid));
      laid.end_claim = draft_.claims.size();
      const bool any_due =
          std::any_of(draft_.claims.begin() + static_cast<std::ptrdiff_t>(laid.first_claim),
                      draft_.claims.end(), [&](const Claim& claim) { return draft_.IsDue(claim); });
      laid.starting = !laid.begun && (any_due || (notice && laid.due <= now_));
      is_late_[stage] = notice || (any_due && !ValidBegin(stage));
      if (laid.first_claim == laid.end_claim && !notice) continue;
      draft_.stages.push_back(laid);
      if (notice) RESCIND_TRY(AddNotices(laid));
    }
    RememberDueActions();
    return {};
  }

  // The first target that the notice has not named.
  Instant NoticeDue(uint32_t stage) const {
    Instant due = Instant::Never();
    for (const Wish& wish : wishes_) {
      if (wish.stage < stage || Told(stage, wish.base)) continue;
      due = std::min(due, DueOf(stage, wish.base, &wish.target).at);
    }
    return due == Instant::Never() ? DueOf(stage, base_, nullptr).at : due;
  }
  // From when on a notice of the stage names all that is left.
  Instant LastBase(uint32_t stage) const {
    Instant last = base_;
    for (const Wish& wish : wishes_) {
      if (wish.stage >= stage) last = std::max(last, wish.base);
    }
    return last;
  }

  Status AddClaims(const StageDraft& stage) {
    for (const Wish& wish : wishes_) {
      if (wish.stage != stage.stage) continue;
      Claim claim;
      claim.stage_draft = static_cast<uint32_t>(draft_.stages.size());
      claim.position = wish.position;
      claim.action = wish.action;
      claim.target = wish.target;
      const Due due = DueOf(stage.stage, wish.base, &wish.target);
      claim.due = due.at;
      claim.waits_for = due.waits_for;
      RESCIND_TRY(RecallAction(wish, claim));
      NotePending(claim, stage.stage);
      draft_.claims.push_back(claim);
    }
    return {};
  }

  // What the finding remembers of the action, of the times that count.
  Status RecallAction(const Wish& wish, Claim& claim) {
    const std::string& entity = draft_.input.program.schema.entity(wish.target.entity).name;
    const Verb verb = ToVerb(wish.action->verb);
    claim.since = now_;
    for (const StageAction& action : finding_->ActionsOn(entity, wish.target.row)) {
      claim.target_counted |= action.let_go && *action.let_go >= wish.base;
    }
    const StageAction* known =
        finding_->FindAction(entity, wish.target.row, verb, wish.action->playbook);
    if (!known || known->since < wish.base) return {};
    claim.since = known->since;
    claim.delayed = known->since < now_;
    if (!known->let_go || *known->let_go < wish.base) return {};
    RESCIND_ASSIGN(const ActionHistory history, HistoryOf(wish));
    claim.escalated = history.escalated.has_value();
    // Done and undone since (it came back, or was rolled back): that would be another action.
    claim.let_go = history.episode == known->episode;
    claim.undone = !claim.let_go;
    claim.finishes =
        claim.let_go && !draft_.options.untouched.contains({finding_->id, known->stage});
    if (!claim.finishes) return {};
    claim.due = std::min(claim.due, *known->let_go);
    claim.waits_for.reset();
    return {};
  }

  // ---- What later stages wait for ----

  void NotePending(const Claim& claim, uint32_t stage) {
    if (!RemovesAfter(stage)) return;
    const bool is_due = claim.due <= now_;
    std::optional<uint32_t> number;
    if (is_due) number = static_cast<uint32_t>(draft_.claims.size());
    progress_.NotePending(stage, claim.target, draft_.model.AccountOf(claim.target),
                          is_due ? now_ : claim.due, number);
  }

  void NoteDoneActions() {
    for (uint32_t stage = 0; stage < rule_.stages.size(); ++stage) {
      for (const StageAction& action : finding_->actions) {
        const auto entity = draft_.input.program.schema.Find(action.entity);
        if (!action.done || !entity || action.stage != stage) continue;
        const eval::FactRow target{*entity, action.row};
        progress_.NoteDone(stage, target, action.account, *action.done, Joined(action, target));
      }
    }
  }

  // A row that came when the stage had begun. What was late for another reason (a protect or an
  // exemption, an earlier stage of its own) belongs to those that the stage began for. Done actions
  // of earlier stages are noted.
  bool Joined(const StageAction& action, const eval::FactRow& target) const {
    const auto begun = finding_->BegunAt(action.stage);
    if (!begun || action.since <= *begun) return false;
    const TargetGuard* guard = FindGuard(action.entity, action.row, action.verb);
    if (guard && guard->until > *begun) return false;
    const auto end = draft_.exemptions.LastEnd(rule_.full_name, target.entity, target.row);
    if (end && *end > *begun) return false;
    for (uint32_t earlier = 0; earlier < action.stage; ++earlier) {
      const Instant passed = progress_.After(earlier, target, action.account).at;
      const int64_t apart =
          std::max<int64_t>(0, after_[action.stage].micros - after_[earlier].micros);
      if (Later(passed, {apart}) > *begun) return false;
    }
    return true;
  }

  bool RemovesAfter(uint32_t stage) const {
    return std::find(removes_.begin() + stage + 1, removes_.end(), true) != removes_.end();
  }

  // Those that later stages wait for: when they are done, by whomever, is known from then on.
  void RememberDueActions() {
    for (size_t i = first_claim_; i < draft_.claims.size(); ++i) {
      const Claim& claim = draft_.claims[i];
      const uint32_t stage = draft_.stages[claim.stage_draft].stage;
      if (claim.due > now_ || claim.since < now_ || !RemovesAfter(stage)) continue;
      StageAction action;
      action.entity = draft_.input.program.schema.entity(claim.target.entity).name;
      action.row = claim.target.row;
      action.verb = ToVerb(claim.action->verb);
      action.playbook = claim.action->playbook;
      action.stage = stage;
      action.account = draft_.model.AccountOf(claim.target);
      action.since = now_;
      finding_->PutAction(std::move(action));
    }
  }

  // What is remembered and no longer asked for is done.
  Status NoteDone() {
    const Schema& schema = draft_.input.program.schema;
    for (StageAction& action : finding_->actions) {
      const auto entity = schema.Find(action.entity);
      const bool pending =
          entity && pending_.contains({*entity, action.row, action.verb, action.playbook});
      if (!pending && !action.done) {
        RESCIND_ASSIGN(action.done, DoneAt(action));
      } else if (pending && action.done) {
        action.done.reset();
        action.let_go.reset();
        action.since = now_;
      }
    }
    return {};
  }

  Result<Instant> DoneAt(const StageAction& action) const {
    if (!draft_.options.history || action.wanted_key.empty()) return now_;
    RESCIND_ASSIGN(const ActionHistory history, draft_.options.history(action.wanted_key));
    const bool ours = history.verified_at && *history.verified_at >= action.since;
    return ours ? *history.verified_at : now_;
  }

  Status AddNotices(const StageDraft& stage) {
    for (const ir::Action& action : rule_.stages[stage.stage].actions) {
      if (Removes(action)) continue;
      NoticeDraft notice;
      notice.stage_draft = static_cast<uint32_t>(draft_.stages.size()) - 1;
      notice.due = stage.due;
      RESCIND_ASSIGN(notice.recipients,
                     FindRecipients(draft_, draft_.evaluator, action.recipient, finding_->row));
      draft_.notices.push_back(std::move(notice));
    }
    return {};
  }

  PlanDraft& draft_;
  const uint32_t rule_index_;
  const ir::Rule& rule_;
  const Instant now_;
  Instant enforced_since_;
  std::vector<Duration> after_;  // by stage, with what was promised
  std::vector<bool> removes_;    // by stage
  bool any_removal_ = false;

  // Of the finding at hand.
  Finding* finding_ = nullptr;
  uint32_t index_ = 0;
  std::vector<Wish> wishes_;
  // A finding's actions may name a row twice: the first counts.
  std::set<std::tuple<EntityId, RowId, ir::Verb, std::string_view>> considered_;
  // Those of them that are not done, vetoed or not; where the finding remembers any.
  std::set<std::tuple<EntityId, RowId, Verb, std::string_view>> pending_;
  std::set<std::pair<EntityId, RowId>> vetoed_rows_;
  bool any_vetoed_ = false;
  size_t first_veto_ = 0;  // of its rows in PlanDraft::not_acted_on
  std::optional<Veto> judged_exempt_;
  Instant base_;
  StageProgress progress_;
  std::vector<bool> is_late_;  // by stage laid out: due and not begun, or its notice not sent
  size_t first_claim_ = 0;
};

}  // namespace

Status DraftStages(PlanDraft& draft) {
  for (uint32_t index = 0; index < draft.input.program.rules.size(); ++index) {
    const ir::Rule& rule = draft.input.program.rules[index];
    if (rule.protect || rule.mode != ir::Mode::kEnforce) continue;
    RESCIND_TRY(FindingWalk(draft, index).Run());
  }
  return {};
}

}  // namespace rescind
