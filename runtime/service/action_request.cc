#include "runtime/service/action_request.h"

#include <algorithm>

#include "runtime/service/transition_recorder.h"

namespace rescind {
namespace {

const ir::Rule* FindRule(const ir::Program& program, std::string_view name) {
  const auto rule = std::find_if(program.rules.begin(), program.rules.end(),
                                 [&](const ir::Rule& each) { return each.full_name == name; });
  return rule == program.rules.end() ? nullptr : &*rule;
}

// Names and addresses of people: the audit log commits to them without showing them.
bool IsPersonal(const ir::Program& program, const ir::Rule& rule, const std::string& path) {
  for (const ir::EvidencePath& evidence : rule.evidence) {
    if (evidence.path != path || !evidence.field.valid()) continue;
    const EntityDef& entity = program.schema.entity(evidence.entity);
    const std::string& field = entity.field(evidence.field).name;
    return field == "email" || field == "username" ||
           (field == "name" && entity.name == "identity");
  }
  return false;
}

TransitionContext ContextOf(const PlannedAction& planned, const ir::Program& program, Instant now) {
  TransitionContext context;
  context.judged_at = now;
  for (const PlannedReason& reason : planned.reasons) {
    const ir::Rule* rule = FindRule(program, reason.policy);
    if (rule == nullptr) continue;
    context.source_hashes[reason.policy] = rule->meaning_hash;
    for (const Evidence& evidence : reason.evidence) {
      const bool known = std::any_of(
          context.evidence.begin(), context.evidence.end(), [&](const AuditEvidence& other) {
            return other.path == evidence.path && other.value.text == evidence.value;
          });
      if (known) continue;
      context.evidence.push_back({evidence.path,
                                  {evidence.value, IsPersonal(program, *rule, evidence.path)},
                                  evidence.source});
    }
  }
  return context;
}

}  // namespace

ActionRequest RequestFor(const PlannedAction& planned, const ActionTerms& terms,
                         const ir::Program& program, Instant now) {
  ActionRequest request;
  request.action = planned.action;
  request.wanted_key = terms.wanted_key;
  request.account = terms.account;
  request.order = terms.order;
  request.rollback_group = terms.rollback_group;
  request.on_failure = terms.rollback ? OnFailure::kRollback : OnFailure::kKeep;
  request.retry_for = terms.retry_for;
  if (!planned.reasons.empty()) request.because = planned.reasons.front().because;
  request.context = EncodeContext(ContextOf(planned, program, now));
  return request;
}

}  // namespace rescind
