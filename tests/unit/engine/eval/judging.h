// Judges one condition about one row, by the reference evaluator and by the sweep: they must agree.
#pragma once

#include <doctest/doctest.h>

#include "engine/eval/reference_evaluator.h"
#include "engine/eval/sweep.h"
#include "tests/unit/engine/eval/small_world.h"

namespace rescind::eval {

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
    return ReferenceEvaluator(input).Judge(rule, row);
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
