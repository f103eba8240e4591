#include "runtime/cli/serve_loop.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <utility>

namespace rescind {
namespace {

// A signal that comes just before it waits is seen this much later.
constexpr int64_t kLongestWaitMicros = kMicrosPerSecond;
// What is runnable and could not go on must not keep a processor busy.
constexpr int64_t kShortestPauseMicros = 50'000;
constexpr int64_t kReadAgainMicros = 2 * kMicrosPerSecond;
constexpr uint32_t kMostDoublings = 6;  // of a second: about a minute
// Commands that wait are done together, and looked at together; one that never lets go of the
// channel must not keep what is due from being done.
constexpr int kCommandsAtOnce = 64;

std::string SentenceOf(const Error& error) {
  return error.help.empty() ? error.message : fmt::format("{} ({})", error.message, error.help);
}

std::string CountText(uint64_t count, const char* what) {
  return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
}

std::string SummaryOf(const ApplyReport& report) {
  std::string text;
  const auto add = [&](uint64_t count, const char* what) {
    if (count > 0) text += fmt::format("{}{} {}", text.empty() ? "" : ", ", count, what);
  };
  add(report.opened_count, "found");
  add(report.closed_count, "ended");
  add(report.CountOf(ActionState::kVerified), "verified");
  add(report.CountOf(ActionState::kWithdrawn), "withdrawn");
  add(report.CountOf(ActionState::kCompensated), "given back");
  add(report.CountOf(ActionState::kEscalated), "left to a person");
  add(report.notices.size(), "told");
  return text;
}

}  // namespace

ServeLoop::ServeLoop(ContinuousRun& run, CommandListener& listener, Invocation& server,
                     ServeSignals signals, ServeVoice voice)
    : run_(run),
      listener_(listener),
      server_(server),
      signals_(std::move(signals)),
      voice_(std::move(voice)),
      commands_(server, run.lender()) {
  state_.process_id = getpid();
  state_.since = Now();
  state_.next_look = state_.since;
  read_at_ = server_.clock.Monotonic();
  server_.server = &state_;
  server_.in_force = &run_.pipeline();
}

ServeLoop::~ServeLoop() {
  server_.server = nullptr;
  server_.in_force = nullptr;
}

Status ServeLoop::Run() {
  while (!signals_.stop()) RESCIND_TRY(Turn());
  return {};
}

Status ServeLoop::Turn() {
  const bool always = signals_.reload();
  if (always || server_.clock.Monotonic().micros - read_at_.micros >= kReadAgainMicros) {
    RESCIND_TRY(ReadAgain(always));
  }
  if (looks_ || Now() >= state_.next_look) {
    // A protect that was written just now holds for it.
    RESCIND_TRY(ReadAgain(false));
    Step();
  }
  return TakeCommands();
}

Status ServeLoop::ReadAgain(bool always) {
  read_at_ = server_.clock.Monotonic();
  RESCIND_ASSIGN(const ReloadAnswer answer, run_.ReloadIfChanged(always));
  if (answer.what == Reload::kTaken) {
    looks_ = true;
    state_.refused.clear();
    server_.in_force = &run_.pipeline();
    voice_.tell("rescind.toml and policies were read again and are in force");
  } else if (answer.what == Reload::kMended) {
    state_.refused.clear();
    voice_.tell("rescind.toml and policies are again those in force");
  } else if (answer.why) {
    state_.refused = fmt::format(
        "what was changed in rescind.toml or the policies cannot be used, "
        "so those in force stay: {}",
        SentenceOf(*answer.why));
    voice_.warn(state_.refused);
  }
  return {};
}

void ServeLoop::Step() {
  looks_ = false;
  const Duration before = server_.clock.Monotonic();
  auto answer = run_.Step();
  state_.last_step = {server_.clock.Monotonic().micros - before.micros};
  ++state_.step_count;
  if (answer.ok()) {
    NoteStep(*answer);
    return;
  }
  const int64_t pause = kMicrosPerSecond << std::min(failure_count_++, kMostDoublings);
  state_.next_look = {Now().micros + pause};
  state_.trouble = SentenceOf(answer.error());
  voice_.warn(fmt::format("a step failed: {}; the next is in {} s", state_.trouble,
                          pause / kMicrosPerSecond));
}

void ServeLoop::NoteStep(const StepAnswer& answer) {
  failure_count_ = 0;
  state_.next_look = std::max(answer.next_look, {Now().micros + kShortestPauseMicros});
  if (!answer.held_because.empty() && state_.trouble != answer.held_because) {
    voice_.warn(answer.held_because);
  }
  state_.trouble = answer.held_because;
  if (const std::string text = SummaryOf(answer.report); !text.empty()) voice_.tell(text);
  std::map<std::string, HeldCount> held;
  if (answer.held_because.empty()) held = answer.report.HeldByReason();
  for (const auto& [why, count] : held) {
    const auto before = held_.find(why);
    if (before != held_.end() && before->second == count.actions + count.notices) continue;
    voice_.warn(fmt::format("held: {}{}: {}", CountText(count.actions, "action"),
                            count.notices == 0 ? "" : " and " + CountText(count.notices, "message"),
                            why));
  }
  held_.clear();
  for (const auto& [why, count] : held) held_[why] = count.actions + count.notices;
}

Status ServeLoop::TakeCommands() {
  const int64_t left = looks_ ? 0 : state_.next_look.micros - Now().micros;
  const int64_t wait = std::clamp<int64_t>(left, 0, kLongestWaitMicros);
  // Rounded up: to wake before it is due would be for nothing.
  RESCIND_ASSIGN(auto request, listener_.Accept(std::chrono::milliseconds((wait + 999) / 1000)));
  for (int i = 1; request && i < kCommandsAtOnce && !signals_.stop(); ++i) {
    RESCIND_TRY(RunCommand(*std::move(request)));
    RESCIND_ASSIGN(request, listener_.Accept(std::chrono::milliseconds(0)));
  }
  if (request) RESCIND_TRY(RunCommand(*std::move(request)));
  return {};
}

Status ServeLoop::RunCommand(CommandRequest request) {
  ++state_.command_count;
  // What its user has just written in the policies holds for it as well.
  RESCIND_TRY(ReadAgain(false));
  const uint64_t facts_before = run_.facts_seq();
  const uint64_t entries_before = run_.audit_size();
  const Duration begun = server_.clock.Monotonic();
  const uint32_t user = request.caller.user_id;
  const std::string name = commands_.Run(std::move(request), signals_.stop);
  if (run_.facts_seq() == facts_before && run_.audit_size() == entries_before) return {};
  looks_ = true;
  voice_.tell(fmt::format("`{}` of uid {} has changed something, in {} ms", name, user,
                          (server_.clock.Monotonic().micros - begun.micros) / 1000));
  return {};
}

}  // namespace rescind
