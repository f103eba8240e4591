// The sweep against the reference evaluator, on random programs over random facts: every verdict,
// every error, every deadline, every value. And deadlines against time itself: nothing changes
// before one, and at it there is a later one.
//
// A world that failed prints its seed; RESCIND_WORLD=<seed> runs it alone. What was once found is
// listed in kRegressions.
#include <doctest/doctest.h>

#include <memory>
#include <vector>

#include "engine/eval/reference_evaluator.h"
#include "tests/differential/agreement.h"
#include "tests/differential/random_facts.h"
#include "tests/differential/random_program.h"
#include "tests/unit/test_seed.h"

namespace rescind::eval {
namespace {

#ifdef RESCIND_SANITIZED
constexpr uint64_t kWorldCount = 300;
#elif defined(NDEBUG)
constexpr uint64_t kWorldCount = 6000;
#else
constexpr uint64_t kWorldCount = 1000;
#endif

const std::vector<uint64_t> kRegressions = {};

struct RandomWorld {
  explicit RandomWorld(uint64_t seed)
      : choice(seed),
        schema(std::make_shared<const Schema>(RandomSchema(choice))),
        now(RandomNow(choice)),
        facts(RandomFacts(choice, schema, now)),
        program_source(choice, *schema, now) {
    program_source.AddRules();
    probes = program_source.AddProbes(3);
    collections = program_source.AddCollections(2);
    program = program_source.Build();
    base = std::make_unique<FactBase>(facts.Build(program.columns));
    std::vector<Day> days;
    for (int i = 0; i < 6; ++i) days.push_back(RandomDay(choice, now));
    holidays = Holidays(days);
  }
  EvaluationInput InputAt(Instant at) const { return {program, *base, holidays, at}; }

  RandomChoice choice;
  std::shared_ptr<const Schema> schema;
  Instant now;
  FactBaseBuilder facts;
  RandomProgram program_source;
  std::vector<RandomProgram::Probe> probes;
  std::vector<RandomProgram::CollectionProbe> collections;
  ir::Program program;
  std::unique_ptr<FactBase> base;
  Holidays holidays;
};

// What an action may touch: live, complete, once each, ascending.
void CheckCollections(const RandomWorld& world) {
  const EvaluationInput input = world.InputAt(world.now);
  ReferenceEvaluator evaluator(input);
  for (const auto& probe : world.collections) {
    const Table& table = world.base->table(probe.entity);
    for (uint32_t row = 0; row < table.row_count(); ++row) {
      if (!table.complete(RowId(row))) continue;
      const auto members = evaluator.Members(probe.collection, RowId(row));
      for (size_t i = 0; i < members.size(); ++i) {
        CHECK(world.base->table(members[i].entity).complete(members[i].row));
        if (i > 0) CHECK(members[i - 1].row < members[i].row);
      }
    }
  }
}

void CheckWorld(uint64_t seed, Variety& variety) {
  CAPTURE(seed);
  RandomWorld world(seed);
  const EvaluationInput input = world.InputAt(world.now);
  const Judgements judged = JudgeAll(input);
  variety.Add(judged);
  CHECK(AnySweepDifference(input, judged, 1 + world.choice.Below(7), &variety) == "");
  CHECK(DeadlineDifference(input, judged, world.choice) == "");
  for (const auto& probe : world.probes) {
    CAPTURE(probe.node.index());
    CHECK(GroupDifference(input, probe.node, probe.entity) == "");
  }
  CheckCollections(world);
}

TEST_CASE("the sweep says what the reference evaluator says, and deadlines hold") {
  Variety variety;
  if (const uint64_t only = NumberFromEnvironment("RESCIND_WORLD", 0)) {
    CheckWorld(only, variety);
    return;
  }
  const uint64_t count = NumberFromEnvironment("RESCIND_WORLDS", kWorldCount);
  RandomChoice seeds(TestSeed());
  for (uint64_t i = 0; i < count; ++i) {
    const auto seed = static_cast<uint64_t>(seeds.Between(1, INT64_MAX - 1));
    CheckWorld(seed, variety);
  }
  MESSAGE("judgements " << variety.judgement_count << ", deadlines " << variety.deadline_count);
  MESSAGE("sweeps " << variety.sweep_count << ", with pushdowns " << variety.pushed_down_count
                    << ", semi-joins " << variety.semi_join_count);
  CHECK(variety.Boredom() == "");
}

TEST_CASE("worlds in which something was once wrong") {
  Variety variety;
  for (const uint64_t seed : kRegressions) CheckWorld(seed, variety);
}

}  // namespace
}  // namespace rescind::eval
