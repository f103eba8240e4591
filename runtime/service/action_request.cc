#include "runtime/service/action_request.h"

#include <algorithm>
#include <iterator>

#include "engine/base/sort_unique.h"
#include "runtime/service/transition_recorder.h"

namespace rescind {
ActionRequests::ActionRequests(const ir::Program& program, Instant now) : now_(now) {
  for (const ir::Rule& rule : program.rules) rules_.emplace(rule.full_name, &rule);
}

std::string ActionRequests::ContextOf(const PlannedAction& planned) const {
  TransitionContext context;
  context.judged_at = now_;
  if (planned.came_back) {
    context.removed_by = planned.came_back->action_key;
    context.removed_at = planned.came_back->at;
  }
  for (const PlannedReason& reason : planned.reasons) {
    const auto rule = rules_.find(reason.policy);
    if (rule == rules_.end()) continue;
    context.source_hashes[reason.policy] = rule->second->meaning_hash;
    for (const Evidence& evidence : reason.evidence) {
      const bool known = std::any_of(
          context.evidence.begin(), context.evidence.end(), [&](const AuditEvidence& other) {
            return other.path == evidence.path && other.value.text == evidence.value;
          });
      if (known) continue;
      context.evidence.push_back(
          {evidence.path, {evidence.value, evidence.personal}, evidence.source});
    }
  }
  return EncodeContext(context);
}

ActionRequest ActionRequests::For(const PlannedAction& planned, const ActionTerms& terms) const {
  ActionRequest request;
  request.action = planned.action;
  request.wanted_key = terms.wanted_key;
  request.account = terms.account;
  request.order = terms.order;
  request.rollback_groups = terms.rollback_groups;
  std::copy_if(terms.ready_stages.begin(), terms.ready_stages.end(),
               std::back_inserter(request.kept_stages), [&](const std::string& stage) {
                 return !std::binary_search(terms.rollback_groups.begin(),
                                            terms.rollback_groups.end(), stage);
               });
  SortUnique(request.kept_stages);
  request.on_failure = terms.rollback ? OnFailure::kRollback : OnFailure::kKeep;
  request.retry_for = terms.retry_for;
  request.escalate_to = terms.escalate_to;
  if (!planned.reasons.empty()) request.because = planned.reasons.front().because;
  request.context = ContextOf(planned);
  return request;
}

}  // namespace rescind
