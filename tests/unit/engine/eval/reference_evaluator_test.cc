#include "engine/eval/reference_evaluator.h"

#include <doctest/doctest.h>

#include "tests/unit/engine/eval/judging.h"

namespace rescind::eval {
namespace {

TEST_CASE("a moment is reached at its microsecond and not one before") {
  World world;
  world.facts.Live("person", "ann").Set("name", "Ann").Set("level", 1).Set("kind", "low");
  world.facts.Live("account", "a").Set("owner", "ann").Set("used_at", world.now);
  const auto a = world.p.Row("account");
  const auto old = world.p.OlderThan(world.p.Field(a, "used_at"), kMicrosPerDay);
  const Instant due{world.now.micros + kMicrosPerDay};
  CHECK(world.Judge("account", old, "a") == Says(Verdict::kNoMatch, due));
  world.now = {due.micros - 1};
  CHECK(world.Judge("account", old, "a") == Says(Verdict::kNoMatch, due));
  world.now = due;
  CHECK(world.Judge("account", old, "a") == Says(Verdict::kMatch));
}

}  // namespace
}  // namespace rescind::eval
