#include "runtime/plan/populations.h"

#include <algorithm>

namespace rescind {

PopulationCell CellOf(const AccessModel& model, eval::FactRow row) {
  const auto system = model.SystemOf(row);
  return {system ? system->index() : kNoRow, model.DepartmentOf(model.PersonOf(row)),
          model.Privileged(row)};
}

void Populations::Prepare(const std::vector<EntityId>& entities) {
  for (const EntityId entity : entities) Of(entity);
}

uint64_t Populations::Count(EntityId entity, const PopulationCell& cell) {
  const std::vector<uint64_t>& counts = Of(entity);
  const uint32_t number = NumberOf(cell);
  return number < counts.size() ? counts[number] : 0;
}

const std::vector<uint64_t>& Populations::Of(EntityId entity) {
  const auto [found, is_new] = counts_.try_emplace(entity);
  if (is_new) found->second = CountRows(entity);
  return found->second;
}

std::vector<uint64_t> Populations::CountRows(EntityId entity) {
  const auto complete = facts_.table(entity).complete();
  const auto accounts = model_.HomeAccounts(entity);
  std::vector<uint64_t> counts;
  if (!accounts.empty() || entity == model_.account()) {
    const uint32_t nowhere = NumberOf(PopulationCell());  // of what has no live account
    NumberAccounts(nowhere);
    counts.resize(numbers_.size());
    for (uint32_t row = 0; row < complete.size(); ++row) {
      if (complete[row] == 0) continue;
      const uint32_t account = accounts.empty() ? row : accounts[row];
      ++counts[account == kNoRow ? nowhere : of_account_[account]];
    }
    return counts;
  }
  for (uint32_t row = 0; row < complete.size(); ++row) {
    if (complete[row] == 0) continue;
    const uint32_t number = NumberOf(CellOf(model_, {entity, RowId(row)}));
    if (number >= counts.size()) counts.resize(numbers_.size());
    ++counts[number];
  }
  return counts;
}

void Populations::NumberAccounts(uint32_t nowhere) {
  if (!of_account_.empty()) return;
  const auto presence = facts_.table(model_.account()).presence();
  of_account_.reserve(presence.size());
  for (uint32_t row = 0; row < presence.size(); ++row) {
    const bool is_live = presence[row] == static_cast<uint8_t>(Presence::kLive);
    of_account_.push_back(is_live ? NumberOf(CellOf(model_, {model_.account(), RowId(row)}))
                                  : nowhere);
  }
}

uint32_t Populations::NumberOf(const PopulationCell& cell) {
  return numbers_.try_emplace(cell, static_cast<uint32_t>(numbers_.size())).first->second;
}

}  // namespace rescind
