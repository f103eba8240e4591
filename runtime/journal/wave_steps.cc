// The steps that a wave takes: forward, again later, failed, undone.
//
// A system that cannot be reached pauses its whole lane; then one action at a time probes it. One
// that refuses our log-in is not asked again in the run. The
// retry time of an action that has not begun counts from when its system began to fail, so that a
// long queue before a dead system is escalated together and not one after the other. That instant
// is kept in the store: the time goes on between runs.
#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "engine/base/assert.h"
#include "runtime/journal/journal_keys.h"
#include "runtime/journal/wave_runner.h"

namespace rescind {
namespace {

std::string Sentence(const Error& error) {
  return error.help.empty() ? error.message : fmt::format("{} ({})", error.message, error.help);
}

}  // namespace

JournalStep& WaveRunner::Advance(Item& item, ActionState to, const std::string& outcome) {
  JournalEntry& entry = item.entry;
  JournalStep& step = steps_.emplace_back();
  step.from = entry.state;
  entry.state = to;
  entry.detail = outcome;
  entry.changed_at = in_.clock.Now();
  ++entry.step_count;
  step.was_known = entry.undo_failed;
  if (to == ActionState::kEscalated && entry.is_undo) entry.undo_failed = true;
  step.entry = entry;
  step.outcome = outcome;
  return step;
}

void WaveRunner::NoteSilently(Item& item) {
  JournalStep& step = steps_.emplace_back();
  step.from = item.entry.state;
  step.entry = item.entry;
  step.is_silent = true;
}

Instant WaveRunner::BudgetEnd(const JournalEntry& entry) {
  if (entry.retry_until) return *entry.retry_until;
  const auto& health = state_.schedule.Health(entry.action.target.system);
  const Instant now = in_.clock.Now();
  // What came when the system failed already has its time from then on.
  const Instant begin =
      std::min(now, std::max(health.failing_since.value_or(now), entry.changed_at));
  return {begin.micros + entry.retry_for.micros};
}

void WaveRunner::Retry(Item& item, const std::string& why, std::optional<Duration> retry_after) {
  // Whoever reads it must not read nothing.
  const std::string detail = why.empty() ? "its system gave no reason" : why;
  JournalEntry& entry = item.entry;
  const std::string& key = entry.action.key;
  const Instant now = in_.clock.Now();
  const Instant end = BudgetEnd(entry);
  if (now >= end) {
    const bool is_undo = entry.state == ActionState::kCompensating;
    Fail(item, fmt::format("{}{}; given up after {}", is_undo ? "not undone in time: " : "", detail,
                           FormatDuration(entry.retry_for)));
    return;
  }
  const Duration delay = in_.options.backoff.After(++state_.failures[key], retry_after, in_.random);
  // The last attempt comes at the end of the retry time, not somewhere before it.
  const Instant at{std::min(now.micros + delay.micros, end.micros)};
  const bool is_news = entry.detail != detail;
  entry.retry_at = at;
  entry.detail = detail;
  if (IsLegalStep(entry.state, entry.state) && (is_news || entry.state == ActionState::kAttempt)) {
    Advance(item, entry.state, detail);
  } else if (is_news) {
    NoteSilently(item);
  }
  state_.schedule.Again(key, at);
}

void WaveRunner::Compensate(Item& item, const std::string& detail) {
  JournalEntry& entry = item.entry;
  entry.may_have_effect = false;  // from here on: an undo may have been called
  EndUndo(entry);
  const bool is_done =
      entry.state == ActionState::kVerified || entry.state == ActionState::kApplied;
  if (is_done) entry.off_since = entry.changed_at;
  entry.is_undo = true;
  entry.undo_since = in_.clock.Now();
  entry.retry_at.reset();
  entry.retry_until = Instant{in_.clock.Now().micros + entry.retry_for.micros};
  state_.failures.erase(entry.action.key);
  Advance(item, ActionState::kCompensating, detail);
}

void WaveRunner::Fail(Item& item, const std::string& detail) {
  JournalEntry& entry = item.entry;
  entry.retry_at.reset();
  const bool rolls_back =
      !entry.rollback_groups.empty() && entry.state != ActionState::kCompensating;
  const bool has_something_to_undo =
      IsInFlight(entry.state) && (entry.has_effect || entry.may_have_effect);
  // At once, not when the step is durable: what follows in the same commit must not begin.
  const auto& groups = entry.rollback_groups;
  if (rolls_back) state_.rolling_back.insert(groups.begin(), groups.end());
  // What another wants as it is, a person looks at all the same.
  if (has_something_to_undo && IsRollingBack(entry)) {
    entry.given_up_at = in_.clock.Now();
    entry.given_up_because = detail;
    Compensate(item, detail);
  } else {
    Advance(item, ActionState::kEscalated, detail);
  }
  if (rolls_back) steps_.back().starts_rollback = entry.rollback_groups;
}

void WaveRunner::FailedCall(Item& item, const Error& error) {
  const std::string& system = item.entry.action.target.system;
  if (!IsWorthARetry(error)) {
    Fail(item, Sentence(error));
    return;
  }
  LaneFailed(system, Sentence(error), std::nullopt);
  // Every try with a wrong password brings the account nearer to being locked. Somebody has to mend
  // it, and starts the next run.
  if (error.kind == ErrorKind::kLogInRefused) {
    state_.schedule.Health(system).paused_until = Instant::Never();
  }
  Retry(item, Sentence(error));
  JudgeQueue(system);
}

void WaveRunner::LaneFailed(const std::string& system, const std::string& error,
                            std::optional<Duration> retry_after) {
  auto& health = state_.schedule.Health(system);
  const Instant now = in_.clock.Now();
  ++health.failure_count;
  if (!health.failing_since) {
    health.failing_since = now;
    health_.Put(JournalKey(kFailingPrefix, system), fmt::format("{}", now.micros));
  }
  health.last_error = error;
  const Duration pause = in_.options.backoff.After(health.failure_count, retry_after, in_.random);
  health.paused_until = {now.micros + pause.micros};
}

void WaveRunner::LaneWorks(const std::string& system) {
  auto& health = state_.schedule.Health(system);
  health.failure_count = 0;
  if (health.failing_since) health_.Delete(JournalKey(kFailingPrefix, system));
  health.failing_since.reset();
  health.paused_until = {0};
}

// What waits behind a dead system is not tried one by one when its time is over as well, and does
// not wait for the system when its match has ended: that is asked once, as the system begins to
// fail, and once more before it is given up.
void WaveRunner::JudgeQueue(const std::string& system) {
  const auto& health = state_.schedule.Health(system);
  const bool has_just_failed = health.failure_count == 1;
  const Instant now = in_.clock.Now();
  // Of several looks that fail in one phase each judges the queue; what one has moved is moved.
  std::set<std::string> moved;
  for (const JournalStep& step : steps_) moved.insert(step.entry.action.key);
  for (const std::string& key : state_.schedule.KeysOf(system)) {
    if (moved.contains(key)) continue;
    // Those of the wave whose turn did not come wait like the others.
    const bool is_in_wave = std::any_of(items_.begin(), items_.end(), [&](const Item& item) {
      return item.entry.action.key == key &&
             (item.seen || item.verification || item.next == Next::kVerify);
    });
    const auto open = in_.journal.open_.find(key);
    if (is_in_wave || open == in_.journal.open_.end() || !IsRunnable(open->second.state)) continue;
    const bool is_expired = now >= BudgetEnd(open->second);
    if (!is_expired && !has_just_failed) continue;
    Item item;
    item.entry = open->second;
    if (EndsUncalled(item) || !is_expired) continue;
    const bool is_undo = item.entry.state == ActionState::kCompensating;
    Fail(item, fmt::format("{}{}; given up after {}", is_undo ? "not undone in time: " : "",
                           health.last_error, FormatDuration(item.entry.retry_for)));
  }
}

// Makes what was decided durable, then lets schedule and report follow it.
Status WaveRunner::TakeSteps() {
  RESCIND_TRY(in_.journal.Take(steps_, in_.options.trigger, std::exchange(health_, {})));
  std::vector<std::string> rollbacks;
  for (const JournalStep& step : steps_) {
    const JournalEntry& entry = step.entry;
    state_.states[entry.action.key] = entry.state;
    if (!IsRunnable(entry.state)) {
      state_.schedule.Finish(entry.action.key);
    } else if (entry.state == ActionState::kCompensating &&
               step.from != ActionState::kCompensating) {
      state_.schedule.Add(entry, in_.clock.Now());
    }
    rollbacks.insert(rollbacks.end(), step.starts_rollback.begin(), step.starts_rollback.end());
  }
  steps_.clear();
  for (const std::string& group : rollbacks) RESCIND_TRY(StartRollback(group));
  return {};
}

void WaveRunner::LeaveRolledBack(JournalEntry& entry) const {
  std::erase_if(entry.rollback_groups,
                [&](const std::string& group) { return state_.rolling_back.contains(group); });
  if (entry.rollback_groups.empty()) entry.on_failure = OnFailure::kKeep;
}

Status WaveRunner::StartRollback(const std::string& group) {
  state_.rolling_back.insert(group);
  const std::string prefix = fmt::format("{}{}/", kGroupPrefix, GroupName(group));
  std::vector<std::string> keys;
  RESCIND_TRY(in_.journal.reader_.Scan(prefix, "", [&](std::string_view key, std::string_view) {
    keys.emplace_back(key.substr(prefix.size()));
    return true;
  }));
  RESCIND_ASSERT(steps_.empty(), "steps of before must be durable");
  const Instant now = in_.clock.Now();
  for (const std::string& key : keys) {
    RESCIND_ASSIGN(const auto entry, in_.journal.FindUnlocked(key));
    if (!entry) continue;
    state_.schedule.Again(key, now);  // what waits for a retry learns of it at once
    const auto& groups = entry->rollback_groups;
    if (std::find(groups.begin(), groups.end(), group) == groups.end()) continue;
    Item item;
    item.entry = *entry;
    if (entry->undo_dropped) {
      // The stages that it belongs to were carried out again, and all of them have failed anew.
      if (IsUndoDropped(*entry)) continue;
      item.entry.undo_dropped = false;
      NoteSilently(item);
      continue;
    }
    if (entry->state != ActionState::kVerified || !entry->has_effect) continue;
    if (IsWantedByOthers(item.entry)) {
      LeaveRolledBack(item.entry);
      NoteSilently(item);
    } else {
      Compensate(item, "its stage is rolled back");
    }
  }
  return TakeSteps();
}

}  // namespace rescind
