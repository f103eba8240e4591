// What belongs to covered rows: found by passes over the columns, or by walks over their indexes.
#include "runtime/plan/coverage.h"

#include <doctest/doctest.h>

#include <map>
#include <string>
#include <tuple>

#include "tests/differential/random_choice.h"
#include "tests/unit/runtime/plan/planner_world.h"
#include "tests/unit/test_seed.h"

namespace rescind {
namespace {

using Seeds = std::map<std::pair<EntityId, RowId>, uint32_t>;

std::string Id(const char* prefix, uint32_t number) { return prefix + std::to_string(number); }

// Accounts, grants and what they name; some rows are removed, some accounts have no owner.
void AddRows(PlannerWorld& world, RandomChoice& choice) {
  for (uint32_t i = 0; i < 12; ++i) {
    const std::string owner = Id("i", choice.Below(4));
    world.Person(owner.c_str());
    const std::string system = Id("s", choice.Below(2));
    world.Account(Id("a", i), choice.OneIn(4) ? nullptr : owner.c_str(), system.c_str());
  }
  for (uint32_t i = 0; i < 30; ++i) {
    const std::string entitlement = Id("e", choice.Below(5));
    world.Grant(Id("g", i), Id("a", choice.Below(12)), entitlement.c_str());
  }
  for (const auto& [entity, prefix, count] :
       {std::tuple{"identity", "i", 4u}, {"account", "a", 12u}, {"grant", "g", 30u}}) {
    for (uint32_t i = 0; i < count; ++i) {
      if (choice.OneIn(8)) world.facts.Remove(entity, Id(prefix, i), world.now);
    }
  }
}

// A row is covered by the seeds among itself and what it names, one after the other.
std::optional<uint32_t> NaiveCovers(const FactBase& facts, const Seeds& seeds, EntityId entity,
                                    RowId row) {
  std::optional<uint32_t> lowest;
  const auto take = [&](std::optional<uint32_t> label) {
    if (label && (!lowest || *label < *lowest)) lowest = label;
  };
  const auto seed = seeds.find({entity, row});
  if (seed != seeds.end()) take(seed->second);
  for (const Belonging& belonging : Belongings(facts.schema())) {
    const Table& table = facts.table(belonging.child);
    if (belonging.child != entity || !table.has(belonging.field)) continue;
    const uint32_t parent = table.column(belonging.field).rows()[row.index()];
    if (parent != kNoRow) take(NaiveCovers(facts, seeds, belonging.parent, RowId(parent)));
  }
  return lowest;
}

std::optional<uint32_t> NaiveBelow(const FactBase& facts, const Seeds& seeds, EntityId entity,
                                   RowId row) {
  std::optional<uint32_t> lowest;
  for (const Belonging& belonging : Belongings(facts.schema())) {
    const Table& table = facts.table(belonging.child);
    if (belonging.parent != entity || !table.has(belonging.field)) continue;
    for (uint32_t child = 0; child < table.row_count(); ++child) {
      const bool belongs = table.presence(RowId(child)) == Presence::kLive &&
                           table.column(belonging.field).rows()[child] == row.index();
      if (!belongs) continue;
      for (const auto& label : {NaiveCovers(facts, seeds, belonging.child, RowId(child)),
                                NaiveBelow(facts, seeds, belonging.child, RowId(child))}) {
        if (label && (!lowest || *label < *lowest)) lowest = label;
      }
    }
  }
  return lowest;
}

TEST_CASE("passes and walks find what the definition says") {
  const uint64_t seed = TestSeed();
  for (uint64_t run = 0; run < 60; ++run) {
    CAPTURE(seed);
    CAPTURE(run);
    RandomChoice choice(seed + run);
    PlannerWorld world("policy p \"P\" { for a in account when a.privileged then { disable a } }");
    AddRows(world, choice);
    FactBase facts = world.facts.Build(ColumnSet::All(*world.schema));
    IndexBelongings(facts);
    const auto entity_of = [&](const char* name) { return world.EntityOf(name); };
    const std::vector<EntityId> entities = {entity_of("identity"), entity_of("account"),
                                            entity_of("grant"), entity_of("entitlement"),
                                            entity_of("system")};
    Coverage walks(facts, Coverage::Below::kByWalks);
    Seeds seeds;
    for (int step = 0; step < 4; ++step) {
      // Seeds come, go and get other labels; who walks is told of each.
      for (int i = 0; i < 3; ++i) {
        const EntityId entity = choice.Of(entities);
        const RowId row(choice.Below(facts.table(entity).row_count()));
        const uint32_t label = choice.Below(3);
        if (choice.OneIn(3)) {
          seeds.erase({entity, row});
          walks.SetSeed(entity, row, std::nullopt);
        } else {
          seeds[{entity, row}] = label;
          walks.SetSeed(entity, row, label);
        }
      }
      Coverage passes(facts);
      for (const auto& [place, label] : seeds) {
        passes.AddSeed(place.first, place.second, label + 7);
        passes.AddSeed(place.first, place.second, label);
      }
      for (const EntityId entity : entities) {
        for (uint32_t row = 0; row < facts.table(entity).row_count(); ++row) {
          const auto covers = NaiveCovers(facts, seeds, entity, RowId(row));
          CHECK(passes.Covers(entity, RowId(row)) == covers);
          CHECK(walks.Covers(entity, RowId(row)) == covers);
          const auto below = NaiveBelow(facts, seeds, entity, RowId(row));
          CHECK(passes.CoversBelow(entity, RowId(row)) == below);
          CHECK(walks.CoversBelow(entity, RowId(row)) == below);
        }
      }
    }
  }
}

}  // namespace
}  // namespace rescind
