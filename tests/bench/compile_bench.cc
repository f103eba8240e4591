// How long 1,000 policies take from files to a rule program: the twelve, over and over, with other
// names and other lengths of time.
#include <fmt/format.h>

#include <charconv>
#include <regex>

#include "engine/compile/compile.h"
#include "runtime/service/policy_files.h"
#include "tests/bench/bench.h"

namespace rescind::bench {
namespace {

constexpr uint32_t kPolicyCount = 1'000;

// One policy's text for each of the twelve.
std::vector<std::string> SplitPolicies(const std::string& text) {
  std::vector<std::string> policies;
  size_t begin = text.find("\npolicy ");
  while (begin != std::string::npos) {
    const size_t next = text.find("\npolicy ", begin + 1);
    policies.push_back(text.substr(begin + 1, next == std::string::npos ? next : next - begin));
    begin = next;
  }
  return policies;
}

// "policy moved" becomes "policy moved_7", and "90d" "97d", so that no two conditions are equal
// where they name a time.
std::string Vary(const std::string& policy, uint32_t number) {
  static const std::regex kName("^policy ([a-z_]+)");
  static const std::regex kDays("([0-9]+)(d|h)\\b");
  std::string text = std::regex_replace(policy, kName, fmt::format("policy $1_{}", number));
  std::string varied;
  auto rest = text.cbegin();
  for (std::sregex_iterator at(text.begin(), text.end(), kDays), end; at != end; ++at) {
    varied.append(rest, (*at)[0].first);
    varied += fmt::format("{}{}", std::stoi((*at)[1]) + static_cast<int>(number), (*at)[2].str());
    rest = (*at)[0].second;
  }
  varied.append(rest, text.cend());
  return varied;
}

}  // namespace

Status RunCompileBench(const BenchSetting& setting) {
  RESCIND_ASSIGN(const auto sources,
                 FindPolicyFiles({"policies/bench"}, setting.source_folder, setting.files));
  std::vector<std::string> policies;
  for (const PolicyFile& file : sources) {
    RESCIND_ASSIGN(const std::string text, ReadPolicyText(file.path, setting.files));
    for (std::string& policy : SplitPolicies(text)) policies.push_back(std::move(policy));
  }
  const std::string folder = setting.folder + "/thousand";
  RESCIND_TRY(setting.files.MakeDirectories(folder, 0755));
  uint64_t bytes = 0;
  for (uint32_t i = 0; i < kPolicyCount; i += static_cast<uint32_t>(policies.size())) {
    std::string text;
    for (uint32_t k = 0; k < policies.size() && i + k < kPolicyCount; ++k) {
      text += Vary(policies[k], i) + "\n";
    }
    bytes += text.size();
    RESCIND_TRY(setting.files.WriteAtomically(fmt::format("{}/copy_{}.rescind", folder, i), text,
                                              kPublicMode));
  }
  std::vector<double> times;
  std::vector<double> compile_times;
  uint64_t nodes = 0, rules = 0;
  for (uint32_t round = 0; round < setting.rounds; ++round) {
    const Stopwatch watch;
    RESCIND_ASSIGN(const auto files, FindPolicyFiles({"."}, folder, setting.files));
    RESCIND_ASSIGN(const LoadedPolicies loaded, LoadPolicyFiles(files, setting.files));
    if (loaded.program == nullptr) {
      return Error{
          ErrorKind::kInvalidInput,
          "the 1,000 policies of the bench do not compile: " + loaded.diagnostics.front().message,
          ""};
    }
    const double checked = watch.Milliseconds();
    const ir::Program program = compile::Compile(*loaded.program, {&loaded.sources});
    times.push_back(watch.Milliseconds());
    compile_times.push_back(times.back() - checked);
    nodes = program.nodes.size();
    rules = program.rules.size();
  }
  RESCIND_ASSERT(rules == kPolicyCount, "a policy was lost");
  setting.figures.Add({.name = "compile/1000_policies",
                       .value = MedianOf(times),
                       .unit = "ms",
                       .at_least = {},
                       .at_most = 1'000,
                       .counters = {{"policies", rules}, {"nodes", nodes}, {"bytes", bytes}},
                       .remark = "read, parsed, checked, lowered"});
  setting.figures.Add({.name = "compile/1000_policies/lowering",
                       .value = MedianOf(compile_times),
                       .unit = "ms",
                       .at_least = {},
                       .at_most = {}});
  return {};
}

}  // namespace rescind::bench
