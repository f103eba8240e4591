// A real store on the real disk: imports, cold plans on what they left, durable changes.
#include <fmt/format.h>
#include <sys/resource.h>

#include <chrono>
#include <fstream>
#include <sstream>

#include "runtime/env/clock.h"
#include "runtime/env/process.h"
#include "runtime/env/random.h"
#include "runtime/service/import_desk.h"
#include "runtime/service/pipeline.h"
#include "tests/bench/bench.h"
#include "tests/bench/population_files.h"

namespace rescind::bench {
namespace {

// A workspace in a folder of its own, whose clock stands at kBenchNow.
struct Scene {
  explicit Scene(FileSystem& file_system) : files(file_system) {}
  FileSystem& files;
  VirtualClock clock{kBenchNow};
  SystemRandom random;
  Workspace workspace;

  ServiceEnvironment environment() { return {files, clock, random}; }
};

Status MakeWorkspace(const BenchSetting& setting, const std::string& folder, Scene& scene) {
  RESCIND_TRY(setting.files.MakeDirectories(folder + "/policies", 0755));
  RESCIND_ASSIGN(const auto sources,
                 FindPolicyFiles({"policies/bench"}, setting.source_folder, setting.files));
  for (const PolicyFile& file : sources) {
    RESCIND_ASSIGN(const std::string text, ReadPolicyText(file.path, setting.files));
    const std::string name = file.path.substr(file.path.rfind('/') + 1);
    RESCIND_TRY(setting.files.WriteAtomically(folder + "/policies/" + name, text, kPublicMode));
  }
  RESCIND_TRY(setting.files.WriteAtomically(folder + "/rescind.toml", InitialWorkspaceFile("UTC"),
                                            kPublicMode));
  RESCIND_ASSIGN(scene.workspace, LoadWorkspace(folder, {}, setting.files));
  return {};
}

Result<ImportSummary> ImportInto(Scene& scene, Store& store,
                                 const std::vector<std::string>& paths) {
  ImportRequest request;
  request.files = paths;
  request.source = "bench";
  request.observed_at = kBenchNow;
  std::istringstream nothing;
  RESCIND_ASSIGN(ImportSummary summary,
                 ImportFeeds(request, scene.workspace, store, {scene.files, nothing, scene.clock}));
  if (!summary.is_committed) {
    return Error{ErrorKind::kInvalidInput, "the files of the bench have bad lines", ""};
  }
  return summary;
}

// Imports everything in one format. The store is let go of without closing it.
Status TimeImport(const BenchSetting& setting, const BenchSubject& subject, Scene& scene,
                  FileFormat format) {
  const bool is_json = format == FileFormat::kNdjson;
  const std::string folder = setting.folder + (is_json ? "/ndjson" : "/csv");
  RESCIND_TRY(setting.files.MakeDirectories(folder + "/files", 0755));
  RESCIND_TRY(MakeWorkspace(setting, folder, scene));
  RESCIND_ASSIGN(const WrittenFiles files,
                 WriteImportFiles(subject.population, *subject.schema, format, folder + "/files"));
  RESCIND_ASSIGN(WorkspaceStore opened,
                 OpenWorkspaceStore(scene.workspace, subject.schema, scene.environment()));
  const Stopwatch watch;
  RESCIND_ASSIGN(const ImportSummary summary, ImportInto(scene, *opened.store, files.paths));
  const double millis = watch.Milliseconds();
  const auto cpu_millis = static_cast<uint64_t>(watch.CpuMilliseconds());
  setting.figures.Add({.name = is_json ? "import/ndjson" : "import/csv",
                       .value = static_cast<double>(files.rows) / millis * 1000,
                       .unit = "rows/s",
                       .at_least = is_json ? 500'000 : 700'000,
                       .at_most = {},
                       .counters = {{"rows", files.rows},
                                    {"bytes", files.bytes},
                                    {"rows_added", summary.commit.rows_added},
                                    {"ms", static_cast<uint64_t>(millis)},
                                    {"cpu_ms", cpu_millis}},
                       .remark = "all entities in one import, durable at the end"});
  RESCIND_ASSIGN(const WrittenFiles later,
                 WriteLaterFile(subject.population, *subject.schema, folder + "/files"));
  RESCIND_TRY(ImportInto(scene, *opened.store, later.paths));
  return setting.files.RemoveRecursively(folder + "/files");
}

// What is in a plan, from one that this process makes. The store is let go of without closing it
// unless `close`.
struct PlanContents {
  uint64_t rows_judged = 0;
  uint64_t actions = 0;
};

Result<PlanContents> MakePlan(Scene& scene, bool close) {
  RESCIND_ASSIGN(const auto pipeline,
                 Pipeline::Open(scene.workspace, {scene.files, scene.clock, scene.random},
                                PipelinePurpose::kRead));
  RESCIND_ASSIGN(const auto derivation, pipeline->Derive({}));
  PlanContents contents;
  contents.rows_judged = derivation->sweep.counters.rows_judged;
  contents.actions = derivation->outcome.plan.actions.size();
  if (close) RESCIND_TRY(pipeline->Close());
  return contents;
}

struct ColdPlan {
  double ms = 0;
  double cpu_ms = 0;
};

double CpuMillisecondsOfChildren() {
  rusage used{};
  ::getrusage(RUSAGE_CHILDREN, &used);
  const auto millis = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) * 1e3 + static_cast<double>(time.tv_usec) / 1e3;
  };
  return millis(used.ru_utime) + millis(used.ru_stime);
}

