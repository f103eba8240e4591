#include "runtime/plan/plan_json.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "engine/base/sha256.h"
#include "runtime/plan/json_fields.h"

namespace rescind {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kFormat = "rescind.plan/1";

Json EvidenceJson(const std::vector<Evidence>& evidence) {
  Json list = Json::array();
  for (const Evidence& item : evidence) {
    list.push_back({{"path", item.path}, {"value", item.value}, {"source", item.source}});
  }
  return list;
}

Json ReasonJson(const PlannedReason& reason) {
  return {{"policy", reason.policy},
          {"title", reason.title},
          {"entity", reason.judged_entity},
          {"id", reason.judged_id},
          {"because", reason.because},
          {"source_line", reason.source_line},
          {"controls", reason.controls},
          {"severity", SeverityName(reason.severity)},
          {"stage", reason.stage},
          {"opened_at", FormatInstant(reason.opened_at)},
          {"due", FormatInstant(reason.due)},
          {"evidence", EvidenceJson(reason.evidence)}};
}

std::string_view ChangeName(std::optional<Change> change) {
  if (!change) return "";
  return *change == Change::kNew ? "new" : "standing";
}

// The reason that decides when the action runs: the earliest due, then the first listed.
const PlannedReason& LeadingReason(const PlannedAction& planned) {
  const PlannedReason* leading = &planned.reasons.front();
  for (const PlannedReason& reason : planned.reasons) {
    if (reason.due < leading->due) leading = &reason;
  }
  return *leading;
}

Json ActionJson(const PlannedAction& planned) {
  const Action& action = planned.action;
  const PlannedReason& leading = LeadingReason(planned);
  std::vector<std::string> policies;
  std::vector<std::string> controls;
  Json reasons = Json::array();
  for (const PlannedReason& reason : planned.reasons) {
    if (policies.empty() || policies.back() != reason.policy) policies.push_back(reason.policy);
    for (const std::string& control : reason.controls) {
      if (std::find(controls.begin(), controls.end(), control) == controls.end()) {
        controls.push_back(control);
      }
    }
    reasons.push_back(ReasonJson(reason));
  }
  return {{"id", action.key},
          {"verb", VerbName(action.verb)},
          {"playbook", action.playbook},
          {"entity", action.target.entity},
          {"target", action.target.id},
          {"incarnation", action.target.incarnation},
          {"system", action.target.system},
          {"attributes", action.target.attributes},
          {"episode", action.episode},
          {"stage", leading.stage},
          {"due", FormatInstant(planned.due)},
          {"status", ActionStatusName(planned.status)},
          {"held_because", planned.held_because},
          {"change", ChangeName(planned.change)},
          {"severity", SeverityName(action.severity)},
          {"policies", policies},
          {"controls", controls},
          {"because", leading.because},
          {"reversible", planned.reversible},
          {"person", planned.subject.person},
          {"department", planned.subject.department},
          {"privileged", planned.subject.privileged},
          {"evidence", EvidenceJson(leading.evidence)},
          {"reasons", reasons}};
}

Json NoticeJson(const PlannedNotice& notice) {
  return {{"policy", notice.policy},
          {"finding", notice.finding_id},
          {"entity", notice.judged_entity},
          {"id", notice.judged_id},
          {"stage", notice.stage},
          {"due", FormatInstant(notice.due)},
          {"status", ActionStatusName(notice.status)},
          {"held_because", notice.held_because},
          {"recipients", notice.recipients},
          {"because", notice.because}};
}

Json NotActedJson(const NotActedOn& row) {
  return {{"entity", row.entity}, {"target", row.target},
          {"policy", row.policy}, {"reason", NotActedReasonName(row.reason)},
          {"by", row.by},         {"detail", row.detail}};
}

Json PolicyJson(const PolicySummary& policy) {
  return {{"policy", policy.policy},
          {"title", policy.title},
          {"severity", SeverityName(policy.severity)},
          {"mode", policy.enforced ? "enforce" : "observe"},
          {"judged", policy.judged_count},
          {"matches", policy.match_count},
          {"insufficient", policy.insufficient_count},
          {"errors", policy.error_count},
          {"removals", policy.removal_count},
          {"limit", policy.limit},
          {"over_limit", policy.over_limit},
          {"held_because", policy.held_because}};
}

Json FeedJson(const FeedAge& feed) {
  Json json = {{"source", feed.source}, {"entity", feed.entity}};
  json["observed_at"] = feed.observed_at ? Json(FormatInstant(*feed.observed_at)) : Json();
  json["max_age"] = feed.max_age ? Json(FormatDuration(*feed.max_age)) : Json();
  json["stale"] = feed.stale;
  return json;
}

Json RollUpJson(const RollUp& row) {
  return {{"policy", row.policy},         {"system", row.system}, {"department", row.department},
          {"privileged", row.privileged}, {"count", row.count},   {"population", row.population}};
}

Json EarlierJson(const EarlierAction& action) {
  return {{"key", action.key},       {"verb", VerbName(action.verb)}, {"entity", action.entity},
          {"target", action.target}, {"system", action.system},       {"policy", action.policy}};
}

Json LeftAloneJson(const LeftAloneAction& left_alone) {
  Json json = EarlierJson(left_alone.action);
  json["reason"] = NotActedReasonName(left_alone.reason);
  json["by"] = left_alone.by;
  return json;
}

Json SummaryJson(const PlanSummary& summary) {
  return {{"actions", summary.action_count},
          {"ready", summary.ready_count},
          {"notice", summary.notice_count},
          {"held", summary.held_count},
          {"people", summary.person_count},
          {"systems", summary.system_count},
          {"protected", summary.protected_count},
          {"exempt", summary.exempt_count},
          {"insufficient", summary.insufficient_count}};
}

template <typename T, typename Encode>
Json ListJson(const std::vector<T>& items, Encode encode) {
  Json list = Json::array();
  for (const T& item : items) list.push_back(encode(item));
  return list;
}

Json DeltaJson(const PlanDelta& delta) {
  return {{"against", delta.against},
          {"new", delta.new_count},
          {"standing", delta.standing_count},
          {"resolved", ListJson(delta.resolved, EarlierJson)},
          {"left_alone", ListJson(delta.left_alone, LeftAloneJson)}};
}

// Everything but plan_id, in the order in which it is written.
Json BodyJson(const Plan& plan) {
  return {{"as_of", FormatInstant(plan.as_of)},
          {"facts_seq", plan.facts_seq},
          {"store_id", plan.store_id},
          {"store_epoch", plan.store_epoch},
          {"policies_hash", plan.policies_hash},
          {"applicable", plan.applicable},
          {"not_applicable_because", plan.not_applicable_because},
          {"cold_start", plan.cold_start},
          {"filter_policies", plan.filter_policies},
          {"filter_person", plan.filter_person},
          {"summary", SummaryJson(plan.summary)},
          {"policies", ListJson(plan.policies, PolicyJson)},
          {"feeds", ListJson(plan.feeds, FeedJson)},
          {"roll_ups", ListJson(plan.roll_ups, RollUpJson)},
          {"delta", DeltaJson(plan.delta)},
          {"actions", ListJson(plan.actions, ActionJson)},
          {"notices", ListJson(plan.notices, NoticeJson)},
          {"not_acted_on", ListJson(plan.not_acted_on, NotActedJson)}};
}

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
  planned.subject = {fields.Text("person"), fields.Text("department"), fields.Bool("privileged")};
  planned.reasons = fields.List<PlannedReason>("reasons", ReadReason);
  if (planned.reasons.empty()) fields.Fail("reasons", "an action needs a reason");
  return planned;
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
  const auto listed = static_cast<uint64_t>(std::count_if(
      plan.not_acted_on.begin(), plan.not_acted_on.end(),
      [](const NotActedOn& row) { return row.reason == NotActedReason::kInsufficientData; }));
  const uint64_t insufficient = plan.summary.insufficient_count;
  plan.unlisted_insufficient_count = insufficient - std::min(insufficient, listed);
  return plan;
}

constexpr std::string_view kMakeANewOne = "make a new one with `rescind plan --out FILE`";

}  // namespace

std::string EncodePlan(const Plan& plan) {
  Json json = {{"format", kFormat}, {"plan_id", plan.id}};
  json.update(BodyJson(plan));
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string PlanDigest(const Plan& plan) { return Digest(BodyJson(plan)); }

Result<Plan> DecodePlan(std::string_view text) {
  RESCIND_ASSIGN(Json json, ParseJsonDocument(text, kFormat, "plan", kMakeANewOne));
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
