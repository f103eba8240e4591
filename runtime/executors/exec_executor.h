// ExecExecutor: hands an action to a program of the workspace's owner.
//
// One run of the program per question: JSON on its standard input, JSON on its standard output
// (exec_protocol.h), a time limit, no shell, an environment that holds nothing of ours. It knows
// nothing of what the program does, so it believes a reply only if the program also ended well,
// and calls everything else that may have changed something `kUnknown`.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "runtime/env/process.h"
#include "runtime/executors/exec_protocol.h"
#include "runtime/executors/executor.h"
#include "runtime/executors/settings.h"

namespace rescind {

struct ExecConfig {
  std::string target_name;
  std::vector<std::string> command;  // a program and its arguments
  std::vector<Capability> capabilities;
  std::map<std::string, std::string> environment;
  std::string working_folder;
  std::chrono::milliseconds time_limit{30'000};  // of one call of the contract

  // Reads and checks the settings of [target.NAME]; nothing is started.
  static Result<ExecConfig> Read(std::string_view target_name, const ExecutorSettings& settings,
                                 std::string_view workspace_folder);
};

class ExecExecutor final : public Executor {
 public:
  ExecExecutor(ExecConfig config, std::unique_ptr<ProcessRunner> runner);

  ExecutorDescription Describe() const override;
  Result<TargetState> Observe(const Action& action) override;
  ApplyResult Apply(const Action& action, const std::string& precondition_digest,
                    uint64_t epoch) override;
  ApplyResult Undo(const Action& action, const std::string& preimage) override;
  VerifyResult Verify(const Action& action) override;

 private:
  using Deadline = std::chrono::steady_clock::time_point;

  // What one run of the program gave.
  struct Reply {
    bool started = false;
    std::string output;  // when `failure` is empty
    std::string failure;
  };
  Deadline NewDeadline() const;
  Reply Ask(const ExecRequest& request, Deadline deadline);
  Result<TargetState> ObserveUntil(const Action& action, Deadline deadline);
  ApplyResult Change(const ExecRequest& request, Deadline deadline);

  ExecConfig config_;
  std::unique_ptr<ProcessRunner> runner_;
};

}  // namespace rescind
