// BatchEvaluator: nodes over whole batches of rows, one kernel an operation and type.
//
// One worker's share of a sweep: it owns the values and the memory that is used again from chunk
// to chunk. A node is computed once per batch and selection; `and` and `or` hand what is still
// open to their next operand, so later operands see fewer rows. Not for several threads at once.
//
// batch_evaluator.cc  who computes what, once      batch_paths.cc      columns
// batch_logic.cc      and, or, not, ??             batch_relations.cc  compare, in, has, texts
// batch_moments.cc    where time passes            batch_arithmetic.cc numbers, days
// batch_members.cc    collections                  batch_folds.cc      any, all, count, sum, latest
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "engine/eval/batch.h"
#include "engine/eval/sweep_plan.h"
#include "engine/eval/text_domains.h"

namespace rescind::eval {

class BatchEvaluator {
 public:
  explicit BatchEvaluator(const SweepPlan& plan);

  // The plan has followed the facts or the clock: what was computed for no row counts no more.
  void Follow(bool has_new_texts);
  // Makes the rows [first_row, first_row + count) what a frame stands on: the judged rows, or
  // members of a collection whatever they are looked at from. Values of the chunk before are gone.
  // The selection: those that `complete` (by row of the table) marks; null: all of them.
  const Selection& StartChunk(ir::FrameId frame, const uint8_t* complete, uint32_t first_row,
                              uint32_t count);
  // Makes these rows, ascending, what a root frame stands on.
  const Selection& StartRows(ir::FrameId frame, std::span<const uint32_t> rows);
  // Makes them what the pushdown's reference names; only its nodes may be evaluated.
  const Selection& StartPushdown(const Pushdown& pushdown, uint32_t first_row, uint32_t count);
  // Of the current chunk, valid for the selected rows until the next chunk.
  const ValueVector& Evaluate(ir::NodeId node, const Selection& selection) {
    return Fetch(node, *chunk_, selection);
  }

  // Some of the rows of a selection of the current chunk.
  template <typename Keep>
  const Selection& Narrow(const Selection& selection, Keep keep) {
    return selections_.Filter(selection, keep);
  }

  TextDomains& texts() { return texts_; }
  const SweepCounters& counters() const { return counters_; }

 private:
  const ValueVector& Fetch(ir::NodeId id, Batch& batch, const Selection& selection);
  Batch& ChunkOf(ir::FrameId frame, uint32_t first_row, uint32_t count);
  // Whether the rows of a contiguous batch are what this node yields.
  bool IsOwnRow(ir::NodeId id, const Batch& batch) const;
  void ComputePushed(ir::NodeId id, Batch& batch, const Selection& selection, ValueVector& out);
  void Compute(ir::NodeId id, Batch& batch, const Selection& selection, ValueVector& out);
  void Gather(ir::NodeId id, Batch& batch, const Selection& selection, ValueVector& out);
  const ValueVector& Broadcast(ir::NodeId id, Batch& batch);
  void ComputeConstant(ir::NodeId id, ValueVector& out);
  void ComputeMember(const ir::Node& node, Batch& batch, ValueVector& out);
  // The statuses and instants of an operation that takes known operands only.
  void Combine(const ir::Node& node, Batch& batch, const Selection& selection, ValueVector& out);

  void ComputePath(ir::NodeId id, Batch& batch, const Selection& selection, ValueVector& out);
  void ComputeReference(ir::NodeId id, Batch& batch, const Selection& selection, ValueVector& out);
  void ComputeRemovedAt(ir::NodeId id, Batch& batch, const Selection& selection, ValueVector& out);
  void ComputeCells(ir::NodeId id, Batch& batch, const Selection& selection, ValueVector& out);

  template <uint8_t kDeciding>
  void ComputeJunction(const ir::Node& node, Batch& batch, const Selection& selection,
                       ValueVector& out);
  void ComputeNot(const ir::Node& node, Batch& batch, const Selection& selection, ValueVector& out);
  void ComputeIsKnown(const ir::Node& node, Batch& batch, const Selection& selection,
                      ValueVector& out);
  void ComputeCoalesce(ir::NodeId id, Batch& batch, const Selection& selection, ValueVector& out);
  void ChooseTexts(const ir::Node& node, const ValueVector& first, const ValueVector& second,
                   const Selection& selection, const Selection& open, uint32_t count,
                   ValueVector& out);

  void ComputeCompare(const ir::Node& node, Batch& batch, const Selection& selection,
                      ValueVector& out);
  void CompareTexts(const ir::Node& node, Batch& batch, const Selection& selection,
                    ValueVector& out);
  void ComputeInSet(ir::NodeId id, Batch& batch, const Selection& selection, ValueVector& out);
  void ComputeTextPredicate(ir::NodeId id, Batch& batch, const Selection& selection,
                            ValueVector& out);
  void ComputeHas(ir::NodeId id, Batch& batch, const Selection& selection, ValueVector& out);
  void ComputeLower(const ir::Node& node, Batch& batch, const Selection& selection,
                    ValueVector& out);
  bool SetHas(int64_t set, const ir::Node& node, const ValueVector& member, uint32_t row);

