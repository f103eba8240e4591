#include "runtime/plan/finding_stages.h"

#include <algorithm>
#include <set>
#include <tuple>

#include "engine/base/assert.h"
#include "runtime/plan/action_key.h"

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
      Reopen();
    }
    SetBases();
    const size_t stages_before = draft_.stages.size();
    RESCIND_TRY(LayOutStages());
    const bool has_work = draft_.stages.size() > stages_before;
    if (!has_work && !any_vetoed_) {
      finding.resolved = true;
      draft_.transitions.push_back({FindingStep::kResolved, finding, ""});
      return {};
    }
    return has_work ? AddAlarm(stages_before) : Status();
  }

  void Reopen() {
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
  }

  // ---- What has come back ----

  // Between the verification of a finding's last action and this plan nobody may have judged. The
  // journal knows all the same that the finding was done with: what is left of it came back.
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
    RESCIND_ASSIGN(const ActionTarget target, draft_.model.Identify(wish.target));
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
    any_vetoed_ = false;
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
    const auto at = finding_->BegunAt(stage);
    return at && *at >= base_ ? at : std::nullopt;
  }

  bool Wants(uint32_t from_stage) const {
    return std::any_of(wishes_.begin(), wishes_.end(),
                       [&](const Wish& wish) { return wish.stage >= from_stage; });
  }

  // Whether the stage's notice has something to say that has not been said.
  bool WantsNotice(uint32_t stage) const {
    const auto& actions = rule_.stages[stage].actions;
    if (std::all_of(actions.begin(), actions.end(), Removes) || judged_exempt_) return false;
    const auto& noticed = finding_->noticed;
    if (ValidBegin(stage) && std::find(noticed.begin(), noticed.end(), stage) != noticed.end()) {
      return false;
    }
    if (Wants(stage)) return true;
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

  Status LayOutStages() {
    Instant reached = base_;  // when the earlier stage really begins
    Duration reached_after;   // its `after`
    for (uint32_t stage = 0; stage < rule_.stages.size(); ++stage) {
      StageDraft laid;
      laid.rule = rule_index_;
      laid.finding = index_;
      laid.stage = stage;
      laid.due =
          Later(reached, {std::max<int64_t>(0, after_[stage].micros - reached_after.micros)});
      const auto begun = ValidBegin(stage);
      laid.begun = begun.has_value();
      laid.untouched = laid.begun && draft_.options.untouched.contains({finding_->id, stage});
      laid.first = FirstRemoval(stage);
      laid.first_claim = draft_.claims.size();
      AddClaims(laid, begun.value_or(laid.due));
      laid.end_claim = draft_.claims.size();
      const bool notice = WantsNotice(stage);
      const bool any_due =
          std::any_of(draft_.claims.begin() + static_cast<std::ptrdiff_t>(laid.first_claim),
                      draft_.claims.end(), [&](const Claim& claim) { return draft_.IsDue(claim); });
      laid.starting = !laid.begun && laid.due <= now_ && (any_due || notice);
      reached = begun ? *begun : laid.starting ? now_ : laid.due;
      reached_after = after_[stage];
      if (laid.first_claim == laid.end_claim && !notice) continue;
      draft_.stages.push_back(laid);
      if (notice) RESCIND_TRY(AddNotices(laid));
    }
    return {};
  }

  void AddClaims(const StageDraft& stage, Instant due) {
    for (const Wish& wish : wishes_) {
      if (wish.stage != stage.stage) continue;
      Claim claim;
      claim.stage_draft = static_cast<uint32_t>(draft_.stages.size());
      claim.position = wish.position;
      claim.action = wish.action;
      claim.target = wish.target;
      claim.due = std::max(due, Later(wish.base, after_[stage.stage]));
      draft_.claims.push_back(claim);
    }
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

  // Since when something of the stage could have been done.
  Instant DueSince(const StageDraft& stage) const {
    const Instant begun = ValidBegin(stage.stage).value_or(stage.due);
    Instant first = Instant::Never();
    for (size_t i = stage.first_claim; i < stage.end_claim; ++i) {
      first = std::min(first, draft_.claims[i].due);
    }
    // Later than the stage itself: the times of all that is left began anew.
    const bool anew = stage.first_claim != stage.end_claim && first > begun;
    return anew ? first : stage.due;
  }

  // Each stage has its time from when it falls due: one that lies ahead is not late.
  Status AddAlarm(size_t first_stage) {
    if (!rule_.done || finding_->alarmed_at) return {};
    Instant late = Instant::Never();
    for (size_t i = first_stage; i < draft_.stages.size(); ++i) {
      late = std::min(late, Later(DueSince(draft_.stages[i]), rule_.done->within));
    }
    StageDraft laid;
    laid.rule = rule_index_;
    laid.finding = index_;
    laid.stage = static_cast<uint32_t>(rule_.stages.size());
    laid.due = late;
    laid.starting = laid.due <= now_;
    laid.first_claim = laid.end_claim = draft_.claims.size();
    NoticeDraft notice;
    notice.stage_draft = static_cast<uint32_t>(draft_.stages.size());
    notice.due = laid.due;
    notice.alarm = true;
    RESCIND_ASSIGN(notice.recipients,
                   FindRecipients(draft_, draft_.evaluator, rule_.done->recipient, finding_->row));
    draft_.stages.push_back(laid);
    draft_.notices.push_back(std::move(notice));
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
  std::set<std::pair<EntityId, RowId>> vetoed_rows_;
  bool any_vetoed_ = false;
  std::optional<Veto> judged_exempt_;
  Instant base_;
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
