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
    // The lowest label counts: a protect that is sure of a row speaks before one that is not.
    const auto unsure = static_cast<uint32_t>(index + input.program.rules.size());
    for (const RowId row : outcome.matches) coverage_.AddSeed(rule.entity, row, index);
    for (const RowId row : outcome.undecided) coverage_.AddSeed(rule.entity, row, unsure);
    for (const eval::RowError& error : outcome.errors) {
      coverage_.AddSeed(rule.entity, error.row, unsure);
    }
    AddUnjudged(input.facts, rule.entity, unsure, coverage_);
  }
}

Veto Protection::VetoOf(uint32_t label, std::string_view decided, std::string_view unsure) const {
  const auto rule_count = static_cast<uint32_t>(input_.program.rules.size());
  const ir::Rule& rule = input_.program.rules[label % rule_count];
  const bool is_unsure = label >= rule_count;
  return {rule.full_name, fmt::format("{}: {}", is_unsure ? unsure : decided, rule.title),
          is_unsure};
}

std::optional<Veto> Protection::Vetoes(Verb verb, EntityId entity, RowId row) {
  if (verb == Verb::kNotify) return std::nullopt;
  if (const auto label = coverage_.Covers(entity, row)) {
    return VetoOf(*label, "protected",
                  "whether this protects it is not known, so it is left alone");
  }
  if (verb != Verb::kDelete) return std::nullopt;
  if (const auto label = coverage_.CoversBelow(entity, row)) {
    return VetoOf(*label, "something protected belongs to it",
                  "something belongs to it of which it is not known whether this protects it");
  }
  return std::nullopt;
}

}  // namespace rescind
