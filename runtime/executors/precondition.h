// The checks before every change, the same for each kind of executor: the target is still in the
// state that the journal recorded, or nothing is done.
#pragma once

#include <cstdint>
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

// What it means to an undo that the target does not exist any more.
enum class Absence : uint8_t {
  kOurWork = 1,      // the action took it away: it is our post-state
  kSomebodyElse = 2  // the action leaves it where it is, so somebody else took it away
};

// Why Undo must not go on: the preimage holds already, or somebody changed our post-state.
std::optional<ApplyResult> RefuseUndo(const Result<TargetState>& now, const std::string& preimage,
                                      Absence absence);

}  // namespace rescind
