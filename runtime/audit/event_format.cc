#include "runtime/audit/event_format.h"
#include "engine/base/visible_text.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "engine/base/instant.h"
#include "runtime/audit/leaf.h"

namespace rescind {
namespace {

using OrderedJson = nlohmann::ordered_json;

std::string OneLine(const OrderedJson& json) {
  return VisibleJson(json.dump(-1, ' ', false, OrderedJson::error_handler_t::replace));
}

int64_t MillisOf(const LeafView& leaf) {
  const auto at = ParseInstant(leaf.at);
  return at ? at->micros / 1000 : 0;
}

std::string IdOf(std::string_view origin, uint64_t index) {
  return fmt::format("{}/{}", origin, index);
}

// ---- OCSF 1.1 (category 3, Identity & Access Management) --------------------------------------

struct OcsfClass {
  int class_uid;
  int activity_id;
  std::string_view activity_name;
};

// What was done to whom is only said of a verified action: everything before it is an intention,
// and told as management of the entity.
OcsfClass OcsfClassOf(const LeafView& leaf) {
  const bool is_done = leaf.kind == "transition" && leaf.to == "verified";
  if (is_done && leaf.entity == "account" && leaf.verb == "delete") return {3001, 6, "Delete"};
  if (is_done && leaf.entity == "account") return {3001, 5, "Disable"};
  if (is_done && leaf.entity == "grant") return {3005, 2, "Revoke Privileges"};
  if (is_done && leaf.entity == "session") return {3002, 2, "Logoff"};
  if (is_done) return {3004, 4, "Delete"};
  return {3004, 99, "Other"};
}

std::string FormatOcsf(std::string_view origin, uint64_t index, const LeafView& leaf,
                       std::string_view bytes) {
  const OcsfClass type = OcsfClassOf(leaf);
  const bool has_failed = leaf.to == "escalated";
  const bool is_done = leaf.to == "verified";
  OrderedJson event = {
      {"category_uid", 3},
      {"class_uid", type.class_uid},
      {"activity_id", type.activity_id},
      {"activity_name",
       type.activity_id == 99 && !leaf.to.empty() ? leaf.to : std::string(type.activity_name)},
      {"type_uid", type.class_uid * 100 + type.activity_id},
      {"time", MillisOf(leaf)},
      {"severity_id", has_failed ? 4 : 1},
      {"status_id", is_done      ? 1
                    : has_failed ? 2
                                 : 99},
      {"message", leaf.outcome},
      {"metadata",
       {{"version", "1.1.0"},
        {"uid", IdOf(origin, index)},
        {"event_code", leaf.kind},
        {"log_name", origin},
        {"product", {{"name", "Rescind"}, {"vendor_name", "Rescind"}}}}},
      {"raw_data", bytes},
  };
  if (!leaf.action_key.empty()) event["metadata"]["correlation_uid"] = leaf.action_key;
  if (type.class_uid == 3004) {
    event["entity"] = {{"type", leaf.entity.empty() ? leaf.kind : leaf.entity},
                       {"uid", leaf.target}};
  } else {
    event["user"] = {{"uid", leaf.account.empty() ? leaf.target : leaf.account},
                     {"domain", leaf.system}};
  }
  if (type.class_uid == 3005) {
    event["privileges"] = {leaf.entitlement.empty() ? leaf.target : leaf.entitlement};
  }
  if (!leaf.policies.empty()) event["unmapped"]["policies"] = leaf.policies;
  if (!leaf.account.empty()) event["unmapped"]["account"] = leaf.account;
  if (!leaf.owner.empty()) event["unmapped"]["owner"] = leaf.owner;
  return OneLine(event);
}

// ---- CloudEvents 1.0 --------------------------------------------------------------------------

std::string FormatCloudEvent(std::string_view origin, uint64_t index, const LeafView& leaf,
                             std::string_view bytes) {
  const OrderedJson data = OrderedJson::parse(bytes, nullptr, false);
  OrderedJson event = {{"specversion", "1.0"},
                       {"id", IdOf(origin, index)},
                       {"source", fmt::format("/{}", origin)},
                       {"type", fmt::format("rescind.audit.{}", leaf.kind)},
                       {"time", leaf.at},
                       {"datacontenttype", "application/json"}};
  if (!leaf.target.empty()) event["subject"] = leaf.target;
  event["data"] = data;
  return OneLine(event);
}

// ---- RFC 5424 ---------------------------------------------------------------------------------

constexpr int kLogAudit = 13;                                // facility
constexpr std::string_view kStructuredId = "rescind@32473";  // the number kept for documentation
constexpr size_t kMaxMessageBytes = 1024;

// Line by line, and nothing that a screen hides or obeys.
std::string SyslogText(std::string text) {
  for (char& c : text) {
    if (static_cast<uint8_t>(c) < ' ' || c == '\x7F') c = ' ';
  }
  return Visible(text);
}

std::string SyslogValue(std::string_view text) {
  std::string value;
  for (const char c : SyslogText(std::string(text))) {
    if (c == '"' || c == '\\' || c == ']') value.push_back('\\');
    value.push_back(c);
  }
  return value;
}

std::string FormatSyslog(std::string_view origin, uint64_t index, const LeafView& leaf) {
  const bool is_held = leaf.to == "held" || leaf.kind == "held";
  const int severity = leaf.to == "escalated" ? 3 : is_held ? 4 : 5;
  std::string line =
      fmt::format("<{}>1 {} - rescind - {} [{} log=\"{}\" index=\"{}\"", kLogAudit * 8 + severity,
                  leaf.at, SyslogValue(leaf.kind), kStructuredId, SyslogValue(origin), index);
  const auto add = [&](std::string_view name, std::string_view value) {
    if (!value.empty()) line += fmt::format(" {}=\"{}\"", name, SyslogValue(value));
  };
  add("action", leaf.action_key);
  add("verb", leaf.verb);
  add("entity", leaf.entity);
  add("target", leaf.target);
  add("system", leaf.system);
  add("account", leaf.account);
  add("owner", leaf.owner);
  add("entitlement", leaf.entitlement);
  add("from", leaf.from);
  add("to", leaf.to);
  if (!leaf.policies.empty()) add("policy", leaf.policies.front());
  std::string message = leaf.outcome.substr(0, kMaxMessageBytes);
  // Not in the middle of a character.
  while (!message.empty() && message.size() < leaf.outcome.size() &&
         (static_cast<uint8_t>(leaf.outcome[message.size()]) & 0xC0) == 0x80) {
    message.pop_back();
  }
  return fmt::format("{}] \xEF\xBB\xBF{}", line, SyslogText(std::move(message)));
}

}  // namespace

std::optional<EventFormat> ParseEventFormat(std::string_view name) {
  if (name == "ocsf") return EventFormat::kOcsf;
  if (name == "cloudevents") return EventFormat::kCloudEvents;
  if (name == "syslog") return EventFormat::kSyslog;
  return std::nullopt;
}

Result<std::string> FormatEvent(EventFormat format, std::string_view origin, uint64_t index,
                                std::string_view leaf) {
  RESCIND_ASSIGN(const LeafView view, ReadLeaf(leaf));
  switch (format) {
    case EventFormat::kOcsf: return FormatOcsf(origin, index, view, leaf);
    case EventFormat::kCloudEvents: return FormatCloudEvent(origin, index, view, leaf);
    case EventFormat::kSyslog: return FormatSyslog(origin, index, view);
  }
  return Error{ErrorKind::kUnsupported, "unknown format of events", ""};
}

}  // namespace rescind
