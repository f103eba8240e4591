// Numbers, times and durations: 64 bits, and an error where they do not suffice.
#include "engine/base/assert.h"
#include "engine/eval/batch_evaluator.h"

namespace rescind::eval {

using ir::Op;

namespace {

// False on overflow; then `result` is anything.
bool Calculate(Op op, int64_t left, int64_t right, int64_t& result) {
  switch (op) {
    case Op::kAdd: return !__builtin_add_overflow(left, right, &result);
    case Op::kSubtract: return !__builtin_sub_overflow(left, right, &result);
    case Op::kMultiply: return !__builtin_mul_overflow(left, right, &result);
    case Op::kNegate: return !__builtin_sub_overflow(int64_t{0}, left, &result);
    default: RESCIND_UNREACHABLE("no arithmetic");
  }
}

}  // namespace

void BatchEvaluator::ComputeArithmetic(const ir::Node& node, Batch& batch,
                                       const Selection& selection, ValueVector& out) {
  Combine(node, batch, selection, out);
  const int64_t* left = Fetch(node.operands.front(), batch, selection).values<int64_t>();
  const int64_t* right = Fetch(node.operands.back(), batch, selection).values<int64_t>();
  int64_t* values = out.Write<int64_t>(batch.count);
  const bool is_time = node.type.kind == ir::Type::Kind::kTime;
  const auto error =
      StatusOf(is_time ? EvaluationError::kTimeOutOfRange : EvaluationError::kOverflow);
  ForEach(selection, [&](uint32_t i) {
    values[i] = 0;
    if (out.status(i) != kIsKnown) return;
    const bool fits =
        Calculate(node.op, left[i], right[i], values[i]) && (!is_time || IsTimeInRange(values[i]));
    if (!fits) out.WriteStatus(selection, batch.count)[i] = error;
  });
}

}  // namespace rescind::eval
