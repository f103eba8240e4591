#include "engine/eval/reference_evaluator.h"

#include <fmt/format.h>

#include <utility>

#include "engine/base/assert.h"
#include "engine/eval/node_evaluator.h"

namespace rescind::eval {

struct ReferenceEvaluator::State {
  explicit State(const EvaluationInput& input) : evaluator(input) {}
  // Binds the root frame above `frame` to the row.
  void StandOn(ir::FrameId frame, RowId row);

  NodeEvaluator evaluator;
};

void ReferenceEvaluator::State::StandOn(ir::FrameId frame, RowId row) {
  // A node below a root frame is looked at from that root.
  const auto& program = evaluator.input().program;
  while (frame.valid() && program.frame(frame).parent.valid()) frame = program.frame(frame).parent;
  if (!frame.valid()) return;
  evaluator.Bind(frame, KnownValue(FactRow{program.frame(frame).member.entity, row}));
}

ReferenceEvaluator::ReferenceEvaluator(const EvaluationInput& input)
    : state_(std::make_unique<State>(input)) {}
ReferenceEvaluator::~ReferenceEvaluator() = default;

Judgement ReferenceEvaluator::Judge(uint32_t rule_index, RowId row) {
  const EvaluationInput& input = state_->evaluator.input();
  const ir::Rule& rule = input.program.rules[rule_index];
  if (!input.facts.table(rule.entity).complete(row)) return {};
  state_->StandOn(rule.frame, row);
  const Timed match = state_->evaluator.Evaluate(rule.match);
  Judgement judgement;
  judgement.deadline = match.until;
  judgement.error = match.value.error;
  switch (match.value.status) {
    case ValueStatus::kKnown:
      judgement.verdict = IsTrue(match.value) ? Verdict::kMatch : Verdict::kNoMatch;
      break;
    case ValueStatus::kUnknown:
    case ValueStatus::kUndecided: judgement.verdict = Verdict::kUndecided; break;
    case ValueStatus::kError: judgement.verdict = Verdict::kError; break;
  }
  return judgement;
}

Judgement ReferenceEvaluator::JudgeSupposing(const std::vector<SupposedInstant>& supposed,
                                             uint32_t rule_index, RowId row) {
  for (const SupposedInstant& each : supposed) {
    state_->evaluator.Suppose(each.row, each.field, KnownValue(each.at));
  }
  const Judgement judgement = Judge(rule_index, row);
  state_->evaluator.Doubt();
  return judgement;
}

Value ReferenceEvaluator::Evaluate(ir::NodeId node, RowId row) {
  state_->StandOn(state_->evaluator.input().program.node(node).frame, row);
  return state_->evaluator.Evaluate(node).value;
}

std::vector<FactRow> ReferenceEvaluator::Members(ir::CollectionId collection, RowId row) {
  state_->StandOn(state_->evaluator.input().program.collection(collection).outer, row);
  std::vector<FactRow> rows;
  for (const CollectionMember& member : state_->evaluator.Members(collection)) {
    if (!member.member || !member.readable || !IsTrue(member.membership.value)) continue;
    const auto* fact_row = std::get_if<FactRow>(&member.member->content);
    RESCIND_ASSERT(fact_row != nullptr, "an action on what is no row of an entity");
    rows.push_back(*fact_row);
  }
  return rows;
}

namespace {

class ValueFormatter {
 public:
  explicit ValueFormatter(const EvaluationInput& input) : input_(input) {}

  Result<std::string> operator()(bool answer) const {
    return std::string(answer ? "true" : "false");
  }
  Result<std::string> operator()(int64_t number) const { return fmt::to_string(number); }
  Result<std::string> operator()(const std::string& text) const { return text; }
  Result<std::string> operator()(Instant at) const { return FormatInstant(at); }
  Result<std::string> operator()(Day day) const { return FormatDay(day); }
  Result<std::string> operator()(Duration duration) const { return FormatDuration(duration); }
  Result<std::string> operator()(const EnumMember& member) const {
    return input_.program.schema.enumeration(member.enumeration).members[member.member];
  }
  Result<std::string> operator()(const FactRow& row) const {
    return input_.facts.texts().Id(row.entity, row.row);
  }
  Result<std::string> operator()(const TableRow& at) const {
    const ir::Table& table = input_.program.tables[at.table.index()];
    return fmt::format("{} row {}", table.name, at.row + 1);
  }
  Result<std::string> operator()(const StoredSet& set) const {
    std::string text;
    for (const Value& member : NodeEvaluator(input_).SetMembers(set)) {
      RESCIND_ASSIGN(const std::string one, FormatValue(input_, member));
      text += (text.empty() ? "" : ", ") + one;
    }
    return "{" + text + "}";
  }

 private:
  const EvaluationInput& input_;
};

}  // namespace

Result<std::string> FormatValue(const EvaluationInput& input, const Value& value) {
  switch (value.status) {
    case ValueStatus::kUnknown: return std::string("unknown");
    case ValueStatus::kUndecided: return std::string("not delivered yet");
    case ValueStatus::kError: return std::string(EvaluationErrorText(value.error));
    case ValueStatus::kKnown: break;
  }
  return std::visit(ValueFormatter(input), value.content);
}

Result<std::string> FormatField(const EvaluationInput& input, FactRow row, FieldId field,
                                const Value& value) {
  const FieldType& type = input.program.schema.field(row.entity, field).type;
  const Table& table = input.facts.table(row.entity);
  const bool names_row = type.kind == rescind::TypeKind::kReference && table.has(field);
  const uint32_t named = names_row ? table.column(field).rows()[row.row.index()] : kNoRow;
  if (value.known() || named == kNoRow) return FormatValue(input, value);
  const Table& other = input.facts.table(type.entity);
  RESCIND_ASSIGN(const std::string id, input.facts.texts().Id(type.entity, RowId(named)));
  if (other.presence(RowId(named)) != Presence::kRemoved) return id + ", not delivered yet";
  const auto at = other.removed_at(RowId(named));
  const bool never_came = other.incarnation(RowId(named)) == 0;
  const std::string what = never_came ? "counts as removed" : "removed";
  if (!at) return fmt::format("{}, {}", id, what);
  return fmt::format("{}, {} {} {}", id, what, never_came ? "since" : "at", FormatInstant(*at));
}

}  // namespace rescind::eval
