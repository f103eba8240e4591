#include "runtime/plan/plan_json.h"

#include <algorithm>
#include <optional>
#include <span>

#include "engine/base/sha256.h"
#include "runtime/plan/json_writer.h"
#include "runtime/plan/pieces_ahead.h"

namespace rescind {
namespace {

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
    RESCIND_ASSERT(plan.unlisted_actions.empty(), "a plan that is only shown is written");
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
    if (!plan.undos.empty()) List("undos", plan.undos);
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
    if (planned.left) Write(*planned.left);
    if (planned.came_back) Write(*planned.came_back);
    json_.EndObject();
  }

  void Write(const EarlierRemoval& removal) {
    json_.Name("came_back");
    json_.BeginObject();
    Time("removed_at", removal.at);
    json_.Member("action", removal.action_key);
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

  // Likewise.
  void Write(const LeftAction& left) {
    json_.Name("left");
    json_.BeginObject();
    json_.Member("because", left.because);
    json_.Member("remedy", left.remedy);
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
    if (!notice.alarm.empty()) json_.Member("alarm", notice.alarm);
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

  void Write(const PlannedUndo& undo) {
    json_.BeginObject();
    json_.Member("action", undo.action_key);
    json_.Member("verb", VerbName(undo.verb));
    json_.Member("entity", undo.entity);
    json_.Member("target", undo.target);
    json_.Member("system", undo.system);
    json_.Member("policies", undo.policies);
    json_.Member("failed", undo.failed);
    Time("since", undo.since);
    json_.Member("error", undo.error);
    json_.Member("effect", undo.effect);
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
    if (policy.error_count > 0) json_.Member("degraded", true);
    json_.Member("removals", policy.removal_count);
    json_.Member("limit", policy.limit);
    json_.Member("over_limit", policy.over_limit);
    if (!policy.limit_ahead.empty()) json_.Member("limit_ahead", policy.limit_ahead);
    if (!policy.confirming.empty()) json_.Member("confirming", policy.confirming);
    if (!policy.unconfirmed_because.empty()) {
      json_.Member("unconfirmed_because", policy.unconfirmed_because);
    }
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
    if (summary.left_count > 0) json_.Member("left", summary.left_count);
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

}  // namespace

std::string EncodePlan(const Plan& plan) {
  std::string text;
  JsonWriter json(2, [&](std::string_view piece) { text += piece; });
  json.BeginObject();
  json.Member("format", kPlanFormat);
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

}  // namespace rescind
