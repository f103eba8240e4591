#include "runtime/journal/action_state.h"

#include <array>

#include "engine/base/assert.h"

namespace rescind {
namespace {

using enum ActionState;

constexpr std::array<std::string_view, 13> kStateNames = {
    "planned",  "notice", "waiting",   "ready",        "intent",      "attempt",  "applied",
    "verified", "held",   "withdrawn", "compensating", "compensated", "escalated"};

constexpr uint32_t Bit(ActionState state) { return uint32_t{1} << static_cast<uint8_t>(state); }

template <typename... States>
constexpr uint32_t Bits(States... states) {
  return (Bit(states) | ...);
}

// One row a state: what may follow it.
constexpr uint32_t Followers(ActionState state) {
  constexpr uint32_t kNotBegun = Bits(kNotice, kWaiting, kReady, kHeld, kWithdrawn);
  switch (state) {
    case kPlanned:
    case kNotice:
    case kWaiting:
    case kHeld: return kNotBegun;
    // Straight to applied: it was so before, and no executor was called.
    case kReady: return kNotBegun | Bits(kIntent, kApplied, kEscalated);
    case kIntent:
    case kAttempt: return Bits(kAttempt, kApplied, kHeld, kWithdrawn, kEscalated, kCompensating);
    case kApplied: return Bits(kApplied, kVerified, kEscalated, kCompensating);
    case kVerified: return Bits(kCompensating);
    // Back to applied: it is wanted as it is after all, and nothing of it has been undone.
    case kCompensating: return Bits(kCompensating, kCompensated, kEscalated, kApplied);
    // Planned again; what needs a person no longer needs one when nobody asks for it. An undo that
    // failed is tried again.
    case kWithdrawn: return Bits(kNotice, kWaiting, kReady, kHeld);
    case kEscalated: return kNotBegun | Bits(kCompensating);
    case kCompensated: return 0;
  }
  RESCIND_UNREACHABLE("unknown state of an action");
}

}  // namespace

std::string_view ActionStateName(ActionState state) {
  const auto index = static_cast<size_t>(state) - 1;
  RESCIND_ASSERT(index < kStateNames.size(), "unknown state of an action");
  return kStateNames[index];
}

std::optional<ActionState> ParseActionState(std::string_view name) {
  for (size_t i = 0; i < kStateNames.size(); ++i) {
    if (kStateNames[i] == name) return static_cast<ActionState>(i + 1);
  }
  return std::nullopt;
}

bool IsTerminal(ActionState state) {
  return state == kVerified || state == kWithdrawn || state == kCompensated || state == kEscalated;
}

bool IsInFlight(ActionState state) {
  return state == kIntent || state == kAttempt || state == kApplied || state == kCompensating;
}

bool IsRunnable(ActionState state) { return state == kReady || IsInFlight(state); }

bool IsLegalStep(ActionState from, ActionState to) {
  if (from == to) return from == kAttempt || from == kApplied || from == kCompensating;
  return (Followers(from) & Bit(to)) != 0;
}

}  // namespace rescind
