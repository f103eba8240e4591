#include "runtime/plan/roll_ups.h"

#include <algorithm>
#include <tuple>
#include <unordered_map>

namespace rescind {

Result<std::vector<RollUp>> CountRollUps(const eval::EvaluationInput& input,
                                         const AccessModel& model, Populations& populations,
                                         std::vector<PlannedTarget> targets) {
  const auto key = [](const PlannedTarget& target) {
    return std::make_tuple(target.rule, target.row.entity, target.row.row);
  };
  const auto before = [&](const PlannedTarget& a, const PlannedTarget& b) {
    return key(a) < key(b);
  };
  const auto same = [&](const PlannedTarget& a, const PlannedTarget& b) {
    return key(a) == key(b);
  };
  std::sort(targets.begin(), targets.end(), before);
  targets.erase(std::unique(targets.begin(), targets.end(), same), targets.end());

  struct Counted {
    uint64_t count = 0;
    std::vector<EntityId> entities;  // ascending: so are the targets
  };
  std::vector<RollUp> result;
  for (auto target = targets.begin(); target != targets.end();) {
    const uint32_t rule = target->rule;
    std::unordered_map<PopulationCell, Counted, PopulationCellHash> cells;
    for (; target != targets.end() && target->rule == rule; ++target) {
      auto& [count, entities] = cells[CellOf(model, target->row)];
      ++count;
      if (entities.empty() || entities.back() != target->row.entity) {
        entities.push_back(target->row.entity);
      }
    }
    for (const auto& [cell, counted] : cells) {
      RollUp roll_up;
      roll_up.policy = input.program.rules[rule].full_name;
      const bool has_system = cell.system != kNoRow;
      RESCIND_ASSIGN(roll_up.system, model.SystemName(has_system ? std::optional(RowId(cell.system))
                                                                 : std::nullopt));
      roll_up.department = model.DepartmentName(cell.department);
      roll_up.privileged = cell.privileged;
      roll_up.count = counted.count;
      for (const EntityId entity : counted.entities) {
        roll_up.population += populations.Count(entity, cell);
      }
      result.push_back(std::move(roll_up));
    }
  }
  return result;
}

}  // namespace rescind
