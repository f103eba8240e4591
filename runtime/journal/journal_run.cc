// Workers share one schedule under the journal's lock. Each takes a wave, works at it without the
// lock, and comes back. When nothing is due, one worker sleeps until something is, and the others
// wait for news. With one worker everything happens in the caller's thread, in an order that
// depends on nothing but the schedule.
#include "runtime/journal/journal_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <condition_variable>
#include <thread>

#include "engine/base/assert.h"
#include "runtime/journal/journal_keys.h"
#include "runtime/journal/wave_runner.h"
#include "runtime/store/restore_help.h"

namespace rescind {
namespace {

// How long a run that can be stopped sleeps before it looks again.
constexpr int64_t kStopCheckMicros = 200'000;

}  // namespace

class JournalRun::Workers {
 public:
  Workers(const RunSurroundings& surroundings, RunState& state, Clock& clock, std::mutex& mutex)
      : in_(surroundings),
        state_(state),
        clock_(clock),
        mutex_(mutex),
        patience_end_{surroundings.clock.Now().micros + surroundings.options.patience.micros} {}

  Status Run() {
    std::vector<std::thread> others;
    for (uint32_t i = 1; i < in_.options.threads; ++i) {
      others.emplace_back([this] { Loop(); });
    }
    Loop();
    for (std::thread& other : others) other.join();
    return std::move(status_);
  }

 private:
  void Loop() {
    WaveRunner runner(in_, state_);
    std::unique_lock lock(mutex_);
    while (!is_over_) {
      if (in_.options.stop && in_.options.stop()) break;
      const auto wave = state_.schedule.Next(in_.clock.Now(), in_.options.wave_actions);
      if (!wave) {
        if (!Wait(lock)) break;
        continue;
      }
      lock.unlock();
      Status status = runner.Work(*wave);
      lock.lock();
      if (!status.ok()) {
        if (status_.ok()) status_ = std::move(status);
        break;
      }
      news_.notify_all();
    }
    is_over_ = true;
    news_.notify_all();
  }

  // Until something may be due; false when the run is over.
  bool Wait(std::unique_lock<std::mutex>& lock) {
    const bool others_work = state_.schedule.has_busy_lane();
    const auto due = state_.schedule.NextDue();
    if (!due || *due > patience_end_) {
      if (!others_work) return false;
      news_.wait(lock);
      return true;
    }
    if (has_sleeper_) {
      news_.wait(lock);
      return true;
    }
    has_sleeper_ = true;
    int64_t micros = due->micros - in_.clock.Now().micros;
    if (in_.options.stop) micros = std::min(micros, kStopCheckMicros);
    lock.unlock();
    clock_.Sleep({micros});
    lock.lock();
    has_sleeper_ = false;
    news_.notify_all();
    return true;
  }

  const RunSurroundings& in_;
  RunState& state_;
  Clock& clock_;
  std::mutex& mutex_;
  std::condition_variable news_;
  const Instant patience_end_;
  bool has_sleeper_ = false;
  bool is_over_ = false;
  Status status_;
};

Status JournalRun::Fill(const RunSurroundings& in, RunState& state) {
  const std::lock_guard lock(journal_.mutex_);
  const Instant now = in.clock.Now();
  for (auto& [key, entry] : journal_.open_) {
    if (!IsRunnable(entry.state)) continue;
    if (!in.options.keys.empty() && !in.options.keys.contains(key)) continue;
    // A clock that ran backwards since must not stretch the retry time.
    const Instant latest{now.micros + entry.retry_for.micros};
    if (entry.retry_until && *entry.retry_until > latest) entry.retry_until = latest;
    state.states[key] = entry.state;
    state.schedule.Add(entry, now);
  }
  RESCIND_TRY(FillHealth(now, state));
  // Rollbacks that were cut off between the failure and the undoing.
  std::vector<std::string> groups;
  RESCIND_TRY(
      journal_.reader_.Scan(kRollbackPrefix, "", [&](std::string_view, std::string_view group) {
        groups.emplace_back(group);
        return true;
      }));
  WaveRunner runner(in, state);
  for (const std::string& group : groups) RESCIND_TRY(runner.StartRollback(group));
  return {};
}

// Systems that failed when the last run ended: the time of what waits for them goes on.
Status JournalRun::FillHealth(Instant now, RunState& state) const {
  Status problem;
  const auto take = [&](std::string_view key, std::string_view text) {
    Instant since;
    const char* end = text.data() + text.size();
    if (std::from_chars(text.data(), end, since.micros).ptr != end) {
      problem = Error{ErrorKind::kCorrupt, fmt::format("{} holds no instant", key), kRestoreHelp};
      return false;
    }
    state.schedule.Health(std::string(key.substr(kFailingPrefix.size()))).failing_since =
        std::min(since, now);
    return true;
  };
  RESCIND_TRY(journal_.reader_.Scan(kFailingPrefix, "", take));
  return problem;
}

Result<RunReport> JournalRun::Run(const RunOptions& options) {
  RESCIND_ASSERT(options.threads >= 1 && options.wave_actions >= 1, "nothing to run with");
  const RunClock run_clock(clock_);
  const RunSurroundings surroundings{journal_, runners_, gate_, random_, run_clock, options};
  RunState state;
  RESCIND_TRY(Fill(surroundings, state));
  RESCIND_TRY(Workers(surroundings, state, clock_, journal_.mutex_).Run());

  const std::lock_guard lock(journal_.mutex_);
  RunReport report;
  std::vector<std::string> open;
  for (auto& [key, last_seen] : state.states) {
    // Somebody may have withdrawn or held it while the run went on.
    RESCIND_ASSIGN(const auto entry, journal_.FindUnlocked(key));
    const ActionState now = entry ? entry->state : last_seen;
    switch (now) {
      case ActionState::kVerified: ++report.verified_count; break;
      case ActionState::kWithdrawn: ++report.withdrawn_count; break;
      case ActionState::kHeld: ++report.held_count; break;
      case ActionState::kCompensated: ++report.compensated_count; break;
      case ActionState::kEscalated:
        ++report.escalated_count;
        report.unfinished.push_back(key);
        break;
      default: open.push_back(key);
    }
  }
  report.open_count = open.size();
  report.unfinished.insert(report.unfinished.end(), open.begin(), open.end());
  report.failing_systems = state.schedule.FailingSystems();
  return report;
}

}  // namespace rescind
