// IncrementalEvaluator: what every rule says of every row, kept true while facts change and time
// passes, by judging what that can affect and nothing else.
//
// One sweep at the start; then changes of facts (as FactEditor::Finish reports them) and instants
// go in, and conclusions that differ come out. After each step the verdicts and deadlines are those
// that a sweep would give: the differential test says so. It asks no clock and knows no findings.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "engine/eval/affected_rows.h"
#include "engine/eval/deadline_queue.h"
#include "engine/eval/sweep.h"
#include "engine/eval/verdict_table.h"

namespace rescind::eval {

// A rule says of a row what it did not say before.
struct Conclusion {
  uint32_t rule = 0;
  RowId row;
  Verdict before = Verdict::kNoMatch;
  Verdict after = Verdict::kNoMatch;
  EvaluationError error = EvaluationError::kNone;  // of kError
};

struct IncrementalCounters {
  uint64_t rows_judged = 0;   // by a rule each, the sweep at the start left out
  uint64_t rows_visited = 0;  // on the way to them
  uint64_t rows_due = 0;
};

class IncrementalEvaluator {
 public:
  // All outlive it. Sweeps once, on `threads` threads.
  IncrementalEvaluator(const ir::Program& program, FactBase& facts, const Holidays& holidays,
                       Instant now, uint32_t threads = 2);
  ~IncrementalEvaluator();

  // The facts have changed, or time has passed, or both: `now` is never before that of the last
  // call. What differs, in order of rule and row.
  std::vector<Conclusion> Advance(std::span<const RowChange> changes, Instant now);
  // Nothing changes by itself before it; see DeadlineQueue::WakeAt.
  Instant WakeAt() const;

  Verdict verdict(uint32_t rule, RowId row) const { return verdicts_[rule].Of(row); }
  // The first instant at which any rule of the entity may say something else of the row.
  Instant deadline(EntityId entity, RowId row) const {
    return queues_[entity.index()].deadline(row);
  }
  const IncrementalCounters& counters() const { return counters_; }
  uint64_t memory_bytes() const;

 private:
  // The rules that judge one entity.
  struct Subject {
    EntityId entity;
    ir::FrameId root;
    std::vector<uint32_t> rules;
  };
  class Judging;

  void Grow();
  void JudgeSubject(const Subject& subject, const std::vector<std::vector<uint32_t>>& affected,
                    std::vector<Conclusion>& conclusions);

  FactBase& facts_;
  AffectedRows affected_;
  std::unique_ptr<Judging> judging_;
  std::vector<Subject> subjects_;
  std::vector<VerdictTable> verdicts_;  // by rule
  std::vector<DeadlineQueue> queues_;   // by entity
  Instant now_;
  IncrementalCounters counters_;
};

}  // namespace rescind::eval
