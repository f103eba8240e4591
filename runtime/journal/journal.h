// Journal: the life of every action, durable at every step.
//
// The plan asks for actions (Plan), a run carries them out (journal_run.h), queries say where
// each stands. Every change goes through the TransitionCommitter before anything follows from
// it. It does not know why access should go, nor how a system is spoken to. FORMAT.md says what
// is stored. One owner; every function may be called while a run is under way.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "engine/base/result.h"
#include "runtime/env/clock.h"
#include "runtime/journal/action_state.h"
#include "runtime/journal/journal_entry.h"
#include "runtime/journal/transition.h"
#include "runtime/store/key_value.h"

namespace rescind {

// One action that a plan asks for.
struct ActionRequest {
  Action action;           // key and episode set: see Journal::EpisodeAfter
  std::string wanted_key;  // WantedStateKey of the same
  // kReady, kNotice or kWaiting (with `due`), or kHeld (with `because`).
  ActionState start = ActionState::kReady;
  std::string because;
  std::optional<Instant> due;
  std::string account;
  uint32_t order = 0;
  // Stages that let it go, ascending, by what their policies say now of when they fail: those that
  // are rolled back, and those that keep what they have done. What was said when a stage began
  // counts (stage_outcomes.h).
  std::vector<std::string> rollback_groups;
  std::vector<std::string> kept_stages;
  OnFailure on_failure = OnFailure::kKeep;
  Duration retry_for{24 * kMicrosPerHour};
  std::vector<std::string> escalate_to;  // JournalEntry
  // Evidence for the audit leaf; handed to the committer with the first transition, not stored.
  std::string context;
};

struct PlanReport {
  uint64_t planned_count = 0;   // new ones
  uint64_t reopened_count = 0;  // escalated or withdrawn before
  uint64_t standing_count = 0;  // were open already; reasons and state brought up to date
  uint64_t done_count = 0;      // verified or compensated before under this key: ignored
};

class StageOutcomes;
struct StageTerms;

// One step of one action, to be made durable. `entry` is what it is afterwards.
struct JournalStep {
  JournalEntry entry;
  ActionState from = ActionState::kPlanned;
  bool is_silent = false;                    // only details changed: no transition, no leaf
  bool is_described = false;                 // by a request: its rollback groups may be others
  std::vector<std::string> starts_rollback;  // of these groups
  bool ends_rollback = false;
  bool ends_failure = false;  // it was given up, and needs no person any more for that
  std::string outcome;
  bool was_known = false;    // Transition
  bool is_own_word = false;  // the outcome is no executor's, no gate's and no person's
  std::string evidence;
  std::string via;
  std::string context;
  std::optional<Instant> seen_use;
};

class Journal {
 public:
  // Reads the open actions. All three arguments must outlive it. kCorrupt names the record.
  static Result<std::unique_ptr<Journal>> Open(const KeyValueReader& reader,
                                               TransitionCommitter& committer, Clock& clock);

  // ---- Changes. `trigger` says who or what, for the audit leaf. ----
  // Plans, or plans again, in batches of transitions; an error leaves a prefix planned. `again`:
  // stages (JournalEntry::rollback_groups) that a person wants carried out again. They are rolled
  // back no longer: what of them is still to be undone, or could not be, is looked at by the next
  // run and stays as it is where it is still done.
  Result<PlanReport> Plan(std::span<const ActionRequest> requests, const std::string& trigger,
                          const std::set<std::string>& again = {});
  // For an action that has not begun. kBusy when it is in flight, kStale when it is over,
  // kNotFound when it is unknown.
  Status Hold(const std::string& key, const std::string& reason, const std::string& trigger);
  // Of a held one.
  Status Release(const std::string& key, const std::string& reason, const std::string& trigger);
  // The last reason ended. An action that is in flight is finished, not withdrawn: kBusy. One that
  // was escalated before it had any effect needs no person any more; kStale for all that is over
  // otherwise.
  Status Withdraw(const std::string& key, const std::string& reason, const std::string& trigger);

  // Of one that was given up and undone (NeedsPerson), and that nobody asks for any more: it needs
  // no person. kStale for any other action, kNotFound when it is unknown.
  Status ForgetFailure(const std::string& key, const std::string& trigger);
  // Tries again what could not be undone (IsUndoLeft): a run looks at the target first. kStale for
  // any other action, kNotFound when it is unknown.
  Status RetryUndo(const std::string& key, const std::string& reason, const std::string& trigger);