// The program itself, from its start to its end.
Result<ColdPlan> TimePlan(const Scene& scene) {
  ProcessRequest request;
  request.argv = {RESCIND_PROGRAM, "--workspace", scene.workspace.folder,
                  "plan",          "--now",       FormatInstant(kBenchNow)};
  request.time_limit = std::chrono::minutes(10);
  SystemProcessRunner processes;
  const double cpu_before = CpuMillisecondsOfChildren();
  const Stopwatch watch;
  RESCIND_ASSIGN(const ProcessResult result, processes.Run(request));
  const ColdPlan cold{watch.Milliseconds(), CpuMillisecondsOfChildren() - cpu_before};
  if (result.end != ProcessEnd::kExited || result.exit_status != 0) {
    return Error{ErrorKind::kUnavailable, "`rescind plan` failed: " + result.errors, ""};
  }
  return cold;
}

Status TimePlans(const BenchSetting& setting, Scene& scene) {
  // Each kind of end leaves the store as the plans find it: not closed, closed.
  for (const bool clean : {false, true}) {
    RESCIND_ASSIGN(const PlanContents contents, MakePlan(scene, clean));
    std::vector<double> times;
    double cpu_ms = 0;
    for (uint32_t round = 0; round < 3; ++round) {
      RESCIND_ASSIGN(const ColdPlan cold, TimePlan(scene));
      times.push_back(cold.ms);
      cpu_ms = cold.cpu_ms;
    }
    setting.figures.Add({.name = clean ? "plan/cold" : "plan/cold_after_unclean_end",
                         .value = MedianOf(times),
                         .unit = "ms",
                         .at_least = {},
                         .at_most = setting.scale >= 1 ? 1'500 : 250,
                         .counters = {{"rows_judged", contents.rows_judged},
                                      {"actions", contents.actions},
                                      {"cpu_ms", static_cast<uint64_t>(cpu_ms)}},
                         .remark = "`rescind plan` as a process: policies compiled, store opened, "
                                   "loaded, swept, planned, table of 50 rows printed"});
  }
  return {};
}

// `last_used` of grants here and there, as a feed of sign-ins delivers it.
FactDelta MakeDelta(const BenchSubject& subject, uint32_t batch, uint32_t number) {
  const EntityId grant = *subject.schema->Find("grant");
  const FieldId last_used = *subject.schema->entity(grant).Find("last_used");
  const PopulationTable& table = subject.population.Find("grant");
  FactDelta delta({"bench", kBenchNow});
  for (uint32_t i = 0; i < batch; ++i) {
    const uint64_t place = (uint64_t{number} * batch + i) * 2'654'435'761ULL;
    delta.BeginRow(grant,
                   subject.population.Id(table, static_cast<uint32_t>(place % table.row_count())));
    delta.SetNumber(last_used, kBenchNow.micros - number - 1);
  }
  return delta;
}

Status TimeChanges(const BenchSetting& setting, const BenchSubject& subject, Scene& scene) {
  RESCIND_ASSIGN(WorkspaceStore opened,
                 OpenWorkspaceStore(scene.workspace, subject.schema, scene.environment()));
  uint32_t number = 0;
  for (const uint32_t batch : {64u, 1'000u}) {
    const uint32_t count = batch == 64 ? 2'000 : 500;
    std::vector<FactDelta> deltas;
    for (uint32_t i = 0; i < count; ++i) deltas.push_back(MakeDelta(subject, batch, ++number));
    uint64_t changed = 0;
    const Stopwatch watch;
    for (const FactDelta& delta : deltas) {
      RESCIND_ASSIGN(const CommitReport report, opened.store->Commit(delta, {}));
      changed += report.rows_changed;
    }
    const double millis = watch.Milliseconds();
    const auto cpu_millis = static_cast<uint64_t>(watch.CpuMilliseconds());
    setting.figures.Add(
        {.name = fmt::format("changes/batches_of_{}", batch),
         .value = static_cast<double>(changed) / millis * 1000,
         .unit = "changes/s",
         .at_least = batch == 64 ? 200'000 : 1'000'000,
         .at_most = {},
         .counters = {{"changes", changed}, {"commits", count}, {"cpu_ms", cpu_millis}},
         .remark = "each commit synced; one thread"});
  }
  return {};
}

}  // namespace

Status RunStoreBench(const BenchSetting& setting, const BenchSubject& subject) {
  {
    Scene scene(setting.files);
    RESCIND_TRY(TimeImport(setting, subject, scene, FileFormat::kCsv));
    RESCIND_TRY(setting.files.RemoveRecursively(scene.workspace.folder));
  }
  Scene scene(setting.files);
  RESCIND_TRY(TimeImport(setting, subject, scene, FileFormat::kNdjson));
  RESCIND_TRY(TimePlans(setting, scene));
  return TimeChanges(setting, subject, scene);
}

}  // namespace rescind::bench
