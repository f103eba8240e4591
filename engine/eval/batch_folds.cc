// Folds: any, all, count, sum, latest, earliest over the members seen from each row.
//
// Rows are taken in slices whose members fit a cache, all members of a slice are judged at once,
// and each answer is tallied for its outer row.
#include <algorithm>
#include <limits>

#include "engine/base/assert.h"
#include "engine/eval/batch_evaluator.h"

namespace rescind::eval {

using ir::Op;

namespace {

constexpr uint32_t kMembersAtOnce = 8192;
constexpr uint32_t kMaxSliceRows = 1 << 16;

bool FoldsValues(Op op) { return op == Op::kSum || op == Op::kLatest || op == Op::kEarliest; }

}  // namespace

void BatchEvaluator::ComputeFold(ir::NodeId id, Batch& batch, const Selection& selection,
                                 ValueVector& out) {
  const ir::Node& node = program_.node(id);
  const SemiJoin* semi_join = plan_.at(id).semi_join;
  // A pushdown's rows are not those that the fold was turned round for.
  if (semi_join != nullptr && (!semi_join->used() || fills_pushdown_)) semi_join = nullptr;
  if (folds_in_progress_ == tallies_.size()) {
    tallies_.push_back(std::make_unique<std::vector<Tally>>());
  }
  std::vector<Tally>& tallies = *tallies_[folds_in_progress_++];
  if (tallies.size() < batch.count) tallies.resize(batch.count);
  ForEach(selection, [&](uint32_t i) { tallies[i] = {}; });
  uint32_t& slice_rows = slice_rows_[node.inner.index()];
  for (uint32_t begin = 0; begin < selection.count;) {
    const SelectionStack::Scope scope(selections_);
    const Selection& slice = selections_.Slice(selection, begin, slice_rows);
    begin += slice.count;
    const uint64_t before = counters_.members_visited;
    FoldSlice(node, semi_join, batch, slice, tallies.data());
    const uint64_t visited = counters_.members_visited - before;
    if (visited > 2 * kMembersAtOnce) {
      slice_rows = std::max<uint32_t>(
          1, static_cast<uint32_t>(uint64_t{slice.count} * kMembersAtOnce / visited));
    } else if (visited < kMembersAtOnce / 2 && slice.count == slice_rows) {
      slice_rows = std::min(slice_rows * 2, kMaxSliceRows);
    }
  }
  FinishFold(node, batch, selection, tallies.data(), out);
  --folds_in_progress_;
}

void BatchEvaluator::FoldSlice(const ir::Node& node, const SemiJoin* semi_join, Batch& batch,
                               const Selection& slice, Tally* tallies) {
  Batch& members = MembersOf(node.inner, node.collection, semi_join, batch, slice);
  const MembersUse use(members);
  if (members.count == 0) return;
  const Selection& readable = members.readable;
  if (readable.count == 0) {
    TallyAnswers(node, members, nullptr, tallies);
    return;
  }
  const ValueVector& condition = Fetch(node.operands[0], members, readable);
  TallyAnswers(node, members, &condition, tallies);
  if (!FoldsValues(node.op)) return;
  const Selection& counted = selections_.Filter(readable, [&](uint32_t i) {
    return members.members.status_of(i) == kIsKnown && condition.status(i) == kIsKnown &&
           condition.values<uint8_t>()[i] != 0;
  });
  if (counted.count > 0) TallyValues(node, members, counted, tallies);
}

RESCIND_KERNEL void BatchEvaluator::TallyAnswers(const ir::Node& node, const Batch& batch,
                                                 const ValueVector* condition, Tally* tallies) {
  const MemberList& members = batch.members;
  // Of `all`, what counts is a member that fails.
  const uint8_t counts = node.op == Op::kAll ? 0 : 1;
  if (members.plain() && condition->status() == nullptr && condition->until() == nullptr) {
    const uint8_t* answers = condition->values<uint8_t>();
    for (uint32_t k = 0; k < batch.count; ++k) {
      Tally& tally = tallies[members.outer[k]];
      if (answers[k] != counts) continue;
      ++tally.true_count;
      tally.last_true_micros = kNeverMicros;
    }
    return;
  }
  for (uint32_t k = 0; k < batch.count; ++k) {
    Tally& tally = tallies[members.outer[k]];
    uint8_t status = members.status_of(k);
    int64_t until = members.until_of(k);
    bool holds = status != MemberList::kNotMember;
    if (holds && !members.is_readable(k)) {
      status = Worse(status, kIsUndecided);
    } else if (holds) {
      const uint8_t answer = condition->status(k);
      holds = answer != kIsKnown || condition->values<uint8_t>()[k] == counts;
      until = holds ? std::min(until, condition->until(k)) : condition->until(k);
      if (answer != kIsKnown) status = Worse(status, std::max(answer, kIsUndecided));
    }
    tally.soonest_micros = std::min(tally.soonest_micros, until);
    if (!holds) continue;
    if (status == kIsKnown) {
      ++tally.true_count;
      tally.last_true_micros = std::max(tally.last_true_micros, until);
    } else {
      tally.AddStatus(status);
    }
  }
}

void BatchEvaluator::TallyValues(const ir::Node& node, Batch& members, const Selection& counted,
                                 Tally* tallies) {
  const ValueVector& value = Fetch(node.operands[1], members, counted);
  const bool is_day = plan_.at(node.operands[1]).width == Width::kDay;
  const uint32_t* outer = members.members.outer.data();
  ForEach(counted, [&](uint32_t k) {
    Tally& tally = tallies[outer[k]];
    tally.soonest_micros = std::min(tally.soonest_micros, value.until(k));
    if (value.status(k) > kIsUnknown) tally.AddStatus(value.status(k));
    if (value.status(k) != kIsKnown) return;
    const int64_t number = is_day ? value.values<int32_t>()[k] : value.values<int64_t>()[k];
    if (node.op == Op::kSum) {
      tally.sum += number;
    } else if (!tally.any_value) {
      tally.extreme = number;
    } else {
      tally.extreme = node.op == Op::kLatest ? std::max(tally.extreme, number)
                                             : std::min(tally.extreme, number);
    }
    tally.any_value = true;
  });
}

RESCIND_KERNEL void BatchEvaluator::FinishFold(const ir::Node& node, Batch& batch,
                                               const Selection& selection, const Tally* tallies,
                                               ValueVector& out) {
  const bool chooses = node.op == Op::kAny || node.op == Op::kAll;
  const auto status_of = [&](const Tally& tally) -> uint8_t {
    if (chooses && tally.true_count > 0) return kIsKnown;
    if (tally.error != 0) return tally.error;
    if (tally.undecided) return kIsUndecided;
    if (node.op == Op::kSum) {
      const bool fits = tally.sum >= std::numeric_limits<int64_t>::min() &&
                        tally.sum <= std::numeric_limits<int64_t>::max();
      return fits ? kIsKnown : StatusOf(EvaluationError::kOverflow);
    }
    if (FoldsValues(node.op) && !tally.any_value) return kIsUnknown;
    return kIsKnown;
  };
  uint8_t worst = kIsKnown;
  int64_t soonest = kNeverMicros;
  const auto until_of = [&](const Tally& tally) {
    return chooses && tally.true_count > 0 ? tally.last_true_micros : tally.soonest_micros;
  };
  ForEach(selection, [&](uint32_t i) {
    worst = std::max(worst, status_of(tallies[i]));
    soonest = std::min(soonest, until_of(tallies[i]));
  });
  if (worst != kIsKnown) {
    uint8_t* status = out.OverwriteStatus(batch.count);
    ForEach(selection, [&](uint32_t i) { status[i] = status_of(tallies[i]); });
  }
  if (soonest != kNeverMicros) {
    int64_t* until = out.OverwriteUntil(batch.count);
    ForEach(selection, [&](uint32_t i) { until[i] = until_of(tallies[i]); });
  }
  if (chooses) {
    const uint8_t if_any = node.op == Op::kAny ? 1 : 0;
    uint8_t* answers = out.Write<uint8_t>(batch.count);
    ForEach(selection,
            [&](uint32_t i) { answers[i] = tallies[i].true_count > 0 ? if_any : if_any ^ 1; });
  } else if (node.type.kind == ir::Type::Kind::kDate) {
    int32_t* days = out.Write<int32_t>(batch.count);
    ForEach(selection, [&](uint32_t i) { days[i] = static_cast<int32_t>(tallies[i].extreme); });
  } else {
    int64_t* values = out.Write<int64_t>(batch.count);
    ForEach(selection, [&](uint32_t i) {
      const Tally& tally = tallies[i];
      values[i] = node.op == Op::kCount ? int64_t{tally.true_count}
                  : node.op == Op::kSum ? static_cast<int64_t>(tally.sum)
                                        : tally.extreme;
    });
  }
}

}  // namespace rescind::eval