  void ComputeToday(const ir::Node& node, Batch& batch, const Selection& selection,
                    ValueVector& out);
  void ComputeReached(const ir::Node& node, Batch& batch, const Selection& selection,
                      ValueVector& out);
  bool ReachedAtOnce(const ir::Node& node, Batch& batch, const Selection& selection,
                     ValueVector& out);
  void ComputeDayReached(ir::NodeId id, Batch& batch, const Selection& selection, ValueVector& out);
  int64_t StartReaching(ir::NodeId id, int32_t day, const TimeZone& zone);
  // The zone that a row names; where there is none the row becomes undecided in `out`.
  template <typename Body>
  void ForEachZone(const ir::Node& node, Batch& batch, const Selection& selection, ValueVector& out,
                   Body body);
  void CombineWithZone(const ir::Node& node, Batch& batch, const Selection& selection,
                       ValueVector& out);

  void ComputeArithmetic(const ir::Node& node, Batch& batch, const Selection& selection,
                         ValueVector& out);
  void ComputeDays(const ir::Node& node, Batch& batch, const Selection& selection,
                   ValueVector& out);

  // The members of a collection as a batch of the frame, for as long as the use lasts.
  class MembersUse {
   public:
    explicit MembersUse(Batch& batch) : batch_(batch) { batch_.in_use = true; }
    ~MembersUse() { batch_.in_use = false; }
    MembersUse(const MembersUse&) = delete;
    MembersUse& operator=(const MembersUse&) = delete;
    Batch& operator*() const { return batch_; }

   private:
    Batch& batch_;
  };
  // With a semi-join: only the members that it lists.
  Batch& MembersOf(ir::FrameId frame, ir::CollectionId collection, const SemiJoin* semi_join,
                   Batch& outer, const Selection& selection);
  void SelectReadable(Batch& members);
  void FillMembers(ir::CollectionId collection, Batch& outer, const Selection& selection,
                   MemberList& members);
  void FillListed(const SemiJoin& semi_join, const Batch& outer, const Selection& selection,
                  MemberList& members);
  void FillMany(const ir::Collection& collection, Batch& outer, const Selection& selection,
                MemberList& members);
  void FillSet(const ir::Collection& collection, Batch& outer, const Selection& selection,
               MemberList& members);
  void FillTable(const ir::Collection& collection, const Selection& selection, MemberList& members);
  void FillMapped(const ir::Collection& collection, Batch& outer, const Selection& selection,
                  MemberList& members);
  void FillFiltered(const ir::Collection& collection, Batch& outer, const Selection& selection,
                    MemberList& members);
  // Adds a row that is named from within the facts: live, removed or never delivered.
  void AddNamed(const Table& table, uint32_t outer_offset, uint32_t row, uint8_t status,
                int64_t until_micros, MemberList& members) const;
  void AddSetMember(int64_t set, uint32_t outer_offset, int64_t until_micros,
                    const ir::Collection& collection, MemberList& members);

  // What a fold knows of an outer row so far.
  struct Tally {
    int64_t soonest_micros = kNeverMicros;
    int64_t last_true_micros = std::numeric_limits<int64_t>::min();
    int64_t extreme = 0;
    Wide sum = 0;
    uint32_t true_count = 0;
    uint8_t error = 0;  // the smallest status of an error; 0: none
    bool undecided = false;
    bool any_value = false;

    // Not kIsKnown, not kIsUnknown.
    void AddStatus(uint8_t status) {
      if (status == kIsUndecided) {
        undecided = true;
      } else {
        error = error == 0 ? status : std::min(error, status);
      }
    }
  };

  void ComputeFold(ir::NodeId id, Batch& batch, const Selection& selection, ValueVector& out);
  // Tallies the members seen from a part of the rows.
  void FoldSlice(const ir::Node& node, const SemiJoin* semi_join, Batch& batch,
                 const Selection& slice, Tally* tallies);
  // `condition` is null when no member is readable.
  void TallyAnswers(const ir::Node& node, const Batch& members, const ValueVector* condition,
                    Tally* tallies);
  void TallyValues(const ir::Node& node, Batch& members, const Selection& counted, Tally* tallies);
  void FinishFold(const ir::Node& node, Batch& batch, const Selection& selection,
                  const Tally* tallies, ValueVector& out);

  const SweepPlan& plan_;
  const ir::Program& program_;
  Instant now_;
  TextDomains texts_;
  SelectionStack selections_;
  std::optional<SelectionStack::Scope> chunk_selections_;  // of the current chunk
  Selection chunk_all_;
  uint64_t last_generation_ = 0;
  std::unique_ptr<Batch> world_;
  Batch* chunk_ = nullptr;
  // Pushed columns are filled in no order, by several threads: until all are, none is read. Members
  // that are looked at meanwhile may have nodes that are pushed down for another's sake.
  bool fills_pushdown_ = false;
  std::vector<std::unique_ptr<Batch>> chunks_;       // by frame
  std::vector<std::unique_ptr<ValueVector>> apart_;  // for rows that a pushdown knows nothing of
  size_t apart_in_use_ = 0;
  std::vector<std::vector<std::unique_ptr<Batch>>> batches_;  // by frame
  std::vector<uint32_t> slice_rows_;                          // by frame: how many fit at once
  std::vector<std::unique_ptr<MemberList>> lists_;            // of mapped collections in progress
  size_t lists_in_use_ = 0;
  std::vector<uint32_t> merged_rows_;  // InverseIndex::Rows

  struct DayStart {
    int32_t day = 0;
    const TimeZone* zone = nullptr;
    int64_t start_micros = 0;
  };
  std::map<uint32_t, std::vector<DayStart>> day_starts_;  // by node: a cache by day

  std::vector<std::unique_ptr<std::vector<Tally>>> tallies_;  // one for each fold in progress
  size_t folds_in_progress_ = 0;

  SweepCounters counters_;
};

}  // namespace rescind::eval
