// Agreement: what the two evaluators must agree on, whoever made the program.
//
// Each question comes back as the first difference found, in words; empty when there is none. So a
// test can assert it, and a shrinker can ask it again of something smaller.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "engine/eval/reference_evaluator.h"
#include "engine/eval/sweep.h"
#include "tests/differential/random_choice.h"

namespace rescind::eval {

using Judgements = std::vector<std::vector<Judgement>>;  // [rule][row]

// How often each answer turned up: a generator that makes only boring worlds proves nothing.
struct Variety {
  std::map<Verdict, uint64_t> verdicts;
  uint64_t deadline_count = 0;
  uint64_t judgement_count = 0;
  uint64_t sweep_count = 0;        // with pushdowns and semi-joins wherever they can be made
  uint64_t pushed_down_count = 0;  // those in which something was pushed down
  uint64_t semi_join_count = 0;

  void Add(const SweepCounters& counters);
  void Add(const Judgements& judgements);
  // What is too rare: each verdict, deadlines, pushdowns, semi-joins. Empty when all is well, and
  // when there were too few judgements to tell.
  std::string Boredom() const;
};

// Every rule on every row, by the reference evaluator.
Judgements JudgeAll(const EvaluationInput& input);

// The sweep's verdicts, errors, deadlines and incomplete rows against the judgements of `input`.
// `counters`, if any, gets the sweep's.
std::string SweepDifference(const EvaluationInput& input, const Judgements& judged,
                            const SweepOptions& options, SweepCounters* counters = nullptr);
// The sweep in every way of running it: threads, chunks of `small_chunk`, a rule by itself, with
// and without pushdowns and semi-joins. `variety`, if any, counts these.
std::string AnySweepDifference(const EvaluationInput& input, const Judgements& judged,
                               uint32_t small_chunk, Variety* variety);
// Between now and a deadline nothing changes, asked at random instants; at the deadline there is
// a later one, or none.
std::string DeadlineDifference(const EvaluationInput& input, const Judgements& judged,
                               RandomChoice& choice);
// Rows share a group exactly when they share a known value of the node.
std::string GroupDifference(const EvaluationInput& input, ir::NodeId node, EntityId entity);

uint64_t NumberFromEnvironment(const char* name, uint64_t otherwise);

}  // namespace rescind::eval
