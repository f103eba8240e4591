#include "runtime/journal/journal.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "engine/base/assert.h"
#include "runtime/journal/journal_keys.h"
#include "runtime/journal/stage_outcomes.h"

namespace rescind {
namespace {

constexpr size_t kPlanBatchSteps = 500;

bool HasBegun(ActionState state) { return IsInFlight(state); }
bool IsDone(ActionState state) {
  return state == ActionState::kVerified || state == ActionState::kCompensated;
}

void RenewRetryTime(JournalEntry& entry) {
  entry.retry_until.reset();
  entry.retry_at.reset();
}

std::string EncodeWanted(const JournalEntry& entry) {
  return fmt::format("{} {}", entry.action.episode, entry.action.key);
}

// The action's key in what EncodeWanted wrote.
std::string WantedActionKey(std::string_view bytes) {
  return std::string(bytes.substr(bytes.find(' ') + 1));
}

void PutStep(const JournalStep& step, KeyValueBatch& batch) {
  const JournalEntry& entry = step.entry;
  const std::string& key = entry.action.key;
  const bool is_done = IsTerminal(entry.state);
  batch.Put(JournalKey(is_done ? kDonePrefix : kOpenPrefix, key), EncodeEntry(entry));
  batch.Delete(JournalKey(is_done ? kOpenPrefix : kDonePrefix, key));
  if (NeedsPerson(entry)) {
    batch.Put(JournalKey(kEscalatedPrefix, key), "");
  } else if (step.from == ActionState::kEscalated || step.ends_failure) {
    batch.Delete(JournalKey(kEscalatedPrefix, key));
  }
  if (is_done) {
    // Of one that is planned again these stay: its record says where it lies.
    for (const ActionReason& reason : entry.action.reasons) {
      batch.Put(fmt::format("{}{}/{}", kOfFindingPrefix, reason.finding_id, key), "");
    }
  }
  if (step.from == ActionState::kPlanned) {
    batch.Put(JournalKey(kWantedPrefix, entry.wanted_key), EncodeWanted(entry));
  }
  for (const std::string& name : entry.rollback_groups) {
    const std::string group = GroupName(name);
    if (step.is_described) batch.Put(fmt::format("{}{}/{}", kGroupPrefix, group, key), "");
    if (step.ends_rollback) batch.Delete(JournalKey(kRollbackPrefix, group));
  }
  for (const std::string& name : step.starts_rollback) {
    batch.Put(JournalKey(kRollbackPrefix, GroupName(name)), name);
  }
}

// Who has let it go, and what becomes of it when that fails.
void TakeTerms(const StageTerms& terms, JournalEntry& entry) {
  entry.rollback_groups = terms.rollback_groups;
  entry.on_failure = terms.on_failure;
}

void Describe(const ActionRequest& request, const StageTerms& terms, JournalEntry& entry) {
  entry.action = request.action;
  entry.wanted_key = request.wanted_key;
  entry.account = request.account;
  entry.order = request.order;
  TakeTerms(terms, entry);
  entry.retry_for = request.retry_for;
  entry.escalate_to = request.escalate_to;
  entry.due = request.due;
}

// Nobody need look any more at why it was given up.
void EndFailure(JournalStep& step) {
  step.ends_failure |= step.entry.given_up_at.has_value();
  step.entry.given_up_at.reset();
  step.entry.given_up_because.clear();
}

JournalStep StepTo(JournalEntry entry, ActionState to, const std::string& reason, Instant now) {
  JournalStep step;
  step.from = entry.state;
  step.entry = std::move(entry);
  step.entry.state = to;
  step.entry.detail = reason;
  ++step.entry.step_count;
  step.entry.changed_at = now;
  step.outcome = reason;
  return step;
}

JournalStep FailureEnded(JournalEntry entry) {
  JournalStep step;
  step.from = entry.state;
  step.entry = std::move(entry);
  step.is_silent = true;
  EndFailure(step);
  return step;
}

}  // namespace

Result<std::unique_ptr<Journal>> Journal::Open(const KeyValueReader& reader,
                                               TransitionCommitter& committer, Clock& clock) {
  std::unique_ptr<Journal> journal(new Journal(reader, committer, clock));
  Status problem;
  RESCIND_TRY(reader.Scan(kOpenPrefix, "", [&](std::string_view key, std::string_view bytes) {
    Result<JournalEntry> entry = DecodeEntry(bytes);
    if (!entry.ok()) {
      problem = std::move(entry).error().In(fmt::format("{}", key));
      return false;
    }
    journal->open_.emplace(key.substr(kOpenPrefix.size()), *std::move(entry));
    return true;
  }));
  if (!problem.ok()) return problem.error();
  RESCIND_ASSIGN(const auto mark, reader.Get(kHasFindings));
  RESCIND_ASSIGN(const auto last, reader.Last(kDonePrefix));
  journal->is_new_ = !mark && !last && journal->open_.empty();
  journal->has_findings_ = mark || journal->is_new_;
  RESCIND_ASSIGN(const auto escalated_mark, reader.Get(kHasEscalated));
  journal->has_escalated_ = escalated_mark.has_value();
  return journal;
}

Status Journal::Take(std::span<const JournalStep> steps, const std::string& trigger,
                     KeyValueBatch batch) {
  if (steps.empty() && batch.empty()) return {};
  // Before the steps, which may be about those very actions.
  if (!has_escalated_) RESCIND_TRY(NoteEscalated(batch));
  std::vector<Transition> transitions;
  for (const JournalStep& step : steps) {
    RESCIND_ASSERT(
        step.is_silent ? step.from == step.entry.state : IsLegalStep(step.from, step.entry.state),
        "no such step in the life of an action");
    PutStep(step, batch);
    if (step.is_silent) continue;
    transitions.push_back({step.entry, step.from, trigger, step.outcome, step.evidence, step.via,
                           step.context, step.seen_use, step.was_known,
                           !step.starts_rollback.empty(), step.is_own_word});
  }
  if (is_new_) batch.Put(kHasFindings, "");
  RESCIND_TRY(committer_.Commit(batch, transitions));
  is_new_ = false;
  has_escalated_ = true;
  for (const JournalStep& step : steps) {
    if (IsTerminal(step.entry.state)) {
      open_.erase(step.entry.action.key);
    } else {
      open_[step.entry.action.key] = step.entry;
    }
  }
  return {};
}

// What a journal of an earlier program has not noted.
Status Journal::NoteEscalated(KeyValueBatch& batch) const {
  batch.Put(kHasEscalated, "");
  if (is_new_) return {};
  return ScanDone([&](const JournalEntry& entry) {
    if (NeedsPerson(entry)) batch.Put(JournalKey(kEscalatedPrefix, entry.action.key), "");
    return true;
  });
}

// The step that brings an action to where the plan wants it.
JournalStep Journal::StepFor(const ActionRequest& request, const StageTerms& terms,
                             std::optional<JournalEntry> known, Instant now, PlanReport& report) {
  JournalStep step;
  step.context = request.context;
  step.outcome = request.because;
  if (!known) {
    ++report.planned_count;
    step.entry.planned_at = now;
    step.ends_rollback = true;
  } else {
    step.entry = *std::move(known);
    step.from = step.entry.state;
    ++(IsTerminal(step.from) ? report.reopened_count : report.standing_count);
  }
  if (HasBegun(step.from)) {
    // It is finished as it began; only its reasons are brought up to date, who has let it go, and
    // who hears of it.
    step.entry.action.reasons = request.action.reasons;
    step.entry.escalate_to = request.escalate_to;
    if (step.from != ActionState::kCompensating) TakeTerms(terms, step.entry);
    step.is_described = true;
    step.is_silent = true;
    return step;
  }
  // While it is held, nobody tries.
  if (IsTerminal(step.from) || step.from == ActionState::kHeld) RenewRetryTime(step.entry);
  if (IsTerminal(step.from)) {
    EndUndo(step.entry);
    EndFailure(step);
    step.ends_rollback = true;
  }
  Describe(request, terms, step.entry);
  step.is_described = true;
  step.entry.state = request.start;
  step.entry.detail = request.because;
  step.is_silent = step.from == request.start;
  if (!step.is_silent) {
    ++step.entry.step_count;
    step.entry.changed_at = now;
  }
  return step;
}

Status Journal::DropUndos(const std::set<std::string>& again, const std::set<std::string>& listed,
                          const StageOutcomes& outcomes, Instant now,
                          std::vector<JournalStep>& steps) const {
  RESCIND_ASSIGN(auto undos, ListUndosUnlocked());
  for (JournalEntry& undo : undos) {
    const auto& groups = undo.rollback_groups;
    const bool is_of_these = std::any_of(groups.begin(), groups.end(),
                                         [&](const auto& group) { return again.contains(group); });
    const bool is_planned_again = IsUndoLeft(undo) && listed.contains(undo.action.key);
    if (!is_of_these || is_planned_again || !IsUndoOpen(undo)) continue;
    undo.undo_dropped = true;
    outcomes.Leave(undo);
    undo.undo_failed = false;  // people hear of it when it fails now
    undo.retry_at.reset();
    undo.retry_until = Instant{now.micros + undo.retry_for.micros};
    steps.push_back(StepTo(std::move(undo), ActionState::kCompensating, kCarriedOutAgain, now));
    steps.back().is_own_word = true;
  }
  return {};
}

Status Journal::SettleEpisodeBefore(const ActionRequest& request,
                                    std::vector<JournalStep>& steps) const {
  if (request.action.episode == 1) return {};
  RESCIND_ASSIGN(const auto last, LatestKey(request.wanted_key));
  if (!last) return {};
  RESCIND_ASSIGN(auto before, FindUnlocked(*last));
  const bool was_given_up = before && before->action.key != request.action.key &&
                            before->state == ActionState::kCompensated && NeedsPerson(*before);
  if (was_given_up) steps.push_back(FailureEnded(*std::move(before)));
  return {};
}

Result<PlanReport> Journal::Plan(std::span<const ActionRequest> requests,
                                 const std::string& trigger, const std::set<std::string>& again) {
  const std::lock_guard lock(mutex_);
  const Instant now = clock_.Now();
  PlanReport report;
  std::vector<JournalStep> steps;
  std::set<std::string> keys;    // in `steps`
  std::set<std::string> stages;  // that were looked at for whether they are finished
  KeyValueBatch of_stages;       // rollbacks that end, and what becomes of stages that begin
  StageOutcomes outcomes(reader_);
  const auto flush = [&]() -> Status {
    RESCIND_TRY(Take(steps, trigger, std::exchange(of_stages, {})));
    steps.clear();
    keys.clear();
    return {};
  };
  if (!again.empty()) {
    std::set<std::string> listed;
    for (const ActionRequest& request : requests) listed.insert(request.action.key);
    RESCIND_TRY(outcomes.BeginAnew(again, requests, of_stages));
    RESCIND_TRY(DropUndos(again, listed, outcomes, now, steps));
    for (const JournalStep& step : steps) keys.insert(step.entry.action.key);
    for (const std::string& group : again) {
      of_stages.Delete(JournalKey(kRollbackPrefix, GroupName(group)));
    }
  }
  for (const ActionRequest& request : requests) {
    RESCIND_ASSERT(request.start == ActionState::kReady || request.start == ActionState::kNotice ||
                       request.start == ActionState::kWaiting ||
                       request.start == ActionState::kHeld,
                   "an action cannot be planned into this state");
    RESCIND_ASSERT(!request.action.key.empty() && !request.wanted_key.empty(),
                   "an action is planned with its keys");
    if (steps.size() >= kPlanBatchSteps || keys.contains(request.action.key)) RESCIND_TRY(flush());
    RESCIND_ASSIGN(auto known, FindUnlocked(request.action.key));
    if (known && IsDone(known->state)) {
      ++report.done_count;
      continue;
    }
    const bool begins = !known || IsTerminal(known->state);
    RESCIND_ASSIGN(const StageTerms terms, outcomes.TermsOf(request, begins, of_stages));
    for (const std::string& stage : terms.rollback_groups) {
      if (!begins || !stages.insert(stage).second) continue;
      RESCIND_TRY(EndFinishedStage(stage, outcomes, steps));
    }
    JournalStep step = StepFor(request, terms, std::move(known), now, report);
    if (step.from == ActionState::kPlanned) RESCIND_TRY(SettleEpisodeBefore(request, steps));
    keys.insert(request.action.key);
    steps.push_back(std::move(step));
  }
  RESCIND_TRY(flush());
  return report;
}

Status Journal::Move(const std::string& key, ActionState to, const std::string& reason,
                     const std::string& trigger) {
  const std::lock_guard lock(mutex_);
  RESCIND_ASSIGN(JournalEntry entry, FindKnown(key));
  if (HasBegun(entry.state)) {
    return Error{ErrorKind::kBusy,
                 fmt::format("action {} has begun ({})", key, ActionStateName(entry.state)),
                 "let it end"};
  }
  const bool gives_up = to == ActionState::kWithdrawn && IsGivenUpUndone(entry);
  if (IsTerminal(entry.state) && !gives_up) {
    return Error{ErrorKind::kStale,
                 fmt::format("action {} is over: {}", key, ActionStateName(entry.state)), ""};
  }
  if (to == ActionState::kReady && entry.state != ActionState::kHeld) {
    return Error{ErrorKind::kStale,
                 fmt::format("action {} is not held: {}", key, ActionStateName(entry.state)),
                 "only held actions are released"};
  }
  if (entry.state == to) return {};
  if (entry.state == ActionState::kHeld) RenewRetryTime(entry);
  const JournalStep step = StepTo(std::move(entry), to, reason, clock_.Now());
  return Take({&step, 1}, trigger);
}

Status Journal::Hold(const std::string& key, const std::string& reason,
                     const std::string& trigger) {
  return Move(key, ActionState::kHeld, reason, trigger);
}

Status Journal::Release(const std::string& key, const std::string& reason,
                        const std::string& trigger) {
  return Move(key, ActionState::kReady, reason, trigger);
}

Status Journal::Withdraw(const std::string& key, const std::string& reason,
                         const std::string& trigger) {
  return Move(key, ActionState::kWithdrawn, reason, trigger);
}

Status Journal::ForgetFailure(const std::string& key, const std::string& trigger) {
  const std::lock_guard lock(mutex_);
  RESCIND_ASSIGN(JournalEntry entry, FindKnown(key));
  if (entry.state != ActionState::kCompensated || !NeedsPerson(entry)) {
    return Error{
        ErrorKind::kStale,
        fmt::format("action {} was not given up and undone: {}", key, ActionStateName(entry.state)),
        ""};
  }
  const JournalStep step = FailureEnded(std::move(entry));
  return Take({&step, 1}, trigger);
}

Status Journal::RetryUndo(const std::string& key, const std::string& reason,
                          const std::string& trigger) {
  const std::lock_guard lock(mutex_);
  RESCIND_ASSIGN(JournalEntry entry, FindKnown(key));
  if (!IsUndoLeft(entry)) {
    return Error{
        ErrorKind::kStale,
        fmt::format("action {} is no undo that failed: {}", key, ActionStateName(entry.state)), ""};
  }
  const Instant now = clock_.Now();
  entry.retry_at.reset();
  entry.retry_until = Instant{now.micros + entry.retry_for.micros};
  const JournalStep step = StepTo(std::move(entry), ActionState::kCompensating, reason, now);
  return Take({&step, 1}, trigger);
}

Result<JournalEntry> Journal::FindKnown(const std::string& key) const {
  RESCIND_ASSIGN(auto entry, FindUnlocked(key));
  if (entry) return *std::move(entry);
  return Error{ErrorKind::kNotFound, fmt::format("there is no action {}", key),
               "`rescind status` lists what is unfinished"};
}

Result<std::optional<JournalEntry>> Journal::FindUnlocked(const std::string& key) const {
  if (const auto open = open_.find(key); open != open_.end()) return std::optional(open->second);
  RESCIND_ASSIGN(const auto bytes, reader_.Get(JournalKey(kDonePrefix, key)));
  if (!bytes) return std::optional<JournalEntry>();
  RESCIND_ASSIGN(JournalEntry entry, DecodeEntry(*bytes));
  return std::optional(std::move(entry));
}

Result<std::optional<JournalEntry>> Journal::Find(const std::string& key) const {
  const std::lock_guard lock(mutex_);
  return FindUnlocked(key);
}

Result<std::optional<std::string>> Journal::LatestKey(const std::string& wanted_key) const {
  RESCIND_ASSIGN(const auto bytes, reader_.Get(JournalKey(kWantedPrefix, wanted_key)));
  return bytes ? std::optional(WantedActionKey(*bytes)) : std::nullopt;
}

Result<std::optional<JournalEntry>> Journal::Latest(const std::string& wanted_key) const {
  // Nearly always nothing, and two threads of a plan ask for every action: nobody waits for that.
  RESCIND_ASSIGN(const auto key, LatestKey(wanted_key));
  if (!key) return std::optional<JournalEntry>();
  const std::lock_guard lock(mutex_);
  return FindUnlocked(*key);
}

uint32_t Journal::EpisodeAfter(const std::optional<JournalEntry>& latest) {
  if (!latest) return 1;
  const bool is_over =
      latest->state == ActionState::kVerified || latest->state == ActionState::kCompensated;
  return latest->action.episode + (is_over ? 1 : 0);
}

Status Journal::List(const std::function<bool(const JournalEntry&)>& take) const {
  const std::lock_guard lock(mutex_);
  for (const auto& [key, entry] : open_) {
    if (!take(entry)) return {};
  }
  return ScanDone(take);
}

Status Journal::ScanDone(const std::function<bool(const JournalEntry&)>& take) const {
  Status problem;
  RESCIND_TRY(reader_.Scan(kDonePrefix, "", [&](std::string_view key, std::string_view bytes) {
    const Result<JournalEntry> entry = DecodeEntry(bytes);
    if (!entry.ok()) {
      problem = Error(entry.error()).In(fmt::format("{}", key));
      return false;
    }
    return take(*entry);
  }));
  return problem;
}

Result<Journal::Touched> Journal::ListTouched() const {
  Touched touched;
  std::vector<JournalEntry> under_way;
  RESCIND_TRY(List([&](const JournalEntry& entry) {
    if (IsTerminal(entry.state)) return false;
    if (HasTouched(entry)) {
      under_way.push_back(entry);
      return true;
    }
    for (const ActionReason& reason : entry.action.reasons) {
      touched.untouched.emplace(reason.finding_id, entry.wanted_key);
      touched.others.try_emplace(reason.finding_id);
    }
    return true;
  }));
  if (touched.untouched.empty()) return touched;
  const auto note = [&](const JournalEntry& entry) {
    if (!HasTouched(entry)) return;
    for (const ActionReason& reason : entry.action.reasons) {
      const auto others = touched.others.find(reason.finding_id);
      if (others != touched.others.end()) others->second.insert(entry.wanted_key);
    }
  };
  std::for_each(under_way.begin(), under_way.end(), note);
  if (!has_findings_) {
    RESCIND_TRY(ScanDone([&](const JournalEntry& entry) {
      note(entry);
      return true;
    }));
  } else {
    std::vector<std::string> findings;
    for (const auto& [finding, keys] : touched.others) findings.push_back(finding);
    for (const std::string& finding : findings) {
      RESCIND_ASSIGN(const auto over, ListOver(finding));
      std::for_each(over.begin(), over.end(), note);
    }
  }
  std::erase_if(touched.others, [](const auto& finding) { return finding.second.empty(); });
  return touched;
}

Result<std::vector<JournalEntry>> Journal::ListOver(const std::string& finding_id) const {
  const std::lock_guard lock(mutex_);
  return ListNoted(fmt::format("{}{}/", kOfFindingPrefix, finding_id));
}

Result<std::vector<JournalEntry>> Journal::ListNoted(std::string_view prefix) const {
  std::vector<std::string> keys;
  RESCIND_TRY(reader_.Scan(prefix, "", [&](std::string_view key, std::string_view) {
    keys.emplace_back(key.substr(prefix.size()));
    return true;
  }));
  std::vector<JournalEntry> noted;
  for (const std::string& key : keys) {
    RESCIND_ASSIGN(auto entry, FindUnlocked(key));
    // INVARIANT: actions are never forgotten.
    RESCIND_ASSERT(entry, "an action that was noted is not in the journal");
    noted.push_back(*std::move(entry));
  }
  return noted;
}

Result<std::vector<JournalEntry>> Journal::ListEscalated() const {
  const std::lock_guard lock(mutex_);
  return ListEscalatedUnlocked();
}

Result<std::vector<JournalEntry>> Journal::ListEscalatedUnlocked() const {
  if (has_escalated_) return ListNoted(kEscalatedPrefix);
  std::vector<JournalEntry> escalated;
  for (const auto& [key, entry] : open_) {
    if (NeedsPerson(entry)) escalated.push_back(entry);
  }
  RESCIND_TRY(ScanDone([&](const JournalEntry& entry) {
    if (NeedsPerson(entry)) escalated.push_back(entry);
    return true;
  }));
  return escalated;
}

Result<std::vector<JournalEntry>> Journal::ListUndos() const {
  const std::lock_guard lock(mutex_);
  return ListUndosUnlocked();
}

Result<std::vector<JournalEntry>> Journal::ListUndosUnlocked() const {
  std::vector<JournalEntry> undos;
  for (const auto& [key, entry] : open_) {
    if (entry.state == ActionState::kCompensating) undos.push_back(entry);
  }
  RESCIND_ASSIGN(auto escalated, ListEscalatedUnlocked());
  for (JournalEntry& entry : escalated) {
    if (IsUndoLeft(entry)) undos.push_back(std::move(entry));
  }
  return undos;
}

Result<std::set<std::string>> Journal::ListRolledBack() const {
  std::set<std::string> stages;
  RESCIND_TRY(reader_.Scan(kRollbackPrefix, "", [&](std::string_view, std::string_view stage) {
    stages.emplace(stage);
    return true;
  }));
  return stages;
}

bool Journal::IsNew() const {
  const std::lock_guard lock(mutex_);
  return is_new_;
}

uint64_t Journal::RunnableCount() const {
  const std::lock_guard lock(mutex_);
  uint64_t count = 0;
  for (const auto& [key, entry] : open_) count += IsRunnable(entry.state) ? 1 : 0;
  return count;
}

uint64_t Journal::InFlightCount() const {
  const std::lock_guard lock(mutex_);
  uint64_t count = 0;
  for (const auto& [key, entry] : open_) count += IsInFlight(entry.state) ? 1 : 0;
  return count;
}

}  // namespace rescind