  // ---- Queries ----
  // No action was ever planned.
  bool IsNew() const;
  Result<std::optional<JournalEntry>> Find(const std::string& key) const;
  // The last episode of a wanted state.
  Result<std::optional<JournalEntry>> Latest(const std::string& wanted_key) const;
  // The episode that an action derived now has: one more than the last when that was verified
  // or compensated (its effect is gone again), the same when it is not done yet, else 1.
  // `latest`: of the wanted state.
  static uint32_t EpisodeAfter(const std::optional<JournalEntry>& latest);
  // Actions that the finding asked for when they were over; some may be open again. Empty for a
  // journal of an earlier program, which has not noted them.
  Result<std::vector<JournalEntry>> ListOver(const std::string& finding_id) const;
  // Actions that are left to a person (NeedsPerson), by key.
  Result<std::vector<JournalEntry>> ListEscalated() const;
  // Actions that are being undone, or could not be (IsUndoLeft), also such as are dropped.
  Result<std::vector<JournalEntry>> ListUndos() const;
  // Stages (JournalEntry::rollback_groups) that were rolled back, whatever has become of what
  // failed in them, and that nobody has had carried out again since.
  Result<std::set<std::string>> ListRolledBack() const;
  // Open actions, then the others, each by key, until `take` returns false.
  Status List(const std::function<bool(const JournalEntry&)>& take) const;
  // Of which actions something has happened (HasTouched), as finding and wanted state. Of which
  // stage they are is the planner's to know: an edit may have given it another number.
  struct Touched {
    std::set<std::pair<std::string, std::string>> untouched;  // open ones
    std::map<std::string, std::set<std::string>> others;      // of those findings
  };
  // Reads what is over only of findings that have open actions that are untouched.
  Result<Touched> ListTouched() const;
  // Actions that a run would go on with: ready, or in flight.
  uint64_t RunnableCount() const;
  // In flight: an earlier run was cut off, or waits for a retry.
  uint64_t InFlightCount() const;

 private:
  friend class JournalRun;
  friend class WaveRunner;

  Journal(const KeyValueReader& reader, TransitionCommitter& committer, Clock& clock)
      : reader_(reader), committer_(committer), clock_(clock) {}

  Result<std::vector<JournalEntry>> ListNoted(std::string_view prefix) const;
  Status ScanDone(const std::function<bool(const JournalEntry&)>& take) const;
  Status NoteEscalated(KeyValueBatch& batch) const;
  // The steps in order and what is in `batch`, all or nothing. Several may be of one action.
  Status Take(std::span<const JournalStep> steps, const std::string& trigger,
              KeyValueBatch batch = {});
  Result<std::optional<JournalEntry>> FindUnlocked(const std::string& key) const;
  // The same; kNotFound for people when there is none.
  Result<JournalEntry> FindKnown(const std::string& key) const;
  Status Move(const std::string& key, ActionState to, const std::string& reason,
              const std::string& trigger);
  // Adds the steps that drop the undos of those stages, but of `listed` ones that were given up:
  // they are planned again.
  Status DropUndos(const std::set<std::string>& again, const std::set<std::string>& listed,
                   const StageOutcomes& outcomes, Instant now,
                   std::vector<JournalStep>& steps) const;
  // The episode before, when it was given up and undone: no person need look at that one any more.
  Status SettleEpisodeBefore(const ActionRequest& request, std::vector<JournalStep>& steps) const;
  // Before an action of the stage begins: when all that was handed over of it is done, it is over,
  // and its actions leave it. Adds the steps.
  Status EndFinishedStage(const std::string& stage, const StageOutcomes& outcomes,
                          std::vector<JournalStep>& steps) const;
  // Of the last episode of the wanted state.
  Result<std::optional<std::string>> LatestKey(const std::string& wanted_key) const;
  // Nothing of it is open, as its stages see it.
  Result<bool> IsOverForStage(const JournalEntry& entry) const;
  Result<std::vector<JournalEntry>> ListUndosUnlocked() const;
  Result<std::vector<JournalEntry>> ListEscalatedUnlocked() const;
  // `known`: what the journal has of it, which is neither verified nor compensated.
  static JournalStep StepFor(const ActionRequest& request, const StageTerms& terms,
                             std::optional<JournalEntry> known, Instant now, PlanReport& report);

  const KeyValueReader& reader_;
  TransitionCommitter& committer_;
  Clock& clock_;
  mutable std::mutex mutex_;                  // of all below, and of the committer
  std::map<std::string, JournalEntry> open_;  // by key
  bool has_findings_ = false;                 // kHasFindings; else the journal is older than that
  bool has_escalated_ = false;                // kHasEscalated; else that is still to be noted
  bool is_new_ = false;                       // nothing was ever taken
};

}  // namespace rescind
