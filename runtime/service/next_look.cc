// When a run that plans again and again is to look again, while nothing happens.
#include <algorithm>

#include "runtime/service/apply_run.h"

namespace rescind {
namespace {

constexpr int64_t kHeldLookMicros = kMicrosPerMinute;

}  // namespace

Instant ApplyRun::NextChangeOf(const Derivation& derivation) {
  Instant next = derivation.outcome.next_due;
  for (const auto& of_entity : derivation.sweep.deadlines) {
    for (const Instant deadline : of_entity) next = std::min(next, deadline);
  }
  return next;
}

Status ApplyRun::SetNextLook(Instant next_change, ApplyAnswer& answer) const {
  const ApplyReport& report = answer.report;
  const Instant now = pipeline_.environment().clock.Now();
  Instant next = next_change;
  // What holds it may be over without a word: an hour of a limit, a feed that is fresh again.
  const bool is_held = report.all_held_count() > 0 || report.held_notice_count() > 0 ||
                       report.failed_notice_count() > 0;
  if (is_held) next = std::min(next, {now.micros + kHeldLookMicros});
  RESCIND_TRY(ledger_.journal().List([&](const JournalEntry& entry) {
    if (IsTerminal(entry.state)) return false;
    if (!IsRunnable(entry.state)) return true;
    // What waits behind others of a system that fails is tried when they are.
    if (!entry.retry_at && report.failing_systems.contains(entry.action.target.system)) {
      next = std::min(next, {now.micros + kHeldLookMicros});
      return true;
    }
    next = std::min(next, entry.retry_at.value_or(now));
    if (entry.retry_at) {
      answer.next_retry = std::min(answer.next_retry.value_or(*entry.retry_at), *entry.retry_at);
    }
    return true;
  }));
  answer.next_look = next;
  return {};
}

}  // namespace rescind
