// disable a (done on day 3), disable b (given up) → after 27d: delete a on day 30; delete b waits
#include "runtime/plan/stage_progress.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "runtime/plan/action_key.h"

namespace rescind {

void StageProgress::Passed::Add(const Passed& other) {
  at = std::max(at, other.at);
  if (!waits_for) waits_for = other.waits_for;
}

void StageProgress::Reset(size_t stage_count) {
  stages_.resize(stage_count);
  for (Stage& stage : stages_) {
    stage.by_row.clear();
    stage.by_account.clear();
    stage.of_all = stage.of_anyone = Passed();
  }
}

void StageProgress::NotePending(uint32_t stage, eval::FactRow target, std::optional<RowId> account,
                                Instant due, std::optional<uint32_t> claim) {
  const Passed pending{due, claim};
  Stage& notes = stages_[stage];
  notes.by_row[{target.entity, target.row}].Add(pending);
  account ? notes.by_account[*account].Add(pending) : notes.of_all.Add(pending);
  notes.of_anyone.Add(pending);
}

void StageProgress::NoteDone(uint32_t stage, eval::FactRow target, std::optional<RowId> account,
                             Instant at, bool joined) {
  const Passed done{at, std::nullopt};
  Stage& notes = stages_[stage];
  notes.by_row[{target.entity, target.row}].Add(done);
  if (joined) return;
  account ? notes.by_account[*account].Add(done) : notes.of_all.Add(done);
  notes.of_anyone.Add(done);
}

StageProgress::Passed StageProgress::After(uint32_t stage, eval::FactRow target,
                                           std::optional<RowId> account) const {
  const Stage& notes = stages_[stage];
  Passed passed = account ? notes.of_all : notes.of_anyone;
  const auto row = notes.by_row.find({target.entity, target.row});
  if (row != notes.by_row.end()) passed.Add(row->second);
  if (!account) return passed;
  const auto bound = notes.by_account.find(*account);
  if (bound != notes.by_account.end()) passed.Add(bound->second);
  return passed;
}

namespace {

// Its time does not come nearer, and a date that counts from now would only look like one.
template <typename Waiting>
void MakeWait(Waiting& waiting, const std::string* why) {
  waiting.waits = why;
  waiting.due = Instant::Never();
}

class WaitReasons {
 public:
  explicit WaitReasons(PlanDraft& draft) : draft_(draft) {}

  Status AddAll() {
    for (Claim& claim : draft_.claims) RESCIND_TRY(AddEarlierAction(claim));
    for (NoticeDraft& notice : draft_.notices) RESCIND_TRY(AddEarlierAction(notice));
    for (const StageDraft& stage : draft_.stages) AddHeldStage(stage);
    return {};
  }

 private:
  using WantedState = std::tuple<EntityId, RowId, ir::Verb, std::string_view>;
  static WantedState WantedStateOf(const Claim& claim) {
    return {claim.target.entity, claim.target.row, claim.action->verb, claim.action->playbook};
  }

  template <typename Waiting>
  Status AddEarlierAction(Waiting& waiting) {
    if (!waiting.waits_for || IsDueAnyway(waiting)) return {};
    RESCIND_ASSIGN(const std::string* why, WhyNotDone(*waiting.waits_for));
    if (why) MakeWait(waiting, why);
    return {};
  }

  // Whoever announces a removal may do so though it waits; who says what was done may not.
  static bool IsDueAnyway(const Claim&) { return false; }
  bool IsDueAnyway(const NoticeDraft& notice) const {
    return notice.announces && notice.due <= draft_.input.now;
  }

  // Null for what starts with this very plan. Several stages may wait for one action.
  Result<const std::string*> WhyNotDone(uint32_t index) {
    const auto [place, is_new] = why_not_done_.try_emplace(index, nullptr);
    if (!is_new) return place->second;
    const Claim& earlier = draft_.claims[index];
    RESCIND_ASSIGN(const std::string why, StateOf(earlier));
    if (why.empty()) return nullptr;
    RESCIND_ASSIGN(const std::string id, draft_.IdOf(earlier.target));
    place->second = draft_.Intern(
        fmt::format("waits until the stage before is done: {} {} {}: {}",
                    VerbName(ToVerb(earlier.action->verb)),
                    draft_.input.program.schema.entity(earlier.target.entity).name, id, why));
    return place->second;
  }

