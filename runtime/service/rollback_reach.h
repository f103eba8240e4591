// FindIrreversible: policies that promise to give back what no target can give back.
//
// `on failure … rollback` undoes what of a stage was done when the rest of it fails. Which verbs a
// target can undo, rescind.toml or the kind of its executor says; nothing is asked.
#pragma once

#include <vector>

#include "engine/base/diagnostic.h"
#include "engine/check/program.h"
#include "runtime/service/workspace.h"

namespace rescind {

inline constexpr DiagnosticCode kIrreversibleRollback{"W0603"};

// A warning for each action of an enforced policy that rolls back, where targets can carry it out
// and none of them can undo it; it underlines the action. In the order of the policies.
std::vector<Diagnostic> FindIrreversible(const Workspace& workspace, const typed::Program& program);

}  // namespace rescind
