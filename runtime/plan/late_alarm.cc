#include "runtime/plan/late_alarm.h"

#include <algorithm>

namespace rescind {
namespace {

// Since when something of the stage could have been done.
Instant DueSince(PlanDraft& draft, const StageDraft& stage, Instant base) {
  const Instant begun = draft.finding(stage).BegunSince(stage.stage, base).value_or(stage.due);
  Instant first = Instant::Never();
  for (size_t i = stage.first_claim; i < stage.end_claim; ++i) {
    first = std::min(first, draft.claims[i].due);
  }
  // Later than the stage itself: the times of all that is left began anew.
  const bool anew = stage.first_claim != stage.end_claim && first > begun;
  return anew ? first : stage.due;
}

}  // namespace

// Each stage has its time from when it falls due: one that lies ahead is not late.
Status AddLateAlarm(PlanDraft& draft, size_t first_stage, Instant base) {
  const StageDraft& any = draft.stages[first_stage];
  const ir::Rule& rule = draft.rule(any);
  if (!rule.done || draft.finding(any).alarmed_at) return {};
  Instant late = Instant::Never();
  for (size_t i = first_stage; i < draft.stages.size(); ++i) {
    late = std::min(late, Later(DueSince(draft, draft.stages[i], base), rule.done->within));
  }
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
