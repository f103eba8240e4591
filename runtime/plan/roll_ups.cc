#include "runtime/plan/roll_ups.h"

#include <algorithm>
#include <map>
#include <tuple>
#include <unordered_map>

namespace rescind {
namespace {

// Where a row counts: its system's row, its person's department's code, and privilege.
struct Cell {
  uint32_t system = kNoRow;
  uint32_t department = kUnknownCode;
  bool privileged = false;
  auto operator<=>(const Cell&) const = default;
};
struct CellHash {
  size_t operator()(const Cell& cell) const noexcept {
    const uint64_t packed =
        uint64_t{cell.system} << 32 | (cell.department ^ (cell.privileged ? 0x80000000u : 0));
    return static_cast<size_t>(packed * 0x9E3779B97F4A7C15ull >> 16);
  }
};
using CellCounts = std::unordered_map<Cell, uint64_t, CellHash>;

Cell CellOf(const AccessModel& model, eval::FactRow row) {
  const auto system = model.SystemOf(row);
  return {system ? system->index() : kNoRow, model.DepartmentOf(model.PersonOf(row)),
          model.Privileged(row)};
}

// Neighbouring rows are often of one cell: the last counter is kept at hand.
CellCounts CountPopulation(const FactBase& facts, const AccessModel& model, EntityId entity) {
  CellCounts counts;
  const Table& table = facts.table(entity);
  const auto complete = table.complete();
  Cell last;
  uint64_t* counter = nullptr;
  for (uint32_t row = 0; row < table.row_count(); ++row) {
    if (complete[row] == 0) continue;
    const Cell cell = CellOf(model, {entity, RowId(row)});
    if (!counter || cell != last) {
      counter = &counts[cell];
      last = cell;
    }
    ++*counter;
  }
  return counts;
}

}  // namespace

Result<std::vector<RollUp>> CountRollUps(const FactBase& facts, const AccessModel& model,
                                         std::vector<PlannedTarget> targets) {
  const auto key = [](const PlannedTarget& target) {
    return std::tie(target.first, target.second.entity, target.second.row);
  };
  std::sort(targets.begin(), targets.end(),
            [&](const PlannedTarget& a, const PlannedTarget& b) { return key(a) < key(b); });
  targets.erase(std::unique(targets.begin(), targets.end()), targets.end());

  std::map<EntityId, CellCounts> populations;
  std::map<std::string, std::map<Cell, std::pair<uint64_t, std::set<EntityId>>>> by_policy;
  for (const auto& [policy, row] : targets) {
    if (populations.count(row.entity) == 0) {
      populations.emplace(row.entity, CountPopulation(facts, model, row.entity));
    }
    auto& [count, entities] = by_policy[policy][CellOf(model, row)];
    ++count;
    entities.insert(row.entity);
  }
  std::vector<RollUp> result;
  for (const auto& [policy, cells] : by_policy) {
    for (const auto& [cell, counted] : cells) {
      RollUp roll_up;
      roll_up.policy = policy;
      const bool has_system = cell.system != kNoRow;
      RESCIND_ASSIGN(roll_up.system, model.SystemName(has_system ? std::optional(RowId(cell.system))
                                                                 : std::nullopt));
      roll_up.department = model.DepartmentName(cell.department);
      roll_up.privileged = cell.privileged;
      roll_up.count = counted.first;
      for (const EntityId entity : counted.second) roll_up.population += populations[entity][cell];
      result.push_back(std::move(roll_up));
    }
  }
  return result;
}

}  // namespace rescind
