#include "tests/unit/engine/compile/meaning.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <optional>
#include <variant>

namespace rescind::compile {
namespace {

using Kind = typed::ExprKind;

constexpr Answer kFalse{Status::kKnown, 0};
constexpr Answer kTrue{Status::kKnown, 1};
constexpr Answer kUnknown{Status::kUnknown, 0};

Answer Truth(bool value) { return value ? kTrue : kFalse; }
Answer Number(int64_t value) { return {Status::kKnown, value}; }

// The worst that stands in the way of an operation on all of them; known when nothing does.
Status Worst(const std::vector<Answer>& answers) {
  Status worst = Status::kKnown;
  for (const Answer& answer : answers) worst = std::max(worst, answer.status);
  return worst;
}

Answer And(const std::vector<Answer>& answers) {
  for (const Answer& answer : answers) {
    if (answer == kFalse) return kFalse;
  }
  const Status worst = Worst(answers);
  return worst == Status::kKnown ? kTrue : Answer{worst, 0};
}
Answer Not(Answer answer) {
  if (answer.status == Status::kKnown) answer.number = 1 - answer.number;
  return answer;
}
Answer Or(std::vector<Answer> answers) {
  for (Answer& answer : answers) answer = Not(answer);
  return Not(And(answers));
}
Answer Known(Answer answer) {
  if (answer.status == Status::kUnknown) return kFalse;
  return answer.status == Status::kKnown ? kTrue : answer;
}
Answer Coalesce(Answer left, Answer right) {
  return left.status == Status::kUnknown ? right : left;
}

// Count, or the extreme of the values that are known, of members whose condition holds.
struct Extremes {
  Status worst = Status::kKnown;
  int64_t count = 0;
  std::optional<int64_t> least;
  std::optional<int64_t> most;

  void Add(Answer condition, Answer value) {
    if (condition == kFalse) return;
    if (condition.status != Status::kKnown) {
      // A member whose value is unknown is skipped, whether its condition holds or not.
      if (value.status != Status::kUnknown) worst = std::max(worst, condition.status);
      return;
    }
    if (value.status == Status::kUnknown) return;
    if (value.status != Status::kKnown) {
      worst = std::max(worst, value.status);
      return;
    }
    ++count;
    least = least ? std::min(*least, value.number) : value.number;
    most = most ? std::max(*most, value.number) : value.number;
  }
  Answer Result(std::optional<int64_t> value) const {
    if (worst != Status::kKnown) return {worst, 0};
    return value ? Number(*value) : kUnknown;
  }
};

Answer FieldOf(const Facts& facts, int row, const std::string& field) {
  const auto found = facts.fields.find({row, field});
  return found == facts.fields.end() ? kUnknown : found->second;
}

// ---- The typed tree ---------------------------------------------------------------------------

class TypedInterpreter {
 public:
  TypedInterpreter(const typed::Program& program, const typed::Policy& policy, const Facts& facts)
      : program_(program), policy_(policy), facts_(facts) {
    rows_[policy.binder] = Facts::kJudged;
  }

  Answer Of(const typed::Expr& e) {
    std::vector<Answer> all;
    switch (e.kind) {
      case Kind::kInlined: return Of(*e.operands[0]);
      case Kind::kLet: return Of(*policy_.lets[e.let].value);
      case Kind::kAny:
      case Kind::kAll:
      case Kind::kNo:
      case Kind::kLatest:
      case Kind::kEarliest: return Fold(e);
      case Kind::kVariable: return Number(rows_.at(e.binder));
      case Kind::kNow: return Number(facts_.now_micros);
      case Kind::kLiteral: return Literal(e);
      case Kind::kField: return Field(e);
      default: break;
    }
    for (const auto& operand : e.operands) all.push_back(Of(*operand));
    switch (e.kind) {
      case Kind::kAnd: return And(all);
      case Kind::kOr: return Or(all);
      case Kind::kNot: return Not(all[0]);
      case Kind::kIsKnown: return Known(all[0]);
      case Kind::kIsUnknown: return Not(Known(all[0]));
      case Kind::kCoalesce: return Coalesce(all[0], all[1]);
      default: break;
    }
    if (const Status worst = Worst(all); worst != Status::kKnown) return {worst, 0};
    return Plain(e, all[0].number, all.size() > 1 ? all[1].number : 0);
  }

 private:
  Answer Plain(const typed::Expr& e, int64_t a, int64_t b) const {
    const int64_t now = facts_.now_micros;
    switch (e.kind) {
      case Kind::kAdd: return Number(a + b);
      case Kind::kSubtract: return Number(a - b);
      case Kind::kPassed: return Truth(now >= a);
      case Kind::kOlder: return Truth(now >= a + b);
      case Kind::kNewer: return Truth(now < a + b);
      case Kind::kWithinNext: return Truth(a - b <= now && now < a);
      case Kind::kCompare: break;
      default: REQUIRE_MESSAGE(false, "a kind that this test does not evaluate");
    }
    switch (e.compare) {
      case typed::CompareOp::kEqual: return Truth(a == b);
      case typed::CompareOp::kNotEqual: return Truth(a != b);
      case typed::CompareOp::kLess: return Truth(a < b);
      case typed::CompareOp::kLessEqual: return Truth(a <= b);
      case typed::CompareOp::kGreater: return Truth(a > b);
      case typed::CompareOp::kGreaterEqual: return Truth(a >= b);
    }
    return kFalse;
  }

