// Compiling does not change what a condition says: random conditions over few facts, evaluated
// before and after, with every mixture of known, unknown, undecided and erroneous facts.
#include <doctest/doctest.h>

#include <random>
#include <string>

#include "engine/compile/compile.h"
#include "engine/compile/lower.h"
#include "tests/unit/engine/compile/formula.h"
#include "tests/unit/engine/compile/meaning.h"
#include "tests/unit/engine/compile/typed_builder.h"
#include "tests/unit/test_seed.h"

namespace rescind::compile {
namespace {

using Kind = typed::ExprKind;
using typed::CompareOp;
using typed::ExprPtr;

class ConditionGenerator {
 public:
  ConditionGenerator(TypedBuilder& builder, std::mt19937_64& random)
      : b(builder), random_(random) {}

  ExprPtr Condition(int depth) {
    switch (Pick(depth > 0 ? 12 : 6)) {
      case 0: return b.Bool(Pick(2) == 0);
      case 1: return b.Path(Row(), {"privileged"});
      case 2: return b.Path(b.Row("grant"), {"account", "privileged"});
      case 3: return b.Equal(b.Path(Row(), {"privileged"}), b.Bool(Pick(2) == 0));
      case 4: return Relation(depth);
      case 5: return b.Make(Pick(2) == 0 ? Kind::kIsKnown : Kind::kIsUnknown, Maybe(depth - 1));
      case 6: return b.Make(Kind::kNot, Condition(depth - 1));
      case 7: return b.Equal(Condition(depth - 1), Condition(depth - 1));
      case 8:
      case 9: return Fold(Any({Kind::kAny, Kind::kAll, Kind::kNo}), depth);
      default:
        return b.Make(Pick(2) == 0 ? Kind::kAnd : Kind::kOr, Condition(depth - 1),
                      Condition(depth - 1), Condition(depth - 1));
    }
  }

 private:
  uint64_t Pick(uint64_t count) { return random_() % count; }
  Kind Any(std::initializer_list<Kind> kinds) { return kinds.begin()[Pick(kinds.size())]; }

  // The judged row's account, or the member of a fold around this place.
  ExprPtr Row() {
    const uint64_t pick = Pick(members_.size() + 1);
    if (pick == members_.size()) return b.Path(b.Row("grant"), {"account"});
    return b.Member(members_[pick], "a", "account");
  }

  ExprPtr Relation(int depth) {
    const Kind kind = Any({Kind::kPassed, Kind::kOlder, Kind::kNewer, Kind::kWithinNext,
                           Kind::kCompare, Kind::kCompare, Kind::kCompare});
    auto left = Definite(depth);
    if (kind == Kind::kPassed) return b.Make(kind, std::move(left));
    if (kind != Kind::kCompare) return b.Make(kind, std::move(left), Length());
    const auto op = static_cast<CompareOp>(Pick(6));
    auto right = Definite(depth - 1);
    if (Pick(3) > 0) return b.Compare(op, std::move(left), std::move(right));
    return b.Compare(op, b.Make(Kind::kSubtract, std::move(left), std::move(right)), Length());
  }

  ExprPtr Length() {
    auto length = b.Days(0);
    length->constant = Duration{static_cast<int64_t>(Pick(4))};
    return length;
  }

  // A time that is never unknown.
  ExprPtr Definite(int depth) {
    switch (Pick(depth > 0 ? 8 : 3)) {
      case 0: return b.Path(b.Row("grant"), {"granted_at"});
      case 1: {
        auto time = b.Time("1970-01-01T00:00Z");
        time->constant = Instant{static_cast<int64_t>(Pick(6))};
        return time;
      }
      case 2: return b.Now();
      case 3:
      case 4:
        return b.Make(Pick(2) == 0 ? Kind::kAdd : Kind::kSubtract, Definite(depth - 1), Length());
      default: return b.Make(Kind::kCoalesce, Maybe(depth - 1), Definite(depth - 1));
    }
  }

  // A time that may be unknown.
  ExprPtr Maybe(int depth) {
    if (depth > 0 && Pick(2) == 0) return Fold(Any({Kind::kLatest, Kind::kEarliest}), depth);
    return b.Path(Row(), {Pick(2) == 0 ? "last_login" : "created_at"});
  }

