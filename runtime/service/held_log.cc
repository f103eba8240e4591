#include "runtime/service/held_log.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <unordered_set>
#include <utility>

#include "engine/base/sha256.h"
#include "runtime/plan/release.h"
#include "runtime/service/row_owner.h"
#include "runtime/store/restore_help.h"

namespace rescind {
namespace {

using SortedJson = nlohmann::json;

constexpr size_t kMostReasons = 20;
constexpr size_t kEntriesOfCommit = 5000;
constexpr const char* kRecordFormat = "rescind.held-action/1";

// Empty when the plan holds none.
std::string NoticeMark(const ApplyReport& report) {
  const uint64_t count = report.held_notice_count();
  return count == 0 ? "" : fmt::format("2 {}", count);
}

std::string CountText(const HeldCount& count) {
  const auto text = [](uint64_t number, std::string_view noun) {
    return number == 0 ? std::string()
                       : fmt::format("{} {}{}", number, noun, number == 1 ? "" : "s");
  };
  const std::string both = count.actions > 0 && count.notices > 0 ? ", " : "";
  return text(count.actions, "action") + both + text(count.notices, "notice");
}

bool IsPassedOver(const NotActedOn& row) {
  return row.reason == NotActedReason::kProtected || row.reason == NotActedReason::kExempt ||
         row.reason == NotActedReason::kUndecidedProtect;
}

std::string PassedOverKey(const NotActedOn& row) {
  Sha256Fields fields;
  fields.Add(row.policy).Add(row.entity).Add(row.target);
  fields.Add(NotActedReasonName(row.reason)).Add(row.by);
  return fmt::format("{}{}", kPassedOverPrefix, fields.Hex());
}

// ---- The record of an action that is held, for the entry of when it is not any more -----------

std::string EncodeRecord(const AuditAction& action, const std::vector<AuditPolicy>& policies) {
  SortedJson names = SortedJson::array();
  for (const AuditPolicy& policy : policies) names.push_back(policy.name);
  const SortedJson json = {
      {"format", kRecordFormat},           {"verb", action.verb},
      {"playbook", action.playbook},       {"entity", action.entity},
      {"target", action.target},           {"incarnation", action.incarnation},
      {"system", action.system},           {"episode", action.episode},
      {"account", action.account},         {"owner", action.owner},
      {"entitlement", action.entitlement}, {"entitlement_name", action.entitlement_name},
      {"policies", std::move(names)}};
  return json.dump(-1, ' ', false, SortedJson::error_handler_t::replace);
}

Status DecodeRecord(std::string_view text, AuditEvent& event) {
  const Error malformed{ErrorKind::kCorrupt, "the record of an action that was held is malformed",
                        kRestoreHelp};
  const SortedJson json = SortedJson::parse(text, nullptr, false);
  if (!json.is_object() || json.value("format", "") != kRecordFormat) return malformed;
  try {
    AuditAction& action = event.action.emplace();
    const auto texts = {std::pair("verb", &action.verb),
                        std::pair("playbook", &action.playbook),
                        std::pair("entity", &action.entity),
                        std::pair("target", &action.target),
                        std::pair("system", &action.system),
                        std::pair("account", &action.account),
                        std::pair("owner", &action.owner),
                        std::pair("entitlement", &action.entitlement),
                        std::pair("entitlement_name", &action.entitlement_name)};
    for (const auto& [name, into] : texts) *into = json.at(name).get<std::string>();
    action.incarnation = json.at("incarnation").get<uint32_t>();
    action.episode = json.at("episode").get<uint32_t>();
    for (const SortedJson& name : json.at("policies")) {
      event.policies.emplace_back().name = name.get<std::string>();
    }
  } catch (const SortedJson::exception&) {
    return malformed;
  }
  return {};
}

// ---- Entries ----------------------------------------------------------------------------------

class HeldWriter {
 public:
  explicit HeldWriter(const HeldLogContext& context) : context_(context) {}

