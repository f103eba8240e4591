#include "runtime/service/toml_mistake.h"

#include <doctest/doctest.h>

namespace rescind {

// Whatever the next version of the library says.
TEST_CASE("WordsThatNobodyKnowsAreNotPassedOn") {
  CHECK(ReadTomlMistake("Error while parsing frobnication: it is askew").message ==
        "a value cannot be read from here on");
  CHECK(ReadTomlMistake("boom").message == "the file cannot be read from here on");
}

}  // namespace rescind
