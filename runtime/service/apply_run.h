// ApplyRun: carries a plan out: derive again, confirm, tell people, hand over, run, record.
//
//   derive ─ select ─ confirm ─ store findings ─ notices ─ journal ─ record stages ─ run ─ sign
//
// Cut off at any point it leaves a state from which the next apply, or `--resume`, goes on without
// doing anything twice: findings are stored before anybody is told, actions are in the journal
// before their stages count as begun. It decides nothing that the planner or the gate decides.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "engine/base/result.h"
#include "runtime/env/process.h"
#include "runtime/journal/backoff.h"
#include "runtime/service/action_ledger.h"
#include "runtime/service/apply_report.h"
#include "runtime/service/fact_gate.h"
#include "runtime/service/notice_round.h"
#include "runtime/service/pipeline.h"

namespace rescind {

struct ApplyRequest {
  std::optional<Plan> plan;  // absent: whatever is ready now (`--auto`)
  std::string plan_name;     // how the user named it: "access.plan.json"
  std::string confirm;       // --confirm; empty: not given
  std::string actor;         // "uid 1000", "uid 0 (sudo by uid 1000)": for the audit log
  Duration patience{30 * kMicrosPerSecond};  // how long this run waits for retries
  Backoff backoff = {};                      // how far apart they are
  bool continuous = false;                   // a step of `serve`; with no plan
};

// How a run reaches the person who started it. Any may be empty.
struct ApplyVoice {
  std::function<void(const std::string&)> tell;  // progress, one line
  std::function<void(const std::string&)> warn;
  std::function<bool(const std::string& question)> ask;  // nobody is there when empty
  std::function<bool()> stop;                            // Ctrl-C
  std::function<void()> begin;                           // from here on systems may be changed
};

// What it means, and what to do, when a run is cut off while systems are being changed.
inline constexpr const char* kCutOffMeans =
    "actions were being carried out, and some may be done without a record of it";
inline constexpr const char* kCutOffRemedy =
    "Then `rescind apply --resume` looks at their systems and goes on";

// Nothing was executed because a person has to say so first.
struct ConfirmationWanted {
  std::string why;
  std::string command;  // of apply, that confirms it; empty: none does
  std::string remedy;   // what to do instead, where something else must come first
};

struct ApplyAnswer {
  ApplyReport report;
  std::optional<ConfirmationWanted> wanted;
  // The store refused when systems may have been changed already. The report then lists what was
  // done as far as it could be recorded.
  std::optional<Error> cut_off;
  // Of a continuous run: while nothing happens, there is nothing to do before then.
  Instant next_look = Instant::Never();
  std::optional<Instant> next_retry = {};  // the first that waits for one
};

class ApplyRun {
 public:
  // All outlive it. The pipeline is opened for kExecute.
  ApplyRun(Pipeline& pipeline, ActionLedger& ledger, ProcessRunner& processes, ApplyVoice voice);

  // kStale for a plan whose policies or store are no longer the same; else what the store or the
  // log says while no system has been changed yet. What a target system says is in the report. A
  // --confirm that is missing or names another plan is an answer, no error: ApplyAnswer::wanted.
  Result<ApplyAnswer> Apply(const ApplyRequest& request);
  // Goes on with whatever the journal holds as ready or in flight; plans nothing new.
  Result<ApplyAnswer> Resume(const std::string& actor, Duration patience);

 private:
  struct Work;

  void Tell(const std::string& line) const;
  void Warn(const std::string& line) const;
  Result<std::optional<ConfirmationWanted>> TrustClock(Work& work);
  // The on-call people hear that everything is held for the clock's sake.
  Status AlarmOfLeap(NoticeRound& notices, const ClockDoubt& doubt);
  Status DeriveFor(const ApplyRequest& request, Work& work);
  Result<std::optional<ConfirmationWanted>> Confirm(const ApplyRequest& request, Work& work);
  void Describe(const ApplyRequest& request, Work& work) const;
  // The leaf with which the log of every run that does something begins.
  AuditEvent StartOf(const Work& work, size_t action_count) const;
  Status BeginLog(Work& work, size_t action_count);
  Status StoreFindings(Work& work);
  // `read`: the plan that is applied, by which a person has its stages carried out again.
  Status HandOver(Work& work, const std::optional<Plan>& read);
  Status WithdrawUnasked(Work& work);
  // Rollbacks that failed before. `read`: the plan that is applied, by which a person decides.
  Status RetryFailedUndos(Work& work, const std::optional<Plan>& read);
  Status RecordStages(const ApplyRequest& request, Work& work);
  AuditEvent ConfirmationOf(const Work& work) const;
  Status EndReleases(Work& work, AppliedRecord& applied);
  Status KeepUndone(Work& work) const;
  Status RunJournal(Work& work, const ApplyRequest& request);
  Status Finish(Work& work);
  // Runs what was handed over and ends the run.
  Result<ApplyAnswer> CarryOut(Work& work, const ApplyRequest& request);
  // When what was judged becomes something else by time alone.
  static Instant NextChangeOf(const Derivation& derivation);
  // When there is something to do again while nothing happens. `next_change`: of what is judged.
  Status SetNextLook(Instant next_change, ApplyAnswer& answer) const;
  // Access that was removed and is there again: the on-call people hear it.
  Status AlarmOfReturns(Work& work);
  void LeaveFailedStages(Work& work);
  // Of a stage that was rolled back, a plan that was read has all carried out again, or nothing.
  void KeepStagesWhole(const Plan& read, Work& work);
  Status SendAgain(Work& work);
  Status NoteEscalated(Work& work, const Transition& transition, KeyValueBatch& batch) const;
  void TellTransition(const Transition& transition) const;

  Pipeline& pipeline_;
  ActionLedger& ledger_;
  NoticeSender sender_;
  const ApplyVoice voice_;
};

}  // namespace rescind
