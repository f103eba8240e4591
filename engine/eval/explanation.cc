// The clauses of a rule, each evaluated by itself at the same facts and instant. A clause inside a
// quantifier is shown for one member, the witness: the one that decides it, else the one nearest
// to.
#include "engine/eval/explanation.h"

#include <algorithm>
#include <utility>

#include "engine/eval/deciding_members.h"
#include "engine/eval/node_evaluator.h"
#include "engine/eval/reference_evaluator.h"
#include "engine/ir/reads.h"

namespace rescind::eval {
namespace {

using ir::Op;

// Time alone may bring a match about, seldom after more than a few changes.
constexpr int kMaxSteps = 64;
// Of one row, that somebody waits for.
constexpr uint64_t kMostStepsForMembers = 1'000'000;

ClauseAnswer AnswerOf(const Value& value) {
  switch (value.status) {
    case ValueStatus::kKnown: return IsTrue(value) ? ClauseAnswer::kTrue : ClauseAnswer::kFalse;
    case ValueStatus::kUnknown:
    case ValueStatus::kUndecided: return ClauseAnswer::kUndecided;
    case ValueStatus::kError: return ClauseAnswer::kError;
  }
  return ClauseAnswer::kError;
}

std::optional<Instant> ChangeAt(Instant until) {
  return until == Instant::Never() ? std::nullopt : std::optional(until);
}

// How well a member shows why a quantifier says what it says; the larger, the better.
int Aptness(const Timed& counts) {
  if (IsTrue(counts.value)) return 4;
  if (counts.value.status == ValueStatus::kError) return 3;
  if (!counts.value.known()) return 2;
  return counts.until != Instant::Never() ? 1 : 0;
}

class Explainer {
 public:
  Explainer(const EvaluationInput& input, const ir::Rule& rule, RowId row)
      : program_(input.program), rule_(rule), evaluator_(input) {
    evaluator_.Bind(rule.frame, KnownValue(FactRow{rule.entity, row}));
  }

  ExplainedClause Whole(ir::NodeId node, std::optional<uint32_t> clause) {
    if (clause && *clause < rule_.clauses.size()) return Explain(rule_.clauses[*clause]);
    return Explain(ir::Clause{node, rule_.span, {}});
  }

  Result<std::vector<ExplainedFact>> Facts() {
    std::vector<ExplainedFact> facts;
    for (const ir::EvidencePath& evidence : rule_.evidence) {
      if (!CanEvaluate(evidence.value) || !CanEvaluate(evidence.row)) continue;
      ExplainedFact fact;
      fact.path = evidence.path;
      RESCIND_TRY(ReadFact(evaluator_.input(), evaluator_.Evaluate(evidence.value).value,
                           evaluator_.Evaluate(evidence.row).value, evidence.field, fact));
      facts.push_back(std::move(fact));
    }
    return facts;
  }

  // Marks what the answer hangs on, from a clause that it hangs on down to its parts. A part that
  // reads what an earlier part has found unknown says nothing: `s.owner is known and any(a in
  // s.owner.accounts where …)` is false for want of an owner, not of an account.
  void MarkDeciding(ExplainedClause& clause, const ir::Clause& source) {
    clause.decides = true;
    const Op op = program_.node(source.node).op;
    std::vector<ir::NodeId> unknown;
    for (size_t i = 0; i < clause.children.size(); ++i) {
      ExplainedClause& child = clause.children[i];
      const bool is_true = child.answer == ClauseAnswer::kTrue;
      bool decides = true;
      // A true `and` hangs on all its parts, a false one on the false; of `or` the other way round.
      if (op == Op::kAnd && clause.answer != ClauseAnswer::kTrue) {
        decides = child.answer == clause.answer;
      }
      if (op == Op::kOr && clause.answer == ClauseAnswer::kTrue) decides = is_true;
      if (op == Op::kOr && clause.answer != ClauseAnswer::kTrue) {
        decides = clause.answer == ClauseAnswer::kFalse || child.answer == clause.answer;
      }
      const ir::Clause& part = rule_.clauses[source.children[i]];
      if (decides && !Reads(part.node, unknown)) MarkDeciding(child, part);
      if (op == Op::kAnd || op == Op::kOr) AddUnknown(part.node, child, op, unknown);
    }
  }
  void MarkWhole(ExplainedClause& clause, ir::NodeId node, std::optional<uint32_t> index) {
    const bool written = index && *index < rule_.clauses.size();
    MarkDeciding(clause, written ? rule_.clauses[*index] : ir::Clause{node, rule_.span, {}});
  }

