#include "runtime/plan/exemption_cover.h"

#include <fmt/format.h>

#include <algorithm>

namespace rescind {

Result<ExemptionCover> ExemptionCover::Make(const FactBase& facts,
                                            std::vector<Exemption> exemptions, Instant now) {
  ExemptionCover cover;
  cover.exemptions_ = std::move(exemptions);
  // The lowest label wins: that is the exemption that ends last.
  std::sort(cover.exemptions_.begin(), cover.exemptions_.end(),
            [](const Exemption& a, const Exemption& b) {
              return a.end() != b.end() ? a.end() > b.end() : a.id < b.id;
            });
  for (uint32_t index = 0; index < cover.exemptions_.size(); ++index) {
    RESCIND_TRY(cover.Add(facts, index, now));
  }
  return cover;
}

Status ExemptionCover::Add(const FactBase& facts, uint32_t index, Instant now) {
  const Exemption& exemption = exemptions_[index];
  const bool active = exemption.active(now);
  auto& scope = scopes_[exemption.policy];
  if (!scope) scope = std::make_unique<Scope>(facts);
  if (exemption.entity.empty()) {
    auto& whole = active ? scope->whole : scope->ended_whole;
    if (!whole) whole = index;
    return {};
  }
  const auto entity = facts.schema().Find(exemption.entity);
  if (!entity) return {};
  RESCIND_ASSIGN(const auto row, facts.texts().Find(*entity, exemption.row_id));
  if (row && row->index() < facts.table(*entity).row_count()) {
    (active ? scope->rows : scope->ended_rows).AddSeed(*entity, *row, index);
  }
  return {};
}

std::optional<uint32_t> ExemptionCover::Find(Scope& scope, Verb verb, EntityId entity,
                                             RowId row) const {
  if (scope.whole) return scope.whole;
  if (const auto label = scope.rows.Covers(entity, row)) return label;
  return verb == Verb::kDelete ? scope.rows.CoversBelow(entity, row) : std::nullopt;
}

std::optional<Veto> ExemptionCover::Vetoes(std::string_view policy, Verb verb, EntityId entity,
                                           RowId row) {
  std::optional<uint32_t> first;
  for (const std::string_view scope_name : {std::string_view(), policy}) {
    const auto scope = scopes_.find(scope_name);
    if (scope == scopes_.end()) continue;
    const auto label = Find(*scope->second, verb, entity, row);
    if (label && (!first || *label < *first)) first = label;
  }
  if (!first) return std::nullopt;
  const Exemption& exemption = exemptions_[*first];
  return Veto{exemption.id, fmt::format("exempt until {}: {} ({})", FormatInstant(exemption.end()),
                                        exemption.reason, exemption.owner)};
}

std::optional<Instant> ExemptionCover::LastEnd(std::string_view policy, Verb verb, EntityId entity,
                                               RowId row) const {
  std::optional<uint32_t> first;
  const auto take = [&](std::optional<uint32_t> label) {
    if (label && (!first || *label < *first)) first = label;
  };
  for (const std::string_view scope_name : {std::string_view(), policy}) {
    const auto scope = scopes_.find(scope_name);
    if (scope == scopes_.end()) continue;
    take(scope->second->ended_whole);
    take(scope->second->ended_rows.Covers(entity, row));
    if (verb == Verb::kDelete) take(scope->second->ended_rows.CoversBelow(entity, row));
  }
  return first ? std::optional(exemptions_[*first].end()) : std::nullopt;
}

}  // namespace rescind
