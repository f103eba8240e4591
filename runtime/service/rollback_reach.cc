#include "runtime/service/rollback_reach.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string>
#include <utility>

#include "engine/check/action_verb.h"
#include "runtime/executors/registry.h"

namespace rescind {
namespace {

// "disable account", "run quarantine" → whether a target can undo it.
using Undoables = std::map<std::string, bool>;

Undoables FindUndoables(const Workspace& workspace) {
  Undoables undoables;
  for (const auto& [name, target] : workspace.targets) {
    const auto executor = MakeExecutor(target.executor, name, target.settings, workspace.folder);
    if (!executor.ok()) continue;  // workspace_check.h says why
    const ExecutorDescription described = (*executor)->Describe();
    for (const Capability& capability : described.capabilities) {
      undoables[fmt::format("{} {}", VerbName(capability.verb), capability.entity)] |=
          capability.reversible;
    }
  }
  return undoables;
}

std::string CapabilityFor(const typed::Action& action, const Schema& schema) {
  const std::string_view verb = check::VerbText(action.verb);
  if (action.verb == typed::Verb::kRun) return fmt::format("{} {}", verb, action.playbook);
  if (action.expands_identity) return fmt::format("{} account", verb);
  return fmt::format("{} {}", verb, schema.entity(action.entity).name);
}

bool RollsBack(const typed::Policy& policy) {
  return policy.mode == typed::Mode::kEnforce && policy.on_failure && policy.on_failure->rollback;
}

}  // namespace

std::vector<Diagnostic> FindIrreversible(const Workspace& workspace,
                                         const typed::Program& program) {
  std::vector<Diagnostic> warnings;
  if (std::none_of(program.policies.begin(), program.policies.end(), RollsBack)) return warnings;
  const Undoables undoables = FindUndoables(workspace);
  for (const typed::Policy& policy : program.policies) {
    if (!RollsBack(policy)) continue;
    for (const typed::Stage& stage : policy.stages) {
      for (const typed::Action& action : stage.actions) {
        if (action.verb == typed::Verb::kNotify) continue;
        const std::string capability = CapabilityFor(action, program.schema);
        const auto found = undoables.find(capability);
        if (found == undoables.end() || found->second) continue;
        Diagnostic warning;
        warning.code = kIrreversibleRollback;
        warning.span = action.span;
        warning.label = "stays as it is when the rest of the stage fails";
        warning.message = fmt::format("{} rolls back what fails, and no target can undo \"{}\"",
                                      policy.full_name, capability);
        warning.notes.push_back({policy.on_failure->span, "here it promises to"});
        warning.help.push_back(
            {fmt::format("if its system can undo it, list \"{}\" in `reversible` of its "
                         "[target.NAME]; else say `then keep`, or do it in a later stage",
                         capability),
             {}});
        warnings.push_back(std::move(warning));
      }
    }
  }
  return warnings;
}

}  // namespace rescind
