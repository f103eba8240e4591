// JournalEntry: everything the journal remembers of one action, as it is stored.
//
// Plain data with its bytes (FORMAT.md). It knows no store and takes no steps.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/instant.h"
#include "engine/base/result.h"
#include "runtime/journal/action_state.h"
#include "runtime/plan/action.h"

namespace rescind {

// What becomes of the action itself when retries are spent, or when all its stages are rolled back.
// Stored. Never renumber.
enum class OnFailure : uint8_t {
  kKeep = 1,      // leave access removed where it is; escalate
  kRollback = 2,  // compensate it; escalate
};

struct JournalEntry {
  Action action;
  std::string wanted_key;  // WantedStateKey: the same across episodes
  ActionState state = ActionState::kPlanned;
  // Actions on one account never run together, and those of one stage by `order`; empty: bound
  // to nothing.
  std::string account;
  uint32_t order = 0;
  // The stages that have let it go and are rolled back when one of their actions fails; ascending.
  // The action itself is undone then, unless somebody else wants it as it is (ActionGate).
  // kRollback: nobody else has let it go.
  std::vector<std::string> rollback_groups;
  OnFailure on_failure = OnFailure::kKeep;
  Duration retry_for{24 * kMicrosPerHour};

  Instant planned_at;
  Instant changed_at;
  std::optional<Instant> due;          // kNotice, kWaiting
  std::optional<Instant> retry_until;  // set when it first begins; retries are bounded by time
  std::optional<Instant> retry_at;     // of the next attempt or verification
  uint32_t attempt_count = 0;
  uint32_t step_count = 0;  // transitions so far, this state's included
  // An attempt may have had an effect that nobody has observed since. While it stands, the
  // preimage is the one from before that attempt.
  bool may_have_effect = false;
  // This key has changed the target: a rollback has something to undo.
  bool has_effect = false;
  // It is being undone; of an escalated one it is the undo that a person must look at.
  bool is_undo = false;
  // Somebody carries its stage out again: if it is still done it stays so, unless that fails anew.
  // Of a compensated one: it had been given back by then, and its next episode is a part of that.
  bool undo_dropped = false;
  bool undo_failed = false;           // its undo was left to a person before
  std::optional<Instant> undo_since;  // when it was decided to undo it
  // When and why it was given up and was to be undone for that: a person must look at it whatever
  // has become of it. Over once it is verified, planned again, or wanted by nobody.
  std::optional<Instant> given_up_at;
  std::string given_up_because;
  // Who hears that a person must act on it: channels, "identity:ID". Empty: whoever is on call.
  std::vector<std::string> escalate_to;
  // Of one that is being undone, or was: when it was seen to be done.
  std::optional<Instant> off_since;
  std::string preimage;
  std::string precondition_digest;
  std::string detail;  // why it stands where it stands: one sentence for people
};

std::string EncodeEntry(const JournalEntry& entry);
// kCorrupt when the bytes are no entry, kUnsupported when a newer version wrote them.
Result<JournalEntry> DecodeEntry(std::string_view bytes);

// Whether it has changed something in its system. Applied but not verified yet counts. An attempt
// of which nobody knows whether it did anything does not: its target is observed first, and if it
// did nothing, the reasons must stand.
inline bool HasTouched(const JournalEntry& entry) {
  return entry.state == ActionState::kVerified || entry.state == ActionState::kApplied ||
         entry.has_effect;
}

// Left to a person because it could not be undone.
inline bool IsUndoLeft(const JournalEntry& entry) {
  return entry.state == ActionState::kEscalated && entry.is_undo;
}

// It is still to be undone, or could not be: of its stages nothing else may begin.
inline bool IsUndoOpen(const JournalEntry& entry) {
  return (entry.state == ActionState::kCompensating || IsUndoLeft(entry)) && !entry.undo_dropped;
}

// Nothing of an undo is left to do.
inline void EndUndo(JournalEntry& entry) {
  entry.is_undo = entry.undo_dropped = entry.undo_failed = false;
  entry.undo_since.reset();
}

// Left to a person: given up, whether or not it could be undone.
inline bool NeedsPerson(const JournalEntry& entry) {
  return entry.state == ActionState::kEscalated || entry.given_up_at.has_value();
}

// Of one that NeedsPerson: since when, and why.
inline Instant GivenUpAt(const JournalEntry& entry) {
  return entry.given_up_at.value_or(entry.changed_at);
}
inline std::string WhyGivenUp(const JournalEntry& entry) {
  if (!entry.given_up_at) return entry.detail;
  if (entry.state != ActionState::kEscalated) return entry.given_up_because;
  return entry.given_up_because + "; " + entry.detail;  // nor could it be undone
}

// Its system, or the gate, has said that it must not be: to try again is a person's decision. What
// could not be reached, or what somebody had changed, may be undone once it is as we left it.
inline constexpr std::string_view kUndoRefused = "not undone: ";
inline bool IsUndoRefused(const JournalEntry& entry) {
  return IsUndoLeft(entry) && entry.detail.starts_with(kUndoRefused);
}

// Why an undo is dropped (JournalEntry::undo_dropped).
inline constexpr const char* kCarriedOutAgain = "its stage is carried out again";

// Left to a person before it has changed anything, as far as anybody knows.
inline bool IsGivenUpUndone(const JournalEntry& entry) {
  return entry.state == ActionState::kEscalated && !entry.has_effect && !entry.may_have_effect;
}

inline constexpr std::string_view kStillEffectiveVia = "still effective via ";
// Left to a person because access goes on though the action is done: facts that have it done say
// nothing of that.
inline bool IsStillEffective(const JournalEntry& entry) {
  return entry.state == ActionState::kEscalated && entry.detail.starts_with(kStillEffectiveVia);
}

// Left to a person with its stages, which were rolled back for it. They are not for access that
// goes on though the action is done: to give more of it back would be worse.
inline bool IsGivenUpWithStage(const JournalEntry& entry) {
  return NeedsPerson(entry) && !entry.rollback_groups.empty() && !IsStillEffective(entry);
}

}  // namespace rescind
