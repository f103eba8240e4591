#include "tests/bench/figure.h"

#include <fmt/format.h>
#include <stdlib.h>
#include <time.h>

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <thread>

#include "runtime/env/clock.h"

namespace rescind::bench {
namespace {

int64_t ReadNanos(clockid_t clock) {
  timespec time{};
  clock_gettime(clock, &time);
  return int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

std::string FormatNumber(double value) {
  if (value >= 1'000'000) return fmt::format("{:.2f} M", value / 1'000'000);
  if (value >= 10'000) return fmt::format("{:.0f} k", value / 1'000);
  return value >= 100 ? fmt::format("{:.0f}", value) : fmt::format("{:.2f}", value);
}

std::string FormatBar(const Figure& figure) {
  if (figure.at_least) return fmt::format("≥ {}", FormatNumber(*figure.at_least));
  if (figure.at_most) return fmt::format("≤ {}", FormatNumber(*figure.at_most));
  return "–";
}

double LoadAverage() {
  double load = 0;
  return getloadavg(&load, 1) == 1 ? load : -1;
}

}  // namespace

std::optional<bool> Figure::Reaches() const {
  if (at_least) return value >= *at_least;
  if (at_most) return value <= *at_most;
  return std::nullopt;
}

void FigureList::Add(Figure figure) {
  const auto reaches = figure.Reaches();
  std::string line = fmt::format("{:<42} {:>10} {:<10} bar {:<10} {:<6}", figure.name,
                                 FormatNumber(figure.value), figure.unit, FormatBar(figure),
                                 !reaches   ? ""
                                 : *reaches ? "ok"
                                            : "MISSED");
  if (figure.peer) {
    line += fmt::format("  {} {} {}: {:.1f}x", figure.peer->peer, FormatNumber(figure.peer->value),
                        figure.unit, figure.peer->ratio);
  }
  for (const auto& [name, count] : figure.counters) line += fmt::format("  {} {}", name, count);
  if (!figure.remark.empty()) line += "  (" + figure.remark + ")";
  fmt::print("{}\n", line);
  std::fflush(stdout);
  figures_.push_back(std::move(figure));
}

Status FigureList::Write(const std::string& path, double scale, FileSystem& files) const {
  using Json = nlohmann::ordered_json;
  Json list = Json::array();
  for (const Figure& figure : figures_) {
    Json entry = {{"name", figure.name}, {"value", figure.value}, {"unit", figure.unit}};
    if (figure.at_least) entry["at_least"] = *figure.at_least;
    if (figure.at_most) entry["at_most"] = *figure.at_most;
    if (const auto reaches = figure.Reaches()) entry["reached"] = *reaches;
    Json counters = Json::object();
    for (const auto& [name, count] : figure.counters) counters[name] = count;
    entry["counters"] = std::move(counters);
    if (figure.peer) {
      entry["peer"] = {{"name", figure.peer->peer},
                       {"value", figure.peer->value},
                       {"ratio", figure.peer->ratio}};
    }
    if (!figure.remark.empty()) entry["remark"] = figure.remark;
    list.push_back(std::move(entry));
  }
  const Json whole = {{"format", "rescind.bench/1"},
                      {"measured_at", FormatInstant(SystemClock().Now())},
                      {"processors", std::thread::hardware_concurrency()},
                      {"load_average", LoadAverage()},
                      {"scale", scale},
                      {"figures", std::move(list)}};
  return files.WriteAtomically(path, whole.dump(2) + "\n", kPublicMode);
}

double MedianOf(std::vector<double> times) {
  std::sort(times.begin(), times.end());
  return times[times.size() / 2];
}

Stopwatch::Stopwatch()
    : begin_nanos_(ReadNanos(CLOCK_MONOTONIC)),
      begin_cpu_nanos_(ReadNanos(CLOCK_PROCESS_CPUTIME_ID)) {}

double Stopwatch::Milliseconds() const {
  return static_cast<double>(ReadNanos(CLOCK_MONOTONIC) - begin_nanos_) / 1e6;
}

double Stopwatch::CpuMilliseconds() const {
  return static_cast<double>(ReadNanos(CLOCK_PROCESS_CPUTIME_ID) - begin_cpu_nanos_) / 1e6;
}

}  // namespace rescind::bench
