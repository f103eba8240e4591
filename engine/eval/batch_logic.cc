// and, or, not, is known, ??: each hands on only the rows that are still open.
#include <algorithm>

#include "engine/base/assert.h"
#include "engine/eval/batch_evaluator.h"

namespace rescind::eval {

namespace {

// Merges one operand into the rows that are still open, where statuses or instants are about.
template <uint8_t kDeciding>
class JunctionMerge {
 public:
  JunctionMerge(const Selection& selection, uint32_t count, uint8_t* answers, ValueVector& out)
      : selection_(selection), count_(count), answers_(answers), out_(out) {}

  // Returns which rows stay open.
  bool Add(const ValueVector& operand, uint32_t i) {
    const uint8_t operand_status = operand.status(i);
    if (operand_status == kIsKnown && operand.values<uint8_t>()[i] == kDeciding) {
      answers_[i] = kDeciding;
      if (status_ != nullptr) status_[i] = kIsKnown;
      if (until_ != nullptr) until_[i] = operand.until(i);
      return false;
    }
    if (until_ != nullptr) until_[i] = std::min(until_[i], operand.until(i));
    if (operand_status != kIsKnown) {
      // In logic, what is unknown is undecided.
      status_[i] = Worse(status_[i], std::max(operand_status, kIsUndecided));
    }
    return true;
  }
  // Whether rows have to be looked at one by one, this operand included.
  bool Needs(const ValueVector& operand) {
    if (operand.status() != nullptr) status_ = out_.WriteStatus(selection_, count_);
    if (operand.until() != nullptr) until_ = out_.WriteUntil(selection_, count_);
    return status_ != nullptr || until_ != nullptr;
  }

