#include "runtime/plan/plan_json.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>

#include "engine/base/sha256.h"
#include "runtime/plan/json_fields.h"
#include "runtime/plan/json_writer.h"
#include "runtime/plan/pieces_ahead.h"

namespace rescind {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kFormat = "rescind.plan/1";
constexpr size_t kActionsAPiece = 256;
constexpr size_t kPiecesWorthTwoThreads = 8;

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

// Writes the parts of a plan, each value in its place.
class PlanWriter {
 public:
  // `ahead`: the plan's actions, written already; null when they are not.
  explicit PlanWriter(JsonWriter& json, PiecesAhead* ahead = nullptr)
      : json_(json), ahead_(ahead) {}

  // Everything but plan_id, in the order in which it is written.
  void WriteBody(const Plan& plan) {
    Time("as_of", plan.as_of);
    json_.Member("facts_seq", plan.facts_seq);
    json_.Member("store_id", plan.store_id);
    json_.Member("store_epoch", plan.store_epoch);
    json_.Member("policies_hash", plan.policies_hash);
    json_.Member("applicable", plan.applicable);
    json_.Member("not_applicable_because", plan.not_applicable_because);
    json_.Member("cold_start", plan.cold_start);
    json_.Member("filter_policies", plan.filter_policies);
    json_.Member("filter_person", plan.filter_person);
    json_.Name("summary");
    Write(plan.summary);
    List("policies", plan.policies);
    List("feeds", plan.feeds);
    List("roll_ups", plan.roll_ups);
    json_.Name("delta");
    Write(plan.delta);
    json_.Name("actions");
    json_.BeginList();
    if (ahead_) {
      for (size_t i = 0; i < ahead_->count(); ++i) json_.Items(ahead_->Take(i));
    } else {
      WriteActions(plan.actions);
    }
    json_.EndList();
    List("notices", plan.notices);
    List("not_acted_on", plan.not_acted_on);
  }

  void WriteActions(std::span<const PlannedAction> actions) {
    for (const PlannedAction& planned : actions) Write(planned);
  }

 private:
  template <typename T>
  void List(std::string_view name, const std::vector<T>& items) {
    json_.Name(name);
    json_.BeginList();
    for (const T& item : items) Write(item);
    json_.EndList();
  }

  // Neighbours often fall on one instant.
  void Time(std::string_view name, Instant instant) {
    if (last_text_.empty() || instant != last_instant_) {
      last_text_ = FormatInstant(instant);
      last_instant_ = instant;
    }
    json_.Member(name, last_text_);
  }

  void Write(const Evidence& evidence) {
    json_.BeginObject();
    json_.Member("path", evidence.path);
    json_.Member("value", evidence.value);
    json_.Member("source", evidence.source);
    json_.EndObject();
  }

  void Write(const PlannedReason& reason) {
    json_.BeginObject();
    json_.Member("policy", reason.policy);
    json_.Member("title", reason.title);
    json_.Member("entity", reason.judged_entity);
    json_.Member("id", reason.judged_id);
    json_.Member("because", reason.because);
    json_.Member("source_line", reason.source_line);
    json_.Member("controls", reason.controls);
    json_.Member("severity", SeverityName(reason.severity));
    json_.Member("stage", reason.stage);
    Time("opened_at", reason.opened_at);
    Time("due", reason.due);
    List("evidence", reason.evidence);
    json_.EndObject();
  }

