#include "runtime/plan/plan_draft.h"

#include <algorithm>

#include "engine/base/assert.h"
#include "runtime/plan/action_key.h"

namespace rescind {

PlanDraft::PlanDraft(const eval::EvaluationInput& the_input, const eval::SweepResult& the_sweep,
                     const PlannerOptions& the_options, FindingBook& the_book,
                     PlannerGuards& guards)
    : input(the_input),
      sweep(the_sweep),
      options(the_options),
      book(the_book),
      evaluator(the_input),
      model(the_input.facts),
      populations(the_input.facts),
      protection(guards.protection),
      exemptions(guards.exemptions),
      findings_(the_input.program.rules.size()) {
  RESCIND_ASSERT(sweep.rules.size() == input.program.rules.size(),
                 "the sweep judged another program");
}

void PlanDraft::FindHome(Verb verb, const std::string& playbook, ActionTarget& target) const {
  if (verb != Verb::kRun || !target.system.empty() || !options.runs_playbook) return;
  const std::vector<std::string> systems = options.runs_playbook(playbook);
  if (systems.size() == 1) target.system = systems.front();
}

Result<ActionTarget> PlanDraft::Identify(eval::FactRow row, const ir::Action& action) const {
  RESCIND_ASSIGN(ActionTarget target, model.Identify(row));
  FindHome(ToVerb(action.verb), action.playbook, target);
  return target;
}

Result<ActionHistory> PlanDraft::HistoryOf(eval::FactRow row, const ir::Action& action) const {
  if (!options.history) return ActionHistory();
  RESCIND_ASSIGN(const ActionTarget target, Identify(row, action));
  return options.history(
      WantedStateKey(options.store_id, target, ToVerb(action.verb), action.playbook));
}

bool PlanDraft::IsGivenUpFor(const ActionHistory& history,
                             std::span<const uint32_t> claim_numbers) const {
  if (!history.escalated) return false;
  const auto& asked_by = history.escalated_for;
  return std::any_of(claim_numbers.begin(), claim_numbers.end(), [&](uint32_t number) {
    const StageDraft& stage = stages[claims[number].stage_draft];
    const Finding& finding = book.Of(rule(stage).full_name)[stage.finding];
    return std::find(asked_by.begin(), asked_by.end(), finding.id) != asked_by.end();
  });
}

std::string PlanDraft::NameOf(const StageDraft& stage) {
  const PolicyRecord* record = book.Record(rule(stage).full_name);
  RESCIND_ASSERT(record && stage.stage < record->stage_ids.size(), "a stage without an id");
  return NameOfStage(finding(stage).id, record->stage_ids[stage.stage]);
}

bool PlanDraft::PolicyShown(const std::string& policy) const {
  const auto& filter = options.filter_policies;
  return filter.empty() || std::find(filter.begin(), filter.end(), policy) != filter.end();
}

Result<bool> PlanDraft::PersonShown(eval::FactRow row) const {
  if (options.filter_person.empty()) return true;
  const std::optional<RowId> person = model.PersonOf(row);
  if (!person) return false;
  RESCIND_ASSIGN(const std::string id, IdOf({model.identity(), *person}));
  return id == options.filter_person;
}

Result<std::vector<std::string>> FindRecipients(const PlanDraft& draft,
                                                eval::ReferenceEvaluator& evaluator,
                                                const ir::Recipient& recipient, RowId row) {
  for (const ir::NodeId choice : recipient.choices) {
    const eval::Value value = evaluator.Evaluate(choice, row);
    if (!value.known()) continue;
    if (const auto* channel = std::get_if<std::string>(&value.content)) {
      if (!channel->empty()) return std::vector<std::string>{*channel};
    } else if (const auto* person = std::get_if<eval::FactRow>(&value.content)) {
      RESCIND_ASSIGN(const std::string id, draft.IdOf(*person));
      return std::vector<std::string>{std::string(kIdentityRecipient) + id};
    }
  }
  if (draft.options.oncall.empty()) return std::vector<std::string>();
  return std::vector<std::string>{draft.options.oncall};
}

std::vector<eval::FactRow> FindTargets(const ir::Action& action, const FactBase& facts,
                                       eval::ReferenceEvaluator& evaluator, AccessModel& model,
                                       RowId row) {
  std::vector<eval::FactRow> named;
  if (action.targets.valid()) {
    named = evaluator.Members(action.targets, row);
  } else if (action.target.valid()) {
    const eval::Value value = evaluator.Evaluate(action.target, row);
    const auto* one = value.known() ? std::get_if<eval::FactRow>(&value.content) : nullptr;
    if (one) named.push_back(*one);
  }
  // Incomplete rows are never targets, and what is gone needs no action.
  std::erase_if(named, [&](const eval::FactRow& target) {
    return !facts.table(target.entity).complete(target.row);
  });
  if (!action.expands_identity) return named;
  std::vector<eval::FactRow> accounts;
  for (const eval::FactRow& identity : named) {
    const auto& owned = model.PersonalAccounts(identity.row);
    accounts.insert(accounts.end(), owned.begin(), owned.end());
  }
  return accounts;
}

Verb ToVerb(ir::Verb verb) {
  switch (verb) {
    case ir::Verb::kDisable: return Verb::kDisable;
    case ir::Verb::kSuspend: return Verb::kSuspend;
    case ir::Verb::kEnd: return Verb::kEnd;
    case ir::Verb::kRevoke: return Verb::kRevoke;
    case ir::Verb::kDelete: return Verb::kDelete;
    case ir::Verb::kNotify: return Verb::kNotify;
    case ir::Verb::kRun: return Verb::kRun;
  }
  RESCIND_UNREACHABLE("unknown verb");
}

Severity ToSeverity(ir::Severity severity) {
  switch (severity) {
    case ir::Severity::kLow: return Severity::kLow;
    case ir::Severity::kMedium: return Severity::kMedium;
    case ir::Severity::kHigh: return Severity::kHigh;
    case ir::Severity::kCritical: return Severity::kCritical;
  }
  RESCIND_UNREACHABLE("unknown severity");
}

Instant Later(Instant instant, Duration by) {
  int64_t sum = 0;
  if (instant == Instant::Never() || __builtin_add_overflow(instant.micros, by.micros, &sum)) {
    return Instant::Never();
  }
  return {sum};
}

}  // namespace rescind
