// Judges one condition about one row, by the reference evaluator and by the sweep: they must agree.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

#include "engine/eval/reference_evaluator.h"
#include "engine/eval/sweep.h"
#include "tests/unit/engine/eval/small_world.h"

namespace rescind::eval {

// What a sweep says of one row.
inline Judgement InSweep(const EvaluationInput& input, const SweepOptions& options, uint32_t rule,
                         RowId row) {
  const SweepResult result = SweepFacts(input, options);
  const RuleOutcome& outcome = result.rules[rule];
  Judgement judgement;
  const auto holds = [row](const std::vector<RowId>& rows) {
    return std::find(rows.begin(), rows.end(), row) != rows.end();
  };
  if (holds(outcome.matches)) judgement.verdict = Verdict::kMatch;
  if (holds(outcome.undecided)) judgement.verdict = Verdict::kUndecided;
  for (const RowError& error : outcome.errors) {
    if (error.row != row) continue;
    judgement.verdict = Verdict::kError;
    judgement.error = error.error;
  }
  const EntityId entity = input.program.rules[rule].entity;
  if (options.deadlines) judgement.deadline = result.deadlines[entity.index()][row.index()];
  return judgement;
}

struct World {
  ProgramBuilder p{SmallSchema()};
  FactBaseBuilder facts = SmallFacts();
  Holidays holidays;
  Instant now = InstantOf("2026-04-01T09:00Z");

  Judgement Judge(std::string_view entity, ir::NodeId when, RowId row) {
    ProgramBuilder builder = p;
    const uint32_t rule = builder.AddRule(entity, when);
    const ir::Program program = builder.Build();
    const FactBase base = facts.Build(program.columns);
    const EvaluationInput input{program, base, holidays, now};
    const Judgement judgement = ReferenceEvaluator(input).Judge(rule, row);
    for (const uint32_t threads : {1U, 2U}) {
      CHECK(InSweep(input, SweepOptions{threads, true, {}, threads}, rule, row) == judgement);
      CHECK(InSweep(input, SweepOptions{threads, true, {}, threads, 0, 1}, rule, row) == judgement);
    }
    return judgement;
  }
  Judgement Judge(std::string_view entity, ir::NodeId when, std::string_view id) {
    return Judge(entity, when, facts.Mention(entity, id).id());
  }
  Verdict Of(std::string_view entity, ir::NodeId when, std::string_view id) {
    return Judge(entity, when, id).verdict;
  }
};

inline Judgement Says(Verdict verdict, Instant deadline = Instant::Never(),
                      EvaluationError error = EvaluationError::kNone) {
  return {verdict, error, deadline};
}

}  // namespace rescind::eval
