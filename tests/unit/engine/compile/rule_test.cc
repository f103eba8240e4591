// What of a policy besides its condition arrives in its rule.
#include <doctest/doctest.h>

#include <algorithm>
#include <string>

#include "engine/compile/compile.h"
#include "engine/compile/reason.h"
#include "tests/unit/engine/compile/formula.h"
#include "tests/unit/engine/compile/typed_builder.h"

namespace rescind::compile {
namespace {

using Kind = typed::ExprKind;
using typed::BinderId;

Span At(uint32_t begin, uint32_t end) { return {FileId(0), begin, end}; }

TEST_CASE("MatchIsWhenAndNotUnless") {
  TypedBuilder b;
  const auto user_is = [&](const std::string& name) {
    return b.Equal(b.Path(b.Row("account"), {"username"}), b.Text(name));
  };
  b.Policy("p", "account", b.Path(b.Row("account"), {"privileged"}),
           b.Make(Kind::kOr, user_is("a"), user_is("b")));
  const ir::Program program = Compile(b.program);
  const ir::Rule& rule = program.rules[0];
  CHECK(Formula(program, rule.when) == "f0.privileged");
  CHECK(Formula(program, rule.unless) == "or(f0.username == 'a', f0.username == 'b')");
  CHECK(Formula(program, rule.match) ==
        "and(f0.privileged, not(f0.username == 'a'), not(f0.username == 'b'))");
}

TEST_CASE("AnImpossiblePolicyStaysAndNeverMatches") {
  TypedBuilder b;
  b.Policy(
      "never", "account",
      b.Make(Kind::kAnd, b.Path(b.Row("account"), {"privileged"}), b.Equal(b.Int(1), b.Int(2))));
  b.Policy("always", "account",
           b.Make(Kind::kOr, b.Path(b.Row("account"), {"privileged"}),
                  b.Make(Kind::kNot, b.Bool(false))));
  const ir::Program program = Compile(b.program);
  REQUIRE(program.rules.size() == 2);
  CHECK(Formula(program, program.rules[0].match) == "false");
  CHECK(Formula(program, program.rules[1].match) == "true");
}

TEST_CASE("ClausesFollowTheConditionAsWritten") {
  TypedBuilder b;
  const BinderId g = b.Binder();
  auto privileged = b.Path(b.Row("account"), {"privileged"});
  privileged->span = At(0, 5);
  auto condition = b.Equal(b.Path(b.Member(g, "g", "grant"), {"entitlement", "name"}), b.Text("x"));
  condition->span = At(20, 30);
  auto any = b.Fold(Kind::kAny, g, b.Path(b.Row("account"), {"grants"}), std::move(condition));
  any->span = At(15, 31);
  auto negated = b.Make(Kind::kNot, std::move(any));
  negated->span = At(11, 31);
  auto when = b.Make(Kind::kAnd, std::move(privileged), std::move(negated));
  when->span = At(0, 31);
  auto unless = b.Path(b.Row("account"), {"privileged"});
  unless->span = At(40, 45);
  b.Policy("p", "account", std::move(when), std::move(unless));
  const ir::Program program = Compile(b.program);
  const ir::Rule& rule = program.rules[0];
  std::string seen;
  const auto walk = [&](const auto& self, uint32_t index) -> void {
    const ir::Clause& clause = rule.clauses[index];
    seen += std::to_string(clause.span.begin) + " " + Formula(program, clause.node) + " (";
    for (const uint32_t child : clause.children) self(self, child);
    seen += ")";
  };
  walk(walk, rule.when_clause);
  const std::string inner = "f1.entitlement.name == 'x'";
  const std::string fold = "any(f1 in f0.grants: " + inner + ")";
  CHECK(seen == "0 and(f0.privileged, not(" + fold + ")) (0 f0.privileged ()11 not(" + fold +
                    ") (15 " + fold + " (20 " + inner + " ())))");
  REQUIRE(rule.unless_clause.has_value());
  CHECK(rule.clauses[*rule.unless_clause].span == At(40, 45));
}

TEST_CASE("LetsThatUseLetsTwiceDoNotExplode") {
  TypedBuilder b;
  typed::Policy& policy = b.Policy("p", "account", nullptr);
  policy.lets.push_back({"l", b.Path(b.Row("account"), {"privileged"}), {}});
  for (uint32_t i = 0; i < 60; ++i) {
    auto twice = b.Make(Kind::kAnd, b.LetUse(policy, i), b.Make(Kind::kNot, b.LetUse(policy, i)));
    policy.lets.push_back({"l", std::move(twice), {}});
  }
  policy.when = b.LetUse(policy, 60);
  const ir::Program program = Compile(b.program);
  CHECK(program.rules[0].clauses.size() < 20'000);
  CHECK(program.nodes.size() < 500);
}

TEST_CASE("EvidenceIsEveryLongestPathOnceInTheOrderOfTheSource") {
  TypedBuilder b;
  const auto path = [&](std::initializer_list<std::string> fields) {
    return b.Path(b.Row("grant"), fields);
  };
  const BinderId a = b.Binder();
  auto members = b.Path(b.Row("grant"), {"account", "owner", "accounts"});
  b.Policy("p", "grant",
           b.Make(Kind::kAnd, b.Make(Kind::kIsKnown, path({"account", "owner"})),
                  b.Make(Kind::kPassed,
                         b.Make(Kind::kChangedAt, path({"account", "owner", "department"}))),
                  b.Fold(Kind::kAny, a, std::move(members),
                         b.Path(b.Member(a, "a", "account"), {"privileged"})),
                  b.Equal(b.Make(Kind::kId, path({"account"})), b.Text("x"))),
           b.Make(Kind::kOr, b.Path(b.Row("grant"), {"account", "privileged"}),
                  b.Make(Kind::kIsKnown, path({"account", "owner", "department"}))));
  const ir::Program program = Compile(b.program);
  std::string seen;
  for (const ir::EvidencePath& evidence : program.rules[0].evidence) {
    seen += evidence.path + " = " + Formula(program, evidence.value) + " of " +
            Formula(program, evidence.row) + "\n";
    CHECK(evidence.field.valid() == (evidence.path != "x.account.id"));
    CHECK(program.node(evidence.row).type.entity == evidence.entity);
  }
  CHECK(seen ==
        "x.account.owner = f0.account.owner of f0.account\n"
        "x.account.owner.department = f0.account.owner.department of f0.account.owner\n"
        "x.account.id = f0.account.id of f0.account\n"
        "x.account.privileged = f0.account.privileged of f0.account\n");
}

TEST_CASE("AReasonIsNeverMissing") {
  TypedBuilder b;
  typed::Policy& policy = b.Policy("p", "account", b.Path(b.Row("account"), {"privileged"}));
  CHECK(Compile(b.program).rules[0].because[0].text == "Title of p");
  policy.title.clear();
  CHECK(Compile(b.program).rules[0].because[0].text == "p");
  SourceMap sources;
  const std::string text = "when  x.privileged  // yes\n  and x.n == \"a  b\"";
  const FileId file = sources.Add("f", text);
  policy.when_span = {file, 6, static_cast<uint32_t>(text.size())};
  CompileOptions options;
  options.sources = &sources;
  CHECK(Compile(b.program, options).rules[0].because[0].text == "x.privileged and x.n == \"a  b\"");
}

TEST_CASE("ConditionTextIsOneLineWithoutComments") {
  CHECK(ConditionText("a\r\n\t and /* b\n */ c") == "a and c");
  CHECK(ConditionText("a matches /x \\/\\/ y/ // gone") == "a matches /x \\/\\/ y/");
  CHECK(ConditionText("a == \"// \\\" /* */\"  ") == "a == \"// \\\" /* */\"");
  CHECK(ConditionText("/* open") == "");
  CHECK(ConditionText("\"open") == "\"open");
}

TEST_CASE("EveryClauseOfAPolicyArrives") {
  TypedBuilder b;
  typed::Policy& policy = b.Policy("p", "grant", b.Bool(true));
  policy.controls = {{"pci_dss_4", "8.2.6"}};
  policy.severity = typed::Severity::kCritical;
  policy.mode = typed::Mode::kEnforce;
  policy.meaning_hash = "sha256:00";
  policy.renamed_from = "old";
  policy.needs.push_back({{}, "directory", Duration{5}});
  typed::ShareLimit& share = policy.share_limits.emplace_back();
  share.amount = 5;
  share.percent = true;
  share.entity = b.Entity("grant");
  share.group = b.Path(b.Row("grant"), {"account"});
  share.window = typed::LimitWindow::kDay;
  typed::LeaveLimit& leave = policy.leave_limits.emplace_back();
  leave.amount = 2;
  leave.group = b.Path(b.Row("grant"), {"entitlement"});
  typed::DoneWithin& done = policy.done.emplace();
  done.within = Duration{4};
  done.recipient.choices.push_back(b.Path(b.Row("grant"), {"account", "owner", "manager"}));
  done.recipient.choices.push_back(b.Text("ciso"));
  typed::Stage& stage = policy.stages.emplace_back();
  stage.after = Duration{7 * kMicrosPerDay};
  typed::Approval& approval = stage.approval.emplace();
  approval.approver.choices.push_back(b.Text("boss"));
  approval.within = Duration{3};
  approval.otherwise = typed::ApprovalElse::kWithdraw;
  typed::Action& action = stage.actions.emplace_back();
  action.verb = typed::Verb::kDisable;
  action.target = b.Path(b.Row("grant"), {"account", "owner"});
  action.entity = b.Entity("identity");
  action.expands_identity = true;

  const ir::Program program = Compile(b.program);
  const ir::Rule& rule = program.rules[0];
  CHECK(rule.controls[0].reference == "8.2.6");
  CHECK(rule.severity == ir::Severity::kCritical);
  CHECK(rule.mode == ir::Mode::kEnforce);
  CHECK(rule.meaning_hash == "sha256:00");
  CHECK(rule.renamed_from == "old");
  CHECK(rule.needs[0].source == "directory");
  CHECK(rule.needs[0].within == Duration{5});
  CHECK(rule.share_limits[0].percent);
  CHECK(rule.share_limits[0].window == ir::LimitWindow::kDay);
  CHECK(Formula(program, rule.share_limits[0].group) == "f0.account");
  CHECK(Formula(program, rule.leave_limits[0].group) == "f0.entitlement");
  REQUIRE(rule.done->recipient.choices.size() == 2);
  CHECK(Formula(program, rule.done->recipient.choices[0]) == "f0.account.owner.manager");
  CHECK(Formula(program, rule.done->recipient.choices[1]) == "'ciso'");
  REQUIRE(rule.stages.size() == 2);
  CHECK(Formula(program, rule.stages[0].actions[0].recipient.choices[0]) == "'iam'");
  CHECK(rule.stages[1].approval->otherwise == ir::ApprovalElse::kWithdraw);
  CHECK(Formula(program, rule.stages[1].approval->approver.choices[0]) == "'boss'");
  const ir::Action& disable = rule.stages[1].actions[0];
  CHECK(disable.expands_identity);
  CHECK(Formula(program, disable.target) == "f0.account.owner");
  CHECK_FALSE(disable.targets.valid());
  // Nothing was said of failure: retried for a day, kept, and `oncall` is told.
  CHECK(rule.on_failure->retry_for == Duration{24 * kMicrosPerHour});
  CHECK(rule.on_failure->keep);
  CHECK_FALSE(rule.on_failure->rollback);
  REQUIRE(rule.on_failure->notify.size() == 1);
  CHECK(rule.on_failure->notify[0].choices.empty());
}

TEST_CASE("ProtectsFollowPoliciesAndHaveNoStages") {
  TypedBuilder b;
  typed::Protect& protect = b.program.protects.emplace_back();
  protect.full_name = "a";
  protect.entity = b.Entity("account");
  protect.binder = b.judged;
  protect.when = b.Path(b.Row("account"), {"privileged"});
  protect.unless = b.Equal(b.Path(b.Row("account"), {"username"}), b.Text("x"));
  b.Policy("z", "account", b.Path(b.Row("account"), {"privileged"}));
  const ir::Program program = Compile(b.program);
  REQUIRE(program.rules.size() == 2);
  CHECK(program.rules[0].full_name == "z");
  CHECK(program.rules[0].mode == ir::Mode::kObserve);
  CHECK(program.rules[1].protect);
  CHECK(Formula(program, program.rules[1].match) == "and(f0.privileged, not(f0.username == 'x'))");
}

TEST_CASE("ColumnsAreWhatConditionsReadButNotTextsThatAreOnlyShown") {
  TypedBuilder b;
  const BinderId g = b.Binder();
  typed::Policy& policy = b.Policy(
      "p", "identity",
      b.Make(
          Kind::kAnd,
          b.Fold(Kind::kAny, g, b.Path(b.Row("identity"), {"accounts", "grants"}),
                 b.Equal(b.Path(b.Member(g, "g", "grant"), {"entitlement", "name"}), b.Text("x"))),
          b.Make(Kind::kPassed, b.Make(Kind::kChangedAt, b.Path(b.Row("identity"), {"status"})))));
  policy.because.emplace_back().expr = b.Path(b.Row("identity"), {"name"});
  policy.because.emplace_back().expr = b.Path(b.Row("identity"), {"score"});
  policy.because.emplace_back().expr = b.Make(Kind::kId, b.Row("identity"));
  policy.because.emplace_back().expr =
      b.Make(Kind::kPrevious, b.Path(b.Row("identity"), {"department"}));
  policy.stages[0].actions[0].recipient.choices.insert(
      policy.stages[0].actions[0].recipient.choices.begin(),
      b.Path(b.Row("identity"), {"manager"}));
  const ir::Program program = Compile(b.program);
  const auto has = [&](const std::string& entity, const std::string& field) {
    return program.columns.Has(b.Entity(entity), b.Field(entity, field));
  };
  CHECK(has("identity", "accounts"));
  CHECK(has("account", "grants"));
  CHECK(has("grant", "entitlement"));
  CHECK(has("entitlement", "name"));
  CHECK(program.columns.HasHistory(b.Entity("identity"), b.Field("identity", "status")));
  CHECK(has("identity", "score"));
  CHECK(program.columns.HasHistory(b.Entity("identity"), b.Field("identity", "department")));
  CHECK(has("identity", "manager"));
  CHECK_FALSE(has("identity", "name"));
  CHECK_FALSE(has("identity", "vip"));
  CHECK_FALSE(has("account", "username"));
  CHECK(program.columns.ids.empty());
  // What any plan asks of accounts.
  CHECK(has("account", "owner"));
  CHECK(has("account", "status"));
}

TEST_CASE("TextsAndIdsThatDecideAreLoaded") {
  TypedBuilder b;
  typed::Policy& policy =
      b.Policy("p", "account", b.Equal(b.Make(Kind::kId, b.Row("account")), b.Text("root")));
  policy.share_limits.emplace_back().group = b.Path(b.Row("account"), {"username"});
  // Shown first, then needed: once is enough to load it.
  policy.because.emplace_back().expr = b.Path(b.Row("account"), {"username"});
  const ir::Program program = Compile(b.program);
  CHECK(program.columns.ids.count(b.Entity("account")) == 1);
  CHECK(program.columns.Has(b.Entity("account"), b.Field("account", "username")));
}

TEST_CASE("TheSameProgramCompilesToTheSameText") {
  const auto text = [] {
    TypedBuilder b;
    for (const std::string name : {"p", "q", "r"}) {
      b.Policy(name, "account",
               b.Make(Kind::kOr, b.Path(b.Row("account"), {"privileged"}),
                      b.Equal(b.Path(b.Row("account"), {"username"}), b.Text(name))));
    }
    return ir::Print(Compile(b.program));
  };
  CHECK(text() == text());
}

}  // namespace
}  // namespace rescind::compile
