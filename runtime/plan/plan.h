// Plan: what the policies would remove now, why, and what they leave alone.
//
// Made by PlanActions (planner.h) from conclusions and findings, written and read as
// `rescind.plan/1` (plan_json.h), shown by plan_table.h, plan_csv.h and plan_html.h. A plan is a
// selection, not an authority: `apply` derives every conclusion again. Plain data.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/instant.h"
#include "runtime/plan/action.h"

namespace rescind {

// What an action waits for. Written to plan files by name (ActionStatusName).
enum class ActionStatus : uint8_t {
  kReady = 1,   // apply would do it now
  kNotice = 2,  // a later stage: due lies ahead
  kHeld = 3,    // a limit, an approval, a stale feed or a missing executor holds it
};

// Of several claims on an action the one with the least rank decides, and of those the earliest:
// ready when any is; else held when one is due, whoever else gives notice; else in notice.
int ReadinessRank(ActionStatus status);
std::string_view ActionStatusName(ActionStatus status);
std::optional<ActionStatus> ParseActionStatus(std::string_view name);

// One fact that a conclusion rests on.
struct Evidence {
  std::string path;       // "g.last_used"; of a collection's member "grant g2: entitlement"
  std::string value;      // as the language writes it; "unknown" when it is
  std::string source;     // the feed that said so; empty when nobody did
  bool personal = false;  // personal_data.h; not in the file of a plan
  auto operator<=>(const Evidence&) const = default;
};

// One policy's claim on a planned action, as seen by the reader of the plan.
struct PlannedReason {
  std::string policy;  // "access.stale.stale_grant"
  std::string title;
  std::string judged_entity;  // the finding's row
  std::string judged_id;
  std::string because;
  std::string source_line;  // "policies/stale.rescind:11"
  std::vector<std::string> controls;
  Severity severity = Severity::kMedium;
  uint32_t stage = 0;
  Instant opened_at;
  Instant due;
  std::vector<Evidence> evidence;
  // Of this claim alone, where the action is ready when any is. Empty where it is the only one. Not
  // written: a plan that is read has what they come to for the policies that it shows.
  ActionStatus status = ActionStatus::kReady;
  std::string held_because;
};

// The people and places that roll-ups count.
struct PlannedSubject {
  std::string person;      // id of the identity behind the target; empty when nobody
  std::string department;  // of that person; empty when unknown
  bool privileged = false;
};

// How an action relates to the plan that this one is compared with.
enum class Change : uint8_t {
  kNew = 1,
  kStanding = 2,
};

// An action that an earlier run gave up: a person must act. `apply --auto` leaves it alone; a plan
// that lists it is a person's decision, and applying it tries again.
struct Escalation {
  Instant since;
  std::string error;   // what its system last said
  std::string remedy;  // what to do
};

// A ready or held action of a stage that was rolled back, which was one transaction. `apply --auto`
// leaves it alone like one that was given up, whatever holds it besides.
struct LeftAction {
  std::string because;
  std::string remedy;  // what to do
};

// Access that an earlier action took away, verified, and that has come back since.
struct EarlierRemoval {
  Instant at;              // of the verification
  std::string action_key;  // of that action
};

struct PlannedAction {
  Action action;
  std::optional<Change> change;  // absent when there is no plan to compare with
  ActionStatus status = ActionStatus::kReady;
  // kHeld: the plain reason. kNotice: what it waits for, so that `due` is Never(), or what will
  // hold it then.
  std::string held_because;
  Instant due;
  bool reversible = false;
  std::optional<Escalation> escalated;
  std::optional<LeftAction> left;           // never of one that is escalated
  std::optional<EarlierRemoval> came_back;  // absent: nothing of ours removed it before
  PlannedSubject subject;
  std::vector<PlannedReason> reasons;  // sorted by policy, judged id, stage; never empty
};

// What an action waits for.
struct Readiness {
  ActionStatus status = ActionStatus::kReady;
  Instant due;
  std::string held_because;
};

// As far as these policies alone let it go; nothing: none of them asks for it. No policies: all
// count. Of a plan that was just made.
std::optional<Readiness> ReadinessFor(const PlannedAction& planned,
                                      const std::vector<std::string>& policies);

// All that a plan which is only shown keeps of an action beyond those that it lists.
struct UnlistedAction {
  ActionStatus status = ActionStatus::kReady;
  std::string wanted_key;        // for comparison; empty when there is none to come
  std::optional<Change> change;  // as in PlannedAction
};

// How a recipient begins that is a person and no channel; the identity's id follows.
inline constexpr std::string_view kIdentityRecipient = "identity:";

// A message that goes with a stage. Never merged across findings.
struct PlannedNotice {
  std::string policy;
  std::string finding_id;
  std::string judged_entity;
  std::string judged_id;
  uint32_t stage = 0;
  Instant due;
  ActionStatus status = ActionStatus::kReady;
  std::string held_because;
  std::vector<std::string> recipients;  // channel names or "identity:ID"; the workspace's oncall
                                        // when nobody has an address
  std::string because;
  std::string alarm;  // "not done within 4h"; empty for a message of a stage
};

// Why a match, or a row that could not be judged, leads to no action.
enum class NotActedReason : uint8_t {
  kProtected = 1,
  kExempt = 2,
  kInsufficientData = 3,
  kObserve = 4,
  kEvaluationError = 5,
  kUndecidedProtect = 6,  // whether a protect covers it is not known
};

std::string_view NotActedReasonName(NotActedReason reason);   // "insufficient_data"
std::string_view NotActedReasonWords(NotActedReason reason);  // "insufficient data", for people
std::optional<NotActedReason> ParseNotActedReason(std::string_view name);

struct NotActedOn {
  std::string entity;
  std::string target;
  std::string policy;
  NotActedReason reason = NotActedReason::kProtected;
  std::string by;      // the protect's or exemption's name; empty otherwise
  std::string detail;  // a sentence for people
  auto operator<=>(const NotActedOn&) const = default;
};

// What a stage that was rolled back had removed, and what is being given back, or could not be.
struct PlannedUndo {
  std::string action_key;  // of what is undone
  Verb verb = Verb::kDisable;
  std::string entity;
  std::string target;
  std::string system;
  std::vector<std::string> policies;
  bool failed = false;  // it is left to a person
  Instant since;
  std::string error;   // what its system last said
  std::string effect;  // what applying the plan does about it: a sentence
};

// One policy's row in the verdict: what it matched and what its limit says.
struct PolicySummary {
  std::string policy;
  std::string title;
  Severity severity = Severity::kMedium;
  bool enforced = false;
  uint64_t judged_count = 0;
  uint64_t match_count = 0;
  uint64_t insufficient_count = 0;
  uint64_t error_count = 0;  // rows that could not be evaluated: then the policy is degraded
  uint64_t removal_count = 0;
  std::string limit;  // "5% of grant: 12 of at most 40"; empty when none applies
  bool over_limit = false;
  std::string limit_ahead;  // that what is in notice will be held by it; empty when it will not
  // Which announced dates come nearer when this plan is confirmed; empty when none does.
  std::string confirming;
  // Enforced, and nobody has confirmed it: "the policy is new", "the protect x was changed or is
  // gone". Empty: it is confirmed.
  std::string unconfirmed_because;
  std::string held_because;  // the whole policy is held: stale feed, closed world, limit
};

struct FeedAge {
  std::string source;
  std::string entity;
  std::optional<Instant> observed_at;  // nothing received yet when absent
  std::optional<Duration> max_age;
  bool stale = false;
};

// policy × system × department × privilege, as `count of population`.
struct RollUp {
  std::string policy;
  std::string system;
  std::string department;
  bool privileged = false;
  uint64_t count = 0;
  uint64_t population = 0;
};

// An action of the earlier plan that this one no longer holds.
struct EarlierAction {
  std::string key;  // WantedStateKey: the same across episodes
  Verb verb = Verb::kDisable;
  std::string entity;
  std::string target;
  std::string system;
  std::string policy;
  auto operator<=>(const EarlierAction&) const = default;
};

// One whose match may stand, but that is not acted on now: see not_acted_on.
struct LeftAloneAction {
  EarlierAction action;
  NotActedReason reason = NotActedReason::kProtected;
  std::string by;  // as in NotActedOn
  auto operator<=>(const LeftAloneAction&) const = default;
};

struct PlanDelta {
  std::string against;  // "the last plan applied (sha256:…)"; empty when there is none
  // Not with an earlier plan, but with what other policies ask for of the same facts.
  bool other_policies = false;
  uint64_t new_count = 0;
  uint64_t standing_count = 0;
  std::vector<EarlierAction> resolved;      // done, or no policy asks for it any more
  std::vector<LeftAloneAction> left_alone;  // protected, exempt, not to be judged, only observed
};

struct PlanSummary {
  uint64_t action_count = 0;
  uint64_t ready_count = 0;
  uint64_t notice_count = 0;
  uint64_t held_count = 0;
  uint64_t escalated_count = 0;  // of any status
  uint64_t left_count = 0;
  uint64_t person_count = 0;
  uint64_t system_count = 0;
  uint64_t protected_count = 0;
  uint64_t exempt_count = 0;
  uint64_t insufficient_count = 0;
};

struct Plan {
  std::string id;  // "sha256:…" over the canonical JSON without it; set by SealPlan
  Instant as_of;
  uint64_t facts_seq = 0;
  uint64_t store_epoch = 0;
  std::string store_id;
  std::string policies_hash;  // "sha256:…" of everything that gives the policies their meaning
  bool applicable = true;
  std::string not_applicable_because;
  bool cold_start = false;
  std::vector<std::string> filter_policies;  // --policy
  std::string filter_person;                 // --person
  PlanSummary summary;
  std::vector<PolicySummary> policies;
  std::vector<FeedAge> feeds;
  std::vector<RollUp> roll_ups;
  std::vector<PlannedAction> actions;  // sorted by severity, policy, target
  // Beyond those. Then the counts of actions, people and systems in `summary` are the planner's,
  // and the plan is never written.
  std::vector<UnlistedAction> unlisted_actions;
  std::vector<PlannedNotice> notices;
  std::vector<NotActedOn> not_acted_on;
  std::vector<PlannedUndo> undos;            // by key
  uint64_t unlisted_insufficient_count = 0;  // rows for lack of data beyond those listed there
  PlanDelta delta;
};

// Puts everything into the order of interfaces.md and counts the summary.
void ArrangePlan(Plan& plan);
// The same, and sets `id`. Of a plan that lists all its actions.
void SealPlan(Plan& plan);

// Would applying do anything, or is something held? What the last plan applied has put into its
// notice period already is no change.
bool HasChanges(const Plan& plan);

// It would start something of policies whose meaning nobody has confirmed: apply needs --confirm.
bool NeedsConfirmation(const Plan& plan);

// "due 2026-04-01T00:00:00Z; it is held then", "waits until …": of what is not due, for people.
std::string NotDueText(Instant due, const std::string& held_because);

// "removed on 2026-04-01T00:00:00Z by action 0123…", for people.
std::string EarlierRemovalText(const EarlierRemoval& removal);

}  // namespace rescind
