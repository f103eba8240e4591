// ContinuousPlanner: plans again and again while facts change and time passes, each time for the
// findings that this can affect, and for nothing else.
//
// Judges by the incremental evaluator, keeps what every finding is about and when it changes by
// itself (FindingWatch), who is protected and exempt, and the findings as the store has them. What
// a step starts is what a plan of everything would start: every step of the test says so. It knows
// neither clock nor store: whoever runs it commits what follows from a step and says so by Follow.
//
//   planner.Begin(options);                       // plans everything, once
//   auto step = planner.Advance(changes, now, options);
//   … RecordApplied(step.input, step.previous, step.outcome, …) …
//   planner.Follow(batch);                        // each that is committed
//   planner.Settle(options);                      // then WakeAt() says when to come again
#pragma once

#include <cstdint>
#include <memory>
#include <set>
#include <span>
#include <utility>
#include <vector>

#include "engine/eval/affected_rows.h"
#include "engine/eval/incremental_evaluator.h"
#include "runtime/plan/coverage.h"
#include "runtime/plan/exemption.h"
#include "runtime/plan/finding_book.h"
#include "runtime/plan/finding_outlook.h"
#include "runtime/plan/planner.h"
#include "runtime/plan/planner_guards.h"

namespace rescind {

// A plan of some findings. Its `plan` has what is to be done; what it counts of policies and
// populations is of those findings alone.
struct PlanStep {
  FindingRows rows;         // whose findings were planned
  FindingBook previous;     // those of them that the store has
  eval::SweepResult sweep;  // of those rows
  PlanOutcome outcome;
  bool is_empty = true;  // nothing was affected: there is no outcome
};

struct PlannerCounters {
  uint64_t steps = 0;
  uint64_t findings_planned = 0;
};

class ContinuousPlanner {
 public:
  // All outlive it; the facts hold the columns of PlannerColumns. `findings`: as the store has
  // them. Sweeps once and indexes the facts.
  ContinuousPlanner(const ir::Program& program, FactBase& facts, const Holidays& holidays,
                    FindingBook findings, Instant now);
  ~ContinuousPlanner();
  ContinuousPlanner(const ContinuousPlanner&) = delete;
  ContinuousPlanner& operator=(const ContinuousPlanner&) = delete;

  // A plan of everything, by which each policy is seen. Before any other step. Errors: as those of
  // PlanActions.
  Result<PlanStep> Begin(const PlannerOptions& options);
  // `changes` of facts, which have changed already, as FactEditor::Finish says them. `now` is never
  // before that of the last step. `options`: as of now; of exemptions it is seen here what is new
  // about them. What the journal has done since is in the facts, or of a finding of which something
  // is due, and those are in every step. The step may be empty.
  Result<PlanStep> Advance(std::span<const RowChange> changes, Instant now,
                           const PlannerOptions& options);
  // What was committed: what of it are findings and policies' records is known from now on. Errors:
  // a record could not be read.
  Status Follow(const KeyValueBatch& batch);
  // Once all that follows from the last step is committed: looks ahead anew for what was planned.
  Status Settle(const PlannerOptions& options);

  // While nothing happens, nothing is to be planned before it. Limits that roll over an hour, feeds
  // that grow old and releases are the caller's to look after.
  Instant WakeAt() const;
  Instant now() const { return now_; }
  eval::EvaluationInput input() const { return {program_, facts_, holidays_, now_}; }
  const FindingBook& findings() const { return findings_; }
  // Something is due and not done: held, under way, or let go under a limit that counts what is
  // left.
  bool any_counts() const { return watch_.any_counts(); }
  const PlannerCounters& counters() const { return counters_; }
  const eval::IncrementalCounters& judged() const { return evaluator_.counters(); }

 private:
  class Dirt;
  using Row = std::pair<EntityId, RowId>;

  void IndexModel();
  // What `changes` and the time that passed can affect.
  Status FindDirt(std::span<const RowChange> changes, const std::vector<Exemption>& exemptions,
                  Dirt& dirt);
  void TakeChange(const RowChange& change, Dirt& dirt);
  void RefreshProtection(eval::FactRow row, Dirt& dirt);
  void RefreshNewRows(Dirt& dirt);
  Status RenewExemptions(std::vector<Exemption> exemptions, Dirt& dirt);
  Status TakeExemption(const Exemption& exemption, Dirt& dirt);
  // The row and all that belongs to it; what it belongs to. Each once.
  std::set<Row> Below(eval::FactRow row) const;
  std::set<Row> Above(eval::FactRow row) const;
  void AddNaming(const std::set<Row>& rows, Dirt& dirt) const;
  // What is or is not allowed of the row is so for what belongs to it, and for deleting what any of
  // that belongs to.
  void AddCovered(eval::FactRow row, Dirt& dirt) const;
  eval::SweepResult SweepOf(const FindingRows& rows) const;
  // All that match or have a finding.
  FindingRows Everything() const;
  // In place of what was known of these. Of which of them there is something to know, and of which
  // there is nothing.
  struct Looked {
    std::vector<FindingName> known;
    std::vector<FindingName> gone;
  };
  Result<Looked> LookAheadOf(const FindingRows& rows, const PlannerOptions& options);

  const ir::Program& program_;
  FactBase& facts_;
  const Holidays& holidays_;
  Instant now_;
  eval::IncrementalEvaluator evaluator_;
  eval::AffectedRows asked_;  // whose actions name others now
  FindingBook findings_;
  FindingWatch watch_;
  std::unique_ptr<PlannerGuards> guards_;  // null before Begin
  std::vector<Exemption> exemptions_;      // those of `guards_`
  Instant exemptions_at_;                  // and when it was made of them
  std::vector<EntityId> protected_;        // that protects speak of
  std::vector<uint32_t> refreshed_;        // how many rows of each of these `guards_` knows
  std::set<std::pair<EntityId, FieldId>> model_fields_;  // by which targets are described
  std::vector<std::vector<Belonging>> below_;            // by parent
  std::vector<std::vector<Belonging>> above_;            // by child
  FindingRows planned_;                                  // since the last Settle
  PlannerCounters counters_;
};

}  // namespace rescind
