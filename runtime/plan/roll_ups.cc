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

Cell CellOf(const AccessModel& model, eval::FactRow row) {
  const auto system = model.SystemOf(row);
  return {system ? system->index() : kNoRow, model.DepartmentOf(model.PersonOf(row)),
          model.Privileged(row)};
}

// How many complete rows of an entity lie in each cell. There are few cells and many rows: cells
// get numbers, and what lives in accounts is counted by the number of its account's cell.
class Populations {
 public:
  Populations(const FactBase& facts, const AccessModel& model) : facts_(facts), model_(model) {}

  uint64_t Count(EntityId entity, const Cell& cell) {
    const std::vector<uint64_t>& counts = Of(entity);
    const uint32_t number = NumberOf(cell);
    return number < counts.size() ? counts[number] : 0;
  }

 private:
  const std::vector<uint64_t>& Of(EntityId entity) {
    const auto [found, is_new] = counts_.try_emplace(entity);
    if (is_new) found->second = CountRows(entity);
    return found->second;
  }

  std::vector<uint64_t> CountRows(EntityId entity) {
    const auto complete = facts_.table(entity).complete();
    const auto accounts = model_.HomeAccounts(entity);
    std::vector<uint64_t> counts;
    if (!accounts.empty()) {
      const uint32_t nowhere = NumberOf(Cell());
      NumberAccounts(nowhere);
      counts.resize(numbers_.size());
      for (size_t row = 0; row < accounts.size(); ++row) {
        if (complete[row] == 0) continue;
        ++counts[accounts[row] == kNoRow ? nowhere : of_account_[accounts[row]]];
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

  // `nowhere`: the cell of what has no live account.
  void NumberAccounts(uint32_t nowhere) {
    if (!of_account_.empty()) return;
    const auto presence = facts_.table(model_.account()).presence();
    of_account_.reserve(presence.size());
    for (uint32_t row = 0; row < presence.size(); ++row) {
      const bool is_live = presence[row] == static_cast<uint8_t>(Presence::kLive);
      of_account_.push_back(is_live ? NumberOf(CellOf(model_, {model_.account(), RowId(row)}))
                                    : nowhere);
    }
  }

  uint32_t NumberOf(const Cell& cell) {
    return numbers_.try_emplace(cell, static_cast<uint32_t>(numbers_.size())).first->second;
  }

  const FactBase& facts_;
  const AccessModel& model_;
  std::unordered_map<Cell, uint32_t, CellHash> numbers_;
  std::vector<uint32_t> of_account_;  // numbers of cells
  std::map<EntityId, std::vector<uint64_t>> counts_;
};

}  // namespace

Result<std::vector<RollUp>> CountRollUps(const eval::EvaluationInput& input,
                                         const AccessModel& model,
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
  Populations populations(input.facts, model);
  std::vector<RollUp> result;
  for (auto target = targets.begin(); target != targets.end();) {
    const uint32_t rule = target->rule;
    std::unordered_map<Cell, Counted, CellHash> cells;
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
