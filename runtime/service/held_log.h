// What a run holds, as the leaf of its end says it.
//
// What the planner holds is never handed to the journal and makes no transition: the end of the run
// is where an auditor finds it. A run that does nothing but hold is logged when it holds something
// else than the last one did.
#pragma once

#include <string_view>

#include "engine/base/result.h"
#include "runtime/audit/audit_event.h"
#include "runtime/service/apply_report.h"
#include "runtime/store/key_value.h"

namespace rescind {

// Which actions the last run held (FORMAT.md).
inline constexpr std::string_view kHeldKey = "service/held";

// How many actions and messages are held, and how many for which reason. Reasons may name groups of
// a limit, and so people: they are committed to.
void AddHeld(const ApplyReport& report, AuditEvent& event);
// The plan of `report` holds something that the last run did not hold. Errors: the store's.
Result<bool> HoldsAnew(const ApplyReport& report, const KeyValueReader& reader);
// For the next run, in the commit of this one's end.
void PutHeld(const ApplyReport& report, KeyValueBatch& batch);

}  // namespace rescind
