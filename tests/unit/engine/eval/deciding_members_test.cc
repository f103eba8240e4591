#include "engine/eval/deciding_members.h"

#include <doctest/doctest.h>

#include "tests/unit/engine/eval/judging.h"

namespace rescind::eval {
namespace {

// account a of ann, with as many grants, of which those with an odd number are active.
struct MemberScene {
  World world;
  explicit MemberScene(int grant_count) {
    auto& facts = world.facts;
    facts.Live("person", "ann").Set("name", "Ann").Set("level", 1).Set("kind", "low");
    facts.Live("account", "a").Set("owner", "ann");
    for (int i = 0; i < grant_count; ++i) {
      auto row = facts.Live("grant", "g" + std::to_string(i));
      row.Set("account", "a").Set("made_at", world.now).Set("weight", i);
      row.Set("active", i % 2 == 1).SetOrigin("active", {"directory", world.now});
    }
  }
  ir::NodeId OverGrants(ir::Op op) {
    auto& p = world.p;
    const auto grants = p.Many(p.Row("account"), "grants");
    const auto inner = p.Over(p.Root(p.EntityOf("account")), grants);
    return p.Fold(op, grants, inner, {p.Field(p.Member(inner), "active")});
  }
  std::vector<std::string> FactsOf(ir::NodeId when, uint64_t most_steps = 1'000) {
    const uint32_t rule = world.p.AddRule("account", when);
    const ir::Program program = world.p.Build();
    const FactBase base = world.facts.Build(program.columns);
    const EvaluationInput input{program, base, world.holidays, world.now};
    DecidingMembers members(input, program.rules[rule], most_steps);
    std::vector<std::string> lines;
    for (int again = 0; again < 2; ++again) {
      lines.clear();
      const RowId row = world.facts.Mention("account", "a").id();
      const std::vector<ExplainedFact> facts = members.At(row).value();
      for (const ExplainedFact& fact : facts) {
        lines.push_back(fact.path + " = " + fact.value + " from " + fact.source);
      }
    }
    return lines;
  }
};

using Lines = std::vector<std::string>;

TEST_CASE("of `any` the members are named that make it true, of `all` those that make it false") {
  MemberScene scene(3);
  SUBCASE("any") {
    CHECK(scene.FactsOf(scene.OverGrants(ir::Op::kAny)) ==
          Lines{"grant g1: active = true from directory"});
  }
  SUBCASE("not all") {
    CHECK(scene.FactsOf(scene.world.p.Not(scene.OverGrants(ir::Op::kAll))) ==
          Lines{"grant g0: active = false from directory",
                "grant g2: active = false from directory"});
  }
}

TEST_CASE("where no member counts, none is named; where many do, a few are") {
  MemberScene quiet(1);
  CHECK(quiet.FactsOf(quiet.OverGrants(ir::Op::kAny)).empty());
  MemberScene scene(40);
  CHECK(scene.FactsOf(scene.OverGrants(ir::Op::kAny)).size() == 3);
  CHECK(scene.FactsOf(scene.OverGrants(ir::Op::kAny), 40).size() == 3);
  CHECK(scene.FactsOf(scene.OverGrants(ir::Op::kAny), 39).empty());
}

}  // namespace
}  // namespace rescind::eval
