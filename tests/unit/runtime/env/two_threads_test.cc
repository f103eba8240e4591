#include "runtime/env/two_threads.h"

#include <doctest/doctest.h>

#include <atomic>
#include <string>
#include <vector>

namespace rescind {
namespace {

TEST_CASE("EveryTaskIsDoneOnce") {
  for (const size_t count : {size_t{0}, size_t{1}, size_t{2}, size_t{1000}}) {
    std::vector<std::atomic<int>> done(count);
    CHECK(DoOnTwoThreads(count, [&](size_t number) -> Status {
            ++done[number];
            return {};
          }).ok());
    for (const auto& times : done) CHECK(times == 1);
  }
}

TEST_CASE("AfterAFailureNoTaskBegins") {
  constexpr size_t kCount = 100'000;
  std::atomic<size_t> begun = 0;
  const Status status = DoOnTwoThreads(kCount, [&](size_t number) -> Status {
    ++begun;
    if (number == 2 || number == 3) {
      return Error{ErrorKind::kIo, "task " + std::to_string(number), ""};
    }
    return {};
  });
  REQUIRE_FALSE(status.ok());
  // Both may fail; then the first counts.
  const std::string& message = status.error().message;
  CHECK((message == "task 2" || message == "task 3"));
  CHECK(begun < kCount);
}

}  // namespace
}  // namespace rescind
