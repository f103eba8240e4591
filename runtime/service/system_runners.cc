#include "runtime/service/system_runners.h"

#include <utility>

#include "engine/base/assert.h"
#include "runtime/executors/capability.h"
#include "runtime/executors/registry.h"
#include "runtime/service/foreign_text.h"

namespace rescind {
namespace {

AttemptOutcome OutcomeOf(ApplyOutcome outcome) {
  switch (outcome) {
    case ApplyOutcome::kApplied: return AttemptOutcome::kApplied;
    case ApplyOutcome::kAlready: return AttemptOutcome::kAlready;
    case ApplyOutcome::kTransient: return AttemptOutcome::kTransient;
    case ApplyOutcome::kPermanent: return AttemptOutcome::kPermanent;
    case ApplyOutcome::kUnknown: return AttemptOutcome::kUnknown;
  }
  return AttemptOutcome::kUnknown;  // the safe reading of an outcome that does not exist
}

AttemptResult ResultOf(const ApplyResult& result) {
  AttemptResult attempt{OutcomeOf(result.outcome), OneLineOf(result.detail), std::nullopt};
  if (result.retry_after) attempt.retry_after = Duration{result.retry_after->count() * 1000};
  return attempt;
}

VerificationOutcome OutcomeOf(VerifyOutcome outcome) {
  switch (outcome) {
    case VerifyOutcome::kVerified: return VerificationOutcome::kVerified;
    case VerifyOutcome::kStillEffective: return VerificationOutcome::kStillEffective;
    case VerifyOutcome::kCannotTell: return VerificationOutcome::kCannotTell;
  }
  return VerificationOutcome::kCannotTell;
}

}  // namespace

class SystemRunners::Runner final : public ActionRunner {
 public:
  Runner(std::unique_ptr<Executor> executor, uint64_t epoch)
      : executor_(std::move(executor)), epoch_(epoch) {}

  Result<Observation> Observe(const Action& action) override {
    auto observed = executor_->Observe(action);
    if (!observed.ok()) {
      const Error& error = observed.error();
      return Error{error.kind, OneLineOf(error.message), OneLineOf(error.help)};
    }
    TargetState& state = *observed;
    return Observation{state.in_wanted_state, OneLineOf(state.summary), std::move(state.preimage),
                       std::move(state.digest), state.last_used};
  }
  AttemptResult Apply(const Action& action, const std::string& precondition_digest) override {
    return ResultOf(executor_->Apply(action, precondition_digest, epoch_));
  }
  AttemptResult Undo(const Action& action, const std::string& preimage) override {
    return ResultOf(executor_->Undo(action, preimage));
  }
  Verification Verify(const Action& action) override {
    const VerifyResult result = executor_->Verify(action);
    return {OutcomeOf(result.outcome), OneLineOf(result.evidence), OneLineOf(result.via)};
  }
  const Executor& executor() const { return *executor_; }

 private:
  const std::unique_ptr<Executor> executor_;
  const uint64_t epoch_;
};

SystemRunners::SystemRunners(uint64_t epoch) : epoch_(epoch) {}
SystemRunners::~SystemRunners() = default;

Result<std::unique_ptr<SystemRunners>> SystemRunners::Make(const Workspace& workspace,
                                                           uint64_t epoch) {
  auto runners = std::make_unique<SystemRunners>(epoch);
  for (const auto& [name, target] : workspace.targets) {
    auto executor = MakeExecutor(target.executor, name, target.settings, target.folder);
    if (!executor.ok()) return std::move(executor).error().In(target.place);
    runners->Add(name, *std::move(executor));
  }
  return runners;
}

void SystemRunners::Add(const std::string& system, std::unique_ptr<Executor> executor) {
  RESCIND_ASSERT(executor != nullptr, "a system needs an executor");
  runners_[system] = std::make_unique<Runner>(std::move(executor), epoch_);
}

ActionRunner* SystemRunners::Find(const std::string& system) {
  const auto found = runners_.find(system);
  return found == runners_.end() ? nullptr : found->second.get();
}

std::vector<std::string> SystemRunners::ListSystemsThatRun(const std::string& playbook) const {
  Action action;
  action.verb = Verb::kRun;
  action.playbook = playbook;
  std::vector<std::string> systems;
  for (const auto& [name, runner] : runners_) {
    const ExecutorDescription described = runner->executor().Describe();
    if (FindCapability(described.capabilities, action) != nullptr) systems.push_back(name);
  }
  return systems;
}

const Executor* SystemRunners::FindExecutor(const std::string& system) const {
  const auto found = runners_.find(system);
  return found == runners_.end() ? nullptr : &found->second->executor();
}

}  // namespace rescind