  // `because`: what holds it, of the policies that this run is about.
  Status Held(const PlannedAction& planned, const std::string& because) {
    AuditEvent event = EventOf(AuditKind::kHeld);
    event.action = AuditActionOf(planned.action);
    for (const ActionReason& reason : planned.action.reasons) {
      event.policies.push_back(AuditPolicyOf(reason, MeaningOf(context_.program, reason.policy)));
    }
    event.outcome = {because, true};
    batch_.Put(fmt::format("{}{}", kHeldActionPrefix, planned.action.key),
               EncodeRecord(*event.action, event.policies));
    return Add(std::move(event));
  }

  Status HeldNoMore(const HeldNews::Ended& ended) {
    AuditEvent event = EventOf(AuditKind::kHoldEnded);
    RESCIND_TRY(DecodeRecord(ended.record, event));
    event.action->key = ended.key.substr(kHeldActionPrefix.size());
    for (AuditPolicy& policy : event.policies) {
      policy.source_hash = MeaningOf(context_.program, policy.name);
    }
    event.outcome = {ended.why, false};
    batch_.Delete(ended.key);
    return Add(std::move(event));
  }

  Status PassedOver(const NotActedOn& row) {
    AuditEvent event = EventOf(AuditKind::kPassedOver);
    RESCIND_TRY(NameRow(event, row.entity, row.target, context_.store));
    event.policies.push_back(PolicyOf(row.policy));
    event.outcome = {std::string(NotActedReasonWords(row.reason)), false};
    if (!row.by.empty()) event.details["by"] = {row.by, false};
    batch_.Put(PassedOverKey(row), "1");
    return Add(std::move(event));
  }

  void Forget(const std::string& key) { batch_.Delete(key); }

  Status Commit() {
    if (events_.empty() && batch_.empty()) return {};
    RESCIND_TRY(context_.recorder.Record(std::exchange(events_, {}), batch_));
    batch_.Clear();
    return {};
  }

 private:
  AuditEvent EventOf(AuditKind kind) const {
    AuditEvent event;
    event.kind = kind;
    event.at = context_.at;
    event.judged_at = context_.judged_at;
    event.trigger = context_.trigger;
    return event;
  }

  AuditPolicy PolicyOf(const std::string& name) const {
    AuditPolicy policy;
    policy.name = name;
    policy.source_hash = MeaningOf(context_.program, name);
    return policy;
  }

  Status Add(AuditEvent event) {
    events_.push_back(std::move(event));
    return events_.size() < kEntriesOfCommit ? Status() : Commit();
  }

