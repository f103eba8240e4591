#include "runtime/plan/protection.h"

#include <fmt/format.h>

namespace rescind {
namespace {

// A row of which nobody knows yet what it is may be what the protect means.
void AddUnjudged(const FactBase& facts, EntityId entity, uint32_t label, Coverage& coverage) {
  const Table& table = facts.table(entity);
  const auto presence = table.presence();
  const auto complete = table.complete();
  for (uint32_t row = 0; row < table.row_count(); ++row) {
    const auto state = static_cast<Presence>(presence[row]);
    if (state == Presence::kAbsent || (state == Presence::kLive && complete[row] == 0)) {
      coverage.AddSeed(entity, RowId(row), label);
    }
  }
}

}  // namespace

Protection::Protection(const eval::EvaluationInput& input, const eval::SweepResult& sweep)
    : input_(input), coverage_(input.facts) {
  for (uint32_t index = 0; index < input.program.rules.size(); ++index) {
    const ir::Rule& rule = input.program.rules[index];
    if (!rule.protect) continue;
    const eval::RuleOutcome& outcome = sweep.rules[index];
    for (const RowId row : outcome.matches) coverage_.AddSeed(rule.entity, row, index);
    for (const RowId row : outcome.undecided) coverage_.AddSeed(rule.entity, row, index);
    for (const eval::RowError& error : outcome.errors) {
      coverage_.AddSeed(rule.entity, error.row, index);
    }
    AddUnjudged(input.facts, rule.entity, index, coverage_);
  }
}

std::optional<Veto> Protection::Vetoes(Verb verb, EntityId entity, RowId row) {
  if (verb == Verb::kNotify) return std::nullopt;
  if (const auto label = coverage_.Covers(entity, row)) {
    const ir::Rule& rule = input_.program.rules[*label];
    return Veto{rule.full_name, fmt::format("protected: {}", rule.title)};
  }
  if (verb != Verb::kDelete) return std::nullopt;
  if (const auto label = coverage_.CoversBelow(entity, row)) {
    const ir::Rule& rule = input_.program.rules[*label];
    return Veto{rule.full_name, fmt::format("something protected belongs to it: {}", rule.title)};
  }
  return std::nullopt;
}

}  // namespace rescind
