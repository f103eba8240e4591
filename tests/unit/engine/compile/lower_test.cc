// What each construct of the language becomes, after all passes.
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

// The match of one policy with this condition, as a formula.
std::string Match(TypedBuilder& b, const std::string& entity, ExprPtr when) {
  b.program.policies.clear();
  b.Policy("p", entity, std::move(when));
  const ir::Program program = Compile(b.program);
  CHECK(ir::Verify(program).empty());
  return Formula(program, program.rules[0].match);
}

TEST_CASE("RelationsBecomeTheFewComparisonsOfTheProgram") {
  TypedBuilder b;
  const auto score = [&] { return b.Path(b.Row("identity"), {"score"}); };
  const auto compare = [&](CompareOp op) {
    return Match(b, "identity", b.Compare(op, score(), b.Int(5)));
  };
  CHECK(compare(CompareOp::kEqual) == "f0.score == 5");
  CHECK(compare(CompareOp::kNotEqual) == "not(f0.score == 5)");
  CHECK(compare(CompareOp::kLess) == "f0.score < 5");
  CHECK(compare(CompareOp::kLessEqual) == "f0.score <= 5");
  CHECK(compare(CompareOp::kGreater) == "5 < f0.score");
  CHECK(compare(CompareOp::kGreaterEqual) == "5 <= f0.score");
  CHECK(Match(b, "identity", b.Equal(b.Int(5), score())) == "f0.score == 5");

  const auto user = [&] { return b.Path(b.Row("account"), {"username"}); };
  CHECK(Match(b, "account", b.Make(Kind::kStartsWith, user(), b.Text("svc"))) ==
        "starts(f0.username, 'svc')");
  CHECK(Match(b, "account", b.Make(Kind::kEndsWith, user(), b.Text("svc"))) ==
        "ends(f0.username, 'svc')");
  CHECK(Match(b, "account", b.Make(Kind::kContains, b.Make(Kind::kLower, user()), b.Text("a"))) ==
        "contains(lower(f0.username), 'a')");
  auto matches = b.Make(Kind::kMatches, user());
  matches->text = "^svc-[0-9]+$";
  CHECK(Match(b, "account", std::move(matches)) == "f0.username ~ /^svc-[0-9]+$/");
  CHECK(Match(b, "account",
              b.Make(Kind::kHas, b.Path(b.Row("account"), {"tags"}), b.Text("break-glass"))) ==
        "has(f0.tags, 'break-glass')");
}

TEST_CASE("MembershipIsASortedSetOrOneComparison") {
  TypedBuilder b;
  const auto in = [&](std::vector<typed::Constant> items) {
    auto expr = b.Make(Kind::kIn, b.Path(b.Row("account"), {"username"}));
    expr->constants = std::move(items);
    return Match(b, "account", std::move(expr));
  };
  CHECK(in({std::string("b"), std::string("a"), std::string("b")}) == "f0.username in {'a', 'b'}");
  CHECK(in({std::string("a")}) == "f0.username == 'a'");
  CHECK(in({}) == "f0.username in {}");

  // Rows are named by their ids, and one that is not there is merely another one.
  typed::List& list = b.program.lists.emplace_back();
  list.items = {typed::RowKey{b.Entity("entitlement"), "vault"},
                typed::RowKey{b.Entity("entitlement"), "root"}};
  auto in_list = b.Make(Kind::kInList, b.Path(b.Row("grant"), {"entitlement"}));
  in_list->list = typed::ListId(0);
  CHECK(Match(b, "grant", std::move(in_list)) == "f0.entitlement in {'root', 'vault'}");
  auto row = b.Path(b.Row("grant"), {"entitlement"});
  row->kind = Kind::kLiteral;
  row->operands.clear();
  row->constant = typed::RowKey{b.Entity("entitlement"), "vault"};
  CHECK(Match(b, "grant", b.Equal(std::move(row), b.Path(b.Row("grant"), {"entitlement"}))) ==
        "f0.entitlement in {'vault'}");
}

