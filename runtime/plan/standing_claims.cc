#include "runtime/plan/standing_claims.h"

#include <algorithm>

#include "runtime/plan/known_protects.h"
#include "runtime/plan/plan_draft.h"

namespace rescind {

StandingClaims::StandingClaims(const eval::EvaluationInput& input, const FindingBook& findings,
                               const std::set<std::string>& confirmed,
                               eval::ReferenceEvaluator& evaluator, ExemptionCover& exemptions)
    : input_(input),
      findings_(findings),
      confirmed_(confirmed),
      evaluator_(evaluator),
      exemptions_(exemptions),
      model_(input.facts) {}

void StandingClaims::NoteAll() {
  claims_.emplace();
  for (uint32_t index = 0; index < input_.program.rules.size(); ++index) {
    const ir::Rule& rule = input_.program.rules[index];
    const PolicyRecord* record = findings_.Record(rule.full_name);
    if (rule.protect || rule.mode != ir::Mode::kEnforce || !record) continue;
    if (!IsConfirmed(*record, rule, input_.program) && !confirmed_.contains(rule.full_name)) {
      continue;
    }
    for (const Finding& finding : findings_.Of(rule.full_name)) {
      for (const ir::Stage& stage : rule.stages) {
        for (const ir::Action& action : stage.actions) {
          // A playbook has no state that it wants.
          if (!Removes(action) || action.verb == ir::Verb::kRun) continue;
          for (const eval::FactRow& target :
               FindTargets(action, input_.facts, evaluator_, model_, finding.row)) {
            (*claims_)[{target.entity, target.row}].push_back(
                {index, &finding, &action, stage.after});
          }
        }
      }
    }
  }
}

bool StandingClaims::Stands(const Claim& claim, eval::FactRow target) {
  const ir::Rule& rule = input_.program.rules[claim.rule];
  const Finding& finding = *claim.finding;
  const Verb verb = ToVerb(claim.action->verb);
  const std::string& policy = rule.full_name;
  if (exemptions_.Vetoes(policy, Verb::kNotify, rule.entity, finding.row)) return false;
  if (exemptions_.Vetoes(policy, verb, target.entity, target.row)) return false;
  if (evaluator_.Judge(claim.rule, finding.row).verdict != eval::Verdict::kMatch) return false;
  const std::string& entity = input_.program.schema.entity(target.entity).name;
  Instant base = std::max(finding.opened_at, *findings_.Record(policy)->enforced_since);
  const auto begins_anew = [&](std::optional<Instant> at) {
    base = std::max(base, at.value_or(base));
  };
  begins_anew(exemptions_.LastEnd(policy, Verb::kNotify, rule.entity, finding.row));
  begins_anew(exemptions_.LastEnd(policy, verb, target.entity, target.row));
  for (const TargetGuard& guard : finding.guards) {
    const bool is_its = guard.entity == entity && guard.row == target.row && guard.verb == verb;
    if (is_its) begins_anew(guard.until);
  }
  const StageAction* known = finding.FindAction(entity, target.row, verb, claim.action->playbook);
  if (known && known->let_go && *known->let_go >= base) return true;
  return Later(base, claim.after) <= input_.now;
}

std::optional<std::string> StandingClaims::WhoWants(eval::FactRow target,
                                                    const std::set<std::string>& except) {
  if (!claims_) NoteAll();
  const auto claims = claims_->find({target.entity, target.row});
  if (claims == claims_->end()) return std::nullopt;
  for (const Claim& claim : claims->second) {
    if (!except.contains(claim.finding->id) && Stands(claim, target))
      return input_.program.rules[claim.rule].full_name;
  }
  return std::nullopt;
}

}  // namespace rescind
