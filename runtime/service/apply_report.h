// ApplyReport: what an `apply` did, as data, as `rescind.apply/1` and as a table.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/instant.h"
#include "runtime/journal/action_state.h"
#include "runtime/journal/journal_run.h"
#include "runtime/service/plan_selection.h"

namespace rescind {

// One action as the journal left it.
struct AppliedAction {
  std::string key;
  std::string verb;
  std::string entity;
  std::string target;
  std::string system;
  std::string policy;  // the first of its reasons
  ActionState state = ActionState::kPlanned;
  std::string detail;
  // It was given up, whatever has become of it since: why. Empty: it was not.
  std::string given_up_because;

  // Left to a person: it was given up, and nothing more happens by itself.
  bool needs_person() const {
    return state == ActionState::kEscalated ||
           (state == ActionState::kCompensated && !given_up_because.empty());
  }
};

// A rollback that failed and is left to a person.
struct LeftUndo {
  AppliedAction action;  // that was to be undone
  Instant since;
};

struct AppliedNotice {
  std::string policy;
  std::string entity;
  std::string target;
  uint32_t stage = 0;
  std::string recipient;
  std::string channel;   // that took it; empty: none did
  std::string problem;   // why none did, or why it is not the one that was meant
  bool earlier = false;  // an apply that was cut off had sent it
};

struct HeldCount {
  uint64_t actions = 0;
  uint64_t notices = 0;
};

struct ApplyReport {
  std::string plan_id;  // that was read; the derived one with --auto; empty when resuming
  Instant now;
  bool resumed = false;
  bool interrupted = false;
  // What was run, and what earlier runs had left and nothing asks for any more.
  std::vector<AppliedAction> actions;
  std::vector<AppliedNotice> notices;
  std::vector<FallenRow> fallen;
  // Of earlier runs, ready now, and left to a person by `--auto`.
  std::vector<PlannedAction> escalated_earlier;
  // Rollbacks of earlier runs that failed, and that this one has not tried again.
  std::vector<LeftUndo> undos_left;
  uint64_t unseen_count = 0;  // ready now, but not in the plan
  // By key, what a limit, an approval or a feed holds, and why; by reason, how many messages.
  std::map<std::string, std::string> held_actions;
  std::map<std::string, uint64_t> held_notices;
  std::vector<std::string> held_because;  // each reason once
  uint64_t waiting_count = 0;             // later stages
  uint64_t already_done_count = 0;
  // Of stages that were carried out again, what was found to be given back: for the next run.
  uint64_t to_do_again_count = 0;
  uint64_t insufficient_count = 0;  // rows that could not be judged for lack of data
  uint64_t error_count = 0;         // rows that could not be evaluated, of each policy
  uint64_t opened_count = 0;        // findings
  uint64_t closed_count = 0;
  uint64_t person_count = 0;  // actions of the workspace that need a person, as `status` counts
  // Of stages that were rolled back: `--auto` and `--resume` leave them to a person.
  uint64_t left_count = 0;
  uint64_t left_open_count = 0;  // of earlier runs, in flight, selected by nobody now
  std::map<std::string, std::string> failing_systems;
  std::string checkpoint;  // the signed note over the audit log; empty: nothing was logged

  // As a person looks for them: by system and target.
  void SortActions();
  uint64_t CountOf(ActionState state) const;
  uint64_t given_up_count() const;  // of its actions
  // Not verified, withdrawn or held: what a next run, or a person, must go on with.
  uint64_t unfinished_count() const;
  uint64_t failed_notice_count() const;
  // With those that the plan, not the journal's run, has held: each once.
  uint64_t all_held_count() const;
  uint64_t held_notice_count() const;
  // The same actions and messages.
  std::map<std::string, HeldCount> HeldByReason() const;
};

// Indented JSON with a line break at its end.
std::string EncodeApplyReport(const ApplyReport& report);
// For a person; `max_rows` of each listing.
std::string FormatApplyReport(const ApplyReport& report, size_t max_rows = 50);

}  // namespace rescind
