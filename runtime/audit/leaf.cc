// Too long? {"details":…,"evidence":…,"policies":…} move, one after the other, longest first, to a
// document of their own until the leaf fits, and the leaf gets
// "beside":{"bytes":N,"fields":["evidence"],"sha256":"…"}. The names of policies stay if they can.
#include "runtime/audit/leaf.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "engine/base/assert.h"
#include "engine/base/sha256.h"
#include "runtime/audit/tile.h"

namespace rescind {
namespace {

using Json = nlohmann::json;  // objects are sorted by key

constexpr std::string_view kFormat = "rescind.audit/1";
constexpr const char* kCommitmentField = "commitment";
constexpr std::string_view kCommitmentPrefix = "rescind.commitment/1\n";

// What systems say, and what rows are called, has no limit of its own. The second limits are for
// texts that grow sixfold when they are escaped: with them every leaf fits.
struct TextLimits {
  size_t sentence_bytes = 4096;
  size_t name_bytes = 1024;
};
constexpr TextLimits kTightLimits{256, 256};

std::string Canonical(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

// The beginning of a text, never a part of a character.
std::string Cut(const std::string& text, size_t limit_bytes) {
  size_t end = limit_bytes;
  while (end > 0 && (static_cast<uint8_t>(text[end]) & 0xC0) == 0x80) --end;
  return text.substr(0, end) + "…";
}

class LeafWriter {
 public:
  LeafWriter(std::string_view store_id, TextLimits limits, Random& random)
      : store_id_(store_id), limits_(limits), random_(random) {}

  EncodedLeaf Write(const AuditEvent& event) {
    Json leaf = Header(event);
    if (event.action) leaf["action"] = ActionOf(*event.action);
    for (const AuditPolicy& policy : event.policies) leaf["policies"].push_back(PolicyOf(policy));
    for (const AuditEvidence& evidence : event.evidence) {
      leaf["evidence"].push_back({{"path", evidence.path},
                                  {"source", evidence.source},
                                  {"value", TextOf(evidence.value)}});
    }
    for (const auto& [name, text] : event.details) leaf["details"][name] = TextOf(text);
    result_.leaf = Canonical(leaf);
    if (result_.leaf.size() > kMaxLeafBytes) MoveBeside(leaf);
    return std::move(result_);
  }

 private:
  Json Header(const AuditEvent& event) {
    Json leaf = {{"format", kFormat},
                 {"store", store_id_},
                 {"kind", AuditKindName(event.kind)},
                 {"at", FormatInstant(event.at)}};
    if (event.judged_at) leaf["judged_at"] = FormatInstant(*event.judged_at);
    if (!event.trigger.empty()) leaf["trigger"] = Sentence(event.trigger);
    if (!event.from_state.empty()) leaf["from"] = event.from_state;
    if (!event.to_state.empty()) leaf["to"] = event.to_state;
    if (!event.outcome.text.empty()) leaf["outcome"] = SentenceOf(event.outcome);
    return leaf;
  }

  std::string Sentence(const std::string& text) const {
    return text.size() <= limits_.sentence_bytes ? text : Cut(text, limits_.sentence_bytes);
  }
  // What is cut off is still committed to.
  std::string Name(const std::string& text) const {
    if (text.size() <= limits_.name_bytes) return text;
    return fmt::format("{} sha256:{}", Cut(text, limits_.name_bytes), Sha256Hex(text));
  }

  Json ActionOf(const AuditAction& action) const {
    Json json = {{"key", Name(action.key)},       {"verb", Name(action.verb)},
                 {"entity", Name(action.entity)}, {"target", Name(action.target)},
                 {"system", Name(action.system)}, {"incarnation", action.incarnation},
                 {"episode", action.episode}};
    const auto add = [&](const char* field, const std::string& text) {
      if (!text.empty()) json[field] = Name(text);
    };
    add("playbook", action.playbook);
    add("account", action.account);
    add("owner", action.owner);
    add("entitlement", action.entitlement);
    add("entitlement_name", action.entitlement_name);
    return json;
  }

  Json PolicyOf(const AuditPolicy& policy) {
    Json json = {{"name", policy.name}, {"stage", policy.stage}};
    if (!policy.source_hash.empty()) json["source_hash"] = policy.source_hash;
    if (!policy.finding.empty()) json["finding"] = policy.finding;
    if (!policy.because.text.empty()) json["because"] = SentenceOf(policy.because);
    if (!policy.controls.empty()) json["controls"] = policy.controls;
    return json;
  }

  // What is only committed to takes no room.
  Json SentenceOf(const AuditText& text) {
    return text.personal ? TextOf(text) : Json(Sentence(text.text));
  }

  Json TextOf(const AuditText& text) {
    if (!text.personal) return text.text;
    std::array<uint8_t, kSaltBytes> salt;
    random_.Fill(salt);
    result_.personal.push_back({std::string(salt.begin(), salt.end()), text.text});
    return {{kCommitmentField, CommitmentOf(result_.personal.back())}};
  }

  void MoveBeside(Json& leaf) {
    std::vector<std::pair<size_t, std::string>> movable;
    for (const char* name : {"details", "evidence", "policies"}) {
      if (leaf.contains(name)) movable.emplace_back(Canonical(leaf[name]).size(), name);
    }
    std::sort(movable.rbegin(), movable.rend());
    Json beside = Json::object();
    for (const auto& [bytes, name] : movable) {
      beside[name] = std::move(leaf[name]);
      leaf.erase(name);
      if (name == "policies") leaf[name] = NamesOf(beside[name]);
      if (name == "details") KeepDecisions(beside[name], leaf);
      result_.beside = Canonical(beside);
      std::vector<std::string> fields;
      for (const auto& [field, value] : beside.items()) fields.push_back(field);
      leaf["beside"] = {{"bytes", result_.beside.size()},
                        {"fields", fields},
                        {"sha256", Sha256Hex(result_.beside)}};
      result_.leaf = Canonical(leaf);
      if (result_.leaf.size() <= kMaxLeafBytes) return;
    }
    leaf.erase("policies");
    result_.leaf = Canonical(leaf);
  }

  // Who asks for a policy's entries is not to miss one whose reasons were too long.
  static Json NamesOf(const Json& policies) {
    Json names = Json::array();
    for (const Json& policy : policies) {
      Json& kept = names.emplace_back(Json::object());
      for (const char* field : {"name", "stage", "source_hash"}) {
        if (policy.contains(field)) kept[field] = policy[field];
      }
    }
    return names;
  }

  // What the store is compared with is to be found in the leaf.
  static void KeepDecisions(const Json& details, Json& leaf) {
    for (const char* field : {"decisions", "decisions_of"}) {
      if (details.contains(field)) leaf["details"][field] = details[field];
    }
  }

  std::string_view store_id_;
  const TextLimits limits_;
  Random& random_;
  EncodedLeaf result_;
};

std::string TextField(const Json& object, const char* name) {
  const auto field = object.find(name);
  return field != object.end() && field->is_string() ? field->get<std::string>() : "";
}

const Json& ObjectField(const Json& object, const char* name) {
  static const Json kEmpty = Json::object();
  const auto field = object.find(name);
  return field != object.end() && field->is_object() ? *field : kEmpty;
}

}  // namespace

std::string CommitmentOf(const PersonalValue& value) {
  return "sha256:" + Sha256Hex(fmt::format("{}{}{}", kCommitmentPrefix, value.salt, value.value));
}

EncodedLeaf EncodeLeaf(const AuditEvent& event, std::string_view store_id, Random& random) {
  EncodedLeaf leaf = LeafWriter(store_id, {}, random).Write(event);
  if (leaf.leaf.size() > kMaxLeafBytes) {
    leaf = LeafWriter(store_id, kTightLimits, random).Write(event);
  }
  RESCIND_ASSERT(leaf.leaf.size() <= kMaxLeafBytes, "a leaf does not fit");
  return leaf;
}

Result<LeafView> ReadLeaf(std::string_view leaf) {
  const Json json = Json::parse(leaf, nullptr, false);
  if (!json.is_object() || TextField(json, "format").empty()) {
    return Error{ErrorKind::kCorrupt, "not an audit entry: no JSON object with a format", ""};
  }
  LeafView view;
  view.format = TextField(json, "format");
  view.is_newer = view.format != kFormat;
  view.kind = TextField(json, "kind");
  view.at = TextField(json, "at");
  view.from = TextField(json, "from");
  view.to = TextField(json, "to");
  view.outcome_commitment = TextField(ObjectField(json, "outcome"), kCommitmentField);
  view.outcome = view.outcome_commitment.empty() ? TextField(json, "outcome") : kCommittedText;
  view.trigger = TextField(json, "trigger");
  const Json& action = ObjectField(json, "action");
  view.action_key = TextField(action, "key");
  view.verb = TextField(action, "verb");
  view.entity = TextField(action, "entity");
  view.target = TextField(action, "target");
  view.system = TextField(action, "system");
  view.account = TextField(action, "account");
  view.owner = TextField(action, "owner");
  view.entitlement = TextField(action, "entitlement");
  view.entitlement_name = TextField(action, "entitlement_name");
  const Json& details = ObjectField(json, "details");
  view.decisions = TextField(details, "decisions");
  view.decisions_of = TextField(details, "decisions_of");
  if (action.empty()) {  // a message and an exemption are about a row, too
    view.entity = TextField(details, "entity");
    view.target = TextField(details, "target");
    view.account = TextField(details, "account");
    view.owner = TextField(details, "person");
    view.system = TextField(details, "system");
  }
  view.beside_sha256 = TextField(ObjectField(json, "beside"), "sha256");
  const auto policies = json.find("policies");
  if (policies != json.end() && policies->is_array()) {
    for (const Json& policy : *policies) {
      if (policy.is_object()) view.policies.push_back(TextField(policy, "name"));
    }
  }
  return view;
}

std::string IndentLeaf(std::string_view leaf) {
  return Json::parse(leaf, nullptr, false).dump(2, ' ', false, Json::error_handler_t::replace);
}

std::optional<KeyRotation> ReadRotation(std::string_view leaf) {
  const Json json = Json::parse(leaf, nullptr, false);
  if (!json.is_object() || TextField(json, "kind") != "key_rotated") return std::nullopt;
  const Json& details = ObjectField(json, "details");
  KeyRotation rotation{TextField(details, "from"), TextField(details, "to"),
                       TextField(details, "signature")};
  if (rotation.from.empty() || rotation.to.empty()) return std::nullopt;
  return rotation;
}

std::string RotationStatement(std::string_view from, std::string_view to, uint64_t leaf_index) {
  return fmt::format("rescind.key-rotation/1\n{}\n{}\n{}\n", from, to, leaf_index);
}

}  // namespace rescind
