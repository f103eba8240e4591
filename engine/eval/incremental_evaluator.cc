// A row that something has affected is judged by the rules that are affected, a row whose deadline
// has come by all. Its next deadline is the soonest of all its rules', of which only the minimum is
// remembered. What the judged rules say is enough where it is not later than what was remembered;
// otherwise the others are asked too, and must say what they said before.
#include "engine/eval/incremental_evaluator.h"

#include <algorithm>
#include <utility>

#include "engine/base/assert.h"
#include "engine/base/sort_unique.h"
#include "engine/eval/batch_evaluator.h"
#include "engine/eval/sweep_plan.h"

namespace rescind::eval {

namespace {

constexpr size_t kRowsAtOnce = 1024;

SweepOptions PlanOptions() {
  SweepOptions options;
  options.pushdown_fan_in = std::nullopt;
  options.semi_join_share = std::nullopt;
  return options;
}

std::vector<ir::NodeId> Matches(const ir::Program& program) {
  std::vector<ir::NodeId> matches;
  for (const ir::Rule& rule : program.rules) matches.push_back(rule.match);
  return matches;
}

Verdict VerdictOf(const ValueVector& match, uint32_t i) {
  const uint8_t status = match.status(i);
  if (status >= kFirstError) return Verdict::kError;
  if (status != kIsKnown) return Verdict::kUndecided;
  return match.values<uint8_t>()[i] != 0 ? Verdict::kMatch : Verdict::kNoMatch;
}

}  // namespace

// The program bound to the facts.
class IncrementalEvaluator::Judging {
 public:
  explicit Judging(const EvaluationInput& input)
      : plan_(input, PlanOptions(), Matches(input.program)), evaluator_(plan_) {}

  void Follow(Instant now) { evaluator_.Follow(plan_.Follow(now)); }

  // At most kRowsAtOnce rows, ascending. `is_asked(rule, i)`: whether the rule judges the i-th.
  // Deadlines of the rules that were asked go to `deadlines`.
  template <typename IsAsked>
  void Judge(const Subject& subject, std::span<const uint32_t> rows, const IsAsked& is_asked,
             std::vector<VerdictTable>& verdicts, std::vector<Conclusion>& conclusions,
             std::vector<int64_t>& deadlines) {
    const Table& table = plan_.input().facts.table(subject.entity);
    const Selection& all = evaluator_.StartRows(subject.root, rows);
    deadlines.assign(rows.size(), kNeverMicros);
    for (const uint32_t rule : subject.rules) {
      const Selection& asked =
          evaluator_.Narrow(all, [&](uint32_t i) { return is_asked(rule, i); });
      if (asked.count == 0) continue;
      rows_judged_ += asked.count;
      const Selection& complete =
          evaluator_.Narrow(asked, [&](uint32_t i) { return table.complete(RowId(rows[i])); });
      const ValueVector* match = nullptr;
      if (complete.count > 0)
        match = &evaluator_.Evaluate(plan_.program().rules[rule].match, complete);
      ForEach(asked, [&](uint32_t i) {
        const RowId row(rows[i]);
        Conclusion conclusion{rule, row, verdicts[rule].Of(row)};
        if (table.complete(row)) {
          conclusion.after = VerdictOf(*match, i);
          conclusion.error = ErrorOf(match->status(i));
          deadlines[i] = std::min(deadlines[i], match->until(i));
        }
        if (conclusion.after == conclusion.before) return;
        verdicts[rule].Set(row, conclusion.after);
        conclusions.push_back(conclusion);
      });
    }
  }

  uint64_t rows_judged() const { return rows_judged_; }

