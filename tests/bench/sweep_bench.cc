// Warm sweeps over columns in memory: all twelve policies at once, each by itself, and the same in
// SQL by a peer. Deadlines are computed as well.
#include <fmt/format.h>

#include <cstdio>
#include <map>
#include <nlohmann/json.hpp>

#include "engine/compile/columns.h"
#include "engine/eval/sweep.h"
#include "runtime/env/process.h"
#include "tests/bench/bench.h"
#include "tests/bench/population_facts.h"
#include "tests/bench/population_files.h"

namespace rescind::bench {
namespace {

constexpr uint32_t kThreads = 2;

struct PeerTimes {
  std::string peer;
  std::map<std::string, double> median_ms;  // by policy
  std::map<std::string, double> median_cpu_ms;
};

// "bench.grants.moved" is "moved" in SQL.
std::string ShortName(const ir::Rule& rule) {
  return rule.full_name.substr(rule.full_name.rfind('.') + 1);
}

Status WriteOurRows(const BenchSetting& setting, const ir::Program& program,
                    const eval::SweepResult& sweep, const std::string& folder) {
  nlohmann::json names = nlohmann::json::array();
  for (size_t i = 0; i < program.rules.size(); ++i) {
    const std::string name = ShortName(program.rules[i]);
    names.push_back(name);
    std::string rows;
    for (const RowId row : sweep.rules[i].matches) rows += fmt::format("{}\n", row.index());
    RESCIND_TRY(
        setting.files.WriteAtomically(fmt::format("{}/{}.rows", folder, name), rows, kPublicMode));
  }
  return setting.files.WriteAtomically(folder + "/policies.json", names.dump(), kPublicMode);
}

// Nothing when the peer is not installed. An error when it finds other rows than we do.
Result<std::optional<PeerTimes>> RunPeer(const BenchSetting& setting, const BenchSubject& subject,
                                         const FactBase& facts, const eval::SweepResult& sweep) {
  const std::string here = setting.source_folder + "/tests/bench";
  if (!setting.with_peer || !setting.files.Exists(here + "/node_modules/@duckdb/node-api")) {
    fmt::print(
        stderr, "the peer is left out: {}\n",
        setting.with_peer ? "`./dev bench` installs it in tests/bench/node_modules" : "--no-peer");
    return std::optional<PeerTimes>();
  }
  const std::string folder = setting.folder + "/peer";
  RESCIND_TRY(setting.files.MakeDirectories(folder, 0755));
  RESCIND_TRY(WritePeerFiles(subject.population, facts, folder));
  RESCIND_TRY(WriteOurRows(setting, subject.program, sweep, folder));
  std::string now = FormatInstant(kBenchNow);
  now.pop_back();
  ProcessRequest request;
  request.argv = {"node",
                  here + "/peers/duckdb.mjs",
                  folder,
                  here + "/peers",
                  now,
                  std::to_string(setting.rounds),
                  folder + "/result.json"};
  request.environment = {{"PATH", "/usr/local/bin:/usr/bin:/bin"}, {"HOME", folder}};
  request.time_limit = std::chrono::minutes(30);
  RESCIND_ASSIGN(const ProcessResult run, SystemProcessRunner().Run(request));
  if (run.end != ProcessEnd::kExited || run.exit_status != 0) {
    return Error{ErrorKind::kInvalidInput, "the peer disagrees or failed:\n" + run.errors,
                 "nothing was timed; the rows above say where the two differ"};
  }
  RESCIND_ASSIGN(const std::string text, setting.files.Read(folder + "/result.json", 1 << 20));
  const auto result = nlohmann::json::parse(text);
  PeerTimes times{result["peer"], {}, {}};
  for (const auto& policy : result["policies"]) {
    times.median_ms[policy["policy"]] = policy["median_ms"];
    times.median_cpu_ms[policy["policy"]] = policy["median_cpu_ms"];
  }
  RESCIND_TRY(setting.files.RemoveRecursively(folder));
  return std::optional<PeerTimes>(std::move(times));
}

struct TimedSweep {
  double median_ms = 0;
  double median_cpu_ms = 0;
  eval::SweepResult result;
};

TimedSweep TimeSweep(const eval::EvaluationInput& input, const eval::SweepOptions& options,
                     uint32_t rounds) {
  TimedSweep timed;
  std::vector<double> times, cpu_times;
  timed.result = eval::SweepFacts(input, options);  // warms caches and what is bound once
  for (uint32_t round = 0; round < rounds; ++round) {
    const Stopwatch watch;
    timed.result = eval::SweepFacts(input, options, std::move(timed.result));
    times.push_back(watch.Milliseconds());
    cpu_times.push_back(watch.CpuMilliseconds());
  }
  timed.median_ms = MedianOf(times);
  timed.median_cpu_ms = MedianOf(cpu_times);
  return timed;
}

std::vector<std::pair<std::string, uint64_t>> CountersOf(const TimedSweep& timed, uint64_t matches,
                                                         uint64_t undecided) {
  const eval::SweepResult& sweep = timed.result;
  return {{"rows_judged", sweep.counters.rows_judged},
          {"nodes_evaluated", sweep.counters.nodes_evaluated},
          {"members_visited", sweep.counters.members_visited},
          {"rows_pushed_down", sweep.counters.rows_pushed_down},
          {"matches", matches},
          {"undecided", undecided},
          {"cpu_us", static_cast<uint64_t>(timed.median_cpu_ms * 1000)}};
}

std::optional<PeerFigure> PeerOf(const std::optional<PeerTimes>& times, double peer_ms,
                                 double our_ms) {
  if (!times) return std::nullopt;
  return PeerFigure{times->peer, peer_ms, peer_ms / our_ms};
}

double SumOf(const std::map<std::string, double>& times) {
  double sum = 0;
  for (const auto& [policy, time] : times) sum += time;
  return sum;
}

// All twelve in one sweep beside twelve queries of the peer, in wall time and in processor time.
void AddTotals(const BenchSetting& setting, const TimedSweep& all,
               const std::optional<PeerTimes>& peer) {
  uint64_t matches = 0, undecided = 0;
  for (const eval::RuleOutcome& outcome : all.result.rules) {
    matches += outcome.matches.size();
    undecided += outcome.undecided.size();
  }
  const double peer_ms = peer ? SumOf(peer->median_ms) : 0;
  const double peer_cpu_ms = peer ? SumOf(peer->median_cpu_ms) : 0;
  setting.figures.Add({.name = "sweep/total",
                       .value = all.median_ms,
                       .unit = "ms",
                       .at_least = {},
                       .at_most = {},
                       .counters = CountersOf(all, matches, undecided),
                       .peer = PeerOf(peer, peer_ms, all.median_ms),
                       .remark = "12 policies in one sweep, with deadlines"});
  setting.figures.Add({.name = "sweep/total/cpu",
                       .value = all.median_cpu_ms,
                       .unit = "ms",
                       .at_least = {},
                       .at_most = {},
                       .peer = PeerOf(peer, peer_cpu_ms, all.median_cpu_ms),
                       .remark = "processor time of all threads"});
  if (!peer) return;
  setting.figures.Add({.name = "sweep/total/ratio",
                       .value = peer_ms / all.median_ms,
                       .unit = "times",
                       .at_least = 8,
                       .at_most = {},
                       .remark = "faster than " + peer->peer});
}

void AddSingleSweep(const BenchSetting& setting, const BenchSubject& subject,
                    const eval::EvaluationInput& input, uint32_t rule,
                    const std::optional<PeerTimes>& peer) {
  const ir::Rule& policy = subject.program.rules[rule];
  const std::string name = ShortName(policy);
  eval::SweepOptions options;
  options.threads = kThreads;
  options.rules = {rule};
  const TimedSweep timed = TimeSweep(input, options, setting.rounds);
  const uint64_t rows = input.facts.table(policy.entity).row_count();
  const auto& outcome = timed.result.rules[rule];
  const auto peer_ms = peer ? peer->median_ms.at(name) : 0;
  setting.figures.Add(
      {.name = "sweep/" + name,
       .value = timed.median_ms,
       .unit = "ms",
       .at_least = {},
       .at_most = {},
       .counters = CountersOf(timed, outcome.matches.size(), outcome.undecided.size()),
       .peer = PeerOf(peer, peer_ms, timed.median_ms)});
  // Policies that look at members of collections have no bar for a row.
  const bool joins =
      name != "expired_grant" && name != "contract_ended" && name != "session_too_old";
  const bool has_bar = timed.result.counters.members_visited == 0;
  setting.figures.Add({.name = "sweep/" + name + "/row",
                       .value = timed.median_cpu_ms * 1e6 / static_cast<double>(rows),
                       .unit = "ns/row",
                       .at_least = {},
                       .at_most = has_bar ? std::optional<double>(joins ? 15 : 2) : std::nullopt,
                       .remark = "a row and core: processor time"});
}

void AddMemory(const BenchSetting& setting, const BenchSubject& subject, const FactBase& facts) {
  const Schema& schema = *subject.schema;
  const EntityId grant = *schema.Find("grant");
  const Table& table = facts.table(grant);
  uint64_t columns = 0;
  for (uint32_t f = 0; f < schema.entity(grant).fields.size(); ++f) {
    if (table.has(FieldId(f))) columns += table.column(FieldId(f)).memory_bytes();
  }
  const EntityId account = *schema.Find("account");
  const auto grants = *schema.entity(account).Find("grants");
  const uint64_t inverse = facts.table(account).inverse(grants).memory_bytes();
  const uint64_t presence = uint64_t{table.row_count()} * 2;
  const uint64_t deadlines = uint64_t{table.row_count()} * sizeof(Instant);
  setting.figures.Add(
      {.name = "memory/grant",
       .value = static_cast<double>(columns + inverse + presence + deadlines) / table.row_count(),
       .unit = "bytes",
       .at_least = {},
       .at_most = 64,
       .counters = {{"columns", columns},
                    {"inverse_index", inverse},
                    {"presence", presence},
                    {"deadlines", deadlines},
                    {"whole_fact_base", facts.memory_bytes()}}});
}

}  // namespace

Status RunSweepBench(const BenchSetting& setting, const BenchSubject& subject) {
  const FactBase facts =
      FillFacts(subject.population, subject.schema, compile::ColumnsOf(subject.program));
  const Holidays holidays;
  const eval::EvaluationInput input{subject.program, facts, holidays, kBenchNow};
  if (!setting.policy.empty()) {
    for (uint32_t rule = 0; rule < subject.program.rules.size(); ++rule) {
      if (ShortName(subject.program.rules[rule]) != setting.policy) continue;
      AddSingleSweep(setting, subject, input, rule, {});
      return {};
    }
    return Error{ErrorKind::kInvalidInput, "policies/bench has no policy " + setting.policy, ""};
  }
  eval::SweepOptions options;
  options.threads = kThreads;
  RESCIND_ASSIGN(const auto peer,
                 RunPeer(setting, subject, facts, eval::SweepFacts(input, options)));
  const TimedSweep all = TimeSweep(input, options, setting.rounds);
  AddTotals(setting, all, peer);
  for (uint32_t rule = 0; rule < subject.program.rules.size(); ++rule) {
    AddSingleSweep(setting, subject, input, rule, peer);
  }
  AddMemory(setting, subject, facts);
  return {};
}

}  // namespace rescind::bench
