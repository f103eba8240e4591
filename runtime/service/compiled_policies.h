// CompiledPolicies: loaded policies and the rule program that they become.
#pragma once

#include "engine/base/result.h"
#include "engine/ir/program.h"
#include "runtime/service/policy_loader.h"

namespace rescind {

struct CompiledPolicies {
  LoadedPolicies loaded;
  ir::Program program;
};

// kInvalidInput when the policies hold errors: the first is named.
Result<CompiledPolicies> CompilePolicies(LoadedPolicies loaded);

}  // namespace rescind
