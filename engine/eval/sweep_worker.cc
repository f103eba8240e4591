#include "engine/eval/sweep_worker.h"

#include <algorithm>
#include <cstring>

#include "engine/base/assert.h"
#include "engine/eval/row_runs.h"

namespace rescind::eval {
namespace {

// Rows that are not complete leave gaps. Farther apart than this on average, what lies between them
// is judged by itself: kernels are faster over rows that follow each other than over a selection.
constexpr uint32_t kRowsBetweenGaps = 256;

// When fewer than one answer in so many is yes, they are searched for.
constexpr uint32_t kFewMatches = 32;

// How many of marks[0, count), each 0 or 1, are 1.
RESCIND_KERNEL uint32_t CountMarks(const uint8_t* marks, uint32_t count) {
  uint32_t sum = 0;
  for (uint32_t i = 0; i < count; ++i) sum += marks[i];
  return sum;
}

RESCIND_KERNEL void LowerDeadlines(const int64_t* until, const Selection& selection,
                                   int64_t* deadlines) {
  ForEach(selection, [=](uint32_t i) { deadlines[i] = std::min(deadlines[i], until[i]); });
}

RESCIND_KERNEL uint32_t CountAnswers(const uint8_t* answers, const Selection& selection) {
  uint32_t count = 0;
  ForEach(selection, [&count, answers](uint32_t i) { count += answers[i]; });
  return count;
}

void CollectMatches(const uint8_t* answers, const Selection& selection, uint32_t first_row,
                    std::vector<RowId>& matches) {
  const uint32_t match_count = CountAnswers(answers, selection);
  if (match_count == 0) return;
  if (selection.all() && match_count < selection.count / kFewMatches) {
    const uint8_t* const end = answers + selection.count;
    const uint8_t* at = answers;
    for (uint32_t k = 0; k < match_count; ++k, ++at) {
      at = static_cast<const uint8_t*>(std::memchr(at, 1, static_cast<size_t>(end - at)));
      matches.push_back(RowId(first_row + static_cast<uint32_t>(at - answers)));
    }
    return;
  }
  // Matches may be as random as coins: written always, kept when they are some.
  const size_t before = matches.size();
  matches.resize(before + match_count + 1);
  RowId* const written = matches.data() + before;
  uint32_t kept = 0;
  ForEach(selection, [&kept, written, answers, first_row](uint32_t i) {
    written[kept] = RowId(first_row + i);
    kept += answers[i];
  });
  matches.pop_back();
}

void Collect(const ValueVector& match, const Selection& complete, uint32_t first_row,
             RuleOutcome& outcome) {
  const uint8_t* answers = match.values<uint8_t>();
  const uint8_t* status = match.status();
  if (status == nullptr) {
    CollectMatches(answers, complete, first_row, outcome.matches);
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

}  // namespace

SweepWorker::SweepWorker(const SweepPlan& plan) : plan_(plan), evaluator_(plan) {
  found_.rules.resize(plan.program().rules.size());
  found_.incomplete.resize(plan.program().schema.entities().size());
}

SweepWorker::Findings& SweepWorker::found() {
  const SweepCounters& counters = evaluator_.counters();
  found_.counters.nodes_evaluated = counters.nodes_evaluated;
  found_.counters.members_visited = counters.members_visited + rows_looked_at_;
  return found_;
}

// ---- Before rows are judged -------------------------------------------------------------------

void SweepWorker::StoreColumn(PushedColumn& column, uint32_t first_row, uint32_t count,
                              const Selection& selection) {
  const ValueVector& values = evaluator_.Evaluate(column.pushed.node, selection);
  const size_t width = BytesOf(column.width);
  std::memcpy(column.values.data() + first_row * width, values.values<std::byte>(), count * width);
  if (values.status() != nullptr) {
    std::copy_n(values.status(), count, column.status.data() + first_row);
    column.any_status = true;
  }
  if (values.until() != nullptr) {
    RESCIND_ASSERT(!column.until.empty(), "a value that moves, although its node says it cannot");
    std::copy_n(values.until(), count, column.until.data() + first_row);
    column.any_until = true;
  } else if (!column.until.empty()) {
    std::fill_n(column.until.data() + first_row, count, kNeverMicros);
  }
  if (!column.is_condition || (values.status() == nullptr && values.until() == nullptr)) return;
  auto* const answers = reinterpret_cast<uint8_t*>(column.values.data()) + first_row;
  for (uint32_t i = 0; i < count; ++i) {
    const bool has_more = values.status(i) != kIsKnown || values.until(i) != kNeverMicros;
    answers[i] = (answers[i] & 1) | (has_more ? PushedColumn::kHasMore : 0);
  }
}

void SweepWorker::FillPushdown(Pushdown& pushdown, uint32_t first_row, uint32_t count) {
  const Table& table = plan_.input().facts.table(pushdown.entity);
  const auto fill = [&](uint32_t begin, uint32_t run) {
    const Selection& all = evaluator_.StartPushdown(pushdown, first_row + begin, run);
    for (PushedColumn* column : pushdown.columns) StoreColumn(*column, first_row + begin, run, all);
    found_.counters.rows_pushed_down += uint64_t{run} * pushdown.columns.size();
  };
  if (plan_.at(pushdown.reference).complete) {
    // Only complete rows are named, and only they can be read without looking at what is missing.
    ForEachRun(table.complete().data() + first_row, count, fill, [](uint32_t) {});
  } else {
    fill(0, count);
  }
}

void SweepWorker::FindPairs(const SemiJoin& join, uint32_t first_row, uint32_t count,
                            std::vector<SemiJoin::Pair>& pairs) {
  const Table& table = plan_.input().facts.table(join.member);
  const uint8_t uninteresting = plan_.node(join.fold).op == ir::Op::kAll ? 1 : 0;
  const auto add = [&](uint32_t row) {
    if (const auto outer = join.OuterOf(row)) pairs.push_back({*outer, row});
  };
  const auto look = [&](uint32_t begin, uint32_t run) {
    const uint32_t first = first_row + begin;
    const Selection& all = evaluator_.StartChunk(join.members, nullptr, first, run);
    const ValueVector& condition = evaluator_.Evaluate(join.condition, all);
    const uint8_t* answers = condition.values<uint8_t>();
    rows_looked_at_ += run;
    if (condition.status() == nullptr && condition.until() == nullptr && uninteresting == 0) {
      for (const uint8_t* at = answers; at < answers + run; ++at) {
        const auto left = static_cast<size_t>(answers + run - at);
        at = static_cast<const uint8_t*>(std::memchr(at, 1, left));
        if (at == nullptr) break;
        add(first + static_cast<uint32_t>(at - answers));
      }
      return;
    }
    for (uint32_t i = 0; i < run; ++i) {
      const bool decided = condition.status(i) == kIsKnown && condition.until(i) == kNeverMicros;
      if (!decided || answers[i] != uninteresting) add(first + i);
    }
  };
  ForEachRun(table.complete().data() + first_row, count, look, [&](uint32_t gap) {
    // Nobody knows what an incomplete member would say.
    if (table.presence(RowId(first_row + gap)) == Presence::kLive) add(first_row + gap);
  });
}

// ---- Judging ----------------------------------------------------------------------------------

void SweepWorker::JudgeChunk(const EntityTask& task, uint32_t first_row, uint32_t count,
                             Instant* deadlines) {
  const Table& table = plan_.input().facts.table(task.entity);
  const uint8_t* complete = table.complete().data() + first_row;
  const uint32_t complete_count = CountMarks(complete, count);
  if (deadlines != nullptr) std::fill_n(deadlines, count, Instant::Never());
  const auto add_gap = [&](uint32_t gap) {
    const RowId row(first_row + gap);
    if (table.presence(row) != Presence::kLive) return;
    found_.incomplete[task.entity.index()].push_back(row);
  };
  const bool many_gaps = count - complete_count > count / kRowsBetweenGaps;
  const auto judge_run = [&](uint32_t begin, uint32_t run) {
    if (many_gaps) return;
    JudgeRows(task, nullptr, first_row + begin, run,
              deadlines == nullptr ? nullptr : deadlines + begin);
  };
  ForEachRun(complete, count, judge_run, add_gap);
  if (many_gaps && complete_count > 0) {
    JudgeRows(task, table.complete().data(), first_row, count, deadlines);
  }
}

void SweepWorker::JudgeRows(const EntityTask& task, const uint8_t* complete, uint32_t first_row,
                            uint32_t count, Instant* deadlines) {
  const Selection& rows = evaluator_.StartChunk(task.root, complete, first_row, count);
  for (const uint32_t rule : task.rules) {
    const ValueVector& match = evaluator_.Evaluate(plan_.program().rules[rule].match, rows);
    found_.counters.rows_judged += rows.count;
    Collect(match, rows, first_row, found_.rules[rule]);
    if (deadlines == nullptr || match.until() == nullptr) continue;
    // An Instant is its microseconds.
    static_assert(sizeof(Instant) == sizeof(int64_t));
    LowerDeadlines(match.until(), rows, &deadlines->micros);
  }
}

}  // namespace rescind::eval