 private:
  const Selection& selection_;
  uint32_t count_;
  uint8_t* answers_;
  ValueVector& out_;
  uint8_t* status_ = nullptr;
  int64_t* until_ = nullptr;
};

}  // namespace

template <uint8_t kDeciding>
void BatchEvaluator::ComputeJunction(const ir::Node& node, Batch& batch, const Selection& selection,
                                     ValueVector& out) {
  const SelectionStack::Scope scope(selections_);
  constexpr uint8_t kOpposite = 1 - kDeciding;
  uint8_t* answers = out.Write<uint8_t>(batch.count);
  ForEach(selection, [&](uint32_t i) { answers[i] = kOpposite; });
  JunctionMerge<kDeciding> merge(selection, batch.count, answers, out);
  const Selection* open = &selection;
  for (size_t k = 0; k < node.operands.size() && open->count > 0; ++k) {
    const ValueVector& operand = Fetch(node.operands[k], batch, *open);
    const bool is_last = k + 1 == node.operands.size();
    if (merge.Needs(operand)) {
      open = &selections_.Filter(*open, [&](uint32_t i) { return merge.Add(operand, i); });
      continue;
    }
    const uint8_t* values = operand.values<uint8_t>();
    ForEach(*open, [&](uint32_t i) { answers[i] = values[i]; });
    if (is_last) break;
    open = &selections_.Filter(*open, [&](uint32_t i) { return values[i] != kDeciding; });
  }
}

template void BatchEvaluator::ComputeJunction<0>(const ir::Node&, Batch&, const Selection&,
                                                 ValueVector&);
template void BatchEvaluator::ComputeJunction<1>(const ir::Node&, Batch&, const Selection&,
                                                 ValueVector&);

void BatchEvaluator::ComputeNot(const ir::Node& node, Batch& batch, const Selection& selection,
                                ValueVector& out) {
  const ValueVector& operand = Fetch(node.operands[0], batch, selection);
  const uint8_t* values = operand.values<uint8_t>();
  uint8_t* answers = out.Write<uint8_t>(batch.count);
  ForEach(selection, [&](uint32_t i) { answers[i] = values[i] ^ 1; });
  out.BorrowUntil(operand);
  if (operand.status() == nullptr) return;
  const uint8_t* before = operand.status();
  uint8_t* status = out.WriteStatus(selection, batch.count);
  ForEach(selection,
          [&](uint32_t i) { status[i] = before[i] == kIsUnknown ? kIsUndecided : before[i]; });
}

void BatchEvaluator::ComputeIsKnown(const ir::Node& node, Batch& batch, const Selection& selection,
                                    ValueVector& out) {
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
  uint8_t* status = out.WriteStatus(selection, batch.count);
  ForEach(selection,
          [&](uint32_t i) { status[i] = before[i] == kIsUnknown ? kIsKnown : before[i]; });
}

namespace {

template <typename T, typename Convert>
void Choose(const ValueVector& first, const ValueVector& second, const Selection& selection,
            uint32_t count, ValueVector& out, Convert convert) {
  const T* ours = first.values<T>();
  const T* theirs = second.values<T>();
  T* values = out.Write<T>(count);
  const uint8_t* first_status = first.status();
  ForEach(selection, [&](uint32_t i) {
    values[i] = first_status[i] == kIsUnknown ? convert(1, theirs[i], second.status(i))
                                              : convert(0, ours[i], first_status[i]);
  });
}

}  // namespace

void BatchEvaluator::ComputeCoalesce(ir::NodeId id, Batch& batch, const Selection& selection,
                                     ValueVector& out) {
  const SelectionStack::Scope scope(selections_);
  const ir::Node& node = program_.node(id);
  const ValueVector& first = Fetch(node.operands[0], batch, selection);
  const TextDictionary* dictionaries[] = {plan_.at(node.operands[0]).dictionary,
                                          plan_.at(node.operands[1]).dictionary};
  const bool translates =
      node.type.kind == ir::Type::Kind::kText && plan_.at(id).dictionary == nullptr;
  if (first.status() == nullptr && !translates) {
    out.BorrowAll(first);
    return;
  }
  const uint8_t* first_status = first.status();
  if (first_status == nullptr) {
    const auto* codes = first.values<uint32_t>();
    uint32_t* values = out.Write<uint32_t>(batch.count);
    ForEach(selection, [&](uint32_t i) { values[i] = texts_.ToOwn(dictionaries[0], codes[i]); });
    out.BorrowUntil(first);
    return;
  }
  const Selection& open =
      selections_.Filter(selection, [&](uint32_t i) { return first_status[i] == kIsUnknown; });
  const ValueVector& second = open.count == 0 ? first : Fetch(node.operands[1], batch, open);
  const auto keep = [](int, auto value, uint8_t) { return value; };
  switch (plan_.at(id).width) {
    case Width::kByte: Choose<uint8_t>(first, second, selection, batch.count, out, keep); break;
    case Width::kDay: Choose<int32_t>(first, second, selection, batch.count, out, keep); break;
    case Width::kLong: Choose<int64_t>(first, second, selection, batch.count, out, keep); break;
    case Width::kWord:
      Choose<uint32_t>(first, second, selection, batch.count, out,
                       [&](int side, uint32_t value, uint8_t status) {
                         return translates && status == kIsKnown
                                    ? texts_.ToOwn(dictionaries[side], value)
                                    : value;
                       });
  }
  uint8_t* status = out.WriteStatus(selection, batch.count);
  uint8_t any = kIsKnown;
  ForEach(selection, [&](uint32_t i) {
    status[i] = first_status[i] == kIsUnknown ? second.status(i) : first_status[i];
    any |= status[i];
  });
  if (any == kIsKnown) out.ForgetStatus();
  if (first.until() == nullptr && second.until() == nullptr) return;
  int64_t* until = out.WriteUntil(selection, batch.count);
  ForEach(selection, [&](uint32_t i) {
    until[i] =
        first_status[i] == kIsUnknown ? std::min(first.until(i), second.until(i)) : first.until(i);
  });
}

}  // namespace rescind::eval
