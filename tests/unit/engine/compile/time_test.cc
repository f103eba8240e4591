// Where `now` and `today` go: only into reached(…) and day(…).
#include <doctest/doctest.h>

#include <string>

#include "engine/compile/compile.h"
#include "tests/unit/engine/compile/formula.h"
#include "tests/unit/engine/compile/typed_builder.h"

namespace rescind::compile {
namespace {

using Kind = typed::ExprKind;
using typed::CompareOp;
using typed::ExprPtr;

class TimeCase {
 public:
  std::string Match(const std::string& entity, ExprPtr when) {
    b.program.policies.clear();
    b.Policy("p", entity, std::move(when));
    const ir::Program program = Compile(b.program);
    CHECK(ir::Verify(program).empty());
    for (const ir::Node& node : program.nodes) CHECK(node.op != ir::Op::kNow);
    return Formula(program, program.rules[0].match);
  }
  ExprPtr Used() const { return b.Path(b.Row("grant"), {"last_used"}); }
  ExprPtr Granted() const { return b.Path(b.Row("grant"), {"granted_at"}); }
  ExprPtr End() const { return b.Path(b.Row("identity"), {"contract_end"}); }
  ExprPtr Sum(Kind kind, ExprPtr left, ExprPtr right) const {
    return b.Make(kind, std::move(left), std::move(right));
  }

