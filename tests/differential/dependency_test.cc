// Dependencies against the truth: facts change at random, every row is judged before and after by
// the reference evaluator, and whichever judgement differs must be behind a path of the changes.
//
// A world that failed prints its seed; RESCIND_WORLD=<seed> runs it alone.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <memory>
#include <set>
#include <utility>

#include "engine/ir/dependencies.h"
#include "tests/differential/agreement.h"
#include "tests/differential/fact_difference.h"
#include "tests/differential/random_facts.h"
#include "tests/differential/random_program.h"
#include "tests/unit/test_seed.h"

namespace rescind::eval {
namespace {

#ifdef RESCIND_SANITIZED
constexpr uint64_t kChangedWorldCount = 300;
#elif defined(NDEBUG)
constexpr uint64_t kChangedWorldCount = 4000;
#else
constexpr uint64_t kChangedWorldCount = 500;
#endif

using JudgedRow = std::pair<uint32_t, RowId>;  // of a rule

struct Totals {
  uint64_t judged = 0;
  uint64_t dependent = 0;
  uint64_t different = 0;
};

// Of rows that there were not yet: nothing was said of them.
Judgement Before(const Judgements& judged, uint32_t rule, uint32_t row) {
  return row < judged[rule].size() ? judged[rule][row] : Judgement{};
}

void CheckChangedWorld(uint64_t seed, Totals& totals) {
  CAPTURE(seed);
  RandomChoice choice(seed);
  const auto schema = std::make_shared<const Schema>(RandomSchema(choice));
  const Instant now = RandomNow(choice);
  FactBaseBuilder facts = RandomFacts(choice, schema, now);
  RandomProgram program_source(choice, *schema, now);
  program_source.AddRules();
  const ir::Program program = program_source.Build();
  const ir::Dependencies dependencies(program);
  const Holidays holidays;

  const FactBase before = facts.Build(program.columns);
  ChangeFacts(choice, *schema, now, facts);
  const FactBase after = facts.Build(program.columns);
  const Judgements judged_before = JudgeAll({program, before, holidays, now});
  const Judgements judged_after = JudgeAll({program, after, holidays, now});

  std::set<JudgedRow> dependent_rows;
  for (const RowChange& changed : FactDifference(before, after, program.columns)) {
    for (const auto& dependent : dependencies.Of(changed.change)) {
      for (const RowId row : RowsBehind(dependent.path, changed, before, after)) {
        for (const uint32_t rule : dependent.rules) dependent_rows.insert({rule, row});
      }
    }
  }
  totals.dependent += dependent_rows.size();
  for (uint32_t rule = 0; rule < judged_after.size(); ++rule) {
    for (uint32_t row = 0; row < judged_after[rule].size(); ++row) {
      ++totals.judged;
      if (judged_after[rule][row] == Before(judged_before, rule, row)) continue;
      ++totals.different;
      CAPTURE(rule);
      CAPTURE(row);
      CHECK(dependent_rows.count({rule, RowId(row)}) == 1);
    }
  }
}

TEST_CASE("every judgement that a change of facts alters lies behind a path of the change") {
  Totals totals;
  if (const uint64_t only = NumberFromEnvironment("RESCIND_WORLD", 0)) {
    CheckChangedWorld(only, totals);
    return;
  }
  const uint64_t count = NumberFromEnvironment("RESCIND_WORLDS", kChangedWorldCount);
  RandomChoice seeds(TestSeed());
  for (uint64_t i = 0; i < count; ++i) {
    CheckChangedWorld(static_cast<uint64_t>(seeds.Between(1, INT64_MAX - 1)), totals);
  }
  MESSAGE(fmt::format("judged {}, dependent on what changed {}, different {}", totals.judged,
                      totals.dependent, totals.different));
  CHECK(totals.different > count / 10);
  // They say something: most rows depend on nothing that has changed.
  CHECK(totals.dependent < totals.judged);
}

}  // namespace
}  // namespace rescind::eval
