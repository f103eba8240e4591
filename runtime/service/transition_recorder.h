// TransitionRecorder: one commit for each group of steps of the journal.
//
// Puts the journal's records, one audit leaf a transition, and the facts that follow from what was
// verified into one batch of the store, so that none of them is there without the others. It
// decides nothing.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "runtime/audit/audit_log.h"
#include "runtime/journal/transition.h"
#include "runtime/store/store.h"

namespace rescind {

// What an action is planned on: kept in the leaf of its first transition, handed through the
// journal as ActionRequest::context.
struct TransitionContext {
  std::optional<Instant> judged_at;
  std::map<std::string, std::string> source_hashes;  // by policy: "sha256:…"
  std::vector<AuditEvidence> evidence;
  // The action that had removed what came back; empty: it did not. And when that was verified.
  std::string removed_by;
  std::optional<Instant> removed_at;
};
std::string EncodeContext(const TransitionContext& context);
// Empty text is an empty context.
Result<TransitionContext> DecodeContext(std::string_view json);

// Without what the facts say now: as it was planned.
AuditAction AuditActionOf(const Action& action);
AuditPolicy AuditPolicyOf(const ActionReason& reason, const std::string& source_hash);
AuditEvent EventOf(const Transition& transition, const TransitionContext& context);

class TransitionRecorder final : public TransitionCommitter {
 public:
  // Both must outlive it.
  TransitionRecorder(Store& store, AuditLog& audit) : store_(store), audit_(audit) {}

  // Called after each durable transition, in order; for progress and reports.
  void OnTransition(std::function<void(const Transition&)> tell) { tell_ = std::move(tell); }

  // Called for each transition before its commit, in order: what it adds to the batch is durable
  // with the transition, or not at all. Its error is the commit's.
  void OnCommit(std::function<Status(const Transition&, KeyValueBatch&)> add) {
    add_ = std::move(add);
  }

  Status Commit(KeyValueBatch& batch, std::span<const Transition> transitions) override;
  // Leaves of other kinds (a run begins, an exemption is added), alone or with what belongs to
  // them in `batch`. Where that changes what people have decided (standing_decisions.h), there is
  // an event: it says what is decided now.
  Status Record(std::vector<AuditEvent> events, KeyValueBatch& batch);

 private:
  Status SayDecisions(std::vector<AuditEvent>& events, const KeyValueBatch& batch);
  Status CommitBatch(const KeyValueBatch& batch, std::span<const Transition> transitions);

  Store& store_;
  AuditLog& audit_;
  uint64_t silent_count_ = 0;  // leaves since one said what is decided
  std::function<Status(const Transition&, KeyValueBatch&)> add_;
  std::function<void(const Transition&)> tell_;
};

}  // namespace rescind
