// Chunks of rows are handed to workers; each runs all rules of the chunk's entity over it, so that
// values which rules share are computed once. What workers found is merged in the order of rows.
#include "engine/eval/sweep.h"

#include <algorithm>
#include <atomic>
#include <iterator>
#include <memory>
#include <thread>
#include <utility>

#include "engine/base/assert.h"
#include "engine/eval/batch_evaluator.h"

namespace rescind::eval {
namespace {

// An entity's rows, to be judged by all of its rules that are swept.
struct EntityTask {
  EntityId entity;
  ir::FrameId root;
  std::vector<uint32_t> rules;
  uint32_t row_count = 0;
  std::atomic<uint32_t> next_chunk = 0;
};

struct Findings {
  std::vector<RuleOutcome> rules;
  std::vector<std::vector<RowId>> incomplete;
  SweepCounters counters;
};

class Worker {
 public:
  Worker(const SweepPlan& plan, uint32_t chunk_rows, SweepResult& result)
      : plan_(plan), chunk_rows_(chunk_rows), evaluator_(plan), result_(result) {
    found_.rules.resize(plan.program().rules.size());
    found_.incomplete.resize(plan.program().schema.entities().size());
  }

  void Run(std::vector<std::unique_ptr<EntityTask>>& tasks) {
    for (const auto& task : tasks) {
      for (;;) {
        const uint32_t chunk = task->next_chunk.fetch_add(1, std::memory_order_relaxed);
        const uint64_t first_row = uint64_t{chunk} * chunk_rows_;
        if (first_row >= task->row_count) break;
        JudgeChunk(*task, static_cast<uint32_t>(first_row));
      }
    }
  }
  Findings& found() {
    const SweepCounters& counters = evaluator_.counters();
    found_.counters.nodes_evaluated = counters.nodes_evaluated;
    found_.counters.members_visited = counters.members_visited;
    return found_;
  }

 private:
  void JudgeChunk(const EntityTask& task, uint32_t first_row) {
    const Table& table = plan_.input().facts.table(task.entity);
    const uint32_t count = std::min(chunk_rows_, task.row_count - first_row);
    const Selection& complete = evaluator_.StartChunk(task.root, table, first_row, count);
    int64_t* deadlines = nullptr;
    if (plan_.deadlines()) {
      // An Instant is its microseconds.
      static_assert(sizeof(Instant) == sizeof(int64_t));
      deadlines = &result_.deadlines[task.entity.index()][first_row].micros;
    }
    if (complete.count < count) {
      for (uint32_t i = 0; i < count; ++i) {
        const RowId row(first_row + i);
        if (table.presence(row) == Presence::kLive && !table.complete(row)) {
          found_.incomplete[task.entity.index()].push_back(row);
        }
      }
    }
    if (complete.count == 0) return;
    for (const uint32_t rule : task.rules) {
      const ValueVector& match = evaluator_.Evaluate(plan_.program().rules[rule].match, complete);
      found_.counters.rows_judged += complete.count;
      Collect(match, complete, first_row, found_.rules[rule]);
      if (deadlines == nullptr || match.until() == nullptr) continue;
      const int64_t* until = match.until();
      ForEach(complete, [&](uint32_t i) { deadlines[i] = std::min(deadlines[i], until[i]); });
    }
  }

  static void Collect(const ValueVector& match, const Selection& complete, uint32_t first_row,
                      RuleOutcome& outcome) {
    const uint8_t* answers = match.values<uint8_t>();
    const uint8_t* status = match.status();
    if (status == nullptr) {
      uint32_t match_count = 0;
      ForEach(complete, [&match_count, answers](uint32_t i) { match_count += answers[i]; });
      if (match_count == 0) return;
      // Matches may be as random as coins: written always, kept when they are some.
      const size_t before = outcome.matches.size();
      outcome.matches.resize(before + match_count + 1);
      RowId* const matches = outcome.matches.data() + before;
      uint32_t kept = 0;
      ForEach(complete, [&kept, matches, answers, first_row](uint32_t i) {
        matches[kept] = RowId(first_row + i);
        kept += answers[i];
      });
      outcome.matches.pop_back();
      return;
    }
    ForEach(complete, [&](uint32_t i) {
      const RowId row(first_row + i);
      if (status[i] >= kFirstError) {
        outcome.errors.push_back({row, ErrorOf(status[i])});
      } else if (status[i] != kIsKnown) {
        outcome.undecided.push_back(row);
      } else if (answers[i] != 0) {
        outcome.matches.push_back(row);
      }
    });
  }

  const SweepPlan& plan_;
  const uint32_t chunk_rows_;
  BatchEvaluator evaluator_;
  SweepResult& result_;
  Findings found_;
};

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

void Merge(Findings&& found, SweepResult& result) {
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
}

std::vector<std::unique_ptr<EntityTask>> TasksOf(const EvaluationInput& input,
                                                 const std::vector<uint32_t>& rules) {
  std::vector<std::unique_ptr<EntityTask>> tasks;
  for (const uint32_t index : rules) {
    const ir::Rule& rule = input.program.rules[index];
    auto found = std::find_if(tasks.begin(), tasks.end(),
                              [&](const auto& task) { return task->entity == rule.entity; });
    if (found == tasks.end()) {
      auto task = std::make_unique<EntityTask>();
      task->entity = rule.entity;
      task->root = rule.frame;
      task->row_count = input.facts.table(rule.entity).row_count();
      tasks.push_back(std::move(task));
      found = std::prev(tasks.end());
    }
    RESCIND_ASSERT((*found)->root == rule.frame, "two root frames of one entity");
    (*found)->rules.push_back(index);
  }
  return tasks;
}

}  // namespace

SweepResult SweepFacts(const EvaluationInput& input, const SweepOptions& options) {
  const size_t rule_count = input.program.rules.size();
  const size_t entity_count = input.program.schema.entities().size();
  RESCIND_ASSERT(options.chunk_rows > 0, "a sweep of no rows at a time");
  SweepResult result;
  result.rules.resize(rule_count);
  result.deadlines.resize(entity_count);
  result.incomplete.resize(entity_count);
  std::vector<uint32_t> rules;
  if (options.rules) {
    rules = *options.rules;
  } else {
    for (uint32_t rule = 0; rule < rule_count; ++rule) rules.push_back(rule);
  }
  std::vector<ir::NodeId> roots;
  for (const uint32_t rule : rules) roots.push_back(input.program.rules[rule].match);
  const SweepPlan plan(input, options.deadlines, roots);
  auto tasks = TasksOf(input, rules);
  uint64_t chunk_count = 0;
  for (const auto& task : tasks) {
    if (options.deadlines) {
      result.deadlines[task->entity.index()].assign(task->row_count, Instant::Never());
    }
    chunk_count += (task->row_count + options.chunk_rows - 1) / options.chunk_rows;
  }
  const auto worker_count =
      std::clamp<uint64_t>(options.threads, 1, std::max<uint64_t>(chunk_count, 1));
  std::vector<std::unique_ptr<Worker>> workers;
  for (uint64_t i = 0; i < worker_count; ++i) {
    workers.push_back(std::make_unique<Worker>(plan, options.chunk_rows, result));
  }
  std::vector<std::thread> threads;
  for (uint64_t i = 1; i < worker_count; ++i) {
    threads.emplace_back([&tasks, worker = workers[i].get()] { worker->Run(tasks); });
  }
  workers[0]->Run(tasks);
  for (std::thread& thread : threads) thread.join();
  for (const auto& worker : workers) Merge(std::move(worker->found()), result);
  return result;
}

}  // namespace rescind::eval
