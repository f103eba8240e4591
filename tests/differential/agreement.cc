#include "tests/differential/agreement.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

namespace rescind::eval {

Judgements JudgeAll(const EvaluationInput& input) {
  ReferenceEvaluator evaluator(input);
  Judgements judgements;
  for (uint32_t rule = 0; rule < input.program.rules.size(); ++rule) {
    auto& rows = judgements.emplace_back();
    const uint32_t row_count = input.facts.table(input.program.rules[rule].entity).row_count();
    for (uint32_t row = 0; row < row_count; ++row) {
      rows.push_back(evaluator.Judge(rule, RowId(row)));
    }
  }
  return judgements;
}

namespace {

// What a rule's outcome must be, from the judgements of its rows.
RuleOutcome OutcomeOf(const std::vector<Judgement>& rows) {
  RuleOutcome outcome;
  for (uint32_t row = 0; row < rows.size(); ++row) {
    switch (rows[row].verdict) {
      case Verdict::kNoMatch: break;
      case Verdict::kMatch: outcome.matches.push_back(RowId(row)); break;
      case Verdict::kUndecided: outcome.undecided.push_back(RowId(row)); break;
      case Verdict::kError: outcome.errors.push_back({RowId(row), rows[row].error}); break;
    }
  }
  return outcome;
}

bool SameOutcome(const RuleOutcome& a, const RuleOutcome& b) {
  return a.matches == b.matches && a.undecided == b.undecided && a.errors == b.errors;
}

std::vector<RowId> IncompleteRows(const Table& table) {
  std::vector<RowId> incomplete;
  for (uint32_t row = 0; row < table.row_count(); ++row) {
    if (table.presence(RowId(row)) == Presence::kLive && !table.complete(RowId(row))) {
      incomplete.push_back(RowId(row));
    }
  }
  return incomplete;
}

std::string DeadlineDifferenceOf(const EvaluationInput& input, uint32_t rule, RowId row,
                                 const Judgement& judgement, RandomChoice& choice) {
  const auto judge = [&](int64_t micros) {
    const EvaluationInput then{input.program, input.facts, input.holidays, {micros}};
    return ReferenceEvaluator(then).Judge(rule, row);
  };
  const std::string place = fmt::format("rule {} on row {}: ", rule, row.index());
  if (judgement.deadline <= input.now) return place + "a deadline that is not later than now";
  const bool ends = judgement.deadline != Instant::Never();
  const int64_t last =
      ends ? judgement.deadline.micros - 1 : input.now.micros + 400 * kMicrosPerDay;
  for (const int64_t micros : {last, choice.Between(input.now.micros, last)}) {
    const Judgement then = judge(micros);
    if (then.verdict == judgement.verdict && then.error == judgement.error) continue;
    return place + fmt::format("another answer at {}, before the deadline {}",
                               FormatInstant({micros}), FormatInstant(judgement.deadline));
  }
  if (ends && judge(judgement.deadline.micros).deadline <= judgement.deadline) {
    return place + "at the deadline there is no later one";
  }
  return "";
}

}  // namespace

std::string SweepDifference(const EvaluationInput& input, const Judgements& judged,
                            const SweepOptions& options, SweepCounters* counters) {
  const SweepResult result = SweepFacts(input, options);
  if (counters != nullptr) *counters = result.counters;
  std::map<uint32_t, std::vector<Instant>> deadlines;  // by entity
  for (uint32_t rule = 0; rule < judged.size(); ++rule) {
    const bool swept =
        !options.rules || std::count(options.rules->begin(), options.rules->end(), rule) > 0;
    const RuleOutcome expected = swept ? OutcomeOf(judged[rule]) : RuleOutcome();
    if (!SameOutcome(result.rules[rule], expected)) {
      return fmt::format("rule {}: the sweep's outcome is another than the reference's", rule);
    }
    if (!swept) continue;
    auto& soonest = deadlines[input.program.rules[rule].entity.index()];
    soonest.resize(judged[rule].size(), Instant::Never());
    for (size_t row = 0; row < soonest.size(); ++row) {
      soonest[row] = std::min(soonest[row], judged[rule][row].deadline);
    }
  }
  for (uint32_t e = 0; e < result.deadlines.size(); ++e) {
    const auto found = deadlines.find(e);
    const bool is_judged = found != deadlines.end();
    const auto expected = is_judged && options.deadlines ? found->second : std::vector<Instant>();
    if (!std::equal(result.deadlines[e].begin(), result.deadlines[e].end(), expected.begin(),
                    expected.end())) {
      return fmt::format("entity {}: the sweep's deadlines are others than the reference's", e);
    }
    const auto incomplete =
        is_judged ? IncompleteRows(input.facts.table(EntityId(e))) : std::vector<RowId>();
    if (result.incomplete[e] != incomplete) {
      return fmt::format("entity {}: the sweep finds other rows incomplete", e);
    }
  }
  return "";
}

std::string AnySweepDifference(const EvaluationInput& input, const Judgements& judged,
                               uint32_t small_chunk, Variety* variety) {
  std::vector<SweepOptions> ways{SweepOptions{1, true, {}, 2048},
                                 SweepOptions{2, true, {}, small_chunk, std::nullopt, std::nullopt},
                                 SweepOptions{2, true, {}, small_chunk, 0, 1},
                                 SweepOptions{2, false, {}, small_chunk, 0, 1}};
  for (uint32_t rule = 0; rule < judged.size(); ++rule) {
    ways.push_back({1, true, std::vector{rule}, small_chunk, 0, 1});
  }
  for (const SweepOptions& way : ways) {
    SweepCounters counters;
    const std::string difference = SweepDifference(input, judged, way, &counters);
    if (variety != nullptr && way.pushdown_fan_in == 0U) variety->Add(counters);
    if (difference.empty()) continue;
    return fmt::format("{} (threads {}, chunks of {}, deadlines {}, pushdowns {}, {})", difference,
                       way.threads, way.chunk_rows, way.deadlines, way.pushdown_fan_in.has_value(),
                       way.rules ? "one rule" : "all rules");
  }
  return "";
}

std::string DeadlineDifference(const EvaluationInput& input, const Judgements& judged,
                               RandomChoice& choice) {
  for (uint32_t rule = 0; rule < judged.size(); ++rule) {
    for (uint32_t row = 0; row < judged[rule].size(); ++row) {
      const Judgement& judgement = judged[rule][row];
      if (judgement.deadline == Instant::Never() && !choice.OneIn(20)) continue;
      std::string difference = DeadlineDifferenceOf(input, rule, RowId(row), judgement, choice);
      if (!difference.empty()) return difference;
    }
  }
  return "";
}

std::string GroupDifference(const EvaluationInput& input, ir::NodeId node, EntityId entity) {
  const NodeGroups groups = GroupRows(input, node, entity);
  const Table& table = input.facts.table(entity);
  if (groups.group.size() != table.row_count()) return "not one group a row";
  ReferenceEvaluator evaluator(input);
  for (uint32_t row = 0; row < table.row_count(); ++row) {
    const Value value = evaluator.Evaluate(node, RowId(row));
    const uint32_t group = groups.group[row];
    if (!table.complete(RowId(row)) || !value.known()) {
      if (group != NodeGroups::kNoGroup) return fmt::format("row {} has a group", row);
    } else if (group >= groups.values.size() || !(groups.values[group] == value)) {
      return fmt::format("row {} is in a group of another value", row);
    }
  }
  for (size_t a = 0; a < groups.values.size(); ++a) {
    for (size_t b = 0; b < a; ++b) {
      if (groups.values[a] == groups.values[b]) return "two groups of one value";
    }
  }
  return "";
}

void Variety::Add(const SweepCounters& counters) {
  ++sweep_count;
  if (counters.rows_pushed_down > 0) ++pushed_down_count;
  semi_join_count += counters.semi_joins;
}

void Variety::Add(const Judgements& judgements) {
  for (const auto& rows : judgements) {
    for (const Judgement& judgement : rows) {
      ++judgement_count;
      ++verdicts[judgement.verdict];
      if (judgement.deadline != Instant::Never()) ++deadline_count;
    }
  }
}

std::string Variety::Boredom() const {
  // Of a few worlds, as sanitizers have time for, nothing can be said.
  constexpr uint64_t kEnoughToTell = 30'000;
  if (judgement_count < kEnoughToTell) return "";
  for (const Verdict verdict :
       {Verdict::kMatch, Verdict::kNoMatch, Verdict::kUndecided, Verdict::kError}) {
    const auto found = verdicts.find(verdict);
    // Errors come in few worlds, and there on many rows: how many differs most from seed to seed.
    const uint64_t few = judgement_count / (verdict == Verdict::kError ? 10'000 : 1'000);
    if (found == verdicts.end() || found->second <= few) {
      const uint64_t times = found == verdicts.end() ? 0 : found->second;
      return fmt::format("verdict {} turned up {} times in {}", static_cast<int>(verdict), times,
                         judgement_count);
    }
  }
  if (deadline_count <= judgement_count / 50) return "there were hardly any deadlines";
  if (pushed_down_count <= sweep_count / 20) return "hardly anything was pushed down";
  if (semi_join_count <= sweep_count / 50) return "there were hardly any semi-joins";
  return "";
}

uint64_t NumberFromEnvironment(const char* name, uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

}  // namespace rescind::eval
