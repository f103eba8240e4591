// Told on day 1 that it goes on day 30; the text says 7d now, it is day 5, nobody has confirmed it:
//   "confirming shortens the notice from 30d to 7d: 1 action falls due earlier than was announced,
//   from day 7 on; …"
#include "runtime/plan/shortened_notice.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

namespace rescind {
namespace {

using ClaimName =
    std::tuple<std::string_view, std::string_view, std::string_view, std::string_view, uint32_t>;

// What is due when, of every claim of the policies.
template <typename Take>
void ForEachClaim(const Plan& plan, Take take) {
  for (const PlannedAction& planned : plan.actions) {
    for (const PlannedReason& reason : planned.reasons) {
      take(ClaimName{planned.action.key, reason.policy, reason.judged_entity, reason.judged_id,
                     reason.stage},
           reason);
    }
  }
}

struct Moved {
  uint64_t count = 0;
  uint64_t at_once_count = 0;
  Instant first = Instant::Never();  // of those that are not due at once
};

std::string TextOf(const Moved& moved, Duration from, Duration to) {
  std::string text = fmt::format(
      "confirming shortens the notice from {} to {}: {} {} due earlier than was announced",
      FormatDuration(from), FormatDuration(to), moved.count,
      moved.count == 1 ? "action falls" : "actions fall");
  if (moved.at_once_count > 0) text += fmt::format(", {} at once", moved.at_once_count);
  if (moved.first != Instant::Never()) text += ", from " + FormatInstant(moved.first) + " on";
  return text + "; who was told the later date is not told again";
}

}  // namespace

Duration NoticeOf(const ir::Rule& rule) {
  for (const ir::Stage& stage : rule.stages) {
    for (const ir::Action& action : stage.actions) {
      if (action.verb != ir::Verb::kNotify) return stage.after;
    }
  }
  return {};
}

std::map<std::string, const ir::Rule*> ShortenedPolicies(const ir::Program& program,
                                                         const FindingBook& findings) {
  std::map<std::string, const ir::Rule*> policies;
  for (const ir::Rule& rule : program.rules) {
    if (rule.protect || rule.mode != ir::Mode::kEnforce) continue;
    const PolicyRecord* record = findings.Record(rule.full_name);
    const bool keeps_promise = record && !record->confirmed_meaning.empty() &&
                               record->confirmed_meaning != rule.meaning_hash;
    if (keeps_promise && NoticeOf(rule).micros < record->confirmed_notice.micros) {
      policies.emplace(rule.full_name, &rule);
    }
  }
  return policies;
}

FindingBook ConfirmAll(const std::map<std::string, const ir::Rule*>& policies, FindingBook book,
                       const FindingBook& advanced) {
  for (const auto& [name, rule] : policies) {
    PolicyRecord record = *advanced.Record(name);
    record.confirmed_meaning = rule->meaning_hash;
    book.MutableRecord(name) = std::move(record);
  }
  return book;
}

void SayWhatConfirmingDoes(const std::map<std::string, const ir::Rule*>& policies,
                           const FindingBook& findings, const Plan& as_promised,
                           const Plan& as_confirmed, Plan& plan) {
  std::map<ClaimName, Instant> promised;
  ForEachClaim(as_promised, [&](const ClaimName& name, const PlannedReason& reason) {
    if (policies.contains(reason.policy)) promised.emplace(name, reason.due);
  });
  std::map<std::string_view, Moved> moved;
  ForEachClaim(as_confirmed, [&](const ClaimName& name, const PlannedReason& reason) {
    const auto before = promised.find(name);
    // What waits was promised for no day.
    if (before == promised.end() || before->second == Instant::Never()) return;
    if (reason.due >= before->second || before->second <= plan.as_of) return;
    Moved& of_policy = moved[reason.policy];
    ++of_policy.count;
    if (reason.due <= plan.as_of) {
      ++of_policy.at_once_count;
    } else {
      of_policy.first = std::min(of_policy.first, reason.due);
    }
  });
  for (PolicySummary& summary : plan.policies) {
    const auto found = moved.find(summary.policy);
    if (found == moved.end()) continue;
    summary.confirming = TextOf(found->second, findings.Record(summary.policy)->confirmed_notice,
                                NoticeOf(*policies.at(summary.policy)));
  }
}

}  // namespace rescind
