// A real store on the real disk: imports, cold plans on what they left, durable changes.
#include <fmt/format.h>

#include <fstream>
#include <sstream>

#include "runtime/env/clock.h"
#include "runtime/env/random.h"
#include "runtime/plan/plan_table.h"
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

  StoreEnvironment store_environment() { return {files, clock, random}; }
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
                 OpenWorkspaceStore(scene.workspace, subject.schema, scene.store_environment()));
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

struct ColdPlan {
  double open_ms = 0;
  double derive_ms = 0;
  double print_ms = 0;
  double cpu_ms = 0;
  uint64_t rows_judged = 0;
  uint64_t actions = 0;

  double total_ms() const { return open_ms + derive_ms + print_ms; }
};

Result<ColdPlan> TimePlan(Scene& scene, bool close) {
  ColdPlan cold;
  const Stopwatch watch;
  RESCIND_ASSIGN(const auto pipeline,
                 Pipeline::Open(scene.workspace, {scene.files, scene.clock, scene.random},
                                PipelinePurpose::kRead));
  cold.open_ms = watch.Milliseconds();
  RESCIND_ASSIGN(const auto derivation, pipeline->Derive({}));
  cold.derive_ms = watch.Milliseconds() - cold.open_ms;
  const std::string text = FormatPlan(derivation->outcome.plan, {});
  cold.print_ms = watch.Milliseconds() - cold.open_ms - cold.derive_ms;
  cold.cpu_ms = watch.CpuMilliseconds();
  cold.rows_judged = derivation->sweep.counters.rows_judged;
  cold.actions = derivation->outcome.plan.actions.size();
  if (close) RESCIND_TRY(pipeline->Close());
  return cold;
}

Status TimePlans(const BenchSetting& setting, Scene& scene) {
  // Each leaves the store as the next one finds it: not closed, closed.
  for (const bool clean : {false, true}) {
    std::vector<double> times;
    ColdPlan last;
    for (uint32_t round = 0; round < 3; ++round) {
      RESCIND_ASSIGN(last, TimePlan(scene, clean || round == 2));
      times.push_back(last.total_ms());
    }
    setting.figures.Add({.name = clean ? "plan/cold" : "plan/cold_after_unclean_end",
                         .value = MedianOf(times),
                         .unit = "ms",
                         .at_least = {},
                         .at_most = setting.scale >= 1 ? 1'500 : 250,
                         .counters = {{"rows_judged", last.rows_judged},
                                      {"actions", last.actions},
                                      {"open_ms", static_cast<uint64_t>(last.open_ms)},
                                      {"derive_ms", static_cast<uint64_t>(last.derive_ms)},
                                      {"print_ms", static_cast<uint64_t>(last.print_ms)},
                                      {"cpu_ms", static_cast<uint64_t>(last.cpu_ms)}},
                         .remark = "policies compiled, store opened, loaded, swept, planned, "
                                   "table of 50 rows"});
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
                 OpenWorkspaceStore(scene.workspace, subject.schema, scene.store_environment()));
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
