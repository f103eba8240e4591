// What the audit log says of a release, given or over.
#pragma once

#include <string>

#include "engine/ir/program.h"
#include "runtime/audit/audit_event.h"
#include "runtime/plan/release.h"

namespace rescind {

// Which release, of which policy and group; outcome and anything else are the caller's.
AuditEvent ReleaseEntry(AuditKind kind, const Release& release, const ir::Program& program,
                        Instant at, const std::string& trigger);

}  // namespace rescind
