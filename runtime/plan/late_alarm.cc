#include "runtime/plan/late_alarm.h"

#include <algorithm>

namespace rescind {
namespace {

// Since when something that is left of the stage could have been done. Never: the time of all of it
// counts from when an earlier stage is done, which lies ahead.
Instant DueSince(const PlanDraft& draft, size_t index) {
  const StageDraft& stage = draft.stages[index];
  Instant first = Instant::Never();
  const auto take = [&](const auto& each) {
    if (!each.waits_for && !each.slides) first = std::min(first, each.due);
  };
  for (size_t i = stage.first_claim; i < stage.end_claim; ++i) take(draft.claims[i]);
  for (size_t i = draft.notices.size(); i-- > 0 && draft.notices[i].stage_draft >= index;) {
    if (draft.notices[i].stage_draft == index) take(draft.notices[i]);
  }
  return first;
}

}  // namespace

// Each stage has its time from when it falls due: one that lies ahead is not late.
Status AddLateAlarm(PlanDraft& draft, size_t first_stage) {
  const StageDraft& any = draft.stages[first_stage];
  const ir::Rule& rule = draft.rule(any);
  if (!rule.done) return {};
  const auto alarmed_at = draft.finding(any).alarmed_at;
  Instant late = Instant::Never();
  for (size_t i = first_stage; i < draft.stages.size(); ++i) {
    const Instant at = Later(DueSince(draft, i), rule.done->within);
    if (!alarmed_at || at > *alarmed_at) late = std::min(late, at);
  }
  if (late == Instant::Never()) return {};
  StageDraft laid;
  laid.rule = any.rule;
  laid.finding = any.finding;
  laid.stage = static_cast<uint32_t>(rule.stages.size());
  laid.due = late;
  laid.starting = laid.due <= draft.input.now;
  laid.first_claim = laid.end_claim = draft.claims.size();
  NoticeDraft notice;
  notice.stage_draft = static_cast<uint32_t>(draft.stages.size());
  notice.due = laid.due;
  notice.alarm = true;
  RESCIND_ASSIGN(notice.recipients, FindRecipients(draft, draft.evaluator, rule.done->recipient,
                                                   draft.finding(any).row));
  draft.stages.push_back(laid);
  draft.notices.push_back(std::move(notice));
  return {};
}

}  // namespace rescind
