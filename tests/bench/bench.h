// What every bench is given, and the benches. bench_main.cc runs them in order.
#pragma once

#include <memory>
#include <string>

#include "engine/base/result.h"
#include "engine/ir/program.h"
#include "runtime/env/file_system.h"
#include "runtime/service/policy_loader.h"
#include "tests/bench/figure.h"
#include "tests/bench/population.h"

namespace rescind::bench {

struct BenchSetting {
  double scale = 1;
  uint32_t rounds = 5;
  std::string source_folder;  // the repository
  std::string folder;         // temporary; the caller removes it
  bool with_peer = true;
  std::string policy;  // sweeps by this one alone; empty: by all
  FileSystem& files;
  FigureList& figures;
};

// The twelve policies, their schema and the rows that they judge. Made once.
struct BenchSubject {
  LoadedPolicies policies;
  ir::Program program;
  std::shared_ptr<const Schema> schema;
  Population population;
};

Result<BenchSubject> MakeSubject(const BenchSetting& setting);

// Warm sweeps, bytes a grant, and the SQL peer, whose rows are compared with ours first.
Status RunSweepBench(const BenchSetting& setting, const BenchSubject& subject);
// Single changes and passing time, in process.
Status RunIncrementalBench(const BenchSetting& setting, const BenchSubject& subject);
// Import of NDJSON and CSV, cold plans on the store that it left, durable changes.
Status RunStoreBench(const BenchSetting& setting, const BenchSubject& subject);
// 1,000 policies from files to a rule program.
Status RunCompileBench(const BenchSetting& setting);

}  // namespace rescind::bench
