#include "runtime/plan/protection.h"

#include <fmt/format.h>

#include <set>
#include <utility>

namespace rescind {
namespace {

// A row of which nobody knows yet what it is may be what the protect means.
bool IsUnjudged(const Table& table, RowId row) {
  const Presence presence = table.presence(row);
  return presence == Presence::kAbsent || (presence == Presence::kLive && !table.complete(row));
}

}  // namespace

Protection::Protection(const ir::Program& program, const FactBase& facts,
                       const eval::SweepResult& sweep)
    : program_(program), facts_(facts), coverage_(facts) {
  for (uint32_t index = 0; index < program.rules.size(); ++index) {
    const ir::Rule& rule = program.rules[index];
    if (!rule.protect) continue;
    const eval::RuleOutcome& outcome = sweep.rules[index];
    const uint32_t unsure = UnsureLabel(index);
    for (const RowId row : outcome.matches) coverage_.AddSeed(rule.entity, row, index);
    for (const RowId row : outcome.undecided) coverage_.AddSeed(rule.entity, row, unsure);
    for (const eval::RowError& error : outcome.errors) {
      coverage_.AddSeed(rule.entity, error.row, unsure);
    }
    const Table& table = facts.table(rule.entity);
    for (uint32_t row = 0; row < table.row_count(); ++row) {
      if (IsUnjudged(table, RowId(row))) coverage_.AddSeed(rule.entity, RowId(row), unsure);
    }
  }
}

Protection::Protection(const ir::Program& program, const FactBase& facts, VerdictQuery verdict)
    : program_(program),
      facts_(facts),
      coverage_(facts, Coverage::Below::kByWalks),
      verdict_(std::move(verdict)) {
  std::set<EntityId> entities;
  for (const ir::Rule& rule : program.rules) {
    if (rule.protect) entities.insert(rule.entity);
  }
  for (const EntityId entity : entities) {
    for (uint32_t row = 0; row < facts.table(entity).row_count(); ++row) {
      coverage_.SetSeed(entity, RowId(row), LabelOf(entity, RowId(row)));
    }
  }
}

void Protection::Refresh(EntityId entity, RowId row) {
  coverage_.SetSeed(entity, row, LabelOf(entity, row));
}

uint32_t Protection::UnsureLabel(uint32_t rule) const {
  return static_cast<uint32_t>(rule + program_.rules.size());
}

std::optional<uint32_t> Protection::LabelOf(EntityId entity, RowId row) const {
  std::optional<uint32_t> unsure;
  const bool is_unjudged = IsUnjudged(facts_.table(entity), row);
  for (uint32_t index = 0; index < program_.rules.size(); ++index) {
    const ir::Rule& rule = program_.rules[index];
    if (!rule.protect || rule.entity != entity) continue;
    const eval::Verdict verdict = is_unjudged ? eval::Verdict::kUndecided : verdict_(index, row);
    if (verdict == eval::Verdict::kMatch) return index;
    if (verdict != eval::Verdict::kNoMatch && !unsure) unsure = UnsureLabel(index);
  }
  return unsure;
}

Veto Protection::VetoOf(uint32_t label, std::string_view decided, std::string_view unsure) const {
  const auto rule_count = static_cast<uint32_t>(program_.rules.size());
  const ir::Rule& rule = program_.rules[label % rule_count];
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
