// Every operation by itself, at its borders. World::Judge asks the reference evaluator and the
// sweep, on one thread and on two, and fails where they differ.
#include <doctest/doctest.h>

#include <limits>
#include <string>
#include <vector>

#include "tests/unit/engine/eval/judging.h"

namespace rescind::eval {
namespace {

using ir::Op;
using Kind = ir::Type::Kind;

constexpr int64_t kMaxLong = std::numeric_limits<int64_t>::max();

// Ann, with nothing optional; her account; a grant of it.
World Ann() {
  World world;
  world.facts.Live("person", "ann").Set("name", "Ann").Set("level", 3).Set("kind", "low");
  world.facts.Live("account", "a").Set("owner", "ann");
  world.facts.Live("grant", "g")
      .Set("account", "a")
      .Set("made_at", world.now)
      .Set("weight", 2)
      .Set("active", true);
  return world;
}

// An answer of each kind, about ann: false, true, undecided, an error.
struct Answers {
  World world = Ann();
  std::vector<ir::NodeId> nodes;

  Answers() {
    world.facts.Live("person", "ann").Set("boss", "nobody yet");
    auto& p = world.p;
    const auto ann = p.Row("person");
    const auto overflow =
        p.Apply(Op::kAdd, ProgramBuilder::Of(Kind::kInt), {p.Field(ann, "level"), p.Int(kMaxLong)});
    nodes = {p.Equal(p.Field(ann, "level"), p.Int(4)), p.Equal(p.Field(ann, "level"), p.Int(3)),
             p.IsKnown(p.Field(ann, "boss")), p.Equal(overflow, p.Int(1))};
  }
};

TEST_CASE("and, or: a known answer decides whatever its place; else an error, else undecided") {
  using enum Verdict;
  const std::vector<Verdict> verdicts{kNoMatch, kMatch, kUndecided, kError};
  const Verdict and_table[4][4] = {{kNoMatch, kNoMatch, kNoMatch, kNoMatch},
                                   {kNoMatch, kMatch, kUndecided, kError},
                                   {kNoMatch, kUndecided, kUndecided, kError},
                                   {kNoMatch, kError, kError, kError}};
  const Verdict or_table[4][4] = {{kNoMatch, kMatch, kUndecided, kError},
                                  {kMatch, kMatch, kMatch, kMatch},
                                  {kUndecided, kMatch, kUndecided, kError},
                                  {kError, kMatch, kError, kError}};
  Answers answers;
  for (size_t a = 0; a < 4; ++a) {
    CHECK(answers.world.Of("person", answers.nodes[a], "ann") == verdicts[a]);
    for (size_t b = 0; b < 4; ++b) {
      CAPTURE(a);
      CAPTURE(b);
      auto& p = answers.world.p;
      CHECK(answers.world.Of("person", p.And(answers.nodes[a], answers.nodes[b]), "ann") ==
            and_table[a][b]);
      CHECK(answers.world.Of("person", p.Or(answers.nodes[a], answers.nodes[b]), "ann") ==
            or_table[a][b]);
    }
  }
  auto& p = answers.world.p;
  CHECK(answers.world.Of("person", p.Not(answers.nodes[0]), "ann") == kMatch);
  CHECK(answers.world.Of("person", p.Not(answers.nodes[2]), "ann") == kUndecided);
  CHECK(answers.world.Of("person", p.Not(answers.nodes[3]), "ann") == kError);
}

TEST_CASE("a reference is known while its row is live, unknown once removed, else undecided") {
  World world = Ann();
  auto& p = world.p;
  const auto boss = p.Field(p.Row("person"), "boss");
  const auto known = p.IsKnown(boss);
  CHECK(world.Of("person", known, "ann") == Verdict::kNoMatch);
  world.facts.Live("person", "ann").Set("boss", "bob");
  CHECK(world.Of("person", known, "ann") == Verdict::kUndecided);
  world.facts.Live("person", "bob").Set("name", "Bob").Set("level", 1).Set("kind", "high");
  CHECK(world.Of("person", known, "ann") == Verdict::kMatch);
  const auto removed = p.Passed(p.Path(Op::kRemovedAt, p.Row("person"), "boss"));
  world.facts.Remove("person", "bob", world.now);
  CHECK(world.Of("person", known, "ann") == Verdict::kNoMatch);
  CHECK(world.Of("person", removed, "ann") == Verdict::kMatch);
}

TEST_CASE("a closed entity turns what was never seen into what is gone") {
  World world = Ann();
  world.facts.Live("person", "ann").Set("boss", "bob");
  world.facts.Close("person", world.now);
  auto& p = world.p;
  CHECK(world.Of("person", p.IsKnown(p.Field(p.Row("person"), "boss")), "ann") ==
        Verdict::kNoMatch);
  CHECK(world.Of("person", p.Passed(p.Path(Op::kRemovedAt, p.Row("person"), "boss")), "ann") ==
        Verdict::kMatch);
}

TEST_CASE("a row whose required reference names nobody matches nothing, for ever") {
  World world = Ann();
  world.facts.Live("account", "b").Set("owner", "nobody yet");
  const auto always = world.p.Bool(true);
  CHECK(world.Judge("account", always, "b") == Says(Verdict::kNoMatch));
  CHECK(world.Judge("account", always, "a") == Says(Verdict::kMatch));
}

TEST_CASE("a required field that nobody delivered is undecided, whatever it is compared with") {
  World world = Ann();
  world.facts.Live("person", "eve").Set("name", "Eve").Set("level", 1);
  auto& p = world.p;
  const auto kind = p.Field(p.Row("person"), "kind");
  const auto is_high = p.Equal(kind, p.Constant(p.program().node(kind).type, int64_t{1}));
  CHECK(world.Of("person", p.Not(is_high), "ann") == Verdict::kMatch);
  CHECK(world.Of("person", p.Not(is_high), "eve") == Verdict::kUndecided);
}

TEST_CASE("numbers, times and dates end where 64 bits and the calendar do") {
  World world = Ann();
  auto& p = world.p;
  const auto level = p.Field(p.Row("person"), "level");
  const auto apply = [&](Op op, Kind kind, std::vector<ir::NodeId> operands) {
    return p.IsKnown(p.Apply(op, ProgramBuilder::Of(kind), std::move(operands)));
  };
  const auto at = p.At(InstantOf("9999-12-31T23:59:59.999999Z"));
  const auto says = [&](ir::NodeId node) { return world.Judge("person", node, "ann"); };
  const auto fails = [](EvaluationError error) {
    return Says(Verdict::kError, Instant::Never(), error);
  };
  CHECK(says(apply(Op::kAdd, Kind::kInt, {level, p.Int(kMaxLong - 3)})) == Says(Verdict::kMatch));
  CHECK(says(apply(Op::kAdd, Kind::kInt, {level, p.Int(kMaxLong - 2)})) ==
        fails(EvaluationError::kOverflow));
  CHECK(says(apply(Op::kMultiply, Kind::kInt, {level, p.Int(kMaxLong / 2)})) ==
        fails(EvaluationError::kOverflow));
  CHECK(says(apply(Op::kNegate, Kind::kInt, {level})) == Says(Verdict::kMatch));
  CHECK(says(apply(Op::kAdd, Kind::kTime, {at, p.Length({0})})) == Says(Verdict::kMatch));
  CHECK(says(apply(Op::kAdd, Kind::kTime, {at, p.Length({1})})) ==
        fails(EvaluationError::kTimeOutOfRange));
  CHECK(says(p.IsKnown(p.AddCivil(p.On(kLastDay), {CivilUnit::kDays, 1}))) ==
        fails(EvaluationError::kDateOutOfRange));
  CHECK(says(p.IsKnown(p.AddCivil(p.On(kLastDay), {CivilUnit::kDays, 0}))) ==
        Says(Verdict::kMatch));
}

// The sweep looked at the members where there was no person, and read beyond what it had.
TEST_CASE("a condition on members may stand on the judged row although it reads nothing of it") {
  World world = Ann();
  ProgramBuilder& p = world.p;
  const ir::CollectionId rows = p.TableRows(p.AddTable({"t", {{"x", {}}}, {{true}, {false}}}));
  const ir::FrameId person = p.Root(p.EntityOf("person"));
  const ir::NodeId none = p.Fold(Op::kAny, rows, p.Over(person, rows), {p.Bool(false)});
  const ir::CollectionId accounts = p.Many(p.Row("person"), "accounts");
  const ir::FrameId frame = p.Over(person, accounts);
  const ir::NodeId backup = p.IsKnown(p.Field(p.Member(frame), "backup"));
  const auto any = [&](ir::NodeId condition) {
    return world.Judge("person", p.Fold(Op::kAny, accounts, frame, {condition}), "ann");
  };
  CHECK(any(p.Or(backup, none)) == Says(Verdict::kNoMatch));
  CHECK(any(p.Or(backup, p.Not(none))) == Says(Verdict::kMatch));
}

// The sweep read a column that was pushed down while it was being filled, for another one.
TEST_CASE("what is pushed down stands on nothing that is pushed down") {
  World world = Ann();
  world.facts.Live("account", "a").Set("owner", "ann").Set("backup", "ann");
  ProgramBuilder& p = world.p;
  const ir::FrameId grant = p.Root(p.EntityOf("grant"));
  const ir::CollectionId grants = p.Many(p.Field(p.Row("grant"), "account"), "grants");
  const ir::FrameId frame = p.Over(grant, grants);
  const ir::NodeId backup = p.IsKnown(p.Field(p.Field(p.Member(frame), "account"), "backup"));
  // Of the account alone, and so once an account; of the grant too, so that only `backup` is.
  const ir::NodeId of_account = p.Fold(Op::kAny, grants, frame, {backup});
  const ir::NodeId same_weight = p.Compare(ir::Compare::kEqual, p.Field(p.Member(frame), "weight"),
                                           p.Field(p.Row("grant"), "weight"));
  const ir::NodeId of_both = p.Fold(Op::kAny, grants, frame, {p.And(backup, same_weight)});
  CHECK(world.Judge("grant", p.And(of_account, of_both), "g") == Says(Verdict::kMatch));
  CHECK(world.Judge("grant", p.And(of_both, of_account), "g") == Says(Verdict::kMatch));
}

TEST_CASE("a month after never is never, and a month before the first day was long ago") {
  World world = Ann();
  ProgramBuilder& p = world.p;
  const auto reached = [&](Day day, int64_t months, int64_t offset) {
    const ir::NodeId date = p.AddCivil(p.On(day), {CivilUnit::kMonths, months}, true);
    return world.Judge("person", p.DayReached(date, p.Text("UTC"), offset, {}), "ann");
  };
  for (const int64_t offset : {-400'000, -1, 0, 1, 400'000}) {
    CAPTURE(offset);
    CHECK(reached(kLastDay, 1, offset) == Says(Verdict::kNoMatch));
    CHECK(reached(kLastDay, 1'000'000'000, offset) == Says(Verdict::kNoMatch));
    CHECK(reached(kFirstDay, -1, offset) == Says(Verdict::kMatch));
  }
  CHECK(reached(DayOf("2026-03-01"), 1, 0) == Says(Verdict::kMatch));
  CHECK(reached(DayOf("2026-03-02"), 1, 0) ==
        Says(Verdict::kNoMatch, InstantOf("2026-04-02T00:00Z")));
}

TEST_CASE("a day is reached when it begins in its zone, also where clocks change") {
  World world = Ann();
  world.facts.Live("person", "ann")
      .Set("ends_on", DayOf("2026-03-29"))
      .Set("zone", "Europe/Berlin");
  auto& p = world.p;
  const auto ann = p.Row("person");
  // `ends_on has passed`: today >= ends_on + 1 day.
  const auto passed = p.DayReached(p.Field(ann, "ends_on"), p.Field(ann, "zone"), 1, {});
  const Instant due = InstantOf("2026-03-29T22:00Z");
  world.now = {due.micros - 1};
  CHECK(world.Judge("person", passed, "ann") == Says(Verdict::kNoMatch, due));
  world.now = due;
  CHECK(world.Judge("person", passed, "ann") == Says(Verdict::kMatch));
  world.facts.Live("person", "ann").Set("zone", "Nowhere/Town");
  CHECK(world.Judge("person", passed, "ann") == Says(Verdict::kUndecided));
  world.facts.Live("person", "ann").SetUnknown("zone");
  CHECK(world.Judge("person", passed, "ann") == Says(Verdict::kUndecided));
  const auto with_default =
      p.DayReached(p.Field(ann, "ends_on"), p.Coalesce(p.Field(ann, "zone"), p.Text("UTC")), 1, {});
  world.now = InstantOf("2026-03-29T23:59:59.999999Z");
  CHECK(world.Judge("person", with_default, "ann") ==
        Says(Verdict::kNoMatch, InstantOf("2026-03-30T00:00Z")));
}

TEST_CASE("a false `and` waits for what makes it false, a true one for whatever ends it first") {
  World world = Ann();
  const Instant soon{world.now.micros + 10};
  const Instant later{world.now.micros + 20};
  auto& p = world.p;
  const auto from_soon = p.Passed(p.At(soon));
  const auto from_later = p.Passed(p.At(later));
  const auto says = [&](ir::NodeId node) { return world.Judge("person", node, "ann"); };
  CHECK(says(p.And(from_soon, from_later)) == Says(Verdict::kNoMatch, soon));
  CHECK(says(p.And(p.Not(from_soon), p.Not(from_later))) == Says(Verdict::kMatch, soon));
  CHECK(says(p.And(p.Bool(false), from_soon)) == Says(Verdict::kNoMatch));
  CHECK(says(p.Or(p.Not(from_later), from_soon)) == Says(Verdict::kMatch, later));
}

TEST_CASE("texts: parts, patterns, sets and lower case") {
  World world = Ann();
  world.facts.Live("person", "ann").Set("tags", std::vector<std::string>{"x", "vip"});
  auto& p = world.p;
  const auto ann = p.Row("person");
  const auto name = p.Field(ann, "name");
  const auto of = [&](ir::NodeId node) { return world.Of("person", node, "ann"); };
  CHECK(of(p.Logic(Op::kStartsWith, {name, p.Text("An")})) == Verdict::kMatch);
  CHECK(of(p.Logic(Op::kStartsWith, {name, p.Text("an")})) == Verdict::kNoMatch);
  CHECK(of(p.Logic(Op::kEndsWith, {name, p.Text("nn")})) == Verdict::kMatch);
  CHECK(of(p.Logic(Op::kContains, {name, p.Text("")})) == Verdict::kMatch);
  CHECK(of(p.Matches(name, "n+$")) == Verdict::kMatch);
  CHECK(of(p.Matches(name, "^n")) == Verdict::kNoMatch);
  CHECK(of(p.In(name, {std::string("Ann"), std::string("Bob")})) == Verdict::kMatch);
  const auto lower = p.Apply(Op::kLower, ProgramBuilder::Of(Kind::kText), {name});
  CHECK(of(p.Equal(lower, p.Text("ann"))) == Verdict::kMatch);
  CHECK(of(p.Equal(lower, name)) == Verdict::kNoMatch);
  const auto tags = p.Field(ann, "tags");
  CHECK(of(p.Logic(Op::kHas, {tags, p.Text("vip")})) == Verdict::kMatch);
  CHECK(of(p.Logic(Op::kHas, {tags, p.Text("vi")})) == Verdict::kNoMatch);
  CHECK(of(p.Equal(p.Id(ann), p.Text("ann"))) == Verdict::kMatch);
}

TEST_CASE("folds: nobody, somebody, somebody incomplete, somebody nobody delivered") {
  World world = Ann();
  auto& p = world.p;
  const auto ann = p.Row("person");
  const auto root = p.Root(p.EntityOf("person"));
  const auto grants = p.Each(p.Many(ann, "accounts"), "grants");
  const auto inner = p.Over(root, grants);
  const auto active = p.Field(p.Member(inner), "active");
  const auto any = p.Fold(Op::kAny, grants, inner, {active});
  const auto all = p.Fold(Op::kAll, grants, inner, {active});
  const auto sum = p.Fold(Op::kSum, grants, inner, {active, p.Field(p.Member(inner), "weight")});
  const auto latest =
      p.Fold(Op::kLatest, grants, inner, {active, p.Field(p.Member(inner), "made_at")});
  const auto of = [&](ir::NodeId node) { return world.Of("person", node, "ann"); };
  CHECK(of(any) == Verdict::kMatch);
  CHECK(of(all) == Verdict::kMatch);
  CHECK(of(p.Equal(sum, p.Int(2))) == Verdict::kMatch);
  CHECK(of(p.Equal(latest, p.At(world.now))) == Verdict::kMatch);
  world.facts.Live("grant", "g").Set("active", false);
  CHECK(of(any) == Verdict::kNoMatch);
  CHECK(of(all) == Verdict::kNoMatch);
  CHECK(of(p.IsKnown(latest)) == Verdict::kNoMatch);
  world.facts.Live("person", "ann").Set("friends", std::vector<std::string>{"bob"});
  const auto friends = p.Set(p.Field(ann, "friends"));
  const auto friend_frame = p.Over(root, friends);
  const auto count = p.Fold(Op::kCount, friends, friend_frame, {p.Bool(true)});
  CHECK(of(p.Equal(count, p.Int(0))) == Verdict::kUndecided);
  world.facts.Remove("person", "bob");
  CHECK(of(p.Equal(count, p.Int(0))) == Verdict::kMatch);
}

TEST_CASE("an incomplete member makes `no` and `all` undecided, and a true member decides `any`") {
  World world = Ann();
  auto& p = world.p;
  const auto bob = p.Row("account");
  const auto inner_grants = p.Many(bob, "grants");
  const auto inner = p.Over(p.Root(p.EntityOf("account")), inner_grants);
  const auto backup_grants = p.Each(p.Set(p.Field(p.Row("person"), "friends")), "accounts");
  const auto backup_frame = p.Over(p.Root(p.EntityOf("person")), backup_grants);
  const auto any = p.Fold(Op::kAny, backup_grants, backup_frame,
                          {p.IsKnown(p.Field(p.Member(backup_frame), "used_at"))});
  world.facts.Live("person", "ann").Set("friends", std::vector<std::string>{"ann", "zoe"});
  CHECK(world.Of("person", any, "ann") == Verdict::kUndecided);
  world.facts.Live("account", "a").Set("used_at", world.now);
  CHECK(world.Of("person", any, "ann") == Verdict::kMatch);
  CHECK(world.Of("account", p.Fold(Op::kAll, inner_grants, inner, {p.Bool(true)}), "a") ==
        Verdict::kMatch);
}

TEST_CASE("a filtered collection lists who is in it now, and remembers when others come") {
  World world = Ann();
  const Instant later{world.now.micros + kMicrosPerDay};
  world.facts.Live("grant", "h")
      .Set("account", "a")
      .Set("made_at", later)
      .Set("weight", 1)
      .Set("active", true);
  auto& p = world.p;
  const auto root = p.Root(p.EntityOf("account"));
  const auto grants = p.Many(p.Row("account"), "grants");
  const auto frame = p.Over(root, grants);
  const auto made = p.Where(grants, frame, p.Passed(p.Field(p.Member(frame), "made_at")));
  const auto inner = p.Over(root, made);
  const auto count = p.Fold(Op::kCount, made, inner, {p.Bool(true)});
  CHECK(world.Judge("account", p.Equal(count, p.Int(1)), "a") == Says(Verdict::kMatch, later));
  const ir::Program program = p.Build();
  const FactBase base = world.facts.Build(program.columns);
  const EvaluationInput input{program, base, world.holidays, world.now};
  const auto members = ReferenceEvaluator(input).Members(made, RowId(0));
  REQUIRE(members.size() == 1);
  CHECK(members[0].row == RowId(0));
}

TEST_CASE("rows are grouped by a value, and what has none is in no group") {
  World world = Ann();
  world.facts.Live("account", "b").Set("owner", "ann").Set("used_at", world.now);
  world.facts.Live("account", "c").Set("owner", "nobody yet");
  auto& p = world.p;
  const auto account = p.Row("account");
  const auto owner = p.Field(account, "owner");
  const auto used = p.Field(account, "used_at");
  const ir::Program program = p.Build();
  const FactBase base = world.facts.Build(program.columns);
  const EvaluationInput input{program, base, world.holidays, world.now};
  const NodeGroups by_owner = GroupRows(input, owner, p.EntityOf("account"));
  CHECK((by_owner.group == std::vector<uint32_t>{0, 0, NodeGroups::kNoGroup}));
  REQUIRE(by_owner.values.size() == 1);
  CHECK(FormatValue(input, by_owner.values[0]).value() == "ann");
  const NodeGroups by_use = GroupRows(input, used, p.EntityOf("account"));
  CHECK((by_use.group == std::vector<uint32_t>{NodeGroups::kNoGroup, 0, NodeGroups::kNoGroup}));
}

}  // namespace
}  // namespace rescind::eval
