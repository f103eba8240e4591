#include "runtime/plan/finding_stages.h"

#include <algorithm>
#include <set>

#include "engine/base/sort_unique.h"
#include "runtime/plan/finding_wishes.h"
#include "runtime/plan/late_alarm.h"
#include "runtime/plan/shortened_notice.h"
#include "runtime/plan/stage_progress.h"

namespace rescind {
namespace {

class FindingWalk {
 public:
  FindingWalk(PlanDraft& draft, uint32_t rule_index)
      : draft_(draft),
        rule_index_(rule_index),
        rule_(draft.input.program.rules[rule_index]),
        now_(draft.input.now),
        wishes_(draft, rule_index) {
    const PolicyRecord* record = draft.book.Record(rule_.full_name);
    const bool confirmed = record->confirmed_meaning == rule_.meaning_hash;
    // Nobody has confirmed the new meaning: what was promised stands.
    keeps_promise_ = !confirmed && !record->confirmed_meaning.empty();
    for (const ir::Stage& stage : rule_.stages) {
      const bool removes = std::any_of(stage.actions.begin(), stage.actions.end(), Removes);
      any_removal_ |= removes;
      removes_.push_back(removes);
      written_after_.push_back(stage.after);
    }
    if (keeps_promise_) promised_after_ = PromisedAfter(rule_, *record);
  }

  Status Run(bool look_ahead) {
    auto& findings = draft_.book.MutableOf(rule_.full_name);
    for (uint32_t index = 0; index < findings.size(); ++index) {
      const size_t stages_before = draft_.stages.size();
      RESCIND_TRY(RunOne(findings[index], index));
      if (look_ahead) AddOutlook(stages_before);
    }
    return {};
  }

 private:
  Status RunOne(Finding& finding, uint32_t index) {
    finding_ = &finding;
    index_ = index;
    RESCIND_TRY(wishes_.Collect(finding));
    if (!finding.resolved) RESCIND_TRY(NoteReturned());
    if (finding.resolved) {
      if (wishes_.all().empty()) return {};
      RESCIND_TRY(Reopen());
    }
    TakeStageNumbers();
    NoteTouched();
    RESCIND_TRY(NoteDone());
    base_ = wishes_.SetBases();
    first_claim_ = draft_.claims.size();
    const size_t stages_before = draft_.stages.size();
    RESCIND_TRY(LayOutStages());
    const bool has_work = draft_.stages.size() > stages_before;
    // What is to be given back will be there again.
    if (!has_work && draft_.options.being_undone.contains(finding.id)) return {};
    if (!has_work && !wishes_.any_vetoed()) {
      finding.resolved = true;
      draft_.transitions.push_back({FindingStep::kResolved, finding, ""});
      return {};
    }
    if (!has_work) return {};
    if (!wishes_.any_vetoed()) NoteEnd(stages_before);
    return AddLateAlarm(draft_, stages_before);
  }

  // Of the finding whose stages were laid out from `first_stage` on.
  void AddOutlook(size_t first_stage) {
    FindingOutlook outlook;
    outlook.name = {rule_index_, finding_->row};
    outlook.targets = wishes_.Targets();
    outlook.counts = !rule_.leave_limits.empty() &&
                     (finding_->resolved || !FirstRemoval(static_cast<uint32_t>(removes_.size())));
    const auto take = [&](Instant due) {
      if (due <= now_) {
        outlook.counts = true;
      } else {
        outlook.next = std::min(outlook.next, due);
      }
    };
    for (size_t index = first_stage; index < draft_.stages.size(); ++index) {
      const StageDraft& stage = draft_.stages[index];
      for (size_t i = stage.first_claim; i < stage.end_claim; ++i) take(draft_.claims[i].due);
    }
    for (size_t i = draft_.notices.size(); i-- > 0;) {
      if (draft_.notices[i].stage_draft < first_stage) break;
      take(draft_.notices[i].due);
    }
    draft_.outlooks.push_back(std::move(outlook));
  }

