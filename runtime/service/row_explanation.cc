#include "runtime/service/row_explanation.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "engine/eval/undecided_cause.h"
#include "runtime/plan/policy_renames.h"

namespace rescind {
namespace {

using RowNames = std::set<std::pair<std::string, std::string>>;  // entity, id

// The rows for whose sake the plan may leave something undone: the asked one, the judged one, what
// its actions act on.
Result<RowNames> NamesOf(const FactBase& facts, const ExplainedRule& explained,
                         const std::string& judged_entity, const std::string& judged_id,
                         const TargetRow& asked) {
  RowNames names = {{asked.entity_name, asked.id}, {judged_entity, judged_id}};
  if (!explained.matches()) return names;
  for (const eval::FactRow& target : explained.relevant.targets) {
    RESCIND_ASSIGN(std::string id, facts.texts().Id(target.entity, target.row));
    names.insert({facts.schema().entity(target.entity).name, std::move(id)});
  }
  return names;
}

std::string WhyNothing(const ExplainedRule& explained, const ir::Rule& rule) {
  const bool is_silent = explained.actions.empty() && explained.notices.empty() &&
                         explained.not_acted_on.empty() && explained.matches();
  if (!is_silent || rule.protect || rule.mode != ir::Mode::kEnforce) return "";
  const bool removes =
      std::any_of(rule.stages.begin(), rule.stages.end(), [](const ir::Stage& stage) {
        return std::any_of(
            stage.actions.begin(), stage.actions.end(),
            [](const ir::Action& action) { return action.verb != ir::Verb::kNotify; });
      });
  if (removes && explained.relevant.targets.empty()) return "its actions have no target here";
  if (removes && explained.relevant.all_as_wanted) {
    return "its targets are in the wanted state already";
  }
  return "what it asks for is done";
}

// What the plan has to say of one rule on one judged row.
void AddConsequences(const Plan& plan, const ir::Rule& rule, const std::string& judged_entity,
                     const std::string& judged_id, const TargetRow& target, const RowNames& names,
                     ExplainedRule& out) {
  for (const PlannedAction& action : plan.actions) {
    const bool on_target =
        action.action.target.entity == target.entity_name && action.action.target.id == target.id;
    const bool of_rule =
        std::any_of(action.reasons.begin(), action.reasons.end(), [&](const PlannedReason& reason) {
          return reason.policy == rule.full_name && reason.judged_entity == judged_entity &&
                 reason.judged_id == judged_id;
        });
    if (of_rule && (on_target || out.relevant.judges_target)) out.actions.push_back(action);
  }
  for (const PlannedNotice& notice : plan.notices) {
    if (notice.policy == rule.full_name && notice.judged_entity == judged_entity &&
        notice.judged_id == judged_id) {
      out.notices.push_back(notice);
    }
  }
  for (const NotActedOn& row : plan.not_acted_on) {
    if (row.policy == rule.full_name && names.count({row.entity, row.target}) > 0) {
      out.not_acted_on.push_back(row);
    }
  }
  // Not what the plan says of the whole policy: that may hold another group only.
  const auto note_hold = [&](const auto& planned) {
    if (out.held_because.empty()) out.held_because = planned.held_because;
  };
  for (const PlannedAction& action : out.actions) note_hold(action);
  for (const PlannedNotice& notice : out.notices) note_hold(notice);
}

}  // namespace

Result<RowExplanation> ExplainRow(Pipeline& pipeline, const Derivation& derivation,
                                  const TargetRow& target,
                                  const std::optional<std::string>& policy) {
  const eval::EvaluationInput input = derivation.input();
  const ir::Program& program = derivation.program;
  RowExplanation result;
  result.target = target;
  result.now = derivation.now;
  result.only_policy = policy.value_or("");
  const Table& table = derivation.facts.table(target.entity);
  if (target.row.index() < table.row_count()) result.presence = table.presence(target.row);
  if (result.presence == Presence::kLive) {
    for (const RelevantRule& relevant : FindRelevantRules(input, target.entity, target.row)) {
      const ir::Rule& rule = program.rules[relevant.rule];
      if (policy && !rule.protect && rule.full_name != *policy) continue;
      ExplainedRule explained;
      explained.relevant = relevant;
      RESCIND_ASSIGN(explained.explanation, eval::Explain(input, relevant.rule, relevant.row));
      const std::string& entity = program.schema.entity(rule.entity).name;
      RESCIND_ASSIGN(const std::string id, derivation.facts.texts().Id(rule.entity, relevant.row));
      explained.judged = fmt::format("{} {}", entity, id);
      const bool undecided = explained.explanation.incomplete ||
                             explained.explanation.verdict == eval::Verdict::kUndecided;
      if (undecided) {
        RESCIND_ASSIGN(explained.insufficient_because,
                       eval::UndecidedCause(input, rule).At(relevant.row));
      }
      RESCIND_ASSIGN(const RowNames names,
                     NamesOf(derivation.facts, explained, entity, id, target));
      AddConsequences(derivation.outcome.plan, rule, entity, id, target, names, explained);
      explained.nothing_because = WhyNothing(explained, rule);
      result.rules.push_back(std::move(explained));
    }
  }
  RESCIND_ASSIGN(auto exemptions, ListExemptions(pipeline.store().key_values()));
  PolicyRenames(program).MoveTo(exemptions);
  for (const Exemption& exemption : exemptions) {
    const bool names_row = exemption.row_id.empty() || (exemption.entity == target.entity_name &&
                                                        exemption.row_id == target.id);
    if (names_row && exemption.active(derivation.now)) result.exemptions.push_back(exemption);
  }
  return result;
}

}  // namespace rescind