  Result<std::string> StateOf(const Claim& claim) {
    if (const char* left = draft_.stages[claim.stage_draft].left) return std::string(left);
    if (const std::string* held = draft_.WhyHeld(claim)) {
      return fmt::format("it is held: {}", *held);
    }
    RESCIND_ASSIGN(const bool is_given_up, IsGivenUp(claim));
    if (is_given_up) return std::string("it was given up, and a person must act");
    if (claim.undone) return std::string("it was undone");
    return std::string(claim.delayed || claim.let_go ? "it is not done yet" : "");
  }

  // The finding itself need not have let it go: it is one action, whoever asks for it.
  Result<bool> IsGivenUp(const Claim& claim) {
    if (claim.escalated) return true;
    RESCIND_ASSIGN(const ActionHistory history, draft_.HistoryOf(claim.target, *claim.action));
    return history.escalated && draft_.IsGivenUpFor(history, ClaimsOn(WantedStateOf(claim)));
  }

  const std::vector<uint32_t>& ClaimsOn(const WantedState& wanted) {
    if (claims_.empty()) {
      for (uint32_t i = 0; i < draft_.claims.size(); ++i) {
        claims_[WantedStateOf(draft_.claims[i])].push_back(i);
      }
    }
    return claims_[wanted];
  }

  // What waits for no action of its own account may wait for a stage that does not begin.
  void AddHeldStage(const StageDraft& stage) {
    if (!stage.starting || stage.first_claim == stage.end_claim) return;
    const std::string* held = nullptr;
    for (size_t i = stage.first_claim; i < stage.end_claim; ++i) {
      const Claim& claim = draft_.claims[i];
      if (draft_.StatusOf(claim) == ActionStatus::kReady) return;
      if (!held && draft_.IsDue(claim)) held = draft_.WhyHeld(claim);
    }
    if (!held) return;
    LetLaterOnesWait(draft_, stage, fmt::format("waits for a stage that is held: {}", *held));
  }

  PlanDraft& draft_;
  std::map<uint32_t, const std::string*> why_not_done_;  // by claim
  std::map<WantedState, std::vector<uint32_t>> claims_;  // made when first asked for
};

}  // namespace

void LetLaterOnesWait(PlanDraft& draft, const StageDraft& late, const std::string& why) {
  const auto is_later = [&](const StageDraft& stage) {
    return stage.rule == late.rule && stage.finding == late.finding && stage.stage > late.stage;
  };
  const std::string* text = nullptr;
  const auto wait = [&](auto& waiting) {
    if (!waiting.slides || waiting.waits || waiting.due <= draft.input.now) return;
    if (!text) text = draft.Intern(why);
    MakeWait(waiting, text);
  };
  for (size_t i = late.end_claim; i < draft.claims.size(); ++i) {
    if (!is_later(draft.stages[draft.claims[i].stage_draft])) break;
    Claim& claim = draft.claims[i];
    wait(claim);
    if (text && claim.held && claim.waits == text)
      claim.waits = claim.held;  // what a person must mend
  }
  // Notices, too, are by stage.
  const auto index = static_cast<uint32_t>(&late - draft.stages.data());
  auto notice = std::upper_bound(
      draft.notices.begin(), draft.notices.end(), index,
      [](uint32_t stage, const NoticeDraft& other) { return stage < other.stage_draft; });
  for (; notice != draft.notices.end() && is_later(draft.stages[notice->stage_draft]); ++notice) {
    wait(*notice);
  }
}

Status SayWhatStagesWaitFor(PlanDraft& draft) { return WaitReasons(draft).AddAll(); }

}  // namespace rescind
