#include "runtime/executors/exec_executor.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <utility>

#include "runtime/executors/capability.h"
#include "runtime/executors/precondition.h"

namespace rescind {
namespace {

constexpr size_t kMaxReplyBytes = 1 << 20;
constexpr size_t kMaxShownErrorBytes = 300;

// The first line that a program wrote to standard error, for a message.
std::string FirstLine(std::string_view errors) {
  std::string_view line = errors.substr(0, errors.find('\n'));
  line = line.substr(0, kMaxShownErrorBytes);
  return line.empty() ? "" : fmt::format(": {}", line);
}

std::string HowItEnded(const ProcessResult& result, std::chrono::milliseconds limit) {
  switch (result.end) {
    case ProcessEnd::kExited:
      if (result.exit_status == 0) return "";
      return fmt::format("ended with status {}{}", result.exit_status, FirstLine(result.errors));
    case ProcessEnd::kSignaled:
      return fmt::format("was ended by signal {}{}", result.signal, FirstLine(result.errors));
    case ProcessEnd::kTimedOut:
      return fmt::format("gave no reply within {} ms and was ended", limit.count());
    case ProcessEnd::kOutputTooLarge:
      return fmt::format("wrote more than {} bytes and was ended", kMaxReplyBytes);
  }
  RESCIND_UNREACHABLE("unknown end of a process");
}

std::vector<Capability> ReadCapabilities(SettingsReader& reader) {
  std::vector<Capability> capabilities;
  for (const std::string& text : reader.TextList("can")) {
    auto capability = ParseCapability(text);
    if (!capability.ok()) {
      reader.Reject("can", capability.error().message);
      continue;
    }
    capability->verified_by = "the program's own check";
    capabilities.push_back(*std::move(capability));
  }
  if (capabilities.empty()) {
    reader.Reject("can", "must list what the program does, such as [\"disable account\"]");
  }
  for (const std::string& text : reader.TextList("reversible")) {
    const auto found =
        std::find_if(capabilities.begin(), capabilities.end(), [&](const Capability& capability) {
          return fmt::format("{} {}", VerbName(capability.verb), capability.entity) == text;
        });
    if (found == capabilities.end()) {
      reader.Reject("reversible", fmt::format("names \"{}\", which `can` does not", text));
    } else {
      found->reversible = true;
    }
  }
  return capabilities;
}

std::map<std::string, std::string> ReadEnvironment(SettingsReader& reader) {
  std::map<std::string, std::string> environment = {{"LANG", "C.UTF-8"},
                                                    {"PATH", "/usr/local/bin:/usr/bin:/bin"}};
  for (const std::string& text : reader.TextList("environment")) {
    const size_t equals = text.find('=');
    if (equals == text.npos || equals == 0 || text.find('\0') != text.npos) {
      reader.Reject("environment", fmt::format("holds \"{}\", which is not NAME=value", text));
    } else {
      environment[text.substr(0, equals)] = text.substr(equals + 1);
    }
  }
  return environment;
}

}  // namespace

Result<ExecConfig> ExecConfig::Read(std::string_view target_name, const ExecutorSettings& settings,
                                    std::string_view workspace_folder) {
  SettingsReader reader(target_name, settings, workspace_folder);
  ExecConfig config;
  config.target_name = target_name;
  config.command = reader.TextList("command");
  config.capabilities = ReadCapabilities(reader);
  config.environment = ReadEnvironment(reader);
  config.time_limit = reader.TimeLimit("timeout", config.time_limit);
  config.working_folder = workspace_folder;
  if (config.command.empty() || config.command[0].empty()) {
    reader.Reject("command", "must be a program and its arguments, such as [\"tools/revoke\"]");
  } else if (config.command[0].find('/') != std::string::npos) {
    config.command[0] =
        (std::filesystem::path(workspace_folder) / config.command[0]).lexically_normal().string();
  }
  RESCIND_TRY(reader.Finish());
  return config;
}

ExecExecutor::ExecExecutor(ExecConfig config, std::unique_ptr<ProcessRunner> runner)
    : config_(std::move(config)), runner_(std::move(runner)) {}

ExecutorDescription ExecExecutor::Describe() const { return {"exec", config_.capabilities}; }

ExecExecutor::Deadline ExecExecutor::NewDeadline() const {
  return std::chrono::steady_clock::now() + config_.time_limit;
}

ExecExecutor::Reply ExecExecutor::Ask(const ExecRequest& request, Deadline deadline) {
  const auto input = EncodeExecRequest(request);
  if (!input.ok()) return {false, "", input.error().message};
  ProcessRequest run;
  run.argv = config_.command;
  run.environment = config_.environment;
  run.working_folder = config_.working_folder;
  run.input = *input;
  run.max_output_bytes = kMaxReplyBytes;
  run.time_limit =
      std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
  if (run.time_limit.count() <= 0) return {false, "", "no time was left to ask the program"};
  auto result = runner_->Run(run);
  if (!result.ok()) return {false, "", result.error().message};
  std::string failure = HowItEnded(*result, config_.time_limit);
  if (!failure.empty()) failure = fmt::format("`{}` {}", config_.command[0], failure);
  return {true, std::move(result->output), std::move(failure)};
}

Result<TargetState> ExecExecutor::ObserveUntil(const Action& action, Deadline deadline) {
  if (FindCapability(config_.capabilities, action) == nullptr) {
    return NotCapable(config_.target_name, config_.capabilities, action);
  }
  const Reply reply =
      Ask({ExecOperation::kObserve, config_.target_name, action, "", "", 0}, deadline);
  if (!reply.failure.empty()) {
    return Error{ErrorKind::kUnavailable, reply.failure,
                 fmt::format("run `{}` by hand and look at what it says", config_.command[0])};
  }
  auto state = DecodeExecObserve(reply.output);
  if (state.ok() || state.error().kind != ErrorKind::kCorrupt) return state;
  Error error = std::move(state).error();
  error.kind = ErrorKind::kUnavailable;  // an observation changes nothing: ask again
  return error;
}

Result<TargetState> ExecExecutor::Observe(const Action& action) {
  return ObserveUntil(action, NewDeadline());
}

ApplyResult ExecExecutor::Change(const ExecRequest& request, Deadline deadline) {
  const Reply reply = Ask(request, deadline);
  if (!reply.started) return {ApplyOutcome::kTransient, reply.failure, {}};
  if (!reply.failure.empty()) return {ApplyOutcome::kUnknown, reply.failure, {}};
  auto result = DecodeExecOutcome(reply.output);
  if (result.ok()) return *std::move(result);
  // A reply that we cannot read says nothing of what was done.
  if (result.error().kind != ErrorKind::kCorrupt) return NothingDone(result.error());
  return {ApplyOutcome::kUnknown, result.error().message, {}};
}

ApplyResult ExecExecutor::Apply(const Action& action, const std::string& precondition_digest,
                                uint64_t epoch) {
  const Deadline deadline = NewDeadline();
  const auto state = ObserveUntil(action, deadline);
  if (auto refusal = RefuseApply(state, precondition_digest)) return *std::move(refusal);
  return Change({ExecOperation::kApply, config_.target_name, action, precondition_digest,
                 state->preimage, epoch},
                deadline);
}

ApplyResult ExecExecutor::Undo(const Action& action, const std::string& preimage) {
  const Deadline deadline = NewDeadline();
  const Capability* capability = FindCapability(config_.capabilities, action);
  if (capability == nullptr || !capability->reversible) {
    return {ApplyOutcome::kPermanent,
            fmt::format("[target.{}] does not say that it can undo this: list it in `reversible`",
                        config_.target_name),
            {}};
  }
  const auto state = ObserveUntil(action, deadline);
  const Absence absence = TakesTargetAway(action.verb) ? Absence::kOurWork : Absence::kSomebodyElse;
  if (auto refusal = RefuseUndo(state, preimage, absence)) return *std::move(refusal);
  return Change({ExecOperation::kUndo, config_.target_name, action, "", preimage, 0}, deadline);
}

VerifyResult ExecExecutor::Verify(const Action& action) {
  if (FindCapability(config_.capabilities, action) == nullptr) {
    return {VerifyOutcome::kCannotTell,
            NotCapable(config_.target_name, config_.capabilities, action).message, ""};
  }
  const Reply reply =
      Ask({ExecOperation::kVerify, config_.target_name, action, "", "", 0}, NewDeadline());
  if (!reply.failure.empty()) return {VerifyOutcome::kCannotTell, reply.failure, ""};
  auto result = DecodeExecVerify(reply.output);
  if (!result.ok()) return {VerifyOutcome::kCannotTell, result.error().message, ""};
  return *std::move(result);
}

}  // namespace rescind
