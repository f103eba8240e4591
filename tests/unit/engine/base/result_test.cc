#include "engine/base/result.h"

#include <doctest/doctest.h>

#include <memory>
#include <string>

namespace rescind {
namespace {

Result<int> Half(int number) {
  if (number % 2 != 0) return Error{ErrorKind::kInvalidInput, "odd", "give an even number"};
  return number / 2;
}

Result<int> Quarter(int number) {
  RESCIND_ASSIGN(const int half, Half(number));
  RESCIND_ASSIGN(const int quarter, Half(half));
  return quarter;
}

Status Accept(int number) {
  RESCIND_TRY(Half(number));
  return {};
}

TEST_CASE("AssignHandsOutTheValueAndReturnsTheFirstError") {
  CHECK(*Quarter(8) == 2);
  const Result<int> failed = Quarter(6);
  REQUIRE_FALSE(failed.ok());
  CHECK(failed.error().message == "odd");
  CHECK(failed.error().help == "give an even number");
}

TEST_CASE("TryReturnsTheErrorOfAnyResult") {
  CHECK(Accept(2).ok());
  const Status failed = Accept(3);
  REQUIRE_FALSE(failed.ok());
  CHECK(failed.error().kind == ErrorKind::kInvalidInput);
}

TEST_CASE("InPutsTheOuterPlaceFirst") {
  Error error = Error{ErrorKind::kIo, "disk full", ""}.In("writing plan.json").In("rescind plan");
  CHECK(error.message == "rescind plan: writing plan.json: disk full");
  CHECK(error.kind == ErrorKind::kIo);
}

TEST_CASE("AMoveOnlyValueLeavesTheResult") {
  Result<std::unique_ptr<int>> result(std::make_unique<int>(7));
  const std::unique_ptr<int> taken = *std::move(result);
  CHECK(*taken == 7);
}

}  // namespace
}  // namespace rescind
