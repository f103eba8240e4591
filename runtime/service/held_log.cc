#include "runtime/service/held_log.h"

#include <fmt/format.h>

#include <string>

#include "engine/base/sha256.h"

namespace rescind {
namespace {

constexpr size_t kMostReasons = 20;

// Of keys alone: reasons say how much of a limit is used, and differ with each run. Empty when the
// plan holds nothing.
std::string HeldMark(const ApplyReport& report) {
  if (report.held_actions.empty() && report.held_notice_count() == 0) return "";
  Sha256Fields fields;
  for (const auto& [key, because] : report.held_actions) fields.Add(key);
  fields.Add(report.held_notice_count());
  return "1 " + fields.Hex();
}

std::string CountText(const HeldCount& count) {
  const auto text = [](uint64_t number, std::string_view noun) {
    return number == 0 ? std::string()
                       : fmt::format("{} {}{}", number, noun, number == 1 ? "" : "s");
  };
  const std::string both = count.actions > 0 && count.notices > 0 ? ", " : "";
  return text(count.actions, "action") + both + text(count.notices, "notice");
}

}  // namespace

void AddHeld(const ApplyReport& report, AuditEvent& event) {
  const auto by_reason = report.HeldByReason();
  if (by_reason.empty()) return;
  std::string because;
  size_t listed = 0;
  for (const auto& [reason, count] : by_reason) {
    if (++listed > kMostReasons) break;
    because += fmt::format("{}{}: {}", because.empty() ? "" : "\n", CountText(count), reason);
  }
  if (by_reason.size() > kMostReasons) {
    because += fmt::format("\nand {} more reasons", by_reason.size() - kMostReasons);
  }
  event.details["held"] = {std::to_string(report.all_held_count()), false};
  event.details["held_notices"] = {std::to_string(report.held_notice_count()), false};
  event.details["held_because"] = {because, true};
}

Result<bool> HoldsAnew(const ApplyReport& report, const KeyValueReader& reader) {
  const std::string mark = HeldMark(report);
  if (mark.empty()) return false;
  RESCIND_ASSIGN(const auto last, reader.Get(kHeldKey));
  return last != mark;
}

void PutHeld(const ApplyReport& report, KeyValueBatch& batch) {
  const std::string mark = HeldMark(report);
  if (mark.empty()) {
    batch.Delete(kHeldKey);
  } else {
    batch.Put(kHeldKey, mark);
  }
}

}  // namespace rescind
