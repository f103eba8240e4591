#include "tests/unit/runtime/plan/plan_part.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <string>

#include "engine/base/sort_unique.h"
#include "runtime/plan/plan_json.h"
#include "runtime/plan/planner_guards.h"

namespace rescind {
namespace {

bool IsIn(const std::vector<RowId>& rows, RowId row) {
  return std::binary_search(rows.begin(), rows.end(), row);
}

// Of policies; what protects say is needed whole.
eval::SweepResult SweepPart(const ir::Program& program, const eval::SweepResult& whole,
                            const FindingRows& rows) {
  eval::SweepResult part;
  part.incomplete = whole.incomplete;
  part.rules = whole.rules;
  for (uint32_t rule = 0; rule < program.rules.size(); ++rule) {
    if (program.rules[rule].protect) continue;
    eval::RuleOutcome& outcome = part.rules[rule];
    const auto is_other = [&](RowId row) { return !IsIn(rows[rule], row); };
    std::erase_if(outcome.matches, is_other);
    std::erase_if(outcome.undecided, is_other);
    std::erase_if(outcome.errors, [&](const eval::RowError& error) { return is_other(error.row); });
  }
  return part;
}

eval::Verdict VerdictOf(const eval::RuleOutcome& outcome, RowId row) {
  if (IsIn(outcome.matches, row)) return eval::Verdict::kMatch;
  if (IsIn(outcome.undecided, row)) return eval::Verdict::kUndecided;
  const bool failed = std::any_of(outcome.errors.begin(), outcome.errors.end(),
                                  [&](const eval::RowError& error) { return error.row == row; });
  return failed ? eval::Verdict::kError : eval::Verdict::kNoMatch;
}

// As of facts that have changed since nothing was protected.
PlannerGuards KeptGuards(const eval::EvaluationInput& input, const eval::SweepResult& sweep,
                         const PlannerOptions& options) {
  auto cover = ExemptionCover::Make(input.facts, options.exemptions, input.now);
  REQUIRE(cover.ok());
  const auto changed = std::make_shared<bool>(false);
  const auto verdict = [changed, &sweep](uint32_t rule, RowId row) {
    return *changed ? VerdictOf(sweep.rules[rule], row) : eval::Verdict::kNoMatch;
  };
  PlannerGuards guards{Protection(input.program, input.facts, verdict), *std::move(cover)};
  *changed = true;
  for (const ir::Rule& rule : input.program.rules) {
    if (!rule.protect) continue;
    for (uint32_t row = 0; row < input.facts.table(rule.entity).row_count(); ++row) {
      guards.protection.Refresh(rule.entity, RowId(row));
    }
  }
  return guards;
}

// What is due, as text.
std::string DueText(const Plan& whole) {
  Plan due;
  due.as_of = whole.as_of;
  due.actions = whole.actions;
  due.notices = whole.notices;
  std::erase_if(due.actions,
                [](const PlannedAction& action) { return action.status == ActionStatus::kNotice; });
  std::erase_if(due.notices,
                [](const PlannedNotice& notice) { return notice.status == ActionStatus::kNotice; });
  SealPlan(due);
  return EncodePlan(due);
}

std::map<std::string, std::optional<std::string>> ChangesOf(const eval::EvaluationInput& input,
                                                            const FindingBook& previous,
                                                            const PlanOutcome& outcome) {
  AppliedSelection all;
  all.everything_ready = true;
  std::map<std::string, std::optional<std::string>> changes;
  const AppliedRecord record = RecordApplied(input, previous, outcome, all);
  for (const auto& change : record.batch.changes()) {
    changes[change.key] = change.value;
  }
  return changes;
}

}  // namespace

void CheckPart(const eval::EvaluationInput& input, const eval::SweepResult& sweep,
               const FindingBook& previous, const PlannerOptions& options,
               const PlanOutcome& whole) {
  const auto& rules = input.program.rules;
  const auto is_renamed = [](const ir::Rule& rule) { return !rule.renamed_from.empty(); };
  // Findings are looked for under the names that policies have now.
  if (std::any_of(rules.begin(), rules.end(), is_renamed)) return;
  auto outlooks = LookAhead(input, sweep, previous, options);
  REQUIRE(outlooks.ok());
  FindingWatch watch(rules.size());
  std::vector<FindingName> known;
  for (FindingOutlook& outlook : *outlooks) {
    known.push_back(outlook.name);
    watch.Put(std::move(outlook));
  }
  std::vector<FindingName> changed;
  std::vector<FindingName> ended;  // they are changed, and nobody can look ahead
  for (const FindingTransition& transition : whole.transitions) {
    for (uint32_t rule = 0; rule < rules.size(); ++rule) {
      if (rules[rule].full_name != transition.finding.policy) continue;
      const FindingName name{rule, transition.finding.row};
      const bool stands = std::binary_search(known.begin(), known.end(), name);
      (stands ? changed : ended).push_back(name);
    }
  }
  FindingRows rows = watch.Together(changed);
  for (const FindingName& name : ended) {
    rows[name.rule].push_back(name.row);
    SortUnique(rows[name.rule]);
  }
  PlannerGuards guards = KeptGuards(input, sweep, options);
  auto part = PlanActions(input, SweepPart(input.program, sweep, rows),
                          previous.Part(input.program, rows), options, &guards);
  REQUIRE(part.ok());
  CHECK(DueText(part->plan) == DueText(whole.plan));
  CHECK(part->used_releases == whole.used_releases);
  CHECK(part->confirming_releases == whole.confirming_releases);

  const auto of_part = ChangesOf(input, previous.Part(input.program, rows), *part);
  const auto of_whole = ChangesOf(input, previous, whole);
  for (const auto& change : of_part) {
    CAPTURE(change.first);
    REQUIRE(of_whole.contains(change.first));
    CHECK(of_whole.at(change.first) == change.second);
  }
}

}  // namespace rescind