  TypedBuilder b;
};

TEST_CASE_FIXTURE(TimeCase, "RelationsOfTimes") {
  CHECK(Match("grant", b.Make(Kind::kPassed, Used())) == "reached(1*now - f0.last_used)");
  CHECK(Match("grant", b.Make(Kind::kOlder, Used(), b.Days(90))) ==
        "reached(1*now - f0.last_used - 90d)");
  CHECK(Match("grant", b.Make(Kind::kNewer, Used(), b.Days(90))) ==
        "not(reached(1*now - f0.last_used - 90d))");
  CHECK(Match("grant", b.Make(Kind::kWithinNext, Used(), b.Days(7))) ==
        "and(reached(1*now - f0.last_used + 7d), not(reached(1*now - f0.last_used)))");
  // What is added to the time is part of the sum, and cannot overflow.
  CHECK(Match("grant", b.Make(Kind::kPassed, Sum(Kind::kAdd, Used(), b.Days(90)))) ==
        "reached(1*now - f0.last_used - 90d)");
  CHECK(Match("grant", b.Make(Kind::kPassed, b.Time("1970-01-02T00:00Z"))) ==
        "reached(1*now - 1d)");
}

TEST_CASE_FIXTURE(TimeCase, "ComparisonsWithNow") {
  const auto compare = [&](CompareOp op) {
    return Match("grant", b.Compare(op, Used(), Sum(Kind::kSubtract, b.Now(), b.Days(90))));
  };
  const std::string at_least = "reached(1*now - f0.last_used - 90d)";
  const std::string above = "reached(1*now - f0.last_used - 7776000000001us)";
  // t < now - 90d: from one microsecond after t + 90d on.
  CHECK(compare(CompareOp::kLess) == above);
  CHECK(compare(CompareOp::kLessEqual) == at_least);
  CHECK(compare(CompareOp::kGreater) == "not(" + at_least + ")");
  CHECK(compare(CompareOp::kGreaterEqual) == "not(" + above + ")");
  CHECK(compare(CompareOp::kEqual) == "and(" + at_least + ", not(" + above + "))");
  CHECK(compare(CompareOp::kNotEqual) == "not(and(" + at_least + ", not(" + above + ")))");
}

TEST_CASE_FIXTURE(TimeCase, "DurationsBetweenTimes") {
  // now - t > 90d
  CHECK(Match("grant", b.Compare(CompareOp::kGreaterEqual, Sum(Kind::kSubtract, b.Now(), Used()),
                                 b.Days(90))) == "reached(1*now - f0.last_used - 90d)");
  // (now - a) - (b - now) >= 0
  CHECK(Match("grant", b.Compare(CompareOp::kGreaterEqual, Sum(Kind::kSubtract, b.Now(), Used()),
                                 Sum(Kind::kSubtract, Granted(), b.Now()))) ==
        "reached(2*now - f0.last_used - f0.granted_at)");
  // `now` cancels out.
  CHECK(Match("grant", b.Compare(CompareOp::kGreaterEqual, Sum(Kind::kSubtract, b.Now(), Used()),
                                 Sum(Kind::kSubtract, b.Now(), Granted()))) ==
        "reached(0*now - f0.last_used + f0.granted_at)");
  CHECK(Match("grant", b.Compare(CompareOp::kLess, b.Now(), b.Now())) == "false");
}

TEST_CASE_FIXTURE(TimeCase, "ChoicesThatHideNowAreTakenApart") {
  // (last_used ?? now) older than 45d
  CHECK(Match("grant", b.Make(Kind::kOlder, Sum(Kind::kCoalesce, Used(), b.Now()), b.Days(45))) ==
        "and(known(f0.last_used), reached(1*now - f0.last_used - 45d))");
  // (last_used ?? now + 1d) has passed
  CHECK(Match("grant", b.Make(Kind::kPassed, Sum(Kind::kCoalesce, Used(),
                                                 Sum(Kind::kSubtract, b.Now(), b.Days(1))))) ==
        "or(not(known(f0.last_used)), and(known(f0.last_used), reached(1*now - f0.last_used)))");
}

TEST_CASE_FIXTURE(TimeCase, "NobodyWithoutAccountsIsDormant") {
  const auto latest = [&](const std::string& field) {
    const auto binder = b.Binder();
    return b.Fold(Kind::kLatest, binder, b.Path(b.Row("identity"), {"accounts"}), nullptr,
                  b.Path(b.Member(binder, "a", "account"), {field}));
  };
  auto seen = Sum(Kind::kCoalesce, Sum(Kind::kCoalesce, latest("last_login"), latest("created_at")),
                  b.Now());
  const std::string when = Match("identity", b.Make(Kind::kOlder, std::move(seen), b.Days(45)));
  const std::string value =
      "coalesce(latest(f1 in f0.accounts: true, f1.last_login), "
      "latest(f1 in f0.accounts: true, f1.created_at))";
  CHECK(when == "and(known(" + value + "), reached(1*now - " + value + " - 45d))");
}

TEST_CASE_FIXTURE(TimeCase, "ExtremesAroundNowBecomeQuantifiers") {
  const auto extreme = [&](Kind kind) {
    const auto binder = b.Binder();
    return b.Fold(
        kind, binder, b.Path(b.Row("identity"), {"accounts"}), nullptr,
        Sum(Kind::kCoalesce, b.Path(b.Member(binder, "a", "account"), {"last_login"}), b.Now()));
  };
  // Known or not: a member counts either way, but is undecided where its time is.
  const std::string counts = "or(known(f1.last_login), not(known(f1.last_login)))";
  const std::string gate = "known(count(f1 in f0.accounts: " + counts + "))";
  const std::string old = "reached(1*now - f1.last_login - 45d)";
  const auto gated = [&](const std::string& fold) {
    return "or(and(" + gate + ", " + fold + "), and(not(" + gate + "), not(" + fold + ")))";
  };
  CHECK(Match("identity", b.Make(Kind::kOlder, extreme(Kind::kLatest), b.Days(45))) ==
        gated("all(f1 in f0.accounts: or(and(known(f1.last_login), " + old + "), not(" + counts +
              ")))"));
  CHECK(Match("identity", b.Make(Kind::kOlder, extreme(Kind::kEarliest), b.Days(45))) ==
        gated("any(f1 in f0.accounts: and(known(f1.last_login), " + old + ", " + counts + "))"));
}

TEST_CASE_FIXTURE(TimeCase, "EqualityWithNowLastsOneMicrosecond") {
  CHECK(Match("grant", b.Equal(Used(), b.Now())) ==
        "and(reached(1*now - f0.last_used), not(reached(1*now - f0.last_used - 1us)))");
}

TEST_CASE_FIXTURE(TimeCase, "RelationsOfDates") {
  CHECK(Match("identity", b.Make(Kind::kPassed, End())) == "day(f0.contract_end+1 in 'UTC')");
  CHECK(Match("identity", b.Make(Kind::kOlder, End(), b.Civil(CivilUnit::kDays, 30))) ==
        "day(f0.contract_end+31 in 'UTC')");
  CHECK(Match("identity", b.Make(Kind::kOlder, End(), b.Civil(CivilUnit::kMonths, 6))) ==
        "day(f0.contract_end+6 months+1 in 'UTC')");
  CHECK(Match("identity", b.Make(Kind::kNewer, End(), b.Civil(CivilUnit::kDays, 30))) ==
        "not(day(f0.contract_end+31 in 'UTC'))");
  CHECK(Match("identity", b.Make(Kind::kWithinNext, End(), b.Civil(CivilUnit::kDays, 14))) ==
        "and(day(f0.contract_end-14 in 'UTC'), not(day(f0.contract_end+1 in 'UTC')))");
}

TEST_CASE_FIXTURE(TimeCase, "ComparisonsWithToday") {
  const auto compare = [&](CompareOp op) {
    return Match("identity", b.Compare(op, b.Today(), End()));
  };
  const std::string at_least = "day(f0.contract_end+0 in 'UTC')";
  const std::string after = "day(f0.contract_end+1 in 'UTC')";
  CHECK(compare(CompareOp::kGreaterEqual) == at_least);
  CHECK(compare(CompareOp::kGreater) == after);
  CHECK(compare(CompareOp::kLess) == "not(" + at_least + ")");
  CHECK(compare(CompareOp::kLessEqual) == "not(" + after + ")");
  CHECK(compare(CompareOp::kEqual) == "and(" + at_least + ", not(" + after + "))");
  CHECK(compare(CompareOp::kNotEqual) == "not(and(" + at_least + ", not(" + after + ")))");
  const auto mirrored = [&](ExprPtr today) {
    return Match("identity", b.Compare(CompareOp::kLess, End(), std::move(today)));
  };
  CHECK(mirrored(Sum(Kind::kAdd, b.Today(), b.Civil(CivilUnit::kDays, 14))) ==
        "day(f0.contract_end-13 in 'UTC')");
  CHECK(mirrored(Sum(Kind::kSubtract, b.Today(), b.Civil(CivilUnit::kMonths, 1))) ==
        "day(f0.contract_end+1-1 months in 'UTC')");
}

TEST_CASE_FIXTURE(TimeCase, "TheZoneOfThePolicyIsUsedForItsDates") {
  b.program.policies.clear();
  typed::Policy& policy =
      b.Policy("p", "identity",
               b.Make(Kind::kAnd, b.Make(Kind::kPassed, End()),
                      b.Make(Kind::kPassed, b.Make(Kind::kStartOf, End())),
                      b.Equal(b.Make(Kind::kDateOf, b.Time("2026-01-01T00:00Z")), End())));
  policy.timezone = b.Make(Kind::kCoalesce, b.Path(b.Row("identity"), {"timezone"}), b.Text("UTC"));
  const ir::Program program = Compile(b.program);
  const std::string zone = "coalesce(f0.timezone, 'UTC')";
  const ir::Node& match = program.node(program.rules[0].match);
  REQUIRE(match.operands.size() == 3);
  CHECK(Formula(program, program.rules[0].match).find("start_of(f0.contract_end, " + zone) !=
        std::string::npos);
  CHECK(Formula(program, program.rules[0].match).find("day(f0.contract_end+1 in " + zone) !=
        std::string::npos);
  CHECK(Formula(program, program.rules[0].match).find("date_of(2026-01-01T00:00:00Z, " + zone) !=
        std::string::npos);
}

}  // namespace
}  // namespace rescind::compile
