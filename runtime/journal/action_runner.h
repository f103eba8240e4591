// ActionRunner: how the journal reaches a target system.
//
// The service wires one per system to an executor. It mirrors the executors' contract
// (runtime/executors/executor.h), which the journal does not see: observe → apply → verify, each
// call within its time limit, idempotent under the action's key. One caller at a time a system.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "engine/base/instant.h"
#include "engine/base/result.h"
#include "runtime/plan/action.h"

namespace rescind {

// What the target itself says, at one moment.
struct Observation {
  bool in_wanted_state = false;  // what the action asks for holds already
  std::string summary;           // one line for people
  std::string preimage;          // what an undo needs; opaque
  std::string digest;            // of the preimage: the precondition of Apply
  std::optional<Instant> last_used;
};

enum class AttemptOutcome : uint8_t {
  kApplied = 1,    // accepted: not yet proof
  kAlready = 2,    // it was so before
  kTransient = 3,  // nothing happened; a retry may succeed
  kPermanent = 4,  // nothing happened; a retry cannot succeed
  kUnknown = 5,    // it may have happened, in whole or in part: observe first
};

struct AttemptResult {
  AttemptOutcome outcome = AttemptOutcome::kUnknown;
  std::string detail;  // one sentence for people, never a secret
  std::optional<Duration> retry_after;
};

enum class VerificationOutcome : uint8_t { kVerified = 1, kStillEffective = 2, kCannotTell = 3 };

struct Verification {
  VerificationOutcome outcome = VerificationOutcome::kCannotTell;
  std::string evidence;  // what was tried and what came back
  std::string via;       // kStillEffective: the way by which access remains
};

// Whether Observe may succeed later by itself or once the connection is mended; every other error
// is about the action and needs a person.
inline bool IsWorthARetry(const Error& error) {
  return error.kind == ErrorKind::kUnavailable || error.kind == ErrorKind::kDenied ||
         error.kind == ErrorKind::kLogInRefused || error.kind == ErrorKind::kBusy ||
         error.kind == ErrorKind::kIo;
}

class ActionRunner {
 public:
  virtual ~ActionRunner() = default;
  virtual Result<Observation> Observe(const Action& action) = 0;
  virtual AttemptResult Apply(const Action& action, const std::string& precondition_digest) = 0;
  virtual AttemptResult Undo(const Action& action, const std::string& preimage) = 0;
  virtual Verification Verify(const Action& action) = 0;
};

// The runners of a workspace. Outlives every run.
class ActionRunners {
 public:
  virtual ~ActionRunners() = default;
  // Null when no target is configured for that system.
  virtual ActionRunner* Find(const std::string& system) = 0;
};

}  // namespace rescind
