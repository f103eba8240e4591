// Relations: compare, in, has, and what is asked of texts. Texts are compared by their codes, and
// a predicate is asked once for each entry of a dictionary, not for each row.
#include <re2/re2.h>

#include <algorithm>

#include "engine/base/assert.h"
#include "engine/eval/batch_evaluator.h"

namespace rescind::eval {

using ir::Op;
using TypeKind = ir::Type::Kind;

namespace {

// `right`: a function of the row, so that a constant costs no array.
template <typename T, typename Right>
[[gnu::always_inline]] inline void CompareWith(ir::Compare compare, const T* left, Right right,
                                               const Selection& selection, uint8_t* answers) {
  switch (compare) {
    case ir::Compare::kEqual:
      ForEach(selection, [&](uint32_t i) { answers[i] = left[i] == right(i); });
      return;
    case ir::Compare::kLess:
      ForEach(selection, [&](uint32_t i) { answers[i] = left[i] < right(i); });
      return;
    case ir::Compare::kLessEqual:
      ForEach(selection, [&](uint32_t i) { answers[i] = left[i] <= right(i); });
      return;
  }
}

template <typename T>
[[gnu::always_inline]] inline void CompareAs(ir::Compare compare, const ValueVector& left,
                                             const ValueVector& right, const int64_t* constant,
                                             const Selection& selection, uint8_t* answers) {
  const T* values = left.values<T>();
  if (constant != nullptr) {
    const T same = static_cast<T>(*constant);
    CompareWith(
        compare, values, [same](uint32_t) { return same; }, selection, answers);
    return;
  }
  const T* others = right.values<T>();
  CompareWith(
      compare, values, [others](uint32_t i) { return others[i]; }, selection, answers);
}

}  // namespace

RESCIND_KERNEL void BatchEvaluator::ComputeCompare(const ir::Node& node, Batch& batch,
                                                   const Selection& selection, ValueVector& out) {
  Combine(node, batch, selection, out);
  const ir::Node& left_node = program_.node(node.operands[0]);
  if (left_node.type.kind == TypeKind::kText) {
    CompareTexts(node, batch, selection, out);
    return;
  }
  RESCIND_ASSERT(left_node.type.kind != TypeKind::kSet, "sets are not compared");
  const ValueVector& left = Fetch(node.operands[0], batch, selection);
  const ValueVector& right = Fetch(node.operands[1], batch, selection);
  const NodePlan& right_plan = plan_.at(node.operands[1]);
  const int64_t* constant = right_plan.constant ? &right_plan.number : nullptr;
  uint8_t* answers = out.Write<uint8_t>(batch.count);
  switch (plan_.at(node.operands[0]).width) {
    case Width::kByte:
      return CompareAs<uint8_t>(node.compare, left, right, constant, selection, answers);
    case Width::kWord:
      return CompareAs<uint32_t>(node.compare, left, right, constant, selection, answers);
    case Width::kDay:
      return CompareAs<int32_t>(node.compare, left, right, constant, selection, answers);
    case Width::kLong:
      return CompareAs<int64_t>(node.compare, left, right, constant, selection, answers);
  }
}

// Equal texts have equal codes once both are codes of one dictionary.
void BatchEvaluator::CompareTexts(const ir::Node& node, Batch& batch, const Selection& selection,
                                  ValueVector& out) {
  RESCIND_ASSERT(node.compare == ir::Compare::kEqual, "texts have no order");
  ir::NodeId left_id = node.operands[0];
  ir::NodeId right_id = node.operands[1];
  // A constant stands right, and else whatever is the worker's own.
  const bool swaps = plan_.at(left_id).constant ||
                     (plan_.at(left_id).dictionary == nullptr && !plan_.at(right_id).constant);
  if (swaps) std::swap(left_id, right_id);
  const uint32_t* left = Fetch(left_id, batch, selection).values<uint32_t>();
  const uint32_t* right = Fetch(right_id, batch, selection).values<uint32_t>();
  const TextDictionary* from = plan_.at(left_id).dictionary;
  const TextDictionary* to = plan_.at(right_id).dictionary;
  uint8_t* answers = out.Write<uint8_t>(batch.count);
  if (from == to) {
    CompareWith(
        node.compare, left, [right](uint32_t i) { return right[i]; }, selection, answers);
    return;
  }
  if (plan_.at(right_id).constant) {
    const uint32_t code = from->Find(plan_.at(right_id).text).value_or(TextDomains::kAbsentCode);
    CompareWith(
        node.compare, left, [code](uint32_t) { return code; }, selection, answers);
    return;
  }
  const uint8_t* status = out.status();
  ForEach(selection, [&](uint32_t i) {
    answers[i] = 0;
    if (status != nullptr && status[i] != kIsKnown) return;
    answers[i] = to == nullptr ? texts_.ToOwn(from, left[i]) == right[i]
                               : texts_.Translate(from, *to, left[i]) == right[i];
  });
}

RESCIND_KERNEL void BatchEvaluator::ComputeInSet(ir::NodeId id, Batch& batch,
                                                 const Selection& selection, ValueVector& out) {
  const ir::Node& node = program_.node(id);
  const NodePlan& plan = plan_.at(id);
  if (program_.node(node.operands[0]).type.kind == TypeKind::kText) {
    ComputeTextPredicate(id, batch, selection, out);
    return;
  }
  Combine(node, batch, selection, out);
  const ValueVector& operand = Fetch(node.operands[0], batch, selection);
  uint8_t* answers = out.Write<uint8_t>(batch.count);
  const uint8_t* status = out.status();
  const auto search = [&](const auto* values) {
    ForEach(selection, [&](uint32_t i) {
      answers[i] = std::binary_search(plan.numbers.begin(), plan.numbers.end(),
                                      static_cast<int64_t>(values[i]));
    });
  };
  switch (plan_.at(node.operands[0]).width) {
    case Width::kByte: {
      const uint8_t* values = operand.values<uint8_t>();
      ForEach(selection, [&](uint32_t i) { answers[i] = plan.contains[values[i]]; });
      return;
    }
    case Width::kWord: {
      const uint32_t* rows = operand.values<uint32_t>();
      ForEach(selection, [&](uint32_t i) {
        answers[i] = status == nullptr || status[i] == kIsKnown ? plan.contains[rows[i]] : 0;
      });
      return;
    }
    case Width::kDay: return search(operand.values<int32_t>());
    case Width::kLong: return search(operand.values<int64_t>());
  }
}

namespace {

bool AskText(const ir::Node& node, const NodePlan& plan, std::string_view text,
             std::string_view part) {
  switch (node.op) {
    case Op::kStartsWith: return text.starts_with(part);
    case Op::kEndsWith: return text.ends_with(part);
    case Op::kContains: return text.find(part) != std::string_view::npos;
    case Op::kMatches:
      return re2::RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), *plan.pattern);
    case Op::kInSet: return std::binary_search(plan.texts.begin(), plan.texts.end(), text);
    default: RESCIND_UNREACHABLE("a question that no text answers");
  }
}

}  // namespace

