// One action, all well: loaded ready; the gate lets it go; observed, not in the wanted state; ready
// → intent → attempt 1 in one commit; Apply says applied; attempt → applied in a commit; Verify
// says verified; applied → verified in a commit. A wave does each column for up to wave_actions
// actions at once.
//
// may_have_effect is set in the same commit as the attempt, before the executor is called, and is
// taken back when the executor says that nothing happened. Cut off in between, the next run finds
// the flag and observes first: the wanted state is then our own work.
#include "runtime/journal/wave_runner.h"

#include <fmt/format.h>

#include <algorithm>
#include <mutex>

#include "engine/base/assert.h"

namespace rescind {
namespace {

constexpr int64_t kSlowCallMicros = 2 * kMicrosPerSecond;
constexpr const char* kRolledBack = "its stage is rolled back";
constexpr const char* kCannotTell = "the system cannot tell whether it is gone";

}  // namespace

Status WaveRunner::Work(const Schedule::Wave& wave) {
  const auto locked = [&](auto phase) -> Status {
    const std::lock_guard lock(in_.journal.mutex_);
    RESCIND_TRY(phase());
    return TakeSteps();
  };
  const auto phases = [&]() -> Status {
    RESCIND_TRY(locked([&] { return Load(wave); }));
    Observe();
    RESCIND_TRY(locked([&] { return Decide(wave.system); }));
    Act();
    RESCIND_TRY(locked([&] { return Conclude(); }));
    Check();
    return locked([&] { return Settle(); });
  };
  items_.clear();
  steps_.clear();
  health_.Clear();
  Status status = phases();
  const std::lock_guard lock(in_.journal.mutex_);
  state_.schedule.Release(wave);
  return status;
}

// ---- Load -----------------------------------------------------------------------------------

Status WaveRunner::Load(const Schedule::Wave& wave) {
  for (const std::string& key : wave.keys) {
    const auto open = in_.journal.open_.find(key);
    if (open == in_.journal.open_.end() || !IsRunnable(open->second.state)) {
      state_.schedule.Finish(key);  // withdrawn or held meanwhile
      continue;
    }
    LoadItem(open->second);
  }
  for (Item& item : items_) LoadRollingBack(item);
  return {};
}

void WaveRunner::LoadItem(const JournalEntry& entry) {
  Item& item = items_.emplace_back();
  item.entry = entry;
  if (EndsUncalled(item)) return;
  item.runner = in_.runners.Find(entry.action.target.system);
  item.next = entry.state == ActionState::kApplied ? Next::kVerify : Next::kObserve;
  if (item.runner != nullptr) return;
  item.next = Next::kNothing;
  const std::string why = fmt::format(
      "{}no target is configured for the system {}: add "
      "[target.{}] to rescind.toml",
      entry.state == ActionState::kCompensating ? "not undone yet, " : "",
      entry.action.target.system, entry.action.target.system);
  Advance(item, entry.state == ActionState::kReady ? ActionState::kHeld : ActionState::kEscalated,
          why);
}

// A system that was never called for an action need not be asked before the action is withdrawn:
// it may be dead for weeks, and the match has ended now.
bool WaveRunner::EndsUncalled(Item& item) {
  if (item.entry.state != ActionState::kReady || item.entry.attempt_count > 0) return false;
  const GateAnswer answer = in_.gate.Judge(item.entry, nullptr);
  if (answer.kind == GateAnswer::Kind::kGo) return false;
  StandBack(item, answer);
  return true;
}

void WaveRunner::StandBack(Item& item, const GateAnswer& answer) {
  const bool holds = answer.kind == GateAnswer::Kind::kHold;
  Advance(item, holds ? ActionState::kHeld : ActionState::kWithdrawn, answer.reason);
}

bool WaveRunner::IsRollingBack(const JournalEntry& entry) {
  const auto& groups = entry.rollback_groups;
  return entry.state != ActionState::kCompensating &&
         std::any_of(groups.begin(), groups.end(),
                     [&](const auto& group) { return state_.rolling_back.contains(group); }) &&
         !IsWantedByOthers(entry);
}

bool WaveRunner::IsWantedByOthers(const JournalEntry& entry) {
  return in_.gate.JudgeUndo(entry, state_.rolling_back).kind == GateAnswer::Kind::kWithdraw;
}

bool WaveRunner::IsUndoDropped(const JournalEntry& entry) const {
  const auto& groups = entry.rollback_groups;
  const auto stands = [&](const auto& group) { return !state_.rolling_back.contains(group); };
  // Of no group: the stage keeps by now what it has done.
  return entry.undo_dropped &&
         (groups.empty() || std::any_of(groups.begin(), groups.end(), stands));
}

// A stage that is being rolled back begins nothing more and undoes what it has done. What was
// attempted is looked at first: the target says what there is to undo.
void WaveRunner::LoadRollingBack(Item& item) {
  const JournalEntry& entry = item.entry;
  if (item.next == Next::kNothing || !IsRollingBack(entry)) return;
  if (entry.state == ActionState::kApplied) {
    if (!entry.has_effect) return;  // it was so before us: verified, and never undone
    Compensate(item, kRolledBack);
    item.next = Next::kNothing;
  } else if (entry.attempt_count == 0) {
    Advance(item, ActionState::kWithdrawn, kRolledBack).is_own_word = true;
    item.next = Next::kNothing;
  }
}

// ---- Observe and decide ---------------------------------------------------------------------

template <typename Call>
bool WaveRunner::IsSlow(const Call& call) {
  const Instant begin = in_.clock.Now();
  call();
  return in_.clock.Now().micros - begin.micros > kSlowCallMicros;
}

void WaveRunner::Observe() {
  for (Item& item : items_) {
    if (item.next != Next::kObserve) continue;
    if (IsStopped()) return;
    const bool is_slow = IsSlow([&] { item.seen = item.runner->Observe(item.entry.action); });
    const bool is_down = !item.seen->ok() && IsWorthARetry(item.seen->error());
    if (is_slow || is_down) return;  // the others stay where they are, and due
  }
}

// Takes over what changed in the journal meanwhile; false when the action is no longer ours.
bool WaveRunner::Refresh(Item& item) {
  const auto open = in_.journal.open_.find(item.entry.action.key);
  if (open == in_.journal.open_.end() || open->second.step_count != item.entry.step_count) {
    if (open == in_.journal.open_.end() || !IsRunnable(open->second.state)) {
      state_.schedule.Finish(item.entry.action.key);
    }
    item.next = Next::kNothing;
    return false;
  }
  item.entry.action.reasons = open->second.action.reasons;
  return true;
}

// What one target tells of its use may end what was let go before it: nothing begins until nobody
// has news any more.
void WaveRunner::JudgeSeen() {
  const ActionGate& gate = in_.gate;
  for (std::optional<uint64_t> known; known != gate.SeenUseCount();) {
    known = gate.SeenUseCount();
    for (Item& item : items_) {
      if (item.next != Next::kObserve || !item.seen || !item.seen->ok()) continue;
      if (item.entry.state == ActionState::kCompensating || IsFoundDone(item)) continue;
      if (item.answer && item.answer->kind != GateAnswer::Kind::kGo) continue;
      const uint64_t count = gate.SeenUseCount();
      if (item.answer && item.seen_use_count == count) continue;
      item.answer = in_.gate.Judge(item.entry, &**item.seen);
      item.seen_use_count = count;
    }
  }
}

Status WaveRunner::Decide(const std::string& system) {
  for (Item& item : items_) {
    if (item.next == Next::kObserve && (!item.seen || !Refresh(item))) item.next = Next::kNothing;
  }
  JudgeSeen();
  for (Item& item : items_) {
    if (item.next != Next::kObserve) continue;
    item.next = Next::kNothing;
    if (!item.seen->ok()) {
      FailedCall(item, item.seen->error());
      continue;
    }
    LaneWorks(system);
    if (IsRollingBack(item.entry)) {
      DecideRollback(item, **item.seen);
    } else if (item.entry.state == ActionState::kCompensating) {
      DecideUndo(item, **item.seen);
    } else {
      DecideApply(item, **item.seen);
    }
    // Whatever was decided: the next run must know of it.
    if (item.answer && item.answer->seen_use) steps_.back().seen_use = item.answer->seen_use;
  }
  return {};
}

void WaveRunner::DecideApply(Item& item, const Observation& seen) {
  JournalEntry& entry = item.entry;
  if (IsFoundDone(item)) {
    // Whatever has become of its reasons: it is done, and must be known to be done.
    FoundDone(item, seen);
    item.next = Next::kVerify;
    return;
  }
  const GateAnswer& answer = *item.answer;
  if (answer.kind != GateAnswer::Kind::kGo) {
    if (entry.may_have_effect && seen.digest != entry.precondition_digest) {
      Advance(item, ActionState::kEscalated,
              fmt::format("{}; but an earlier attempt may have changed the target in part: {}",
                          answer.reason, seen.summary));
      return;
    }
    entry.may_have_effect = false;
    StandBack(item, answer);
    return;
  }
  if (seen.in_wanted_state) {
    Advance(item, ActionState::kApplied, fmt::format("it was so already: {}", seen.summary));
    item.next = Next::kVerify;
    return;
  }
  BeginAttempt(item, seen);
}

// An earlier attempt, whatever was answered to it, has left the target in the wanted state.
void WaveRunner::FoundDone(Item& item, const Observation& seen) {
  // Where the executor swore that nothing happened, somebody else may have done it: then it is
  // not ours to undo.
  item.entry.has_effect |= item.entry.may_have_effect;
  item.entry.may_have_effect = false;
  Advance(item, ActionState::kApplied,
          fmt::format("found done after attempt {}: {}", item.entry.attempt_count, seen.summary));
}

void WaveRunner::DecideRollback(Item& item, const Observation& seen) {
  JournalEntry& entry = item.entry;
  if (IsFoundDone(item)) {
    FoundDone(item, seen);
    if (entry.has_effect) {
      Compensate(item, kRolledBack);
    } else {
      item.next = Next::kVerify;
    }
    return;
  }
  if (entry.may_have_effect && seen.digest != entry.precondition_digest) {
    Advance(item, ActionState::kEscalated,
            fmt::format("{}; but an attempt may have changed the target in part: {}", kRolledBack,
                        seen.summary));
    return;
  }
  entry.may_have_effect = false;
  Advance(item, ActionState::kWithdrawn, kRolledBack).is_own_word = true;
}

void WaveRunner::BeginAttempt(Item& item, const Observation& seen) {
  JournalEntry& entry = item.entry;
  item.had_doubt = entry.may_have_effect;
  item.current_digest = seen.digest;
  if (!item.had_doubt) {
    // INVARIANT: the preimage is from before the first attempt that may have had an effect.
    entry.preimage = seen.preimage;
    entry.precondition_digest = seen.digest;
  }
  entry.may_have_effect = true;
  entry.retry_at.reset();
  if (!entry.retry_until) entry.retry_until = BudgetEnd(entry);
  if (entry.state == ActionState::kReady) Advance(item, ActionState::kIntent, seen.summary);
  ++entry.attempt_count;
  Advance(item, ActionState::kAttempt, fmt::format("attempt {}", entry.attempt_count)).is_own_word =
      true;
  item.next = Next::kApply;
}

void WaveRunner::DecideUndo(Item& item, const Observation& seen) {
  JournalEntry& entry = item.entry;
  if (!seen.in_wanted_state) {
    // may_have_effect means here that an undo was called before.
    if (entry.may_have_effect || seen.digest == entry.precondition_digest) {
      entry.may_have_effect = entry.has_effect = false;
      const bool is_dropped = IsUndoDropped(entry);
      EndUndo(entry);
      entry.undo_dropped = is_dropped;
      Advance(item, ActionState::kCompensated, seen.summary);
    } else {
      Advance(item, ActionState::kEscalated,
              fmt::format("not undone, somebody has changed the target since: {}", seen.summary));
    }
    return;
  }
  const bool is_dropped = IsUndoDropped(entry);
  entry.undo_dropped = false;
  const GateAnswer answer = is_dropped ? GateAnswer{GateAnswer::Kind::kWithdraw, kCarriedOutAgain}
                                       : in_.gate.JudgeUndo(entry, state_.rolling_back);
  if (answer.kind == GateAnswer::Kind::kHold) {
    Advance(item, ActionState::kEscalated, fmt::format("{}{}", kUndoRefused, answer.reason));
    return;
  }
  if (answer.kind == GateAnswer::Kind::kWithdraw) {
    LeaveRolledBack(entry);
    EndUndo(entry);
    entry.may_have_effect = false;
    entry.has_effect = true;  // as when it is found done after an attempt (FoundDone)
    Advance(item, ActionState::kApplied, fmt::format("not undone: {}", answer.reason)).is_own_word =
        is_dropped;
    item.next = Next::kVerify;
    return;
  }
  item.had_doubt = entry.may_have_effect;
  entry.may_have_effect = true;
  entry.retry_at.reset();
  ++entry.attempt_count;
  // Without a number: attempts to do it and to undo it are counted together.
  Advance(item, ActionState::kCompensating, "trying to undo it").is_own_word = true;
  item.next = Next::kUndo;
}

bool WaveRunner::IsStopped() const { return in_.options.stop && in_.options.stop(); }

// ---- Act and conclude -----------------------------------------------------------------------

void WaveRunner::Act() {
  for (Item& item : items_) {
    if (item.next != Next::kApply && item.next != Next::kUndo) continue;
    if (IsStopped()) return;
    // Another lane has seen a use since: it is judged again, in the next wave.
    if (item.next == Next::kApply && item.seen_use_count != in_.gate.SeenUseCount()) continue;
    const Action& action = item.entry.action;
    const bool is_slow = IsSlow([&] {
      item.attempt = item.next == Next::kApply ? item.runner->Apply(action, item.current_digest)
                                               : item.runner->Undo(action, item.entry.preimage);
    });
    const bool is_throttled =
        item.attempt->outcome == AttemptOutcome::kTransient && item.attempt->retry_after;
    if (is_slow || is_throttled) return;  // the others' turn does not come in this wave
  }
}

Status WaveRunner::Conclude() {
  for (Item& item : items_) {
    if (item.next != Next::kApply && item.next != Next::kUndo) continue;
    const bool is_apply = item.next == Next::kApply;
    item.next = Next::kNothing;
    // INVARIANT: nobody else moves an action that is in flight.
    RESCIND_ASSERT(Refresh(item), "an action in flight was moved");
    if (!item.attempt) {  // its turn did not come: nothing happened
      item.entry.may_have_effect = item.had_doubt;
      NoteSilently(item);
    } else if (is_apply) {
      ConcludeApply(item);
    } else {
      ConcludeUndo(item);
    }
  }
  return {};
}

void WaveRunner::ConcludeApply(Item& item) {
  JournalEntry& entry = item.entry;
  const AttemptResult& result = *item.attempt;
  switch (result.outcome) {
    case AttemptOutcome::kApplied:
    case AttemptOutcome::kAlready:
      entry.has_effect |= result.outcome == AttemptOutcome::kApplied || item.had_doubt;
      entry.may_have_effect = false;
      Advance(item, ActionState::kApplied, result.detail);
      item.next = Next::kVerify;
      return;
    case AttemptOutcome::kTransient:
      entry.may_have_effect = item.had_doubt;
      if (result.retry_after) {
        LaneFailed(entry.action.target.system, result.detail, result.retry_after);
      }
      Retry(item, result.detail, result.retry_after);
      return;
    case AttemptOutcome::kPermanent:
      entry.may_have_effect = item.had_doubt;
      Fail(item, result.detail);
      return;
    case AttemptOutcome::kUnknown: Retry(item, result.detail, result.retry_after); return;
  }
  RESCIND_UNREACHABLE("unknown outcome of an attempt");
}

void WaveRunner::ConcludeUndo(Item& item) {
  const AttemptResult& result = *item.attempt;
  switch (result.outcome) {
    case AttemptOutcome::kApplied:
    case AttemptOutcome::kAlready:
      item.seen.reset();
      item.next = Next::kLookUndone;
      return;
    case AttemptOutcome::kTransient:
      item.entry.may_have_effect = item.had_doubt;
      Retry(item, result.detail, result.retry_after);
      return;
    case AttemptOutcome::kPermanent:
      item.entry.may_have_effect = item.had_doubt;
      Advance(item, ActionState::kEscalated, fmt::format("{}{}", kUndoRefused, result.detail));
      return;
    case AttemptOutcome::kUnknown: Retry(item, result.detail, result.retry_after); return;
  }
  RESCIND_UNREACHABLE("unknown outcome of an undo");
}

// ---- Check and settle -----------------------------------------------------------------------

void WaveRunner::Check() {
  for (Item& item : items_) {
    const Action& action = item.entry.action;
    bool is_slow = false;
    if (item.next == Next::kVerify) {
      is_slow = IsSlow([&] { item.verification = item.runner->Verify(action); });
    } else if (item.next == Next::kLookUndone) {
      is_slow = IsSlow([&] { item.seen = item.runner->Observe(action); });
    }
    if (is_slow) break;
  }
  for (Item& item : items_) {
    // Not reached: it stays due, and is looked at in the next wave.
    if (item.next == Next::kVerify && !item.verification) item.next = Next::kNothing;
    if (item.next == Next::kLookUndone && !item.seen) item.next = Next::kNothing;
  }
}

Status WaveRunner::Settle() {
  for (Item& item : items_) {
    if (item.next != Next::kVerify && item.next != Next::kLookUndone) continue;
    RESCIND_ASSERT(Refresh(item), "an action in flight was moved");
    if (item.next == Next::kVerify && item.entry.has_effect && IsRollingBack(item.entry)) {
      Compensate(item, kRolledBack);  // its stage has failed meanwhile
    } else if (item.next == Next::kVerify) {
      SettleVerified(item);
    } else {
      SettleUndone(item);
    }
    item.next = Next::kNothing;
  }
  return {};
}

void WaveRunner::SettleVerified(Item& item) {
  const Verification& verification = *item.verification;
  switch (verification.outcome) {
    case VerificationOutcome::kVerified: {
      item.entry.retry_at.reset();
      const bool was_given_up = item.entry.given_up_at.has_value();
      item.entry.given_up_at.reset();
      item.entry.given_up_because.clear();
      JournalStep& step = Advance(item, ActionState::kVerified, verification.evidence);
      step.evidence = verification.evidence;
      step.ends_failure = was_given_up;
      return;
    }
    case VerificationOutcome::kStillEffective: {
      // At once, and without a rollback: access that should be gone is never given back for it.
      JournalStep& step =
          Advance(item, ActionState::kEscalated,
                  fmt::format("{}{}{}{}", kStillEffectiveVia, verification.via,
                              verification.evidence.empty() ? "" : ": ", verification.evidence));
      step.evidence = verification.evidence;
      step.via = verification.via;
      return;
    }
    case VerificationOutcome::kCannotTell:
      if (!item.entry.retry_until) item.entry.retry_until = BudgetEnd(item.entry);
      Retry(item, verification.evidence.empty() ? kCannotTell : verification.evidence);
      return;
  }
  RESCIND_UNREACHABLE("unknown outcome of a verification");
}

void WaveRunner::SettleUndone(Item& item) {
  if (!item.seen->ok()) {
    FailedCall(item, item.seen->error());
    return;
  }
  const Observation& seen = **item.seen;
  if (seen.in_wanted_state) {
    Retry(item, fmt::format("not undone yet: {}", seen.summary));
    return;
  }
  item.entry.may_have_effect = item.entry.has_effect = false;
  EndUndo(item.entry);
  Advance(item, ActionState::kCompensated, seen.summary);
}

}  // namespace rescind