 private:
  SweepPlan plan_;
  BatchEvaluator evaluator_;
  uint64_t rows_judged_ = 0;
};

IncrementalEvaluator::IncrementalEvaluator(const ir::Program& program, FactBase& facts,
                                           const Holidays& holidays, Instant now, uint32_t threads)
    : facts_(facts),
      affected_(program, ir::RulePart::kMatch, facts),
      judging_(std::make_unique<Judging>(EvaluationInput{program, facts, holidays, now})),
      verdicts_(program.rules.size()),
      queues_(program.schema.entities().size(), DeadlineQueue(now)),
      now_(now) {
  for (uint32_t rule = 0; rule < program.rules.size(); ++rule) {
    const ir::Rule& its = program.rules[rule];
    auto found = std::find_if(subjects_.begin(), subjects_.end(),
                              [&](const Subject& subject) { return subject.entity == its.entity; });
    if (found == subjects_.end()) found = subjects_.insert(found, {its.entity, its.frame, {}});
    found->rules.push_back(rule);
  }
  Grow();
  SweepOptions options;
  options.threads = threads;
  const SweepResult swept = SweepFacts({program, facts, holidays, now}, options);
  for (uint32_t rule = 0; rule < program.rules.size(); ++rule) {
    const RuleOutcome& outcome = swept.rules[rule];
    for (const RowId row : outcome.matches) verdicts_[rule].Set(row, Verdict::kMatch);
    for (const RowId row : outcome.undecided) verdicts_[rule].Set(row, Verdict::kUndecided);
    for (const RowError& error : outcome.errors) verdicts_[rule].Set(error.row, Verdict::kError);
  }
  for (const Subject& subject : subjects_) {
    const auto& deadlines = swept.deadlines[subject.entity.index()];
    DeadlineQueue& queue = queues_[subject.entity.index()];
    for (uint32_t row = 0; row < deadlines.size(); ++row) queue.Set(RowId(row), deadlines[row]);
  }
}
IncrementalEvaluator::~IncrementalEvaluator() = default;

void IncrementalEvaluator::Grow() {
  for (const Subject& subject : subjects_) {
    const uint32_t row_count = facts_.table(subject.entity).row_count();
    DeadlineQueue& queue = queues_[subject.entity.index()];
    if (queue.row_count() == row_count) continue;
    queue.Grow(row_count);
    for (const uint32_t rule : subject.rules) verdicts_[rule].Grow(row_count);
  }
}

std::vector<Conclusion> IncrementalEvaluator::Advance(std::span<const RowChange> changes,
                                                      Instant now) {
  RESCIND_ASSERT(now >= now_, "time runs backwards");
  now_ = now;
  Grow();
  judging_->Follow(now);
  std::vector<Conclusion> conclusions;
  const auto& affected = affected_.Find(changes);
  for (const Subject& subject : subjects_) JudgeSubject(subject, affected, conclusions);
  counters_.rows_judged = judging_->rows_judged();
  counters_.rows_visited = affected_.rows_visited();
  std::sort(conclusions.begin(), conclusions.end(), [](const Conclusion& a, const Conclusion& b) {
    return std::pair(a.rule, a.row) < std::pair(b.rule, b.row);
  });
  return conclusions;
}

void IncrementalEvaluator::JudgeSubject(const Subject& subject,
                                        const std::vector<std::vector<uint32_t>>& affected,
                                        std::vector<Conclusion>& conclusions) {
  DeadlineQueue& queue = queues_[subject.entity.index()];
  std::vector<RowId> due_rows;
  queue.Pop(now_, due_rows);
  counters_.rows_due += due_rows.size();
  std::vector<uint32_t> due;
  for (const RowId row : due_rows) due.push_back(row.index());
  std::sort(due.begin(), due.end());
  std::vector<uint32_t> rows = due;
  for (const uint32_t rule : subject.rules) {
    rows.insert(rows.end(), affected[rule].begin(), affected[rule].end());
  }
  SortUnique(rows);

  std::vector<int64_t> deadlines;
  std::vector<uint32_t> unsettled;  // whose next deadline may be another rule's
  for (size_t begin = 0; begin < rows.size(); begin += kRowsAtOnce) {
    const auto slice = std::span(rows).subspan(begin, std::min(kRowsAtOnce, rows.size() - begin));
    const auto is_due = [&](uint32_t i) {
      return std::binary_search(due.begin(), due.end(), slice[i]);
    };
    const auto is_asked = [&](uint32_t rule, uint32_t i) {
      return is_due(i) ||
             std::binary_search(affected[rule].begin(), affected[rule].end(), slice[i]);
    };
    judging_->Judge(subject, slice, is_asked, verdicts_, conclusions, deadlines);
    for (uint32_t i = 0; i < slice.size(); ++i) {
      const RowId row(slice[i]);
      if (!is_due(i) && deadlines[i] > queue.deadline(row).micros) {
        unsettled.push_back(slice[i]);
      } else {
        queue.Set(row, {deadlines[i]});
      }
    }
  }
  const size_t concluded = conclusions.size();
  for (size_t begin = 0; begin < unsettled.size(); begin += kRowsAtOnce) {
    const auto slice =
        std::span(unsettled).subspan(begin, std::min(kRowsAtOnce, unsettled.size() - begin));
    judging_->Judge(
        subject, slice, [](uint32_t, uint32_t) { return true; }, verdicts_, conclusions, deadlines);
    for (uint32_t i = 0; i < slice.size(); ++i) queue.Set(RowId(slice[i]), {deadlines[i]});
  }
  // INVARIANT: what a change does not affect says what it said before.
  RESCIND_ASSERT(conclusions.size() == concluded, "a rule that nothing affects changed its mind");
}

Instant IncrementalEvaluator::WakeAt() const {
  Instant soonest = Instant::Never();
  for (const DeadlineQueue& queue : queues_) soonest = std::min(soonest, queue.WakeAt());
  return soonest;
}

uint64_t IncrementalEvaluator::memory_bytes() const {
  uint64_t bytes = 0;
  for (const VerdictTable& table : verdicts_) bytes += table.memory_bytes();
  for (const DeadlineQueue& queue : queues_) bytes += queue.memory_bytes();
  return bytes;
}

}  // namespace rescind::eval
