// Collections, folds, frames, and what policies share.
#include <doctest/doctest.h>

#include <string>

#include "engine/compile/compile.h"
#include "tests/unit/engine/compile/formula.h"
#include "tests/unit/engine/compile/typed_builder.h"

namespace rescind::compile {
namespace {

using Kind = typed::ExprKind;
using typed::BinderId;
using typed::CompareOp;
using typed::ExprPtr;

class CollectionCase {
 public:
  std::string Match(const std::string& entity, ExprPtr when) {
    b.program.policies.clear();
    b.Policy("p", entity, std::move(when));
    program = Compile(b.program);
    CHECK(ir::Verify(program).empty());
    return Formula(program, program.rules[0].match);
  }
  ExprPtr Grants() const { return b.Path(b.Row("identity"), {"accounts", "grants"}); }
  // g.entitlement.name == "name"
  ExprPtr Named(BinderId g, const std::string& name) const {
    return b.Equal(b.Path(b.Member(g, "g", "grant"), {"entitlement", "name"}), b.Text(name));
  }

  TypedBuilder b;
  ir::Program program;
};

TEST_CASE_FIXTURE(CollectionCase, "Quantifiers") {
  const auto quantified = [&](Kind kind) {
    const BinderId g = b.Binder();
    return Match("identity", b.Fold(kind, g, Grants(), Named(g, "vendor-pay")));
  };
  const std::string body = "(f1 in f0.accounts.grants: f1.entitlement.name == 'vendor-pay')";
  CHECK(quantified(Kind::kAny) == "any" + body);
  CHECK(quantified(Kind::kNo) == "not(any" + body + ")");
  CHECK(quantified(Kind::kAll) == "all" + body);
  CHECK(Match("identity", b.Fold(Kind::kAny, b.Binder(), Grants(), nullptr)) ==
        "any(f1 in f0.accounts.grants: true)");
}

TEST_CASE_FIXTURE(CollectionCase, "CountsSumsAndExtremes") {
  const BinderId g = b.Binder();
  CHECK(Match("identity", b.Compare(CompareOp::kGreater,
                                    b.Fold(Kind::kCount, g, Grants(), Named(g, "a")), b.Int(3))) ==
        "3 < count(f1 in f0.accounts.grants: f1.entitlement.name == 'a')");
  const BinderId a = b.Binder();
  auto accounts = b.Path(b.Row("identity"), {"accounts"});
  auto score = b.Path(b.Member(a, "a", "account"), {"owner", "score"});
  CHECK(Match("identity",
              b.Compare(CompareOp::kLess,
                        b.Fold(Kind::kSum, a, std::move(accounts), nullptr, std::move(score)),
                        b.Int(10))) == "sum(f1 in f0.accounts: true, f1.owner.score) < 10");
  const BinderId e = b.Binder();
  auto ends = b.Path(b.Member(e, "a", "account"), {"ends_on"});
  CHECK(Match("identity", b.Make(Kind::kPassed,
                                 b.Fold(Kind::kEarliest, e, b.Path(b.Row("identity"), {"accounts"}),
                                        nullptr, std::move(ends)))) ==
        "day(earliest(f1 in f0.accounts: true, f1.ends_on)+1 in 'UTC')");
}

TEST_CASE_FIXTURE(CollectionCase, "SetsTablesAndFlatMaps") {
  const BinderId d = b.Binder();
  auto delegates = b.Make(Kind::kRowsOfSet, b.Path(b.Row("account"), {"delegates"}));
  CHECK(Match("account", b.Fold(Kind::kAny, d, std::move(delegates),
                                b.Path(b.Member(d, "d", "identity"), {"vip"}))) ==
        "any(f1 in each f0.delegates: f1.vip)");
  // Through a set of references, and through a reference of each member.
  const BinderId m = b.Binder();
  CHECK(Match("account", b.Fold(Kind::kAny, m, b.Path(b.Row("account"), {"delegates", "manager"}),
                                b.Path(b.Member(m, "m", "identity"), {"vip"}))) ==
        "any(f1 in each f0.delegates.manager: f1.vip)");
  const BinderId t = b.Binder();
  auto tag = b.Member(t, "t", "account");
  tag->type = {};
  tag->type.kind = typed::Type::Kind::kText;
  CHECK(Match("account", b.Fold(Kind::kAny, t, b.Path(b.Row("account"), {"tags"}),
                                b.Make(Kind::kStartsWith, std::move(tag), b.Text("x")))) ==
        "any(f1 in each f0.tags: starts(f1, 'x'))");
}

TEST_CASE_FIXTURE(CollectionCase, "AMemberStandsBelowWhatItsFoldDependsOn") {
  typed::Table& table = b.program.tables.emplace_back();
  table.name = "sod";
  typed::Type text;
  text.kind = typed::Type::Kind::kText;
  table.columns = {{"left", text}, {"right", text}};
  table.rows = {{std::string("a"), std::nullopt}};
  const auto all_rows = [&] {
    auto rows = b.Make(Kind::kTable);
    rows->table = typed::TableId(0);
    rows->type.kind = typed::Type::Kind::kTableRows;
    rows->type.table = rows->table;
    return rows;
  };
  const auto column = [&](BinderId binder, uint32_t index) {
    auto row = b.Member(binder, "p", "grant");
    row->type.kind = typed::Type::Kind::kTableRow;
    row->type.table = typed::TableId(0);
    auto expr = b.Make(Kind::kColumn, std::move(row));
    expr->column = index;
    expr->type = text;
    return expr;
  };
  // Of the row alone: below nothing, the same for all rows.
  const BinderId p = b.Binder();
  CHECK(Match("identity", b.Fold(Kind::kAny, p, all_rows(), b.Equal(column(p, 0), b.Text("a")))) ==
        "any(f1 in sod: f1[0] == 'a')");
  CHECK_FALSE(program.node(program.rules[0].match).frame.valid());
  CHECK_FALSE(program.frames[1].parent.valid());
  // Of the grant as well: below the grant.
  const BinderId g = b.Binder();
  const BinderId q = b.Binder();
  auto name = b.Path(b.Member(g, "g", "grant"), {"entitlement", "name"});
  auto inner = b.Fold(Kind::kAny, q, all_rows(), b.Equal(column(q, 0), std::move(name)));
  CHECK(Match("identity", b.Fold(Kind::kAny, g, Grants(), std::move(inner))) ==
        "any(f1 in f0.accounts.grants: any(f2 in sod: f1.entitlement.name == f2[0]))");
  CHECK(program.frames[2].parent == ir::FrameId(1));
  // Inside the grant's condition, but not of the grant.
  const BinderId h = b.Binder();
  const BinderId r = b.Binder();
  auto vip = b.Path(b.Row("identity"), {"name"});
  auto apart = b.Fold(Kind::kAny, r, all_rows(), b.Equal(column(r, 1), std::move(vip)));
  Match("identity", b.Fold(Kind::kAny, h, Grants(), std::move(apart)));
  CHECK(program.frames[2].parent == ir::FrameId(0));
  // An empty cell makes a column one that may be unknown, a full one does not.
  for (const ir::Node& node : program.nodes) {
    if (node.op == ir::Op::kColumn) CHECK(node.may_be_unknown == (node.column == 1));
  }
}

TEST_CASE_FIXTURE(CollectionCase, "AFilterBecomesPartOfTheFold") {
  const auto filtered = [&](Kind kind, bool with_condition) {
    const BinderId f = b.Binder();
    const BinderId g = b.Binder();
    auto filter = b.Fold(Kind::kFilter, f, Grants(), Named(f, "a"));
    auto condition = with_condition ? Named(g, "b") : nullptr;
    return Match("identity", b.Fold(kind, g, std::move(filter), std::move(condition)));
  };
  const std::string in = "(f1 in f0.accounts.grants: ";
  const std::string a = "f1.entitlement.name == 'a'";
  const std::string other = "f1.entitlement.name == 'b'";
  CHECK(filtered(Kind::kAny, false) == "any" + in + a + ")");
  CHECK(filtered(Kind::kAny, true) == "any" + in + "and(" + a + ", " + other + "))");
  CHECK(filtered(Kind::kAll, true) == "all" + in + "or(not(" + a + "), " + other + "))");
}

TEST_CASE_FIXTURE(CollectionCase, "NestedExtremesOfNowKeepTheirMembersApart") {
  // The same let on both sides of a comparison: one member for each.
  typed::Policy& policy = b.Policy("p", "identity", nullptr);
  const BinderId a = b.Binder();
  auto seen = b.Make(Kind::kCoalesce, b.Path(b.Member(a, "a", "account"), {"last_login"}), b.Now());
  policy.lets.push_back(
      {"s",
       b.Fold(Kind::kLatest, a, b.Path(b.Row("identity"), {"accounts"}), nullptr, std::move(seen)),
       {}});
  policy.when = b.Compare(CompareOp::kLess, b.LetUse(policy, 0), b.LetUse(policy, 0));
  const ir::Program compiled = Compile(b.program);
  CHECK(ir::Verify(compiled).empty());
  CHECK(compiled.frames.size() == 3);
  const std::string match = Formula(compiled, compiled.rules[0].match);
  CHECK(match.find("reached(0*now + f1.last_login - f2.last_login)") != std::string::npos);
}

TEST_CASE_FIXTURE(CollectionCase, "PoliciesShareNodesFramesAndCollections") {
  for (const std::string name : {"p", "q"}) {
    const BinderId g = b.Binder();
    const BinderId h = b.Binder();
    typed::Policy& policy =
        b.Policy(name, "identity",
                 b.Make(Kind::kAnd, b.Fold(Kind::kAny, g, Grants(), Named(g, "create")),
                        b.Fold(Kind::kAny, h, Grants(), Named(h, "pay"))));
    const BinderId t = b.Binder();
    typed::Action& action = policy.stages[0].actions.emplace_back();
    action.verb = typed::Verb::kRevoke;
    action.entity = b.Entity("grant");
    action.target = b.Fold(Kind::kFilter, t, Grants(), Named(t, "pay"));
  }
  const ir::Program compiled = Compile(b.program);
  CHECK(compiled.rules[0].match == compiled.rules[1].match);
  const ir::CollectionId targets = compiled.rules[0].stages[0].actions[1].targets;
  CHECK(targets == compiled.rules[1].stages[0].actions[1].targets);
  CHECK(Formula(compiled, targets) == "(f1 in f0.accounts.grants: f1.entitlement.name == 'pay')");
  CHECK(compiled.frames.size() == 2);
  CHECK(compiled.collections.size() == 3);
  // What a target must be is what the second `any` asks.
  CHECK(ir::Print(compiled) == R"(frame f0 identity in - over -
frame f1 grant in f0 over c1
collection c0 of account = many identity.accounts of %0
collection c1 of grant = account.grants of each c0
collection c2 of grant = c1 where %8 (f1)
%0 f0 identity = member
%1 f1 grant = member
%2 f1 entitlement = field grant.entitlement %1
%3 f1 text = field entitlement.name %2
%4 - text = constant "create"
%5 f1 bool = compare == %3 %4
%6 f0 bool = any c1 (f1) %5
%7 - text = constant "pay"
%8 f1 bool = compare == %3 %7
%9 f0 bool = any c1 (f1) %8
%10 f0 bool = and %6 %9
%11 - text = constant "iam"
policy p for identity match %10 when %10 unless -
  severity 1 mode observe
  after 0s notify %11 revoke c2
  on failure retry 1d keep notify oncall
  because "Title of p"
policy q for identity match %10 when %10 unless -
  severity 1 mode observe
  after 0s notify %11 revoke c2
  on failure retry 1d keep notify oncall
  because "Title of q"
column identity.accounts
column account.owner
column account.status
column account.grants
column entitlement.name
column grant.entitlement
)");
}

TEST_CASE_FIXTURE(CollectionCase, "WhatStepsWithTimeMoves") {
  const BinderId a = b.Binder();
  auto old = b.Make(Kind::kOlder, b.Path(b.Member(a, "a", "account"), {"created_at"}), b.Days(90));
  CHECK(Match("identity", b.Compare(CompareOp::kLess, b.Int(3),
                                    b.Fold(Kind::kCount, a, b.Path(b.Row("identity"), {"accounts"}),
                                           std::move(old)))) ==
        "3 < count(f1 in f0.accounts: reached(1*now - f1.created_at - 90d))");
  CHECK(program.node(program.rules[0].match).moves);
  CHECK(program.node(program.rules[0].match).may_be_unknown == false);
  Match("identity", b.Path(b.Row("identity"), {"vip"}));
  CHECK_FALSE(program.node(program.rules[0].match).moves);
}

}  // namespace
}  // namespace rescind::compile