  static Answer Literal(const typed::Expr& e) {
    if (const bool* truth = std::get_if<bool>(&e.constant)) return Truth(*truth);
    if (const auto* instant = std::get_if<Instant>(&e.constant)) return Number(instant->micros);
    return Number(std::get<Duration>(e.constant).micros);
  }

  Answer Field(const typed::Expr& e) {
    const Answer row = Of(*e.operands[0]);
    if (e.type.kind == typed::Type::Kind::kRow) return row;
    return FieldOf(facts_, static_cast<int>(row.number),
                   program_.schema.field(e.entity, e.field).name);
  }

  Answer Fold(const typed::Expr& e) {
    std::vector<Answer> conditions;
    Extremes extremes;
    for (int member = 0; member < facts_.member_count; ++member) {
      const auto before = rows_;
      rows_[e.binder] = member;
      conditions.push_back(e.operands[1] ? Of(*e.operands[1]) : kTrue);
      if (e.operands.size() > 2) extremes.Add(conditions.back(), Of(*e.operands[2]));
      rows_ = before;
    }
    switch (e.kind) {
      case Kind::kAny: return Or(conditions);
      case Kind::kAll: return And(conditions);
      case Kind::kNo: return Not(Or(conditions));
      case Kind::kLatest: return extremes.Result(extremes.most);
      default: return extremes.Result(extremes.least);
    }
  }

  const typed::Program& program_;
  const typed::Policy& policy_;
  const Facts& facts_;
  std::map<typed::BinderId, int> rows_;
};

// ---- The rule program -------------------------------------------------------------------------

class NodeInterpreter {
 public:
  NodeInterpreter(const ir::Program& program, const Facts& facts)
      : program_(program), facts_(facts) {}

  Answer Of(ir::NodeId id) {
    const ir::Node& node = program_.node(id);
    if (node.collection.valid()) return Fold(node);
    std::vector<Answer> all;
    for (const ir::NodeId operand : node.operands) all.push_back(Of(operand));
    switch (node.op) {
      case ir::Op::kConstant: return Constant(node.constant);
      case ir::Op::kMember: {
        const auto found = rows_.find(node.frame);
        return Number(found == rows_.end() ? Facts::kJudged : found->second);
      }
      case ir::Op::kNow: return Number(facts_.now_micros);
      case ir::Op::kField:
        if (node.type.kind == ir::Type::Kind::kRow) return all[0];
        return FieldOf(facts_, static_cast<int>(all[0].number),
                       program_.schema.field(node.entity, node.field).name);
      case ir::Op::kAnd: return And(all);
      case ir::Op::kOr: return Or(all);
      case ir::Op::kNot: return Not(all[0]);
      case ir::Op::kIsKnown: return Known(all[0]);
      case ir::Op::kCoalesce: return Coalesce(all[0], all[1]);
      default: break;
    }
    if (const Status worst = Worst(all); worst != Status::kKnown) return {worst, 0};
    return Plain(node, all);
  }

 private:
  Answer Plain(const ir::Node& node, const std::vector<Answer>& all) const {
    switch (node.op) {
      case ir::Op::kAdd: return Number(all[0].number + all[1].number);
      case ir::Op::kSubtract: return Number(all[0].number - all[1].number);
      case ir::Op::kCompare:
        switch (node.compare) {
          case ir::Compare::kEqual: return Truth(all[0].number == all[1].number);
          case ir::Compare::kLess: return Truth(all[0].number < all[1].number);
          case ir::Compare::kLessEqual: return Truth(all[0].number <= all[1].number);
        }
        break;
      case ir::Op::kReached: {
        int64_t sum = node.factor * facts_.now_micros + node.offset;
        for (size_t i = 0; i < all.size(); ++i) sum += node.signs[i] * all[i].number;
        return Truth(sum >= 0);
      }
      default: break;
    }
    REQUIRE_MESSAGE(false, "an operation that this test does not evaluate");
    return kFalse;
  }

  static Answer Constant(const ir::Constant& constant) {
    if (const bool* truth = std::get_if<bool>(&constant)) return Truth(*truth);
    if (const auto* instant = std::get_if<Instant>(&constant)) return Number(instant->micros);
    if (const auto* number = std::get_if<int64_t>(&constant)) return Number(*number);
    return Number(std::get<Duration>(constant).micros);
  }

  Answer Fold(const ir::Node& node) {
    std::vector<Answer> conditions;
    Extremes extremes;
    for (int member = 0; member < facts_.member_count; ++member) {
      const auto before = rows_;
      rows_[node.inner] = member;
      conditions.push_back(Of(node.operands[0]));
      const bool has_value = node.operands.size() > 1;
      extremes.Add(conditions.back(), has_value ? Of(node.operands[1]) : kTrue);
      rows_ = before;
    }
    switch (node.op) {
      case ir::Op::kAny: return Or(conditions);
      case ir::Op::kAll: return And(conditions);
      case ir::Op::kCount: return extremes.Result(extremes.count);
      case ir::Op::kLatest: return extremes.Result(extremes.most);
      default: return extremes.Result(extremes.least);
    }
  }

  const ir::Program& program_;
  const Facts& facts_;
  std::map<ir::FrameId, int> rows_;
};

}  // namespace

Answer Evaluate(const typed::Program& program, const typed::Policy& policy, const typed::Expr& expr,
                const Facts& facts) {
  return TypedInterpreter(program, policy, facts).Of(expr);
}

Answer Evaluate(const ir::Program& program, ir::NodeId node, const Facts& facts) {
  return NodeInterpreter(program, facts).Of(node);
}

}  // namespace rescind::compile
