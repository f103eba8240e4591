// Chunks of rows are handed to workers; each runs all rules of the chunk's entity over it, so that
// values which rules share are computed once. What workers found is merged in the order of rows.
// Before, in the same manner: columns of pushed nodes, then lists of members that matter.
#include "engine/eval/sweep.h"

#include <algorithm>
#include <atomic>
#include <iterator>
#include <memory>
#include <thread>
#include <utility>

#include "engine/base/assert.h"
#include "engine/eval/sweep_worker.h"

namespace rescind::eval {
namespace {

// Both ascending; each row in one of them.
template <typename T, typename Before>
void MergeInto(std::vector<T>& into, std::vector<T>&& from, Before before) {
  if (into.empty()) {
    into = std::move(from);
    return;
  }
  if (from.empty()) return;
  std::vector<T> merged;
  merged.reserve(into.size() + from.size());
  std::merge(into.begin(), into.end(), from.begin(), from.end(), std::back_inserter(merged),
             before);
  into = std::move(merged);
}

void Merge(SweepWorker::Findings&& found, SweepResult& result) {
  const auto by_row = [](RowId a, RowId b) { return a < b; };
  for (size_t rule = 0; rule < found.rules.size(); ++rule) {
    RuleOutcome& into = result.rules[rule];
    RuleOutcome& from = found.rules[rule];
    MergeInto(into.matches, std::move(from.matches), by_row);
    MergeInto(into.undecided, std::move(from.undecided), by_row);
    MergeInto(into.errors, std::move(from.errors),
              [](const RowError& a, const RowError& b) { return a.row < b.row; });
  }
  for (size_t e = 0; e < found.incomplete.size(); ++e) {
    MergeInto(result.incomplete[e], std::move(found.incomplete[e]), by_row);
  }
  result.counters.rows_judged += found.counters.rows_judged;
  result.counters.nodes_evaluated += found.counters.nodes_evaluated;
  result.counters.members_visited += found.counters.members_visited;
  result.counters.rows_pushed_down += found.counters.rows_pushed_down;
}

std::vector<EntityTask> TasksOf(const EvaluationInput& input, const std::vector<uint32_t>& rules) {
  std::vector<EntityTask> tasks;
  for (const uint32_t index : rules) {
    const ir::Rule& rule = input.program.rules[index];
    auto found = std::find_if(tasks.begin(), tasks.end(),
                              [&](const EntityTask& task) { return task.entity == rule.entity; });
    if (found == tasks.end()) {
      tasks.push_back({rule.entity, rule.frame, {}});
      found = std::prev(tasks.end());
    }
    RESCIND_ASSERT(found->root == rule.frame, "two root frames of one entity");
    found->rules.push_back(index);
  }
  return tasks;
}

// Hands out chunks of rows to workers, one thread each, until there are none left.
class Workers {
 public:
  Workers(const SweepPlan& plan, const SweepOptions& options, uint64_t chunk_count)
      : chunk_rows_(options.chunk_rows) {
    const auto count = std::clamp<uint64_t>(options.threads, 1, std::max<uint64_t>(chunk_count, 1));
    for (uint64_t i = 0; i < count; ++i) workers_.push_back(std::make_unique<SweepWorker>(plan));
  }
  size_t count() const { return workers_.size(); }
  SweepWorker& at(size_t i) { return *workers_[i]; }

  // on_chunk(task, worker, first_row, count), for each chunk of each task's rows.
  template <typename OnChunk>
  void Run(const std::vector<uint32_t>& row_counts, const OnChunk& on_chunk) {
    std::vector<std::atomic<uint64_t>> next_rows(row_counts.size());
    const auto work = [&](size_t worker) {
      for (size_t task = 0; task < row_counts.size(); ++task) {
        for (;;) {
          const uint64_t first = next_rows[task].fetch_add(chunk_rows_, std::memory_order_relaxed);
          if (first >= row_counts[task]) break;
          const uint64_t count = std::min<uint64_t>(chunk_rows_, row_counts[task] - first);
          on_chunk(task, worker, static_cast<uint32_t>(first), static_cast<uint32_t>(count));
        }
      }
    };
    std::vector<std::thread> threads;
    for (size_t i = 1; i < workers_.size(); ++i) threads.emplace_back(work, i);
    work(0);
    for (std::thread& thread : threads) thread.join();
  }

