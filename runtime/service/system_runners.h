// SystemRunners: the executors of a workspace as the journal sees them.
//
// Translates between the journal's ActionRunner and the executors' contract, which do not know
// each other; what a system said becomes one safe line on the way. One executor a system, under the
// name of its [target.NAME].
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "engine/base/result.h"
#include "runtime/executors/executor.h"
#include "runtime/journal/action_runner.h"
#include "runtime/service/workspace.h"

namespace rescind {

class SystemRunners final : public ActionRunners {
 public:
  // `epoch`: the store's, for systems that refuse an older owner.
  explicit SystemRunners(uint64_t epoch);
  ~SystemRunners() override;

  // Every target of the workspace. Settings are checked, no connection is opened.
  static Result<std::unique_ptr<SystemRunners>> Make(const Workspace& workspace, uint64_t epoch);

  void Add(const std::string& system, std::unique_ptr<Executor> executor);
  ActionRunner* Find(const std::string& system) override;
  // For plans: what a system can do. Null when it has no target.
  const Executor* FindExecutor(const std::string& system) const;
  // Those that can run that playbook, ascending.
  std::vector<std::string> ListSystemsThatRun(const std::string& playbook) const;

 private:
  class Runner;
  const uint64_t epoch_;
  std::map<std::string, std::unique_ptr<Runner>> runners_;
};

}  // namespace rescind
