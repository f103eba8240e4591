#include "engine/eval/unknown_zone.h"

#include <doctest/doctest.h>

#include "tests/unit/engine/eval/judging.h"

namespace rescind::eval {
namespace {

// Of accounts: whether the owner's last day is over where the owner lives, else in UTC.
struct ZoneScene {
  World world;
  std::optional<std::string> NameAt(const char* account) {
    auto& p = world.p;
    const auto owner = p.Field(p.Row("account"), "owner");
    const auto zone = p.Coalesce(p.Field(owner, "zone"), p.Text("UTC"));
    const auto date = p.Field(owner, "ends_on");
    const auto over = p.DayReached(date, zone, 1, CivilDuration{});
    const uint32_t rule = p.AddRule("account", p.And(p.IsKnown(date), over));
    const ir::Program program = p.Build();
    const FactBase base = world.facts.Build(program.columns);
    const EvaluationInput input{program, base, world.holidays, world.now};
    const RowId row = world.facts.Mention("account", account).id();
    auto name = UnknownZone(input, program.rules[rule]).NameAt(row);
    const bool undecided =
        ReferenceEvaluator(input).Judge(rule, row).verdict == Verdict::kUndecided;
    if (name) CHECK(undecided);
    return name;
  }
};

TEST_CASE("AZoneThatNobodyKnowsIsNamedAndOneThatIsThereIsNot") {
  ZoneScene scene;
  auto& facts = scene.world.facts;
  const auto person = [&](const char* id, const char* zone) {
    auto row = facts.Live("person", id);
    row.Set("name", id).Set("level", 1).Set("kind", "low").Set("ends_on", DayOf("2026-01-01"));
    if (zone != nullptr) row.Set("zone", zone);
  };
  person("ann", "Mars/X");
  person("bob", "Europe/Berlin");
  person("cy", nullptr);
  for (const char* id : {"ann", "bob", "cy"}) facts.Live("account", id).Set("owner", id);
  SUBCASE("wrong") { CHECK(scene.NameAt("ann") == "Mars/X"); }
  SUBCASE("right") { CHECK(scene.NameAt("bob") == std::nullopt); }
  SUBCASE("by default") { CHECK(scene.NameAt("cy") == std::nullopt); }
  // Undecided, but not for the zone's name.
  SUBCASE("of somebody who was never delivered") {
    facts.Live("account", "dan").Set("owner", "nobody");
    CHECK(scene.NameAt("dan") == std::nullopt);
  }
}

}  // namespace
}  // namespace rescind::eval
