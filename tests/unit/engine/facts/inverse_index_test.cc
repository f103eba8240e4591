#include "engine/facts/inverse_index.h"

#include <doctest/doctest.h>

#include <map>
#include <random>
#include <set>
#include <vector>

#include "engine/facts/column.h"
#include "engine/facts/presence.h"
#include "tests/unit/test_seed.h"

namespace rescind {
namespace {

std::vector<uint32_t> RowsOf(const InverseIndex& index, uint32_t target) {
  std::vector<uint32_t> merged;
  const auto rows = index.Rows(RowId(target), merged);
  return {rows.begin(), rows.end()};
}

TEST_CASE("AnEditedIndexListsWhatABuiltOneWould") {
  std::mt19937_64 dice(TestSeed());
  for (int round = 0; round < 200; ++round) {
    constexpr uint32_t kTargets = 5;
    std::vector<uint32_t> references(12);
    const auto below = [&dice](size_t count) { return static_cast<uint32_t>(dice() % count); };
    for (auto& named : references) named = below(3) == 0 ? kNoRow : below(kTargets - 1);
    const std::vector<uint8_t> presence(references.size(), static_cast<uint8_t>(Presence::kLive));
    InverseIndex edited = InverseIndex::Build(kTargets - 1, references, presence);
    for (int step = 0; step < 40; ++step) {
      // The last target is one that was not there when the index was built.
      const uint32_t row = below(references.size());
      const uint32_t named = below(4) == 0 ? kNoRow : below(kTargets);
      if (references[row] == named) continue;
      if (references[row] != kNoRow) edited.Remove(RowId(references[row]), row);
      if (named != kNoRow) edited.Add(RowId(named), row);
      references[row] = named;
      const InverseIndex built = InverseIndex::Build(kTargets, references, presence);
      for (uint32_t target = 0; target < kTargets; ++target) {
        CHECK(RowsOf(edited, target) == RowsOf(built, target));
        CHECK(edited.Count(RowId(target)) == built.Count(RowId(target)));
      }
    }
    CHECK(edited.edit_count() > 0);
  }
}

TEST_CASE("AnEditThatIsUndoneLeavesNothing") {
  const std::vector<uint32_t> references{0, 1};
  const std::vector<uint8_t> presence(2, static_cast<uint8_t>(Presence::kLive));
  InverseIndex index = InverseIndex::Build(2, references, presence);
  const uint64_t bytes = index.memory_bytes();
  index.Add(RowId(0), 1);
  CHECK(index.memory_bytes() > bytes);
  index.Remove(RowId(0), 1);
  index.Remove(RowId(1), 1);
  index.Add(RowId(1), 1);
  CHECK(index.memory_bytes() == bytes);
  CHECK(RowsOf(index, 1) == std::vector<uint32_t>{1});
}

}  // namespace
}  // namespace rescind
