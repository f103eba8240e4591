// The message that a person must act, and what it says of a stage that is rolled back for that.
//
// What becomes of the rest of the stage is known only while the message is sent, which may be a day
// after the step that it tells of. So it is noted without that, and WithRollback adds it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/base/result.h"
#include "runtime/journal/journal.h"
#include "runtime/service/apply_report.h"
#include "runtime/service/notice_sender.h"

namespace rescind {

// What was given up: an action alone, one whose stage is rolled back for it, or an undo.
enum class EscalatedBy : uint8_t { kAction = 1, kStage = 2, kUndo = 3 };

// "disable account ldap/ann on corp"
std::string NameOfDeed(const JournalEntry& entry);
// The first of them, and how many there are besides.
std::string ListDeeds(const std::vector<std::string>& deeds);

Notice EscalationOf(const AppliedAction& action, EscalatedBy by);

// A message of EscalationOf with what the journal says now: what of the stage was given back, is
// being given back or could not be, and since when each was off. Any other message as it is.
// Errors: the journal's.
Result<Notice> WithRollback(Notice notice, const Journal& journal);

}  // namespace rescind
