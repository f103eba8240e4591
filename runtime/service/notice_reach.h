// FindUnreachable: policies whose notices nobody would get.
//
// What a notice announces waits until it is sent, so a notice that no channel can take holds its
// removals for ever. Read from the policies and rescind.toml; no channel is asked.
#pragma once

#include <vector>

#include "engine/base/diagnostic.h"
#include "engine/base/source.h"
#include "engine/check/program.h"
#include "runtime/service/workspace.h"

namespace rescind {

inline constexpr DiagnosticCode kUnreachableNotice{"W0601"};

// A warning for each enforced policy with a `notify` of a stage that may name nobody whom a channel
// of rescind.toml, or its `oncall`, reaches; it underlines whom. In the order of the policies.
std::vector<Diagnostic> FindUnreachable(const Workspace& workspace, const typed::Program& program,
                                        const SourceMap& sources);

}  // namespace rescind
