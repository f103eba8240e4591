#include "runtime/executors/precondition.h"

#include <fmt/format.h>

#include "engine/base/sha256.h"

namespace rescind {

ApplyResult NothingDone(const Error& error) {
  const bool hopeless =
      error.kind == ErrorKind::kInvalidInput || error.kind == ErrorKind::kUnsupported;
  return {hopeless ? ApplyOutcome::kPermanent : ApplyOutcome::kTransient, error.message, {}};
}

std::optional<ApplyResult> RefuseApply(const Result<TargetState>& now,
                                       const std::string& precondition_digest) {
  if (!now.ok()) return NothingDone(now.error());
  if (now->in_wanted_state) return ApplyResult{ApplyOutcome::kAlready, now->summary, {}};
  if (now->digest == precondition_digest) return std::nullopt;
  return ApplyResult{
      ApplyOutcome::kTransient,
      fmt::format("the target has changed since it was observed; now: {}", now->summary),
      {}};
}

std::optional<ApplyResult> RefuseUndo(const Result<TargetState>& now, const std::string& preimage,
                                      Absence absence) {
  if (!now.ok()) return NothingDone(now.error());
  if (now->digest == Sha256Hex(preimage)) {
    return ApplyResult{ApplyOutcome::kAlready, now->summary, {}};
  }
  const bool is_there = now->exists || absence == Absence::kOurWork;
  if (is_there && now->in_wanted_state) return std::nullopt;
  return ApplyResult{ApplyOutcome::kPermanent,
                     fmt::format("somebody has changed the target since; now: {}", now->summary),
                     {}};
}

}  // namespace rescind
