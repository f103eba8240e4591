// Single changes of facts and passing time, in process: from the edit of the columns to the
// conclusions. Each kind of change at random rows; the tail counts, and so do the rows judged.
#include <fmt/format.h>

#include <algorithm>
#include <random>
#include <vector>

#include "engine/compile/columns.h"
#include "engine/eval/incremental_evaluator.h"
#include "engine/facts/fact_editor.h"
#include "tests/bench/bench.h"
#include "tests/bench/population_facts.h"

namespace rescind::bench {
namespace {

constexpr uint32_t kChangeCount = 20'000;

struct Latencies {
  std::vector<double> micros;

  double At(double share) {
    const auto at =
        micros.begin() + static_cast<ptrdiff_t>(share * static_cast<double>(micros.size() - 1));
    std::nth_element(micros.begin(), at, micros.end());
    return *at;
  }
};

class IncrementalBench {
 public:
  IncrementalBench(const BenchSetting& setting, const BenchSubject& subject)
      : setting_(setting),
        schema_(*subject.schema),
        facts_(FillFacts(subject.population, subject.schema, compile::ColumnsOf(subject.program))),
        editor_(facts_),
        evaluator_(subject.program, facts_, holidays_, kBenchNow) {}

  // A change of one field of a live row; `value`: what its column is to hold.
  template <typename Value>
  void Change(const std::string& name, const char* entity_name, const char* field_name,
              const Value& value, std::optional<double> bar) {
    const EntityId entity = *schema_.Find(entity_name);
    const FieldId field = *schema_.entity(entity).Find(field_name);
    const Table& table = facts_.table(entity);
    const eval::IncrementalCounters before = evaluator_.counters();
    Latencies latencies;
    uint64_t conclusion_count = 0;
    for (uint32_t i = 0; i < kChangeCount; ++i) {
      const RowId row(static_cast<uint32_t>(dice_() % table.row_count()));
      if (table.presence(row) != Presence::kLive) continue;
      const Stopwatch watch;
      editor_.SetValue(entity, field, row, value(row));
      conclusion_count += evaluator_.Advance(editor_.Finish(), now_).size();
      latencies.micros.push_back(watch.Milliseconds() * 1000);
    }
    const eval::IncrementalCounters after = evaluator_.counters();
    setting_.figures.Add(
        {.name = "incremental/" + name + "/p99",
         .value = latencies.At(0.99),
         .unit = "us",
         .at_least = {},
         .at_most = bar,
         .counters = {{"changes", latencies.micros.size()},
                      {"rows_judged", after.rows_judged - before.rows_judged},
                      {"rows_visited", after.rows_visited - before.rows_visited},
                      {"conclusions", conclusion_count},
                      {"median_ns", static_cast<uint64_t>(latencies.At(0.5) * 1000)}},
         .remark = "one fact to its conclusions"});
  }

  // A day passes, in steps to where the evaluator wants to be woken.
  void PassTime() {
    const eval::IncrementalCounters before = evaluator_.counters();
    const Instant end{now_.micros + kMicrosPerDay};
    Latencies latencies;
    uint64_t conclusion_count = 0;
    const Stopwatch whole;
    while (evaluator_.WakeAt() <= end && latencies.micros.size() < 200'000) {
      now_ = evaluator_.WakeAt();
      const Stopwatch watch;
      conclusion_count += evaluator_.Advance({}, now_).size();
      latencies.micros.push_back(watch.Milliseconds() * 1000);
    }
    const eval::IncrementalCounters after = evaluator_.counters();
    setting_.figures.Add({.name = "incremental/tick/p99",
                          .value = latencies.At(0.99),
                          .unit = "us",
                          .at_least = {},
                          .at_most = {},
                          .counters = {{"ticks", latencies.micros.size()},
                                       {"rows_due", after.rows_due - before.rows_due},
                                       {"rows_judged", after.rows_judged - before.rows_judged},
                                       {"conclusions", conclusion_count},
                                       {"whole_ms", static_cast<uint64_t>(whole.Milliseconds())}},
                          .remark = "up to a day, one step an instant"});
  }

  // Much falls due at once.
  void PassMonth() {
    const eval::IncrementalCounters before = evaluator_.counters();
    now_.micros += 30 * kMicrosPerDay;
    const Stopwatch watch;
    const uint64_t conclusion_count = evaluator_.Advance({}, now_).size();
    const double spent_ms = watch.Milliseconds();
    const uint64_t due_count = evaluator_.counters().rows_due - before.rows_due;
    setting_.figures.Add({.name = "incremental/due_at_once",
                          .value = static_cast<double>(due_count) / spent_ms * 1000,
                          .unit = "rows/s",
                          .at_least = 1e6,
                          .at_most = {},
                          .counters = {{"rows_due", due_count}, {"conclusions", conclusion_count}},
                          .remark = "a month in one step"});
  }

  void AddMemory() {
    const uint64_t grants = facts_.table(*schema_.Find("grant")).row_count();
    setting_.figures.Add(
        {.name = "incremental/memory",
         .value = static_cast<double>(evaluator_.memory_bytes()) / static_cast<double>(grants),
         .unit = "bytes/grant",
         .at_least = {},
         .at_most = {},
         .counters = {{"facts", facts_.memory_bytes()}},
         .remark = "deadlines and verdicts of all entities"});
  }

  Instant now() const { return now_; }

 private:
  const BenchSetting& setting_;
  const Schema& schema_;
  const Holidays holidays_;
  FactBase facts_;
  FactEditor editor_;
  eval::IncrementalEvaluator evaluator_;
  Instant now_ = kBenchNow;
  std::mt19937_64 dice_{7};
};

}  // namespace

Status RunIncrementalBench(const BenchSetting& setting, const BenchSubject& subject) {
  constexpr double kBarMicros = 50;
  IncrementalBench bench(setting, subject);
  bench.AddMemory();
  const auto now = [&](RowId row) { return bench.now().micros - row.index() % 1000; };
  bench.Change("last_used", "grant", "last_used", now, kBarMicros);
  bench.Change("last_login", "account", "last_login", now, kBarMicros);
  bench.Change(
      "identity_status", "identity", "status", [](RowId row) { return row.index() % 4; },
      kBarMicros);
  bench.Change(
      "owner", "account", "owner", [](RowId row) { return row.index() / 2; }, kBarMicros);
  bench.PassTime();
  bench.PassMonth();
  return {};
}

}  // namespace rescind::bench
