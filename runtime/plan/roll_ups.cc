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
    const auto row_count = static_cast<uint32_t>(complete.size());
    std::vector<uint64_t> counts;
    const auto count = [&](uint32_t number) {
      if (number >= counts.size()) counts.resize(numbers_.size());
      ++counts[number];
    };
    if (!model_.LivesInAccount(entity)) {
      for (uint32_t row = 0; row < row_count; ++row) {
        if (complete[row] != 0) count(NumberOf(CellOf(model_, {entity, RowId(row)})));
      }
      return counts;
    }
    NumberAccounts();
    const uint32_t nowhere = NumberOf(Cell());
    for (uint32_t row = 0; row < row_count; ++row) {
      if (complete[row] == 0) continue;
      const auto account = model_.AccountOf({entity, RowId(row)});
      count(account ? of_account_[account->index()] : nowhere);
    }
    return counts;
  }

  void NumberAccounts() {
    if (!of_account_.empty()) return;
    const uint32_t account_count = facts_.table(model_.account()).row_count();
    of_account_.reserve(account_count);
    for (uint32_t row = 0; row < account_count; ++row) {
      of_account_.push_back(NumberOf(CellOf(model_, {model_.account(), RowId(row)})));
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

Result<std::vector<RollUp>> CountRollUps(const FactBase& facts, const AccessModel& model,
                                         std::vector<PlannedTarget> targets) {
  const auto key = [](const PlannedTarget& target) {
    return std::tie(target.first, target.second.entity, target.second.row);
  };
  std::sort(targets.begin(), targets.end(),
            [&](const PlannedTarget& a, const PlannedTarget& b) { return key(a) < key(b); });
  targets.erase(std::unique(targets.begin(), targets.end()), targets.end());

  Populations populations(facts, model);
  std::map<std::string, std::map<Cell, std::pair<uint64_t, std::set<EntityId>>>> by_policy;
  for (const auto& [policy, row] : targets) {
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
      for (const EntityId entity : counted.second) {
        roll_up.population += populations.Count(entity, cell);
      }
      result.push_back(std::move(roll_up));
    }
  }
  return result;
}

}  // namespace rescind
