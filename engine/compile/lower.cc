#include "engine/compile/lower.h"

#include <string>
#include <utility>

#include "engine/base/assert.h"
#include "engine/compile/evidence.h"
#include "engine/compile/expression_lowering.h"
#include "engine/compile/graph.h"
#include "engine/compile/reason.h"

namespace rescind::compile {
namespace {

// The two programs declare these enumerations each for itself, with the same members in the same
// order: first and last of each are compared here.
static_assert(static_cast<int>(typed::Severity::kLow) == static_cast<int>(ir::Severity::kLow) &&
              static_cast<int>(typed::Severity::kCritical) ==
                  static_cast<int>(ir::Severity::kCritical));
static_assert(static_cast<int>(typed::Mode::kEnforce) == static_cast<int>(ir::Mode::kEnforce));
static_assert(static_cast<int>(typed::Verb::kDisable) == static_cast<int>(ir::Verb::kDisable) &&
              static_cast<int>(typed::Verb::kRun) == static_cast<int>(ir::Verb::kRun));
static_assert(static_cast<int>(typed::ApprovalElse::kWithdraw) ==
              static_cast<int>(ir::ApprovalElse::kWithdraw));
static_assert(static_cast<int>(typed::LimitWindow::kDay) ==
              static_cast<int>(ir::LimitWindow::kDay));

// What a policy that says nothing does when an executor fails: retry, then keep access removed
// and tell the workspace's `oncall`, which is who a recipient without choices is.
ir::OnFailure DefaultOnFailure() {
  ir::OnFailure failure;
  failure.retry_for = Duration{24 * kMicrosPerHour};
  failure.keep = true;
  failure.notify.emplace_back();
  return failure;
}

std::vector<ir::Table> LowerTables(const std::vector<typed::Table>& tables) {
  std::vector<ir::Table> lowered;
  for (const typed::Table& table : tables) {
    ir::Table& made = lowered.emplace_back();
    made.name = table.name;
    for (const auto& column : table.columns) {
      made.columns.push_back({column.name, LowerType(column.type)});
    }
    for (const auto& row : table.rows) {
      auto& cells = made.rows.emplace_back();
      for (const auto& cell : row) {
        cells.push_back(cell ? std::optional(LowerConstant(*cell)) : std::nullopt);
      }
    }
  }
  return lowered;
}

// What is one rule of either kind: its condition and what explains it.
template <typename Declaration>
class RuleLowering {
 public:
  RuleLowering(Graph& graph, const typed::Program& program, const Declaration& declaration)
      : graph_(graph),
        program_(program),
        declaration_(declaration),
        scope_{declaration.entity, declaration.binder, declaration.lets,
               declaration.timezone.get()},
        expressions_(graph, program, scope_) {}

  ir::Rule Condition() {
    ir::Rule rule;
    rule.full_name = declaration_.full_name;
    rule.title = declaration_.title;
    rule.entity = declaration_.entity;
    rule.frame = graph_.RootFrame(declaration_.entity);
    rule.span = declaration_.span;
    rule.name_span = declaration_.name_span;
    rule.meaning_hash = declaration_.meaning_hash;
    rule.when_clause = expressions_.Clause(*declaration_.when);
    if (declaration_.unless) rule.unless_clause = expressions_.Clause(*declaration_.unless);
    rule.clauses = expressions_.clauses();
    rule.when = rule.clauses[rule.when_clause].node;
    rule.match = rule.when;
    if (rule.unless_clause) {
      rule.unless = rule.clauses[*rule.unless_clause].node;
      rule.match = graph_.And({rule.when, graph_.Not(rule.unless)});
    }
    rule.evidence = CollectEvidence(expressions_, declaration_.binder, program_, *declaration_.when,
                                    declaration_.unless.get(), declaration_.timezone.get());
    return rule;
  }

  ir::Recipient Recipient(const typed::Recipient& recipient) {
    ir::Recipient lowered;
    for (const auto& choice : recipient.choices) {
      lowered.choices.push_back(expressions_.Value(*choice));
    }
    return lowered;
  }

  ir::Action Action(const typed::Action& action) {
    ir::Action lowered;
    lowered.verb = static_cast<ir::Verb>(action.verb);
    lowered.span = action.span;
    lowered.playbook = action.playbook;
    lowered.meaning = action.meaning;
    lowered.entity = action.entity;
    lowered.expands_identity = action.expands_identity;
    if (action.target && action.target->type.kind == typed::Type::Kind::kRow) {
      lowered.target = expressions_.Value(*action.target);
    } else if (action.target) {
      lowered.targets = expressions_.Rows(*action.target);
    } else {
      lowered.recipient = Recipient(action.recipient);
    }
    return lowered;
  }

