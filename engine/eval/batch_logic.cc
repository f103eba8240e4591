// and, or, not, is known, ??: each hands on only the rows that are still open.
#include <algorithm>

#include "engine/base/assert.h"
#include "engine/eval/batch_evaluator.h"

namespace rescind::eval {

namespace {

// Merges operands into the answers of the rows that are still open.
template <uint8_t kDeciding>
class JunctionMerge {
 public:
  JunctionMerge(const Selection& selection, uint32_t count, uint8_t* answers, ValueVector& out)
      : selection_(selection), count_(count), answers_(answers), out_(out) {}

  [[gnu::always_inline]] void Add(const ValueVector& operand, const Selection& open) {
    const bool had_until = until_ != nullptr;
    if (operand.status() != nullptr) status_ = out_.WriteStatus(selection_, count_);
    if (operand.until() != nullptr) {
      // The first operand sees all rows, and MergeUntil writes them.
      until_ = is_first_ && status_ == nullptr ? out_.OverwriteUntil(count_)
                                               : out_.WriteUntil(selection_, count_);
    }
    if (status_ != nullptr) {
      AddWithStatus(operand, open);
    } else {
      const uint8_t* values = operand.values<uint8_t>();
      uint8_t* const answers = answers_;
      ForEach(open, [=](uint32_t i) { answers[i] = values[i]; });
      if (until_ != nullptr) MergeUntil(operand, open, had_until);
    }
    is_first_ = false;
  }

 private:
  // Whoever decides gives its instant, and else the soonest counts.
  [[gnu::always_inline]] void MergeUntil(const ValueVector& operand, const Selection& open,
                                         bool had_until) {
    const int64_t* more = operand.until();
    int64_t* const until = until_;
    const uint8_t* values = operand.values<uint8_t>();
    if (!had_until) {
      ForEach(open, [=](uint32_t i) { until[i] = more[i]; });
    } else if (more == nullptr) {
      ForEach(open,
              [=](uint32_t i) { until[i] = values[i] == kDeciding ? kNeverMicros : until[i]; });
    } else {
      ForEach(open, [=](uint32_t i) {
        until[i] = values[i] == kDeciding ? more[i] : std::min(until[i], more[i]);
      });
    }
  }
  [[gnu::always_inline]] void AddWithStatus(const ValueVector& operand, const Selection& open) {
    const uint8_t* values = operand.values<uint8_t>();
    ForEach(open, [&](uint32_t i) {
      const uint8_t its_status = operand.status(i);
      answers_[i] = 1 - kDeciding;
      if (its_status == kIsKnown && values[i] == kDeciding) {
        answers_[i] = kDeciding;
        status_[i] = kIsKnown;
        if (until_ != nullptr) until_[i] = operand.until(i);
        return;
      }
      if (until_ != nullptr) until_[i] = std::min(until_[i], operand.until(i));
      // In logic, what is unknown is undecided.
      if (its_status != kIsKnown) {
        status_[i] = Worse(status_[i], std::max(its_status, kIsUndecided));
      }
    });
  }

