#include "runtime/audit/audit_event.h"

#include <array>

#include "engine/base/assert.h"

namespace rescind {
namespace {

constexpr std::array<std::string_view, 16> kKindNames = {
    "log_created",   "key_rotated", "transition",      "run_started",
    "run_ended",     "notice",      "exemption_added", "exemption_ended",
    "released",      "erased",      "restored",        "note",
    "release_ended", "held",        "hold_ended",      "passed_over"};

}  // namespace

std::string_view AuditKindName(AuditKind kind) {
  const auto index = static_cast<size_t>(kind) - 1;
  RESCIND_ASSERT(index < kKindNames.size(), "unknown kind of audit event");
  return kKindNames[index];
}

std::optional<AuditKind> ParseAuditKind(std::string_view name) {
  for (size_t i = 0; i < kKindNames.size(); ++i) {
    if (kKindNames[i] == name) return static_cast<AuditKind>(i + 1);
  }
  return std::nullopt;
}

std::span<const std::string_view> AuditKindNames() { return kKindNames; }

}  // namespace rescind