 private:
  uint32_t chunk_rows_;
  std::vector<std::unique_ptr<SweepWorker>> workers_;
};

void FillPushdowns(SweepPlan& plan, Workers& workers) {
  std::vector<Pushdown>& pushdowns = plan.pushdowns();
  std::vector<uint32_t> row_counts;
  for (const Pushdown& pushdown : pushdowns) {
    row_counts.push_back(plan.input().facts.table(pushdown.entity).row_count());
  }
  workers.Run(row_counts, [&](size_t task, size_t worker, uint32_t first, uint32_t count) {
    workers.at(worker).FillPushdown(pushdowns[task], first, count);
  });
}

void FillSemiJoins(SweepPlan& plan, Workers& workers, SweepResult& result) {
  for (SemiJoin& join : plan.semi_joins()) {
    std::vector<std::vector<SemiJoin::Pair>> found(workers.count());
    std::atomic<uint64_t> pair_count = 0;
    const uint32_t member_count = plan.input().facts.table(join.member).row_count();
    workers.Run({member_count}, [&](size_t, size_t worker, uint32_t first, uint32_t count) {
      if (pair_count.load(std::memory_order_relaxed) > join.most_pairs) return;
      const size_t before = found[worker].size();
      workers.at(worker).FindPairs(join, first, count, found[worker]);
      pair_count.fetch_add(found[worker].size() - before, std::memory_order_relaxed);
    });
    if (pair_count > join.most_pairs) continue;
    ++result.counters.semi_joins;
    join.Index(found, plan.input().facts.table(join.outer).row_count());
  }
}

void Judge(const EvaluationInput& input, const SweepOptions& options,
           const std::vector<EntityTask>& tasks, Workers& workers, SweepResult& result) {
  std::vector<uint32_t> row_counts;
  for (const EntityTask& task : tasks) {
    row_counts.push_back(input.facts.table(task.entity).row_count());
    // Workers fill it, chunk by chunk.
    if (options.deadlines) result.deadlines[task.entity.index()].resize(row_counts.back());
  }
  workers.Run(row_counts, [&](size_t index, size_t worker, uint32_t first, uint32_t count) {
    const EntityTask& task = tasks[index];
    Instant* const deadlines =
        options.deadlines ? &result.deadlines[task.entity.index()][first] : nullptr;
    workers.at(worker).JudgeChunk(task, first, count, deadlines);
  });
}

// An empty result that keeps the large arrays of an earlier one.
SweepResult Emptied(SweepResult reused, const ir::Program& program) {
  SweepResult result;
  result.rules.resize(program.rules.size());
  result.deadlines = std::move(reused.deadlines);
  result.deadlines.resize(program.schema.entities().size());
  for (auto& deadlines : result.deadlines) deadlines.clear();
  result.incomplete.resize(program.schema.entities().size());
  return result;
}

}  // namespace

SweepResult SweepFacts(const EvaluationInput& input, const SweepOptions& options,
                       SweepResult reused) {
  RESCIND_ASSERT(options.chunk_rows > 0, "a sweep of no rows at a time");
  SweepResult result = Emptied(std::move(reused), input.program);
  std::vector<uint32_t> rules;
  if (options.rules) {
    rules = *options.rules;
  } else {
    for (uint32_t rule = 0; rule < input.program.rules.size(); ++rule) rules.push_back(rule);
  }
  std::vector<ir::NodeId> roots;
  for (const uint32_t rule : rules) roots.push_back(input.program.rules[rule].match);
  SweepPlan plan(input, options, roots);
  const std::vector<EntityTask> tasks = TasksOf(input, rules);
  uint64_t chunk_count = 0;
  for (const EntityTask& task : tasks) {
    const uint64_t rows = input.facts.table(task.entity).row_count();
    chunk_count += (rows + options.chunk_rows - 1) / options.chunk_rows;
  }
  Workers workers(plan, options, chunk_count);
  FillPushdowns(plan, workers);
  FillSemiJoins(plan, workers, result);
  Judge(input, options, tasks, workers, result);
  for (size_t i = 0; i < workers.count(); ++i) Merge(std::move(workers.at(i).found()), result);
  return result;
}

}  // namespace rescind::eval
