// The checks before every change, the same for each kind of executor: the target is still in the
// state that the journal recorded, or nothing is done.
#pragma once

#include <optional>
#include <string>

#include "engine/base/result.h"
#include "runtime/executors/executor.h"

namespace rescind {

// What an Error means for an action on which nothing has been done yet: a mapping or a verb that
// does not fit needs a person (kPermanent), the rest works once mended (kTransient).
ApplyResult NothingDone(const Error& error);

// Why Apply must not go on, given what the target looks like now; nullopt when it may.
std::optional<ApplyResult> RefuseApply(const Result<TargetState>& now,
                                       const std::string& precondition_digest);

// Why Undo must not go on: the preimage holds already, or somebody changed our post-state.
std::optional<ApplyResult> RefuseUndo(const Result<TargetState>& now, const std::string& preimage);

}  // namespace rescind
