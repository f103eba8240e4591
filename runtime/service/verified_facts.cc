#include "runtime/service/verified_facts.h"

#include <algorithm>
#include <optional>
#include <string_view>

#include "runtime/plan/access_model.h"

namespace rescind {
namespace {

// A workspace can extend the standard model, not take fields away from it; a store of an older
// schema may lack them all the same.
bool SetEnum(const Action& action, const Schema& schema, std::string_view field_name,
             std::string_view member, FactDelta& delta) {
  const auto entity = schema.Find(action.target.entity);
  const auto field = entity ? schema.entity(*entity).Find(field_name) : std::nullopt;
  if (!field) return false;
  const FieldType& type = schema.field(*entity, *field).type;
  if (type.kind != TypeKind::kEnum) return false;
  const auto index = schema.enumeration(type.enumeration).Find(member);
  if (!index) return false;
  delta.BeginRow(*entity, action.target.id);
  delta.SetNumber(*field, *index);
  return true;
}

// `status`: of what was disabled; `mark` says of the row of what was taken away what became of it.
bool AddFact(const Action& action, const Schema& schema, std::string_view status,
             void (FactDelta::*mark)(), FactDelta& delta) {
  switch (action.verb) {
    case Verb::kDisable:
    case Verb::kSuspend: return SetEnum(action, schema, "status", status, delta);
    case Verb::kEnd:
    case Verb::kRevoke:
    case Verb::kDelete: {
      const auto entity = schema.Find(action.target.entity);
      if (!entity) return false;
      delta.BeginRow(*entity, action.target.id);
      (delta.*mark)();
      return true;
    }
    case Verb::kRun:
    case Verb::kNotify: return false;
  }
  return false;
}

}  // namespace

bool AddVerifiedFact(const Action& action, const Schema& schema, FactDelta& delta) {
  return AddFact(action, schema, "disabled", &FactDelta::Delete, delta);
}

bool AddCompensatedFact(const Action& action, const Schema& schema, FactDelta& delta) {
  return AddFact(action, schema, "active", &FactDelta::Restore, delta);
}

void AddUse(const JournalEntry& entry, Instant use, SeenUses& uses) {
  const auto add = [&](const std::string& entity, const std::string& id) {
    const auto [known, is_new] = uses.try_emplace({entity, id}, use);
    if (!is_new) known->second = std::max(known->second, use);
  };
  add(entry.action.target.entity, entry.action.target.id);
  if (!entry.account.empty()) add("account", entry.account);
}

Status AddUseFacts(const SeenUses& uses, Store& store, FactDelta& delta) {
  const Schema& schema = store.schema();
  for (const auto& [row, use] : uses) {
    const auto entity = schema.Find(row.first);
    if (!entity) continue;
    RESCIND_ASSIGN(const auto known, store.Show(*entity, row.second));
    if (!known || known->presence != Presence::kLive) continue;
    bool has_begun = false;
    const auto& fields = schema.entity(*entity).fields;
    for (uint32_t index = 0; index < fields.size(); ++index) {
      if (!TellsUse(fields[index])) continue;
      const auto before = std::find_if(
          known->fields.begin(), known->fields.end(),
          [&](const RowFacts::Field& each) { return each.name == fields[index].name; });
      const bool is_news = before == known->fields.end() || !before->known ||
                           ParseInstant(before->value).value_or(Instant{0}) < use;
      if (!is_news) continue;
      if (!has_begun) delta.BeginRow(*entity, row.second);
      has_begun = true;
      delta.SetNumber(FieldId(index), use.micros);
    }
  }
  return {};
}

}  // namespace rescind