void BatchEvaluator::ComputeTextPredicate(ir::NodeId id, Batch& batch, const Selection& selection,
                                          ValueVector& out) {
  const ir::Node& node = program_.node(id);
  const NodePlan& plan = plan_.at(id);
  Combine(node, batch, selection, out);
  const uint32_t* codes = Fetch(node.operands[0], batch, selection).values<uint32_t>();
  const TextDictionary* dictionary = plan_.at(node.operands[0]).dictionary;
  uint8_t* answers = out.Write<uint8_t>(batch.count);
  const uint8_t* status = out.status();
  const bool has_part = node.operands.size() > 1;
  const bool varies = has_part && !plan_.at(node.operands[1]).constant;
  const uint32_t* parts =
      varies ? Fetch(node.operands[1], batch, selection).values<uint32_t>() : nullptr;
  const TextDictionary* part_dictionary = varies ? plan_.at(node.operands[1]).dictionary : nullptr;
  const std::string_view part =
      has_part && !varies ? std::string_view(plan_.at(node.operands[1]).text) : "";
  ForEach(selection, [&](uint32_t i) {
    answers[i] = 0;
    if (status != nullptr && status[i] != kIsKnown) return;
    const auto ask = [&] {
      return AskText(node, plan, texts_.Text(dictionary, codes[i]),
                     varies ? texts_.Text(part_dictionary, parts[i]) : part);
    };
    answers[i] = plan.memo != nullptr ? plan.memo->Get(codes[i], ask) : ask();
  });
}

void BatchEvaluator::ComputeLower(const ir::Node& node, Batch& batch, const Selection& selection,
                                  ValueVector& out) {
  Combine(node, batch, selection, out);
  const uint32_t* codes = Fetch(node.operands[0], batch, selection).values<uint32_t>();
  const TextDictionary* dictionary = plan_.at(node.operands[0]).dictionary;
  uint32_t* values = out.Write<uint32_t>(batch.count);
  const uint8_t* status = out.status();
  ForEach(selection, [&](uint32_t i) {
    const bool known = status == nullptr || status[i] == kIsKnown;
    values[i] = known ? texts_.Lower(dictionary, codes[i]) : kUnknownCode;
  });
}

bool BatchEvaluator::SetHas(int64_t set, const ir::Node& node, const ValueVector& member,
                            uint32_t row) {
  const auto source = static_cast<uint32_t>(static_cast<uint64_t>(set) >> 32);
  const auto stored = static_cast<uint32_t>(set);
  const Column& column = *plan_.set_source(source).column;
  const ir::NodeId member_id = node.operands[1];
  switch (program_.node(member_id).type.kind) {
    case TypeKind::kInt: return column.pool().HasInteger(stored, member.values<int64_t>()[row]);
    case TypeKind::kEnum: return column.pool().Has(stored, member.values<uint8_t>()[row]);
    case TypeKind::kText: {
      const uint32_t code = texts_.Translate(plan_.at(member_id).dictionary, column.dictionary(),
                                             member.values<uint32_t>()[row]);
      return code != TextDomains::kAbsentCode && column.pool().Has(stored, code);
    }
    default: return column.pool().Has(stored, member.values<uint32_t>()[row]);
  }
}

void BatchEvaluator::ComputeHas(ir::NodeId id, Batch& batch, const Selection& selection,
                                ValueVector& out) {
  const ir::Node& node = program_.node(id);
  const NodePlan& plan = plan_.at(id);
  Combine(node, batch, selection, out);
  const int64_t* sets = Fetch(node.operands[0], batch, selection).values<int64_t>();
  const ValueVector& member = Fetch(node.operands[1], batch, selection);
  uint8_t* answers = out.Write<uint8_t>(batch.count);
  const uint8_t* status = out.status();
  ForEach(selection, [&](uint32_t i) {
    answers[i] = 0;
    if (status != nullptr && status[i] != kIsKnown) return;
    const auto ask = [&] { return SetHas(sets[i], node, member, i); };
    answers[i] =
        plan.set_memo != nullptr ? plan.set_memo->Get(static_cast<uint32_t>(sets[i]), ask) : ask();
  });
}

}  // namespace rescind::eval
