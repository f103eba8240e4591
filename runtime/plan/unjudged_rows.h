// UnjudgedRows: rows that a plan lists although no action comes of them: insufficient data,
// evaluation errors, and matches of policies that only observe. Private to the planner.
#pragma once

#include <cstdint>
#include <vector>

#include "runtime/plan/finding_text.h"
#include "runtime/plan/plan_draft.h"

namespace rescind {

// Live rows of a judged entity that are not complete; empty when no rule judges it.
const std::vector<RowId>& IncompleteRows(const PlanDraft& draft, EntityId entity);

struct UnjudgedRows {
  std::vector<NotActedOn> listed;
  uint64_t unlisted_insufficient_count = 0;  // rows for lack of data beyond those listed
};

// Those that the filters show, of each policy and kind at most options.listed_rows; what is left
// out is counted in the last one's detail. Rests on the sweep alone: nothing need have been
// drafted, or another thread may be at it. Errors: ids could not be read.
Result<UnjudgedRows> ListUnjudgedRows(const PlanDraft& draft, FindingTexts& texts);

}  // namespace rescind
