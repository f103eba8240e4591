// The `main` of every doctest program, and the seed that its randomised tests share.
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <cstdlib>
#include <random>
#include <string>

#include "tests/unit/test_seed.h"

namespace rescind {

uint64_t TestSeed() {
  static const uint64_t seed = [] {
    if (const char* given = std::getenv("RESCIND_SEED")) return std::stoull(given);
    std::random_device device;
    return (static_cast<unsigned long long>(device()) << 32) | device();
  }();
  return seed;
}

}  // namespace rescind

int main(int argc, char** argv) {
  // One seed for everything random: the line printed below reproduces the run. RapidCheck reads
  // its own from RC_PARAMS.
  const std::string seed = std::to_string(rescind::TestSeed());
  setenv("RC_PARAMS", ("seed=" + seed).c_str(), 0);
  fmt::print("RESCIND_SEED={}\n", seed);
  doctest::Context context;
  context.applyCommandLine(argc, argv);
  return context.run();
}
