#include "runtime/service/row_owner.h"

namespace rescind {
namespace {

// The id that a reference of the row names; empty for none.
std::string ReferenceOf(const RowFacts& facts, std::string_view field) {
  for (const RowFacts::Field& each : facts.fields) {
    if (each.name == field) return each.known ? each.value : "";
  }
  return "";
}

}  // namespace

Result<RowOwner> FindRowOwner(Store& store, std::string_view entity, std::string_view id) {
  RowOwner owner;
  const auto find = [&](std::string_view name,
                        std::string_view row) -> Result<std::optional<RowFacts>> {
    const auto of = store.schema().Find(name);
    if (!of) return std::optional<RowFacts>();
    return store.Show(*of, row);
  };
  if (entity == "identity") return owner;
  RESCIND_ASSIGN(auto facts, find(entity, id));
  if (facts) owner.system = ReferenceOf(*facts, "system");
  if (entity != "account") {
    if (facts) owner.account = ReferenceOf(*facts, "account");
    if (owner.account.empty()) return owner;
    RESCIND_ASSIGN(facts, find("account", owner.account));
  }
  if (!facts) return owner;
  owner.person = ReferenceOf(*facts, "owner");
  const std::string home = ReferenceOf(*facts, "system");
  if (!home.empty()) owner.system = home;
  return owner;
}

Status NameRow(AuditEvent& event, const std::string& entity, const std::string& id, Store& store) {
  event.details["entity"] = {entity, false};
  event.details["target"] = {id, false};
  RESCIND_ASSIGN(const RowOwner owner, FindRowOwner(store, entity, id));
  if (!owner.account.empty()) event.details["account"] = {owner.account, false};
  if (!owner.person.empty()) event.details["person"] = {owner.person, false};
  if (!owner.system.empty()) event.details["system"] = {owner.system, false};
  return {};
}

}  // namespace rescind
