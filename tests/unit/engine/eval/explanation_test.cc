#include "engine/eval/explanation.h"

#include <doctest/doctest.h>

#include "tests/unit/engine/eval/judging.h"

namespace rescind::eval {
namespace {

// account a of ann: used on 1 January; "used_at older than 90d unless any grant of it is active".
struct Scene {
  World world;
  ir::Program program;
  std::optional<FactBase> base;

  explicit Scene(bool active) {
    auto& facts = world.facts;
    facts.Live("person", "ann").Set("name", "Ann").Set("level", 1).Set("kind", "low");
    facts.Live("account", "a")
        .Set("owner", "ann")
        .Set("used_at", InstantOf("2026-01-01T00:00Z"))
        .SetOrigin("used_at", {"directory", InstantOf("2026-03-01T00:00Z")});
    facts.Live("grant", "g1")
        .Set("account", "a")
        .Set("made_at", world.now)
        .Set("weight", 1)
        .Set("active", false);
    facts.Live("grant", "g2")
        .Set("account", "a")
        .Set("made_at", world.now)
        .Set("weight", 1)
        .Set("active", active);
    auto& p = world.p;
    const auto a = p.Row("account");
    const auto used = p.Field(a, "used_at");
    const auto grants = p.Many(a, "grants");
    const auto inner = p.Over(p.Root(p.EntityOf("account")), grants);
    const auto is_active = p.Field(p.Member(inner), "active");
    const auto known = p.IsKnown(used);
    const auto old = p.OlderThan(used, 90 * kMicrosPerDay);
    const auto any = p.Fold(ir::Op::kAny, grants, inner, {is_active});
    const uint32_t rule = p.AddRule("account", p.And(known, old), any);
    const auto span = [](uint32_t begin) { return Span{FileId(0), begin, begin + 1}; };
    p.rule(rule).clauses = {{p.And(known, old), span(1), {1, 2}},
                            {known, span(2), {}},
                            {old, span(3), {}},
                            {any, span(4), {4}},
                            {is_active, span(5), {}}};
    p.rule(rule).unless_clause = 3;
    p.rule(rule).evidence = {{"a.used_at", used, a, p.EntityOf("account"), FieldId(2)}};
    program = p.Build();
    base.emplace(world.facts.Build(program.columns));
  }
  Explanation At(const char* now) {
    const EvaluationInput input{program, *base, world.holidays, InstantOf(now)};
    return Explain(input, 0, world.facts.Mention("account", "a").id()).value();
  }
};

TEST_CASE("a match hangs on its true conjuncts, and shows its facts with who said so") {
  Scene scene(false);
  const Explanation e = scene.At("2026-04-01T00:00Z");
  CHECK(e.verdict == Verdict::kMatch);
  CHECK(e.when.answer == ClauseAnswer::kTrue);
  CHECK(e.when.decides);
  REQUIRE(e.when.children.size() == 2);
  CHECK(e.when.children[0].decides);
  CHECK(e.when.children[1].decides);
  REQUIRE(e.unless.has_value());
  CHECK(e.unless->answer == ClauseAnswer::kFalse);
  REQUIRE(e.facts.size() == 1);
  CHECK(e.facts[0].path == "a.used_at");
  CHECK(e.facts[0].value == "2026-01-01T00:00:00Z");
  CHECK(e.facts[0].source == "directory");
  CHECK(e.facts[0].observed_at == InstantOf("2026-03-01T00:00Z"));
  CHECK_FALSE(e.becomes_true_at.has_value());
}

TEST_CASE("a row that does not match yet names the failing conjunct and the instant") {
  Scene scene(false);
  const Explanation e = scene.At("2026-03-31T23:59:59.999999Z");
  CHECK(e.verdict == Verdict::kNoMatch);
  CHECK_FALSE(e.when.children[0].decides);
  CHECK(e.when.children[1].decides);
  CHECK(e.when.children[1].answer == ClauseAnswer::kFalse);
  CHECK(e.when.children[1].changes_at == InstantOf("2026-04-01T00:00Z"));
  CHECK(e.becomes_true_at == InstantOf("2026-04-01T00:00Z"));
}

TEST_CASE("an exception that holds is what decides, shown for the member that brings it about") {
  Scene scene(true);
  const Explanation e = scene.At("2026-04-01T00:00Z");
  CHECK(e.verdict == Verdict::kNoMatch);
  CHECK_FALSE(e.when.decides);
  REQUIRE(e.unless.has_value());
  CHECK(e.unless->decides);
  REQUIRE(e.unless->children.size() == 1);
  CHECK(e.unless->children[0].answer == ClauseAnswer::kTrue);
  CHECK_FALSE(e.becomes_true_at.has_value());
}

// A quantifier over the accounts of nobody was said to decide, beside the test for somebody.
TEST_CASE("a part that reads what another finds unknown does not decide") {
  World world;
  world.facts.Live("person", "ann").Set("name", "Ann").Set("level", 1).Set("kind", "low");
  world.facts.Live("account", "a").Set("owner", "ann");
  auto& p = world.p;
  const auto backup = p.Field(p.Row("account"), "backup");
  const auto accounts = p.Many(backup, "accounts");
  const auto inner = p.Over(p.Root(p.EntityOf("account")), accounts);
  const auto used = p.IsKnown(p.Field(p.Member(inner), "used_at"));
  const auto any = p.Fold(ir::Op::kAny, accounts, inner, {used});
  const auto known = p.IsKnown(backup);
  const uint32_t guarded = p.AddRule("account", p.And(known, any));
  const uint32_t open = p.AddRule("account", p.Or(p.Not(known), p.Not(any)));
  const auto span = [](uint32_t begin) { return Span{FileId(0), begin, begin + 1}; };
  p.rule(guarded).clauses = {
      {p.And(known, any), span(1), {1, 2}}, {known, span(2), {}}, {any, span(3), {}}};
  p.rule(guarded).when_clause = 0;
  p.rule(open).clauses = {{p.Or(p.Not(known), p.Not(any)), span(1), {1, 2}},
                          {p.Not(known), span(2), {}},
                          {p.Not(any), span(3), {}}};
  p.rule(open).when_clause = 0;
  const ir::Program program = p.Build();
  const FactBase base = world.facts.Build(program.columns);
  const EvaluationInput input{program, base, world.holidays, world.now};
  const RowId row = world.facts.Mention("account", "a").id();
  const Explanation shut = Explain(input, guarded, row).value();
  REQUIRE(shut.when.children.size() == 2);
  CHECK(shut.when.children[0].decides);
  CHECK(shut.when.children[1].answer == ClauseAnswer::kFalse);
  CHECK_FALSE(shut.when.children[1].decides);
  const Explanation opened = Explain(input, open, row).value();
  REQUIRE(opened.when.children.size() == 2);
  CHECK(opened.verdict == Verdict::kMatch);
  CHECK(opened.when.children[0].decides);
  CHECK(opened.when.children[1].answer == ClauseAnswer::kTrue);
  CHECK_FALSE(opened.when.children[1].decides);
}

TEST_CASE("of parts that wait for the same row the first decides") {
  World world;
  world.facts.Live("person", "ann").Set("name", "Ann").Set("level", 1).Set("kind", "low");
  world.facts.Live("account", "a").Set("owner", "ann").Set("backup", "never-delivered");
  auto& p = world.p;
  const auto backup = p.Field(p.Row("account"), "backup");
  const auto known = p.IsKnown(backup);
  const auto low = p.Equal(p.Field(backup, "level"), p.Int(1));
  const uint32_t rule = p.AddRule("account", p.And(known, low));
  const auto span = [](uint32_t begin) { return Span{FileId(0), begin, begin + 1}; };
  p.rule(rule).clauses = {
      {p.And(known, low), span(1), {1, 2}}, {known, span(2), {}}, {low, span(3), {}}};
  p.rule(rule).when_clause = 0;
  const ir::Program program = p.Build();
  const FactBase base = world.facts.Build(program.columns);
  const EvaluationInput input{program, base, world.holidays, world.now};
  const Explanation e = Explain(input, rule, world.facts.Mention("account", "a").id()).value();
  CHECK(e.verdict == Verdict::kUndecided);
  REQUIRE(e.when.children.size() == 2);
  CHECK(e.when.children[0].decides);
  CHECK(e.when.children[1].answer == ClauseAnswer::kUndecided);
  CHECK_FALSE(e.when.children[1].decides);
}

TEST_CASE("a row whose account's owner was removed is incomplete, whatever the clauses say") {
  Scene scene(false);
  scene.world.facts.Remove("person", "ann");
  scene.base.emplace(scene.world.facts.Build(scene.program.columns));
  const Explanation e = scene.At("2026-04-01T00:00Z");
  CHECK(e.incomplete);
  CHECK(e.verdict == Verdict::kNoMatch);
  CHECK_FALSE(e.when.decides);
}

}  // namespace
}  // namespace rescind::eval
