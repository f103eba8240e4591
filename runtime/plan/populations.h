// Populations: how many rows of an entity live in which cell, for "12 of 340".
//
// There are few cells and many rows: cells get numbers, and what lives in accounts is counted by
// the number of its account's cell. What most rows need can be counted while a plan is drafted,
// which reads the same facts: Prepare is for another thread. Private to the planner.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <map>
#include <unordered_map>
#include <vector>

#include "runtime/plan/access_model.h"

namespace rescind {

// Where a row counts: its system's row, its person's department's code, and privilege.
struct PopulationCell {
  uint32_t system = kNoRow;
  uint32_t department = kUnknownCode;
  bool privileged = false;
  auto operator<=>(const PopulationCell&) const = default;
};
struct PopulationCellHash {
  size_t operator()(const PopulationCell& cell) const noexcept {
    const uint64_t packed =
        uint64_t{cell.system} << 32 | (cell.department ^ (cell.privileged ? 0x80000000u : 0));
    return static_cast<size_t>(packed * 0x9E3779B97F4A7C15ull >> 16);
  }
};
PopulationCell CellOf(const AccessModel& model, eval::FactRow row);

// One thread at a time.
class Populations {
 public:
  // The facts outlive it.
  explicit Populations(const FactBase& facts) : facts_(facts), model_(facts) {}

  // Counts the rows of these entities now and not when they are first asked for.
  void Prepare(const std::vector<EntityId>& entities);
  // Complete rows.
  uint64_t Count(EntityId entity, const PopulationCell& cell);

 private:
  const std::vector<uint64_t>& Of(EntityId entity);
  std::vector<uint64_t> CountRows(EntityId entity);
  void NumberAccounts(uint32_t nowhere);
  uint32_t NumberOf(const PopulationCell& cell);

  const FactBase& facts_;
  const AccessModel model_;
  std::unordered_map<PopulationCell, uint32_t, PopulationCellHash> numbers_;
  std::vector<uint32_t> of_account_;  // numbers of cells
  std::map<EntityId, std::vector<uint64_t>> counts_;
};

}  // namespace rescind
