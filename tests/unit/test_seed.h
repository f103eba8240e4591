// The seed of this test run: printed at the start, set again by RESCIND_SEED=N.
#pragma once

#include <cstdint>

namespace rescind {

uint64_t TestSeed();

}  // namespace rescind
