// ActionState: where an action stands in its life (runtime.md, *Life of an action*).
//
//   PLANNED → (NOTICE → WAITING) → READY → INTENT → ATTEMPT(n) → APPLIED → VERIFIED
//   side exits: HELD, WITHDRAWN, COMPENSATING → COMPENSATED, ESCALATED
//
// Knows the states and which step may follow which; not who takes the steps.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace rescind {

// Stored in the journal and, by name, in audit leaves. Never renumber, never rename.
enum class ActionState : uint8_t {
  kPlanned = 1,        // where every life begins; never stored
  kNotice = 2,         // the person is being told
  kWaiting = 3,        // told; its time has not come
  kReady = 4,          // may begin
  kIntent = 5,         // key, preimage and precondition are durable: the executor may be called
  kAttempt = 6,        // the executor is being called, or is to be called again
  kApplied = 7,        // the executor's word
  kVerified = 8,       // seen to be gone
  kHeld = 9,           // by a limit, an approval, a stale feed, a protection: a person releases it
  kWithdrawn = 10,     // its last reason ended before anything was done
  kCompensating = 11,  // being undone
  kCompensated = 12,   // seen to be undone
  kEscalated = 13,     // retries spent, or still effective: a person must act
};

inline constexpr ActionState kLastActionState = ActionState::kEscalated;

std::string_view ActionStateName(ActionState state);  // "ready", "verified", …
std::optional<ActionState> ParseActionState(std::string_view name);

// Nothing more happens by itself. An escalated or withdrawn action may be planned again.
bool IsTerminal(ActionState state);
// The executor may have been called, and its last word is not settled.
bool IsInFlight(ActionState state);
// A run goes on with it: ready, or in flight.
bool IsRunnable(ActionState state);
// Whether the step is one of the life's. A state may follow itself in kAttempt (the next
// attempt), kApplied (verification is tried again) and kCompensating only.
bool IsLegalStep(ActionState from, ActionState to);

}  // namespace rescind
