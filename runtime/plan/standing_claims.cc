#include "runtime/plan/standing_claims.h"

#include <algorithm>

#include "runtime/plan/known_protects.h"
#include "runtime/plan/plan_draft.h"

namespace rescind {

StandingClaims::StandingClaims(const eval::EvaluationInput& input, const FindingBook& findings,
                               const std::set<std::string>& confirmed,
                               eval::ReferenceEvaluator& evaluator, ExemptionCover& exemptions,
                               Protection& protection)
    : input_(input),
      findings_(findings),
      confirmed_(confirmed),
      evaluator_(evaluator),
      exemptions_(exemptions),
      protection_(protection),
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
      for (uint32_t stage = 0; stage < rule.stages.size(); ++stage) {
        for (const ir::Action& action : rule.stages[stage].actions) {
          // A playbook has no state that it wants.
          if (!Removes(action) || action.verb == ir::Verb::kRun) continue;
          for (const eval::FactRow& target :
               FindTargets(action, input_.facts, evaluator_, model_, finding.row)) {
            (*claims_)[{target.entity, target.row}].push_back({index, &finding, stage, &action});
          }
        }
      }
    }
  }
}

Instant StandingClaims::BaseOf(const Claim& claim, eval::FactRow target) const {
  const ir::Rule& rule = input_.program.rules[claim.rule];
  const Finding& finding = *claim.finding;
  const Verb verb = ToVerb(claim.action->verb);
  const std::string& entity = input_.program.schema.entity(target.entity).name;
  Instant base = std::max(finding.opened_at, *findings_.Record(rule.full_name)->enforced_since);
  const auto begin_anew = [&](std::optional<Instant> at) {
    base = std::max(base, at.value_or(base));
  };
  begin_anew(exemptions_.LastEnd(rule.full_name, Verb::kNotify, rule.entity, finding.row));
  begin_anew(exemptions_.LastEnd(rule.full_name, verb, target.entity, target.row));
  for (const TargetGuard& guard : finding.guards) {
    const bool is_its = guard.entity == entity && guard.row == target.row && guard.verb == verb;
    if (is_its) begin_anew(guard.until);
  }
  return base;
}

bool StandingClaims::WouldHaveBegun(const Claim& claim, const ir::Rule& rule, Instant base,
                                    Instant now) {
  const ir::Stage& its_stage = rule.stages[claim.stage];
  if (its_stage.approval || Later(base, its_stage.after) > now) return false;
  // What is told at the very instant of the removal gives nobody time.
  for (uint32_t stage = 0; stage < claim.stage; ++stage) {
    const auto& actions = rule.stages[stage].actions;
    const bool notifies = !std::all_of(actions.begin(), actions.end(), Removes);
    if (notifies && !claim.finding->NoticedSince(stage, base)) return false;
  }
  return true;
}

bool StandingClaims::Stands(const Claim& claim, eval::FactRow target) {
  const ir::Rule& rule = input_.program.rules[claim.rule];
  const Finding& finding = *claim.finding;
  const Verb verb = ToVerb(claim.action->verb);
  const std::string& policy = rule.full_name;
  if (protection_.Vetoes(verb, target.entity, target.row)) return false;
  if (exemptions_.Vetoes(policy, Verb::kNotify, rule.entity, finding.row)) return false;
  if (exemptions_.Vetoes(policy, verb, target.entity, target.row)) return false;
  if (evaluator_.Judge(claim.rule, finding.row).verdict != eval::Verdict::kMatch) return false;
  const Instant base = BaseOf(claim, target);
  const StageAction* known = finding.FindAction(input_.program.schema.entity(target.entity).name,
                                                target.row, verb, claim.action->playbook);
  if (known && known->let_go && *known->let_go >= base) return true;
  return WouldHaveBegun(claim, rule, base, input_.now);
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
