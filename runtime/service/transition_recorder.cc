#include "runtime/service/transition_recorder.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "engine/base/assert.h"
#include "runtime/plan/standing_decisions.h"
#include "runtime/service/decision_check.h"
#include "runtime/service/verified_facts.h"

namespace rescind {
namespace {

using SortedJson = nlohmann::json;

// Who looks for what is decided reads back from the end of the log: a long run says it on its way.
constexpr uint64_t kMostSilentLeaves = 256;

constexpr const char* kContextFormat = "rescind.context/1";

// Systems name the rows that they speak of ("uid=ann,ou=people: not locked"), gates repeat what a
// person gave for a reason: only words of our own, and of a policy that reads no name, are written.
AuditText OutcomeOf(const Transition& transition) {
  const auto& reasons = transition.entry.action.reasons;
  const auto repeated = std::find_if(
      reasons.begin(), reasons.end(),
      [&](const ActionReason& reason) { return reason.because == transition.outcome; });
  if (repeated == reasons.end()) return {transition.outcome, !transition.is_own_word};
  if (repeated->personal) return {};  // committed to as the reason already
  return {transition.outcome, false};
}

}  // namespace

std::string EncodeContext(const TransitionContext& context) {
  SortedJson json = {{"format", kContextFormat},
                     {"source_hashes", context.source_hashes},
                     {"evidence", SortedJson::array()}};
  if (context.judged_at) json["judged_at"] = context.judged_at->micros;
  if (context.removed_at) {
    json["removed_by"] = context.removed_by;
    json["removed_at"] = context.removed_at->micros;
  }
  for (const AuditEvidence& evidence : context.evidence) {
    json["evidence"].push_back({{"path", evidence.path},
                                {"value", evidence.value.text},
                                {"personal", evidence.value.personal},
                                {"source", evidence.source}});
  }
  return json.dump(-1, ' ', false, SortedJson::error_handler_t::replace);
}

Result<TransitionContext> DecodeContext(std::string_view text) {
  TransitionContext context;
  if (text.empty()) return context;
  const Error malformed{ErrorKind::kInvalidInput, "the context of an action is malformed", ""};
  const SortedJson json = SortedJson::parse(text, nullptr, false);
  if (!json.is_object() || json.value("format", "") != kContextFormat) return malformed;
  try {
    if (json.contains("judged_at")) context.judged_at = Instant{json["judged_at"].get<int64_t>()};
    if (json.contains("removed_at")) {
      context.removed_by = json.at("removed_by").get<std::string>();
      context.removed_at = Instant{json["removed_at"].get<int64_t>()};
    }
    context.source_hashes = json.at("source_hashes").get<std::map<std::string, std::string>>();
    for (const SortedJson& item : json.at("evidence")) {
      context.evidence.push_back(
          {item.at("path").get<std::string>(),
           {item.at("value").get<std::string>(), item.at("personal").get<bool>()},
           item.at("source").get<std::string>()});
    }
  } catch (const SortedJson::exception&) {
    return malformed;
  }
  return context;
}

// A username is personal, and the account's id names the same account.
AuditAction AuditActionOf(const Action& action) {
  const auto attribute = [&](const char* path) {
    const auto found = action.target.attributes.find(path);
    return found == action.target.attributes.end() ? std::string() : found->second;
  };
  return {.key = action.key,
          .verb = std::string(VerbName(action.verb)),
          .playbook = action.playbook,
          .entity = action.target.entity,
          .target = action.target.id,
          .incarnation = action.target.incarnation,
          .system = action.target.system,
          .episode = action.episode,
          .account = attribute("account"),
          .owner = attribute(action.target.entity == "account" ? "owner" : "account.owner"),
          .entitlement = attribute("entitlement"),
          .entitlement_name = attribute("entitlement.name")};
}

AuditPolicy AuditPolicyOf(const ActionReason& reason, const std::string& source_hash) {
  return {.name = reason.policy,
          .source_hash = source_hash,
          .finding = reason.finding_id,
          .because = {reason.because, reason.personal},
          .stage = reason.stage,
          .controls = reason.controls};
}

AuditEvent EventOf(const Transition& transition, const TransitionContext& context) {
  const JournalEntry& entry = transition.entry;
  AuditEvent event;
  event.kind = AuditKind::kTransition;
  event.at = entry.changed_at;
  event.trigger = transition.trigger;
  event.judged_at = context.judged_at;
  event.action = AuditActionOf(entry.action);
  event.from_state = ActionStateName(transition.from);
  event.to_state = ActionStateName(entry.state);
  event.outcome = OutcomeOf(transition);
  for (const ActionReason& reason : entry.action.reasons) {
    const auto hash = context.source_hashes.find(reason.policy);
    const bool is_known = hash != context.source_hashes.end();
    event.policies.push_back(AuditPolicyOf(reason, is_known ? hash->second : ""));
  }
  event.evidence = context.evidence;
  if (context.removed_at) {
    event.details["came_back_after"] = {context.removed_by, false};
    event.details["removed_at"] = {FormatInstant(*context.removed_at), false};
  }
  if (!transition.evidence.empty()) event.details["verified_by"] = {transition.evidence, true};
  if (!transition.via.empty()) event.details["via"] = {transition.via, true};
  return event;
}

Status TransitionRecorder::Commit(KeyValueBatch& batch, std::span<const Transition> transitions) {
  const auto append = [&]() -> Status {
    std::vector<AuditEvent> events;
    for (const Transition& transition : transitions) {
      RESCIND_ASSIGN(const TransitionContext context, DecodeContext(transition.context));
      events.push_back(EventOf(transition, context));
      if (add_) RESCIND_TRY(add_(transition, batch));
    }
    RESCIND_TRY(SayDecisions(events, batch));
    for (const AuditEvent& event : events) RESCIND_TRY(audit_.Append(event, batch));
    return CommitBatch(batch, transitions);
  };
  if (Status status = append(); !status.ok()) {
    audit_.Abandoned();
    return status;
  }
  audit_.Committed();
  if (tell_) {
    for (const Transition& transition : transitions) tell_(transition);
  }
  return {};
}

Status TransitionRecorder::Record(std::vector<AuditEvent> events, KeyValueBatch& batch) {
  const auto append = [&]() -> Status {
    RESCIND_TRY(SayDecisions(events, batch));
    for (const AuditEvent& event : events) RESCIND_TRY(audit_.Append(event, batch));
    return store_.CommitExtra(batch);
  };
  if (Status status = append(); !status.ok()) {
    audit_.Abandoned();
    return status;
  }
  audit_.Committed();
  return {};
}

Status TransitionRecorder::SayDecisions(std::vector<AuditEvent>& events,
                                        const KeyValueBatch& batch) {
  RESCIND_ASSIGN(const bool changes, ChangesDecisions(store_.key_values(), batch));
  // INVARIANT: no decision changes without an entry that says so, in the same commit.
  RESCIND_ASSERT(!changes || !events.empty(), "what people decided changes without an entry");
  std::vector<AuditEvent*> saying;
  for (AuditEvent& event : events) {
    if (AlwaysSaysDecisions(event.kind)) saying.push_back(&event);
  }
  silent_count_ += events.size();
  const bool is_due = changes || silent_count_ >= kMostSilentLeaves;
  if (saying.empty() && is_due && !events.empty()) saying.push_back(&events.back());
  if (saying.empty()) return {};
  RESCIND_ASSIGN(const StandingDecisions decisions,
                 DecisionsAfter(store_.secret(), store_.key_values(), batch));
  for (AuditEvent* event : saying) AddDecisions(decisions, *event);
  silent_count_ = 0;
  return {};
}

Status TransitionRecorder::CommitBatch(const KeyValueBatch& batch,
                                       std::span<const Transition> transitions) {
  // All of a commit was seen within moments. The latest instant, so that a feed that looked in
  // between, and saw what was about to go, does not raise an alarm.
  Instant observed_at{0};
  for (const Transition& transition : transitions) {
    observed_at = std::max(observed_at, transition.entry.changed_at);
  }
  FactDelta delta(FactOrigin{std::string(kRescindSource), observed_at});
  SeenUses uses;
  for (const Transition& transition : transitions) {
    const Action& action = transition.entry.action;
    if (transition.entry.state == ActionState::kVerified) {
      AddVerifiedFact(action, store_.schema(), delta);
    } else if (transition.entry.state == ActionState::kCompensated) {
      AddCompensatedFact(action, store_.schema(), delta);
    } else if (transition.seen_use) {
      AddUse(transition.entry, *transition.seen_use, uses);
    }
  }
  RESCIND_TRY(AddUseFacts(uses, store_, delta));
  if (delta.empty()) return store_.CommitExtra(batch);
  CommitOptions options;
  options.extra = &batch;
  auto report = store_.Commit(delta, options);
  return report.ok() ? Status() : Status(std::move(report).error());
}

}  // namespace rescind
