// SweepWorker: one thread's share of a sweep, a chunk of rows at a time.
//
// Phases follow each other (sweep.cc): pushdowns are filled, then semi-joins are found by way of
// them, then rows are judged by way of both. What a worker finds of rows stays with it until it is
// merged; columns and deadlines are written in place, each row by one worker.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/eval/batch_evaluator.h"
#include "engine/eval/sweep.h"
#include "engine/eval/sweep_plan.h"

namespace rescind::eval {

// An entity's rows, to be judged by all of its rules that are swept.
struct EntityTask {
  EntityId entity;
  ir::FrameId root;
  std::vector<uint32_t> rules;
};

class SweepWorker {
 public:
  struct Findings {
    std::vector<RuleOutcome> rules;
    std::vector<std::vector<RowId>> incomplete;
    SweepCounters counters;
  };

  // The plan outlives it.
  explicit SweepWorker(const SweepPlan& plan);

  void FillPushdown(Pushdown& pushdown, uint32_t first_row, uint32_t count);
  void FindPairs(const SemiJoin& join, uint32_t first_row, uint32_t count,
                 std::vector<SemiJoin::Pair>& pairs);
  // `deadlines`: of the rows [first_row, first_row + count); null: not wanted.
  void JudgeChunk(const EntityTask& task, uint32_t first_row, uint32_t count, Instant* deadlines);

  // What was found so far, with the work done for it.
  Findings& found();

 private:
  // `complete`: by row of the table, which rows to judge; null: all of them.
  void JudgeRows(const EntityTask& task, const uint8_t* complete, uint32_t first_row,
                 uint32_t count, Instant* deadlines);
  void StoreColumn(PushedColumn& column, uint32_t first_row, uint32_t count,
                   const Selection& selection);

  const SweepPlan& plan_;
  BatchEvaluator evaluator_;
  Findings found_;
  uint64_t rows_looked_at_ = 0;  // for semi-joins
};

}  // namespace rescind::eval
