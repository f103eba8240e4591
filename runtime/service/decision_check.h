// What the audit log says that people have decided, against what the store holds.
//
// Every commit that changes exemptions, releases or what is confirmed has an entry with their
// digest as of after it (transition_recorder.h), and so have the beginning and the end of each run.
// The log is tied by its checkpoints; this ties them to the log.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "engine/base/result.h"
#include "runtime/audit/audit_event.h"
#include "runtime/audit/log_reader.h"
#include "runtime/env/file_system.h"
#include "runtime/plan/standing_decisions.h"
#include "runtime/store/store.h"

namespace rescind {

// Entries of these kinds always say what is decided. One that does not is of an earlier program.
bool AlwaysSaysDecisions(AuditKind kind);
void AddDecisions(const StandingDecisions& decisions, AuditEvent& event);

// The last that the log says.
struct LoggedDecisions {
  enum class Known : uint8_t {
    kSaid,      // an entry says it
    kEarlier,   // the last entry that would is of an earlier program
    kNoneMade,  // no entry is of any decision
  };
  Known known = Known::kNoneMade;
  // That entry; of kNoneMade the first one. All from there on were read.
  uint64_t index = 0;
  std::string kind;
  std::string at;
  std::string digest;  // kSaid only, and the next
  std::string text;    // as StandingDecisions::Text
};
// Reads from the end backwards, one entry at a time. kCorrupt when one is missing or no entry.
Result<LoggedDecisions> ReadLoggedDecisions(const LogReader& reader);

struct DecisionMismatch {
  LoggedDecisions logged;
  StandingDecisions stored;

  // kCorrupt: what either says, where to look, how to go on.
  Error AsError() const;
};
// Nothing: they agree, or the log is of an earlier program. An error: the log is not what was
// acknowledged and signed.
Result<std::optional<DecisionMismatch>> CompareDecisions(const Store& store,
                                                         const std::string& audit_key_file,
                                                         FileSystem& files);
// The mismatch as an error.
Status CheckDecisions(const Store& store, const std::string& audit_key_file, FileSystem& files);

}  // namespace rescind
