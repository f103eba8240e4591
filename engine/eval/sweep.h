// Sweep: every rule on every row it judges, at one instant: matches and exact deadlines.
//
// The rule program and the columns go in, conclusions come out; `now` is an argument. Vectorised:
// chunks of rows, selection vectors, one kernel a type, worker threads. It opens no findings and
// knows neither clock nor disk. reference_evaluator.h says the same, slowly and obviously.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "engine/base/civil.h"
#include "engine/base/instant.h"
#include "engine/base/large_vector.h"
#include "engine/eval/value.h"
#include "engine/facts/fact_base.h"
#include "engine/ir/program.h"

namespace rescind::eval {

// What every evaluation is about. All of it outlives the call.
struct EvaluationInput {
  const ir::Program& program;
  const FactBase& facts;
  const Holidays& holidays;
  Instant now;
};

enum class Verdict : uint8_t { kNoMatch = 0, kMatch = 1, kUndecided = 2, kError = 3 };

struct RowError {
  RowId row;
  EvaluationError error = EvaluationError::kNone;
  bool operator==(const RowError&) const = default;
};

// What one rule says of the complete rows of its entity; each row is in at most one list.
struct RuleOutcome {
  std::vector<RowId> matches;    // ascending
  std::vector<RowId> undecided;  // likewise
  std::vector<RowError> errors;  // likewise
};

struct SweepOptions {
  uint32_t threads = 2;
  // Without them a sweep is a little cheaper (a dry run needs none).
  bool deadlines = true;
  // By index in Program::rules; nullopt: all. Others get an empty outcome.
  std::optional<std::vector<uint32_t>> rules;
  // How many rows are judged at once. Few make a small test cross the borders of chunks; the
  // default suits the caches of today's machines.
  uint32_t chunk_rows = 2048;
  // What depends on a row only through one of its references is judged once for each row of the
  // referenced table where at least so many rows refer to one on average. 0: always; none: never.
  std::optional<uint32_t> pushdown_fan_in = 4;
  // A fold is looked at from its members where at most one in so many can make a difference.
  // 1: always; none: never. See semi_join.h.
  std::optional<uint32_t> semi_join_share = 8;
};

// Work done, for benches: "incremental" must be seen to be so.
struct SweepCounters {
  uint64_t rows_judged = 0;       // rows × rules
  uint64_t nodes_evaluated = 0;   // chunks × nodes
  uint64_t members_visited = 0;   // of collections, and rows looked at to leave members out
  uint64_t rows_pushed_down = 0;  // referenced rows × nodes
  uint64_t semi_joins = 0;        // folds that were looked at from their members
};

struct SweepResult {
  std::vector<RuleOutcome> rules;  // by index in Program::rules
  // By entity, then row: the first instant after `now` at which the answer of any swept rule about
  // the row could change while the facts stay; Instant::Never() if none. Empty for an entity that
  // no rule judges, and without SweepOptions::deadlines. Incomplete rows: never.
  std::vector<RawLargeVector<Instant>> deadlines;
  // By entity: live rows that are not complete, ascending; only of entities that a swept rule
  // judges. They match nothing, whatever the rule.
  std::vector<std::vector<RowId>> incomplete;
  SweepCounters counters;
};

// `reused`: an earlier result whose memory may be taken; what it says is lost.
SweepResult SweepFacts(const EvaluationInput& input, const SweepOptions& options,
                       SweepResult reused = {});

// The value of one node for every complete row of a root frame's entity, as dense codes: rows with
// equal values share one. For the groups of limits and roll-ups over millions of rows.
struct NodeGroups {
  static constexpr uint32_t kNoGroup = 0xFFFFFFFF;  // not complete, unknown, undecided or an error
  std::vector<uint32_t> group;                      // by row
  std::vector<Value> values;                        // by group
};
NodeGroups GroupRows(const EvaluationInput& input, ir::NodeId node, EntityId entity);

}  // namespace rescind::eval
