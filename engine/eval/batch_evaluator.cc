#include "engine/eval/batch_evaluator.h"

#include <algorithm>

#include "engine/base/assert.h"

namespace rescind::eval {

using ir::Op;

namespace {

constexpr uint64_t kWorldSelection = ~uint64_t{0};

}  // namespace

BatchEvaluator::BatchEvaluator(const SweepPlan& plan)
    : plan_(plan),
      program_(plan.program()),
      now_(plan.input().now),
      world_(std::make_unique<Batch>(plan.program().nodes.size())),
      chunks_(plan.program().frames.size()),
      batches_(plan.program().frames.size()),
      slice_rows_(plan.program().frames.size(), 64) {
  world_->count = 1;
  world_->generation = ++last_generation_;
}

void BatchEvaluator::Follow(bool has_new_texts) {
  now_ = plan_.input().now;
  if (has_new_texts) texts_.ForgetTranslations();
  world_->generation = ++last_generation_;
  for (auto& chunk : chunks_) {
    if (chunk != nullptr) chunk->broadcast.clear();
  }
  for (auto& batches : batches_) {
    for (auto& batch : batches) batch->broadcast.clear();
  }
}

Batch& BatchEvaluator::ChunkOf(ir::FrameId frame, uint32_t first_row, uint32_t count) {
  auto& chunk = chunks_[frame.index()];
  if (chunk == nullptr) chunk = std::make_unique<Batch>(program_.nodes.size());
  chunk->frame = frame;
  chunk->count = count;
  chunk->generation = ++last_generation_;
  chunk->contiguous = true;
  chunk->first_row = first_row;
  chunk->reference = {};
  chunk->iota.resize(count);
  for (uint32_t i = 0; i < count; ++i) chunk->iota[i] = first_row + i;
  chunk->outer = world_.get();
  chunk_ = chunk.get();
  chunk_selections_.emplace(selections_);
  chunk_all_ = {nullptr, count, selections_.NextId(), nullptr};
  return *chunk;
}

const Selection& BatchEvaluator::StartChunk(ir::FrameId frame, const uint8_t* complete,
                                            uint32_t first_row, uint32_t count) {
  ChunkOf(frame, first_row, count);
  fills_pushdown_ = false;
  if (complete == nullptr) return chunk_all_;
  return selections_.Filter(chunk_all_,
                            [marks = complete + first_row](uint32_t i) { return marks[i] != 0; });
}

const Selection& BatchEvaluator::StartRows(ir::FrameId frame, std::span<const uint32_t> rows) {
  Batch& batch = ChunkOf(frame, 0, static_cast<uint32_t>(rows.size()));
  fills_pushdown_ = false;
  batch.contiguous = false;
  batch.members.Clear();
  batch.members.rows.assign(rows.begin(), rows.end());
  return chunk_all_;
}

const Selection& BatchEvaluator::StartPushdown(const Pushdown& pushdown, uint32_t first_row,
                                               uint32_t count) {
  Batch& batch = ChunkOf(pushdown.frame, first_row, count);
  batch.reference = pushdown.reference;
  fills_pushdown_ = true;
  ValueVector& rows = batch.vectors[pushdown.reference.index()];
  rows.BeginFor(chunk_all_, batch.generation);
  rows.CoverAll();
  rows.Borrow(batch.iota.data());
  return chunk_all_;
}

bool BatchEvaluator::IsOwnRow(ir::NodeId id, const Batch& batch) const {
  if (!batch.contiguous) return false;
  return batch.reference.valid() ? id == batch.reference : program_.node(id).op == Op::kMember;
}

const ValueVector& BatchEvaluator::Fetch(ir::NodeId id, Batch& batch, const Selection& selection) {
  const ir::Node& node = program_.node(id);
  if (!node.frame.valid() && batch.frame.valid()) return Broadcast(id, batch);
  ValueVector& vector = batch.vectors[id.index()];
  if (vector.Covers(selection, batch.generation)) return vector;
  vector.BeginFor(selection, batch.generation);
  ++counters_.nodes_evaluated;
  if (node.frame == batch.frame && plan_.at(id).pushed != nullptr && !fills_pushdown_) {
    ComputePushed(id, batch, selection, vector);
  } else if (node.frame == batch.frame) {
    Compute(id, batch, selection, vector);
  } else {
    Gather(id, batch, selection, vector);
  }
  return vector;
}

namespace {

template <typename T>
[[gnu::always_inline]] inline void GatherAs(const ValueVector& from, const uint32_t* outer,
                                            const Selection& selection, uint32_t count,
                                            ValueVector& out) {
  const T* values = from.values<T>();
  T* gathered = out.Write<T>(count);
  ForEach(selection, [&](uint32_t i) { gathered[i] = values[outer[i]]; });
}

template <typename T>
void Repeat(const ValueVector& from, uint32_t count, ValueVector& out) {
  std::fill_n(out.Write<T>(count), count, from.values<T>()[0]);
}

template <typename Body>
[[gnu::always_inline]] inline void WithWidth(Width width, Body body) {
  switch (width) {
    case Width::kByte: body(uint8_t{}); break;
    case Width::kWord: body(uint32_t{}); break;
    case Width::kDay: body(int32_t{}); break;
    case Width::kLong: body(int64_t{}); break;
  }
}

// The answers of a pushed condition for rows whose reference is known; true when some of them have
// a status or an instant as well.
RESCIND_KERNEL bool LookUpAnswers(const PushedColumn& column, const uint32_t* rows,
                                  const Selection& selection, uint8_t* answers) {
  const auto* const from = reinterpret_cast<const uint8_t*>(column.values.data());
  uint8_t any = 0;
  ForEach(selection, [&any, answers, from, rows](uint32_t i) {
    answers[i] = from[rows[i]];
    any |= answers[i];
  });
  return any >= PushedColumn::kHasMore;
}

void LookUpPushedCondition(const PushedColumn& column, const ValueVector& reference,
                           const Selection& selection, uint32_t count, ValueVector& out) {
  const uint32_t* const rows = reference.values<uint32_t>();
  uint8_t* const answers = out.Write<uint8_t>(count);
  if (!LookUpAnswers(column, rows, selection, answers)) return;
  uint8_t* const status = column.any_status ? out.WriteStatus(selection, count) : nullptr;
  int64_t* const until = column.any_until ? out.WriteUntil(selection, count) : nullptr;
  ForEach(selection, [=, &column](uint32_t i) {
    if (answers[i] < PushedColumn::kHasMore) return;
    answers[i] &= 1;
    if (status != nullptr) status[i] = column.status[rows[i]];
    if (until != nullptr) until[i] = column.until[rows[i]];
  });
}

// The values of a pushed node for rows whose reference is known.
RESCIND_KERNEL void LookUpPushed(const PushedColumn& column, const ValueVector& reference,
                                 const Selection& selection, uint32_t count, ValueVector& out) {
  const uint32_t* const rows = reference.values<uint32_t>();
  WithWidth(column.width, [&](auto zero) {
    using T = decltype(zero);
    const T* const from = reinterpret_cast<const T*>(column.values.data());
    T* const values = out.Write<T>(count);
    ForEach(selection, [=](uint32_t i) { values[i] = from[rows[i]]; });
  });
  if (column.any_status) {
    const uint8_t* const from = column.status.data();
    uint8_t* const status = out.OverwriteStatus(count);
    uint8_t any = kIsKnown;
    ForEach(selection, [&any, status, from, rows](uint32_t i) {
      status[i] = from[rows[i]];
      any |= status[i];
    });
    if (any == kIsKnown) out.ForgetStatus();
  }
  if (column.any_until) {
    const int64_t* const from = column.until.data();
    int64_t* const until = out.OverwriteUntil(count);
    ForEach(selection, [=](uint32_t i) { until[i] = from[rows[i]]; });
  }
}

// Adds to `out`, which holds other rows of `whole`, what `apart` holds of `selection`.
void Merge(Width width, const ValueVector& apart, const Selection& selection,
           const Selection& whole, uint32_t count, ValueVector& out) {
  WithWidth(width, [&](auto zero) {
    using T = decltype(zero);
    const T* const from = apart.values<T>();
    T* const values = out.Write<T>(count);
    ForEach(selection, [=](uint32_t i) { values[i] = from[i]; });
  });
  if (apart.status() != nullptr || out.status() != nullptr) {
    uint8_t* const status = out.WriteStatus(whole, count);
    ForEach(selection, [&](uint32_t i) { status[i] = apart.status(i); });
  }
  if (apart.until() != nullptr || out.until() != nullptr) {
    int64_t* const until = out.WriteUntil(whole, count);
    ForEach(selection, [&](uint32_t i) { until[i] = apart.until(i); });
  }
}

}  // namespace

// A value of a frame further out, for each member its outer row's.
RESCIND_KERNEL void BatchEvaluator::Gather(ir::NodeId id, Batch& batch, const Selection& selection,
                                           ValueVector& out) {
  RESCIND_ASSERT(batch.outer != nullptr, "a node whose frame stands on nothing");
  const ValueVector& from = Fetch(id, *batch.outer, *batch.outer_selection);
  const uint32_t* outer = batch.members.outer.data();
  WithWidth(plan_.at(id).width,
            [&](auto zero) { GatherAs<decltype(zero)>(from, outer, selection, batch.count, out); });
  if (from.status() != nullptr) {
    uint8_t* status = out.OverwriteStatus(batch.count);
    ForEach(selection, [&](uint32_t i) { status[i] = from.status()[outer[i]]; });
  }
  if (from.until() != nullptr) {
    int64_t* until = out.OverwriteUntil(batch.count);
    ForEach(selection, [&](uint32_t i) { until[i] = from.until()[outer[i]]; });
  }
}

// Looked up by the row that the reference names. Rows whose reference names none are computed.
void BatchEvaluator::ComputePushed(ir::NodeId id, Batch& batch, const Selection& selection,
                                   ValueVector& out) {
  const PushedColumn& column = *plan_.at(id).pushed;
  const ValueVector& reference = Fetch(column.pushed.reference, batch, selection);
  const auto look_up = column.is_condition ? LookUpPushedCondition : LookUpPushed;
  const uint8_t* const its_status = reference.status();
  if (its_status == nullptr) {
    look_up(column, reference, selection, batch.count, out);
    return;
  }
  const SelectionStack::Scope scope(selections_);
  const Selection& named =
      selections_.Filter(selection, [its_status](uint32_t i) { return its_status[i] == kIsKnown; });
  if (named.count > 0) look_up(column, reference, named, batch.count, out);
  if (named.count == selection.count) return;
  const Selection& others =
      selections_.Filter(selection, [its_status](uint32_t i) { return its_status[i] != kIsKnown; });
  if (apart_in_use_ == apart_.size()) apart_.push_back(std::make_unique<ValueVector>());
  ValueVector& apart = *apart_[apart_in_use_++];
  apart.BeginFor(others, batch.generation);
  Compute(id, batch, others, apart);
  Merge(column.width, apart, others, selection, batch.count, out);
  --apart_in_use_;
}

// What depends on no row is computed once and stays in every batch where it was asked for.
const ValueVector& BatchEvaluator::Broadcast(ir::NodeId id, Batch& batch) {
  ValueVector& vector = batch.vectors[id.index()];
  if (batch.broadcast.empty()) batch.broadcast.resize(program_.nodes.size(), 0);
  uint32_t& filled = batch.broadcast[id.index()];
  if (filled >= batch.count && filled > 0) return vector;
  const Selection one{nullptr, 1, kWorldSelection, nullptr};
  const ValueVector& from = Fetch(id, *world_, one);
  filled = std::max(batch.count, 1U);
  const Selection all{nullptr, filled, kWorldSelection, nullptr};
  vector.BeginFor(all, batch.generation);
  WithWidth(plan_.at(id).width, [&](auto zero) { Repeat<decltype(zero)>(from, filled, vector); });
  if (from.status() != nullptr) {
    std::fill_n(vector.WriteStatus(all, filled), filled, from.status()[0]);
  }
  if (from.until() != nullptr) {
    std::fill_n(vector.WriteUntil(all, filled), filled, from.until()[0]);
  }
  return vector;
}

void BatchEvaluator::ComputeConstant(ir::NodeId id, ValueVector& out) {
  const ir::Node& node = program_.node(id);
  const NodePlan& plan = plan_.at(id);
  const Selection one{nullptr, 1, kWorldSelection, nullptr};
  switch (plan.width) {
    case Width::kByte: *out.Write<uint8_t>(1) = static_cast<uint8_t>(plan.number); return;
    case Width::kDay: *out.Write<int32_t>(1) = static_cast<int32_t>(plan.number); return;
    case Width::kLong: *out.Write<int64_t>(1) = plan.number; return;
    case Width::kWord: break;
  }
  if (node.type.kind == ir::Type::Kind::kText) {
    *out.Write<uint32_t>(1) = texts_.Intern(plan.text);
    return;
  }
  const std::optional<uint32_t> row = plan_.ConstantRow(id);
  *out.Write<uint32_t>(1) = row.value_or(kNoRow);
  if (!row) *out.WriteStatus(one, 1) = kIsUnknown;
}

void BatchEvaluator::ComputeMember(const ir::Node& node, Batch& batch, ValueVector& out) {
  out.CoverAll();
  if (batch.contiguous) {
    out.Borrow(batch.iota.data());
    return;
  }
  const MemberList& members = batch.members;
  switch (WidthOf(node.type.kind)) {
    case Width::kWord: out.Borrow(members.rows.data()); return;
    case Width::kLong: out.Borrow(members.longs.data()); return;
    case Width::kByte: {
      uint8_t* bytes = out.Write<uint8_t>(batch.count);
      for (uint32_t i = 0; i < batch.count; ++i) bytes[i] = static_cast<uint8_t>(members.rows[i]);
      return;
    }
    case Width::kDay: break;
  }
  RESCIND_UNREACHABLE("a member of a type that no set holds");
}

void BatchEvaluator::Compute(ir::NodeId id, Batch& batch, const Selection& selection,
                             ValueVector& out) {
  const ir::Node& node = program_.node(id);
  switch (node.op) {
    case Op::kConstant:
    case Op::kConstantRow: return ComputeConstant(id, out);
    case Op::kMember: return ComputeMember(node, batch, out);
    case Op::kNow: {
      *out.Write<int64_t>(1) = now_.micros;
      if (plan_.deadlines()) *out.WriteUntil(selection, 1) = now_.micros + 1;
      return;
    }
    case Op::kToday: return ComputeToday(node, batch, selection, out);
    case Op::kId:
    case Op::kField:
    case Op::kChangedAt:
    case Op::kPrevious: return ComputePath(id, batch, selection, out);
    case Op::kRemovedAt: return ComputeRemovedAt(id, batch, selection, out);
    case Op::kColumn: return ComputeCells(id, batch, selection, out);
    case Op::kAnd: return ComputeJunction<0>(node, batch, selection, out);
    case Op::kOr: return ComputeJunction<1>(node, batch, selection, out);
    case Op::kNot: return ComputeNot(node, batch, selection, out);
    case Op::kIsKnown: return ComputeIsKnown(node, batch, selection, out);
    case Op::kCoalesce: return ComputeCoalesce(id, batch, selection, out);
    case Op::kCompare: return ComputeCompare(node, batch, selection, out);
    case Op::kInSet: return ComputeInSet(id, batch, selection, out);
    case Op::kHas: return ComputeHas(id, batch, selection, out);
    case Op::kStartsWith:
    case Op::kEndsWith:
    case Op::kContains:
    case Op::kMatches: return ComputeTextPredicate(id, batch, selection, out);
    case Op::kReached: return ComputeReached(node, batch, selection, out);
    case Op::kDayReached: return ComputeDayReached(id, batch, selection, out);
    case Op::kAdd:
    case Op::kSubtract:
    case Op::kMultiply:
    case Op::kNegate: return ComputeArithmetic(node, batch, selection, out);
    case Op::kAddCivil:
    case Op::kDateOf:
    case Op::kStartOf: return ComputeDays(node, batch, selection, out);
    case Op::kLower: return ComputeLower(node, batch, selection, out);
    case Op::kAny:
    case Op::kAll:
    case Op::kCount:
    case Op::kSum:
    case Op::kLatest:
    case Op::kEarliest: return ComputeFold(id, batch, selection, out);
  }
  RESCIND_UNREACHABLE("an operation beyond the enumeration");
}

RESCIND_KERNEL void BatchEvaluator::Combine(const ir::Node& node, Batch& batch,
                                            const Selection& selection, ValueVector& out) {
  for (ir::NodeId operand : node.operands) {
    const ValueVector& value = Fetch(operand, batch, selection);
    if (value.status() != nullptr) {
      uint8_t* status = out.WriteStatus(selection, batch.count);
      const uint8_t* more = value.status();
      ForEach(selection, [&](uint32_t i) { status[i] = Worse(status[i], more[i]); });
    }
    if (value.until() != nullptr) {
      int64_t* until = out.WriteUntil(selection, batch.count);
      const int64_t* more = value.until();
      ForEach(selection, [&](uint32_t i) { until[i] = std::min(until[i], more[i]); });
    }
  }
}

}  // namespace rescind::eval
