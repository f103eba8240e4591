// Told on day 1 that it goes on day 30; the text says 7d now, it is day 5, nobody has confirmed it:
//   "confirming shortens the notice from 30d to 7d: 1 action falls due earlier than was announced,
//   from day 7 on; …"
#include "runtime/plan/shortened_notice.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <tuple>

#include "runtime/plan/plan_draft.h"
#include "runtime/plan/stage_numbers.h"

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

bool RemovesSomething(const ir::Stage& stage) {
  return std::any_of(stage.actions.begin(), stage.actions.end(), Removes);
}

// "delete", "disable and revoke".
std::string VerbsOf(const ir::Stage& stage) {
  std::vector<std::string_view> verbs;
  for (const ir::Action& action : stage.actions) {
    if (!Removes(action)) continue;
    const std::string_view verb = VerbName(ToVerb(action.verb));
    if (std::find(verbs.begin(), verbs.end(), verb) == verbs.end()) verbs.push_back(verb);
  }
  return fmt::format("{}", fmt::join(verbs, " and "));
}

// "the notice from 30d to 7d", "the wait for delete from 60d to 10d".
std::string Shortenings(const ir::Rule& rule, const PolicyRecord& record) {
  const std::vector<Duration> promised = PromisedAfter(rule, record);
  std::vector<std::string> parts;
  bool is_first = true;
  for (size_t stage = 0; stage < rule.stages.size(); ++stage) {
    if (!RemovesSomething(rule.stages[stage])) continue;
    const Duration written = rule.stages[stage].after;
    if (written < promised[stage]) {
      parts.push_back(
          fmt::format("{} from {} to {}",
                      is_first ? "the notice" : "the wait for " + VerbsOf(rule.stages[stage]),
                      FormatDuration(promised[stage]), FormatDuration(written)));
    }
    is_first = false;
  }
  return fmt::format("{}", fmt::join(parts, ", "));
}

std::string TextOf(const Moved& moved, const std::string& shortenings) {
  std::string text =
      fmt::format("confirming shortens {}: {} {} due earlier than was announced", shortenings,
                  moved.count, moved.count == 1 ? "action falls" : "actions fall");
  if (moved.at_once_count > 0) text += fmt::format(", {} at once", moved.at_once_count);
  if (moved.first != Instant::Never()) text += ", from " + FormatInstant(moved.first) + " on";
  return text + "; who was told the later date is not told again";
}

}  // namespace

Duration NoticeOf(const ir::Rule& rule) {
  const auto first = std::find_if(rule.stages.begin(), rule.stages.end(), RemovesSomething);
  return first == rule.stages.end() ? Duration() : first->after;
}

std::vector<ConfirmedStage> StagesToConfirm(const ir::Rule& rule) {
  std::vector<ConfirmedStage> stages;
  const StageMeanings meanings = MeaningsOf(rule);
  for (size_t stage = 0; stage < rule.stages.size(); ++stage) {
    stages.push_back({rule.stages[stage].after, meanings[stage]});
  }
  return stages;
}

std::vector<Duration> PromisedAfter(const ir::Rule& rule, const PolicyRecord& record) {
  std::vector<Duration> promised;
  bool any_removal = false;
  for (const ir::Stage& stage : rule.stages) {
    any_removal |= RemovesSomething(stage);
    promised.push_back(any_removal ? std::max(stage.after, record.confirmed_notice) : stage.after);
  }
  StageMeanings before;
  std::map<std::string_view, Duration> earliest;  // by what an action asks for
  for (const ConfirmedStage& stage : record.confirmed_stages) {
    before.push_back(stage.actions);
    for (const std::string& meaning : stage.actions) earliest.emplace(meaning, stage.after);
  }
  const auto numbers = MatchStages(before, MeaningsOf(rule));
  const auto promise = [&](size_t stage, Duration after) {
    if (RemovesSomething(rule.stages[stage])) promised[stage] = std::max(promised[stage], after);
  };
  for (size_t old = 0; old < numbers.size(); ++old) {
    if (numbers[old]) promise(*numbers[old], record.confirmed_stages[old].after);
  }
  for (size_t stage = 0; stage < rule.stages.size(); ++stage) {
    for (const ir::Action& action : rule.stages[stage].actions) {
      const auto known = earliest.find(action.meaning);
      const bool is_known = known != earliest.end() && Removes(action);
      if (is_known) promise(stage, known->second);
    }
  }
  return promised;
}

std::map<std::string, const ir::Rule*> ShortenedPolicies(const ir::Program& program,
                                                         const FindingBook& findings) {
  std::map<std::string, const ir::Rule*> policies;
  for (const ir::Rule& rule : program.rules) {
    if (rule.protect || rule.mode != ir::Mode::kEnforce) continue;
    const PolicyRecord* record = findings.Record(rule.full_name);
    const bool keeps_promise = record && !record->confirmed_meaning.empty() &&
                               record->confirmed_meaning != rule.meaning_hash;
    if (keeps_promise && !Shortenings(rule, *record).empty()) {
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
    summary.confirming = TextOf(
        found->second, Shortenings(*policies.at(summary.policy), *findings.Record(summary.policy)));
  }
}

}  // namespace rescind
