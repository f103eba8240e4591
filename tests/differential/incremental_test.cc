// The incremental evaluator against judging everything anew: over random histories of changes and
// instants, verdicts, deadlines and conclusions are what the reference evaluator says at each step.
//
// A history that failed prints its seed; RESCIND_WORLD=<seed> runs it alone.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "engine/eval/incremental_evaluator.h"
#include "tests/differential/agreement.h"
#include "tests/differential/fact_editing.h"
#include "tests/differential/random_facts.h"
#include "tests/differential/random_program.h"
#include "tests/unit/test_seed.h"

namespace rescind::eval {
namespace {

#ifdef RESCIND_SANITIZED
constexpr uint64_t kHistoryCount = 150;
#elif defined(NDEBUG)
constexpr uint64_t kHistoryCount = 2500;
#else
constexpr uint64_t kHistoryCount = 300;
#endif

const std::vector<uint64_t> kBrokenHistories = {
    4712643296915451015,  // the text that a set is asked for is new in the sets' dictionary
    2873318839774574571,  // time passes, nothing is judged, and a new judgement has a sooner
                          // deadline
};

// Histories end with the calendar: beyond it instants are near those that no clock can say.
constexpr Instant kLastInstant{(kLastDay.days + int64_t{400}) * kMicrosPerDay};

struct HistoryTotals {
  uint64_t steps = 0;
  uint64_t conclusions = 0;
  uint64_t due = 0;
  uint64_t judged = 0;
  uint64_t judged_by_all = 0;  // had everything been judged anew
};

class History {
 public:
  explicit History(uint64_t seed)
      : choice_(seed),
        schema_(std::make_shared<const Schema>(RandomSchema(choice_))),
        now_(RandomNow(choice_)),
        facts_(RandomFacts(choice_, schema_, now_)) {
    RandomProgram source(choice_, *schema_, now_);
    source.AddRules();
    program_ = source.Build();
    std::vector<Day> days;
    for (int i = 0; i < 6; ++i) days.push_back(RandomDay(choice_, now_));
    holidays_ = Holidays(days);
    edited_ = std::make_unique<FactBase>(facts_.Build(program_.columns));
    editor_ = std::make_unique<FactEditor>(*edited_);
    evaluator_ = std::make_unique<IncrementalEvaluator>(program_, *edited_, holidays_, now_, 1);
    judged_ = Judge();
  }

  void Run(HistoryTotals& totals) {
    CheckState();
    for (int step = 0; step < 8; ++step) {
      CAPTURE(step);
      Step();
      ++totals.steps;
    }
    totals.conclusions += conclusion_count_;
    totals.due += evaluator_->counters().rows_due;
    totals.judged += evaluator_->counters().rows_judged;
    totals.judged_by_all += judged_by_all_;
  }

 private:
  Judgements Judge() const { return JudgeAll({program_, *edited_, holidays_, now_}); }

  // Of a row that there was not yet nothing was said.
  static Verdict VerdictIn(const Judgements& judged, uint32_t rule, uint32_t row) {
    return row < judged[rule].size() ? judged[rule][row].verdict : Verdict::kNoMatch;
  }

  void Step() {
    std::vector<RowChange> changes;
    if (!choice_.OneIn(3)) {
      ChangeFacts(choice_, *schema_, now_, facts_);
      EditTowards(*editor_, *edited_, facts_.Build(program_.columns), program_.columns);
      changes = editor_->Finish();
    }
    if (choice_.OneIn(2)) PassTime();
    const std::vector<Conclusion> conclusions = evaluator_->Advance(changes, now_);
    const Judgements before = std::exchange(judged_, Judge());
    conclusion_count_ += conclusions.size();
    size_t next = 0;
    for (uint32_t rule = 0; rule < judged_.size(); ++rule) {
      for (uint32_t row = 0; row < judged_[rule].size(); ++row) {
        ++judged_by_all_;
        const Verdict was = VerdictIn(before, rule, row);
        const Verdict is = judged_[rule][row].verdict;
        if (was == is) continue;
        CAPTURE(rule);
        CAPTURE(row);
        REQUIRE(next < conclusions.size());
        const Conclusion& conclusion = conclusions[next++];
        CHECK(conclusion.rule == rule);
        CHECK(conclusion.row == RowId(row));
        CHECK(conclusion.before == was);
        CHECK(conclusion.after == is);
        CHECK(conclusion.error == judged_[rule][row].error);
      }
    }
    CHECK(next == conclusions.size());
    CheckState();
  }

