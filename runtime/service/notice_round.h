// NoticeRound: sends what one apply has to say, and leaves a record of each message.
//
// A message that was sent is written down in the same commit as its audit leaf, so that an apply
// which is cut off and begun again does not tell people twice; one that was not sent is written
// down for `status` (unsent_notice.h). Which notices are due is the planner's; how a channel is
// reached is NoticeSender's.
#pragma once

#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "engine/base/result.h"
#include "runtime/journal/journal.h"
#include "runtime/plan/planner.h"
#include "runtime/service/apply_report.h"
#include "runtime/service/escalation_notice.h"
#include "runtime/service/notice_sender.h"
#include "runtime/service/transition_recorder.h"
#include "runtime/service/unsent_notice.h"

namespace rescind {

// + finding, "/", stage: sent, but not yet part of its finding (FORMAT.md).
inline constexpr std::string_view kSentNoticePrefix = "service/notice/";
// + the key of the action that had removed what came back: oncall has been told (FORMAT.md).
inline constexpr std::string_view kCameBackPrefix = "service/came-back/";

// + the last evaluation before the clock leapt, in microseconds: oncall has been told (FORMAT.md).
inline constexpr std::string_view kClockLeapPrefix = "service/clock-leap/";

using StageName = std::pair<std::string, uint32_t>;  // finding, stage

class NoticeRound {
 public:
  // All outlive it. `trigger` is for the audit leaves.
  NoticeRound(NoticeSender& sender, TransitionRecorder& recorder, const Journal& journal,
              Store& store, Clock& clock, std::string trigger)
      : sender_(sender),
        recorder_(recorder),
        journal_(journal),
        store_(store),
        clock_(clock),
        trigger_(std::move(trigger)) {}

  // The notices of `selected` stages. An error is the store's: nothing more was sent. Once `stop`
  // says so, what is left counts as failed and is for the next run.
  Status SendPlanned(const PlanOutcome& outcome, const std::set<StageName>& selected,
                     const std::function<bool()>& stop);
  // Those who were told of a finding are to hear that it has ended, or that its policy only
  // observes now, and what of it was done before. That is in `batch`, which forgets that they were
  // told, as a message not sent yet: should this run be killed, the next one sends it. `facts`: of
  // the same judgement.
  Status NoteWithdrawn(const PlanOutcome& outcome, const FactBase& facts, const Journal& journal,
                       KeyValueBatch& batch);
  // A person must act on this action. That is in `batch`, with the step that says so, in the same
  // way. When that batch cannot be stored, nothing may be sent any more.
  Status NoteEscalated(const AppliedAction& action, EscalatedBy by,
                       const std::vector<std::string>& recipients, KeyValueBatch& batch);
  // What was noted and not sent yet, once its batch is stored. Best effort: a failure is reported.
  Status SendNoted();
  // The actions on access that an earlier action had removed and that came back, of which no
  // on-call people have heard. They point into `plan`.
  Result<std::vector<const PlannedAction*>> UntoldReturns(const Plan& plan) const;
  // `oncall` hears of each: once, or again from the next run when its channel did not take it.
  Status SendReturns(const std::vector<const PlannedAction*>& returns, const std::string& oncall);
  // `oncall` hears that the clock is far ahead of `last_evaluation`, so that everything is held:
  // once, or again from the next run when its channel did not take it.
  Status SendClockLeap(const std::string& why, Instant last_evaluation, const std::string& oncall);
  using News = std::vector<std::pair<std::string, UnsentNotice>>;  // with their keys
  // What earlier runs could not tell of what had happened, and this one has not tried yet.
  Result<News> UntoldNews() const;
  // Best effort, like what it was.
  Status SendAgain(const News& news);

  // Notices that could not be sent and that `plan`, of this judgement, asks for no longer: whoever
  // drops the records drops them as well.
  Status NoteUnasked(const Plan& plan);

  // Every recipient took it, now or before.
  const std::set<StageName>& sent() const { return sent_; }
  const std::set<StageName>& failed() const { return failed_; }
  std::vector<AppliedNotice>& log() { return log_; }
  // What RecordApplied makes superfluous.
  void DropRecords(KeyValueBatch& batch) const;

 private:
  Result<bool> SendPlanned(const PlanOutcome& outcome, const PlannedNotice& planned);
  // Sends to one recipient, with what holds by now (WithRollback), and records it; whether somebody
  // took it. `unsent_key` lies below kUnsentNoticePrefix; `sent_key` may be empty: nobody asks
  // later whether it was sent.
  Result<bool> SendOne(const Notice& notice, AppliedNotice entry, const std::string& sent_key,
                       const std::string& unsent_key);
  struct Noted {
    Notice notice;
    AppliedNotice entry;
    std::string unsent_key;
  };
  // As not sent yet: it stands in `batch`, and is for SendNoted.
  Status Note(const Notice& notice, AppliedNotice entry, std::string unsent_key,
              KeyValueBatch& batch);
  Status DescribeNotice(const Notice& notice, const AppliedNotice& entry, AuditEvent& event) const;
  Status PutUnsent(const Notice& notice, const AppliedNotice& entry, const std::string& remedy,
                   const std::string& key, KeyValueBatch& batch) const;

  NoticeSender& sender_;
  TransitionRecorder& recorder_;
  const Journal& journal_;
  Store& store_;
  Clock& clock_;
  const std::string trigger_;
  std::set<StageName> sent_;
  std::set<StageName> failed_;
  std::set<std::string> tried_;  // keys of what was not sent before, or not now
  std::vector<Noted> noted_;
  std::vector<AppliedNotice> log_;
  std::vector<std::string> records_;
};

}  // namespace rescind