 private:
  // What a part finds unknown so that it decides its compound: `x is known` in `and`, `x is
  // unknown` in `or`, and either where x is not known yet; with every base of its path that is so.
  void AddUnknown(ir::NodeId part, const ExplainedClause& answered, Op compound,
                  std::vector<ir::NodeId>& unknown) {
    const bool negated = program_.node(part).op == Op::kNot;
    const ir::Node& test = program_.node(negated ? program_.node(part).operands[0] : part);
    const auto deciding = compound == Op::kAnd ? ClauseAnswer::kFalse : ClauseAnswer::kTrue;
    if (test.op != Op::kIsKnown) return;
    const bool finds_unknown = answered.answer == deciding && negated == (compound == Op::kOr);
    if (!finds_unknown && answered.answer != ClauseAnswer::kUndecided) return;
    for (ir::NodeId at = test.operands[0]; CanEvaluate(at);) {
      if (evaluator_.Evaluate(at).value.known()) break;
      unknown.push_back(at);
      const ir::Node& node = program_.node(at);
      if (node.op != Op::kField && node.op != Op::kId) break;
      at = node.operands[0];
    }
  }

  // Whether one of `sought` is among what the node is made of, collections included.
  bool Reads(ir::NodeId id, const std::vector<ir::NodeId>& sought) const {
    if (sought.empty()) return false;
    const auto is_sought = [&](const ir::Node& node) {
      return std::any_of(sought.begin(), sought.end(),
                         [&](ir::NodeId other) { return &program_.node(other) == &node; });
    };
    return ir::NodeSearch(program_, is_sought).In(id);
  }

  ExplainedClause Explain(const ir::Clause& clause) {
    ExplainedClause explained;
    explained.span = clause.span;
    explained.answer = ClauseAnswer::kUndecided;
    if (CanEvaluate(clause.node)) {
      const Timed answer = evaluator_.Evaluate(clause.node);
      explained.answer = AnswerOf(answer.value);
      explained.changes_at = ChangeAt(answer.until);
    }
    for (const uint32_t index : clause.children) {
      const ir::Clause& child = rule_.clauses[index];
      const std::vector<ir::FrameId> bound = BindWitnesses(clause.node, child.node);
      explained.children.push_back(Explain(child));
      for (const ir::FrameId frame : bound) evaluator_.Release(frame);
    }
    return explained;
  }

  // Whether all frames that the node may look at stand on something.
  bool CanEvaluate(ir::NodeId node) const {
    for (ir::FrameId at = program_.node(node).frame; at.valid(); at = program_.frame(at).parent) {
      if (!evaluator_.IsBound(at)) return false;
    }
    return true;
  }

  // Lets the frames of a clause's part stand on witnesses. Returns those that stood on nothing.
  std::vector<ir::FrameId> BindWitnesses(ir::NodeId clause, ir::NodeId part) {
    std::vector<ir::FrameId> unbound;
    for (ir::FrameId at = program_.node(part).frame; at.valid(); at = program_.frame(at).parent) {
      if (!evaluator_.IsBound(at)) unbound.insert(unbound.begin(), at);
    }
    std::vector<ir::FrameId> bound;
    for (const ir::FrameId frame : unbound) {
      const auto witness = WitnessOf(clause, frame);
      if (!witness) break;
      evaluator_.Bind(frame, *witness);
      bound.push_back(frame);
    }
    return bound;
  }