  // To a deadline, to just before it, beyond it.
  void PassTime() {
    int64_t soonest = Instant::Never().micros;
    for (uint32_t rule = 0; rule < judged_.size(); ++rule) {
      const EntityId entity = program_.rules[rule].entity;
      for (uint32_t row = 0; row < judged_[rule].size(); ++row) {
        soonest = std::min(soonest, evaluator_->deadline(entity, RowId(row)).micros);
      }
    }
    CHECK(evaluator_->WakeAt().micros <= soonest);
    int64_t next = now_.micros + choice_.Between(0, 40 * kMicrosPerDay);
    if (soonest < kLastInstant.micros && !choice_.OneIn(4)) {
      next = soonest + choice_.OneOf({int64_t{-1}, int64_t{0}, kMicrosPerHour});
    }
    if (next > now_.micros && next < kLastInstant.micros) now_.micros = next;
  }

  void CheckState() const {
    std::vector<std::vector<int64_t>> soonest(schema_->entities().size());
    for (uint32_t e = 0; e < soonest.size(); ++e) {
      soonest[e].assign(edited_->table(EntityId(e)).row_count(), Instant::Never().micros);
    }
    for (uint32_t rule = 0; rule < judged_.size(); ++rule) {
      CAPTURE(rule);
      auto& deadlines = soonest[program_.rules[rule].entity.index()];
      for (uint32_t row = 0; row < judged_[rule].size(); ++row) {
        CAPTURE(row);
        CHECK(evaluator_->verdict(rule, RowId(row)) == judged_[rule][row].verdict);
        deadlines[row] = std::min(deadlines[row], judged_[rule][row].deadline.micros);
      }
    }
    for (const ir::Rule& rule : program_.rules) {
      const auto& deadlines = soonest[rule.entity.index()];
      for (uint32_t row = 0; row < deadlines.size(); ++row) {
        const int64_t deadline = evaluator_->deadline(rule.entity, RowId(row)).micros;
        if (deadline == deadlines[row]) continue;
        CAPTURE(row);
        CheckNothingChangesBefore(deadline, rule.entity, RowId(row));
      }
    }
  }

  // A deadline need not be the tightest: a row that is judged anew for no reason may get another
  // one, sooner or later. Both are right as long as nothing changes before.
  void CheckNothingChangesBefore(int64_t deadline, EntityId entity, RowId row) const {
    CHECK(deadline > now_.micros);
    const Instant last{std::min(deadline - 1, now_.micros + 400 * kMicrosPerDay)};
    const EvaluationInput input{program_, *edited_, holidays_, last};
    ReferenceEvaluator then(input);
    for (uint32_t rule = 0; rule < judged_.size(); ++rule) {
      if (program_.rules[rule].entity != entity) continue;
      CAPTURE(rule);
      CHECK(then.Judge(rule, row).verdict == judged_[rule][row.index()].verdict);
    }
  }

  RandomChoice choice_;
  std::shared_ptr<const Schema> schema_;
  Instant now_;
  FactBaseBuilder facts_;
  ir::Program program_;
  Holidays holidays_;
  std::unique_ptr<FactBase> edited_;
  std::unique_ptr<FactEditor> editor_;
  std::unique_ptr<IncrementalEvaluator> evaluator_;
  Judgements judged_;
  uint64_t conclusion_count_ = 0;
  uint64_t judged_by_all_ = 0;
};

void CheckHistory(uint64_t seed, HistoryTotals& totals) {
  CAPTURE(seed);
  History(seed).Run(totals);
}

TEST_CASE("at every step of a history the incremental evaluator says what judging anew says") {
  HistoryTotals totals;
  if (const uint64_t only = NumberFromEnvironment("RESCIND_WORLD", 0)) {
    CheckHistory(only, totals);
    return;
  }
  const uint64_t count = NumberFromEnvironment("RESCIND_WORLDS", kHistoryCount);
  RandomChoice seeds(TestSeed());
  for (uint64_t i = 0; i < count; ++i) {
    CheckHistory(static_cast<uint64_t>(seeds.Between(1, INT64_MAX - 1)), totals);
  }
  MESSAGE(fmt::format("steps {}, conclusions {}, due {}, judged {} instead of {}", totals.steps,
                      totals.conclusions, totals.due, totals.judged, totals.judged_by_all));
  CHECK(totals.conclusions > count);
  CHECK(totals.due > count);
  CHECK(totals.judged < totals.judged_by_all / 2);
}

TEST_CASE("histories in which something was once wrong") {
  HistoryTotals totals;
  for (const uint64_t seed : kBrokenHistories) CheckHistory(seed, totals);
}

}  // namespace
}  // namespace rescind::eval
