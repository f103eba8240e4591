// The reader's side of plan_json.h.
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>

#include "engine/base/sha256.h"
#include "runtime/plan/json_fields.h"
#include "runtime/plan/plan_json.h"

namespace rescind {
namespace {

using Json = nlohmann::ordered_json;

std::string Digest(const Json& body) {
  return "sha256:" + Sha256Hex(body.dump(-1, ' ', false, Json::error_handler_t::replace));
}

Severity ReadSeverity(JsonFields& fields, std::string_view name) {
  const std::string text = fields.Text(name);
  const std::optional<Severity> severity = ParseSeverity(text);
  if (!severity) fields.Fail(name, fmt::format("'{}' is no severity", text));
  return severity.value_or(Severity::kLow);
}

ActionStatus ReadStatus(JsonFields& fields) {
  const std::string text = fields.Text("status");
  const std::optional<ActionStatus> status = ParseActionStatus(text);
  if (!status) fields.Fail("status", fmt::format("'{}' is no action status", text));
  return status.value_or(ActionStatus::kHeld);
}

Evidence ReadEvidence(JsonFields& fields) {
  return {fields.Text("path"), fields.Text("value"), fields.Text("source")};
}

PlannedReason ReadReason(JsonFields& fields) {
  PlannedReason reason;
  reason.policy = fields.Text("policy");
  reason.title = fields.Text("title");
  reason.judged_entity = fields.Text("entity");
  reason.judged_id = fields.Text("id");
  reason.because = fields.Text("because");
  reason.source_line = fields.Text("source_line");
  reason.controls = fields.Texts("controls");
  reason.severity = ReadSeverity(fields, "severity");
  reason.stage = static_cast<uint32_t>(fields.Count("stage"));
  reason.opened_at = fields.Time("opened_at");
  reason.due = fields.Time("due");
  reason.evidence = fields.List<Evidence>("evidence", ReadEvidence);
  return reason;
}

Verb ReadVerb(JsonFields& fields) {
  const std::string text = fields.Text("verb");
  const std::optional<Verb> verb = ParseVerb(text);
  if (!verb) fields.Fail("verb", fmt::format("'{}' is no verb", text));
  return verb.value_or(Verb::kNotify);
}

std::optional<Change> ReadChange(JsonFields& fields) {
  const std::string text = fields.Text("change");
  if (text == "new") return Change::kNew;
  if (text == "standing") return Change::kStanding;
  if (!text.empty()) fields.Fail("change", fmt::format("'{}' is neither new nor standing", text));
  return std::nullopt;
}

Escalation ReadEscalation(JsonFields& fields) {
  return {fields.Time("since"), fields.Text("error"), fields.Text("remedy")};
}

LeftAction ReadLeft(JsonFields& fields) { return {fields.Text("because"), fields.Text("remedy")}; }

EarlierRemoval ReadEarlierRemoval(JsonFields& fields) {
  return {fields.Time("removed_at"), fields.Text("action")};
}

PlannedAction ReadAction(JsonFields& fields) {
  PlannedAction planned;
  Action& action = planned.action;
  action.key = fields.Text("id");
  action.verb = ReadVerb(fields);
  action.playbook = fields.Text("playbook");
  action.target.entity = fields.Text("entity");
  action.target.id = fields.Text("target");
  action.target.incarnation = static_cast<uint32_t>(fields.Count("incarnation"));
  action.target.system = fields.Text("system");
  action.target.attributes = fields.TextMap("attributes");
  action.episode = static_cast<uint32_t>(fields.Count("episode"));
  action.severity = ReadSeverity(fields, "severity");
  planned.status = ReadStatus(fields);
  planned.held_because = fields.Text("held_because");
  planned.change = ReadChange(fields);
  planned.due = fields.Time("due");
  planned.reversible = fields.Bool("reversible");
  if (fields.Has("escalated")) {
    planned.escalated = fields.Object<Escalation>("escalated", ReadEscalation);
  }
  if (fields.Has("left")) planned.left = fields.Object<LeftAction>("left", ReadLeft);
  if (fields.Has("came_back")) {
    planned.came_back = fields.Object<EarlierRemoval>("came_back", ReadEarlierRemoval);
  }
  planned.subject = {fields.Text("person"), fields.Text("department"), fields.Bool("privileged")};
  planned.reasons = fields.List<PlannedReason>("reasons", ReadReason);
  if (planned.reasons.empty()) fields.Fail("reasons", "an action needs a reason");
  return planned;
}

PlannedUndo ReadUndo(JsonFields& fields) {
  PlannedUndo undo;
  undo.action_key = fields.Text("action");
  undo.verb = ReadVerb(fields);
  undo.entity = fields.Text("entity");
  undo.target = fields.Text("target");
  undo.system = fields.Text("system");
  undo.policies = fields.Texts("policies");
  undo.failed = fields.Bool("failed");
  undo.since = fields.Time("since");
  undo.error = fields.Text("error");
  undo.effect = fields.Text("effect");
  return undo;
}

PlannedNotice ReadNotice(JsonFields& fields) {
  PlannedNotice notice;
  notice.policy = fields.Text("policy");
  notice.finding_id = fields.Text("finding");
  notice.judged_entity = fields.Text("entity");
  notice.judged_id = fields.Text("id");
  notice.stage = static_cast<uint32_t>(fields.Count("stage"));
  notice.due = fields.Time("due");
  notice.status = ReadStatus(fields);
  notice.held_because = fields.Text("held_because");
  notice.recipients = fields.Texts("recipients");
  notice.because = fields.Text("because");
  if (fields.Has("alarm")) notice.alarm = fields.Text("alarm");
  return notice;
}

NotActedReason ReadNotActedReason(JsonFields& fields) {
  const std::string text = fields.Text("reason");
  const std::optional<NotActedReason> reason = ParseNotActedReason(text);
  if (!reason) fields.Fail("reason", fmt::format("'{}' is no reason", text));
  return reason.value_or(NotActedReason::kProtected);
}

NotActedOn ReadNotActed(JsonFields& fields) {
  NotActedOn row;
  row.entity = fields.Text("entity");
  row.target = fields.Text("target");
  row.policy = fields.Text("policy");
  row.reason = ReadNotActedReason(fields);
  row.by = fields.Text("by");
  row.detail = fields.Text("detail");
  return row;
}

PolicySummary ReadPolicy(JsonFields& fields) {
  PolicySummary policy;
  policy.policy = fields.Text("policy");
  policy.title = fields.Text("title");
  policy.severity = ReadSeverity(fields, "severity");
  policy.enforced = fields.Text("mode") == "enforce";
  policy.judged_count = fields.Count("judged");
  policy.match_count = fields.Count("matches");
  policy.insufficient_count = fields.Count("insufficient");
  policy.error_count = fields.Count("errors");
  policy.removal_count = fields.Count("removals");
  policy.limit = fields.Text("limit");
  policy.over_limit = fields.Bool("over_limit");
  if (fields.Has("limit_ahead")) policy.limit_ahead = fields.Text("limit_ahead");
  if (fields.Has("confirming")) policy.confirming = fields.Text("confirming");
  if (fields.Has("unconfirmed_because")) {
    policy.unconfirmed_because = fields.Text("unconfirmed_because");
  }
  policy.held_because = fields.Text("held_because");
  return policy;
}

FeedAge ReadFeed(JsonFields& fields) {
  FeedAge feed;
  feed.source = fields.Text("source");
  feed.entity = fields.Text("entity");
  if (!fields.IsNull("observed_at")) feed.observed_at = fields.Time("observed_at");
  if (!fields.IsNull("max_age")) feed.max_age = fields.Length("max_age");
  feed.stale = fields.Bool("stale");
  return feed;
}

RollUp ReadRollUp(JsonFields& fields) {
  return {fields.Text("policy"),     fields.Text("system"), fields.Text("department"),
          fields.Bool("privileged"), fields.Count("count"), fields.Count("population")};
}

EarlierAction ReadEarlier(JsonFields& fields) {
  return {fields.Text("key"),    ReadVerb(fields),      fields.Text("entity"),
          fields.Text("target"), fields.Text("system"), fields.Text("policy")};
}

LeftAloneAction ReadLeftAlone(JsonFields& fields) {
  LeftAloneAction left_alone;
  left_alone.action = ReadEarlier(fields);
  left_alone.reason = ReadNotActedReason(fields);
  left_alone.by = fields.Text("by");
  return left_alone;
}

PlanDelta ReadDelta(JsonFields& fields) {
  PlanDelta delta;
  delta.against = fields.Text("against");
  delta.other_policies = fields.Has("other_policies") && fields.Bool("other_policies");
  delta.new_count = fields.Count("new");
  delta.standing_count = fields.Count("standing");
  delta.resolved = fields.List<EarlierAction>("resolved", ReadEarlier);
  if (fields.Has("left_alone")) {
    delta.left_alone = fields.List<LeftAloneAction>("left_alone", ReadLeftAlone);
  }
  return delta;
}

PlanSummary ReadSummary(JsonFields& fields) {
  PlanSummary summary;
  summary.action_count = fields.Count("actions");
  summary.ready_count = fields.Count("ready");
  summary.notice_count = fields.Count("notice");
  summary.held_count = fields.Count("held");
  summary.person_count = fields.Count("people");
  summary.system_count = fields.Count("systems");
  summary.protected_count = fields.Count("protected");
  summary.exempt_count = fields.Count("exempt");
  summary.insufficient_count = fields.Count("insufficient");
  if (fields.Has("escalated")) summary.escalated_count = fields.Count("escalated");
  if (fields.Has("left")) summary.left_count = fields.Count("left");
  return summary;
}

Plan ReadPlan(JsonFields& fields) {
  Plan plan;
  plan.id = fields.Text("plan_id");
  plan.as_of = fields.Time("as_of");
  plan.facts_seq = fields.Count("facts_seq");
  plan.store_id = fields.Text("store_id");
  plan.store_epoch = fields.Count("store_epoch");
  plan.policies_hash = fields.Text("policies_hash");
  plan.applicable = fields.Bool("applicable");
  plan.not_applicable_because = fields.Text("not_applicable_because");
  plan.cold_start = fields.Bool("cold_start");
  plan.filter_policies = fields.Texts("filter_policies");
  plan.filter_person = fields.Text("filter_person");
  plan.summary = fields.Object<PlanSummary>("summary", ReadSummary);
  plan.policies = fields.List<PolicySummary>("policies", ReadPolicy);
  plan.feeds = fields.List<FeedAge>("feeds", ReadFeed);
  plan.roll_ups = fields.List<RollUp>("roll_ups", ReadRollUp);
  plan.delta = fields.Object<PlanDelta>("delta", ReadDelta);
  plan.actions = fields.List<PlannedAction>("actions", ReadAction);
  plan.notices = fields.List<PlannedNotice>("notices", ReadNotice);
  plan.not_acted_on = fields.List<NotActedOn>("not_acted_on", ReadNotActed);
  if (fields.Has("undos")) plan.undos = fields.List<PlannedUndo>("undos", ReadUndo);
  const auto listed = static_cast<uint64_t>(std::count_if(
      plan.not_acted_on.begin(), plan.not_acted_on.end(),
      [](const NotActedOn& row) { return row.reason == NotActedReason::kInsufficientData; }));
  const uint64_t insufficient = plan.summary.insufficient_count;
  plan.unlisted_insufficient_count = insufficient - std::min(insufficient, listed);
  return plan;
}

constexpr std::string_view kMakeANewOne = "make a new one with `rescind plan --out FILE`";

}  // namespace

Result<Plan> DecodePlan(std::string_view text) {
  RESCIND_ASSIGN(Json json, ParseJsonDocument(text, kPlanFormat, "plan", kMakeANewOne));
  JsonFields fields(json, "");
  Plan plan = ReadPlan(fields);
  if (fields.failure()) {
    return Error{ErrorKind::kInvalidInput, "the plan is damaged: " + *fields.failure(),
                 std::string(kMakeANewOne)};
  }
  json.erase("format");
  json.erase("plan_id");
  if (Digest(json) != plan.id) {
    return Error{ErrorKind::kInvalidInput,
                 fmt::format("the plan was changed after it was made: its content does not have "
                             "the digest {}",
                             plan.id),
                 std::string(kMakeANewOne)};
  }
  return plan;
}

}  // namespace rescind
