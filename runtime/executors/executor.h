// Executor: the contract between Rescind and a system whose access it removes.
//
// One instance per [target.NAME] of rescind.toml. The journal calls it, always in the order
// observe → apply → verify, each intent durable before `apply`. An executor never decides what
// is removed, never writes the journal, and never reports success that it has not seen.
// Not thread-safe: one caller at a time per instance. Every call returns within its time limit.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/result.h"
#include "runtime/plan/action.h"

namespace rescind {

// One verb on one entity that an executor can do.
struct Capability {
  Verb verb = Verb::kDisable;
  std::string entity;
  bool reversible = false;
  std::string verified_by;  // "bind attempt", "read back": shown in plans
};

struct ExecutorDescription {
  std::string kind;  // "ldap"
  std::vector<Capability> capabilities;
};

// What the target system says about one target at one moment.
struct TargetState {
  // Whether the thing that the kind looks at is there: the row's own object (`exec`), or the entry
  // or role that holds the access (`ldap`, `postgres`). An undo needs it, unless the verb took it
  // away itself (precondition.h).
  bool exists = false;
  // What the action asks for already holds: no Apply is needed, but Verify still is, because
  // access may remain by another way (a nested group, an inherited role).
  bool in_wanted_state = false;
  // One line for people: "uid=ann,ou=people,dc=example,dc=org: not locked". Never a secret.
  std::string summary;
  // Canonical JSON of what an undo needs (the preimage). Never holds a secret.
  std::string preimage;
  // Lowercase hex SHA-256 of the preimage: the precondition that `apply` re-checks.
  std::string digest;
  // Last use that the target itself knows, which may be newer than any feed's.
  std::optional<Instant> last_used;
};

enum class ApplyOutcome : uint8_t {
  kApplied = 1,    // the system accepted it: not yet proof
  kAlready = 2,    // it was so before
  kTransient = 3,  // nothing happened; a retry may succeed
  kPermanent = 4,  // nothing happened; a retry cannot succeed
  kUnknown = 5,    // it may have happened: observe before anything else
};

struct ApplyResult {
  ApplyOutcome outcome = ApplyOutcome::kUnknown;
  std::string detail;  // one sentence for people: what the system said. Never a secret
  std::optional<std::chrono::milliseconds> retry_after;
};

enum class VerifyOutcome : uint8_t { kVerified = 1, kStillEffective = 2, kCannotTell = 3 };

struct VerifyResult {
  VerifyOutcome outcome = VerifyOutcome::kCannotTell;
  std::string evidence;  // what was tried and what came back: "bind as uid=ann: error 49"
  std::string via;       // kStillEffective: the path by which access remains
};

class Executor {
 public:
  virtual ~Executor() = default;

  virtual ExecutorDescription Describe() const = 0;

  // Reads the target and changes nothing. A failure (unreachable, wrong password, TLS) is an
  // Error of kind kUnavailable or kDenied and leaves the action retryable. kInvalidInput (a
  // mapping that fits no or several objects, a protected target) and kUnsupported (a verb that
  // the kind cannot do) need a person: no retry mends them.
  virtual Result<TargetState> Observe(const Action& action) = 0;

  // Carries the action out if the target still has `precondition_digest`; a different state is
  // kTransient with the reason. A refused log-in of ours or an unreachable server is kTransient
  // too: nothing happened, and it works once mended. kUnknown also says that a part was done
  // (memberships cleared, the entry not yet deleted): Observe, then Apply again. `epoch` is the
  // store's: a system that can compare it refuses an older one. Idempotent under action.key.
  virtual ApplyResult Apply(const Action& action, const std::string& precondition_digest,
                            uint64_t epoch) = 0;

  // Restores `preimage`, only if the target is still in our post-state; else kPermanent.
  virtual ApplyResult Undo(const Action& action, const std::string& preimage) = 0;

  // Reads back and, where the kind allows, tries to use the access: that must fail. kCannotTell
  // is worth a retry; `evidence` then says why nothing could be seen.
  virtual VerifyResult Verify(const Action& action) = 0;
};

}  // namespace rescind