  const Selection& selection_;
  uint32_t count_;
  uint8_t* answers_;
  ValueVector& out_;
  uint8_t* status_ = nullptr;
  int64_t* until_ = nullptr;
  bool is_first_ = true;
};

}  // namespace

template <uint8_t kDeciding>
RESCIND_KERNEL void BatchEvaluator::ComputeJunction(const ir::Node& node, Batch& batch,
                                                    const Selection& selection, ValueVector& out) {
  const SelectionStack::Scope scope(selections_);
  uint8_t* const answers = out.Write<uint8_t>(batch.count);
  JunctionMerge<kDeciding> merge(selection, batch.count, answers, out);
  const Selection* open = &selection;
  for (size_t k = 0; k < node.operands.size() && open->count > 0; ++k) {
    merge.Add(Fetch(node.operands[k], batch, *open), *open);
    if (k + 1 == node.operands.size()) break;
    // Rows that are undecided or in error keep the answer that decides nothing.
    open = &selections_.Filter(*open, [=](uint32_t i) { return answers[i] != kDeciding; });
  }
}

template void BatchEvaluator::ComputeJunction<0>(const ir::Node&, Batch&, const Selection&,
                                                 ValueVector&);
template void BatchEvaluator::ComputeJunction<1>(const ir::Node&, Batch&, const Selection&,
                                                 ValueVector&);

RESCIND_KERNEL void BatchEvaluator::ComputeNot(const ir::Node& node, Batch& batch,
                                               const Selection& selection, ValueVector& out) {
  const ValueVector& operand = Fetch(node.operands[0], batch, selection);
  const uint8_t* values = operand.values<uint8_t>();
  uint8_t* answers = out.Write<uint8_t>(batch.count);
  ForEach(selection, [&](uint32_t i) { answers[i] = values[i] ^ 1; });
  out.BorrowUntil(operand);
  if (operand.status() == nullptr) return;
  const uint8_t* before = operand.status();
  uint8_t* status = out.OverwriteStatus(batch.count);
  ForEach(selection,
          [&](uint32_t i) { status[i] = before[i] == kIsUnknown ? kIsUndecided : before[i]; });
}

RESCIND_KERNEL void BatchEvaluator::ComputeIsKnown(const ir::Node& node, Batch& batch,
                                                   const Selection& selection, ValueVector& out) {
  const ValueVector& operand = Fetch(node.operands[0], batch, selection);
  uint8_t* answers = out.Write<uint8_t>(batch.count);
  out.BorrowUntil(operand);
  if (operand.status() == nullptr) {
    ForEach(selection, [&](uint32_t i) { answers[i] = 1; });
    return;
  }
  const uint8_t* before = operand.status();
  uint8_t worst = kIsKnown;
  ForEach(selection, [&](uint32_t i) {
    answers[i] = before[i] == kIsKnown;
    worst = std::max(worst, before[i]);
  });
  if (worst <= kIsUnknown) return;
  uint8_t* status = out.OverwriteStatus(batch.count);
  ForEach(selection,
          [&](uint32_t i) { status[i] = before[i] == kIsUnknown ? kIsKnown : before[i]; });
}

namespace {

// Where `first` is unknown, `second`.
template <typename T>
[[gnu::always_inline]] inline void Choose(const ValueVector& first, const ValueVector& second,
                                          const Selection& selection, const Selection& open,
                                          uint32_t count, ValueVector& out) {
  const T* ours = first.values<T>();
  T* const values = out.Write<T>(count);
  ForEach(selection, [=](uint32_t i) { values[i] = ours[i]; });
  const T* theirs = second.values<T>();
  ForEach(open, [=](uint32_t i) { values[i] = theirs[i]; });
}

}  // namespace

void BatchEvaluator::ChooseTexts(const ir::Node& node, const ValueVector& first,
                                 const ValueVector& second, const Selection& selection,
                                 const Selection& open, uint32_t count, ValueVector& out) {
  const TextDictionary* ours = plan_.at(node.operands[0]).dictionary;
  const TextDictionary* theirs = plan_.at(node.operands[1]).dictionary;
  uint32_t* const values = out.Write<uint32_t>(count);
  const auto translate = [&](const ValueVector& from, const TextDictionary* dictionary,
                             const Selection& rows) {
    const uint32_t* codes = from.values<uint32_t>();
    ForEach(rows, [&](uint32_t i) {
      if (from.status(i) == kIsKnown) values[i] = texts_.ToOwn(dictionary, codes[i]);
    });
  };
  translate(first, ours, selection);
  if (open.count > 0) translate(second, theirs, open);
}

RESCIND_KERNEL void BatchEvaluator::ComputeCoalesce(ir::NodeId id, Batch& batch,
                                                    const Selection& selection, ValueVector& out) {
  const SelectionStack::Scope scope(selections_);
  const ir::Node& node = program_.node(id);
  const ValueVector& first = Fetch(node.operands[0], batch, selection);
  const bool translates =
      node.type.kind == ir::Type::Kind::kText && plan_.at(id).dictionary == nullptr;
  const uint8_t* before = first.status();
  if (before == nullptr && !translates) {
    out.BorrowAll(first);
    return;
  }
  const Selection none{&batch.count, 0, 0, &selection};
  const Selection& open = before == nullptr ? none : selections_.Filter(selection, [=](uint32_t i) {
    return before[i] == kIsUnknown;
  });
  const ValueVector& second = open.count == 0 ? first : Fetch(node.operands[1], batch, open);
  if (translates) {
    ChooseTexts(node, first, second, selection, open, batch.count, out);
  } else {
    switch (plan_.at(id).width) {
      case Width::kByte: Choose<uint8_t>(first, second, selection, open, batch.count, out); break;
      case Width::kWord: Choose<uint32_t>(first, second, selection, open, batch.count, out); break;
      case Width::kDay: Choose<int32_t>(first, second, selection, open, batch.count, out); break;
      case Width::kLong: Choose<int64_t>(first, second, selection, open, batch.count, out); break;
    }
  }
  uint8_t worst = kIsKnown;
  if (before != nullptr) {
    ForEach(selection, [&, before](uint32_t i) { worst = std::max(worst, before[i]); });
  }
  if (worst > kIsUnknown || (open.count > 0 && second.status() != nullptr)) {
    uint8_t* const status = out.WriteStatus(selection, batch.count);
    ForEach(selection, [=](uint32_t i) { status[i] = before[i]; });
    ForEach(open, [&, status](uint32_t i) { status[i] = second.status(i); });
  }
  out.BorrowUntil(first);
  if (open.count == 0 || second.until() == nullptr) return;
  int64_t* const until = out.WriteUntil(selection, batch.count);
  ForEach(open, [&, until](uint32_t i) { until[i] = std::min(until[i], second.until(i)); });
}

}  // namespace rescind::eval