  // Once all claims are verified and the notices of what was done are sent, the next plan finds
  // nothing to do: the finding is over then, not when somebody looks.
  void NoteEnd(size_t first_stage) {
    EndDraft end{first_stage, draft_.stages.size(), {}};
    for (uint32_t stage = 0; stage < rule_.stages.size(); ++stage) {
      if (!Notifies(stage)) continue;
      // What announces a removal has nothing to say after it.
      if (AnyRemovalFrom(stage)) continue;
      if (!ToldAfterwards(stage)) end.last_notices.push_back(stage);
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
    wishes_.UnlistVetoes();
    return wishes_.Collect(*finding_);
  }

  Status NoteReturned() {
    if (FirstRemoval(static_cast<uint32_t>(removes_.size()))) return {};
    RESCIND_ASSIGN(const bool all_returned, wishes_.HaveAllReturned());
    if (!all_returned) return {};
    finding_->resolved = true;
    draft_.transitions.push_back({FindingStep::kResolved, *finding_, ""});
    return {};
  }

  // An edit may have moved an action to another stage, or have dropped it.
  void TakeStageNumbers() {
    for (StageAction& action : finding_->actions) {
      const uint32_t stage = wishes_.StageOf(action).value_or(action.stage);
      if (stage == action.stage) continue;
      action.stage = stage;
      // Of a stage that has begun, with what was let go of it.
      if (!action.let_go || finding_->BegunAt(stage)) continue;
      finding_->begun.push_back({stage, *action.let_go});
      SortUnique(finding_->begun);
    }
    std::erase_if(finding_->actions,
                  [&](const StageAction& action) { return action.stage >= rule_.stages.size(); });
  }

  // ---- When ----

  // Begun since the times began to count.
  std::optional<Instant> ValidBegin(uint32_t stage) const {
    return finding_->BegunSince(stage, base_);
  }

  bool AnyRemovalFrom(uint32_t stage) const {
    return std::find(removes_.begin() + stage, removes_.end(), true) != removes_.end();
  }

  bool Notifies(uint32_t stage) const {
    const auto& actions = rule_.stages[stage].actions;
    return !std::all_of(actions.begin(), actions.end(), Removes);
  }

  // Its notice has been sent since the times of a target began to count, so it named that target.
  bool Told(uint32_t stage, Instant base) const {
    return finding_->NoticedSince(stage, base).has_value();
  }

  // Whether the stage's notice has something to say that has not been said.
  bool WantsNotice(uint32_t stage) const {
    if (!Notifies(stage) || wishes_.judged_exempt()) return false;
    bool any_wish = false;
    for (const Wish& wish : wishes_.all()) {
      if (wish.stage < stage) continue;
      if (!Told(stage, wish.base)) return true;
      any_wish = true;
    }
    if (any_wish || AnyRemovalFrom(stage) || ToldAfterwards(stage)) return false;
    return !any_removal_ || !FirstRemoval(stage);  // after the fact: only where there was one
  }

  // The message of a stage after which nothing is removed. That of removals is sent once: what
  // joins them later is news of theirs.
  bool ToldAfterwards(uint32_t stage) const {
    return Told(stage, any_removal_ ? finding_->opened_at : base_);
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
    auto passed = finding_->BegunSince(stage, base);
    if (passed && Notifies(stage)) {
      // Its notice may have left after its actions: people have their time from then on.
      const auto told = finding_->NoticedSince(stage, base);
      passed = told ? std::optional(std::max(*passed, *told)) : std::nullopt;
    }
    if (passed) return std::max(due, *passed);
    return due <= now_ && is_late_[stage] ? now_ : due;
  }

  struct Due {
    Instant at;
    std::optional<uint32_t> waits_for;
    bool slides = false;
  };
  // When a stage falls due for a target (null: for all of the finding, as a message does that comes
  // after its removals). What is laid out of the earlier stages is known.
  Due DueOf(uint32_t stage, Instant base, const eval::FactRow* target) const {
    StageProgress::Passed passed{base, std::nullopt};
    const std::vector<Duration>& after = AfterFor(base);
    Duration passed_after;
    bool slides = false;
    const auto account = target ? draft_.model.AccountOf(*target) : std::nullopt;
    for (uint32_t earlier = 0; earlier < stage; ++earlier) {
      const Instant due = Step(passed.at, passed_after, after[earlier]);
      passed.at = PassedAsWhole(earlier, base, due);
      slides |= is_late_[earlier] && passed.at == now_;
      passed.Add(target ? progress_.After(earlier, *target, account) : progress_.AfterAll(earlier));
      passed_after = after[earlier];
    }
    return {Step(passed.at, passed_after, after[stage]), passed.waits_for, slides};
  }
  static Instant Step(Instant from, Duration from_after, Duration after) {
    return Later(from, {std::max<int64_t>(0, after.micros - from_after.micros)});
  }

  // By stage, for a target whose times count from `base`. Who was told a date, or could see it
  // where nobody is told, keeps what was promised; to whoever is told now, what is written is.
  const std::vector<Duration>& AfterFor(Instant base) const {
    if (!keeps_promise_) return written_after_;
    // The notice may stand in another stage by now.
    if (finding_->WasNoticedSince(base)) return promised_after_;
    bool announces = false;
    for (uint32_t stage = 0; stage < removes_.size() && !announces; ++stage) {
      announces = Notifies(stage);
      if (removes_[stage]) break;
    }
    return announces || base == now_ ? written_after_ : promised_after_;
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
      const Due due = notice ? NoticeDue(stage) : DueOf(stage, base_, nullptr);
      laid.due = due.at;
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
      if (notice) RESCIND_TRY(AddNotices(laid, due));
    }
    RememberDueActions();
    return {};
  }

