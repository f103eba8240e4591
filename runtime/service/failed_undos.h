// FindFailedUndos: rollbacks that failed in earlier runs, as a new one finds them.
//
// An undo that its system or the gate has refused is a person's to try again, by a plan; one whose
// system could not be reached, or whose target somebody had changed, is tried by every run. In any
// case its target is looked at first: where it is not as the action left it, nor as it was before,
// nothing is touched. Nor is it where a policy lets the same action go by now; one that only holds
// or announces it changes nothing. A plan of some policies, or of one person, decides about no
// others: their undos are left. It takes no step: that is the journal's, and the gate has a say in
// it.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "engine/base/result.h"
#include "runtime/journal/action_runner.h"
#include "runtime/journal/journal.h"
#include "runtime/service/pipeline.h"

namespace rescind {

struct FailedUndos {
  std::vector<std::string> to_retry;  // keys
  std::vector<JournalEntry> left;     // to a person
};

struct UndoChoice {
  std::set<std::string> listed;  // keys of what the run lists as escalated anyway
  bool by_person = false;        // a person has decided on this run
  // What the plan that is applied shows; empty: all.
  std::vector<std::string> policies;
  std::string person;
};

// Whether the plan shows what the undo is about: whoever applies it has decided about it. Errors:
// an id could not be read.
Result<bool> IsUndoShown(const Derivation& derivation, const UndoChoice& choice,
                         const JournalEntry& entry);

// `derivation`: of now, after what its plan let go was handed over. Errors: the journal's, or the
// store's.
Result<FailedUndos> FindFailedUndos(const Journal& journal, ActionRunners& runners,
                                    const Derivation& derivation, const UndoChoice& choice);

}  // namespace rescind
