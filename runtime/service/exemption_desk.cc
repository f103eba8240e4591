#include "runtime/service/exemption_desk.h"

#include <fmt/format.h>

#include <utility>

#include "runtime/plan/policy_renames.h"
#include "runtime/service/row_owner.h"
#include "runtime/service/target_resolver.h"

namespace rescind {
namespace {

Result<AuditEvent> EventFor(AuditKind kind, const Exemption& exemption, Instant at, Store& store,
                            const std::string& trigger) {
  AuditEvent event;
  event.kind = kind;
  event.at = at;
  event.trigger = trigger;
  event.outcome = {exemption.reason, true};  // may name anybody
  event.details["exemption"] = {exemption.id, false};
  event.details["covers"] = {exemption.Text(), false};
  RESCIND_ASSIGN(const bool is_id, HasRow(store, "identity", exemption.owner));
  event.details["owner"] = {exemption.owner, !is_id};
  event.details["until"] = {FormatInstant(exemption.expires_at), false};
  if (!exemption.entity.empty()) {
    RESCIND_TRY(NameRow(event, exemption.entity, exemption.row_id, store));
  }
  if (!exemption.policy.empty()) event.policies.emplace_back().name = exemption.policy;
  return event;
}

}  // namespace

Result<Exemption> AddExemption(Exemption wanted, Store& store, TransitionRecorder& recorder,
                               const std::string& trigger) {
  RESCIND_ASSIGN(Exemption exemption, NewExemption(std::move(wanted)));
  KeyValueBatch batch;
  PutExemption(batch, exemption);
  RESCIND_ASSIGN(AuditEvent event, EventFor(AuditKind::kExemptionAdded, exemption,
                                            exemption.created_at, store, trigger));
  RESCIND_TRY(recorder.Record({std::move(event)}, batch));
  return exemption;
}

Status CloseExemption(const std::string& id, Instant now, const std::string& reason, Store& store,
                      TransitionRecorder& recorder, const std::string& trigger) {
  RESCIND_ASSIGN(const auto all, ListExemptions(store.key_values()));
  KeyValueBatch batch;
  RESCIND_TRY(EndExemption(store.key_values(), id, now, batch));
  for (const Exemption& exemption : all) {
    if (exemption.id != id) continue;
    RESCIND_ASSIGN(AuditEvent event,
                   EventFor(AuditKind::kExemptionEnded, exemption, now, store, trigger));
    event.outcome = {reason, true};
    return recorder.Record({std::move(event)}, batch);
  }
  return Error{ErrorKind::kNotFound, "there is no exemption " + id, ""};
}

std::string WhyNamelessText(const Exemption& exemption, const ir::Program& program) {
  const PolicyRenames renames(program);
  if (exemption.policy.empty() || renames.IsThere(renames.NameNow(exemption.policy))) return "";
  return fmt::format(
      "it covers nothing: no policy is called {0}, and none says `renamed from {0}`; if that "
      "policy "
      "has another name now, say so there, else end the exemption: rescind exempt end {1}",
      exemption.policy, exemption.id);
}

Result<std::vector<std::string>> ListNameless(const KeyValueReader& reader,
                                              const ir::Program& program, Instant now) {
  std::vector<std::string> texts;
  RESCIND_ASSIGN(const auto exemptions, ListExemptions(reader));
  for (const Exemption& exemption : exemptions) {
    if (!exemption.active(now)) continue;
    const std::string why = WhyNamelessText(exemption, program);
    if (!why.empty()) {
      texts.push_back(fmt::format("exemption {} ({}): {}", exemption.id, exemption.Text(), why));
    }
  }
  return texts;
}

}  // namespace rescind
