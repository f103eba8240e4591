// Figure: one measured number with its unit, its bar, what work it stands for and how a peer did.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/base/result.h"
#include "runtime/env/file_system.h"

namespace rescind::bench {

struct PeerFigure {
  std::string peer;  // "DuckDB v1.4.4"
  double value = 0;  // in the figure's unit
  double ratio = 0;  // how many times faster we are
};

struct Figure {
  std::string name;  // "sweep/total"
  double value = 0;
  std::string unit;  // "ms", "rows/s", "ns/row"
  // What is to be reached at scale 1; none: the number only informs.
  std::optional<double> at_least;
  std::optional<double> at_most;
  std::vector<std::pair<std::string, uint64_t>> counters = {};  // work done
  std::optional<PeerFigure> peer = {};
  std::string remark = {};

  // nullopt without a bar.
  std::optional<bool> Reaches() const;
};

// Collects figures and prints each at once.
class FigureList {
 public:
  void Add(Figure figure);
  const std::vector<Figure>& figures() const { return figures_; }
  // "rescind.bench/1", with what the numbers were measured on.
  Status Write(const std::string& path, double scale, FileSystem& files) const;

 private:
  std::vector<Figure> figures_;
};

// Of an odd or even number of times; never of none.
double MedianOf(std::vector<double> times);

// Monotonic time since it was made, and what this process spent on processors meanwhile, all
// threads together: on a machine with other work the two drift apart, and the second is what the
// code costs.
class Stopwatch {
 public:
  Stopwatch();
  double Milliseconds() const;
  double CpuMilliseconds() const;

 private:
  int64_t begin_nanos_;
  int64_t begin_cpu_nanos_;
};

}  // namespace rescind::bench