  const HeldLogContext& context_;
  std::vector<AuditEvent> events_;
  KeyValueBatch batch_;
};

// Rows that are passed over, and why: entity, target.
using PassedOverRows = std::map<std::pair<std::string, std::string>, std::string>;

PassedOverRows PassedOverOf(const Plan& derived) {
  PassedOverRows rows;
  for (const NotActedOn& row : derived.not_acted_on) {
    if (!IsPassedOver(row)) continue;
    rows.emplace(std::pair(row.entity, row.target),
                 fmt::format("it is passed over: {}", NotActedReasonWords(row.reason)));
  }
  return rows;
}

std::string WhyHeldNoMore(const std::map<std::string_view, const PlannedAction*>& planned,
                          const PassedOverRows& passed_over, std::string_view action_key,
                          std::string_view record) {
  const auto found = planned.find(action_key);
  if (found == planned.end()) {
    AuditEvent held;
    if (!DecodeRecord(record, held).ok()) return "nothing asks for it any more";
    const auto row = passed_over.find({held.action->entity, held.action->target});
    return row == passed_over.end() ? "nothing asks for it any more" : row->second;
  }
  if (found->second->left) return "its stage is left to a person";
  if (found->second->status == ActionStatus::kReady) return "nothing holds it any more";
  return "it is not due any more";
}

Status FindHeldActions(const Plan& derived, const ApplyReport& report, const Journal& journal,
                       const KeyValueReader& reader, HeldNews& news) {
  std::map<std::string_view, const PlannedAction*> planned;
  for (const PlannedAction& action : derived.actions) planned.emplace(action.action.key, &action);
  const PassedOverRows passed_over = PassedOverOf(derived);
  std::unordered_set<std::string> said;
  RESCIND_TRY(
      reader.Scan(kHeldActionPrefix, "", [&](std::string_view key, std::string_view record) {
        const std::string action_key(key.substr(kHeldActionPrefix.size()));
        const auto now = planned.find(action_key);
        const bool is_held = now != planned.end() && now->second->status == ActionStatus::kHeld;
        if (is_held || report.held_actions.contains(action_key)) {
          said.insert(action_key);
        } else {
          news.ended.push_back({std::string(key), std::string(record),
                                WhyHeldNoMore(planned, passed_over, action_key, record)});
        }
        return true;
      }));
  for (size_t i = 0; i < derived.actions.size(); ++i) {
    const std::string& key = derived.actions[i].action.key;
    if (!report.held_actions.contains(key) || said.contains(key)) continue;
    RESCIND_ASSIGN(const auto entry, journal.Find(key));
    if (entry && !IsTerminal(entry->state)) continue;
    news.held.push_back(i);
  }
  return {};
}

Status FindPassedOver(const Plan& derived, const KeyValueReader& reader, HeldNews& news) {
  std::map<std::string, size_t> now;
  for (size_t i = 0; i < derived.not_acted_on.size(); ++i) {
    const NotActedOn& row = derived.not_acted_on[i];
    if (IsPassedOver(row)) now.emplace(PassedOverKey(row), i);
  }
  RESCIND_TRY(reader.Scan(kPassedOverPrefix, "", [&](std::string_view key, std::string_view) {
    if (now.erase(std::string(key)) == 0) news.forgotten.emplace_back(key);
    return true;
  }));
  for (const auto& [key, i] : now) news.passed_over.push_back(i);
  std::sort(news.passed_over.begin(), news.passed_over.end());
  return {};
}

}  // namespace

Result<HeldNews> FindHeldNews(const Plan& derived, const ApplyReport& report,
                              const Journal& journal, const KeyValueReader& reader) {
  HeldNews news;
  RESCIND_TRY(FindHeldActions(derived, report, journal, reader, news));
  RESCIND_TRY(FindPassedOver(derived, reader, news));
  RESCIND_ASSIGN(const auto last, reader.Get(kHeldKey));
  const std::string mark = NoticeMark(report);
  news.notices_changed = !mark.empty() && last != mark;
  return news;
}

Status LogHeld(const HeldNews& news, const Plan& derived, const ApplyReport& report,
               const HeldLogContext& context) {
  HeldWriter writer(context);
  for (const HeldNews::Ended& ended : news.ended) RESCIND_TRY(writer.HeldNoMore(ended));
  for (const size_t i : news.held) {
    const PlannedAction& planned = derived.actions[i];
    RESCIND_TRY(writer.Held(planned, report.held_actions.at(planned.action.key)));
  }
  for (const std::string& key : news.forgotten) writer.Forget(key);
  for (const size_t i : news.passed_over) RESCIND_TRY(writer.PassedOver(derived.not_acted_on[i]));
  return writer.Commit();
}

void AddHeld(const ApplyReport& report, AuditEvent& event) {
  const auto by_reason = report.HeldByReason();
  if (by_reason.empty()) return;
  std::string because;
  size_t listed = 0;
  for (const auto& [reason, count] : by_reason) {
    if (++listed > kMostReasons) break;
    because += fmt::format("{}{}: {}", because.empty() ? "" : "\n", CountText(count), reason);
  }
  if (by_reason.size() > kMostReasons) {
    because += fmt::format("\nand {} more reasons", by_reason.size() - kMostReasons);
  }
  event.details["held"] = {std::to_string(report.all_held_count()), false};
  event.details["held_notices"] = {std::to_string(report.held_notice_count()), false};
  event.details["held_because"] = {because, true};
}

void PutHeldNotices(const ApplyReport& report, KeyValueBatch& batch) {
  const std::string mark = NoticeMark(report);
  if (mark.empty()) {
    batch.Delete(kHeldKey);
  } else {
    batch.Put(kHeldKey, mark);
  }
}

}  // namespace rescind
