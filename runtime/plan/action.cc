#include "runtime/plan/action.h"

#include <array>

#include "engine/base/assert.h"

namespace rescind {
namespace {

constexpr std::array<std::string_view, 7> kVerbNames = {"disable", "suspend", "end",   "revoke",
                                                        "delete",  "run",     "notify"};

}  // namespace

std::string_view VerbName(Verb verb) {
  const auto index = static_cast<size_t>(verb) - 1;
  RESCIND_ASSERT(index < kVerbNames.size(), "unknown verb");
  return kVerbNames[index];
}

std::optional<Verb> ParseVerb(std::string_view name) {
  for (size_t i = 0; i < kVerbNames.size(); ++i) {
    if (kVerbNames[i] == name) return static_cast<Verb>(i + 1);
  }
  return std::nullopt;
}

bool IsReversible(Verb verb) {
  switch (verb) {
    case Verb::kDisable:
    case Verb::kSuspend:
    case Verb::kRevoke: return true;
    case Verb::kEnd:
    case Verb::kDelete:
    case Verb::kRun:
    case Verb::kNotify: return false;
  }
  RESCIND_UNREACHABLE("unknown verb");
}

bool TakesTargetAway(Verb verb) {
  return verb == Verb::kEnd || verb == Verb::kRevoke || verb == Verb::kDelete;
}

std::string_view SeverityName(Severity severity) {
  switch (severity) {
    case Severity::kLow: return "low";
    case Severity::kMedium: return "medium";
    case Severity::kHigh: return "high";
    case Severity::kCritical: return "critical";
  }
  RESCIND_UNREACHABLE("unknown severity");
}

std::optional<Severity> ParseSeverity(std::string_view name) {
  for (const Severity severity :
       {Severity::kLow, Severity::kMedium, Severity::kHigh, Severity::kCritical}) {
    if (SeverityName(severity) == name) return severity;
  }
  return std::nullopt;
}

}  // namespace rescind
