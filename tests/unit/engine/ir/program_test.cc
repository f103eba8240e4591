// The printer shows every part of a program; the verifier refuses each way of breaking one.
#include <doctest/doctest.h>

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "engine/ir/program.h"

namespace rescind::ir {
namespace {

Node Make(Op op, Type type, FrameId frame, std::vector<NodeId> operands) {
  Node node;
  node.op = op;
  node.type = type;
  node.frame = frame;
  node.operands = std::move(operands);
  return node;
}

Type RowOf(EntityId entity) {
  Type type;
  type.kind = Type::Kind::kRow;
  type.entity = entity;
  return type;
}

FieldDef Reference(std::string name, EntityId entity) {
  FieldDef field;
  field.name = std::move(name);
  field.type.kind = TypeKind::kReference;
  field.type.entity = entity;
  return field;
}

constexpr EntityId kAccount(0);
constexpr EntityId kGrant(1);
constexpr FieldId kGrantAccount(0);
constexpr FieldId kGrantExpires(1);
constexpr FieldId kAccountGrants(0);
constexpr FrameId kRoot(0);
constexpr FrameId kInner(1);

void AddSchema(Schema& schema) {
  schema.AddEntity("account");
  schema.AddEntity("grant");
  schema.AddField(kGrant, Reference("account", kAccount));
  FieldDef expires;
  expires.name = "expires";
  expires.type.kind = TypeKind::kTime;
  schema.AddField(kGrant, expires);
  FieldDef grants = Reference("grants", kGrant);
  grants.type.kind = TypeKind::kMany;
  grants.type.via = kGrantAccount;
  schema.AddField(kAccount, grants);
}

// Node %N is nodes[N]: see the printed form below.
void AddNodes(Program& program) {
  Type bool_type;
  Type time_type;
  time_type.kind = Type::Kind::kTime;
  Node its_account = Make(Op::kField, RowOf(kAccount), kRoot, {NodeId(0)});
  its_account.entity = kGrant;
  its_account.field = kGrantAccount;
  Node its_end = Make(Op::kField, time_type, kInner, {NodeId(2)});
  its_end.entity = kGrant;
  its_end.field = kGrantExpires;
  Node reached = Make(Op::kReached, bool_type, kInner, {NodeId(3)});
  reached.factor = 1;
  reached.offset = -kMicrosPerDay;
  reached.signs = {-1};
  Node any = Make(Op::kAny, bool_type, kRoot, {NodeId(4)});
  any.collection = CollectionId(0);
  any.inner = kInner;
  program.nodes = {Make(Op::kMember, RowOf(kGrant), kRoot, {}),
                   its_account,
                   Make(Op::kMember, RowOf(kGrant), kInner, {}),
                   its_end,
                   reached,
                   any,
                   Make(Op::kNot, bool_type, kRoot, {NodeId(5)}),
                   Make(Op::kAnd, bool_type, kRoot, {NodeId(5), NodeId(6)})};
  for (size_t i = 4; i < program.nodes.size(); ++i) program.nodes[i].moves = true;
}

// A grant whose account has any grant that ended a day ago.
Program SmallProgram() {
  Program program;
  AddSchema(program.schema);
  program.frames = {Frame{{}, RowOf(kGrant), {}}, Frame{kRoot, RowOf(kGrant), CollectionId(0)}};
  Collection grants;
  grants.member = RowOf(kGrant);
  grants.outer = kRoot;
  grants.base = NodeId(1);
  grants.entity = kAccount;
  grants.field = kAccountGrants;
  program.collections = {grants};
  AddNodes(program);
  Action revoke;
  revoke.verb = Verb::kRevoke;
  revoke.target = NodeId(0);
  revoke.entity = kGrant;
  Stage stage;
  stage.actions = {revoke};
  Rule rule;
  rule.full_name = "a.p";
  rule.entity = kGrant;
  rule.frame = kRoot;
  rule.match = NodeId(7);
  rule.when = NodeId(5);
  rule.clauses = {Clause{NodeId(5), {}, {1}}, Clause{NodeId(4), {}, {}}};
  rule.because = {ReasonPart{"expired", {}}};
  rule.stages = {stage};
  rule.evidence = {EvidencePath{"grant.account", NodeId(1), NodeId(0), kGrant, kGrantAccount}};
  program.rules = {rule};
  return program;
}

TEST_CASE("a program prints every frame, collection, node and rule") {
  CHECK(Print(SmallProgram()) ==
        "frame f0 grant in - over -\n"
        "frame f1 grant in f0 over c0\n"
        "collection c0 of grant = many account.grants of %1\n"
        "%0 f0 grant = member\n"
        "%1 f0 account = field grant.account %0\n"
        "%2 f1 grant = member\n"
        "%3 f1 time = field grant.expires %2\n"
        "%4 f1 bool~ = reached 1 * now - offset -1d %3\n"
        "%5 f0 bool~ = any c0 (f1) %4\n"
        "%6 f0 bool~ = not %5\n"
        "%7 f0 bool~ = and %5 %6\n"
        "policy a.p for grant match %7 when %5 unless -\n"
        "  severity 1 mode observe\n"
        "  after 0s revoke %0\n"
        "  because \"expired\"\n"
        "  reads grant.account %1\n");
}

TEST_CASE("a sound program verifies and each broken one is refused for its own reason") {
  CHECK(Verify(SmallProgram()).empty());
  struct Breakage {
    const char* says;
    std::function<void(Program&)> breaks;
  };
  const std::vector<Breakage> breakages = {
      {"does not come before it", [](Program& p) { p.nodes[6].operands = {NodeId(7)}; }},
      {"does not come before it", [](Program& p) { p.nodes[6].operands = {NodeId()}; }},
      {"operands", [](Program& p) { p.nodes[7].operands = {NodeId(5)}; }},
      {"frame that is not above it", [](Program& p) { p.nodes[6].operands = {NodeId(4)}; }},
      {"is no bool", [](Program& p) { p.nodes[6].operands = {NodeId(0)}; }},
      {"condition is no bool", [](Program& p) { p.nodes[5].operands = {NodeId(3)}; }},
      {"another collection", [](Program& p) { p.nodes[5].inner = FrameId(0); }},
      {"no such collection", [](Program& p) { p.nodes[5].collection = CollectionId(9); }},
      {"another entity than its base", [](Program& p) { p.nodes[3].entity = EntityId(0); }},
      {"no such field", [](Program& p) { p.nodes[3].field = FieldId(9); }},
      {"without its signs", [](Program& p) { p.nodes[4].signs.clear(); }},
      {"of another type", [](Program& p) { p.nodes[4].operands = {NodeId(2)}; }},
      {"parent does not come", [](Program& p) { p.frames[1].parent = FrameId(1); }},
      {"neither a root", [](Program& p) { p.frames[1].source = {}; }},
      {"not its collection's", [](Program& p) { p.frames[1].member.entity = EntityId(0); }},
      {"no base", [](Program& p) { p.collections[0].base = {}; }},
      {"no such field", [](Program& p) { p.collections[0].field = FieldId(7); }},
      {"stands on another entity", [](Program& p) { p.rules[0].entity = EntityId(0); }},
      {"condition that is no bool", [](Program& p) { p.rules[0].when = {}; }},
      {"from another frame", [](Program& p) { p.rules[0].match = NodeId(4); }},
      {"without", [](Program& p) { p.rules[0].stages.clear(); }},
      {"no reason", [](Program& p) { p.rules[0].because.clear(); }},
      {"clause of nothing", [](Program& p) { p.rules[0].clauses[1].node = {}; }},
      {"no such clause", [](Program& p) { p.rules[0].clauses[0].children = {2}; }},
      {"without its clause", [](Program& p) { p.rules[0].when_clause = 2; }},
      {"without its clause", [](Program& p) { p.rules[0].unless_clause = 0; }},
      {"not read on the judged row", [](Program& p) { p.rules[0].evidence[0].row = NodeId(2); }},
      {"reason from another frame", [](Program& p) { p.rules[0].because[0].node = NodeId(3); }},
      {"target of another entity",
       [](Program& p) { p.rules[0].stages[0].actions[0].target = NodeId(1); }},
      {"targets of another entity",
       [](Program& p) { p.rules[0].stages[0].actions[0].targets = CollectionId(7); }},
      {"an action without", [](Program& p) { p.rules[0].stages[0].actions[0].target = {}; }},
      {"recipient from nowhere",
       [](Program& p) { p.rules[0].stages[0].actions[0].recipient.choices = {NodeId(3)}; }},
      {"made of `now`",
       [](Program& p) {
         p.nodes[3] = Node{};
         p.nodes[3].op = Op::kNow;
         p.nodes[3].type.kind = Type::Kind::kTime;
         p.nodes[4] = p.nodes[6];
         p.nodes[4].op = Op::kIsKnown;
         p.nodes[4].frame = FrameId(1);
         p.nodes[4].operands = {NodeId(3)};
       }},
  };
  for (const Breakage& breakage : breakages) {
    CAPTURE(breakage.says);
    Program program = SmallProgram();
    breakage.breaks(program);
    const std::vector<std::string> problems = Verify(program);
    REQUIRE_FALSE(problems.empty());
    CHECK(problems.front().find(breakage.says) != std::string::npos);
  }
}

}  // namespace
}  // namespace rescind::ir