  // The first target that the notice has not named.
  Due NoticeDue(uint32_t stage) const {
    Due first{Instant::Never(), std::nullopt};
    for (const Wish& wish : wishes_.all()) {
      if (wish.stage < stage || Told(stage, wish.base)) continue;
      const Due due = DueOf(stage, wish.base, &wish.target);
      if (due.at < first.at) first = due;
    }
    return first.at == Instant::Never() ? DueOf(stage, base_, nullptr) : first;
  }
  // From when on a notice of the stage names all that is left.
  Instant LastBase(uint32_t stage) const {
    Instant last = base_;
    for (const Wish& wish : wishes_.all()) {
      if (wish.stage >= stage) last = std::max(last, wish.base);
    }
    return last;
  }

  Status AddClaims(const StageDraft& stage) {
    for (const Wish& wish : wishes_.all()) {
      if (wish.stage != stage.stage) continue;
      Claim claim;
      claim.stage_draft = static_cast<uint32_t>(draft_.stages.size());
      claim.position = wish.position;
      claim.action = wish.action;
      claim.target = wish.target;
      const Due due = DueOf(stage.stage, wish.base, &wish.target);
      claim.due = due.at;
      claim.waits_for = due.waits_for;
      claim.slides = due.slides;
      RESCIND_TRY(RecallAction(wish, claim));
      NotePending(claim, stage.stage);
      draft_.claims.push_back(claim);
    }
    return {};
  }

