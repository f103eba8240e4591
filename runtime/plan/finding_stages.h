// FindingStages: from one finding to what its stages still want, and when.
//
//   base  = the latest of opening, entering enforce, the end of the last protect or exemption
//   stage 0 falls due at base + after; each later one as long after the earlier as written, counted
//   from when that one really began: a held or late stage delays what follows.
// Resolves findings with nothing left to do, and opens a new one when a target leaves its wanted
// state. Private to the planner.
#pragma once

#include "runtime/plan/plan_draft.h"

namespace rescind {

// Adds stages, claims, notices and vetoed rows of every enforced policy to the draft, and moves
// the findings of draft.book. Errors: ids or the journal could not be read.
Status DraftStages(PlanDraft& draft);

// The same, and PlanDraft::outlooks.
Status DraftOutlooks(PlanDraft& draft);

}  // namespace rescind