  std::optional<Value> WitnessOf(ir::NodeId clause, ir::FrameId frame) {
    const ir::Node* fold = FoldOver(clause, frame);
    std::optional<Value> witness;
    int best = -1;
    for (const CollectionMember& member : evaluator_.Members(program_.frame(frame).source)) {
      if (!member.member || !member.readable) continue;
      int aptness = IsTrue(member.membership.value) ? 4 : 0;
      if (fold != nullptr && CanEvaluate(fold->frame)) {
        aptness = Aptness(evaluator_.Counts(*fold, member));
      }
      evaluator_.Release(frame);
      if (aptness <= best) continue;
      best = aptness;
      witness = member.member;
    }
    return witness;
  }
  bool CanEvaluate(ir::FrameId frame) const {
    for (; frame.valid(); frame = program_.frame(frame).parent) {
      if (!evaluator_.IsBound(frame)) return false;
    }
    return true;
  }

  // The fold below a node that stands on the frame, if there is one.
  const ir::Node* FoldOver(ir::NodeId id, ir::FrameId frame) const {
    std::vector<ir::NodeId> open{id};
    std::vector<bool> seen(program_.nodes.size());
    while (!open.empty()) {
      const ir::NodeId at = open.back();
      open.pop_back();
      if (seen[at.index()]) continue;
      seen[at.index()] = true;
      const ir::Node& node = program_.node(at);
      if (node.collection.valid() && node.inner == frame) return &node;
      open.insert(open.end(), node.operands.begin(), node.operands.end());
    }
    return nullptr;
  }

  const ir::Program& program_;
  const ir::Rule& rule_;
  NodeEvaluator evaluator_;
};

std::optional<Instant> BecomesTrueAt(const EvaluationInput& input, uint32_t rule, RowId row,
                                     Instant deadline) {
  for (int step = 0; step < kMaxSteps && deadline != Instant::Never(); ++step) {
    const EvaluationInput then{input.program, input.facts, input.holidays, deadline};
    const Judgement judgement = ReferenceEvaluator(then).Judge(rule, row);
    if (judgement.verdict == Verdict::kMatch) return deadline;
    deadline = judgement.deadline;
  }
  return std::nullopt;
}

}  // namespace

Status ReadFact(const EvaluationInput& input, const Value& value, const Value& base, FieldId field,
                ExplainedFact& fact) {
  const auto* row = base.known() ? std::get_if<FactRow>(&base.content) : nullptr;
  if (row == nullptr || !field.valid()) {
    RESCIND_ASSIGN(fact.value, FormatValue(input, value));
    return {};
  }
  fact.entity = row->entity;
  fact.field = field;
  RESCIND_ASSIGN(fact.value, FormatField(input, *row, field, value));
  RESCIND_ASSIGN(const auto origin, input.facts.texts().Origin(row->entity, field, row->row));
  if (origin) {
    fact.source = origin->source;
    fact.observed_at = origin->observed_at;
  }
  return {};
}

Result<Explanation> Explain(const EvaluationInput& input, uint32_t rule_index, RowId row) {
  const ir::Rule& rule = input.program.rules[rule_index];
  Explanation explanation;
  explanation.rule = rule_index;
  explanation.row = row;
  const Judgement judgement = ReferenceEvaluator(input).Judge(rule_index, row);
  explanation.verdict = judgement.verdict;
  explanation.incomplete = !input.facts.table(rule.entity).complete(row);
  Explainer explainer(input, rule, row);
  explanation.when = explainer.Whole(rule.when, rule.when_clause);
  if (rule.unless.valid()) {
    explanation.unless = explainer.Whole(rule.unless, rule.unless_clause);
  }
  RESCIND_ASSIGN(explanation.facts, explainer.Facts());
  RESCIND_ASSIGN(const auto of_members, DecidingMembers(input, rule, kMostStepsForMembers).At(row));
  explanation.facts.insert(explanation.facts.end(), of_members.begin(), of_members.end());
  if (explanation.incomplete) return explanation;
  const bool matches = judgement.verdict == Verdict::kMatch;
  if (matches || explanation.when.answer != ClauseAnswer::kTrue) {
    explainer.MarkWhole(explanation.when, rule.when, rule.when_clause);
  }
  if (explanation.unless && (matches || explanation.when.answer == ClauseAnswer::kTrue)) {
    explainer.MarkWhole(*explanation.unless, rule.unless, rule.unless_clause);
  }
  if (!matches) {
    explanation.becomes_true_at = BecomesTrueAt(input, rule_index, row, judgement.deadline);
  }
  return explanation;
}

}  // namespace rescind::eval
