// FindFailedUndos: rollbacks that failed in earlier runs, as a new one finds them.
//
// An undo that its system or the gate has refused is a person's to try again, by a plan; one whose
// system could not be reached, or whose target somebody had changed, is tried by every run. In any
// case its target is looked at first: where it is not as the action left it, nor as it was before,
// nothing is touched. Nor is it where a policy lets the same action go by now; one that only holds
// or announces it changes nothing. It takes no step: that is the journal's, and the gate has a say
// in it.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "engine/base/result.h"
#include "runtime/journal/action_runner.h"
#include "runtime/journal/journal.h"
#include "runtime/plan/plan.h"

namespace rescind {

struct FailedUndos {
  std::vector<std::string> to_retry;  // keys
  std::vector<JournalEntry> left;     // to a person
};

// `derived`: the plan of now, after what it let go was handed over. `listed`: keys of what the run
// lists as escalated anyway. `by_person`: a person has decided on this run. Errors: the journal's.
Result<FailedUndos> FindFailedUndos(const Journal& journal, ActionRunners& runners,
                                    const Plan& derived, const std::set<std::string>& listed,
                                    bool by_person);

}  // namespace rescind
