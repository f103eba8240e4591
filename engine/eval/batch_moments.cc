// Where time passes: today, and the two operations that turn true once, at an instant that can be
// computed from their operands.
//
//   now >= used_at + 90d:  used_at <= now - 90d says whether, used_at + 90d when.
#include <algorithm>

#include "engine/base/assert.h"
#include "engine/eval/batch_evaluator.h"

namespace rescind::eval {

namespace {

// The least t with factor * t + sum >= 0; kNeverMicros when no instant is that late.
int64_t MomentOf(int32_t factor, Wide sum) {
  Wide at = -sum / factor;
  if (at * factor < -sum) ++at;
  return at < kNeverMicros ? static_cast<int64_t>(at) : kNeverMicros;
}

constexpr int64_t kSafeMicros = int64_t{1} << 61;  // two of them add up without overflow

}  // namespace

// now - value + offset >= 0, for a value that stays, in arithmetic of 64 bits where it suffices.
RESCIND_KERNEL bool BatchEvaluator::ReachedAtOnce(const ir::Node& node, Batch& batch,
                                                  const Selection& selection, ValueVector& out) {
  if (node.operands.size() != 1 || node.factor != 1 || node.signs[0] != -1) return false;
  if (node.offset < -kSafeMicros || node.offset > kSafeMicros) return false;
  const ValueVector& operand = Fetch(node.operands[0], batch, selection);
  if (operand.until() != nullptr) return false;
  const int64_t* values = operand.values<int64_t>();
  const uint8_t* status = operand.status();
  uint64_t beyond = 0;
  if (status == nullptr) {
    ForEach(selection,
            [&](uint32_t i) { beyond |= (static_cast<uint64_t>(values[i]) + kSafeMicros) >> 62; });
  } else {
    ForEach(selection, [&](uint32_t i) {
      const uint64_t value = status[i] == kIsKnown ? static_cast<uint64_t>(values[i]) : 0;
      beyond |= (value + kSafeMicros) >> 62;
    });
  }
  if (beyond != 0) return false;
  out.BorrowStatus(operand);
  const int64_t offset = node.offset;
  const Wide exact = Wide{now_.micros} + offset;
  const auto latest = static_cast<int64_t>(
      std::clamp<Wide>(exact, -2 * Wide{kSafeMicros}, 2 * Wide{kSafeMicros} - 1));
  uint8_t* answers = out.Write<uint8_t>(batch.count);
  ForEach(selection, [&](uint32_t i) { answers[i] = values[i] <= latest; });
  if (!plan_.deadlines()) return true;
  int64_t* until = out.OverwriteUntil(batch.count);
  if (status == nullptr) {
    ForEach(selection, [&](uint32_t i) {
      until[i] = values[i] <= latest ? kNeverMicros : values[i] - offset;
    });
  } else {
    ForEach(selection, [&](uint32_t i) {
      const bool waits = status[i] == kIsKnown && values[i] > latest;
      until[i] = waits ? values[i] - offset : kNeverMicros;
    });
  }
  return true;
}

void BatchEvaluator::ComputeReached(const ir::Node& node, Batch& batch, const Selection& selection,
                                    ValueVector& out) {
  if (ReachedAtOnce(node, batch, selection, out)) return;
  Combine(node, batch, selection, out);
  std::vector<const int64_t*> operands;
  for (ir::NodeId operand : node.operands) {
    operands.push_back(Fetch(operand, batch, selection).values<int64_t>());
  }
  uint8_t* answers = out.Write<uint8_t>(batch.count);
  const bool passes = plan_.deadlines() && node.factor > 0;
  int64_t* until = passes ? out.WriteUntil(selection, batch.count) : nullptr;
  const uint8_t* status = out.status();
  ForEach(selection, [&](uint32_t i) {
    answers[i] = 0;
    if (status != nullptr && status[i] != kIsKnown) return;
    Wide sum = node.offset;
    for (size_t k = 0; k < operands.size(); ++k) sum += Wide{node.signs[k]} * operands[k][i];
    answers[i] = Wide{node.factor} * now_.micros + sum >= 0;
    if (passes && answers[i] == 0) until[i] = std::min(until[i], MomentOf(node.factor, sum));
  });
}

// Statuses and instants of an operation whose last operand is a zone: it may lack a name, or have
// one that is no zone's, and then the row is undecided, never unknown.
void BatchEvaluator::CombineWithZone(const ir::Node& node, Batch& batch, const Selection& selection,
                                     ValueVector& out) {
  const ir::NodeId zone_id = node.operands.back();
  const ValueVector& zone = Fetch(zone_id, batch, selection);
  const TextDictionary* dictionary = plan_.at(zone_id).dictionary;
  const uint32_t* codes = zone.values<uint32_t>();
  const bool has_value = node.operands.size() > 1;
  const ValueVector& value = has_value ? Fetch(node.operands[0], batch, selection) : zone;
  const uint8_t* value_status = has_value ? value.status() : nullptr;
  uint8_t worst = kIsKnown;
  uint8_t* status = out.OverwriteStatus(batch.count);
  ForEach(selection, [&](uint32_t i) {
    uint8_t of_zone = zone.status(i);
    if (of_zone == kIsUnknown) of_zone = kIsUndecided;
    if (of_zone == kIsKnown && texts_.Zone(dictionary, codes[i]) == nullptr) {
      of_zone = kIsUndecided;
    }
    status[i] = Worse(value_status == nullptr ? kIsKnown : value_status[i], of_zone);
    worst |= status[i];
  });
  if (worst == kIsKnown) out.ForgetStatus();
  if (zone.until() == nullptr && value.until() == nullptr) return;
  int64_t* until = out.OverwriteUntil(batch.count);
  ForEach(selection, [&](uint32_t i) { until[i] = std::min(zone.until(i), value.until(i)); });
}

// Calls body(row, zone) for the rows whose operands are known.
template <typename Body>
void BatchEvaluator::ForEachZone(const ir::Node& node, Batch& batch, const Selection& selection,
                                 ValueVector& out, Body body) {
  const ir::NodeId zone_id = node.operands.back();
  const uint32_t* codes = Fetch(zone_id, batch, selection).values<uint32_t>();
  const TextDictionary* dictionary = plan_.at(zone_id).dictionary;
  const uint8_t* status = out.status();
  uint32_t last_code = kUnknownCode;
  const TimeZone* zone = nullptr;
  ForEach(selection, [&](uint32_t i) {
    if (status != nullptr && status[i] != kIsKnown) return;
    if (zone == nullptr || codes[i] != last_code) {
      last_code = codes[i];
      zone = texts_.Zone(dictionary, last_code);
    }
    body(i, *zone);
  });
}

void BatchEvaluator::ComputeToday(const ir::Node& node, Batch& batch, const Selection& selection,
                                  ValueVector& out) {
  CombineWithZone(node, batch, selection, out);
  int32_t* days = out.Write<int32_t>(batch.count);
  int64_t* until = plan_.deadlines() ? out.WriteUntil(selection, batch.count) : nullptr;
  ForEach(selection, [&](uint32_t i) { days[i] = 0; });
  ForEachZone(node, batch, selection, out, [&](uint32_t i, const TimeZone& zone) {
    const Day today = zone.DayOf(now_);
    days[i] = today.days;
    if (today < kFirstDay || today > kLastDay) {
      out.WriteStatus(selection, batch.count)[i] = StatusOf(EvaluationError::kDateOutOfRange);
    } else if (until != nullptr) {
      until[i] = std::min(until[i], zone.StartOf({today.days + 1}).micros);
    }
  });
}

// When a day reaches what the node asks for: a search over the calendar, so days are remembered.
int64_t BatchEvaluator::StartReaching(ir::NodeId id, int32_t day, const TimeZone& zone) {
  constexpr size_t kRemembered = 1024;
  std::vector<DayStart>& starts = day_starts_[id.index()];
  if (starts.empty()) starts.resize(kRemembered);
  DayStart& start = starts[static_cast<uint32_t>(day) % kRemembered];
  if (start.zone == &zone && start.day == day) return start.start_micros;
  const ir::Node& node = program_.node(id);
  const Wide target =
      std::clamp<Wide>(Wide{day} + node.offset, kFirstDay.days - 1, kLastDay.days + 1);
  const auto first =
      FirstDayReaching({static_cast<int32_t>(target)}, node.length, plan_.input().holidays);
  start = {day, &zone, first ? zone.StartOf(*first).micros : kNeverMicros};
  return start.start_micros;
}

void BatchEvaluator::ComputeDayReached(ir::NodeId id, Batch& batch, const Selection& selection,
                                       ValueVector& out) {
  const ir::Node& node = program_.node(id);
  CombineWithZone(node, batch, selection, out);
  const int32_t* days = Fetch(node.operands[0], batch, selection).values<int32_t>();
  uint8_t* answers = out.Write<uint8_t>(batch.count);
  int64_t* until = plan_.deadlines() ? out.WriteUntil(selection, batch.count) : nullptr;
  ForEach(selection, [&](uint32_t i) { answers[i] = 0; });
  ForEachZone(node, batch, selection, out, [&](uint32_t i, const TimeZone& zone) {
    const int64_t start_micros = StartReaching(id, days[i], zone);
    answers[i] = now_.micros >= start_micros;
    if (until != nullptr && answers[i] == 0) until[i] = std::min(until[i], start_micros);
  });
}

// ---- Days: the operations that need a zone or the calendar ------------------------------------

void BatchEvaluator::ComputeDays(const ir::Node& node, Batch& batch, const Selection& selection,
                                 ValueVector& out) {
  const auto fail = [&](uint32_t i, EvaluationError error) {
    out.WriteStatus(selection, batch.count)[i] = StatusOf(error);
  };
  if (node.op == ir::Op::kAddCivil) {
    Combine(node, batch, selection, out);
    const int32_t* days = Fetch(node.operands[0], batch, selection).values<int32_t>();
    int32_t* sums = out.Write<int32_t>(batch.count);
    ForEach(selection, [&](uint32_t i) {
      sums[i] = 0;
      if (out.status(i) != kIsKnown) return;
      if (node.endless) {
        sums[i] = AddCivilEndless({days[i]}, node.length, plan_.input().holidays).days;
        return;
      }
      const auto sum = AddCivil({days[i]}, node.length, plan_.input().holidays);
      if (sum) {
        sums[i] = sum->days;
      } else {
        fail(i, EvaluationError::kDateOutOfRange);
      }
    });
    return;
  }
  CombineWithZone(node, batch, selection, out);
  const ValueVector& operand = Fetch(node.operands[0], batch, selection);
  if (node.op == ir::Op::kDateOf) {
    int32_t* days = out.Write<int32_t>(batch.count);
    ForEach(selection, [&](uint32_t i) { days[i] = 0; });
    ForEachZone(node, batch, selection, out, [&](uint32_t i, const TimeZone& zone) {
      const Day day = zone.DayOf({operand.values<int64_t>()[i]});
      days[i] = day.days;
      if (day < kFirstDay || day > kLastDay) fail(i, EvaluationError::kDateOutOfRange);
    });
    return;
  }
  int64_t* starts = out.Write<int64_t>(batch.count);
  ForEach(selection, [&](uint32_t i) { starts[i] = 0; });
  ForEachZone(node, batch, selection, out, [&](uint32_t i, const TimeZone& zone) {
    starts[i] = zone.StartOf({operand.values<int32_t>()[i]}).micros;
    if (!IsTimeInRange(starts[i])) fail(i, EvaluationError::kTimeOutOfRange);
  });
}

}  // namespace rescind::eval