  void Write(const PlannedAction& planned) {
    const Action& action = planned.action;
    const PlannedReason& leading = LeadingReason(planned);
    json_.BeginObject();
    json_.Member("id", action.key);
    json_.Member("verb", VerbName(action.verb));
    json_.Member("playbook", action.playbook);
    json_.Member("entity", action.target.entity);
    json_.Member("target", action.target.id);
    json_.Member("incarnation", action.target.incarnation);
    json_.Member("system", action.target.system);
    json_.Name("attributes");
    json_.TextMap(action.target.attributes);
    json_.Member("episode", action.episode);
    json_.Member("stage", leading.stage);
    Time("due", planned.due);
    json_.Member("status", ActionStatusName(planned.status));
    json_.Member("held_because", planned.held_because);
    json_.Member("change", ChangeName(planned.change));
    json_.Member("severity", SeverityName(action.severity));
    WritePoliciesAndControls(planned);
    json_.Member("because", leading.because);
    json_.Member("reversible", planned.reversible);
    json_.Member("person", planned.subject.person);
    json_.Member("department", planned.subject.department);
    json_.Member("privileged", planned.subject.privileged);
    List("evidence", leading.evidence);
    List("reasons", planned.reasons);
    if (planned.escalated) Write(*planned.escalated);
    json_.EndObject();
  }

  // Optional: where it is not escalated, there is no member.
  void Write(const Escalation& escalated) {
    json_.Name("escalated");
    json_.BeginObject();
    Time("since", escalated.since);
    json_.Member("error", escalated.error);
    json_.Member("remedy", escalated.remedy);
    json_.EndObject();
  }

  // Of all reasons; each is named once.
  void WritePoliciesAndControls(const PlannedAction& planned) {
    json_.Name("policies");
    json_.BeginList();
    const std::string* last = nullptr;
    for (const PlannedReason& reason : planned.reasons) {
      if (!last || *last != reason.policy) json_.Text(reason.policy);
      last = &reason.policy;
    }
    json_.EndList();
    json_.Name("controls");
    json_.BeginList();
    named_controls_.clear();
    for (const PlannedReason& reason : planned.reasons) {
      for (const std::string& control : reason.controls) {
        const auto end = named_controls_.end();
        if (std::find(named_controls_.begin(), end, control) != end) continue;
        named_controls_.push_back(control);
        json_.Text(control);
      }
    }
    json_.EndList();
  }

  void Write(const PlannedNotice& notice) {
    json_.BeginObject();
    json_.Member("policy", notice.policy);
    json_.Member("finding", notice.finding_id);
    json_.Member("entity", notice.judged_entity);
    json_.Member("id", notice.judged_id);
    json_.Member("stage", notice.stage);
    Time("due", notice.due);
    json_.Member("status", ActionStatusName(notice.status));
    json_.Member("held_because", notice.held_because);
    json_.Member("recipients", notice.recipients);
    json_.Member("because", notice.because);
    json_.EndObject();
  }

  void Write(const NotActedOn& row) {
    json_.BeginObject();
    json_.Member("entity", row.entity);
    json_.Member("target", row.target);
    json_.Member("policy", row.policy);
    json_.Member("reason", NotActedReasonName(row.reason));
    json_.Member("by", row.by);
    json_.Member("detail", row.detail);
    json_.EndObject();
  }

  void Write(const PolicySummary& policy) {
    json_.BeginObject();
    json_.Member("policy", policy.policy);
    json_.Member("title", policy.title);
    json_.Member("severity", SeverityName(policy.severity));
    json_.Member("mode", policy.enforced ? "enforce" : "observe");
    json_.Member("judged", policy.judged_count);
    json_.Member("matches", policy.match_count);
    json_.Member("insufficient", policy.insufficient_count);
    json_.Member("errors", policy.error_count);
    json_.Member("removals", policy.removal_count);
    json_.Member("limit", policy.limit);
    json_.Member("over_limit", policy.over_limit);
    json_.Member("held_because", policy.held_because);
    json_.EndObject();
  }

  void Write(const FeedAge& feed) {
    json_.BeginObject();
    json_.Member("source", feed.source);
    json_.Member("entity", feed.entity);
    json_.Name("observed_at");
    feed.observed_at ? json_.Text(FormatInstant(*feed.observed_at)) : json_.Null();
    json_.Name("max_age");
    feed.max_age ? json_.Text(FormatDuration(*feed.max_age)) : json_.Null();
    json_.Member("stale", feed.stale);
    json_.EndObject();
  }

