// PlanActions: from what the sweep found to the exact list of what would be done, and why.
//
//   sweep + findings ─ stages, targets ─ protect, exempt ─ gates, limits ─ one action a wanted
//   state ─> Plan, the findings afterwards, and the terms under which the journal takes actions
//
// Pure: facts, findings and `now` go in, data come out; it writes nothing and asks no clock. It
// does not know the journal, rescind.toml or executors: all of that comes in as plain data and two
// callbacks. The same input gives the same bytes.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "engine/base/source.h"
#include "engine/eval/sweep.h"
#include "runtime/plan/exemption.h"
#include "runtime/plan/finding_book.h"
#include "runtime/plan/finding_outlook.h"
#include "runtime/plan/plan.h"
#include "runtime/plan/release.h"
#include "runtime/plan/removal_start.h"

namespace rescind {

struct PlannerGuards;

// What the planner reads beside what the program reads. Load facts with this.
ColumnSet PlannerColumns(const ir::Program& program);

// A feed that rescind.toml declares for an entity ([source.X]), or that has delivered for it.
struct FeedStatus {
  std::string source;
  EntityId entity;
  bool declared = true;
  std::optional<Duration> max_age;
  std::optional<Instant> observed_at;           // nothing received yet when absent
  std::optional<Instant> snapshot_observed_at;  // the last complete snapshot
};

// A part of a population ("5%", in millionths), or a number of rows.
struct PlannerShare {
  bool percent = true;
  int64_t amount = 50'000;
};

// Can the system do it, by [target.X]?
struct SystemSupport {
  bool has_target = false;  // there is a [target.X] of that name
  bool can = false;
  bool reversible = false;
};
// Of two threads at once.
using SupportQuery = std::function<SystemSupport(const Action& action)>;

// What the journal knows of one wanted state (action_key.h).
struct ActionHistory {
  uint32_t episode = 1;  // Journal::EpisodeAfter
  // Findings for which its last episode was verified; of a playbook, which facts cannot say whether
  // it was run: any episode.
  std::vector<std::string> done_for;
  std::optional<Escalation> escalated;         // its last episode was given up
  std::optional<EarlierRemoval> removed;       // its last verified episode
  std::optional<Instant> verified_at;          // of its last episode
  std::vector<std::string> escalated_for{};    // findings: of others it says nothing
  std::vector<std::string> given_up_groups{};  // stages that were rolled back when it was given up
  bool untouched = false;  // its last episode was handed over and, as far as is known, did nothing
};
using HistoryQuery = std::function<Result<ActionHistory>(const std::string& wanted_key)>;

struct PlannerOptions {
  std::string store_id;
  uint64_t store_epoch = 0;
  std::string policies_hash;
  std::string oncall;  // where notices without an address go; may be empty
  std::vector<FeedStatus> feeds;
  PlannerShare per_policy;            // for policies that state no share limit
  int64_t removals_per_hour = 200;    // over the whole workspace
  std::vector<Exemption> exemptions;  // ended ones too
  std::vector<Release> releases;
  std::vector<RemovalStart> past_starts;  // of the last day at least
  // `serve`, `apply --auto`: policies that nobody has confirmed are held.
  bool hold_unconfirmed = false;
  // What is applied is a plan of these alone: whoever confirms it has seen no others, which are
  // held while nobody has confirmed them, released or not. Absent: all.
  std::optional<std::set<std::string>> read_policies{};
  // Not empty: everything that removes is held for this reason (the clock jumped, …).
  std::string hold_everything_because;
  // `serve`: a limit "per run" rolls over an hour.
  bool continuous = false;
  // Somebody undoes `suspend` when the match ends; without, it is held.
  bool can_undo_suspend = false;
  // Shown only; limits and gates see everything. Empty: no filter.
  std::vector<std::string> filter_policies;
  std::string filter_person;
  // Actions that are described: the first in the order of a sealed plan. Of the others the plan has
  // no more than Plan::unlisted_actions: it is only shown, and has no terms, starts and
  // announcements. Absent: all, as everything needs that keeps a plan or acts on it.
  std::optional<size_t> listed_actions;
  bool key_unlisted = false;  // they are compared with another plan
  // Rows listed as insufficient data or observed, a policy; the counts are always whole.
  uint64_t listed_rows = 10'000;
  // From so many of one entity on, two threads make the plan.
  uint64_t many_matches = 1'000;
  // Actions (finding, wanted state) that an earlier run has handed over and of which nothing has
  // happened yet: their gates are asked again, unless something has happened of `touched`, by
  // finding, that is of their stage or was let go with them.
  std::set<std::pair<std::string, std::string>> untouched;
  std::map<std::string, std::set<std::string>> touched{};
  // Findings of which an action is being undone, or could not be: they are not over.
  std::set<std::string> being_undone{};
  // Stages (NameOfStage) that were rolled back and that nobody has had carried out again; those
  // that are not all given back yet; and findings of actions that were given up with their stage
  // (ActionHistory::given_up_groups).
  std::set<std::string> stages_rolled_back{};
  std::set<std::string> stages_being_undone{};
  std::set<std::string> given_up_for{};
  // Why nobody would get a notice for that recipient; empty when somebody would. Absent: somebody.
  std::function<std::string(const std::string& recipient)> unreachable;
  // Systems whose target can run a playbook, ascending: where one is run on a row that lives in no
  // system. Absent: none.
  std::function<std::vector<std::string>(const std::string& playbook)> runs_playbook;
  SupportQuery support;                // absent: every system can do everything, irreversibly
  HistoryQuery history;                // absent: nothing was ever done
  const SourceMap* sources = nullptr;  // for "policies/stale.rescind:11"; may be null
};

// How the journal takes one action. By Action::key.
struct ActionTerms {
  std::string wanted_key;
  std::string account;  // actions on one account run one after the other; empty: bound to nothing
  uint32_t order = 0;   // among those
  // Names (NameOfStage) of the stages that let it go now; of those among them that are rolled
  // back when one of their actions fails.
  std::vector<std::string> ready_stages;
  std::vector<std::string> rollback_groups;  // ascending
  bool rollback = false;  // all that let it go are; so it is undone once each of them is
  Duration retry_for{24 * kMicrosPerHour};
  std::vector<std::string> escalate_to;  // channels, "identity:ID"
};

// A stage that begins once one of its actions is handed over or its notice is sent.
struct StageStart {
  std::string policy;
  RowId row;
  RemovalStart start;                    // action_count counts what would start now
  bool begun = false;                    // before this plan
  bool removes = false;                  // some action is ready
  bool notifies = false;                 // some notice is ready
  std::vector<std::string> action_keys;  // of the ready actions
  // Of those that nobody has let go before, by key: what the finding remembers once they are
  // handed over.
  std::map<std::string, StageAction> starting;
  // Of those, what another finding has let go before and is running: the workspace's cap has
  // counted it.
  std::set<std::string> running;
  std::vector<std::string> recipients;  // of the ready notices
};

// It is over when something starts under it.
struct UsedRelease {
  std::string id;
  std::string policy;  // empty: of the whole workspace
  auto operator<=>(const UsedRelease&) const = default;
};

// An open finding that is resolved once these actions are verified and these notices sent.
struct FindingEnd {
  std::string policy;
  RowId row;
  std::string finding_id;
  std::vector<std::string> action_keys;
  std::vector<uint32_t> notices;  // stages
};

// Actions and notices of the plan that are held for the same reason.
struct HeldActions {
  std::string because;  // as in PlannedAction
  uint64_t count = 0;
  std::set<std::string> policies;
  uint64_t notice_count = 0;
  bool operator==(const HeldActions&) const = default;
};

// Of a stage that was rolled back, what is due of it.
struct LeftPart {
  std::string key;           // of the action
  std::string held_because;  // empty: it is ready
};

struct PlanOutcome {
  Plan plan;                                           // compare it, then SealPlan (or ArrangePlan)
  FindingBook findings;                                // advanced; no stage of this plan begun yet
  std::vector<FindingTransition> transitions;          // all but standing ones
  std::unordered_map<std::string, ActionTerms> terms;  // by Action::key
  std::vector<HeldActions> held;                       // by reason; listed in the plan or not
  std::vector<HeldActions> left;                       // likewise of PlannedAction::left
  std::set<std::string> left_stages;                   // by which they are
  std::map<std::string, std::vector<LeftPart>> left_parts;  // of these, shown or not
  std::vector<StageStart> starts;  // of everything ready, filtered out or not
  std::vector<FindingEnd> ends;    // of what is ready, likewise
  // What comes next and when, for the message of a notice. By finding id.
  std::map<std::string, std::string> announcements;
  // What is left of those that are late, and since when, for the message of an alarm. Likewise.
  std::map<std::string, std::string> overdue;
  std::vector<UsedRelease> used_releases;  // without them more would be held
  // Enforced policies that the plan shows and whose meaning nobody has confirmed: who confirms the
  // plan confirms them. (Not when it shows one person only: confirm nothing then.)
  std::vector<std::string> unconfirmed;
  std::vector<std::string> confirming_releases;  // their one use is confirmed_by_release
  std::vector<std::string> confirmed_by_release;
  std::vector<Release> releases;           // of PlannerOptions, all but these:
  std::vector<Release> outdated_releases;  // of policies that were edited since
  // The first later instant at which time alone changes the plan: a stage falls due, an exemption
  // ends. (When a match begins or ends is the sweep's to say.)
  Instant next_due = Instant::Never();
};

// `sweep` has judged every rule of the program at input.now. `previous` is what the store holds.
// What the options say of a policy under the name that it was renamed from is said of the policy.
// `guards`: of whoever plans again and again and keeps them; null: they are made of sweep and
// options. Errors: the store or the journal could not be read.
Result<PlanOutcome> PlanActions(const eval::EvaluationInput& input, const eval::SweepResult& sweep,
                                const FindingBook& previous, PlannerOptions options,
                                PlannerGuards* guards = nullptr);

// Of every finding of an enforced policy that the book and the sweep have between them, as
// PlanActions would see it; by rule, row. Errors: as there.
Result<std::vector<FindingOutlook>> LookAhead(const eval::EvaluationInput& input,
                                              const eval::SweepResult& sweep,
                                              const FindingBook& previous, PlannerOptions options,
                                              PlannerGuards* guards = nullptr);

// What was really handed over.
struct AppliedSelection {
  bool everything_ready = false;
  std::set<std::string> action_keys;  // taken by the journal
  // Notices sent, as finding id and stage.
  std::set<std::pair<std::string, uint32_t>> notices;
  // A person has confirmed the plan: these policies' meanings are confirmed with it.
  std::set<std::string> confirmed_policies;
  // As in PlannerOptions: releases of what the plan did not show wait on.
  std::vector<std::string> filter_policies;
  std::string filter_person;
};

struct AppliedRecord {
  // All findings, begun stages, what limits count from now on, releases that are over.
  KeyValueBatch batch;
  // Those of them by which something started, and those that were taken for a confirmation.
  std::vector<Release> used_releases;
  std::vector<Release> confirming_releases;
  // Those that nothing was held without.
  std::vector<Release> unneeded_releases;
  std::vector<Release> expired_releases;
  std::vector<Release> outdated_releases;
};

// What an applied plan writes. A release is over when something starts under it, and when a plan
// that it could have let go was applied and needed it not. `previous` is the same book as above.
// Commit it after the journal has taken the actions: should the process die between the two,
// planning again finds the same keys.
AppliedRecord RecordApplied(const eval::EvaluationInput& input, const FindingBook& previous,
                            PlanOutcome outcome, const AppliedSelection& selection);

// Of the findings whose last action an apply has verified nothing is left: they are resolved, as
// the store holds them, and whatever their policies ask for from now on, of the same rows, is a new
// finding with a notice of its own. `verified`: keys of actions; `sent`: notices, as finding id and
// stage. Returns how many those are. Errors: a record could not be read.
Result<uint64_t> ResolveFindings(const KeyValueReader& reader, const std::vector<FindingEnd>& ends,
                                 const std::set<std::string>& verified,
                                 const std::set<std::pair<std::string, uint32_t>>& sent,
                                 KeyValueBatch& batch);

}  // namespace rescind
