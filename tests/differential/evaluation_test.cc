// The sweep against the reference evaluator, on random programs over random facts: every verdict,
// every error, every deadline, every value. And deadlines against time itself: nothing changes
// before one, and at it there is a later one.
//
// A world that failed prints its seed; RESCIND_WORLD=<seed> runs it alone. What was once found is
// listed in kRegressions.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "engine/eval/reference_evaluator.h"
#include "engine/eval/sweep.h"
#include "tests/differential/random_facts.h"
#include "tests/differential/random_program.h"
#include "tests/unit/test_seed.h"

namespace rescind::eval {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr uint64_t kWorldCount = 300;
#elif defined(NDEBUG)
constexpr uint64_t kWorldCount = 6000;
#else
constexpr uint64_t kWorldCount = 1000;
#endif

const std::vector<uint64_t> kRegressions = {};

// How often each answer turned up: a generator that makes only boring worlds proves nothing.
struct Variety {
  std::map<Verdict, uint64_t> verdicts;
  uint64_t deadline_count = 0;
  uint64_t judgement_count = 0;
  uint64_t pushed_down_count = 0;  // sweeps in which something was
  uint64_t semi_join_count = 0;

  void Add(const SweepCounters& counters) {
    if (counters.rows_pushed_down > 0) ++pushed_down_count;
    semi_join_count += counters.semi_joins;
  }
  void Add(const Judgement& judgement) {
    ++judgement_count;
    ++verdicts[judgement.verdict];
    if (judgement.deadline != Instant::Never()) ++deadline_count;
  }
};

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

using Judgements = std::vector<std::vector<Judgement>>;  // [rule][row]

Judgements JudgeAll(const EvaluationInput& input) {
  ReferenceEvaluator evaluator(input);
  Judgements judgements;
  for (uint32_t rule = 0; rule < input.program.rules.size(); ++rule) {
    auto& rows = judgements.emplace_back();
    const uint32_t row_count = input.facts.table(input.program.rules[rule].entity).row_count();
    for (uint32_t row = 0; row < row_count; ++row) {
      rows.push_back(evaluator.Judge(rule, RowId(row)));
    }
  }
  return judgements;
}

// What a rule's outcome must be, from the judgements of its rows.
RuleOutcome OutcomeOf(const std::vector<Judgement>& rows) {
  RuleOutcome outcome;
  for (uint32_t row = 0; row < rows.size(); ++row) {
    switch (rows[row].verdict) {
      case Verdict::kNoMatch: break;
      case Verdict::kMatch: outcome.matches.push_back(RowId(row)); break;
      case Verdict::kUndecided: outcome.undecided.push_back(RowId(row)); break;
      case Verdict::kError: outcome.errors.push_back({RowId(row), rows[row].error}); break;
    }
  }
  return outcome;
}

bool SameOutcome(const RuleOutcome& a, const RuleOutcome& b) {
  return a.matches == b.matches && a.undecided == b.undecided && a.errors == b.errors;
}

SweepCounters CheckSweep(const RandomWorld& world, const Judgements& expected,
                         const SweepOptions& options) {
  const EvaluationInput input = world.InputAt(world.now);
  const SweepResult result = SweepFacts(input, options);
  std::map<uint32_t, std::vector<Instant>> deadlines;  // by entity
  for (uint32_t rule = 0; rule < expected.size(); ++rule) {
    const bool swept =
        !options.rules || std::count(options.rules->begin(), options.rules->end(), rule) > 0;
    CAPTURE(rule);
    CHECK(SameOutcome(result.rules[rule], swept ? OutcomeOf(expected[rule]) : RuleOutcome()));
    if (!swept) continue;
    auto& soonest = deadlines[input.program.rules[rule].entity.index()];
    soonest.resize(expected[rule].size(), Instant::Never());
    for (size_t row = 0; row < soonest.size(); ++row) {
      soonest[row] = std::min(soonest[row], expected[rule][row].deadline);
    }
  }
  for (uint32_t e = 0; e < result.deadlines.size(); ++e) {
    CAPTURE(e);
    const bool judged = deadlines.count(e) > 0;
    const std::vector<Instant> found(result.deadlines[e].begin(), result.deadlines[e].end());
    CHECK((found == (judged && options.deadlines ? deadlines[e] : std::vector<Instant>())));
    std::vector<RowId> incomplete;
    const Table& table = world.base->table(EntityId(e));
    for (uint32_t row = 0; judged && row < table.row_count(); ++row) {
      if (table.presence(RowId(row)) == Presence::kLive && !table.complete(RowId(row))) {
        incomplete.push_back(RowId(row));
      }
    }
    CHECK((result.incomplete[e] == incomplete));
  }
  return result.counters;
}

// Between now and a deadline nothing changes; at the deadline there is a later one, or none.
void CheckDeadlines(RandomWorld& world, const Judgements& judged) {
  for (uint32_t rule = 0; rule < judged.size(); ++rule) {
    for (uint32_t row = 0; row < judged[rule].size(); ++row) {
      const Judgement& judgement = judged[rule][row];
      if (judgement.deadline == Instant::Never() && !world.choice.OneIn(20)) continue;
      CAPTURE(rule);
      CAPTURE(row);
      CHECK(judgement.deadline > world.now);
      const bool ends = judgement.deadline != Instant::Never();
      const int64_t last =
          ends ? judgement.deadline.micros - 1 : world.now.micros + 400 * kMicrosPerDay;
      for (const int64_t micros : {last, world.choice.Between(world.now.micros, last)}) {
        const auto input = world.InputAt({micros});
        const Judgement then = ReferenceEvaluator(input).Judge(rule, RowId(row));
        CHECK(then.verdict == judgement.verdict);
        CHECK(then.error == judgement.error);
      }
      if (!ends) continue;
      const auto input = world.InputAt(judgement.deadline);
      CHECK(ReferenceEvaluator(input).Judge(rule, RowId(row)).deadline > judgement.deadline);
    }
  }
}

// Rows share a group exactly when they share a known value.
void CheckGroups(const RandomWorld& world) {
  const EvaluationInput input = world.InputAt(world.now);
  ReferenceEvaluator evaluator(input);
  for (const auto& probe : world.probes) {
    CAPTURE(probe.node.index());
    const NodeGroups groups = GroupRows(input, probe.node, probe.entity);
    const Table& table = world.base->table(probe.entity);
    REQUIRE(groups.group.size() == table.row_count());
    for (uint32_t row = 0; row < table.row_count(); ++row) {
      const Value value = evaluator.Evaluate(probe.node, RowId(row));
      if (!table.complete(RowId(row)) || !value.known()) {
        CHECK(groups.group[row] == NodeGroups::kNoGroup);
        continue;
      }
      REQUIRE(groups.group[row] < groups.values.size());
      CHECK((groups.values[groups.group[row]] == value));
    }
    for (size_t a = 0; a < groups.values.size(); ++a) {
      for (size_t b = 0; b < a; ++b) CHECK_FALSE((groups.values[a] == groups.values[b]));
    }
  }
}

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
  const Judgements judged = JudgeAll(world.InputAt(world.now));
  for (const auto& rows : judged) {
    for (const Judgement& judgement : rows) variety.Add(judgement);
  }
  const uint32_t small_chunk = 1 + world.choice.Below(7);
  CheckSweep(world, judged, SweepOptions{1, true, {}, 2048});
  CheckSweep(world, judged, SweepOptions{2, true, {}, small_chunk, std::nullopt, std::nullopt});
  variety.Add(CheckSweep(world, judged, SweepOptions{2, true, {}, small_chunk, 0, 1}));
  CheckSweep(world, judged, SweepOptions{2, false, {}, small_chunk, 0, 1});
  for (uint32_t rule = 0; rule < judged.size(); ++rule) {
    CheckSweep(world, judged, SweepOptions{1, true, std::vector{rule}, small_chunk, 0, 1});
  }
  CheckDeadlines(world, judged);
  CheckGroups(world);
  CheckCollections(world);
}

uint64_t NumberFromEnvironment(const char* name, uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
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
  for (const Verdict verdict :
       {Verdict::kMatch, Verdict::kNoMatch, Verdict::kUndecided, Verdict::kError}) {
    CAPTURE(static_cast<int>(verdict));
    MESSAGE("verdict " << static_cast<int>(verdict) << ": " << variety.verdicts[verdict]);
    CHECK(variety.verdicts[verdict] > variety.judgement_count / 1000);
  }
  MESSAGE("judgements " << variety.judgement_count << ", deadlines " << variety.deadline_count);
  CHECK(variety.deadline_count > variety.judgement_count / 50);
  MESSAGE("pushed down in " << variety.pushed_down_count << " worlds, semi-joins "
                            << variety.semi_join_count);
  CHECK(variety.pushed_down_count > count / 10);
  CHECK(variety.semi_join_count > count / 10);
}

TEST_CASE("worlds in which something was once wrong") {
  Variety variety;
  for (const uint64_t seed : kRegressions) CheckWorld(seed, variety);
}

}  // namespace
}  // namespace rescind::eval