  void Write(const RollUp& row) {
    json_.BeginObject();
    json_.Member("policy", row.policy);
    json_.Member("system", row.system);
    json_.Member("department", row.department);
    json_.Member("privileged", row.privileged);
    json_.Member("count", row.count);
    json_.Member("population", row.population);
    json_.EndObject();
  }

  void WriteEarlier(const EarlierAction& action) {
    json_.Member("key", action.key);
    json_.Member("verb", VerbName(action.verb));
    json_.Member("entity", action.entity);
    json_.Member("target", action.target);
    json_.Member("system", action.system);
    json_.Member("policy", action.policy);
  }

  void Write(const EarlierAction& action) {
    json_.BeginObject();
    WriteEarlier(action);
    json_.EndObject();
  }

  void Write(const LeftAloneAction& left_alone) {
    json_.BeginObject();
    WriteEarlier(left_alone.action);
    json_.Member("reason", NotActedReasonName(left_alone.reason));
    json_.Member("by", left_alone.by);
    json_.EndObject();
  }

  void Write(const PlanSummary& summary) {
    json_.BeginObject();
    json_.Member("actions", summary.action_count);
    json_.Member("ready", summary.ready_count);
    json_.Member("notice", summary.notice_count);
    json_.Member("held", summary.held_count);
    json_.Member("people", summary.person_count);
    json_.Member("systems", summary.system_count);
    json_.Member("protected", summary.protected_count);
    json_.Member("exempt", summary.exempt_count);
    json_.Member("insufficient", summary.insufficient_count);
    if (summary.escalated_count > 0) json_.Member("escalated", summary.escalated_count);
    json_.EndObject();
  }

  void Write(const PlanDelta& delta) {
    json_.BeginObject();
    json_.Member("against", delta.against);
    json_.Member("other_policies", delta.other_policies);
    json_.Member("new", delta.new_count);
    json_.Member("standing", delta.standing_count);
    List("resolved", delta.resolved);
    List("left_alone", delta.left_alone);
    json_.EndObject();
  }

  JsonWriter& json_;
  PiecesAhead* const ahead_;
  Instant last_instant_;
  std::string last_text_;
  std::vector<std::string_view> named_controls_;
};

// On one line, without the brackets of their list.
std::string WrittenActions(std::span<const PlannedAction> actions) {
  std::string text;
  JsonWriter json(-1, [&](std::string_view piece) { text += piece; });
  json.BeginList();
  PlanWriter(json).WriteActions(actions);
  json.EndList();
  json.Finish();
  return text.substr(1, text.size() - 2);
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

Escalation ReadEscalation(JsonFields& fields) {
  return {fields.Time("since"), fields.Text("error"), fields.Text("remedy")};
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
  std::string text;
  JsonWriter json(2, [&](std::string_view piece) { text += piece; });
  json.BeginObject();
  json.Member("format", kFormat);
  json.Member("plan_id", plan.id);
  PlanWriter(json).WriteBody(plan);
  json.EndObject();
  json.Finish();
  return text + "\n";
}

std::string PlanDigest(const Plan& plan) {
  const std::span<const PlannedAction> actions(plan.actions);
  const size_t piece_count = (actions.size() + kActionsAPiece - 1) / kActionsAPiece;
  std::optional<PiecesAhead> ahead;
  if (piece_count >= kPiecesWorthTwoThreads) {
    ahead.emplace(piece_count, [&](size_t piece) {
      const size_t first = piece * kActionsAPiece;
      return WrittenActions(
          actions.subspan(first, std::min(kActionsAPiece, actions.size() - first)));
    });
  }
  Sha256Stream stream;
  JsonWriter json(-1, [&](std::string_view piece) { stream.Add(piece); });
  json.BeginObject();
  PlanWriter(json, ahead ? &*ahead : nullptr).WriteBody(plan);
  json.EndObject();
  json.Finish();
  return "sha256:" + stream.Hex();
}

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
