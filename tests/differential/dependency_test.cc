// Dependencies against the truth: facts change at random, every row is judged before and after by
// the reference evaluator, and whichever judgement differs must be behind a path of the changes. So
// must every row of whose rule the targets or the group differ.
//
// A world that failed prints its seed; RESCIND_WORLD=<seed>, or RESCIND_SOURCE_WORLD=<seed> for one
// of text, runs it alone.
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
#include "tests/differential/source_world.h"
#include "tests/unit/test_seed.h"

namespace rescind::eval {
namespace {

#ifdef RESCIND_SANITIZED
constexpr uint64_t kChangedWorldCount = 300;
constexpr uint64_t kChangedTargetsCount = 40;
#elif defined(NDEBUG)
constexpr uint64_t kChangedWorldCount = 4000;
constexpr uint64_t kChangedTargetsCount = 1000;
#else
constexpr uint64_t kChangedWorldCount = 500;
constexpr uint64_t kChangedTargetsCount = 100;
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

std::set<JudgedRow> DependentRows(const ir::Program& program, ir::RulePart part,
                                  const FactBase& before, const FactBase& after) {
  const ir::Dependencies dependencies(program, part);
  std::set<JudgedRow> rows;
  for (const RowChange& changed : FactDifference(before, after, program.columns)) {
    for (const auto& dependent : dependencies.Of(changed.change)) {
      for (const RowId row : RowsBehind(dependent.path, changed, before, after)) {
        for (const uint32_t rule : dependent.rules) rows.insert({rule, row});
      }
    }
  }
  return rows;
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
  const Holidays holidays;

  const FactBase before = facts.Build(program.columns);
  ChangeFacts(choice, *schema, now, facts);
  const FactBase after = facts.Build(program.columns);
  const Judgements judged_before = JudgeAll({program, before, holidays, now});
  const Judgements judged_after = JudgeAll({program, after, holidays, now});

  const std::set<JudgedRow> dependent_rows =
      DependentRows(program, ir::RulePart::kMatch, before, after);
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

// What the actions of a rule are about, of one of its rows.
std::string AboutText(const EvaluationInput& input, ReferenceEvaluator& evaluator,
                      const ir::Rule& rule, RowId row) {
  std::string text;
  const auto add = [&](ir::NodeId node) {
    if (!node.valid()) return;
    text += FormatValue(input, evaluator.Evaluate(node, row)).value() + "; ";
  };
  for (const ir::Action& action : rule.stages[0].actions) {
    add(action.target);
    if (!action.targets.valid()) continue;
    for (const FactRow& target : evaluator.Members(action.targets, row)) {
      text += fmt::format("{}/{} ", target.entity.index(), target.row.index());
    }
  }
  for (const ir::ShareLimit& limit : rule.share_limits) add(limit.group);
  return text;
}

bool CanBeJudged(const FactBase& facts, EntityId entity, uint32_t row) {
  return row < facts.table(entity).row_count() && facts.table(entity).complete(RowId(row));
}

void CheckChangedTargets(uint64_t seed, Totals& totals) {
  CAPTURE(seed);
  const SourceWorld world = RandomSourceWorld(seed);
  const auto program = CompileWorld(world);
  if (!program) return;
  FactBaseBuilder facts = FactsOf(world, *program);
  const FactBase before = facts.Build(program->columns);
  RandomChoice choice(seed);
  for (int times = 0; times < 6; ++times) {
    ChangeFacts(choice, program->schema, world.now, facts);
  }
  const FactBase after = facts.Build(program->columns);
  const Holidays holidays;
  const EvaluationInput input_before{*program, before, holidays, world.now};
  const EvaluationInput input_after{*program, after, holidays, world.now};
  ReferenceEvaluator evaluator_before(input_before);
  ReferenceEvaluator evaluator_after(input_after);
  const std::set<JudgedRow> dependent_rows =
      DependentRows(*program, ir::RulePart::kActions, before, after);
  totals.dependent += dependent_rows.size();
  for (uint32_t index = 0; index < program->rules.size(); ++index) {
    const ir::Rule& rule = program->rules[index];
    if (rule.protect) continue;
    for (uint32_t row = 0; row < after.table(rule.entity).row_count(); ++row) {
      if (!CanBeJudged(before, rule.entity, row) || !CanBeJudged(after, rule.entity, row)) continue;
      ++totals.judged;
      const std::string was = AboutText(input_before, evaluator_before, rule, RowId(row));
      const std::string is = AboutText(input_after, evaluator_after, rule, RowId(row));
      if (was == is) continue;
      ++totals.different;
      CAPTURE(rule.full_name);
      CAPTURE(was);
      CAPTURE(is);
      CHECK(dependent_rows.count({index, RowId(row)}) == 1);
    }
  }
}

TEST_CASE("every target and group that a change of facts alters lies behind a path of the change") {
  Totals totals;
  if (const uint64_t only = NumberFromEnvironment("RESCIND_SOURCE_WORLD", 0)) {
    CheckChangedTargets(only, totals);
    return;
  }
  const uint64_t count = NumberFromEnvironment("RESCIND_SOURCE_WORLDS", kChangedTargetsCount);
  RandomChoice seeds(TestSeed());
  for (uint64_t i = 0; i < count; ++i) {
    CheckChangedTargets(static_cast<uint64_t>(seeds.Between(1, INT64_MAX - 3)), totals);
  }
  MESSAGE(fmt::format("rows {}, dependent on what changed {}, different {}", totals.judged,
                      totals.dependent, totals.different));
  // They say something. Few worlds have most of what differs: a few dozen may have next to none.
  if (count >= 1000) CHECK(totals.different > count / 10);
  CHECK(totals.dependent < totals.judged);
}

}  // namespace
}  // namespace rescind::eval