  ir::Stage Stage(const typed::Stage& stage) {
    ir::Stage lowered;
    lowered.after = stage.after;
    lowered.span = stage.span;
    if (stage.approval) {
      lowered.approval = ir::Approval{Recipient(stage.approval->approver), stage.approval->within,
                                      static_cast<ir::ApprovalElse>(stage.approval->otherwise),
                                      stage.approval->span};
    }
    for (const typed::Action& action : stage.actions) lowered.actions.push_back(Action(action));
    return lowered;
  }

  void Limits(ir::Rule& rule) {
    for (const typed::ShareLimit& limit : declaration_.share_limits) {
      ir::ShareLimit& made = rule.share_limits.emplace_back();
      made.amount = limit.amount;
      made.percent = limit.percent;
      made.entity = limit.entity;
      made.span = limit.span;
      if (limit.group) made.group = expressions_.Value(*limit.group);
      if (limit.window) made.window = static_cast<ir::LimitWindow>(*limit.window);
    }
    for (const typed::LeaveLimit& limit : declaration_.leave_limits) {
      rule.leave_limits.push_back({limit.amount, expressions_.Value(*limit.group), limit.span});
    }
  }

  void Clauses(ir::Rule& rule) {
    for (const typed::Control& control : declaration_.controls) {
      rule.controls.push_back({control.framework, control.reference});
    }
    rule.renamed_from = declaration_.renamed_from;
    rule.severity = static_cast<ir::Severity>(declaration_.severity);
    if (declaration_.mode) rule.mode = static_cast<ir::Mode>(*declaration_.mode);
    for (const typed::Stage& stage : declaration_.stages) rule.stages.push_back(Stage(stage));
    Limits(rule);
    for (const typed::Need& need : declaration_.needs) {
      rule.needs.push_back({need.source, need.within, need.span});
    }
    if (declaration_.done) {
      rule.done = ir::DoneWithin{declaration_.done->within, Recipient(declaration_.done->recipient),
                                 declaration_.done->span};
    }
    rule.on_failure = DefaultOnFailure();
    if (declaration_.on_failure) {
      const typed::OnFailure& failure = *declaration_.on_failure;
      rule.on_failure = ir::OnFailure{failure.retry_for, failure.rollback, failure.keep, {}};
      for (const auto& told : failure.notify) rule.on_failure->notify.push_back(Recipient(told));
    }
  }

  void Because(ir::Rule& rule, const SourceMap* sources) {
    for (const typed::ReasonPart& part : declaration_.because) {
      ir::ReasonPart& made = rule.because.emplace_back();
      made.text = part.text;
      if (!part.expr) continue;
      const typed::Expr& expr = expressions_.Resolve(*part.expr);
      if (const auto* civil = std::get_if<CivilDuration>(&expr.constant)) {
        made.text = CivilText(*civil);
      } else {
        made.node = expressions_.Value(expr);
      }
    }
    if (!rule.because.empty()) return;
    std::string text;
    if (sources != nullptr && declaration_.when_span.valid()) {
      text = ConditionText(sources->Text(declaration_.when_span));
      rule.because_is_condition = !text.empty();
    }
    if (text.empty()) text = declaration_.title;
    if (text.empty()) text = declaration_.full_name;
    rule.because.push_back({std::move(text), {}});
  }

 private:
  Graph& graph_;
  const typed::Program& program_;
  const Declaration& declaration_;
  const RuleScope scope_;
  ExpressionLowering expressions_;
};

}  // namespace

ir::Program Lower(const typed::Program& program, const SourceMap* sources) {
  Graph graph(program.schema, LowerTables(program.tables), program.default_timezone);
  std::vector<ir::Rule> rules;
  for (const typed::Policy& policy : program.policies) {
    RuleLowering<typed::Policy> lowering(graph, program, policy);
    ir::Rule& rule = rules.emplace_back(lowering.Condition());
    lowering.Clauses(rule);
    lowering.Because(rule, sources);
  }
  for (const typed::Protect& protect : program.protects) {
    RuleLowering<typed::Protect> lowering(graph, program, protect);
    rules.emplace_back(lowering.Condition()).protect = true;
  }
  ir::Program result = graph.Take();
  result.rules = std::move(rules);
  return result;
}

}  // namespace rescind::compile
