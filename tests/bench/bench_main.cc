// `build/bench`: measures, prints each figure beside its bar, and writes them as JSON.
//
// Options are few and read by hand. Status 1: something failed, or the peer found other rows; a
// missed bar is no failure, since how fast a machine is proves nothing about the code.
#include <fmt/format.h>
#include <stdlib.h>

#include <charconv>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "engine/compile/compile.h"
#include "runtime/service/policy_files.h"
#include "tests/bench/bench.h"

namespace rescind::bench {
namespace {

struct BenchOptions {
  std::string json;
  std::string only;    // sweep, incremental, store or compile; empty: all
  std::string policy;  // sweeps: of one policy; empty: all
  double scale = 1;
  uint32_t rounds = 5;
  bool with_peer = true;
};

constexpr std::string_view kUsage =
    "usage: bench [--json FILE] [--scale S] [--only sweep|incremental|store|compile]\n"
    "             [--rounds N] [--no-peer] [--policy NAME]\n"
    "  --scale S   population, 1 = 10 M grants (default), 0.1 = 1 M\n"
    "  --policy    sweeps by this policy alone, without a peer: for a profiler\n"
    "  TMPDIR      where stores and files of the benches go\n";

template <typename Number>
bool ReadNumber(std::string_view text, Number& number) {
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
  return failure == std::errc() && end == text.data() + text.size();
}

std::optional<BenchOptions> ReadOptions(int count, char** arguments) {
  BenchOptions options;
  for (int i = 1; i < count; ++i) {
    const std::string_view name = arguments[i];
    if (name == "--no-peer") {
      options.with_peer = false;
      continue;
    }
    if (i + 1 == count) return std::nullopt;
    const std::string_view value = arguments[++i];
    bool fine = true;
    if (name == "--json") {
      options.json = value;
    } else if (name == "--policy") {
      options.policy = value;
    } else if (name == "--only") {
      options.only = value;
      fine = value == "sweep" || value == "incremental" || value == "store" || value == "compile";
    } else if (name == "--scale") {
      fine = ReadNumber(value, options.scale) && options.scale > 0 && options.scale <= 10;
    } else if (name == "--rounds") {
      fine = ReadNumber(value, options.rounds) && options.rounds > 0;
    } else {
      fine = false;
    }
    if (!fine) return std::nullopt;
  }
  return options;
}

Status Run(const BenchOptions& options, const BenchSetting& setting) {
  const auto wants = [&](std::string_view name) {
    return options.only.empty() || options.only == name;
  };
  if (wants("compile")) RESCIND_TRY(RunCompileBench(setting));
  if (wants("sweep") || wants("incremental") || wants("store")) {
    RESCIND_ASSIGN(const BenchSubject subject, MakeSubject(setting));
    if (wants("sweep")) RESCIND_TRY(RunSweepBench(setting, subject));
    if (wants("incremental")) RESCIND_TRY(RunIncrementalBench(setting, subject));
    if (wants("store")) RESCIND_TRY(RunStoreBench(setting, subject));
  }
  if (!options.json.empty()) {
    RESCIND_TRY(setting.figures.Write(options.json, options.scale, setting.files));
  }
  return {};
}

int Main(int count, char** arguments) {
  const auto options = ReadOptions(count, arguments);
  if (!options) {
    fmt::print(stderr, "{}", kUsage);
    return 64;
  }
  std::string folder = (std::filesystem::temp_directory_path() / "rescind-bench-XXXXXX").string();
  if (mkdtemp(folder.data()) == nullptr) {
    fmt::print(stderr, "error: no temporary folder can be made; TMPDIR names another place\n");
    return 1;
  }
  RealFileSystem files;
  FigureList figures;
  const Status status = Run(*options, {.scale = options->scale,
                                       .rounds = options->rounds,
                                       .source_folder = RESCIND_SOURCE_FOLDER,
                                       .folder = folder,
                                       .with_peer = options->with_peer && options->policy.empty(),
                                       .policy = options->policy,
                                       .files = files,
                                       .figures = figures});
  std::error_code ignored;
  std::filesystem::remove_all(folder, ignored);
  if (status.ok()) return 0;
  fmt::print(stderr, "error: {}\n", status.error().message);
  if (!status.error().help.empty()) fmt::print(stderr, "help: {}\n", status.error().help);
  return 1;
}

}  // namespace

Result<BenchSubject> MakeSubject(const BenchSetting& setting) {
  BenchSubject subject;
  RESCIND_ASSIGN(const auto files,
                 FindPolicyFiles({"policies/bench"}, setting.source_folder, setting.files));
  RESCIND_ASSIGN(subject.policies, LoadPolicyFiles(files, setting.files));
  if (subject.policies.program == nullptr) {
    return Error{ErrorKind::kInvalidInput, "policies/bench has errors",
                 "`rescind check policies/bench` shows them"};
  }
  subject.program = compile::Compile(*subject.policies.program, {&subject.policies.sources});
  subject.schema = std::make_shared<const Schema>(subject.program.schema);
  subject.population = MakePopulation(*subject.schema, setting.scale);
  return subject;
}

}  // namespace rescind::bench

int main(int argc, char** argv) { return rescind::bench::Main(argc, argv); }
