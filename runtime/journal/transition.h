// Transition: one step of one action, and the seam that makes it durable.
//
// The journal hands every step to a TransitionCommitter, which the service implements: journal
// record, audit leaf and what was observed as a fact (of a verified action, that the access is
// gone) go into one batch. The journal knows neither the audit log nor what a fact is.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "engine/base/instant.h"
#include "engine/base/result.h"
#include "runtime/journal/journal_entry.h"
#include "runtime/store/key_value.h"

namespace rescind {

struct Transition {
  JournalEntry entry;  // after the step
  ActionState from = ActionState::kPlanned;
  std::string trigger;   // who or what: "apply sha256:… by uid 1000"
  std::string outcome;   // what the executor said, or why: one sentence for people
  std::string evidence;  // kVerified: what was tried and what came back
  std::string via;       // kEscalated: the way by which access remains
  std::string context;   // ActionRequest::context, when it is planned
  // Its target was seen to be used then, which no feed has told, and which ended a reason.
  std::optional<Instant> seen_use{};
  bool was_known = false;        // kEscalated: its undo had failed, and was tried again
  bool starts_rollback = false;  // what its stages have done is undone for it
  bool is_own_word = false;  // the outcome is a sentence of the journal itself, and names nobody
};

class TransitionCommitter {
 public:
  virtual ~TransitionCommitter() = default;
  // Durable when it returns: `batch` (journal records), one audit leaf a transition (there may be
  // none), and for each entry that is now kVerified the observed state as a fact of the source
  // "rescind" at changed_at; for kCompensated the reverse; and uses that were seen. All or nothing.
  // After an error the journal takes no further step and calls no executor. Called by one thread at
  // a time.
  virtual Status Commit(KeyValueBatch& batch, std::span<const Transition> transitions) = 0;
};

}  // namespace rescind
