#include "runtime/service/apply_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "engine/base/assert.h"
#include "runtime/plan/plan_delta.h"
#include "runtime/plan/plan_table.h"
#include "runtime/plan/policy_renames.h"
#include "runtime/service/apply_work.h"
#include "runtime/service/audit_desk.h"
#include "runtime/service/derived_report.h"
#include "runtime/service/held_log.h"
#include "runtime/service/left_actions.h"
#include "runtime/service/release_entry.h"
#include "runtime/service/unconfirmed_policies.h"

namespace rescind {
namespace {

constexpr uint32_t kMostThreads = 8;

// The store refused while systems were being changed.
Error CutOff(Error error) {
  error.message += fmt::format("; {}", kCutOffMeans);
  error.help += fmt::format(". {}", kCutOffRemedy);
  return error;
}

// The same, when all was done and recorded.
Error CutOffAtEnd(Error error) {
  error.message += "; what is listed was carried out and is recorded, but not that the run ended";
  error.help += ". The next run signs the audit log over it";
  return error;
}

// Those of which what failed itself is none.
uint64_t CountLeft(const PlanOutcome& outcome) {
  uint64_t count = 0;
  for (const HeldActions& left : outcome.left) count += left.count;
  return count;
}

}  // namespace

AppliedAction AppliedOf(const JournalEntry& entry) {
  AppliedAction applied;
  applied.key = entry.action.key;
  applied.verb = VerbName(entry.action.verb);
  applied.entity = entry.action.target.entity;
  applied.target = entry.action.target.id;
  applied.system = entry.action.target.system;
  if (!entry.action.reasons.empty()) applied.policy = entry.action.reasons.front().policy;
  applied.state = entry.state;
  applied.detail = entry.detail;
  if (entry.given_up_at) applied.given_up_because = entry.given_up_because;
  return applied;
}

ApplyRun::ApplyRun(Pipeline& pipeline, ActionLedger& ledger, ProcessRunner& processes,
                   ApplyVoice voice)
    : pipeline_(pipeline),
      ledger_(ledger),
      sender_(pipeline.workspace(), processes),
      voice_(std::move(voice)) {
  ledger_.recorder().OnTransition({});
  ledger_.recorder().OnCommit({});
}

void ApplyRun::Tell(const std::string& line) const {
  if (voice_.tell) voice_.tell(line);
}
void ApplyRun::Warn(const std::string& line) const {
  if (voice_.warn) voice_.warn(line);
}

// A clock that nobody vouches for decides nothing, and is not remembered either.
Result<std::optional<ConfirmationWanted>> ApplyRun::TrustClock(Work& work) {
  RESCIND_ASSIGN(const ClockDoubt doubt, pipeline_.DoubtClock());
  if (!doubt.behind.empty()) Warn(doubt.behind);
  if (doubt.leap.empty()) return std::optional<ConfirmationWanted>();
  RESCIND_TRY(AlarmOfLeap(work.notices, doubt));
  return std::optional(ConfirmationWanted{doubt.leap, "", kTrustClockCommand});
}

Status ApplyRun::AlarmOfLeap(NoticeRound& notices, const ClockDoubt& doubt) {
  const std::string& oncall = pipeline_.workspace().oncall;
  if (oncall.empty()) return {};
  RESCIND_TRY(notices.SendClockLeap(doubt.leap, doubt.last_evaluation, oncall));
  if (notices.log().empty()) return {};  // it has been told before
  const AppliedNotice& notice = notices.log().front();
  if (notice.channel.empty()) {
    Warn(fmt::format("{} could not be told: {}", oncall, notice.problem));
  }
  return SignLog(pipeline_.store(), ledger_.audit());
}

Status ApplyRun::DeriveFor(const ApplyRequest& request, Work& work) {
  DeriveOptions options;
  options.hold_unconfirmed = !request.plan;
  options.continuous = request.continuous;
  options.read_policies = ReadPolicies(request.plan);
  RESCIND_ASSIGN(work.derivation, pipeline_.Derive(options, ledger_.journal()));
  const Plan& derived = work.outcome().plan;
  if (!request.plan) {
    work.selection = SelectReady(derived);
    LeaveFailedStages(work);
    return {};
  }
  const FactBase& facts = work.derivation->facts;
  const AccessModel model(facts);
  DoneActions done;
  for (const PlannedAction& planned : request.plan->actions) {
    RESCIND_ASSIGN(const auto entry, ledger_.journal().Find(planned.action.key));
    if (!entry || entry->state != ActionState::kVerified) continue;
    RESCIND_ASSIGN(done[planned.action.key], IsThereAgain(facts, model, planned.action));
  }
  work.selection = SelectActions(*request.plan, derived, done);
  KeepStagesWhole(*request.plan, work);
  return {};
}

Result<std::optional<ConfirmationWanted>> ApplyRun::Confirm(const ApplyRequest& request,
                                                            Work& work) {
  using Wanted = std::optional<ConfirmationWanted>;
  RESCIND_ASSIGN(Wanted clock, TrustClock(work));
  if (clock) return clock;
  const std::string id = request.plan ? request.plan->id : work.outcome().plan.id;
  const std::string command =
      request.plan ? fmt::format("rescind apply {} --confirm {}", request.plan_name, id) : "";
  if (!request.confirm.empty() && request.confirm != id) {
    return Wanted({fmt::format("--confirm names another plan: {}", request.confirm), command, ""});
  }
  const size_t removals = work.selection.action_keys.size();
  const std::vector<std::string> unconfirmed = UnconfirmedPolicies(request.plan, work.outcome());
  if (removals + work.selection.notices.size() == 0 && unconfirmed.empty()) return Wanted();
  if (!request.confirm.empty()) return Wanted();
  const auto over = static_cast<size_t>(pipeline_.workspace().limits.confirm_over);
  if (removals > over) {
    return Wanted(
        {fmt::format("{} removals are more than {} ([limits] confirm_over)", removals, over),
         command, ""});
  }
  if (!request.plan) return Wanted();  // what is unconfirmed is held
  if (!unconfirmed.empty()) {
    return Wanted({WhatIsUnconfirmed(unconfirmed, work.outcome().plan), command, ""});
  }
  if (removals == 0) return Wanted();
  const std::string question =
      fmt::format("carry out {} removal{}?", removals, removals == 1 ? "" : "s");
  if (voice_.ask && voice_.ask(question)) return Wanted();
  return Wanted({voice_.ask ? "not confirmed" : "there is no terminal to ask on", command, ""});
}

void ApplyRun::Describe(const ApplyRequest& request, Work& work) const {
  work.report.now = work.derivation->now;
  DescribeDerived(request.plan, work.outcome(), work.selection, work.report);
  for (const auto& [key, why] : work.parts) {
    std::vector<std::string>& reasons = work.report.held_because;
    if (std::find(reasons.begin(), reasons.end(), why) == reasons.end()) reasons.push_back(why);
    work.report.held_actions.emplace(key, why);
  }
  if (!request.plan) work.report.left_count = CountLeft(work.outcome());
  work.report.insufficient_count = work.outcome().plan.summary.insufficient_count;
  for (const PolicySummary& policy : work.outcome().plan.policies) {
    if (policy.error_count == 0) continue;
    work.report.error_count += policy.error_count;
    Warn(fmt::format("{} is degraded: {}", policy.policy, DegradedText(policy)));
  }
}

AuditEvent ApplyRun::StartOf(const Work& work, size_t action_count) const {
  AuditEvent event;
  event.kind = AuditKind::kRunStarted;
  event.at = pipeline_.environment().clock.Now();
  event.trigger = work.trigger;
  event.judged_at = work.derivation->now;
  event.details["policies_hash"] = {pipeline_.policies().policies_hash, false};
  event.details["facts_seq"] = {std::to_string(work.derivation->facts.facts_seq()), false};
  event.details["actions"] = {std::to_string(action_count), false};
  event.details["notices"] = {std::to_string(work.selection.notices.size()), false};
  event.details["findings_opened"] = {std::to_string(work.report.opened_count), false};
  event.details["findings_closed"] = {std::to_string(work.report.closed_count), false};
  if (work.report.insufficient_count > 0) {
    event.details["insufficient_data"] = {std::to_string(work.report.insufficient_count), false};
  }
  if (work.report.error_count > 0) {
    event.details["not_evaluated"] = {std::to_string(work.report.error_count), false};
  }
  event.details["confirmed"] = {work.confirmed ? "yes" : "no", false};
  for (const std::string& policy : work.confirming) {
    AuditPolicy& confirmed = event.policies.emplace_back();
    confirmed.name = policy;
    confirmed.source_hash = MeaningOf(pipeline_.program(), policy);
  }
  return event;
}

// Before a run that stores no news of its own takes its first step.
Status ApplyRun::BeginLog(Work& work, size_t action_count) {
  if (work.logged) return {};
  KeyValueBatch nothing_else;
  RESCIND_TRY(ledger_.recorder().Record({StartOf(work, action_count)}, nothing_else));
  work.logged = true;
  return {};
}

Status ApplyRun::StoreFindings(Work& work) {
  KeyValueBatch batch;
  work.outcome().findings.WriteChanges(work.derivation->previous, batch);
  RESCIND_TRY(
      work.notices.NoteWithdrawn(work.outcome(), work.derivation->facts, ledger_.journal(), batch));
  RESCIND_ASSIGN(const auto renamed, StoreRenames(pipeline_.store().key_values(),
                                                  PolicyRenames(work.derivation->program), batch));
  RESCIND_TRY(DropOldRemovalStarts(pipeline_.store().key_values(), work.derivation->now, batch));
  PutLastEvaluation(batch, work.derivation->now);
  RESCIND_ASSIGN(const HeldNews held,
                 FindHeldNews(work.outcome().plan, work.report, ledger_.journal(),
                              pipeline_.store().key_values()));
  // Policies that are new, gone, edited or renamed: what is known of them is what was decided.
  RESCIND_ASSIGN(const bool decides, ChangesDecisions(pipeline_.store().key_values(), batch));
  std::vector<AuditEvent> events;
  work.logged = !work.selection.action_keys.empty() || !work.selection.notices.empty() ||
                !work.outcome().transitions.empty() || !renamed.empty() || held.is_news() ||
                !work.confirming.empty() || decides;
  if (work.logged) events.push_back(StartOf(work, work.selection.action_keys.size()));
  for (const auto& [before, now] : renamed) {
    std::string& text = events.front().details["renamed"].text;
    text += fmt::format("{}{} to {}", text.empty() ? "" : ", ", before, now);
  }
  RESCIND_TRY(ledger_.recorder().Record(std::move(events), batch));
  const HeldLogContext context{work.derivation->program, pipeline_.store(),
                               ledger_.recorder(),       pipeline_.environment().clock.Now(),
                               work.derivation->now,     work.trigger};
  return LogHeld(held, work.outcome().plan, work.report, context);
}

Status ApplyRun::WithdrawUnasked(Work& work) {
  const auto runs = [&](const std::string& key) {
    return work.everything || work.handed.contains(key);
  };
  RESCIND_ASSIGN(LeftActions left,
                 FindLeftActions(ledger_.journal(), *work.derivation, *work.gate, runs));
  if (!left.unasked.empty()) RESCIND_TRY(BeginLog(work, 0));
  for (const UnaskedAction& unasked : left.unasked) {
    RESCIND_TRY(ledger_.journal().Withdraw(unasked.key, unasked.why, work.trigger));
    RESCIND_ASSIGN(const auto entry, ledger_.journal().Find(unasked.key));
    if (entry) work.report.actions.push_back(AppliedOf(*entry));
  }
  if (!left.forgotten.empty()) RESCIND_TRY(BeginLog(work, 0));
  for (const std::string& key : left.forgotten) {
    RESCIND_TRY(ledger_.journal().ForgetFailure(key, work.trigger));
  }
  work.report.SortActions();
  work.report.left_open_count = left.left_open_count;
  work.adopted = std::move(left.adopted);
  return {};
}

Status ApplyRun::RecordStages(const ApplyRequest& request, Work& work) {
  AppliedSelection selection;
  work.ends = std::move(work.derivation->outcome.ends);
  selection.action_keys = work.handed;
  selection.notices = work.notices.sent();
  selection.confirmed_policies = work.confirming;
  const std::string& id = request.plan ? request.plan->id : work.outcome().plan.id;
  const PlanOutline outline =
      OutlinePlan(work.outcome().plan, fmt::format("the last plan applied ({})", id));
  if (request.plan) {
    selection.filter_policies = request.plan->filter_policies;
    selection.filter_person = request.plan->filter_person;
  }
  RESCIND_TRY(work.notices.NoteUnasked(work.outcome().plan));
  AppliedRecord applied = RecordApplied(work.derivation->input(), work.derivation->previous,
                                        std::move(work.derivation->outcome), selection);
  applied.batch.Put(kOutlineKey, EncodeOutline(outline));
  work.notices.DropRecords(applied.batch);
  return EndReleases(work, applied);
}

// What is confirmed is in the store from here on: the run's first leaf says which policies that
// are.
AuditEvent ApplyRun::ConfirmationOf(const Work& work) const {
  AuditEvent event;
  event.kind = AuditKind::kNote;
  event.at = pipeline_.environment().clock.Now();
  event.trigger = work.trigger;
  event.outcome.text = "noted what policies and protects mean, where the policies are confirmed";
  return event;
}

// Each that is over leaves a leaf, whatever it was good for.
Status ApplyRun::EndReleases(Work& work, AppliedRecord& applied) {
  std::vector<AuditEvent> events;
  const auto add = [&](const std::vector<Release>& releases, const char* why) {
    for (const Release& release : releases) {
      AuditEvent& event =
          events.emplace_back(ReleaseEntry(AuditKind::kReleaseEnded, release, pipeline_.program(),
                                           pipeline_.environment().clock.Now(), work.trigger));
      event.outcome = {why, false};
    }
  };
  add(applied.used_releases, "this run went over the limit by it");
  add(applied.confirming_releases, "this run took it for the confirmation of the policy");
  add(applied.unneeded_releases, "what was applied did not need it");
  add(applied.expired_releases, "its time was over before anything needed it");
  add(applied.outdated_releases, kOutdatedMeans);
  if (events.empty()) {
    RESCIND_ASSIGN(const bool decides,
                   ChangesDecisions(pipeline_.store().key_values(), applied.batch));
    if (decides) events.push_back(ConfirmationOf(work));
  }
  if (!events.empty()) RESCIND_TRY(BeginLog(work, work.handed.size()));
  RESCIND_TRY(ledger_.recorder().Record(std::move(events), applied.batch));
  for (const Release& release : applied.unneeded_releases) {
    Tell(fmt::format("release {} of {} was not needed, and is over", release.id, release.Text()));
  }
  for (const Release& release : applied.outdated_releases) {
    Tell(fmt::format("release {} of {} is over: {}", release.id, release.Text(), kOutdatedMeans));
  }
  return {};
}

void ApplyRun::TellTransition(const Transition& transition) const {
  const JournalEntry& entry = transition.entry;
  const bool is_news = IsTerminal(entry.state) || entry.state == ActionState::kHeld ||
                       entry.state == ActionState::kCompensating ||
                       (entry.state == transition.from && entry.retry_at);
  if (!is_news) return;
  const ActionTarget& target = entry.action.target;
  Tell(fmt::format("{} {} {} on {}: {}{}", VerbName(entry.action.verb), target.entity, target.id,
                   target.system, ActionStateName(entry.state),
                   transition.outcome.empty() ? "" : fmt::format(" ({})", transition.outcome)));
}

Status ApplyRun::RunJournal(Work& work, const ApplyRequest& request) {
  Journal& journal = ledger_.journal();
  std::set<std::string> run_keys = work.handed;
  run_keys.merge(work.adopted);
  if (work.everything ? journal.RunnableCount() == 0 : run_keys.empty()) return {};
  std::set<std::string> systems;
  const Instant now = pipeline_.environment().clock.Now();
  RESCIND_TRY(journal.List([&](const JournalEntry& entry) {
    if (IsTerminal(entry.state)) return false;
    // A person who runs it wants to see it tried; who comes again and again waits for its time.
    if (request.continuous && entry.retry_at && *entry.retry_at > now) {
      run_keys.erase(entry.action.key);
      return true;
    }
    const bool runs =
        IsRunnable(entry.state) && (work.everything || run_keys.contains(entry.action.key));
    if (runs) systems.insert(entry.action.target.system);
    if (runs) run_keys.insert(entry.action.key);
    return true;
  }));
  if (run_keys.empty()) return {};
  RESCIND_TRY(BeginLog(work, run_keys.size()));
  RunOptions options;
  options.trigger = work.trigger;
  options.keys = run_keys;
  options.patience = request.patience;
  options.backoff = request.backoff;
  options.threads = std::clamp<uint32_t>(static_cast<uint32_t>(systems.size()), 1, kMostThreads);
  options.stop = voice_.stop;
  ledger_.recorder().OnTransition([&](const Transition& transition) {
    // What is undone for a stage that fails is none of what was handed over.
    run_keys.insert(transition.entry.action.key);
    TellTransition(transition);
  });
  ledger_.recorder().OnCommit([&](const Transition& transition, KeyValueBatch& batch) {
    return NoteEscalated(work, transition, batch);
  });
  const ServiceEnvironment& environment = pipeline_.environment();
  JournalRun run(journal, pipeline_.runners(), *work.gate, environment.clock, environment.random);
  if (voice_.begin) voice_.begin();
  auto ran = run.Run(options);
  ledger_.recorder().OnTransition({});
  ledger_.recorder().OnCommit({});
  if (!ran.ok()) {
    work.cut_off = CutOff(std::move(ran).error());
    return {};
  }
  work.report.failing_systems = std::move(ran->failing_systems);
  work.report.interrupted = voice_.stop && voice_.stop();
  for (const std::string& key : run_keys) {
    RESCIND_ASSIGN(const auto entry, journal.Find(key));
    if (!entry) continue;
    work.report.actions.push_back(AppliedOf(*entry));
    const auto& groups = entry->rollback_groups;
    const bool is_of_again = std::any_of(groups.begin(), groups.end(), [&](const auto& group) {
      return work.again.contains(group);
    });
    if (is_of_again && entry->state == ActionState::kCompensated) ++work.report.to_do_again_count;
  }
  work.report.SortActions();
  return {};
}

Status ApplyRun::AlarmOfReturns(Work& work) {
  const std::string& oncall = pipeline_.workspace().oncall;
  RESCIND_ASSIGN(const auto returns, work.notices.UntoldReturns(work.outcome().plan));
  if (returns.empty()) return {};
  if (oncall.empty()) {
    Warn(fmt::format("access came back that had been removed: {}, and there is no `oncall` to tell",
                     returns.size() == 1 ? "one action is about it"
                                         : fmt::format("{} actions are about it", returns.size())));
    return {};
  }
  RESCIND_TRY(BeginLog(work, work.selection.action_keys.size()));
  return work.notices.SendReturns(returns, oncall);
}

// What an earlier run could not tell is told by this one.
Status ApplyRun::SendAgain(Work& work) {
  RESCIND_ASSIGN(const auto news, work.notices.UntoldNews());
  if (news.empty()) return {};
  RESCIND_TRY(BeginLog(work, work.selection.action_keys.size()));
  return work.notices.SendAgain(news);
}

// The message is there with the step: killed right after it, the next run sends it.
Status ApplyRun::NoteEscalated(Work& work, const Transition& transition,
                               KeyValueBatch& batch) const {
  const JournalEntry& entry = transition.entry;
  // Given up and to be undone for that: what becomes of the undo is another matter.
  const bool is_given_up = entry.state == ActionState::kCompensating && entry.given_up_at &&
                           transition.from != ActionState::kCompensating;
  const bool is_escalated = entry.state == ActionState::kEscalated && !transition.was_known;
  if (!is_escalated && !is_given_up) return {};
  std::vector<std::string> recipients = entry.escalate_to;
  if (recipients.empty() && !pipeline_.workspace().oncall.empty()) {
    recipients.push_back(pipeline_.workspace().oncall);
  }
  const EscalatedBy by = IsUndoLeft(entry)            ? EscalatedBy::kUndo
                         : transition.starts_rollback ? EscalatedBy::kStage
                                                      : EscalatedBy::kAction;
  return work.notices.NoteEscalated(AppliedOf(entry), by, recipients, batch);
}

Status ApplyRun::Finish(Work& work) {
  RESCIND_TRY(work.notices.SendNoted());
  ApplyReport& report = work.report;
  report.notices = std::move(work.notices.log());
  RESCIND_ASSIGN(const auto with_person, ledger_.journal().ListEscalated());
  report.person_count = with_person.size();
  KeyValueBatch batch;
  PutLastEvaluation(batch, work.derivation->now);
  std::set<std::string> verified;
  for (const AppliedAction& action : report.actions) {
    if (action.state == ActionState::kVerified) verified.insert(action.key);
  }
  RESCIND_TRY(KeepUndone(work));
  RESCIND_ASSIGN(const uint64_t resolved_count,
                 ResolveFindings(pipeline_.store().key_values(), work.ends, verified,
                                 work.notices.sent(), batch));
  report.closed_count += resolved_count;
  if (!report.resumed) PutHeldNotices(report, batch);  // a resumed run plans nothing: holds none
  // INVARIANT: what a run logs stands between its start and its end.
  RESCIND_ASSERT(work.logged || report.notices.empty(), "a notice outside of a logged run");
  if (!work.logged) return ledger_.recorder().Record({}, batch);
  AuditEvent event;
  event.kind = AuditKind::kRunEnded;
  event.at = pipeline_.environment().clock.Now();
  event.trigger = work.trigger;
  const uint64_t given_back = report.CountOf(ActionState::kCompensated);
  event.outcome.text =
      fmt::format("{} verified, {} withdrawn, {} held, {} unfinished{}{}",
                  report.CountOf(ActionState::kVerified), report.CountOf(ActionState::kWithdrawn),
                  report.all_held_count(), report.unfinished_count() + report.left_open_count,
                  given_back == 0 ? "" : fmt::format(", {} given back", given_back),
                  report.interrupted ? ", interrupted" : "");
  event.details["findings_resolved"] = {std::to_string(resolved_count), false};
  AddHeld(report, event);
  RESCIND_TRY(ledger_.recorder().Record({event}, batch));
  RESCIND_ASSIGN(report.checkpoint, CommitCheckpoint(pipeline_.store(), ledger_.audit()));
  return {};
}

Result<ApplyAnswer> ApplyRun::CarryOut(Work& work, const ApplyRequest& request) {
  RESCIND_TRY(RunJournal(work, request));
  if (!work.cut_off) {
    Status finished = Finish(work);
    if (!finished.ok() && work.report.actions.empty()) return std::move(finished).error();
    if (!finished.ok()) work.cut_off = CutOffAtEnd(std::move(finished).error());
  }
  return ApplyAnswer{std::move(work.report), std::nullopt, std::move(work.cut_off)};
}

Result<ApplyAnswer> ApplyRun::Apply(const ApplyRequest& request) {
  if (request.plan) {
    RESCIND_TRY(CheckPlan(*request.plan, pipeline_.store(), pipeline_.policies().policies_hash));
  }
  const std::string trigger =
      request.plan         ? fmt::format("apply {} by {}", request.plan->id, request.actor)
      : request.continuous ? fmt::format("serve by {}", request.actor)
                           : fmt::format("apply --auto by {}", request.actor);
  Work work(pipeline_, ledger_, sender_, trigger);
  work.everything = !request.plan;
  RESCIND_TRY(DeriveFor(request, work));
  work.report.plan_id = request.plan ? request.plan->id : work.outcome().plan.id;
  Describe(request, work);
  ApplyAnswer outcome;
  RESCIND_ASSIGN(outcome.wanted, Confirm(request, work));
  if (outcome.wanted) {
    outcome.report = std::move(work.report);
    return outcome;
  }
  work.confirmed = !request.confirm.empty();
  work.confirming = ConfirmedWith(request.plan, work.confirmed, work.outcome());
  RESCIND_ASSIGN(auto exemptions, ListExemptions(pipeline_.store().key_values()));
  work.gate = std::make_unique<FactGate>(*work.derivation, std::move(exemptions), work.confirming,
                                         ReadPolicies(request.plan), pipeline_.environment().clock);
  RESCIND_TRY(StoreFindings(work));
  RESCIND_TRY(work.notices.SendNoted());
  RESCIND_TRY(AlarmOfReturns(work));
  RESCIND_TRY(SendAgain(work));
  RESCIND_TRY(work.notices.SendPlanned(work.outcome(), work.selection.notices, voice_.stop));
  RESCIND_TRY(HandOver(work, request.plan));
  RESCIND_TRY(RetryFailedUndos(work, request.plan));
  RESCIND_TRY(WithdrawUnasked(work));
  const Instant next_change =
      request.continuous ? NextChangeOf(*work.derivation) : Instant::Never();
  RESCIND_TRY(RecordStages(request, work));
  RESCIND_ASSIGN(outcome, CarryOut(work, request));
  if (request.continuous && !outcome.cut_off) RESCIND_TRY(SetNextLook(next_change, outcome));
  return outcome;
}

Result<ApplyAnswer> ApplyRun::Resume(const std::string& actor, Duration patience) {
  Work work(pipeline_, ledger_, sender_, fmt::format("apply --resume by {}", actor));
  work.everything = true;
  work.report.resumed = true;
  ApplyAnswer outcome;
  RESCIND_ASSIGN(outcome.wanted, TrustClock(work));
  if (outcome.wanted) return outcome;
  DeriveOptions options;
  options.hold_unconfirmed = true;  // what was confirmed when it was handed over still is
  RESCIND_ASSIGN(work.derivation, pipeline_.Derive(options, ledger_.journal()));
  work.report.now = work.derivation->now;
  work.report.left_count = CountLeft(work.outcome());
  work.ends = std::move(work.derivation->outcome.ends);
  work.report.escalated_earlier = SelectReady(work.outcome().plan).escalated;
  std::set<std::string> held_because;
  RESCIND_TRY(ledger_.journal().List([&](const JournalEntry& entry) {
    if (IsRunnable(entry.state)) work.selection.action_keys.insert(entry.action.key);
    if (entry.state == ActionState::kHeld) {
      work.report.held_actions.emplace(entry.action.key, entry.detail);
      held_because.insert(entry.detail);
    }
    return !IsTerminal(entry.state);
  }));
  for (const PlannedAction& planned : work.outcome().plan.actions) {
    if (planned.status != ActionStatus::kHeld) continue;
    work.report.held_actions.emplace(planned.action.key, planned.held_because);
    held_because.insert(planned.held_because);
  }
  work.report.held_because.assign(held_because.begin(), held_because.end());
  RESCIND_ASSIGN(auto exemptions, ListExemptions(pipeline_.store().key_values()));
  work.gate =
      std::make_unique<FactGate>(*work.derivation, std::move(exemptions), std::set<std::string>(),
                                 std::nullopt, pipeline_.environment().clock);
  if (!work.selection.action_keys.empty()) {
    RESCIND_TRY(BeginLog(work, work.selection.action_keys.size()));
    RESCIND_TRY(HandOver(work, std::nullopt));  // for what they rest on now
  }
  RESCIND_TRY(SendAgain(work));
  RESCIND_TRY(RetryFailedUndos(work, std::nullopt));
  ApplyRequest request;
  request.patience = patience;
  return CarryOut(work, request);
}

}  // namespace rescind