TEST_CASE("PathsHistoryAndIds") {
  TypedBuilder b;
  const auto department = [&] {
    return b.Path(b.Row("grant"), {"account", "owner", "department"});
  };
  CHECK(Match(b, "grant", b.Make(Kind::kIsKnown, department())) ==
        "known(f0.account.owner.department)");
  CHECK(Match(b, "grant", b.Make(Kind::kIsUnknown, b.Make(Kind::kChangedAt, department()))) ==
        "not(known(changed_at(f0.account.owner.department)))");
  CHECK(Match(b, "grant", b.Equal(b.Make(Kind::kPrevious, department()), b.Text("hr"))) ==
        "previous(f0.account.owner.department) == 'hr'");
  CHECK(
      Match(b, "account",
            b.Make(Kind::kPassed, b.Make(Kind::kRemovedAt, b.Path(b.Row("account"), {"owner"})))) ==
      "reached(1*now - removed_at(f0.owner))");
  CHECK(Match(b, "account", b.Equal(b.Make(Kind::kId, b.Row("account")), b.Text("root"))) ==
        "f0.id == 'root'");
}

TEST_CASE("ArithmeticIsKeptWhereItMayGoWrongAndFoldedWhereItCannot") {
  TypedBuilder b;
  const auto score = [&] { return b.Path(b.Row("identity"), {"score"}); };
  const auto equals = [&](ExprPtr value) {
    return Match(b, "identity", b.Equal(score(), std::move(value)));
  };
  CHECK(equals(b.Make(Kind::kMultiply, b.Make(Kind::kAdd, b.Int(2), b.Int(3)), b.Int(4))) ==
        "f0.score == 20");
  CHECK(equals(b.Make(Kind::kNegate, b.Make(Kind::kSubtract, b.Int(2), b.Int(3)))) ==
        "f0.score == 1");
  CHECK(equals(b.Make(Kind::kAdd, b.Int(INT64_MAX), b.Int(1))) ==
        "f0.score == add(9223372036854775807, 1)");
  CHECK(equals(b.Make(Kind::kNegate, b.Int(INT64_MIN))) == "f0.score == neg(-9223372036854775808)");
  const auto end = [&] { return b.Path(b.Row("identity"), {"contract_end"}); };
  CHECK(Match(b, "identity",
              b.Equal(end(),
                      b.Make(Kind::kAdd, b.Date("2026-01-31"), b.Civil(CivilUnit::kMonths, 1)))) ==
        "f0.contract_end == 2026-02-28");
  CHECK(Match(b, "identity",
              b.Equal(end(), b.Make(Kind::kSubtract, b.Date("2026-01-31"),
                                    b.Civil(CivilUnit::kBusinessDays, 1)))) ==
        "f0.contract_end == 2026-01-31-1 business days");
  // Without `now` a sum of times is arithmetic.
  CHECK(Match(b, "grant",
              b.Compare(CompareOp::kLess,
                        b.Make(Kind::kAdd, b.Path(b.Row("grant"), {"granted_at"}), b.Days(1)),
                        b.Path(b.Row("grant"), {"last_used"}))) ==
        "add(f0.granted_at, 1d) < f0.last_used");
  CHECK(Match(b, "grant",
              b.Make(Kind::kIsKnown, b.Make(Kind::kCoalesce, b.Path(b.Row("grant"), {"last_used"}),
                                            b.Path(b.Row("grant"), {"granted_at"})))) ==
        "known(coalesce(f0.last_used, f0.granted_at))");
}

TEST_CASE("LetsAndDefinesAreTheirValues") {
  TypedBuilder b;
  auto define =
      b.Make(Kind::kInlined, b.Make(Kind::kCoalesce, b.Path(b.Row("grant"), {"last_used"}),
                                    b.Path(b.Row("grant"), {"granted_at"})));
  typed::Policy& policy = b.Policy("p", "grant", nullptr);
  policy.lets.push_back({"seen", std::move(define), {}});
  policy.when = b.Make(Kind::kOlder, b.LetUse(policy, 0), b.Days(90));
  typed::ReasonPart& part = policy.because.emplace_back();
  part.expr = b.LetUse(policy, 0);
  const ir::Program program = Compile(b.program);
  CHECK(Formula(program, program.rules[0].match) ==
        "reached(1*now - coalesce(f0.last_used, f0.granted_at) - 90d)");
  // The value shown is the node compared.
  CHECK(program.node(program.rules[0].match).operands[0] == program.rules[0].because[0].node);
}

}  // namespace
}  // namespace rescind::compile
