#include "engine/eval/undecided_cause.h"

#include <doctest/doctest.h>

#include "tests/unit/engine/eval/judging.h"

namespace rescind::eval {
namespace {

struct CauseScene {
  World world;
  CauseScene() {
    Person("ann");
    world.facts.Live("account", "a").Set("owner", "ann");
  }
  FactBaseBuilder::Row Person(const char* id) {
    auto row = world.facts.Live("person", id);
    row.Set("name", id).Set("level", 1).Set("kind", "low");
    return row;
  }
  FactBaseBuilder::Row Grant(const char* id, const char* account) {
    auto row = world.facts.Live("grant", id);
    row.Set("account", account).Set("made_at", world.now).Set("weight", 1).Set("active", true);
    return row;
  }
  std::string CauseOf(const char* entity, ir::NodeId when, const char* id) {
    const uint32_t rule = world.p.AddRule(entity, when);
    const ir::Program program = world.p.Build();
    const FactBase base = world.facts.Build(program.columns);
    const EvaluationInput input{program, base, world.holidays, world.now};
    const RowId row = world.facts.Mention(entity, id).id();
    const bool complete = base.table(program.rules[rule].entity).complete(row);
    if (complete) {
      CHECK(ReferenceEvaluator(input).Judge(rule, row).verdict == Verdict::kUndecided);
    }
    return UndecidedCause(input, program.rules[rule]).At(row).value();
  }
};

TEST_CASE("an incomplete row's cause is the reference that leads nowhere, however far") {
  CauseScene scene;
  auto& p = scene.world.p;
  const auto active = p.Field(p.Row("grant"), "active");
  SUBCASE("never delivered") {
    scene.Grant("g", "nobody");
    CHECK(scene.CauseOf("grant", active, "g") ==
          "account nobody has not been delivered (field account of grant g)");
  }
  SUBCASE("one further") {
    scene.world.facts.Live("account", "b").Set("owner", "bob");
    scene.Grant("g", "b");
    CHECK(scene.CauseOf("grant", active, "g") ==
          "person bob has not been delivered (field owner of account b)");
  }
  SUBCASE("removed") {
    scene.Grant("g", "a");
    scene.world.facts.Remove("account", "a");
    CHECK(scene.CauseOf("grant", active, "g") ==
          "account a has been removed (field account of grant g)");
  }
}

TEST_CASE("an undecided row's cause is the fact that its condition hangs on") {
  CauseScene scene;
  auto& p = scene.world.p;
  auto& facts = scene.world.facts;
  const auto account = p.Row("account");
  SUBCASE("an optional reference to a row that never came") {
    facts.Live("account", "a").Set("backup", "bob");
    const auto level = p.Field(p.Field(account, "backup"), "level");
    CHECK(scene.CauseOf("account", p.IsKnown(level), "a") ==
          "person bob has not been delivered (field backup of account a)");
  }
  SUBCASE("a required field without a value") {
    facts.Live("person", "bob").Set("name", "Bob").Set("kind", "low");
    facts.Live("account", "a").Set("backup", "bob");
    const auto level = p.Field(p.Field(account, "backup"), "level");
    CHECK(scene.CauseOf("account", p.IsKnown(level), "a") ==
          "field level of person bob has not been delivered");
  }
  SUBCASE("what a member of a collection lacks") {
    scene.Grant("g1", "a").Set("active", false);
    auto bare = facts.Live("grant", "g2");
    bare.Set("account", "a").Set("made_at", scene.world.now).Set("weight", 1);
    const auto grants = p.Many(account, "grants");
    const auto inner = p.Over(p.Root(p.EntityOf("account")), grants);
    const auto any = p.Fold(ir::Op::kAny, grants, inner, {p.Field(p.Member(inner), "active")});
    CHECK(scene.CauseOf("account", any, "a") == "field active of grant g2 has not been delivered");
  }
}

}  // namespace
}  // namespace rescind::eval