  // Something has happened of what was let go: of this very action, of another one of its stage, or
  // of one that was let go with it and that an edit has taken to another stage.
  void NoteTouched() {
    touched_stages_.clear();
    touched_times_.clear();
    const auto touched = draft_.options.touched.find(finding_->id);
    if (touched == draft_.options.touched.end()) return;
    for (const StageAction& action : finding_->actions) {
      if (!touched->second.contains(action.wanted_key)) continue;
      touched_stages_.insert(action.stage);
      if (action.let_go) touched_times_.insert(*action.let_go);
    }
  }
  bool IsUntouched(const StageAction& action) const {
    return draft_.options.untouched.contains({finding_->id, action.wanted_key}) &&
           !touched_stages_.contains(action.stage) && !touched_times_.contains(*action.let_go);
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
    RESCIND_ASSIGN(const ActionHistory history, draft_.HistoryOf(wish.target, *wish.action));
    claim.escalated = history.escalated.has_value();
    // Done and undone since (it came back, or was rolled back): that would be another action.
    claim.let_go = history.episode == known->episode;
    claim.undone = !claim.let_go;
    claim.finishes = claim.let_go && !IsUntouched(*known);
    if (!claim.finishes) return {};
    claim.due = std::min(claim.due, *known->let_go);
    claim.waits_for.reset();
    claim.slides = false;
    return {};
  }

  // ---- What later stages wait for ----

  void NotePending(const Claim& claim, uint32_t stage) {
    if (!HasLater(stage)) return;
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
    const auto let_go = wishes_.LetGoAt(action.verb, target);
    if (let_go && *let_go > *begun) return false;
    const std::vector<Duration>& after = AfterFor(base_);
    for (uint32_t earlier = 0; earlier < action.stage; ++earlier) {
      const Instant passed = progress_.After(earlier, target, action.account).at;
      const int64_t apart =
          std::max<int64_t>(0, after[action.stage].micros - after[earlier].micros);
      if (Later(passed, {apart}) > *begun) return false;
    }
    return true;
  }

  // A message that says what was done waits for it as well.
  bool HasLater(uint32_t stage) const { return stage + 1 < removes_.size(); }

  // Those that later stages wait for: when they are done, by whomever, is known from then on.
  void RememberDueActions() {
    for (size_t i = first_claim_; i < draft_.claims.size(); ++i) {
      const Claim& claim = draft_.claims[i];
      const uint32_t stage = draft_.stages[claim.stage_draft].stage;
      if (claim.due > now_ || claim.since < now_ || !HasLater(stage)) continue;
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
    for (StageAction& action : finding_->actions) {
      const bool pending = wishes_.IsPending(action);
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

  Status AddNotices(const StageDraft& stage, const Due& due) {
    for (const ir::Action& action : rule_.stages[stage.stage].actions) {
      if (Removes(action)) continue;
      NoticeDraft notice;
      notice.stage_draft = static_cast<uint32_t>(draft_.stages.size()) - 1;
      notice.due = due.at;
      notice.waits_for = due.waits_for;
      notice.slides = due.slides;
      notice.announces = AnyRemovalFrom(stage.stage);
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
  FindingWishes wishes_;
  // By stage: as the policy says, and, where it is kept, with what people were promised.
  std::vector<Duration> written_after_;
  std::vector<Duration> promised_after_;
  bool keeps_promise_ = false;
  std::vector<bool> removes_;  // by stage
  bool any_removal_ = false;

  // Of the finding at hand.
  Finding* finding_ = nullptr;
  uint32_t index_ = 0;
  Instant base_;
  std::set<uint32_t> touched_stages_;
  std::set<Instant> touched_times_;
  StageProgress progress_;
  std::vector<bool> is_late_;  // by stage laid out: due and not begun, or its notice not sent
  size_t first_claim_ = 0;
};

}  // namespace

namespace {

Status WalkFindings(PlanDraft& draft, bool look_ahead) {
  for (uint32_t index = 0; index < draft.input.program.rules.size(); ++index) {
    const ir::Rule& rule = draft.input.program.rules[index];
    if (rule.protect || rule.mode != ir::Mode::kEnforce) continue;
    RESCIND_TRY(FindingWalk(draft, index).Run(look_ahead));
  }
  return {};
}

}  // namespace

Status DraftStages(PlanDraft& draft) { return WalkFindings(draft, false); }

Status DraftOutlooks(PlanDraft& draft) { return WalkFindings(draft, true); }

}  // namespace rescind