  ExprPtr Fold(Kind kind, int depth) {
    const typed::BinderId binder = b.Binder();
    auto collection = b.Path(b.Row("grant"), {"account", "owner", "accounts"});
    members_.push_back(binder);
    const bool extreme = kind == Kind::kLatest || kind == Kind::kEarliest;
    auto condition = extreme && Pick(2) == 0 ? nullptr : Condition(depth - 1);
    ExprPtr value;
    if (extreme) value = Pick(2) == 0 ? Definite(depth - 1) : Maybe(depth - 1);
    members_.pop_back();
    return b.Fold(kind, binder, std::move(collection), std::move(condition), std::move(value));
  }

  TypedBuilder& b;
  std::mt19937_64& random_;
  std::vector<typed::BinderId> members_;  // of the folds around this place
};

// `trouble`: which facts are other than known or unknown.
Facts RandomFacts(std::mt19937_64& random, Status trouble) {
  Facts facts;
  facts.member_count = static_cast<int>(random() % 4);
  facts.now_micros = static_cast<int64_t>(random() % 9);
  // Rarely: a condition of many parts would hardly ever be anything else. Not both at once: which
  // of an error and an undecided part is reported is nobody's matter, neither is a match.
  const auto value = [&](uint64_t range, bool optional, bool truth) -> Answer {
    const uint64_t pick = random() % 12;
    if (pick == 0 && (truth || trouble == Status::kUndecided)) return {trouble, 0};
    if (optional && pick < 5) return {Status::kUnknown, 0};
    return {Status::kKnown, static_cast<int64_t>(random() % range)};
  };
  for (int row = Facts::kJudged; row < facts.member_count; ++row) {
    facts.fields[{row, "granted_at"}] = value(7, false, false);
    facts.fields[{row, "last_login"}] = value(7, true, false);
    facts.fields[{row, "created_at"}] = value(7, true, false);
    facts.fields[{row, "privileged"}] = value(2, false, true);
  }
  return facts;
}

TEST_CASE("CompilingDoesNotChangeWhatAConditionSays") {
  std::mt19937_64 random(TestSeed());
  int decided = 0;
  int undecided = 0;
  for (int round = 0; round < 1000; ++round) {
    TypedBuilder b;
    ConditionGenerator generator(b, random);
    const bool has_unless = random() % 3 == 0;
    auto when = generator.Condition(3);
    auto unless = has_unless ? generator.Condition(2) : nullptr;
    b.Policy("p", "grant", std::move(when), std::move(unless));
    const typed::Policy& policy = b.program.policies[0];
    const ir::Program lowered = Lower(b.program, nullptr);
    const ir::Program compiled = Compile(b.program);
    const ir::Rule& rule = compiled.rules[0];
    for (int i = 0; i < 20; ++i) {
      const Facts facts = RandomFacts(random, i % 3 == 0 ? Status::kError : Status::kUndecided);
      const Answer expected = Evaluate(b.program, policy, *policy.when, facts);
      ++(expected.status == Status::kKnown ? decided : undecided);
      INFO("round ", round, ": ", Formula(compiled, rule.when));
      REQUIRE(Evaluate(lowered, lowered.rules[0].when, facts) == expected);
      REQUIRE(Evaluate(compiled, rule.when, facts) == expected);
      REQUIRE(Evaluate(compiled, rule.match, facts) ==
              Evaluate(lowered, lowered.rules[0].match, facts));
    }
  }
  // Both must have been tried, or this proves nothing.
  CHECK(decided > 2000);
  CHECK(undecided > 1000);
}

TEST_CASE("NothingButReachedAndDayReachedMovesByItself") {
  std::mt19937_64 random(TestSeed());
  for (int round = 0; round < 200; ++round) {
    TypedBuilder b;
    ConditionGenerator generator(b, random);
    b.Policy("p", "grant", generator.Condition(4));
    const ir::Program program = Compile(b.program);
    for (const ir::Node& node : program.nodes) CHECK(node.op != ir::Op::kNow);
  }
}

}  // namespace
}  // namespace rescind::compile
