#include "runtime/service/release_entry.h"

#include "runtime/plan/personal_data.h"

namespace rescind {

AuditEvent ReleaseEntry(AuditKind kind, const Release& release, const ir::Program& program,
                        Instant at, const std::string& trigger) {
  AuditEvent event;
  event.kind = kind;
  event.at = at;
  event.trigger = trigger;
  event.details["release"] = {release.id, false};
  event.details["group"] = {release.group,
                            !release.group.empty() && IsGroupPersonal(program, release.policy)};
  if (!release.policy.empty()) event.policies.emplace_back().name = release.policy;
  return event;
}

}  // namespace rescind
